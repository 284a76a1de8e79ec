//! What every link promises, checked over every link: one list of [`checks`], and for each way to a token a file in
//! [`ways`]. `cargo test -p ukey-serve --test links -- --nocapture` prints the table.
//!
//! Nothing here waits for time to pass: where a client's patience is tried, a [`proxy`] holds an answer back until the
//! client has asked again.

#[path = "../../../device/tests/common/mod.rs"]
mod common;

mod checks;
mod proxy;
mod ways;

use std::panic::{AssertUnwindSafe, catch_unwind};

use checks::CHECKS;
use ways::{Skipped, Way};

/// Runs every check on a token of its own.
///
/// # Panics
/// Where a check fails, when all have run.
#[allow(clippy::print_stdout, reason = "the table is what the test shows")]
fn keeps_the_contract(form: &str, new: impl Fn() -> Result<Box<dyn Way>, Skipped>) {
    if let Err(Skipped(why)) = new() {
        println!("{form:<18} skipped: {why}");
        return;
    }
    let mut failed = Vec::new();
    for (name, check) in CHECKS {
        let verdict = catch_unwind(AssertUnwindSafe(|| new().and_then(|way| check(&*way))));
        let verdict = match verdict {
            Ok(Ok(())) => "kept".to_owned(),
            Ok(Err(Skipped(why))) => format!("not asked: {why}"),
            Err(_) => {
                failed.push(*name);
                "BROKEN".to_owned()
            }
        };
        println!("{form:<18} {name:<48} {verdict}");
    }
    assert!(failed.is_empty(), "{form} breaks: {}", failed.join(", "));
}

#[test]
fn sim() {
    keeps_the_contract("sim", ways::sim::fresh);
}

#[test]
fn sim_with_a_file() {
    keeps_the_contract("sim:FILE", ways::sim::in_a_file);
}

#[test]
fn qemu() {
    keeps_the_contract("qemu:mps2-an386", ways::qemu::board);
}

#[test]
fn tcp() {
    keeps_the_contract("tcp:HOST:PORT", ways::served::tcp);
}

#[test]
fn unix() {
    keeps_the_contract("unix:PATH", ways::served::unix);
}
