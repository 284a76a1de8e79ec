//! A captured session of a commercial token decodes, all 18 exchanges but the vendor's own three. The capture is not part of the repository: the test reads it
//! from beside the checkout where it is there, and says so where it is not.

use ukey_apdu::Dialect;
use ukey_apdu::command::{Answer, DevInfo, EccPublicKey, EccSignature, Names};
use ukey_apdu::describe::describe;

const CAPTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures/gm3000-session.json");

#[test]
#[allow(clippy::print_stderr, reason = "a skipped test says so")]
fn every_exchange_decodes() {
    let Ok(text) = std::fs::read_to_string(CAPTURE) else {
        eprintln!("skipped: no captured session beside the checkout");
        return;
    };
    let session: serde_json::Value = serde_json::from_str(&text).unwrap();
    let bytes = |value: &serde_json::Value| hex::decode(value.as_str().unwrap()).unwrap();
    let lines: Vec<String> = session["exchanges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|exchange| {
            let answer = [bytes(&exchange["rsp"]), bytes(&exchange["sw"])].concat();
            describe(&bytes(&exchange["cmd"]), &answer, &Dialect::GM3000).to_string()
        })
        .collect();
    let expected = [
        (0, "not a GM/T 0017 command, 7 bytes → 9000 success, 128 bytes"),
        (1, "GetDevInfo (undecodable, 0 bytes) → 9000 success, 68 bytes"),
        (3, "EnumApplication → 9000 success, \"GM3000RSA\""),
        (4, "OpenApplication \"GM3000RSA\" → 9000 success, application 1000"),
        (5, "GenRandom 8 bytes → 9000 success, 8 random bytes"),
        (6, "VerifyPin application 1000 user PIN ‹redacted› → 9000 success"),
        (7, "EnumContainer application 1000 → 9000 success, \"DefaultContainer\""),
        (8, "OpenContainer application 1000 \"DefaultContainer\" → 9000 success, container 3001"),
        (9, "not a GM/T 0017 command, 4 bytes → 9000 success"),
        (
            10,
            "ExportCertificate application 1000 container 3001 sign certificate → 6A9E more data: repeat the command, 496 bytes",
        ),
        (11, "ExportCertificate application 1000 container 3001 sign certificate → 9000 success, 406 bytes"),
        (12, "ExportPubKey application 1000 container 3001 sign key → 9000 success, public key X=EFEB79E1…"),
        (14, "DigestInit SM3 for a signature with public key X=EFEB79E1… → 9000 success"),
        (15, "Digest 64 bytes → 9000 success, digest of 32 bytes"),
        (16, "ECCSignData application 1000 container 3001 digest → 9000 success, signature r=8EF2A951…"),
        (17, "CloseContainer application 1000 container 3001 → 9000 success"),
    ];
    for (index, line) in expected {
        assert_eq!(lines[index], line);
    }
    assert_eq!(lines[2], lines[13]);
    assert!(lines[2].contains("label \"GM3000\"") && lines[2].contains("firmware 2.23"), "{}", lines[2]);

    let info = bytes(&session["exchanges"][2]["rsp"]);
    let info = DevInfo::read(&info, &Dialect::GM3000).unwrap();
    assert_eq!((info.symmetric, info.device_auth, info.max_apdu_data), (0x0707, 0x0401, 1056));
    let names = bytes(&session["exchanges"][3]["rsp"]);
    assert_eq!(Names::read(&names, &Dialect::GM3000).unwrap().iter().count(), 1);
    assert!(EccPublicKey::read(&bytes(&session["exchanges"][12]["rsp"]), &Dialect::GM3000).is_ok());
    assert!(EccSignature::read(&bytes(&session["exchanges"][16]["rsp"]), &Dialect::GM3000).is_ok());
}
