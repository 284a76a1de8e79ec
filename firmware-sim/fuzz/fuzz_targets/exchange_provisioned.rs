//! A token that has everything, all of it open, and any script.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ukey_fuzz::watch::Watch::provisioned().run(bytes));
