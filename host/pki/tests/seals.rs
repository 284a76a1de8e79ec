//! Seals: round trips of v4 and v5, a v1 seal of another program, and each reason not to believe one.

mod common;

use common::{
    at, members, name, replaced,
    seal::{ALGORITHM, GIF, Seals, bits, extension, ia5, now},
    signed_by, tlv, validity,
};
use proptest::prelude::*;
use ukey_pki::seal::{MakeError, Picture, Seal, SealError, SealKind, SealVersion, SignerList, Trust};
use ukey_pki::{Certificate, EndEntity, KeyPair, KeyUsage};

const WRITTEN: [SealVersion; 2] = [SealVersion::V4, SealVersion::V5];

#[test]
fn a_seal_says_what_its_draft_said_and_verifies() {
    let seals = Seals::new(110);
    for version in WRITTEN {
        let mut draft = seals.draft();
        draft.extensions = vec![extension(false)];
        let seal = Seal::from_der(seals.make(version, &draft).der()).unwrap();
        assert_eq!((seal.version(), seal.vendor(), seal.id()), (version, "UKEY", "3400000000001"));
        assert_eq!((seal.kind(), seal.name()), (SealKind::Unit, "示例科技有限公司"));
        assert_eq!((seal.made(), seal.period()), (draft.made, draft.period));
        assert_eq!(seal.signers(), &draft.signers);
        assert_eq!((seal.picture(), seal.extensions()), (&draft.picture, &draft.extensions[..]));
        assert_eq!((seal.picture().kind(), seal.picture().width_mm()), ("GIF", 40));
        assert_eq!((seal.maker(), seal.timestamp()), (&seals.maker, None));
        seal.verify(&seals.trust(), now()).unwrap();
    }
    assert_eq!(seals.seal(SealVersion::V4).header_version(), 4);
    assert_eq!(seals.seal(SealVersion::V5).header_version(), 5);
}

#[test]
fn a_seal_lists_certificates_or_their_digests() {
    let seals = Seals::new(111);
    let (listed, other) = (&seals.world.sign, &seals.world.encryption);
    for version in WRITTEN {
        for signers in [SignerList::certificates([listed]), SignerList::digests([listed])] {
            let mut draft = seals.draft();
            draft.signers = signers.clone();
            let seal = Seal::from_der(seals.make(version, &draft).der()).unwrap();
            assert_eq!(seal.signers(), &signers);
            assert_eq!(seal.signers().len(), 1);
            assert!(seal.lists(listed) && !seal.lists(other), "{signers:?}");
        }
    }
}

#[test]
fn a_list_that_is_not_what_its_type_says_is_not_read() {
    let seals = Seals::new(112);
    let der = seals.seal(SealVersion::V4).der().to_vec();
    // The name ends right before certListType.
    let mark = "有限公司".as_bytes();
    let place = der.windows(mark.len()).position(|window| window == mark).unwrap() + mark.len();
    assert_eq!(der[place..place + 3], [2, 1, 1]);
    for other in [0, 2, 3] {
        let mut changed = der.clone();
        changed[place + 2] = other;
        assert!(Seal::from_der(&changed).is_err(), "{other}");
    }
}

#[test]
fn a_v1_seal_of_another_program_is_read_and_verifies() {
    let seals = Seals::new(113);
    let seal = Seal::from_der(&seals.seal_v1()).unwrap();
    assert_eq!((seal.version(), seal.header_version(), seal.vendor()), (SealVersion::V1, 2, "OTHER"));
    assert_eq!((seal.name(), seal.kind()), ("示例科技有限公司", SealKind::Unit));
    assert_eq!(seal.made(), at("2026-01-01T08:00:00Z"));
    assert_eq!(seal.period(), validity("2026-01-02T00:00:00Z", "2028-12-31T23:59:59Z"));
    assert!(seal.lists(&seals.world.sign) && !seal.lists(&seals.world.encryption));
    assert_eq!(seal.picture().data(), GIF);
    seal.verify(&seals.trust(), now()).unwrap();
    let error = seal.verify(&seals.trust(), at("2029-01-01T00:00:00Z")).unwrap_err();
    assert!(matches!(error, SealError::Expired { .. }), "{error}");

    let error = seals.draft().make(SealVersion::V1, &seals.maker, &seals.maker_key).unwrap_err();
    assert!(matches!(error, MakeError::Version(SealVersion::V1)), "{error}");
}

