//! Against the `openssl` program, one step at a time: its two-level chain and its revocation list check cannot be told
//! the SM2 identifier (openssl#23471), so each link is verified alone, and root and list by cutting them up.

mod common;

use std::{fs, path::Path, process::Command};

use common::{World, component, flipped, run, runs, seal::Seals};
use tempfile::TempDir;
use ukey_pki::{Certificate, Request, seal::SealVersion, sm2};

const ID: &str = "distid:1234567812345678";
/// 2026-06-01, so that the clock of the machine does not count.
const TIME: &str = "1780272000";

/// A folder of files for `openssl`, when it is there and knows SM2.
struct OpenSsl {
    folder: TempDir,
}

impl OpenSsl {
    fn find() -> Option<Self> {
        let found = runs("openssl", &["ecparam", "-name", "SM2", "-noout"]);
        component(found.then_some(()), "the program openssl with SM2", "Debian package openssl")?;
        Some(Self { folder: TempDir::new().unwrap() })
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        fs::write(self.path(name), contents).unwrap();
    }

    /// Runs `openssl` in the folder: success, and all it printed.
    fn run(&self, arguments: &[&str]) -> (bool, String) {
        run(Command::new("openssl").args(arguments).current_dir(self.folder.path()))
    }

    fn succeeds(&self, arguments: &[&str]) -> bool {
        self.run(arguments).0
    }

    /// Verifies a signed document with a public key: the signed part, which is the first member, and the signature, which
    /// is the last, are cut out by `openssl` itself.
    fn verifies(&self, der: &[u8], key: &ukey_pki::PublicKey) -> bool {
        self.write("document.der", der);
        self.write("key.der", key.to_spki_der());
        let (parsed, listing) = self.run(&["asn1parse", "-inform", "DER", "-in", "document.der"]);
        assert!(parsed, "{listing}");
        let members: Vec<&str> = listing.lines().filter(|line| line.contains(":d=1 ")).collect();
        let offset = |line: &str| line.split(':').next().unwrap().trim().to_owned();
        for (member, file) in [(0, "part"), (members.len() - 1, "signature")] {
            let at = offset(members[member]);
            let cut = [
                "asn1parse",
                "-inform",
                "DER",
                "-in",
                "document.der",
                "-noout",
                "-strparse",
                &at,
                "-out",
                file,
            ];
            assert!(self.succeeds(&cut), "{listing}");
        }
        let (verified, text) = self.run(&[
            "dgst",
            "-sm3",
            "-sigopt",
            ID,
            "-keyform",
            "DER",
            "-verify",
            "key.der",
            "-signature",
            "signature",
            "part",
        ]);
        assert_eq!(verified, text.contains("Verified OK"), "{text}");
        verified
    }
}

fn pem_of(der: &[u8]) -> String {
    Certificate::from_der(der).unwrap().to_pem()
}

#[test]
fn every_link_of_the_chain_verifies_and_a_changed_one_does_not() {
    let Some(openssl) = OpenSsl::find() else { return };
    let world = World::new(80);
    let (root, issuing) = (world.root.certificate(), world.issuing.certificate());
    openssl.write("root.pem", root.to_pem());
    openssl.write("issuing.pem", issuing.to_pem());
    openssl.write("sign.pem", world.sign.to_pem());
    openssl.write("encryption.pem", world.encryption.to_pem());
    openssl.write("issuing-changed.pem", pem_of(&flipped(issuing.der(), -1)));
    openssl.write("sign-changed.pem", pem_of(&flipped(world.sign.der(), -1)));

    let to_root =
        |file| openssl.run(&["verify", "-attime", TIME, "-vfyopt", ID, "-CAfile", "root.pem", file]);
    let to_issuing = |file| {
        openssl.run(&[
            "verify",
            "-attime",
            TIME,
            "-vfyopt",
            ID,
            "-partial_chain",
            "-trusted",
            "issuing.pem",
            file,
        ])
    };
    for (succeeded, text) in [to_root("issuing.pem"), to_issuing("sign.pem"), to_issuing("encryption.pem")] {
        assert!(succeeded, "{text}");
    }
    for (succeeded, text) in [to_root("issuing-changed.pem"), to_issuing("sign-changed.pem")] {
        assert!(!succeeded && text.contains("certificate signature failure"), "{text}");
    }
    // A plain verify of a self-signed root believes any signature, so the root is cut up.
    assert!(openssl.verifies(root.der(), &root.public_key().unwrap()));
    assert!(!openssl.verifies(&flipped(root.der(), -1), &root.public_key().unwrap()));
}

