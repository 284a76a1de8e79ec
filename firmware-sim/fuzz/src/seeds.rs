//! The seeds that are checked in: computed, the same every time.

use ukey_apdu::command::{self, KeyUse, SPOKEN};
use ukey_apdu::envelope::{Apdu, Le};
use ukey_apdu::{Dialect, Ins};

use crate::script::{Step, script};
use crate::support::walk::{Walk, walk};

/// A seed: target, name, bytes.
pub type Seed = (&'static str, String, Vec<u8>);

/// All seeds.
#[must_use]
pub fn all() -> Vec<Seed> {
    let steps: Vec<(String, Vec<Vec<u8>>)> =
        walk().iter().map(|(walk, _, step)| (step.name(), sent(walk, step))).collect();
    let mut seeds = Vec::new();
    blank(&steps, &mut seeds);
    provisioned(&steps, &mut seeds);
    language(&steps, &mut seeds);
    state_files(&mut seeds);
    seeds
}

fn sent(walk: &Walk, step: &crate::support::walk::Step) -> Vec<Vec<u8>> {
    walk.envelopes(step).unwrap_or_default()
}

fn envelopes<'e>(steps: &'e [(String, Vec<Vec<u8>>)]) -> impl Iterator<Item = Step<'e>> {
    steps.iter().flat_map(|(_, sent)| sent).map(|envelope| Step::Envelope(envelope))
}

/// The walk as it was: the same token with the same chance takes every cryptogram of it. In three parts that overlap, for
/// a script has an end.
fn blank(steps: &[(String, Vec<Vec<u8>>)], seeds: &mut Vec<Seed>) {
    let walk: Vec<_> = envelopes(steps).collect();
    for length in [8, 24, 40, 64] {
        let part = walk.get(..length).unwrap_or(&walk);
        seeds.push(("exchange_blank", format!("walk-{length}"), script(part)));
    }
    let begin = walk.get(..14).unwrap_or(&walk);
    let computed = [
        Step::DevAuth(&[1, 0, 0]),
        Step::VerifyPin(&[1, 0, 0]),
        Step::VerifyPin(&[3, 0, 0]),
        Step::VerifyPin(&[0, 0, 0]),
        Step::ChangePin(b"\x01\0\0next-user-pin"),
        Step::UnblockPin(b"\x01\0\0third-user-pin"),
        Step::PowerCycle,
    ];
    seeds.push(("exchange_blank", "pins".to_owned(), script(&[begin, &computed].concat())));
    let locked = [Step::VerifyPin(&[3, 0, 0]); 11];
    seeds.push(("exchange_blank", "locked".to_owned(), script(&[begin, &locked].concat())));
}

