//! Against the Python package `gmssl`: signatures of every document, seal and stamp, and the enveloped key opened to the same private
//! key.

mod common;

use std::{fs, process::Command, sync::OnceLock};

use common::{World, component, flipped, interop_file, run, runs, seal::Seals};
use der::{AnyRef, Decode, Encode, asn1::BitStringRef};
use tempfile::TempDir;
use ukey_pki::{EnvelopedKey, PrivateKeyForm, PublicKey, Signature, seal::SealVersion};

/// The Python that can import gmssl: the one `UKEY_GMSSL_PYTHON` names, or else `python3`.
fn python() -> Option<&'static str> {
    static PYTHON: OnceLock<Option<String>> = OnceLock::new();
    let found = PYTHON.get_or_init(|| {
        let candidate = std::env::var("UKEY_GMSSL_PYTHON").unwrap_or_else(|_| "python3".into());
        runs(&candidate, &["-c", "import gmssl.sm2"]).then_some(candidate)
    });
    component(found.as_deref(), "a Python that can import gmssl", "PyPI package gmssl 3.2.2")
}

fn check(python: &str, action: &str, files: &[&[u8]]) -> String {
    let folder = TempDir::new().unwrap();
    let names = files.iter().enumerate().map(|(index, contents)| {
        let name = folder.path().join(index.to_string());
        fs::write(&name, contents).unwrap();
        name
    });
    let (succeeded, text) =
        run(Command::new(python).arg(interop_file("check.py")).arg(action).args(names.collect::<Vec<_>>()));
    assert!(succeeded, "{text}");
    text.trim().to_owned()
}

/// The signed part, which is the first member, and the signature, which is the last, r then s.
fn parts(der: &[u8]) -> (Vec<u8>, [u8; 64]) {
    let members = Vec::<AnyRef<'_>>::from_der(der).unwrap();
    let signature = members[members.len() - 1].decode_as::<BitStringRef<'_>>().unwrap();
    let signature = Signature::from_der(signature.as_bytes().unwrap()).unwrap();
    (members[0].to_der().unwrap(), signature.to_bytes())
}

#[test]
fn every_signature_verifies_and_a_changed_one_does_not() {
    let Some(python) = python() else { return };
    let world = World::new(90);
    let verify = |key: PublicKey, part: &[u8], signature: &[u8]| {
        check(python, "verify", &[&key.to_sec1()[1..], part, signature])
    };
    let (root, issuing) = (world.root.key().public_key(), world.issuing.key().public_key());
    for (key, der) in [
        (root, world.root.certificate().der()),
        (root, world.issuing.certificate().der()),
        (issuing, world.sign.der()),
        (issuing, world.encryption.der()),
        (issuing, world.crl.der()),
        (world.sign_key.public_key(), world.request.der()),
    ] {
        let (part, signature) = parts(der);
        assert_eq!(verify(key, &part, &signature), "true");
        assert_eq!(verify(key, &flipped(&part, -1), &signature), "false");
    }
    let (part, signature) = parts(world.sign.der());
    assert_eq!(verify(issuing, &part, &flipped(&signature, -1)), "false");
    assert_eq!(verify(root, &part, &signature), "false");
}

#[test]
fn seals_and_stamps_verify_and_changed_ones_do_not() {
    let Some(python) = python() else { return };
    let seals = Seals::new(92);
    let (maker, signer) = (seals.maker_key.public_key(), seals.world.sign_key.public_key());
    let verify = |key: PublicKey, part: &[u8], signature: &[u8]| {
        check(python, "verify", &[&key.to_sec1()[1..], part, signature])
    };
    for version in [SealVersion::V4, SealVersion::V5] {
        let (seal, stamp) = (seals.seal(version), seals.stamp(version));
        for (der, key, other) in [(seal.der(), maker, signer), (stamp.der(), signer, maker)] {
            let (part, signature) = parts(der);
            assert_eq!(verify(key, &part, &signature), "true");
            assert_eq!(verify(key, &flipped(&part, -1), &signature), "false");
            assert_eq!(verify(other, &part, &signature), "false");
        }
    }
}

#[test]
fn an_envelope_opens_to_the_same_key_and_a_changed_one_does_not() {
    let Some(python) = python() else { return };
    let mut world = World::new(91);
    let recipient = world.sign_key.public_key();
    for form in [PrivateKeyForm::Bytes32, PrivateKeyForm::Bytes64] {
        let der = EnvelopedKey::seal(&world.encryption_key, &recipient, form, &mut world.rng).to_der();
        let opened = check(python, "open", &[&der, &*world.sign_key.to_bytes()]);
        assert_eq!(opened, format!("{} true", hex::encode(*world.encryption_key.to_bytes())));
        let changed = check(python, "open", &[&flipped(&der, -1), &*world.sign_key.to_bytes()]);
        assert!(changed.ends_with(" false"), "{changed}");
        let stranger = check(python, "open", &[&der, &*world.encryption_key.to_bytes()]);
        assert!(stranger.ends_with(" false"), "{stranger}");
    }
}