#[test]
fn it_reads_in_a_certificate_what_we_wrote() {
    let Some(openssl) = OpenSsl::find() else { return };
    let world = World::new(81);
    openssl.write("sign.der", world.sign.der());
    openssl.write("encryption.der", world.encryption.der());
    let show = |file| openssl.run(&["x509", "-inform", "DER", "-in", file, "-noout", "-serial", "-text"]).1;
    let (sign, encryption) = (show("sign.der"), show("encryption.der"));
    assert!(sign.contains(&format!("serial={}", world.sign.serial())), "{sign}");
    assert!(
        sign.contains("X509v3 Key Usage: critical\n                Digital Signature, Non Repudiation"),
        "{sign}"
    );
    assert!(encryption.contains("Key Encipherment, Data Encipherment, Key Agreement"), "{encryption}");
    assert!(sign.contains("Not After : Jan  1 00:00:00 2040 GMT"), "{sign}");
    assert!(sign.contains("URI:http://crl.example/list.crl"), "{sign}");
    assert!(!sign.contains("Basic Constraints"), "{sign}");
}

#[test]
fn a_request_verifies_and_a_changed_one_does_not() {
    let Some(openssl) = OpenSsl::find() else { return };
    let world = World::new(82);
    openssl.write("request.der", world.request.der());
    openssl.write("changed.der", flipped(world.request.der(), -1));
    let verify =
        |file| openssl.run(&["req", "-verify", "-noout", "-inform", "DER", "-vfyopt", ID, "-in", file]).1;
    assert!(verify("request.der").contains("verify OK"));
    assert!(verify("changed.der").contains("verify failure"));
}

#[test]
fn a_revocation_list_verifies_and_a_changed_one_does_not() {
    let Some(openssl) = OpenSsl::find() else { return };
    let world = World::new(83);
    let key = world.issuing.key().public_key();
    assert!(openssl.verifies(world.crl.der(), &key));
    assert!(!openssl.verifies(&flipped(world.crl.der(), -1), &key));
    // The issuer's name is about the 60th byte; any byte of the signed part would do.
    assert!(!openssl.verifies(&flipped(world.crl.der(), 60), &key));
    assert!(!openssl.verifies(world.crl.der(), &world.root.key().public_key()));

    openssl.write("list.der", world.crl.der());
    let (shown, text) = openssl.run(&["crl", "-inform", "DER", "-in", "list.der", "-noout", "-text"]);
    assert!(shown);
    assert!(text.contains(&format!("Serial Number: {}", world.sign.serial())), "{text}");
    assert!(text.contains("Superseded") && text.contains("Certificate Hold"), "{text}");
    assert!(text.contains("X509v3 CRL Number: \n                7"), "{text}");
}

