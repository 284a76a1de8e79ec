//! Envelopes, chains and blocks.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ukey_fuzz::language::envelope(bytes));
