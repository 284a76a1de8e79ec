//! The libraries that are measured against each other do what is measured.

use ukey_benches::skf::Skf;
use ukey_benches::softhsm::SoftHsm;
use ukey_benches::{DIGEST, PIN};

/// The only test of its program, for each library reads a variable of the environment that is set here.
#[test]
fn tokens_behind_libraries_log_in_and_sign() {
    let folder = tempfile::tempdir().unwrap();
    let hsm = SoftHsm::new(folder.path()).inspect_err(|missing| {
        assert!(missing.to_string().contains("softhsm2"));
        let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!in_ci, "{missing}");
    });
    let skf = Skf::load("sim");
    let token = skf.device("sim");
    let signature = token.sign();
    assert!(token.accepts(&DIGEST, &signature) && !token.accepts(&[0; 32], &signature));
    assert_eq!(token.verify_pin(b"00000000"), Err(9));
    assert_eq!(token.verify_pin(PIN), Ok(()));
    if let Ok(hsm) = hsm {
        assert!(hsm.log_in_and_out(PIN) && !hsm.log_in_and_out(b"00000000") && hsm.log_in_and_out(PIN));
    }
}
