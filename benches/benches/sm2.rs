//! SM2 through [`ukey_firmware::Token::exchange`] beside the ready-made calls of crate `sm2` 0.14, against the goals.
//!
//! `cargo bench -p ukey-benches --bench sm2` prints for each operation how many times faster a whole command is than the
//! call alone, by CPU time in alternating rounds of one run. Under `cargo test` everything runs once.
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Duration;

use ukey_benches::bare::Bare;
use ukey_benches::rounds::{Contestant, alternate};
use ukey_benches::token::BenchToken;

/// An operation by the token's command and by the bare call, and how many times faster the command is to be.
struct Operation<'c> {
    name: &'static str,
    goal: f64,
    token: Box<dyn FnMut() + 'c>,
    bare: Box<dyn FnMut() + 'c>,
}

fn operations<'c>(token: &'c RefCell<BenchToken>, bare: &'c RefCell<Bare>) -> [Operation<'c>; 4] {
    [
        Operation {
            name: "ECCSignData, sign_prehash",
            goal: 1.3,
            token: Box::new(|| token.borrow_mut().sign()),
            bare: Box::new(|| _ = black_box(bare.borrow().sign())),
        },
        Operation {
            name: "ECCVerify, verify_prehash",
            goal: 1.15,
            token: Box::new(|| token.borrow_mut().verify()),
            bare: Box::new(|| bare.borrow().verify()),
        },
        Operation {
            name: "ExtECCEncrypt, encrypt",
            goal: 1.5,
            token: Box::new(|| token.borrow_mut().encrypt()),
            bare: Box::new(|| _ = black_box(bare.borrow_mut().encrypt())),
        },
        Operation {
            name: "ExtECCDecrypt, decrypt",
            goal: 1.7,
            token: Box::new(|| token.borrow_mut().decrypt()),
            bare: Box::new(|| _ = black_box(bare.borrow().decrypt())),
        },
    ]
}

fn main() {
    if !ukey_benches::is_wanted("sm2") {
        return;
    }
    let benching = std::env::args().any(|argument| argument == "--bench");
    let (token, bare) = (RefCell::new(BenchToken::new()), RefCell::new(Bare::new()));
    let (rounds, slice) = if benching { (21, Duration::from_millis(60)) } else { (1, Duration::ZERO) };
    if benching {
        println!("{rounds} alternating rounds of {} ms; microseconds of CPU", slice.as_millis());
        println!(
            "{:<28} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}  goal",
            "command, call", "token", "minimum", "sm2 0.14", "minimum", "ratio", "minimum"
        );
    }
    for Operation { name, goal, token, bare } in operations(&token, &bare) {
        let mut contestants = [Contestant::new("token", token), Contestant::new("sm2", bare)];
        let figures = alternate(rounds, slice, &mut contestants);
        let [token, bare] = figures.as_slice() else { return };
        let (median, minimum) = (bare.median() / token.median(), bare.minimum() / token.minimum());
        let verdict = if median.min(minimum) >= goal { "met" } else { "MISSED" };
        if benching {
            println!(
                "{name:<28} {:>9.1} {:>9.1} {:>9.1} {:>9.1} {median:>8.2}x {minimum:>8.2}x  {goal}x {verdict}",
                token.median() * 1e6,
                token.minimum() * 1e6,
                bare.median() * 1e6,
                bare.minimum() * 1e6,
            );
        }
    }
}
