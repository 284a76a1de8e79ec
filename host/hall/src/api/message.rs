//! The byte strings that a key signs for the hall (SM2 with SM3, identifier `1234567812345678`).
//!
//! Guarantees: hall and client build the same bytes; no message of one purpose can be taken for another.

use super::Hex;

/// What the sign key signs to log in: purpose, hall, certificate serial number, nonce.
pub fn login_message(hall: &str, certificate_serial: &str, nonce: &Hex) -> Vec<u8> {
    format!("ukey-hall/login/1\n{hall}\n{certificate_serial}\n{nonce}\n").into_bytes()
}

/// What the sign key signs to tell that the unlocked key works: purpose, order, nonce.
pub fn unlock_message(order: &str, nonce: &Hex) -> Vec<u8> {
    format!("ukey-hall/unlocked/1\n{order}\n{nonce}\n").into_bytes()
}

/// What the sign key signs to have its own certificate revoked: purpose, order, certificate serial number, nonce.
pub fn revoke_message(order: &str, certificate_serial: &str, nonce: &Hex) -> Vec<u8> {
    format!("ukey-hall/revoke/1\n{order}\n{certificate_serial}\n{nonce}\n").into_bytes()
}

/// What the sign key signs to have its certificate renewed or repaired: purpose, hall, key, nonce.
pub fn renewal_message(hall: &str, device_serial: &str, nonce: &Hex) -> Vec<u8> {
    format!("ukey-hall/renewal/1\n{hall}\n{device_serial}\n{nonce}\n").into_bytes()
}

/// What the sign key signs to have its holder's data changed: purpose, hall, key, nonce.
pub fn change_message(hall: &str, device_serial: &str, nonce: &Hex) -> Vec<u8> {
    format!("ukey-hall/change/1\n{hall}\n{device_serial}\n{nonce}\n").into_bytes()
}

/// What the sign key signs to get its certificates again: purpose, hall, key, nonce.
pub fn reinstallation_message(hall: &str, device_serial: &str, nonce: &Hex) -> Vec<u8> {
    format!("ukey-hall/reinstallation/1\n{hall}\n{device_serial}\n{nonce}\n").into_bytes()
}

/// What the new sign key signs to tell that its certificates are in the key: purpose, order, the serial numbers that
/// were read back.
pub fn written_message(order: &str, serial: &str, encryption_serial: &str) -> Vec<u8> {
    format!("ukey-hall/written/1\n{order}\n{serial}\n{encryption_serial}\n").into_bytes()
}

/// What the sign key signs to tell which seals it holds: purpose, order, the SM3 of every seal that was read back.
pub fn seals_message(order: &str, seals: &[Hex]) -> Vec<u8> {
    let digests: Vec<_> = seals.iter().map(Hex::to_string).collect();
    format!("ukey-hall/seals/1\n{order}\n{}\n", digests.join(" ")).into_bytes()
}