#[test]
fn a_false_that_is_written_out_is_read_and_verified_as_it_came() {
    let seals = Seals::new(114);
    let mut draft = seals.draft();
    draft.extensions = vec![extension(false)];
    let info = seals.make(SealVersion::V4, &draft).signed_part().to_vec();
    let strict = tlv(0x30, [&b"\x06\x03\x2a\x03\x04"[..], &tlv(4, "value")].concat());
    let explicit = tlv(0x30, [&b"\x06\x03\x2a\x03\x04\x01\x01\x00"[..], &tlv(4, "value")].concat());
    let contents = &info[4..info.len() - tlv(0x30, &strict).len()];
    let longer = tlv(0x30, [contents, &tlv(0x30, explicit)].concat());
    let seal = Seal::from_der(&seals.signed_again(&longer, ALGORITHM)).unwrap();
    assert_eq!(seal.extensions(), [extension(false)]);
    seal.verify(&seals.trust(), now()).unwrap();
    // The same seal with the value left out, under the same signature: no longer what was signed.
    let shorter = seals.signed_again(&longer, ALGORITHM);
    let place = shorter.windows(longer.len()).position(|window| window == longer).unwrap();
    let swapped = tlv(0x30, [&info[..], &shorter[place + longer.len()..]].concat());
    let error = Seal::from_der(&swapped).unwrap().verify(&seals.trust(), now()).unwrap_err();
    assert!(matches!(error, SealError::Signature(_)), "{error}");
}

#[test]
fn algorithms_are_sm2_with_sm3_also_misspelt_and_nothing_else() {
    let seals = Seals::new(115);
    let info = seals.seal(SealVersion::V4).signed_part().to_vec();
    let misspelt = b"\x06\x07\x2a\x81\x1c\xcf\x55\x83\x75";
    let seal = Seal::from_der(&seals.signed_again(&info, misspelt)).unwrap();
    seal.verify(&seals.trust(), now()).unwrap();
    let sm3 = b"\x06\x08\x2a\x81\x1c\xcf\x55\x01\x83\x11";
    let seal = Seal::from_der(&seals.signed_again(&info, sm3)).unwrap();
    let error = seal.verify(&seals.trust(), now()).unwrap_err();
    assert!(matches!(error, SealError::Algorithm(_)), "{error}");
}

#[test]
fn a_seal_is_believed_in_its_period_only() {
    let seals = Seals::new(116);
    for version in WRITTEN {
        let seal = seals.seal(version);
        let verify = |text: &str| seal.verify(&seals.trust(), at(text));
        verify("2026-01-02T00:00:00Z").unwrap();
        verify("2028-12-31T23:59:59Z").unwrap();
        let early = verify("2026-01-01T23:59:59Z").unwrap_err();
        assert!(matches!(early, SealError::NotYetValid { .. }), "{early}");
        let late = verify("2029-01-01T00:00:00Z").unwrap_err();
        assert!(matches!(late, SealError::Expired { .. }), "{late}");
        assert_eq!(late.to_string(), "the seal expired at 2028-12-31T23:59:59Z, before 2029-01-01T00:00:00Z");
    }
}

