//! A blank token and any script.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ukey_fuzz::watch::Watch::blank().run(bytes));
