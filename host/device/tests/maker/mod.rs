//! Libraries of a maker who made a mistake: for the tests of this package, and of those beside it.
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A library with this fault, compiled from `tests/maker/library.c`; `None` without a compiler, which fails in CI.
pub(crate) fn library(fault: &str) -> Option<(TempDir, PathBuf)> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("libmaker.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../device/tests/maker/library.c");
    compile(&["-Wall", "-Werror", &format!("-DFAULT={}", number(fault)), source], &file)
        .then_some((folder, file))
}

/// The number of a fault in the list of the source: the preprocessor knows no names.
fn number(fault: &str) -> usize {
    let source = include_str!("library.c");
    let list = source.split("enum {").nth(1).and_then(|rest| rest.split('}').next()).unwrap();
    list.split(',').position(|name| name.trim() == fault).unwrap_or_else(|| panic!("no fault {fault}"))
}

/// Compiles a shared library; whether there is a compiler.
#[allow(clippy::print_stdout, reason = "a test that is skipped says so")]
pub(crate) fn compile(arguments: &[&str], file: &Path) -> bool {
    let run = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(file).args(arguments).output();
    let Ok(run) = run else {
        assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "cc is missing: apt-get install gcc");
        println!("skipped: cc is missing: apt-get install gcc");
        return false;
    };
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    true
}
