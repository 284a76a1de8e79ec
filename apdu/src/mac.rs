//! The MAC of secure messaging, and the SM4 operations behind it and behind PIN protection.

use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use sm4::Sm4;

use crate::dialect::{MacForm, MacPadding};

/// SM4 block and key size in bytes.
pub const BLOCK: usize = 16;

/// Bytes of a MAC on the wire: the first of the last cipher block.
pub const MAC_LENGTH: usize = 4;

/// One SM4 block, encrypted.
#[must_use]
pub fn encrypt_block(key: &[u8; BLOCK], block: [u8; BLOCK]) -> [u8; BLOCK] {
    let mut block = block.into();
    Sm4::new(&(*key).into()).encrypt_block(&mut block);
    block.into()
}

/// One SM4 block, decrypted.
#[must_use]
pub fn decrypt_block(key: &[u8; BLOCK], block: [u8; BLOCK]) -> [u8; BLOCK] {
    let mut block = block.into();
    Sm4::new(&(*key).into()).decrypt_block(&mut block);
    block.into()
}

/// SM4-CBC-MAC over `parts` one behind the other, padded by ISO/IEC 9797-1 method 2 (`80`, zeros; a whole block more
/// when the input is aligned), started from `iv`. The last cipher block.
#[must_use]
pub fn cbc_mac(key: &[u8; BLOCK], iv: [u8; BLOCK], parts: &[&[u8]]) -> [u8; BLOCK] {
    padded_cbc_mac(MacPadding::Method2, key, iv, parts)
}

fn padded_cbc_mac(padding: MacPadding, key: &[u8; BLOCK], iv: [u8; BLOCK], parts: &[&[u8]]) -> [u8; BLOCK] {
    let cipher = Sm4::new(&(*key).into());
    let mut state = iv;
    let mut filled = 0;
    let marker: [&[u8]; 1] = [&[0x80]];
    for byte in parts.iter().chain(&marker).flat_map(|part| part.iter()) {
        if let Some(cell) = state.get_mut(filled) {
            *cell ^= byte;
        }
        filled += 1;
        if filled == BLOCK {
            let mut block = state.into();
            cipher.encrypt_block(&mut block);
            state = block.into();
            filled = 0;
        }
    }
    if filled == 0 && padding == MacPadding::Method2 {
        return state;
    }
    let mut block = state.into();
    cipher.encrypt_block(&mut block);
    block.into()
}

/// What a MAC covers: the pieces of which each [`MacForm`] takes its own.
#[derive(Clone, Copy)]
pub struct Covered<'a> {
    /// CLA, INS, P1, P2 as sent.
    pub header: [u8; 4],
    /// The data field without the MAC.
    pub data: &'a [u8],
    /// The plain new secret that the data carry encrypted.
    pub plain: &'a [u8],
}

/// The 4-byte MAC of a protected command under `key`, started from the 8-byte challenge.
#[must_use]
pub fn mac(
    form: MacForm,
    padding: MacPadding,
    key: &[u8; BLOCK],
    challenge: &[u8; 8],
    covered: Covered<'_>,
) -> [u8; MAC_LENGTH] {
    let mut iv = [0; BLOCK];
    iv.iter_mut().zip(challenge).for_each(|(cell, byte)| *cell = *byte);
    // A protected command carries at most a few dozen bytes, so its length always fits.
    let data_length = u16::try_from(covered.data.len()).unwrap_or(u16::MAX);
    let [high, low] = data_length.to_be_bytes();
    let [high_with_mac, low_with_mac] = data_length.saturating_add(4).to_be_bytes();
    let lengths = match form {
        MacForm::PlainNewPin => [0; 4],
        MacForm::HeaderExtendedLc => [0, high_with_mac, low_with_mac, 0],
        MacForm::HeaderLcBig => [high, low, 0, 0],
        MacForm::HeaderLcLittle => [low_with_mac, high_with_mac, 0, 0],
    };
    let parts: [&[u8]; 3] = match (form, &lengths) {
        (MacForm::PlainNewPin, _) => [covered.plain, &[], &[]],
        (MacForm::HeaderExtendedLc, [extended @ .., _]) => [&covered.header, extended, covered.data],
        (MacForm::HeaderLcBig | MacForm::HeaderLcLittle, lengths) => [&covered.header, lengths, covered.data],
    };
    let [a, b, c, d, ..] = padded_cbc_mac(padding, key, iv, &parts);
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sm4_gives_the_standards_example() {
        // GM/T 0002-2012, annex A.
        let key: [u8; 16] = hex::decode("0123456789abcdeffedcba9876543210").unwrap().try_into().unwrap();
        assert_eq!(hex::encode(encrypt_block(&key, key)), "681edf34d206965e86b3e94f536e4246");
        assert_eq!(decrypt_block(&key, encrypt_block(&key, [7; 16])), [7; 16]);
    }

    #[test]
    fn an_aligned_input_gets_a_whole_block_of_padding() {
        let (key, iv) = ([1; 16], [2; 16]);
        let by_hand = {
            let first = encrypt_block(&key, core::array::from_fn(|i| iv[i] ^ 9));
            let mut second = first;
            second[0] ^= 0x80;
            encrypt_block(&key, second)
        };
        assert_eq!(cbc_mac(&key, iv, &[&[9; 16]]), by_hand);
        assert_eq!(cbc_mac(&key, iv, &[&[9; 7], &[9; 9]]), by_hand, "cut anywhere it is the same input");
        assert_ne!(cbc_mac(&key, iv, &[&[9; 15]]), by_hand);
    }

    #[test]
    fn each_form_covers_something_else() {
        let header = [0x84, 0x1A, 0, 0];
        let covered = Covered { header, data: &[1; 18], plain: b"12345678" };
        let of = |parts: &[&[u8]]| cbc_mac(&[3; 16], [4, 4, 4, 4, 4, 4, 4, 4, 0, 0, 0, 0, 0, 0, 0, 0], parts);
        let expected = [
            (MacForm::PlainNewPin, of(&[b"12345678"])),
            (MacForm::HeaderExtendedLc, of(&[&header, &[0, 0, 22], &[1; 18]])),
            (MacForm::HeaderLcBig, of(&[&header, &[0, 18, 0, 0], &[1; 18]])),
            (MacForm::HeaderLcLittle, of(&[&header, &[22, 0, 0, 0], &[1; 18]])),
        ];
        for (form, last) in expected {
            assert_eq!(mac(form, MacPadding::Method2, &[3; 16], &[4; 8], covered), last[..4], "{form:?}");
        }
    }

    #[test]
    fn a_block_of_zeros_more_only_where_the_marker_fills_a_block() {
        let macs = |plain: &[u8]| {
            let covered = Covered { header: [0; 4], data: &[], plain };
            [MacPadding::Method2, MacPadding::ZeroBlock]
                .map(|padding| mac(MacForm::PlainNewPin, padding, &[3; 16], &[0; 8], covered))
        };
        for length in 0..40 {
            let [method2, zero_block] = macs(&vec![7; length]);
            assert_eq!(method2 != zero_block, length % 16 == 15, "{length} bytes");
        }
        let whole = cbc_mac(&[3; 16], [0; 16], &[&[7; 15]]);
        assert_eq!(macs(&[7; 15])[1], encrypt_block(&[3; 16], whole)[..4]);
    }
}