#[test]
fn a_maker_is_believed_when_its_authority_period_and_usage_are_right() {
    let mut seals = Seals::new(117);
    let seal = seals.seal(SealVersion::V5);
    let strangers = [Seals::new(118).world.issuing.certificate().clone()];
    for untrusted in [&strangers[..], &[]] {
        let error = seal.verify(&Trust::new(untrusted), now()).unwrap_err();
        assert!(matches!(error, SealError::MakerCertificate(_)), "{error}");
    }
    // Among several authorities the right one is found.
    let both = [strangers[0].clone(), seals.authorities[0].clone()];
    seal.verify(&Trust::new(&both), now()).unwrap();

    let maker_at = |text| seal.verify_maker(&seals.trust(), at(text)).unwrap_err();
    assert!(matches!(maker_at("2020-06-01T00:00:00Z"), SealError::MakerNotYetValid { .. }));
    assert!(matches!(maker_at("2035-06-01T00:00:00Z"), SealError::MakerExpired { .. }));

    // A holder of a sign certificate is no maker, unless a verifier names it as one.
    let holder = seals.world.sign.clone();
    let own = seals.draft().make(SealVersion::V4, &holder, &seals.world.sign_key).unwrap();
    let error = own.verify(&seals.trust(), now()).unwrap_err();
    assert!(matches!(error, SealError::NotAMaker(_)), "{error}");
    own.verify(&seals.trust().makers(std::slice::from_ref(&holder)), now()).unwrap();
    let error = seal.verify(&seals.trust().makers(&[holder]), now()).unwrap_err();
    assert!(matches!(error, SealError::NotAMaker(_)), "{error}");

    // An authority's and an encryption certificate are for other things, named or not.
    let issuing = seals.world.issuing.clone();
    let error = seals.draft().make(SealVersion::V4, issuing.certificate(), issuing.key()).unwrap_err();
    assert!(matches!(error, MakeError::Seal(SealError::NotAMaker(_))), "{error}");
    let encryption = seals.world.encryption.clone();
    let error = seals.draft().make(SealVersion::V4, &encryption, &seals.world.encryption_key).unwrap_err();
    assert!(matches!(error, MakeError::Seal(SealError::NotAMaker(_))), "{error}");
    seals.maker = encryption.clone();
    seals.maker_key = seals.world.encryption_key.clone();
    let info = seal.signed_part().to_vec();
    let sealed = Seal::from_der(&seals.signed_again(&info, ALGORITHM)).unwrap();
    let error = sealed.verify(&seals.trust().makers(&[encryption]), now()).unwrap_err();
    assert!(matches!(error, SealError::NotAMaker(_)), "{error}");
}

#[test]
fn a_makers_certificate_is_for_signatures_and_critically_so() {
    let seals = Seals::new(119);
    assert_eq!(seals.maker.key_usage(), Some(KeyUsage::DIGITAL_SIGNATURE));
    assert!(!seals.maker.is_authority());
    seals.maker.verify_issued_by(seals.world.issuing.certificate()).unwrap();
    // keyUsage, critical TRUE, one bit of a BIT STRING with seven unused bits.
    let usage = b"\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x07\x80";
    assert!(seals.maker.der().windows(usage.len()).any(|window| window == usage));
    assert!(!seals.world.sign.der().windows(usage.len()).any(|window| window == usage));
}

#[test]
fn a_seal_that_would_not_verify_is_not_made() {
    let mut seals = Seals::new(120);
    let draft = seals.draft();
    let make = |draft: &ukey_pki::seal::SealDraft, maker: &Certificate, key: &KeyPair| {
        draft.make(SealVersion::V5, maker, key).unwrap_err()
    };
    let refused = |change: &dyn Fn(&mut ukey_pki::seal::SealDraft)| {
        let mut draft = seals.draft();
        change(&mut draft);
        make(&draft, &seals.maker, &seals.maker_key)
    };
    assert!(matches!(refused(&|draft| draft.id.clear()), MakeError::Missing("esID")));
    assert!(matches!(refused(&|draft| draft.name.clear()), MakeError::Missing("name")));
    assert!(matches!(refused(&|draft| draft.vendor = "示例".into()), MakeError::Characters("vendor")));
    assert!(matches!(
        refused(&|draft| draft.signers = SignerList::Certificates(Vec::new())),
        MakeError::Missing(_)
    ));
    let early = refused(&|draft| draft.made = at("2020-12-31T23:59:59Z"));
    assert!(matches!(early, MakeError::Seal(SealError::MakerNotYetValid { .. })), "{early}");
    let late = refused(&|draft| draft.made = at("2035-01-01T00:00:01Z"));
    assert!(matches!(late, MakeError::Seal(SealError::MakerExpired { .. })), "{late}");
    let past = validity("2025-01-01T00:00:00Z", "2026-01-01T07:59:59Z");
    let past = refused(&|draft| draft.period = past);
    assert!(matches!(past, MakeError::Seal(SealError::Expired { .. })), "{past}");
    assert!(matches!(make(&draft, &seals.maker, &seals.world.sign_key), MakeError::KeyMismatch));
    let unit = EndEntity::new(name("示例"), validity("2021-01-01T00:00:00Z", "2035-01-01T00:00:00Z"));
    let key = KeyPair::generate(&mut seals.world.rng);
    let maker = seals.world.issuing.issue_seal_maker(&unit, key.public_key(), &mut seals.world.rng).unwrap();
    draft.make(SealVersion::V5, &maker, &key).unwrap();
}