#[test]
fn seals_and_stamps_verify_and_changed_ones_do_not() {
    let Some(openssl) = OpenSsl::find() else { return };
    let seals = Seals::new(86);
    let (maker, signer) = (seals.maker_key.public_key(), seals.world.sign_key.public_key());
    for version in [SealVersion::V4, SealVersion::V5] {
        let (seal, stamp) = (seals.seal(version), seals.stamp(version));
        for (der, key, other) in [(seal.der(), maker, signer), (stamp.der(), signer, maker)] {
            assert!(openssl.verifies(der, &key));
            assert!(!openssl.verifies(&flipped(der, -1), &key));
            // In a seal the 60th byte is in its name; any byte of the signed part would do.
            assert!(!openssl.verifies(&flipped(der, 60), &key));
            assert!(!openssl.verifies(der, &other));
        }
    }
    assert!(openssl.verifies(&seals.stamp_v1(), &signer));
    assert!(!openssl.verifies(&flipped(&seals.stamp_v1(), -1), &signer));
    openssl.write("maker.der", seals.maker.der());
    let (_, text) = openssl.run(&["x509", "-inform", "DER", "-in", "maker.der", "-noout", "-text"]);
    assert!(text.contains("X509v3 Key Usage: critical\n                Digital Signature\n"), "{text}");
}

/// A key and a request made by `openssl`, signed with this identifier.
fn foreign_request(openssl: &OpenSsl, id: &str) -> Request {
    let key = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", "foreign.key"];
    assert!(openssl.succeeds(&key));
    let subject = "/C=CN/O=示例科技有限公司/CN=李四";
    let (made, text) = openssl.run(&[
        "req",
        "-new",
        "-utf8",
        "-sm3",
        "-key",
        "foreign.key",
        "-sigopt",
        id,
        "-subj",
        subject,
        "-outform",
        "DER",
        "-out",
        "foreign.der",
    ]);
    assert!(made, "{text}");
    Request::from_der(&fs::read(openssl.path("foreign.der")).unwrap()).unwrap()
}

#[test]
fn its_requests_are_read_and_believed_only_with_the_identifier() {
    let Some(openssl) = OpenSsl::find() else { return };
    let mut world = World::new(84);
    let request = foreign_request(&openssl, ID);
    request.verify().unwrap();
    assert_eq!(request.subject().common_name(), Some("李四"));
    let certificate = world.issuing.issue_sign(&world.holder, request.public_key(), &mut world.rng).unwrap();
    certificate.verify_issued_by(world.issuing.certificate()).unwrap();

    assert!(foreign_request(&openssl, "distid:ALICE123@YAHOO.COM").verify().is_err());
}

#[test]
fn its_ciphertexts_open_and_ours_open_there() {
    let Some(openssl) = OpenSsl::find() else { return };
    let mut world = World::new(85);
    let ours = &world.encryption_key;
    // RFC 5915 inside PKCS#8, for the same private key.
    let private = [
        &hex::decode(
            "30410201003013 06072a8648ce3d0201 06082a811ccf5501822d 04273025020101 0420".replace(' ', ""),
        )
        .unwrap()[..],
        &*ours.to_bytes(),
    ]
    .concat();
    openssl.write("ours.key", private);
    openssl.write("ours.pub", ours.public_key().to_spki_der());
    openssl.write("plain", b"encryption standard");
    let key = [
        "pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", "ours.pub", "-in", "plain", "-out",
        "theirs",
    ];
    assert!(openssl.succeeds(&key), "{}", openssl.run(&key).1);
    let theirs = fs::read(openssl.path("theirs")).unwrap();
    let ciphertext = sm2::Ciphertext::from_der(&theirs).unwrap();
    assert_eq!(ours.decrypt(&ciphertext).unwrap().as_slice(), b"encryption standard");

    let decrypt = |der: &[u8]| {
        openssl.write("cipher", der);
        let (opened, _) = openssl.run(&[
            "pkeyutl", "-decrypt", "-keyform", "DER", "-inkey", "ours.key", "-in", "cipher", "-out", "opened",
        ]);
        opened.then(|| read(&openssl.path("opened")))
    };
    let ciphertext = sm2::encrypt(&ours.public_key(), b"encryption standard", &mut world.rng).unwrap();
    assert_eq!(decrypt(&ciphertext.to_der()).as_deref(), Some(&b"encryption standard"[..]));
    assert_eq!(decrypt(&flipped(&ciphertext.to_der(), -1)), None);
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}
