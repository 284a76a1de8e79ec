//! What the tests of this room share: one authority with everything it can issue, damage, and finding real components.
#![allow(dead_code, reason = "each test program uses a part")]
#![allow(unreachable_pub, reason = "a module of a test program")]

pub mod seal;

use std::path::PathBuf;
use std::process::{Command, Output};

use der::Decode;
use jiff::Timestamp;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ukey_pki::{
    Authority, Certificate, Crl, CsrResponse, EndEntity, EnvelopedKey, Identity, KeyPair, Name,
    PrivateKeyForm, Request, RevocationReason, Revoked, Validity,
};

/// Everything a unit gets from an authority, out of one seed.
pub struct World {
    pub rng: ChaCha20Rng,
    pub root: Authority,
    pub issuing: Authority,
    pub holder: EndEntity,
    pub sign_key: KeyPair,
    pub encryption_key: KeyPair,
    pub request: Request,
    pub sign: Certificate,
    pub encryption: Certificate,
    pub envelope: EnvelopedKey,
    pub response: CsrResponse,
    /// Lists the sign certificate (superseded) and the encryption certificate (on hold).
    pub crl: Crl,
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn validity(from: &str, to: &str) -> Validity {
    Validity::new(at(from), at(to)).unwrap()
}

pub fn name(common_name: &str) -> Name {
    Name::builder().country("CN").organization("示例科技有限公司").common_name(common_name).build().unwrap()
}

impl World {
    pub fn new(seed: u8) -> Self {
        let mut rng = ChaCha20Rng::from_seed([seed; 32]);
        let root_key = KeyPair::generate(&mut rng);
        let life = validity("2020-01-01T00:00:00Z", "2060-01-01T00:00:00Z");
        let root = Authority::root(&name("示例根"), life, root_key, &mut rng).unwrap();
        let issuing_key = KeyPair::generate(&mut rng);
        let life = validity("2020-01-01T00:00:00Z", "2049-12-31T23:59:59Z");
        let issuing = root.issuing(&name("示例签发"), life, issuing_key, &mut rng).unwrap();

        let subject = Name::builder()
            .country("CN")
            .organization("示例科技有限公司")
            .organizational_unit("财务部")
            .serial_number("91110000000000000X")
            .common_name("示例科技有限公司")
            .build()
            .unwrap();
        let sign_key = KeyPair::generate(&mut rng);
        let encryption_key = KeyPair::generate(&mut rng);
        let request = Request::build(&subject, &sign_key).unwrap();
        let holder = EndEntity::new(subject, validity("2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z"))
            .identity(Identity::CreditCode("91110000000000000X".into()))
            .crl_address("http://crl.example/list.crl");
        let sign = issuing.issue_sign(&holder, request.public_key(), &mut rng).unwrap();
        let encryption = issuing.issue_encrypt(&holder, encryption_key.public_key(), &mut rng).unwrap();
        let recipient = sign_key.public_key();
        let envelope = EnvelopedKey::seal(&encryption_key, &recipient, PrivateKeyForm::Bytes64, &mut rng);
        let response = CsrResponse::double(sign.clone(), envelope.clone(), encryption.clone()).unwrap();
        let crl = crl_of(
            &issuing,
            [
                revoked(&sign, Some(RevocationReason::Superseded)),
                revoked(&encryption, Some(RevocationReason::CertificateHold)),
            ],
        );
        Self {
            rng,
            root,
            issuing,
            holder,
            sign_key,
            encryption_key,
            request,
            sign,
            encryption,
            envelope,
            response,
            crl,
        }
    }
}

pub fn revoked(certificate: &Certificate, reason: Option<RevocationReason>) -> Revoked {
    Revoked { serial: certificate.serial().clone(), date: at("2026-03-01T08:00:00Z"), reason }
}

pub fn crl_of(authority: &Authority, entries: impl IntoIterator<Item = Revoked>) -> Crl {
    Crl::build(authority, 7, at("2026-03-02T00:00:00Z"), at("2026-09-02T00:00:00Z"), entries).unwrap()
}

/// A DER value.
pub fn tlv(tag: u8, contents: impl AsRef<[u8]>) -> Vec<u8> {
    let contents = contents.as_ref();
    let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
    let head = match contents.len() {
        0..=0x7F => vec![tag, length[1]],
        0x80..=0xFF => vec![tag, 0x81, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    [head.as_slice(), contents].concat()
}

/// The members of a DER value that holds others.
pub fn members(der: &[u8]) -> Vec<Vec<u8>> {
    let (mut rest, mut members) = (der::AnyRef::from_der(der).unwrap().value(), Vec::new());
    while !rest.is_empty() {
        let (_, after) = der::AnyRef::from_der_partial(rest).unwrap();
        members.push(rest[..rest.len() - after.len()].to_vec());
        rest = after;
    }
    members
}

/// A certificate or list with this signed part, signed by this authority's key.
pub fn signed_by(authority: &Authority, part: &[u8]) -> Vec<u8> {
    let signature = seal::bits(&seal::signature(authority.key(), part));
    tlv(0x30, [part, &tlv(0x30, seal::ALGORITHM), &signature].concat())
}

/// The bytes with one part in place of another, which is there exactly once.
pub fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let places: Vec<usize> = (0..bytes.len()).filter(|place| bytes[*place..].starts_with(from)).collect();
    let [place] = places[..] else { panic!("found {} times", places.len()) };
    [&bytes[..place], to, &bytes[place + from.len()..]].concat()
}

/// The bytes with one byte changed; `index` counts from the end when negative.
pub fn flipped(der: &[u8], index: isize) -> Vec<u8> {
    let mut bytes = der.to_vec();
    let index = if index < 0 { bytes.len().checked_add_signed(index).unwrap() } else { index.unsigned_abs() };
    bytes[index] ^= 1;
    bytes
}

/// The component, or `None` after a line on stderr that says which package brings it. Where the variable `CI` is
/// `true` a missing component fails the test.
#[allow(clippy::print_stderr, reason = "the one line that says why a test did nothing")]
pub fn component<T>(found: Option<T>, what: &str, package: &str) -> Option<T> {
    if found.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{what} is missing; {package} brings it");
        eprintln!("skipped: {what} is missing; {package} brings it");
    }
    found
}

/// Whether a program runs and succeeds with these arguments.
pub fn runs(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// Standard output and error, and whether it succeeded.
pub fn run(command: &mut Command) -> (bool, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (status.success(), text)
}

/// A script or program of these tests.
pub fn interop_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(name)
}