#[test]
fn critical_extensions_are_neither_made_nor_believed_as_none_is_known() {
    let seals = Seals::new(121);
    let mut draft = seals.draft();
    draft.extensions = vec![extension(false), extension(true)];
    let error = draft.make(SealVersion::V5, &seals.maker, &seals.maker_key).unwrap_err();
    assert!(matches!(error, MakeError::Seal(SealError::CriticalExtension(_))), "{error}");

    draft.extensions.pop();
    let info = seals.make(SealVersion::V5, &draft).signed_part().to_vec();
    let mut parts = members(&info);
    *parts.last_mut().unwrap() =
        tlv(0x30, tlv(0x30, [&b"\x06\x03\x2a\x03\x04\x01\x01\xff"[..], &tlv(4, "value")].concat()));
    let seal = Seal::from_der(&seals.signed_again(&tlv(0x30, parts.concat()), ALGORITHM)).unwrap();
    assert_eq!(seal.extensions(), [extension(true)]);
    let error = seal.verify(&seals.trust(), now()).unwrap_err();
    assert!(matches!(error, SealError::CriticalExtension(_)), "{error}");
}

/// GM/T 0031-2025 judges when a seal was made; the edition before does not.
#[test]
fn a_v5_seal_was_made_before_now_and_while_its_maker_was_valid() {
    let seals = Seals::new(125);
    let tomorrow = ["20260101080000Z", "20260601000001Z"];
    let before_the_maker = ["20260101080000Z", "20201231235959Z"];
    for version in WRITTEN {
        let info = seals.seal(version).signed_part().to_vec();
        let judge = |[from, to]: [&str; 2]| {
            let info = replaced(&info, from.as_bytes(), to.as_bytes());
            Seal::from_der(&seals.signed_again(&info, ALGORITHM)).unwrap().verify(&seals.trust(), now())
        };
        judge(["20260101080000Z", "20260601000000Z"]).unwrap();
        if version == SealVersion::V4 {
            judge(tomorrow).unwrap();
            judge(before_the_maker).unwrap();
        } else {
            let future = judge(tomorrow).unwrap_err();
            assert!(matches!(future, SealError::Future { .. }), "{future}");
            let early = judge(before_the_maker).unwrap_err();
            assert!(matches!(early, SealError::MakerNotYetValid { .. }), "{early}");
        }
    }
}

#[test]
fn a_makers_usage_is_digital_signature_alone_unless_it_is_named() {
    let mut seals = Seals::new(126);
    // digitalSignature and keyEncipherment, as a server's certificate.
    let part = members(seals.maker.der()).remove(0);
    let part = replaced(&part, b"\x04\x04\x03\x02\x07\x80", b"\x04\x04\x03\x02\x05\xa0");
    let server = Certificate::from_der(&signed_by(&seals.world.issuing, &part)).unwrap();
    assert_eq!(server.key_usage(), Some(KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_ENCIPHERMENT));
    server.verify_issued_by(seals.world.issuing.certificate()).unwrap();
    seals.maker = server.clone();
    let seal = seals.seal(SealVersion::V4);
    let error = seal.verify(&seals.trust(), now()).unwrap_err();
    assert!(matches!(error, SealError::NotAMaker(_)), "{error}");
    seal.verify(&seals.trust().makers(&[server]), now()).unwrap();
}

