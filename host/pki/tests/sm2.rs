//! Keys, digests, signatures and ciphertexts, with the worked examples of GM/T 0003.5.

use hex::FromHex;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ukey_pki::sm2::{Ciphertext, DEFAULT_ID, Error, digest, encrypt, verify_digest, z_value};
use ukey_pki::{KeyPair, PublicKey, Signature};

/// The key of the worked examples.
const D: &str = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8";
/// The order n of the base point.
const ORDER: &str = "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123";

fn bytes<T: FromHex>(text: &str) -> T
where
    T::Error: std::fmt::Debug,
{
    T::from_hex(text).unwrap()
}

fn example() -> KeyPair {
    KeyPair::from_bytes(&bytes(D)).unwrap()
}

#[test]
fn the_worked_signature_verifies_and_its_neighbours_do_not() {
    let key = example().public_key();
    assert_eq!(
        hex::encode_upper(key.x()),
        "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    );
    assert_eq!(
        hex::encode_upper(key.y()),
        "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
    );
    assert_eq!(
        hex::encode_upper(z_value(&key, DEFAULT_ID)),
        "B2E14C5C79C6DF5B85F4FE7ED8DB7A262B9DA7E07CCB0EA9F4747B8CCDA8A4F3"
    );
    let e = digest(&key, DEFAULT_ID, b"message digest");
    assert_eq!(hex::encode_upper(e), "F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640");
    let signature = Signature::from_bytes(bytes(
        "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3\
         B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA",
    ));
    assert_eq!(verify_digest(&key, &e, &signature), Ok(()));

    let mut other = e;
    other[31] ^= 1;
    assert_eq!(verify_digest(&key, &other, &signature), Err(Error::Signature));
    let other_id = digest(&key, b"ALICE123@YAHOO.COM", b"message digest");
    assert_eq!(verify_digest(&key, &other_id, &signature), Err(Error::Signature));
    let stranger = KeyPair::from_bytes(&[1; 32]).unwrap().public_key();
    assert_eq!(verify_digest(&stranger, &e, &signature), Err(Error::Signature));
}

#[test]
fn the_worked_ciphertext_opens_and_its_neighbours_do_not() {
    let raw: Vec<u8> = bytes(
        "0404EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73\
         E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0\
         59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766\
         21886CA989CA9C7D58087307CA93092D651EFA",
    );
    let ciphertext = Ciphertext::from_raw(&raw).unwrap();
    assert_eq!(example().decrypt(&ciphertext).unwrap().as_slice(), b"encryption standard");
    assert_eq!(ciphertext.to_raw(), raw);

    let stranger = KeyPair::from_bytes(&[1; 32]).unwrap();
    assert_eq!(stranger.decrypt(&ciphertext), Err(Error::Decrypt));
    for index in [65, 96, 97, raw.len() - 1] {
        let mut changed = raw.clone();
        changed[index] ^= 1;
        let changed = Ciphertext::from_raw(&changed).unwrap();
        assert_eq!(example().decrypt(&changed), Err(Error::Decrypt), "byte {index}");
    }
    let mut off_curve = raw.clone();
    off_curve[40] ^= 1;
    assert_eq!(Ciphertext::from_raw(&off_curve), Err(Error::CiphertextEncoding));
    assert_eq!(Ciphertext::from_raw(&raw[..96]), Err(Error::CiphertextEncoding));
    let empty = Ciphertext::from_raw(&raw[..97]).unwrap();
    assert_eq!(example().decrypt(&empty), Err(Error::Decrypt));
}

#[test]
fn a_private_key_is_from_1_to_n_minus_2() {
    let order: [u8; 32] = bytes(ORDER);
    let below = |distance: u8| {
        let mut d = order;
        d[31] -= distance;
        KeyPair::from_bytes(&d)
    };
    assert_eq!(below(0).unwrap_err(), Error::PrivateKey);
    assert_eq!(below(1).unwrap_err(), Error::PrivateKey, "1 + d is zero");
    assert_eq!(KeyPair::from_bytes(&[0; 32]).unwrap_err(), Error::PrivateKey);
    let largest = below(2).unwrap();
    let e = [5; 32];
    let signature = largest.sign_digest(&e).unwrap();
    assert_eq!(verify_digest(&largest.public_key(), &e, &signature), Ok(()));
}

#[test]
fn a_public_key_is_on_the_curve_and_survives_its_encodings() {
    let key = example().public_key();
    assert_eq!(PublicKey::from_coordinates(&key.x(), &key.y()), Ok(key));
    assert_eq!(PublicKey::from_sec1(&key.to_sec1()), Ok(key));
    let compressed: Vec<u8> = [&[2 | key.y()[31] & 1][..], &key.x()].concat();
    assert_eq!(PublicKey::from_sec1(&compressed), Ok(key));
    let spki = key.to_spki_der();
    assert_eq!(hex::encode(&spki[..27]), "3059301306072a8648ce3d020106082a811ccf5501822d03420004");
    assert_eq!(PublicKey::from_spki_der(&spki), Ok(key));

    let mut y = key.y();
    y[31] ^= 1;
    assert_eq!(PublicKey::from_coordinates(&key.x(), &y), Err(Error::PublicKey));
    assert_eq!(PublicKey::from_sec1(&[0]), Err(Error::PublicKey), "infinity");
    let mut p256 = spki.clone();
    p256[14] ^= 1;
    assert_eq!(PublicKey::from_spki_der(&p256), Err(Error::NotSm2));
    let mut other_algorithm = spki.clone();
    other_algorithm[12] ^= 1;
    assert_eq!(PublicKey::from_spki_der(&other_algorithm), Err(Error::NotSm2));
    assert_eq!(PublicKey::from_spki_der(&spki[..90]), Err(Error::NotSm2));
}

#[test]
fn a_signature_survives_der_and_is_in_range() {
    let signature = example().sign_digest(&[9; 32]).unwrap();
    assert_eq!(Signature::from_der(&signature.to_der().unwrap()), Ok(signature));
    assert_eq!(example().sign_digest(&[9; 32]).unwrap(), signature, "deterministic");
    assert_ne!(example().sign_digest(&[8; 32]).unwrap(), signature);

    let key = example().public_key();
    for bad in [[0; 64], [0xFF; 64]] {
        let bad = Signature::from_bytes(bad);
        assert_eq!(verify_digest(&key, &[9; 32], &bad), Err(Error::SignatureEncoding));
        assert_eq!(bad.to_der(), Err(Error::SignatureEncoding));
    }
    // The raw form inside a BIT STRING is what a wrong adaptor would write.
    assert_eq!(Signature::from_der(&signature.to_bytes()), Err(Error::SignatureEncoding));
}

#[test]
fn encryption_round_trips_in_both_encodings_and_follows_the_generator() {
    let pair = example();
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    for length in [1, 16, 31, 32, 33, 200] {
        let plaintext = vec![0xA5; length];
        let ciphertext = encrypt(&pair.public_key(), &plaintext, &mut rng).unwrap();
        assert_eq!(ciphertext.cipher().len(), length);
        assert_eq!(Ciphertext::from_der(&ciphertext.to_der()), Ok(ciphertext.clone()));
        let parts = Ciphertext::from_parts(
            &ciphertext.x(),
            &ciphertext.y(),
            *ciphertext.hash(),
            ciphertext.cipher().to_vec(),
        );
        assert_eq!(pair.decrypt(&parts.unwrap()).unwrap().as_slice(), plaintext);
    }
    assert_eq!(encrypt(&pair.public_key(), b"", &mut rng), Err(Error::EmptyPlaintext));

    let seeded = |seed| encrypt(&pair.public_key(), b"x", &mut ChaCha20Rng::from_seed([seed; 32])).unwrap();
    assert_eq!(seeded(1), seeded(1));
    assert_ne!(seeded(1), seeded(2));
}

#[test]
fn a_coordinate_with_leading_zeros_survives_der() {
    let pair = example();
    let mut rng = ChaCha20Rng::from_seed([4; 32]);
    let short = std::iter::repeat_with(|| encrypt(&pair.public_key(), b"x", &mut rng).unwrap())
        .find(|ciphertext| ciphertext.x()[0] == 0)
        .unwrap();
    assert_eq!(Ciphertext::from_der(&short.to_der()), Ok(short));
}

#[test]
fn no_secret_shows() {
    let pair = example();
    let shown = format!("{pair:?}").to_uppercase();
    assert!(shown.contains("09F9DF311E5421A1"), "the public key does show");
    assert!(!shown.contains(&D[..8]));
    assert_eq!(hex::encode_upper(*pair.to_bytes()), D);
}
