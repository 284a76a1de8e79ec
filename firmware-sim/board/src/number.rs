//! The serial number: 16 hexadecimal digits in the page behind the token's state, given once, as a factory would.

use rand_core::TryCryptoRng;

use crate::flash::{Chip, STORE};
use crate::restart;

const DIGITS: usize = 16;

/// The number that is there, else a new one. A page that the loss of power left half written gets a new one too.
pub(crate) fn given(chip: &mut impl Chip, rng: &mut impl TryCryptoRng) -> [u8; DIGITS] {
    let mut digits = [0; DIGITS];
    chip.read(STORE, &mut digits);
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        let Ok(mut number) = rng.try_next_u64() else { restart() };
        digits.fill_with(|| {
            number = number.rotate_left(4);
            char::from_digit((number & 0xF) as u32, 16).map_or(b'0', |digit| digit.to_ascii_uppercase() as u8)
        });
        chip.erase(STORE);
        chip.program(STORE, &digits);
    }
    digits
}
