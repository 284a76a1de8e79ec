//! Certificates: the profile that is written, the deviations that are read, and who may have issued what.

mod common;

use common::{World, at, name, tlv, validity};
use sm3::{Digest, Sm3};
use ukey_pki::sm2::{self, DEFAULT_ID, digest};
use ukey_pki::{
    Authority, Certificate, Crl, EndEntity, Error, Identity, IssueError, KeyPair, KeyPurpose, KeyUsage, Name,
    PublicKey, Request,
};

fn sequence(members: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, members.concat())
}

fn contains(der: &[u8], hexadecimal: &str) -> bool {
    let wanted = hex::decode(hexadecimal.replace(' ', "")).unwrap();
    der.windows(wanted.len()).any(|window| window == wanted)
}

#[test]
fn a_pair_of_certificates_follows_the_profile() {
    let world = World::new(2);
    let (sign, encryption) = (&world.sign, &world.encryption);
    assert_eq!((sign.subject(), sign.issuer()), (encryption.subject(), encryption.issuer()));
    assert_ne!(sign.serial(), encryption.serial());
    assert_eq!(sign.public_key().unwrap(), world.sign_key.public_key());
    assert_eq!(encryption.public_key().unwrap(), world.encryption_key.public_key());
    assert_eq!(sign.key_usage(), Some(KeyUsage::SIGN));
    assert_eq!(encryption.key_usage(), Some(KeyUsage::ENCRYPT));
    assert_eq!(KeyPurpose::Encrypt.key_usage(), KeyUsage::ENCRYPT);
    // KeyUsage, critical, with the bits of each kind.
    assert!(contains(sign.der(), "0603551d0f 0101ff 0404 030206c0"));
    assert!(contains(encryption.der(), "0603551d0f 0101ff 0404 03020338"));
    for end in [sign, encryption] {
        assert!(!contains(end.der(), "0603551d13"), "no basic constraints");
        assert!(!end.is_authority());
        assert!(contains(end.der(), "300a 06082a811ccf55018375"), "no parameters");
        assert_eq!(end.identity(), Some(Identity::CreditCode("91110000000000000X".into())));
        assert_eq!(end.crl_address().as_deref(), Some("http://crl.example/list.crl"));
        assert_eq!(end.authority_key_identifier(), world.issuing.certificate().subject_key_identifier());
        assert_eq!(end.serial().as_bytes().len(), 16);
        assert_eq!(end.not_before(), at("2020-01-01T00:00:00Z"));
        assert_eq!(end.not_after(), at("2040-01-01T00:00:00Z"));
    }
    let root = world.root.certificate();
    assert!(root.is_authority() && world.issuing.certificate().is_authority());
    assert!(contains(root.der(), "0603551d13 0101ff 0405 30030101ff"), "no path length");
    assert!(
        contains(world.issuing.certificate().der(), "0603551d13 0101ff 0408 30060101ff020100"),
        "path length 0"
    );
    assert_eq!(root.key_usage(), Some(KeyUsage::AUTHORITY));
    assert_eq!((root.crl_address(), root.identity()), (None, None));
    assert_eq!(sign.subject().organizational_unit(), Some("财务部"));
    assert_eq!(sign.subject().serial_number(), Some("91110000000000000X"));
}

#[test]
fn a_person_carries_an_identity_card_that_logs_do_not_show() {
    let mut world = World::new(3);
    let holder = EndEntity::new(name("张三"), validity("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"))
        .identity(Identity::IdCard("11010119900101001X".into()));
    let certificate = world.issuing.issue_sign(&holder, world.sign_key.public_key(), &mut world.rng).unwrap();
    assert_eq!(certificate.identity(), Some(Identity::IdCard("11010119900101001X".into())));
    assert!(contains(certificate.der(), "06082a811cd014040101 0416 3114 8012 3131"), "SET of [0]");
    assert!(!format!("{certificate:?}{holder:?}").contains("19900101"));

    let holder = holder.identity(Identity::IdCard("张三".into()));
    let refused = world.issuing.issue_sign(&holder, world.sign_key.public_key(), &mut world.rng);
    assert!(matches!(refused, Err(IssueError::Encode(_))));
}