/// Each command of the walk alone, and what the harness computes.
fn provisioned(steps: &[(String, Vec<Vec<u8>>)], seeds: &mut Vec<Seed>) {
    let name = |name: &str| name.trim().replace(' ', "-").to_lowercase();
    for (of, sent) in steps {
        let sent: Vec<_> = sent.iter().map(|envelope| Step::Envelope(envelope)).collect();
        seeds.push(("exchange_provisioned", name(of), script(&sent)));
    }
    let begins: Vec<Vec<u8>> = [("EncryptInit", "a key"), ("DecryptInit ", ""), ("MacInit", "")]
        .iter()
        .filter_map(|(wanted, _)| steps.iter().position(|(name, _)| name.trim() == wanted.trim()))
        .map(|at| script(&envelopes(steps.get(at..at + 5).unwrap_or_default()).collect::<Vec<_>>()))
        .collect();
    for (number, bytes) in begins.into_iter().enumerate() {
        seeds.push(("exchange_provisioned", format!("operation-{number}"), bytes));
    }
    let export = [0x80, 0x4E, KeyUse::Sign as u8, 0, 0, 0, 4, 0x10, 0, 0x30, 1, 0, 0];
    let computed: [(&str, &[Step<'_>]); 7] = [
        ("pin", &[Step::VerifyPin(&[1, 0, 0]), Step::VerifyPin(&[5, 7, 0x55]), Step::VerifyPin(&[2, 0, 0])]),
        ("new-pin", &[Step::ChangePin(b"\x01\0\0another pin"), Step::VerifyPin(&[1, 0, 0])]),
        ("unblocked", &[Step::UnblockPin(b"\x00\0\0another pin"), Step::ChangePin(b"\x01\0\0short")]),
        ("device", &[Step::DevAuth(&[0, 0, 0]), Step::ChangeDevAuthKey(b"\0\0\0the next dev-key")]),
        ("pair", &[Step::ImportKeyPair(b"\0\0\0a private key of 32 bytes length")]),
        ("session-key", &[Step::ImportSessionKey(b"\0\0\x0016 bytes of a key"), Step::PowerCycle]),
        ("blocks", &[Step::Envelope(&export), Step::Again, Step::Again, Step::Chain(3, &export)]),
    ];
    for (name, steps) in computed {
        seeds.push(("exchange_provisioned", format!("computed-{name}"), script(steps)));
    }
}

/// Every envelope of the walk; every command's data.
fn language(steps: &[(String, Vec<Vec<u8>>)], seeds: &mut Vec<Seed>) {
    let mut seen = Vec::new();
    for (_, sent) in steps {
        for envelope in sent {
            let Ok(apdu) = Apdu::parse(envelope) else { continue };
            let Some(number) = Ins::ALL.iter().position(|ins| *ins as u8 == apdu.ins) else { continue };
            if apdu.cla.chained || seen.contains(&apdu.ins) {
                continue;
            }
            seen.push(apdu.ins);
            let name = Ins::ALL[number].name().to_lowercase();
            seeds.push(("envelope", name.clone(), envelope.clone()));
            for dialect in 0..Dialect::BUILT_IN.len() as u8 {
                let (kind, le) = match apdu.le {
                    Le::Absent => (0, 0),
                    Le::Max => (1, 0),
                    Le::Exact(n) => (2, n),
                };
                let [high, low] = le.to_be_bytes();
                let front = [dialect, number as u8, apdu.p1, apdu.p2, kind, high, low];
                seeds.push(("commands", format!("{name}-{dialect}"), [&front, apdu.data].concat()));
            }
        }
    }
    assert!(
        SPOKEN
            .iter()
            .all(|ins| command::shape(*ins, &Dialect::GM2012).is_some() && seen.contains(&(*ins as u8)))
    );
    let chain = [9, 0x90, 0x4C, 0, 0, 0, 0, 2, b'a', b'b', 8, 0x80, 0x4C, 0, 0, 0, 0, 1, b'c'];
    seeds.push(("envelope", "a-chain".to_owned(), chain.to_vec()));
    seeds.push(("envelope", "short-form".to_owned(), vec![0x80, 0x46, 0, 0, 2, 0x10, 0, 0]));
}

fn state_files(seeds: &mut Vec<Seed>) {
    let patch = |first: u8, at: u32, bytes: &[u8]| {
        [&[first], &at.to_be_bytes()[1..], &[bytes.len() as u8], bytes].concat()
    };
    let files = [
        ("sound", vec![1]),
        ("foreign", b"\0not a state file".to_vec()),
        ("short", b"\0\x89UKEY\r\n\x1a\0\0\0\x01".to_vec()),
        ("newer", patch(1, 8, &[0, 0, 0, 2])),
        ("dialect", patch(1, 12, b"elvish")),
        ("dialect-gm3000", patch(1, 12, b"gm3000")),
        ("not-utf-8", patch(1, 44, &[0xFF; 32])),
        ("length", patch(1, 204, &[0, 8, 0, 1])),
        ("checksum", patch(3, 300, &[0])),
        ("flash-header", patch(1, 240, &[0; 16])),
        ("log-header", patch(1, 240 + 8192, &[0x55; 3])),
        ("record", patch(1, 240 + 8192 + 16, &[0x55; 2])),
        ("blank-flash", patch(1, 240, &[0xFF; 255])),
    ];
    seeds.extend(files.map(|(name, bytes)| ("state_file", name.to_owned(), bytes)));
}
