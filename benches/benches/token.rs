//! VerifyPin, ECCSignData and GenECCKeyPair through [`ukey_firmware::Token::exchange`], beside the bare computation and
//! OpenSSL.
//!
//! `cargo bench -p ukey-benches` gives criterion's figures, then a table of ratios from alternating rounds, which are
//! the ones to quote; `cargo bench -p ukey-benches -- nothing` gives the table alone. Under `cargo test` everything runs
//! once.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is what it is for")]

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use ukey_benches::bare::Bare;
use ukey_benches::openssl::OpenSsl;
use ukey_benches::rounds::{Contestant, alternate};
use ukey_benches::table::{Peer, Row, Table};
use ukey_benches::token::BenchToken;
use ukey_benches::{DIGEST, PIN};

const CHALLENGE: [u8; 8] = [0xB1; 8];

/// One who takes part in an operation; of a peer, what the ratio to it means.
struct Entry<'c> {
    name: String,
    meaning: &'static str,
    at_most: Option<f64>,
    run: Box<dyn FnMut() + 'c>,
}

impl<'c> Entry<'c> {
    fn new(name: impl Into<String>, meaning: &'static str, run: impl FnMut() + 'c) -> Self {
        Self { name: name.into(), meaning, at_most: None, run: Box::new(run) }
    }

    /// The token's time for a command is to be at most so many times this.
    fn at_most(self, ratio: f64) -> Self {
        Self { at_most: Some(ratio), ..self }
    }
}

/// An operation: the token's entry first.
struct Operation<'c> {
    name: &'static str,
    /// How often a second the token is to do it.
    per_second: Option<f64>,
    entries: Vec<Entry<'c>>,
}

fn operations<'c>(
    token: &'c RefCell<BenchToken>,
    bare: &'c RefCell<Bare>,
    openssl: Option<&'c OpenSsl>,
) -> [Operation<'c>; 4] {
    let (mut pin, mut block) = ([0; 16], [0; 16]);
    pin[..PIN.len()].copy_from_slice(PIN);
    block[..CHALLENGE.len()].copy_from_slice(&CHALLENGE);
    let mut verify = vec![
        Entry::new("token", "", || token.borrow_mut().verify_pin()),
        Entry::new(
            "bare SHA-1 + SM4",
            "one cryptogram; a login takes three (one by the host, both block forms by the token)",
            || {
                black_box(bare.borrow().cryptogram(black_box(&CHALLENGE)));
            },
        ),
        Entry::new("token, GetPinInfo", "a login in round trips of a command that computes nothing", || {
            token.borrow_mut().pin_info();
        }),
    ];
    let mut sign = vec![
        Entry::new("token", "", || token.borrow_mut().sign()),
        Entry::new("the same arithmetic, bare", "what a whole command adds to its signature", || {
            black_box(bare.borrow_mut().sign_as_the_token());
        })
        .at_most(1.10),
        Entry::new(
            "bare sm2 sign_prehash",
            "a whole command against a ready-made call, which makes its nonce from the digest (RFC 6979)",
            || {
                black_box(bare.borrow().sign());
            },
        ),
    ];
    let mut generate = vec![
        Entry::new("token", "", || token.borrow_mut().generate()),
        Entry::new("bare sm2 key generation", "what keeping the pair, and wiping the old one, adds", || {
            black_box(bare.borrow_mut().generate());
        }),
    ];
    if let Some(openssl) = openssl {
        let name = |what| format!("OpenSSL {what}");
        let (source, signer) = (openssl.key_source(), openssl.key_source().generate().signer());
        verify.push(Entry::new(name("SHA-1 + SM4"), "the same against OpenSSL's cryptogram", move || {
            black_box(openssl.cryptogram(black_box(&pin), black_box(&block)));
        }));
        sign.push(Entry::new(name("SM2 sign"), "a whole command against OpenSSL's signature", move || {
            black_box(signer.sign(black_box(&DIGEST)));
        }));
        generate.push(Entry::new(name("SM2 keygen"), "a whole command against OpenSSL's key", move || {
            black_box(source.generate());
        }));
    }
    let pin_info = vec![Entry::new("token", "", || token.borrow_mut().pin_info())];
    let operation = |name, entries| Operation { name, per_second: None, entries };
    [
        operation("VerifyPin (GenRandom, the host's cryptogram, VerifyPin)", verify),
        operation("ECCSignData (digest)", sign),
        operation("GenECCKeyPair", generate),
        Operation { name: "GetPinInfo, one round trip in process", per_second: Some(1e6), entries: pin_info },
    ]
}

fn main() {
    if !ukey_benches::is_wanted("token") {
        return;
    }
    // Cargo says `--bench` when it benches; without it criterion runs everything once.
    let asked = |option: &str| std::env::args().any(|argument| argument == option);
    let benching = asked("--bench") && !asked("--test") && !asked("--list") && !asked("--profile-time");
    let openssl = OpenSsl::load().inspect_err(|missing| eprintln!("{missing}")).ok();
    let (token, bare) = (RefCell::new(BenchToken::new()), RefCell::new(Bare::new()));

    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    for operation in operations(&token, &bare, openssl.as_ref()) {
        let mut group = criterion.benchmark_group(operation.name);
        for mut entry in operation.entries {
            group.bench_function(entry.name, |bencher| bencher.iter(&mut entry.run));
        }
        group.finish();
    }
    criterion.final_summary();

    let (rounds, slice) = if benching { (15, Duration::from_millis(40)) } else { (1, Duration::ZERO) };
    let mut table = Table::default();
    for operation in operations(&token, &bare, openssl.as_ref()) {
        let said: Vec<_> = operation.entries.iter().map(|entry| (entry.meaning, entry.at_most)).collect();
        let mut contestants: Vec<_> =
            operation.entries.into_iter().map(|entry| Contestant::new(entry.name, entry.run)).collect();
        let mut figures = alternate(rounds, slice, &mut contestants).into_iter().zip(said);
        let (token, _) = figures.next().expect("the token's");
        let peers = figures.map(|(figures, (meaning, at_most))| Peer { figures, meaning, at_most }).collect();
        let (operation, per_second) = (operation.name, operation.per_second);
        table.0.push(Row { operation, token, per_second, peers });
    }
    if benching {
        let peer = openssl.map_or_else(|| "no OpenSSL".to_owned(), |openssl| openssl.version());
        println!("{rounds} alternating rounds; peers: crate sm2 0.14, {peer}\n{table}");
    }
}
