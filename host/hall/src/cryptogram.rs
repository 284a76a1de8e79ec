//! What UnblockPin needs, made from the administrator PIN (GM/T 0016 clause 8.2; the forms are the apdu room's).
//!
//! Refuses to know: the token; it sees the challenge and gives bytes.

use crate::problem::{Answer, Refusal};
use ukey_apdu::{
    dialect::Dialect,
    pin::{Challenge, Pin, PinKey},
};

/// The new PIN on its way to the token.
pub(crate) struct Unblock {
    /// The enciphered block, 16 bytes for a PIN of up to 13.
    pub cryptogram: Vec<u8>,
    /// The MAC, 4 bytes.
    pub mac: Vec<u8>,
}

/// Seals a new user PIN under the key made from the administrator PIN, over the token's challenge. In the dialect
/// `gm2012` the MAC covers the PIN alone, so that a far party can make it (ids of open applications are not known here).
pub(crate) fn unblock(admin_pin: &[u8], new_pin: &[u8], challenge: &Challenge) -> Answer<Unblock> {
    let dialect = Dialect::GM2012;
    let admin = Pin::new(admin_pin).map_err(Refusal::internal)?;
    let new = Pin::new(new_pin).map_err(Refusal::internal)?;
    let sealed = PinKey::derive(&dialect, &admin).seal(&dialect, &new, challenge, [0; 4], [0; 2]);
    let sealed = sealed.as_sealed();
    Ok(Unblock { cryptogram: sealed.block.to_vec(), mac: sealed.mac.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_answer() {
        let challenge = [0xb1, 0x22, 0x84, 0xf7, 0xe6, 0x0f, 0xb4, 0x5c];
        let sealed = unblock(b"admin", b"12345678", &challenge).unwrap();
        assert_eq!(hex::encode(sealed.cryptogram), "910a0ac272a56eda59c81882a7b988e1");
        assert_eq!(hex::encode(sealed.mac), "2ec56063");
        assert!(unblock(b"", b"12345678", &challenge).is_err());
    }
}
