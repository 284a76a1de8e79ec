//! Whatever arrives, reading ends in a value or an error; and a document changed in one byte is not believed.

mod common;

use std::sync::LazyLock;

use common::{
    World,
    seal::{DOCUMENT, Seals, now},
};
use proptest::prelude::*;
use ukey_pki::seal::{PictureFacts, Seal, SealVersion, SignerList, Stamp, data_hash};
use ukey_pki::sm2::Ciphertext;
use ukey_pki::{Certificate, Crl, CsrResponse, EnvelopedKey, PublicKey, Request, Signature};

static WORLD: LazyLock<World> = LazyLock::new(|| World::new(60));
static SEALS: LazyLock<Seals> = LazyLock::new(|| Seals::new(61));
static RESPONSE: LazyLock<Vec<u8>> = LazyLock::new(|| WORLD.response.to_der().unwrap());

/// Reads the bytes as everything; the values themselves do not matter here.
fn read_as_everything(bytes: &[u8]) {
    if let Ok(certificate) = Certificate::from_der(bytes) {
        let _ = (certificate.identity(), certificate.crl_address(), certificate.public_key());
        let _ = certificate.verify_issued_by(WORLD.issuing.certificate());
        let _ = format!("{certificate:?} {}", certificate.subject());
    }
    if let Ok(request) = Request::from_der(bytes) {
        let _ = request.verify();
    }
    if let Ok(list) = Crl::from_der(bytes) {
        let _ = list.verify(WORLD.issuing.certificate());
    }
    if let Ok(envelope) = EnvelopedKey::from_der(bytes) {
        let _ = envelope.open(&WORLD.sign_key);
    }
    if let Ok(seal) = Seal::from_der(bytes) {
        let _ = (
            seal.verify(&SEALS.trust(), now()),
            PictureFacts::read(seal.picture().data()),
            format!("{seal:?}"),
        );
        let _ = seal.with_timestamp(b"token");
    }
    if let Ok(stamp) = Stamp::from_der(bytes) {
        let _ = (stamp.verify(&data_hash(DOCUMENT), &SEALS.trust(), now()), format!("{stamp:?}"));
        let _ = stamp.with_timestamp(b"token");
    }
    let _ = CsrResponse::from_der(bytes);
    let _ = (Ciphertext::from_der(bytes), Ciphertext::from_raw(bytes));
    let _ = (Signature::from_der(bytes), PublicKey::from_spki_der(bytes), PublicKey::from_sec1(bytes));
}

fn believes_certificate(bytes: &[u8]) -> bool {
    Certificate::from_der(bytes).is_ok_and(|read| read.verify_issued_by(WORLD.issuing.certificate()).is_ok())
}

fn believes_request(bytes: &[u8]) -> bool {
    Request::from_der(bytes).is_ok_and(|read| read.verify().is_ok())
}

fn believes_crl(bytes: &[u8]) -> bool {
    Crl::from_der(bytes).is_ok_and(|read| read.verify(WORLD.issuing.certificate()).is_ok())
}

fn believes_envelope(bytes: &[u8]) -> bool {
    EnvelopedKey::from_der(bytes).is_ok_and(|read| read.open(&WORLD.sign_key).is_ok())
}

/// As an assistant program does on arrival: both certificates by their issuer, the key by opening it.
fn believes_response(bytes: &[u8]) -> bool {
    let issuing = WORLD.issuing.certificate();
    CsrResponse::from_der(bytes).is_ok_and(|read| {
        read.sign_certificate().verify_issued_by(issuing).is_ok()
            && read.encryption_certificate().is_some_and(|found| found.verify_issued_by(issuing).is_ok())
            && read.enveloped_key().is_some_and(|found| found.open(&WORLD.sign_key).is_ok())
    })
}

fn believes_seal(bytes: &[u8]) -> bool {
    Seal::from_der(bytes).is_ok_and(|read| read.verify(&SEALS.trust(), now()).is_ok())
}

fn believes_stamp(bytes: &[u8]) -> bool {
    let hash = data_hash(DOCUMENT);
    Stamp::from_der(bytes).is_ok_and(|read| read.verify(&hash, &SEALS.trust(), now()).is_ok())
}

type Believes = fn(&[u8]) -> bool;

static DOCUMENTS: LazyLock<Vec<(&'static str, Vec<u8>, Believes)>> = LazyLock::new(|| {
    let mut by_digest = SEALS.draft();
    by_digest.signers = SignerList::digests([&SEALS.world.sign]);
    vec![
        ("certificate", WORLD.sign.der().to_vec(), believes_certificate),
        ("request", WORLD.request.der().to_vec(), believes_request),
        ("revocation list", WORLD.crl.der().to_vec(), believes_crl),
        ("enveloped key", WORLD.envelope.to_der(), believes_envelope),
        ("response", RESPONSE.clone(), believes_response),
        ("seal v1", SEALS.seal_v1(), believes_seal),
        ("seal v4", SEALS.seal(SealVersion::V4).der().to_vec(), believes_seal),
        ("seal v5", SEALS.make(SealVersion::V5, &by_digest).der().to_vec(), believes_seal),
        ("stamp v1", SEALS.stamp_v1(), believes_stamp),
        ("stamp v4", SEALS.stamp(SealVersion::V4).der().to_vec(), believes_stamp),
        ("stamp v5", SEALS.stamp(SealVersion::V5).der().to_vec(), believes_stamp),
    ]
});

#[test]
fn every_document_is_believed_whole_and_refused_when_cut_or_longer() {
    for (what, der, believes) in DOCUMENTS.iter() {
        assert!(believes(der), "{what}");
        for length in 0..der.len() {
            assert!(!believes(&der[..length]), "{what} cut to {length}");
        }
        assert!(!believes(&[&der[..], &[0]].concat()), "{what} with a byte more");
    }
}

#[test]
fn no_document_survives_one_changed_bit() {
    for (what, der, believes) in DOCUMENTS.iter() {
        // One bit of every byte; which one, the place decides. The property below tries the rest by chance.
        for index in 0..der.len() {
            let mut changed = der.clone();
            changed[index] ^= 1 << (index % 8);
            assert!(!believes(&changed), "{what} changed at {index}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_document_survives_one_changed_byte(place in any::<prop::sample::Index>(), change in 1_u8..) {
        for (what, der, believes) in DOCUMENTS.iter() {
            let mut changed = der.clone();
            let index = place.index(changed.len());
            changed[index] ^= change;
            read_as_everything(&changed);
            prop_assert!(!believes(&changed), "{} changed at {} by {:02X}", what, index, change);
        }
    }

    #[test]
    fn random_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_as_everything(&bytes);
        let _ = (Certificate::from_pem(&String::from_utf8_lossy(&bytes)), Request::from_pem("-----BEGIN"));
    }

    #[test]
    fn documents_with_random_parts_are_read_without_panic(
        place in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        for (_, der, _) in DOCUMENTS.iter() {
            let index = place.index(der.len());
            let end = der.len().min(index + bytes.len());
            read_as_everything(&[&der[..index], &bytes, &der[end..]].concat());
        }
    }
}
