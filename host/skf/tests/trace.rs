//! What a client does with the library leaves a trace, where `UKEY_TRACE` asks for one: with the functions it called.

mod common;

use common::*;
use ukey_device::trace::{Filter, Recording};

#[test]
fn a_clients_session_is_traced_with_the_functions_it_called() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("session.trace");
    // SAFETY: the only test of this program; nobody reads the environment yet.
    unsafe {
        std::env::set_var("UKEY_TRACE", &file);
        std::env::set_var("UKEY_SKF_TARGETS", "sim");
    }
    let (device, application, container, _) = issued();
    let mut left = 0_u32;
    assert_eq!(skf!(SKF_VerifyPIN(application, 1_u32, WRONG.as_ptr(), &raw mut left)), 0x0A00_0024);
    log_in(application);
    let mut signature = [0_u8; 128];
    assert_eq!(skf!(SKF_ECCSignData(container, [7_u8; 32].as_ptr(), 32_u32, signature.as_mut_ptr())), OK);
    assert_eq!(skf!(SKF_DisConnectDev(device)), OK);

    let recording = Recording::read(&file).unwrap();
    // What `ukey trace show` prints.
    let table = recording.table(&Filter::default());
    for (command, function) in [
        ("GenRandom", "SKF_GenRandom"),
        ("DevAuth", "SKF_DevAuth"),
        ("CreateApplication", "SKF_CreateApplication"),
        ("GenRandom", "SKF_VerifyPIN"),
        ("VerifyPin", "SKF_VerifyPIN"),
        ("GenECCKeyPair", "SKF_GenECCKeyPair"),
        ("ECCSignData", "SKF_ECCSignData"),
        ("CloseApplication", "SKF_DisConnectDev"),
    ] {
        let of = |line: &&str| line.contains(command) && line.ends_with(&format!("  [{function}]"));
        assert!(table.lines().find(of).is_some(), "{command} for {function} in {table}");
    }
    let failed = recording.table(&Filter { failed: true, ..Filter::default() });
    assert_eq!(failed.matches("[SKF_VerifyPIN]").count(), 1, "{failed}");
    let text = std::fs::read_to_string(&file).unwrap();
    // The wrong PIN is all zeros, which other things are too.
    for secret in [USER, ADMIN, FACTORY_KEY.as_slice()] {
        let secret = std::str::from_utf8(secret).unwrap().trim_end_matches('\0');
        let hex = hex::encode(secret);
        assert!(!text.contains(secret) && !text.to_lowercase().contains(&hex), "{secret}");
    }
}
