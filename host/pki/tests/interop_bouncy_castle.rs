//! Against Bouncy Castle: chain, path, request, revocation list, enveloped key, seals and stamps.

mod common;

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use common::{
    component, crl_of, flipped, interop_file, runs,
    seal::{DOCUMENT, Seals, stamp_draft},
};
use tempfile::TempDir;
use ukey_pki::{
    KeyPair,
    seal::{Seal, SealVersion, SignerList},
};

const JARS: [&str; 3] =
    ["/usr/share/java/bcprov.jar", "/usr/share/java/bcpkix.jar", "/usr/share/java/bcutil.jar"];

/// Whether Java can run a source file and Bouncy Castle is there.
fn found() -> Option<()> {
    // Running a source file takes the compiler as well.
    let java = runs("java", &["-version"]) && runs("javac", &["-version"]);
    component(java.then_some(()), "a Java development kit", "Debian package default-jdk-headless")?;
    let jars = JARS.iter().all(|jar| Path::new(jar).exists());
    component(jars.then_some(()), "Bouncy Castle", "Debian packages libbcprov-java and libbcpkix-java")
}

/// Writes the documents, as `change` gives them back, and runs every check on them.
fn check(mut seals: Seals, change: impl Fn(&[u8]) -> Vec<u8>) -> BTreeMap<String, bool> {
    let folder = TempDir::new().unwrap();
    let mut by_digest = seals.draft();
    by_digest.signers = SignerList::digests([&seals.world.sign]);
    let seal_v4 = seals.seal(SealVersion::V4);
    let seal_v5 = seals.make(SealVersion::V5, &by_digest);
    let with_timestamp = seal_v5.with_timestamp(b"a token").unwrap();
    let stamp = |seal: &Seal| stamp_draft(seal).make(&seals.world.sign, &seals.world.sign_key).unwrap();
    let (stamp_v4, stamp_v5) = (stamp(&seal_v4), stamp(&with_timestamp));
    let foreign = [seals.seal_v1(), seals.stamp_v1()];
    let world = &mut seals.world;
    let key = KeyPair::generate(&mut world.rng).public_key();
    let unlisted = world.issuing.issue_sign(&world.holder, key, &mut world.rng).unwrap();
    let root_list = crl_of(&world.root, []);
    for (name, der) in [
        ("root.der", world.root.certificate().der()),
        ("issuing.der", world.issuing.certificate().der()),
        ("sign.der", world.sign.der()),
        ("encryption.der", world.encryption.der()),
        ("unlisted.der", unlisted.der()),
        ("root-list.der", root_list.der()),
        ("request.der", world.request.der()),
        ("list.der", world.crl.der()),
        ("envelope.der", &world.envelope.to_der()),
        ("maker.der", seals.maker.der()),
        ("seal-v1.der", &foreign[0]),
        ("stamp-v1.der", &foreign[1]),
        ("seal-v4.der", seal_v4.der()),
        ("stamp-v4.der", stamp_v4.der()),
        ("seal-v5.der", seal_v5.der()),
        ("stamp-v5.der", stamp_v5.der()),
    ] {
        fs::write(folder.path().join(name), change(der)).unwrap();
    }
    fs::write(folder.path().join("document"), change(DOCUMENT)).unwrap();
    fs::write(folder.path().join("sign.key"), *world.sign_key.to_bytes()).unwrap();
    let output = Command::new("java")
        .args(["-cp", &JARS.join(":")])
        .arg(interop_file("Check.java"))
        .arg(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let results = text.lines().map(|line| line.split_once('=').unwrap());
    results.map(|(name, passed)| (name.to_owned(), passed == "true")).collect()
}

#[rustfmt::skip]
const SIGNED: [&str; 18] = [
    "root", "issuing", "sign", "encryption", "path", "request", "list", "envelope", "maker",
    "seal-v1", "seal-v4", "seal-v5", "stamp-v1", "stamp-v4", "stamp-v5", "data-v1", "data-v4", "data-v5",
];

#[test]
fn every_document_passes() {
    let Some(()) = found() else { return };
    let results = check(Seals::new(100), <[u8]>::to_vec);
    for name in SIGNED {
        assert_eq!(results.get(name), Some(&true), "{name} in {results:?}");
    }
    assert_eq!((results["sign-listed"], results["issuing-listed"]), (true, false));
    assert_eq!((results["listed-v4"], results["listed-v5"], results["listed-wrong"]), (true, true, false));
    assert!(!results["path-listed"], "its path ends at the revocation list");
}

#[test]
fn every_document_with_its_last_byte_changed_fails() {
    let Some(()) = found() else { return };
    let results = check(Seals::new(101), |der| flipped(der, -1));
    for name in SIGNED {
        assert_eq!(results.get(name), Some(&false), "{name} in {results:?}");
    }
}