#[test]
fn a_chain_verifies_link_by_link_and_no_other_way() {
    let world = World::new(4);
    let (root, issuing) = (world.root.certificate(), world.issuing.certificate());
    for (certificate, issuer) in
        [(root, root), (issuing, root), (&world.sign, issuing), (&world.encryption, issuing)]
    {
        certificate.verify_issued_by(issuer).unwrap();
    }
    assert!(matches!(world.sign.verify_issued_by(root), Err(Error::Issuer { .. })));
    assert!(matches!(issuing.verify_issued_by(issuing), Err(Error::Issuer { .. })));

    // The same names on other keys: told apart by the key identifier.
    let twin = World::new(5);
    assert!(matches!(world.sign.verify_issued_by(twin.issuing.certificate()), Err(Error::Issuer { .. })));
}

#[test]
fn a_holder_cannot_issue() {
    let mut world = World::new(6);
    // An authority made of an end certificate is refused...
    let refused = Authority::from_parts(world.sign_key.clone(), world.sign.clone());
    assert!(matches!(refused, Err(Error::NotAnAuthority(_))));
    // ... and so is a certificate that an end certificate would have issued: same name and key as an authority's.
    let subject = world.sign.subject().clone();
    let life = validity("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    let forged = Authority::root(&subject, life, world.sign_key.clone(), &mut world.rng).unwrap();
    let victim = EndEntity::new(name("李四"), life);
    let leaf = forged.issue_sign(&victim, world.encryption_key.public_key(), &mut world.rng).unwrap();
    leaf.verify_issued_by(forged.certificate()).unwrap();
    assert!(matches!(leaf.verify_issued_by(&world.sign), Err(Error::NotAnAuthority(_))));
}

#[test]
fn an_authority_is_restored_from_parts_that_belong_together() {
    let mut world = World::new(7);
    let stored = KeyPair::from_bytes(&world.issuing.key().to_bytes()).unwrap();
    let certificate = Certificate::from_pem(&world.issuing.certificate().to_pem()).unwrap();
    let restored = Authority::from_parts(stored, certificate.clone()).unwrap();
    let again = restored.issue_sign(&world.holder, world.sign_key.public_key(), &mut world.rng).unwrap();
    again.verify_issued_by(world.issuing.certificate()).unwrap();
    let refused = Authority::from_parts(world.sign_key.clone(), certificate);
    assert!(matches!(refused, Err(Error::KeyMismatch)));
}

#[test]
fn a_seed_gives_the_same_documents_again() {
    let (one, same, other) = (World::new(8), World::new(8), World::new(9));
    assert_eq!(one.sign, same.sign);
    assert_eq!((one.crl, one.envelope, one.request), (same.crl, same.envelope, same.request));
    assert_ne!(one.sign, other.sign);

    // Frozen: certificates in the field were written in these bytes. SM3 of each document.
    let world = World::new(8);
    for (der, frozen) in [
        (world.root.certificate().der(), "6d6ec0f60635c04adb31041f853cc00630356d6152dc8b0cf79e87727cac91f0"),
        (world.sign.der(), "411a3eddcad568577a4e90ce01398b7623b8e94b47bf4587c7cf572dcee8a30c"),
        (world.request.der(), "9f8aad88847cca8df7166dc70480690818c43ca5c67821c2636ba3895a6d9948"),
        (world.crl.der(), "4b2e0dfc72171c02d6eb0de98593458abdada4c852355c965c4c0671588f537d"),
        (
            &world.response.to_der().unwrap(),
            "0e15d54bf3b5572cd1ec6c2cea20bd46af4e74082198cbb222cf99141a208345",
        ),
    ] {
        assert_eq!(hex::encode(Sm3::digest(der)), frozen);
    }
}

#[test]
fn pem_goes_both_ways_and_its_label_counts() {
    let world = World::new(10);
    let pem = world.sign.to_pem();
    assert_eq!(Certificate::from_pem(&pem).unwrap(), world.sign);
    assert!(matches!(Request::from_pem(&pem), Err(Error::Pem { what: "request", .. })));
    assert!(matches!(Certificate::from_pem("张三"), Err(Error::Pem { .. })));
    let request = world.request.to_pem();
    assert_eq!(Request::from_pem(&request.replace("CERTIFICATE", "NEW CERTIFICATE")).unwrap(), world.request);
}

/// SM2 with SM3 and an explicit NULL.
const ALGORITHM: &str = "300c06082a811ccf550183750500";
/// SM3 alone, which is no signature algorithm.
const OTHER_ALGORITHM: &str = "300c06082a811ccf550183110500";

/// A certificate as some authorities write them, signed so that it verifies.
fn deviant(issuer: &Authority, key: PublicKey, extensions: &[Vec<u8>]) -> Vec<u8> {
    let subject = sequence(&[
        tlv(0x31, sequence(&[hex::decode("060355040a").unwrap(), tlv(0x14, b"Soci\xE9t\xE9")])),
        tlv(
            0x31,
            sequence(&[hex::decode("0603550403").unwrap(), tlv(0x1E, hex::decode("5F204E09").unwrap())]),
        ),
    ]);
    written(issuer, subject, key, extensions, [ALGORITHM; 2])
}

/// A certificate with these parts; the algorithms are those inside and outside the signed part.
fn written(
    issuer: &Authority,
    subject: Vec<u8>,
    key: PublicKey,
    extensions: &[Vec<u8>],
    algorithms: [&str; 2],
) -> Vec<u8> {
    let [inner, outer] = algorithms.map(|algorithm| hex::decode(algorithm).unwrap());
    let part = sequence(&[
        tlv(0xA0, tlv(2, [2])),
        tlv(2, [0x00, 0xFE]),
        inner,
        issuer.certificate().subject().to_der(),
        sequence(&[tlv(0x18, "20260101000000Z"), tlv(0x18, "20270101000000Z")]),
        subject,
        key.to_spki_der(),
        tlv(0xA3, sequence(extensions)),
    ]);
    let e = digest(&issuer.key().public_key(), DEFAULT_ID, &part);
    let signature = issuer.key().sign_digest(&e).unwrap().to_der().unwrap();
    sequence(&[part, outer, tlv(3, [&[0][..], &signature].concat())])
}

fn extension(oid: &str, value: Vec<u8>) -> Vec<u8> {
    sequence(&[tlv(6, hex::decode(oid).unwrap()), tlv(4, value)])
}

#[test]
fn known_deviations_are_read() {
    let world = World::new(11);
    let key = world.sign_key.public_key();
    let explicit_false = extension("551d13", hex::decode("3003010100").unwrap());
    let all_uses = extension("551d0f", hex::decode("030204f0").unwrap());
    let id_card = extension("2a811cd014040101", tlv(0x31, tlv(0xA0, tlv(0x13, "11010119900101001X"))));
    let der = deviant(&world.issuing, key, &[explicit_false, all_uses, id_card]);
    let certificate = Certificate::from_der(&der).unwrap();
    assert_eq!(certificate.der(), der);
    certificate.verify_issued_by(world.issuing.certificate()).unwrap();
    assert_eq!(certificate.subject().organization(), Some("Société"));
    assert_eq!(certificate.subject().common_name(), Some("张三"));
    assert_eq!(certificate.serial().to_string(), "FE");
    assert_eq!(certificate.not_before(), at("2026-01-01T00:00:00Z"));
    let usage = certificate.key_usage().unwrap();
    assert!(usage.contains(KeyUsage::SIGN) && usage.contains(KeyUsage::KEY_ENCIPHERMENT));
    assert!(!usage.contains(KeyUsage::KEY_AGREEMENT) && !certificate.is_authority());
    assert_eq!(certificate.identity(), Some(Identity::IdCard("11010119900101001X".into())));
    assert!(matches!(certificate.verify_issued_by(world.root.certificate()), Err(Error::Issuer { .. })));

    // Without a key identifier, the same name on another key is told apart by the signature.
    let twin = World::new(12);
    let refused = certificate.verify_issued_by(twin.issuing.certificate());
    assert!(matches!(refused, Err(Error::Signature { source: sm2::Error::Signature, .. })));

    let bare = extension("2a811cd014040104", tlv(0x0C, "91110000000000000X"));
    let certificate = Certificate::from_der(&deviant(&world.issuing, key, &[bare])).unwrap();
    assert_eq!(certificate.identity(), Some(Identity::CreditCode("91110000000000000X".into())));
    assert_eq!(certificate.key_usage(), None);
}

#[test]
fn another_algorithm_is_not_taken_for_sm2_even_when_the_signature_would_verify() {
    let world = World::new(19);
    let of = |algorithms| {
        let subject = name("张三").to_der();
        Certificate::from_der(&written(&world.issuing, subject, world.sign_key.public_key(), &[], algorithms))
    };
    let issuing = world.issuing.certificate();
    of([ALGORITHM; 2]).unwrap().verify_issued_by(issuing).unwrap();
    let other = of([OTHER_ALGORITHM; 2]).unwrap();
    assert!(matches!(other.verify_issued_by(issuing), Err(Error::Algorithm { .. })));
    assert!(matches!(of([ALGORITHM, OTHER_ALGORITHM]), Err(Error::Malformed { .. })));
    let parameters = "300d06082a811ccf55018375020100";
    assert!(matches!(of([parameters; 2]), Err(Error::Malformed { .. })));
}

#[test]
fn another_kind_of_key_can_be_looked_at_but_not_used() {
    let world = World::new(13);
    let der = world.sign.der();
    // The curve identifier, its last byte: 1.2.156.10197.1.300.
    let place =
        der.windows(10).position(|window| window == hex::decode("06082a811ccf5501822d").unwrap()).unwrap();
    let mut changed = der.to_vec();
    changed[place + 9] ^= 1;
    let certificate = Certificate::from_der(&changed).unwrap();
    assert_eq!(certificate.subject(), world.sign.subject());
    assert!(matches!(certificate.public_key(), Err(Error::Key { source: sm2::Error::NotSm2, .. })));
    assert!(matches!(Authority::from_parts(world.sign_key, certificate), Err(Error::Key { .. })));
}

#[test]
fn an_authority_does_only_what_its_certificate_allows() {
    let mut world = World::new(17);
    let key = world.sign_key.public_key();
    let is_authority = extension("551d13", hex::decode("30030101ff").unwrap());
    let limited = |usage: &str| {
        let usage = extension("551d0f", hex::decode(usage).unwrap());
        Certificate::from_der(&deviant(&world.root, key, &[is_authority.clone(), usage])).unwrap()
    };
    // keyCertSign alone: certificates, but no revocation list.
    let certificate = limited("03020204");
    let authority = Authority::from_parts(world.sign_key.clone(), certificate.clone()).unwrap();
    let issued = authority.issue_sign(&world.holder, key, &mut world.rng).unwrap();
    issued.verify_issued_by(&certificate).unwrap();
    let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z"));
    let list = Crl::build(&authority, 1, from, to, []).unwrap();
    assert!(matches!(list.verify(&certificate), Err(Error::NotAnAuthority(_))));
    // Without basic constraints: nothing, whatever else is missing.
    let bare = Certificate::from_der(&deviant(&world.root, key, &[])).unwrap();
    assert!(matches!(issued.verify_issued_by(&bare), Err(Error::NotAnAuthority(_))));
    assert!(Authority::from_parts(world.sign_key.clone(), bare).is_err());
    // digitalSignature alone: nothing.
    let refused = Authority::from_parts(world.sign_key.clone(), limited("03020780"));
    assert!(matches!(refused, Err(Error::NotAnAuthority(_))));
    assert!(matches!(issued.verify_issued_by(&limited("03020780")), Err(Error::NotAnAuthority(_))));
}

#[test]
fn an_issuing_authority_certifies_no_other() {
    let mut world = World::new(18);
    let life = validity("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    let refused = world.issuing.issuing(&name("下级"), life, world.sign_key.clone(), &mut world.rng);
    assert!(matches!(refused, Err(IssueError::PathLength(_))));
    // One that did it all the same: a certificate with basic constraints under path length 0.
    let is_authority = extension("551d13", hex::decode("30030101ff").unwrap());
    let der = deviant(&world.issuing, world.sign_key.public_key(), &[is_authority]);
    let refused = Certificate::from_der(&der).unwrap().verify_issued_by(world.issuing.certificate());
    assert!(matches!(refused, Err(Error::NotAnAuthority(_))));

    // A root with path length 0 still verifies with itself.
    let path_length_0 = extension("551d13", hex::decode("30060101ff020100").unwrap());
    let (own, key) = (world.root.certificate().subject().to_der(), world.root.key().public_key());
    let root = written(&world.root, own, key, &[path_length_0], [ALGORITHM; 2]);
    let root = Certificate::from_der(&root).unwrap();
    assert_eq!(root.path_length(), Some(0));
    root.verify_issued_by(&root).unwrap();
}

#[test]
fn a_name_copied_from_a_certificate_keeps_its_bytes() {
    let world = World::new(16);
    let key = world.sign_key.public_key();
    let odd =
        Certificate::from_der(&deviant(&world.issuing, key, &[extension("551d0f", vec![3, 2, 6, 0xC0])]))
            .unwrap();
    let request = Request::build(odd.subject(), &world.sign_key).unwrap();
    assert_eq!(request.subject().to_der(), odd.subject().to_der());
    let same_text: Name = Name::builder().organization("Société").common_name("张三").build().unwrap();
    assert_ne!(&same_text, odd.subject(), "other string types are other bytes");
    assert_eq!(same_text.to_string(), odd.subject().to_string());
}
