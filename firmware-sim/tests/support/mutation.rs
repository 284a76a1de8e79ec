//! Envelopes with one thing wrong: every bit, every length; and which of them are right all the same.

use ukey_apdu::command::*;
use ukey_apdu::envelope::{Apdu, Le};
use ukey_apdu::{Dialect, Ins};

use super::walk::{FILE_SIZE, Facts, STEPS};

const GM: Dialect = Dialect::GM2012;

/// Every envelope that differs from this one in one bit or in one length.
pub fn mutations(envelope: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for (at, bit) in (0..envelope.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut mutated = envelope.to_vec();
        mutated[at] ^= 1 << bit;
        all.push((format!("bit {bit} of byte {at}"), mutated));
    }
    for length in 0..envelope.len() {
        all.push((format!("cut to {length} bytes"), envelope[..length].to_vec()));
    }
    for more in 1..=8 {
        all.push((format!("{more} bytes more"), [envelope, &vec![0; more]].concat()));
        all.push((format!("{more} other bytes more"), [envelope, &vec![0xFF; more]].concat()));
    }
    if let Ok(apdu) = Apdu::parse(envelope) {
        let mut encoded = |what: String, apdu: Apdu<'_>| {
            let mut bytes = vec![0; apdu.data.len() + 16];
            let length = apdu.encode(&mut bytes).unwrap();
            all.push((what, bytes[..length].to_vec()));
        };
        for le in [Le::Absent, Le::Max].into_iter().chain((0..16).map(|n| Le::Exact(1 << n))) {
            encoded(format!("{le:?}"), Apdu { le, ..apdu });
        }
        // A whole envelope around shorter and longer data.
        for length in 0..apdu.data.len() {
            encoded(format!("{length} bytes of data"), Apdu { data: &apdu.data[..length], ..apdu });
        }
        for more in [1, 2, 4, 8, 16, 32] {
            for byte in [0, 0xFF] {
                let data = [apdu.data, &vec![byte; more]].concat();
                encoded(format!("{more} bytes of data more, {byte:02X}"), Apdu { data: &data, ..apdu });
            }
        }
    }
    all.retain(|(_, mutated)| mutated != envelope);
    all
}

/// Why a mutated command is right, in a state of these facts; `None` where it must be refused.
pub fn why_right(facts: Facts, original: &Apdu<'_>, mutated: &Apdu<'_>) -> Option<&'static str> {
    if mutated.cla.chained {
        return Some("a block of a chain is kept and nothing else");
    }
    let (was, is) = (Ins::from_byte(original.ins)?, Ins::from_byte(mutated.ins)?);
    if was != is {
        let mut forms = STEPS.iter().filter(|step| step.ins == is);
        let may = forms.any(|step| facts & step.needs == step.needs);
        return may.then_some("another command, which may be given here");
    }
    if !le_fits(is, mutated.le) || original.cla != mutated.cla {
        return None;
    }
    if is_same(original, mutated) {
        return Some("Le is as the size of the answer allows");
    }
    content(is, original, mutated)
}

/// Whether they differ in Le alone.
pub fn is_same(original: &Apdu<'_>, mutated: &Apdu<'_>) -> bool {
    let le = mutated.le;
    Apdu { le, ..*original } == *mutated && Ins::from_byte(original.ins).is_some_and(|ins| le_fits(ins, le))
}

fn le_fits(ins: Ins, le: Le) -> bool {
    match (shape(ins, &GM).map(|shape| shape.answer), le) {
        (Some(Size::Fixed(size)), Le::Exact(n)) => n == size,
        (Some(Size::AsAsked), Le::Exact(n)) => n <= 496,
        (Some(Size::AsAsked), _) => false,
        (answer, _) => answer.is_some(),
    }
}

/// Both commands decoded, and what must be the same in them, or hold for the second.
macro_rules! both {
    ($type:ident, $original:expr, $mutated:expr, |$a:pat_param, $b:pat_param| $holds:expr, $why:literal) => {{
        let ($a, $b) = ($type::read($original, &GM).ok()?, $type::read($mutated, &GM).ok()?);
        ($holds).then_some($why)
    }};
}

