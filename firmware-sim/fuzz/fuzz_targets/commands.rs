//! Every command and answer of the language.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ukey_fuzz::language::command(bytes));
