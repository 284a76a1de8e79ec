//! `ukey sim enrol`: a key that a hall enrolled, and what hall and key signed for others to check.

mod common;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use common::{Desk, Ran};
use der::{AnyRef, Decode, Encode, Tag, Tagged, asn1::BitStringRef};
use ukey_pki::{Certificate, Crl, Signature};

const ENROL: [&str; 8] = ["sim", "enrol", "--target", "sim:k.ukey", "--out", "certificates", "--seed", "5"];
/// What is signed, and the certificate that its signature is verified with.
const SIGNED: [(&str, &str); 8] = [
    ("root.pem", "root.pem"),
    ("issuing.pem", "root.pem"),
    ("sign.pem", "issuing.pem"),
    ("encryption.pem", "issuing.pem"),
    ("maker.pem", "issuing.pem"),
    ("crl.der", "issuing.pem"),
    ("seal.esl", "maker.pem"),
    ("stamp.der", "sign.pem"),
];
/// The identifier that every signature is made with, as `openssl` is told it.
const ID: &str = "distid:1234567812345678";

fn enrol(desk: &Desk, more: &[&str]) -> Ran {
    desk.run(&[&ENROL[..], more].concat(), &[])
}

#[test]
fn an_enrolled_key_works_with_the_pin_in_its_file() {
    let desk = Desk::new();
    let ran = enrol(&desk, &["--profile", "luming"]).succeeds();
    let pin = fs::read_to_string(desk.path("k.pin")).unwrap();
    let pin = pin.trim_end();
    assert!(pin.len() >= 6 && !ran.out.contains(pin) && !ran.talk.contains(pin), "told unasked");
    assert_eq!(fs::metadata(desk.path("k.pin")).unwrap().permissions().mode() & 0o777, 0o600);

    let target = ["--target", "sim:k.ukey"];
    desk.run(&[&["pin", "verify", "--pin-file", "k.pin"], &target[..]].concat(), &[]).succeeds();
    desk.run(&[&["pin", "verify"], &target[..]].concat(), &[("UKEY_PIN", "not-the-pin")]).fails(1);
    let sign = fs::read_to_string(desk.path("certificates/sign.pem")).unwrap();
    let serial = Certificate::from_pem(&sign).unwrap().serial().to_string();
    assert!(ran.out.contains(&serial), "{}", ran.out);
    let info = desk.run(&[&["info"], &target[..]].concat(), &[]).succeeds().out;
    let pair = "sign pair of 256 bits with certificate, encryption pair of 256 bits with certificate";
    assert!(info.contains(pair) && info.contains("9 of 10 tries left"), "{info}");
    assert!(ran.out.contains("示例科技有限公司"), "{}", ran.out);
}

#[test]
fn the_pin_is_printed_only_when_asked_for() {
    let desk = Desk::new();
    let out = enrol(&desk, &["--reveal-pin"]).succeeds().out;
    let pin = out.lines().find_map(|line| line.strip_prefix("user PIN")).unwrap().trim();
    desk.run(&["pin", "verify", "--target", "sim:k.ukey"], &[("UKEY_PIN", pin)]).succeeds();
    assert!(!desk.path("k.pin").exists());
}

#[test]
fn one_seed_makes_one_key() {
    let serial = |seed: &str| {
        let desk = Desk::new();
        let arguments = ["sim", "enrol", "--target", "sim:k.ukey", "--out", ".", "--seed", seed];
        desk.run(&arguments, &[])
            .succeeds()
            .out
            .lines()
            .find(|line| line.starts_with("certificate"))
            .unwrap()
            .to_owned()
    };
    assert_eq!(serial("5"), serial("5"));
    assert_ne!(serial("5"), serial("6"));
}

#[test]
fn nothing_is_overwritten_and_nothing_is_half_made() {
    let desk = Desk::with_token();
    let before = fs::read(desk.path("ukey.ukey")).unwrap();
    let onto = ["sim", "enrol", "--out", "certificates"];
    desk.run(&onto, &[]).fails(2).says("ukey.ukey is there already");
    assert_eq!(fs::read(desk.path("ukey.ukey")).unwrap(), before);

    fs::write(desk.path("k.pin"), "another").unwrap();
    enrol(&desk, &[]).fails(2).says("k.pin is there already");
    fs::remove_file(desk.path("k.pin")).unwrap();

    enrol(&desk, &["--profile", "nobody"]).fails(2).says("nobody").says("qinghe");
    desk.run(&["sim", "enrol", "--target", "sim", "--out", "a"], &[]).fails(2).says("has no state file");
    fs::write(desk.path("certificates"), "a file").unwrap();
    enrol(&desk, &[]).fails(2).says("certificates");
    assert!(!desk.path("k.ukey").exists() && !desk.path("k.pin").exists());
}