/// What is free in a command: what the host brings, not what it names.
fn content(ins: Ins, a: &Apdu<'_>, b: &Apdu<'_>) -> Option<&'static str> {
    match ins {
        Ins::SetLabel => both!(SetLabel, a, b, |_, _| true, "any label"),
        Ins::DevAuth => {
            both!(DevAuth, a, b, |a, b| a.cryptogram == b.cryptogram && b.algorithm == 0, "0 is SM4 too")
        }
        Ins::GetPinInfo => both!(GetPinInfo, a, b, |a, b| a.application == b.application, "of the other PIN"),
        Ins::CreateApplication => {
            both!(CreateApplication, a, b, |_, b| b.name.len() <= 32, "any application")
        }
        Ins::CreateContainer => {
            both!(CreateContainer, a, b, |a, b| a.application == b.application, "a container of any name")
        }
        Ins::CreateFile => both!(CreateFile, a, b, |a, b| a.application == b.application, "any file"),
        Ins::WriteFile => both!(
            WriteFile,
            a,
            b,
            |a, b| (a.application, a.name) == (b.application, b.name)
                && usize::from(b.offset) + b.data.0.len() <= usize::from(FILE_SIZE),
            "any data at any place of the file"
        ),
        Ins::ReadFile => both!(
            ReadFile,
            a,
            b,
            |a, b| (a.application, a.name) == (b.application, b.name) && b.offset < FILE_SIZE,
            "any place of the file"
        ),
        Ins::ImportCertificate => both!(
            ImportCertificate,
            a,
            b,
            |a, b| (a.application, a.container, a.key_use) == (b.application, b.container, b.key_use),
            "a token does not look into certificates"
        ),
        Ins::EccSignData => both!(
            EccSignData,
            a,
            b,
            |a, b| (a.application, a.container) == (b.application, b.container),
            "anything can be signed"
        ),
        Ins::EccExportSessionKeyEx => both!(
            EccExportSessionKeyEx,
            a,
            b,
            |a, b| is_key(a.key, b.key) && a.public_key == b.public_key,
            "another key that is there"
        ),
        Ins::DestroySessionKey => {
            both!(DestroySessionKey, a, b, |a, b| is_key(a.key, b.key), "another key that is there")
        }
        Ins::ExtEccEncrypt => {
            both!(ExtEccEncrypt, a, b, |a, b| a.public_key == b.public_key, "anything can be encrypted")
        }
        Ins::ExtEccSign => both!(ExtEccSign, a, b, |_, _| true, "anything by any private key"),
        Ins::GenerateAgreementDataWithEcc => both!(
            GenerateAgreementDataWithEcc,
            a,
            b,
            |a, b| GenerateAgreementDataWithEcc { id: b.id, ..a } == b,
            "any identity"
        ),
        Ins::GenerateKeyWithEcc => both!(
            GenerateKeyWithEcc,
            a,
            b,
            |a, b| GenerateKeyWithEcc { responder: Party { id: b.responder.id, ..a.responder }, ..a } == b,
            "any identity"
        ),
        Ins::GenerateAgreementDataAndKeyWithEcc => both!(
            GenerateAgreementDataAndKeyWithEcc,
            a,
            b,
            |a, b| {
                let initiator = Party { id: b.initiator.id, ..a.initiator };
                GenerateAgreementDataAndKeyWithEcc { id: b.id, initiator, ..a } == b
            },
            "any identities"
        ),
        Ins::ImportSymmKey => both!(
            ImportSymmKey,
            a,
            b,
            |a, b| a.holder == b.holder && a.algorithm == b.algorithm && b.key.len() == 16,
            "any key"
        ),
        Ins::EncryptInit => {
            both!(EncryptInit, a, b, |a, b| is_key(a.key, b.key) && is_mode(b.parameters), "any mode")
        }
        Ins::DecryptInit => {
            both!(DecryptInit, a, b, |a, b| is_key(a.key, b.key) && is_mode(b.parameters), "any mode")
        }
        Ins::MacInit => {
            both!(MacInit, a, b, |a, b| is_key(a.key, b.key) && is_mode(b.parameters), "any vector")
        }
        Ins::Encrypt => both!(Encrypt, a, b, |a, b| a.key == b.key, "any data"),
        Ins::EncryptUpdate => both!(EncryptUpdate, a, b, |a, b| a.key == b.key, "any data"),
        Ins::EncryptFinal => both!(EncryptFinal, a, b, |a, b| a.key == b.key, "any data"),
        Ins::Decrypt => both!(Decrypt, a, b, |a, b| a.key == b.key && blocks(b.data), "any whole blocks"),
        Ins::DecryptUpdate => both!(DecryptUpdate, a, b, |a, b| a.key == b.key, "any data"),
        Ins::DecryptFinal => both!(DecryptFinal, a, b, |a, b| a.key == b.key, "any data"),
        Ins::Mac => both!(Mac, a, b, |a, b| a.key == b.key && blocks(b.data), "any whole blocks"),
        Ins::MacUpdate => both!(MacUpdate, a, b, |a, b| a.key == b.key, "any data"),
        Ins::MacFinal => {
            both!(
                MacFinal,
                a,
                b,
                |a, b| a.key == b.key && b.data.0.len() % 16 == a.data.0.len() % 16,
                "any data"
            )
        }
        Ins::DigestInit => both!(DigestInit, a, b, |_, _| true, "any digest; a public key goes in as it is"),
        Ins::Digest | Ins::DigestUpdate | Ins::DigestFinal => Some("any data"),
        _ => None,
    }
}

/// The same key, or one of the two that the agreements of the walk left in the same container.
fn is_key(a: KeyHandle, b: KeyHandle) -> bool {
    a == b || a.holder == b.holder && [0x5000, 0x5001].contains(&b.key.0)
}

fn blocks(data: Data<'_>) -> bool {
    data.0.len().is_multiple_of(16)
}

fn is_mode(parameters: CipherParameters<'_>) -> bool {
    [SGD_SM4_ECB, SGD_SM4_CBC, SGD_SM4_CFB, SGD_SM4_OFB, SGD_SM4_MAC]
        .map(Some)
        .contains(&parameters.algorithm)
}
