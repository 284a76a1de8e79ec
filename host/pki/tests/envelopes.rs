//! Enveloped keys and the response that carries them.

mod common;

use common::{World, flipped, tlv};
use ukey_pki::sm2::encrypt;
use ukey_pki::{
    Certificate, CsrResponse, EnvelopedKey, Error, KeyPair, OpenError, PrivateKeyForm, SymmetricAlgorithm,
};

const FORMS: [(PrivateKeyForm, usize); 2] = [(PrivateKeyForm::Bytes32, 32), (PrivateKeyForm::Bytes64, 64)];

#[test]
fn an_envelope_opens_with_the_sign_key_alone() {
    let mut world = World::new(20);
    let recipient = world.sign_key.public_key();
    for (form, length) in FORMS {
        let sealed = EnvelopedKey::seal(&world.encryption_key, &recipient, form, &mut world.rng);
        let read = EnvelopedKey::from_der(&sealed.to_der()).unwrap();
        assert_eq!(read, sealed);
        assert_eq!(read.form(), form);
        assert_eq!(read.encrypted_private_key(form).unwrap().len(), length);
        assert_eq!(read.open(&world.sign_key).unwrap().to_bytes(), world.encryption_key.to_bytes());
        assert_eq!(read.open(&world.encryption_key).unwrap_err(), OpenError::OtherRecipient);
    }
}

#[test]
fn its_parts_are_those_of_the_token_command() {
    let mut world = World::new(21);
    let recipient = world.sign_key.public_key();
    let long = EnvelopedKey::seal(&world.encryption_key, &recipient, PrivateKeyForm::Bytes64, &mut world.rng);
    assert_eq!(long.algorithm(), SymmetricAlgorithm::Sm4Ecb);
    assert_eq!((SymmetricAlgorithm::Sm4Ecb.sgd(), SymmetricAlgorithm::Sm1Ecb.sgd()), (0x401, 0x101));
    assert_eq!(long.public_key(), world.encryption_key.public_key());
    assert_eq!(long.symmetric_key().cipher().len(), 16);
    assert_eq!(world.sign_key.decrypt(long.symmetric_key()).unwrap().len(), 16);

    let bytes = long.encrypted_private_key(PrivateKeyForm::Bytes64).unwrap();
    assert_eq!(bytes[..16], bytes[16..32], "ECB over two blocks of zeros");
    assert_eq!(long.encrypted_private_key(PrivateKeyForm::Bytes32).unwrap(), &bytes[32..]);
    let short =
        EnvelopedKey::seal(&world.encryption_key, &recipient, PrivateKeyForm::Bytes32, &mut world.rng);
    assert_eq!(short.encrypted_private_key(PrivateKeyForm::Bytes64), None);
}

#[test]
fn a_changed_envelope_does_not_open() {
    let world = World::new(22);
    let der = world.envelope.to_der();
    let last = EnvelopedKey::from_der(&flipped(&der, -1)).unwrap();
    assert_eq!(last.open(&world.sign_key).unwrap_err(), OpenError::PairMismatch);
    // In the blocks that must be zero.
    let padding = EnvelopedKey::from_der(&flipped(&der, -64)).unwrap();
    assert_eq!(padding.open(&world.sign_key).unwrap_err(), OpenError::PairMismatch);

    let place = der.windows(8).position(|window| window == hex::decode("2a811ccf55016801").unwrap()).unwrap();
    let mut sm1 = der.clone();
    sm1[place + 6] = 0x66;
    let sm1 = EnvelopedKey::from_der(&sm1).unwrap();
    assert_eq!(sm1.algorithm(), SymmetricAlgorithm::Sm1Ecb);
    assert_eq!(sm1.open(&world.sign_key).unwrap_err(), OpenError::Algorithm(SymmetricAlgorithm::Sm1Ecb));
    let mut unknown = der;
    unknown[place + 6] = 0x67;
    assert!(matches!(EnvelopedKey::from_der(&unknown), Err(Error::Algorithm { .. })));
}

#[test]
fn the_algorithm_is_read_with_a_null_and_without_a_mode() {
    let world = World::new(23);
    let der = world.envelope.to_der();
    let wanted = hex::decode("300a06082a811ccf55016801").unwrap();
    let place = der.windows(wanted.len()).position(|window| window == wanted).unwrap();
    let with = |algorithm: &str| {
        let contents =
            [&der[4..place], &hex::decode(algorithm).unwrap(), &der[place + wanted.len()..]].concat();
        let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
        EnvelopedKey::from_der(&[&[0x30, 0x82], &length[..], &contents].concat())
    };
    assert_eq!(der[..2], [0x30, 0x82], "the head is 4 bytes long");
    for algorithm in ["300c06082a811ccf550168010500", "300906072a811ccf550168", "300b06072a811ccf5501680500"]
    {
        assert_eq!(with(algorithm).unwrap(), world.envelope, "{algorithm}");
    }
    assert!(with("300906072a811ccf550169").is_err());
}

