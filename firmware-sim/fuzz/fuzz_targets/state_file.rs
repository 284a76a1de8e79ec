//! The file of a simulated token.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ukey_fuzz::state::open(bytes));
