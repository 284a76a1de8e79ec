//! Stamps: round trips, a v1 stamp of another program, and each reason not to believe one.

mod common;

use common::{
    at, flipped, members,
    seal::{
        ALGORITHM, DOCUMENT, Seals, bits, extension, foreign_signed, foreign_stamp, ia5, now, signature,
        stamp_draft,
    },
    tlv, validity,
};
use ukey_pki::seal::{
    MakeError, Seal, SealError, SealVersion, SignerList, Stamp, StampError, Trust, data_hash,
};
use ukey_pki::{EndEntity, KeyPair, Sm2Signer};

const WRITTEN: [SealVersion; 2] = [SealVersion::V4, SealVersion::V5];

fn refusal(seals: &Seals, der: &[u8]) -> StampError {
    let stamp = Stamp::from_der(der).unwrap();
    stamp.verify(&data_hash(DOCUMENT), &seals.trust(), now()).unwrap_err()
}

#[test]
fn a_stamp_says_what_its_draft_said_and_verifies() {
    let seals = Seals::new(130);
    for version in WRITTEN {
        let seal = seals.seal(version);
        let mut draft = stamp_draft(&seal);
        draft.extensions = vec![extension(false)];
        let made = draft.make(&seals.world.sign, &seals.world.sign_key).unwrap();
        let stamp = Stamp::from_der(made.der()).unwrap();
        assert_eq!(stamp.seal(), &seal);
        assert_eq!(stamp.time(), Some(at("2026-03-01T00:00:00Z")));
        assert_eq!(stamp.time_info(), tlv(0x18, "20260301000000Z"));
        assert_eq!(stamp.data_hash(), data_hash(DOCUMENT));
        assert_eq!(stamp.property(), "/Doc_0/Signs/Sign_0/Signature.xml");
        assert_eq!((stamp.extensions(), stamp.signer()), (&draft.extensions[..], &seals.world.sign));
        stamp.verify(&data_hash(DOCUMENT), &seals.trust(), now()).unwrap();
    }
}

#[test]
fn the_data_that_is_stamped_is_the_data_that_verifies() {
    let seals = Seals::new(131);
    for stamp in [seals.stamp(SealVersion::V4), Stamp::from_der(&seals.stamp_v1()).unwrap()] {
        stamp.verify(&data_hash(DOCUMENT), &seals.trust(), now()).unwrap();
        let error = stamp.verify(&data_hash(b"something else"), &seals.trust(), now()).unwrap_err();
        assert!(matches!(error, StampError::Data), "{error}");
    }
    // SM3 of "abc", GM/T 0004 appendix A.
    assert_eq!(hex::encode(&data_hash(b"abc")[..4]), "66c7f0f4");
}

#[test]
fn a_v1_stamp_of_another_program_is_read_and_verifies() {
    let seals = Seals::new(132);
    let der = seals.stamp_v1();
    let stamp = Stamp::from_der(&der).unwrap();
    assert_eq!((stamp.seal().version(), stamp.property()), (SealVersion::V1, "a.ofd"));
    assert_eq!(stamp.time(), Some(at("2026-03-01T00:00:00Z")));
    assert_eq!(stamp.signer(), &seals.world.sign);
    stamp.verify(&data_hash(DOCUMENT), &seals.trust(), now()).unwrap();
    assert!(matches!(refusal(&seals, &flipped(&der, -1)), StampError::Signature(_)));
    let early = stamp.verify(&data_hash(DOCUMENT), &seals.trust(), at("2026-02-01T00:00:00Z"));
    assert!(matches!(early, Err(StampError::Future { .. })), "{early:?}");

    let seal = Seal::from_der(&seals.seal_v1()).unwrap();
    let error = stamp_draft(&seal).make(&seals.world.sign, &seals.world.sign_key).unwrap_err();
    assert!(matches!(error, MakeError::Version(SealVersion::V1)), "{error}");
    assert!(stamp.with_timestamp(b"a token").is_none());
}

#[test]
fn a_v1_stamp_may_carry_a_timestamp_token_as_its_time_and_octets_for_bits() {
    let seals = Seals::new(133);
    let signing = [tlv(4, seals.world.sign.der()), ALGORITHM.to_vec()].concat();
    let hash = tlv(4, data_hash(DOCUMENT));
    let to_sign =
        [tlv(2, [1]), seals.seal_v1(), bits(b"\x30\x03\x02\x01\x00"), hash, ia5("a.ofd"), signing].concat();
    let to_sign = tlv(0x30, to_sign);
    let signed = bits(&signature(&seals.world.sign_key, &to_sign));
    let stamp = Stamp::from_der(&tlv(0x30, [to_sign, signed].concat())).unwrap();
    assert_eq!((stamp.time(), stamp.time_info()), (None, &b"\x30\x03\x02\x01\x00"[..]));
    stamp.verify(&data_hash(DOCUMENT), &seals.trust(), now()).unwrap();
    assert!(stamp.verify(&data_hash(b"something else"), &seals.trust(), now()).is_err());
}