#[test]
fn a_private_key_has_32_or_64_bytes_and_no_others() {
    let world = World::new(29);
    let der = world.envelope.to_der();
    // The last member is 03 41 00 and 64 bytes.
    let head = der.len() - 67;
    assert_eq!(der[head..head + 3], [3, 65, 0]);
    let with = |length: u8| {
        let bits = [&[3, length + 1, 0][..], &vec![0xA5; usize::from(length)]].concat();
        EnvelopedKey::from_der(&tlv(0x30, [&der[4..head], &bits].concat()))
    };
    assert!(with(32).is_ok() && with(64).is_ok());
    for length in [0, 16, 31, 33, 48, 63, 80] {
        assert!(matches!(with(length), Err(Error::Malformed { .. })), "{length}");
    }
}

#[test]
fn a_symmetric_key_of_another_length_is_refused() {
    let mut world = World::new(24);
    let der = world.envelope.to_der();
    let fresh = encrypt(&world.sign_key.public_key(), &[0; 15], &mut world.rng).unwrap();
    let old = world.envelope.symmetric_key().to_der();
    let place = der.windows(old.len()).position(|window| window == old).unwrap();
    let envelope = EnvelopedKey::from_der(&tlv(
        0x30,
        [&der[4..place], &fresh.to_der(), &der[place + old.len()..]].concat(),
    ))
    .unwrap();
    assert_eq!(envelope.open(&world.sign_key).unwrap_err(), OpenError::SymmetricKeyLength(15));
}

#[test]
fn a_response_carries_both_certificates_and_the_key() {
    let world = World::new(25);
    let read = CsrResponse::from_der(&world.response.to_der().unwrap()).unwrap();
    assert_eq!(read, world.response);
    assert_eq!(read.sign_certificate(), &world.sign);
    assert_eq!(read.encryption_certificate(), Some(&world.encryption));
    let pair = read.enveloped_key().unwrap().open(&world.sign_key).unwrap();
    assert_eq!(pair.public_key(), read.encryption_certificate().unwrap().public_key().unwrap());

    let single = CsrResponse::single(world.sign);
    let read = CsrResponse::from_der(&single.to_der().unwrap()).unwrap();
    assert_eq!(read, single);
    assert_eq!((read.enveloped_key(), read.encryption_certificate()), (None, None));
}

#[test]
fn a_response_does_not_mix_keys() {
    let mut world = World::new(26);
    let other = KeyPair::generate(&mut world.rng);
    let recipient = world.sign_key.public_key();
    let envelope = EnvelopedKey::seal(&other, &recipient, PrivateKeyForm::Bytes32, &mut world.rng);
    let refused = CsrResponse::double(world.sign, envelope, world.encryption);
    assert!(matches!(refused, Err(Error::KeyMismatch)));
}

#[test]
fn a_response_is_read_in_either_tagging_and_with_chains() {
    let world = World::new(27);
    let set = |certificates: &[&Certificate]| -> Vec<u8> {
        certificates.iter().flat_map(|certificate| certificate.der()).copied().collect()
    };
    let issuing = world.issuing.certificate();
    let signs = tlv(0x31, set(&[issuing, &world.sign]));
    let envelope = world.envelope.to_der();
    let implicit = [&signs[..], &tlv(0xA0, &envelope[4..]), &tlv(0xA1, set(&[&world.encryption]))].concat();
    let explicit =
        [&signs[..], &tlv(0xA0, &envelope), &tlv(0xA1, tlv(0x31, set(&[issuing, &world.encryption])))]
            .concat();
    for body in [implicit, explicit] {
        let read = CsrResponse::from_der(&tlv(0x30, &body)).unwrap();
        assert_eq!(read.sign_certificate(), &world.sign, "the chain's authority is passed over");
        assert_eq!(read.sign_certificates().len(), 2);
        assert_eq!(read.encryption_certificate(), Some(&world.encryption));
        assert_eq!(read.enveloped_key(), Some(&world.envelope));
    }

    let without_certificate = [&signs[..], &tlv(0xA0, &envelope)].concat();
    assert!(matches!(CsrResponse::from_der(&tlv(0x30, &without_certificate)), Err(Error::Malformed { .. })));
    let more = [&signs[..], &tlv(0x02, [1])].concat();
    assert!(matches!(CsrResponse::from_der(&tlv(0x30, &more)), Err(Error::Malformed { .. })));
    let without_sign = tlv(0x31, []);
    assert!(matches!(CsrResponse::from_der(&tlv(0x30, &without_sign)), Err(Error::Malformed { .. })));
}

#[test]
fn sets_inside_sets_are_refused_however_deep() {
    let nested = (0..20_000).fold(Vec::new(), |inner: Vec<u8>, _| match u16::try_from(inner.len()) {
        Ok(..0xFF00) => tlv(0x31, &inner),
        _ => inner,
    });
    assert!(nested.len() > 0xFE00);
    assert!(matches!(CsrResponse::from_der(&tlv(0x30, &nested)), Err(Error::Malformed { .. })));
}

#[test]
fn an_envelope_shows_no_ciphertext_in_logs() {
    let world = World::new(28);
    let shown = format!("{:?}{:?}", world.envelope, world.response).to_lowercase();
    let secret = world.envelope.encrypted_private_key(PrivateKeyForm::Bytes32).unwrap();
    assert!(!shown.contains(&hex::encode(&secret[..8])));
    assert!(shown.contains("bytes64"));
}