#[test]
fn another_key_is_revoked_and_this_one_is_not() {
    let desk = Desk::new();
    enrol(&desk, &[]).succeeds();
    let folder = desk.path("certificates");
    let list = Crl::from_der(&fs::read(folder.join("crl.der")).unwrap()).unwrap();
    assert_eq!(list.revoked().len(), 2, "the sign and the encryption certificate of the other key");
    for mine in ["sign.pem", "encryption.pem", "maker.pem"] {
        assert!(!list.contains(certificate(&folder, mine).serial()), "{mine}");
    }
}

/// The authority of the wizard wants an account, and makes its application form with a Chinese font.
#[test]
fn every_authority_enrols() {
    let font = ukey_hall::usual_font_exists().then_some(());
    let font = common::component(font, "a Chinese font", "Debian package fonts-wqy-microhei");
    for profile in ukey_hall::Profile::built_in_names() {
        if profile == "baihe" && font.is_none() {
            continue;
        }
        let desk = Desk::new();
        enrol(&desk, &["--profile", profile]).succeeds();
        assert_eq!(fs::read_dir(desk.path("certificates")).unwrap().count(), SIGNED.len() + 1, "{profile}");
    }
}

fn openssl() -> Option<()> {
    let knows_sm2 = Command::new("openssl").args(["ecparam", "-name", "SM2", "-noout"]).output();
    let found = knows_sm2.is_ok_and(|output| output.status.success()).then_some(());
    common::component(found, "the program openssl with SM2", "Debian package openssl")
}

/// The Python that can import gmssl: the one `UKEY_GMSSL_PYTHON` names, or else `python3`.
fn gmssl() -> Option<String> {
    let candidate = std::env::var("UKEY_GMSSL_PYTHON").unwrap_or_else(|_| "python3".into());
    let imports = Command::new(&candidate).args(["-c", "import gmssl.sm2"]).output();
    let found = imports.is_ok_and(|output| output.status.success()).then_some(candidate);
    common::component(found, "a Python that can import gmssl", "PyPI package gmssl 3.2.2")
}

fn certificate(folder: &Path, file: &str) -> Certificate {
    Certificate::from_pem(&fs::read_to_string(folder.join(file)).unwrap()).unwrap()
}

/// The signed part, which is the first member, and the signature, which is the last bit string.
fn parts(folder: &Path, file: &str) -> (Vec<u8>, Vec<u8>) {
    let pem = Path::new(file).extension().is_some_and(|extension| extension == "pem");
    let read = || fs::read(folder.join(file)).unwrap();
    let der = if pem { certificate(folder, file).der().to_vec() } else { read() };
    let members = Vec::<AnyRef<'_>>::from_der(&der).unwrap();
    let signature = members.iter().rfind(|member| member.tag() == Tag::BitString).unwrap();
    let signature = signature.decode_as::<BitStringRef<'_>>().unwrap().as_bytes().unwrap().to_vec();
    (members[0].to_der().unwrap(), signature)
}

/// Everything signed verifies with its signer's certificate; not with another, nor with one bit changed.
fn each_signature(folder: &Path, verifies: impl Fn(&Certificate, &[u8], &[u8]) -> bool) {
    let flipped = |bytes: &[u8]| {
        let (last, before) = bytes.split_last().unwrap();
        [before, &[last ^ 1]].concat()
    };
    for (file, signer) in SIGNED {
        let other = if signer == "sign.pem" { "maker.pem" } else { "sign.pem" };
        let [signer, other] = [signer, other].map(|file| certificate(folder, file));
        let (part, signature) = parts(folder, file);
        assert!(verifies(&signer, &part, &signature), "{file}");
        assert!(!verifies(&other, &part, &signature), "{file} by another");
        assert!(!verifies(&signer, &flipped(&part), &signature), "{file} changed");
        assert!(!verifies(&signer, &part, &flipped(&signature)), "the signature of {file} changed");
    }
}

