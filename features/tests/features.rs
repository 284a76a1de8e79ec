//! The built-in scenarios as tests, one each.

use std::process::ExitCode;

use ukey_features::{
    UkeyWorld,
    runner::{built_in, libtest},
};

fn main() -> ExitCode {
    libtest::main::<UkeyWorld>(built_in())
}