/// Z-11: the renewed certificate has the same subject, even the same key, and the seal does not know it.
#[test]
fn a_stamp_by_a_renewed_certificate_fails_until_the_seal_is_made_again() {
    let mut seals = Seals::new(134);
    let (holder, key) = (seals.world.holder.clone(), seals.world.sign_key.clone());
    let renewed = seals.world.issuing.issue_sign(&holder, key.public_key(), &mut seals.world.rng).unwrap();
    assert_eq!(renewed.subject(), seals.world.sign.subject());
    for (version, number) in [(SealVersion::V4, 4), (SealVersion::V5, 5)] {
        for signers in
            [SignerList::certificates([&seals.world.sign]), SignerList::digests([&seals.world.sign])]
        {
            let mut draft = seals.draft();
            draft.signers = signers;
            let seal = seals.make(version, &draft);
            let error = stamp_draft(&seal).make(&renewed, &key).unwrap_err();
            assert!(matches!(error, MakeError::Stamp(StampError::SignerNotInSeal(_))), "{error}");
            let der = foreign_stamp(number, seal.der(), "20260301000000Z", &renewed, &key);
            let error = refusal(&seals, &der);
            assert!(matches!(error, StampError::SignerNotInSeal(_)), "{error}");
            assert!(error.to_string().contains("made again"), "{error}");
            // The old certificate in the same way is believed, so it is the certificate and nothing else.
            let der = foreign_stamp(number, seal.der(), "20260301000000Z", &seals.world.sign, &key);
            let stamp = Stamp::from_der(&der).unwrap();
            stamp.verify(&data_hash(DOCUMENT), &seals.trust(), now()).unwrap();
        }
        let mut draft = seals.draft();
        draft.signers = SignerList::certificates([&renewed]);
        let stamp = stamp_draft(&seals.make(version, &draft)).make(&renewed, &key).unwrap();
        stamp.verify(&data_hash(DOCUMENT), &seals.trust(), now()).unwrap();
    }
}

#[test]
fn a_stamp_is_judged_at_its_own_time_and_at_the_instant_asked_for() {
    let seals = Seals::new(135);
    let seal = seals.seal(SealVersion::V4);
    let sign = &seals.world.sign;
    let judge = |time: &str, instant: &str| {
        let der = foreign_stamp(4, seal.der(), time, sign, &seals.world.sign_key);
        Stamp::from_der(&der).unwrap().verify(&data_hash(DOCUMENT), &seals.trust(), at(instant))
    };
    judge("20260102000000Z", "2026-01-02T00:00:00Z").unwrap();
    judge("20281231235959Z", "2028-12-31T23:59:59Z").unwrap();
    let early = judge("20260101235959Z", "2026-06-01T00:00:00Z").unwrap_err();
    assert!(matches!(early, StampError::Seal(SealError::NotYetValid { .. })), "{early}");
    let late = judge("20260601000000Z", "2029-01-01T00:00:00Z").unwrap_err();
    assert!(matches!(late, StampError::Seal(SealError::Expired { .. })), "{late}");
    let future = judge("20260601000001Z", "2026-06-01T00:00:00Z").unwrap_err();
    assert!(matches!(future, StampError::Future { .. }), "{future}");
}

#[test]
fn a_signer_is_believed_when_authority_period_and_usage_are_right() {
    let mut seals = Seals::new(136);
    let world = &mut seals.world;
    let subject = world.sign.subject().clone();
    let key = KeyPair::generate(&mut world.rng);
    let short = EndEntity::new(subject, validity("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z"));
    let expired = world.issuing.issue_sign(&short, key.public_key(), &mut world.rng).unwrap();
    let mut other = common::World::new(137);
    let stranger = other.issuing.issue_sign(&world.holder, key.public_key(), &mut other.rng).unwrap();
    let wrong_use = world.issuing.issue_encrypt(&world.holder, key.public_key(), &mut world.rng).unwrap();

    let mut draft = seals.draft();
    draft.signers = SignerList::certificates([&expired, &stranger, &wrong_use]);
    let seal = seals.make(SealVersion::V5, &draft);
    let judge =
        |certificate| refusal(&seals, &foreign_stamp(5, seal.der(), "20260301000000Z", certificate, &key));
    assert!(matches!(judge(&expired), StampError::SignerPeriod { .. }));
    assert!(matches!(judge(&stranger), StampError::SignerCertificate(_)));
    assert!(matches!(judge(&wrong_use), StampError::SignerUsage(_)));

    // The first of them was right when it stamped.
    let der = foreign_stamp(5, seal.der(), "20260301000000Z", &expired, &key);
    let (stamp, then) = (Stamp::from_der(&der).unwrap(), at("2026-03-01T00:00:00Z"));
    stamp.verify(&data_hash(DOCUMENT), &seals.trust(), then).unwrap();

    let make = |time: &str, certificate| {
        let mut draft = stamp_draft(&seal);
        draft.time = at(time);
        draft.make(certificate, &key)
    };
    make("2026-03-01T00:00:00Z", &expired).unwrap();
    let late = make("2026-05-01T00:00:00Z", &expired).unwrap_err();
    assert!(matches!(late, MakeError::Stamp(StampError::SignerPeriod { .. })), "{late}");
    let usage = make("2026-05-01T00:00:00Z", &wrong_use).unwrap_err();
    assert!(matches!(usage, MakeError::Stamp(StampError::SignerUsage(_))), "{usage}");
    let outside = make("2029-01-01T00:00:00Z", &stranger).unwrap_err();
    assert!(matches!(outside, MakeError::Stamp(StampError::Seal(SealError::Expired { .. }))), "{outside}");
}