#[test]
fn openssl_verifies_each_signature_and_the_document() {
    if openssl().is_none() {
        return;
    }
    let desk = Desk::new();
    enrol(&desk, &[]).succeeds();
    let folder = desk.path("certificates");
    let run = |arguments: &[&str]| {
        Command::new("openssl").args(arguments).current_dir(desk.path(".")).output().unwrap()
    };
    each_signature(&folder, |signer, part, signature| {
        let signer = signer.to_pem();
        for (name, contents) in [("signer", signer.as_bytes()), ("part", part), ("signature", signature)] {
            fs::write(desk.path(name), contents).unwrap();
        }
        assert!(run(&["x509", "-in", "signer", "-pubkey", "-noout", "-out", "key"]).status.success());
        let dgst = ["dgst", "-sm3", "-sigopt", ID, "-verify", "key", "-signature", "signature", "part"];
        let Output { status, stdout, stderr } = run(&dgst);
        let said = String::from_utf8(stdout).unwrap();
        assert_eq!(status.success(), said.contains("Verified OK"), "{}", String::from_utf8_lossy(&stderr));
        // Anything else would be a failure to try.
        assert!(status.success() || said.contains("Verification failure"), "{said}");
        status.success()
    });

    // The key signed the hash of this very document, and this very seal.
    let (stamped, _) = parts(&folder, "stamp.der");
    let holds = |bytes: &[u8]| stamped.windows(bytes.len()).any(|window| window == bytes);
    let hash = || run(&["dgst", "-sm3", "-binary", "certificates/document.txt"]).stdout;
    let seal = fs::read(folder.join("seal.esl")).unwrap();
    assert!(hash().len() == 32 && holds(&hash()) && holds(&seal));
    fs::write(folder.join("document.txt"), "another").unwrap();
    assert!(!holds(&hash()));
}

#[test]
fn gmssl_verifies_each_signature() {
    let Some(python) = gmssl() else { return };
    let desk = Desk::new();
    enrol(&desk, &["--profile", "yunshan"]).succeeds();
    let check = concat!(env!("CARGO_MANIFEST_DIR"), "/../pki/tests/interop/check.py");
    each_signature(&desk.path("certificates"), |signer, part, signature| {
        let key = signer.public_key().unwrap().to_sec1();
        let signature = Signature::from_der(signature).unwrap().to_bytes();
        for (name, contents) in [("key", &key[1..]), ("part", part), ("signature", &signature)] {
            fs::write(desk.path(name), contents).unwrap();
        }
        let mut command = Command::new(&python);
        command.args([check, "verify", "key", "part", "signature"]).current_dir(desk.path("."));
        let Output { status, stdout, stderr } = command.output().unwrap();
        assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
        match String::from_utf8(stdout).unwrap().trim() {
            "true" => true,
            "false" => false,
            other => panic!("{other}"),
        }
    });
}

/// `openssl` is told the identifier of SM2 and verifies one link at a time (openssl#23471).
#[test]
fn openssl_verifies_each_link() {
    if openssl().is_none() {
        return;
    }
    let desk = Desk::new();
    enrol(&desk, &[]).succeeds();
    let verify = |trusted: &[&str], file: &str| {
        let output = Command::new("openssl")
            .args(["verify", "-vfyopt", ID])
            .args(trusted)
            .arg(file)
            .current_dir(desk.path("certificates"))
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.success(), text.concat())
    };
    let root = ["-CAfile", "root.pem"];
    let issuing = ["-partial_chain", "-trusted", "issuing.pem"];
    for (verified, text) in [
        verify(&root, "root.pem"),
        verify(&root, "issuing.pem"),
        verify(&issuing, "sign.pem"),
        verify(&issuing, "encryption.pem"),
        verify(&issuing, "maker.pem"),
    ] {
        assert!(verified, "{text}");
    }
    // The twin: the certificates of another hall do not hang on this one.
    let other = ["sim", "enrol", "--target", "sim:o.ukey", "--out", "other", "--seed", "6"];
    desk.run(&other, &[]).succeeds();
    for (verified, text) in [
        verify(&root, "../other/issuing.pem"),
        verify(&issuing, "../other/sign.pem"),
        verify(&issuing, "../other/maker.pem"),
    ] {
        assert!(!verified, "{text}");
    }
}