#[test]
fn a_v1_sign_info_has_three_members() {
    let seals = Seals::new(127);
    Seal::from_der(&seals.seal_v1()).unwrap();
    let fourth = tlv(0xA0, bits(b"a token"));
    assert!(Seal::from_der(&seals.seal_v1_and(&fourth)).is_err());
}

#[test]
fn a_timestamp_is_kept_as_it_is_and_in_v5_only() {
    let seals = Seals::new(122);
    let seal = seals.seal(SealVersion::V5);
    let stamped = seal.with_timestamp(b"a token").unwrap();
    assert_eq!(Seal::from_der(stamped.der()).unwrap().timestamp(), Some(&b"a token"[..]));
    stamped.verify(&seals.trust(), now()).unwrap();
    assert_eq!(stamped.with_timestamp(b"another").unwrap().timestamp(), Some(&b"another"[..]));
    assert!(seals.seal(SealVersion::V4).with_timestamp(b"a token").is_none());
    // A fifth member under another tag, or after a v4 seal, is nothing that is known.
    let with_fifth = |seal: &Seal, tag| {
        let contents = &seal.der()[4..];
        Seal::from_der(&tlv(0x30, [contents, &tlv(tag, bits(b"a token"))].concat()))
    };
    assert_eq!(with_fifth(&seal, 0xA0).unwrap(), stamped);
    assert!(with_fifth(&seal, 0xA1).is_err());
    assert!(with_fifth(&seals.seal(SealVersion::V4), 0xA0).is_err());
}

#[test]
fn a_header_names_its_edition() {
    let seals = Seals::new(123);
    let der = seals.seal(SealVersion::V5).der().to_vec();
    let place = der.windows(4).position(|window| window == b"\x16\x02ES").unwrap();
    for version in [1, 3, 6] {
        let mut changed = der.clone();
        changed[place + 6] = version;
        assert!(Seal::from_der(&changed).is_err(), "{version}");
    }
    let mut changed = der;
    changed[place + 2] = b'X';
    assert!(Seal::from_der(&changed).is_err());
    assert_eq!(ia5("ES"), b"\x16\x02ES");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_draft_comes_back(
        id in "[!-~]{1,40}", vendor in "[ -~]{1,20}", name in "\\PC{1,30}", code in any::<u32>(),
        width in 1_u32.., height in 1_u32.., start in 1_800_000_000_i64..4_000_000_000, days in 0_i64..20_000,
        v5 in any::<bool>(), digests in any::<bool>(),
    ) {
        let seals = Seals::new(124);
        let start = jiff::Timestamp::from_second(start).unwrap();
        let end = jiff::Timestamp::from_second(start.as_second() + days * 86400).unwrap();
        let mut draft = seals.draft();
        (draft.id, draft.vendor, draft.name, draft.kind) = (id, vendor, name, SealKind::from_code(code));
        draft.period = ukey_pki::Validity::new(start, end).unwrap();
        draft.picture = Picture::new(GIF.to_vec(), width, height).unwrap();
        if digests {
            draft.signers = SignerList::digests([&seals.world.sign, &seals.maker]);
        }
        let seal = Seal::from_der(seals.make(WRITTEN[usize::from(v5)], &draft).der()).unwrap();
        prop_assert_eq!((seal.id(), seal.vendor(), seal.name()), (&*draft.id, &*draft.vendor, &*draft.name));
        prop_assert_eq!((seal.kind().code(), seal.period(), seal.picture()), (code, draft.period, &draft.picture));
        prop_assert_eq!(seal.signers(), &draft.signers);
        seal.verify_maker(&seals.trust(), now()).unwrap();
    }
}