#[test]
fn a_stamp_is_no_better_than_its_seal() {
    let seals = Seals::new(138);
    let stamp = seals.stamp(SealVersion::V5);
    let strangers = [Seals::new(139).world.issuing.certificate().clone()];
    let error = stamp.verify(&data_hash(DOCUMENT), &Trust::new(&strangers), now()).unwrap_err();
    assert!(matches!(error, StampError::Seal(SealError::MakerCertificate(_))), "{error}");
    // The seal's last byte belongs to the maker's signature; the stamp around it is signed as it is.
    let seal = flipped(seals.seal(SealVersion::V4).der(), -1);
    let der = foreign_stamp(4, &seal, "20260301000000Z", &seals.world.sign, &seals.world.sign_key);
    let error = refusal(&seals, &der);
    assert!(matches!(error, StampError::Seal(SealError::Signature(_))), "{error}");
}

#[test]
fn a_stamp_has_the_edition_of_its_seal() {
    let seals = Seals::new(140);
    let seal = seals.seal(SealVersion::V4);
    for version in [1, 5] {
        let der =
            foreign_stamp(version, seal.der(), "20260301000000Z", &seals.world.sign, &seals.world.sign_key);
        assert!(Stamp::from_der(&der).is_err(), "{version}");
    }
    let v1 = seals.seal_v1();
    let der = foreign_stamp(4, &v1, "20260301000000Z", &seals.world.sign, &seals.world.sign_key);
    assert!(Stamp::from_der(&der).is_err());
}

#[test]
fn a_timestamp_is_kept_and_a_critical_extension_is_not_believed() {
    let seals = Seals::new(141);
    for version in WRITTEN {
        let stamp = seals.stamp(version);
        let stamped = stamp.with_timestamp(b"a token").unwrap();
        assert_eq!(Stamp::from_der(stamped.der()).unwrap().timestamp(), Some(&b"a token"[..]));
        assert_eq!((stamp.timestamp(), stamped.signed_part()), (None, stamp.signed_part()));
        stamped.verify(&data_hash(DOCUMENT), &seals.trust(), now()).unwrap();

        let (sign, key) = (&seals.world.sign, &seals.world.sign_key);
        let mut draft = stamp_draft(stamp.seal());
        draft.extensions = vec![extension(true)];
        let error = draft.make(sign, key).unwrap_err();
        assert!(matches!(error, MakeError::Stamp(StampError::CriticalExtension(_))), "{error}");
        let critical = tlv(0x30, [&b"\x06\x03\x2a\x03\x04\x01\x01\xff"[..], &tlv(4, "value")].concat());
        let to_sign = [members(stamp.signed_part()).concat(), tlv(0xA0, tlv(0x30, critical))].concat();
        let error = refusal(&seals, &foreign_signed(&to_sign, sign, key));
        assert!(matches!(error, StampError::CriticalExtension(_)), "{error}");
    }
}

/// A token: it sees a digest and gives r and s.
struct Token<'a> {
    key: &'a KeyPair,
    digests: Vec<[u8; 32]>,
}

impl Sm2Signer for Token<'_> {
    type Error = ukey_pki::sm2::Error;

    fn public_key(&self) -> ukey_pki::PublicKey {
        self.key.public_key()
    }

    fn sign_digest(&mut self, e: &[u8; 32]) -> Result<ukey_pki::Signature, Self::Error> {
        self.digests.push(*e);
        self.key.sign_digest(e)
    }
}

#[test]
fn a_token_signs_one_digest_and_another_key_is_refused() {
    let seals = Seals::new(142);
    let seal = seals.seal(SealVersion::V5);
    let mut token = Token { key: &seals.world.sign_key, digests: Vec::new() };
    let stamp = stamp_draft(&seal).make(&seals.world.sign, &mut token).unwrap();
    let id = ukey_pki::sm2::DEFAULT_ID;
    let e = ukey_pki::sm2::digest(&seals.world.sign_key.public_key(), id, stamp.signed_part());
    assert_eq!(token.digests, [e]);
    let error = stamp_draft(&seal).make(&seals.world.sign, &seals.maker_key).unwrap_err();
    assert!(matches!(error, MakeError::KeyMismatch), "{error}");
    let mut draft = stamp_draft(&seal);
    draft.property = "示例".into();
    let error = draft.make(&seals.world.sign, &seals.world.sign_key).unwrap_err();
    assert!(matches!(error, MakeError::Characters("property")), "{error}");
}
