//! What every link promises, checked over every link: one list of [`checks`], and for each way to a token a file in
//! [`ways`]. The table is printed as it comes: `cargo test -p ukey-serve --test links`; `… -- tcp` runs a part.
//!
//! Nothing here waits for time to pass: where a client's patience is tried, a [`proxy`] holds an answer back until the
//! client has asked again.

#[path = "../../../device/tests/common/mod.rs"]
mod common;

mod checks;
mod proxy;
mod ways;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, ExitCode};

use checks::CHECKS;
use libtest_mimic::{Arguments, Failed, Trial};
use ways::{Skipped, Way, served};

type New = fn() -> Result<Box<dyn Way>, Skipped>;

/// The links. Another one is a file in `ways`, and a line here.
const LINKS: &[(&str, New)] = &[
    ("sim", ways::sim::fresh),
    ("sim:FILE", ways::sim::in_a_file),
    ("qemu:mps2-an386", ways::qemu::board),
    #[cfg(feature = "pcsc")]
    ("pcsc:READER", ways::pcsc::in_a_reader),
    ("skf:LIBRARY#DEVICE", ways::skf::library_of_ours),
    ("tcp:HOST:PORT", served::tcp),
    ("unix:PATH", served::unix),
    ("serial:PATH", served::serial),
];

/// Where those are listed that run. The hand that holds a key is found there.
const FOLDER: &str = "UKEY_RUNTIME_DIR";
/// Says that the folder is one of this test.
const OURS: &str = "UKEY_LINKS_OURS";

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    if env::var_os(OURS).is_none() {
        return in_a_folder_of_its_own(arguments);
    }
    if arguments.next().as_deref() == Some(served::SERVE) {
        served::serve(arguments);
        return ExitCode::SUCCESS;
    }
    let trials = LINKS.iter().map(|&(form, new)| Trial::test(form, move || keeps_the_contract(form, new)));
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// Runs the tests where no token runs but theirs.
fn in_a_folder_of_its_own(arguments: impl Iterator<Item = String>) -> ExitCode {
    let folder = tempfile::tempdir().unwrap();
    let tests = Command::new(env::current_exe().unwrap())
        .args(arguments)
        .env(FOLDER, folder.path().join("run"))
        .env(OURS, "")
        .status()
        .unwrap();
    if tests.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs every check on a token of its own.
#[allow(clippy::print_stdout, reason = "the table is what the test shows")]
fn keeps_the_contract(form: &str, new: New) -> Result<(), Failed> {
    if let Err(Skipped(why)) = new() {
        println!("{form:<16} skipped: {why}");
        return Ok(());
    }
    let mut broken = Vec::new();
    for (name, check) in CHECKS {
        let verdict = match catch_unwind(AssertUnwindSafe(|| new().and_then(|way| check(&*way)))) {
            Ok(Ok(())) => "kept".to_owned(),
            Ok(Err(Skipped(why))) => format!("not asked: {why}"),
            Err(_) => {
                broken.push(*name);
                "BROKEN".to_owned()
            }
        };
        println!("{form:<16} {name:<49} {verdict}");
    }
    if broken.is_empty() { Ok(()) } else { Err(format!("{form} breaks: {}", broken.join(", ")).into()) }
}
