//! Whether a number, phone, address or file can be what it claims to be.
//!
//! Guarantees: check characters by GB 32100-2015 and GB 11643-1999; pictures are told by their content.

use crate::api::FieldFault;
use jiff::civil::Date;

/// A unified social credit code (GB 32100): 18 characters, the last a check character modulo 31.
pub(crate) fn is_credit_code(code: &str) -> bool {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
    let value = |byte: &u8| ALPHABET.iter().position(|letter| letter == byte);
    let Some(values) = code.as_bytes().iter().map(value).collect::<Option<Vec<_>>>() else { return false };
    let [body @ .., check] = values.as_slice() else { return false };
    let sum: usize = body.iter().zip(WEIGHTS).map(|(value, weight)| value * weight).sum();
    body.len() == 17 && (31 - sum % 31) % 31 == *check
}

/// A citizen's identity number (GB 11643): 18 characters, a birth date inside, a check character by ISO 7064 MOD 11-2.
pub(crate) fn is_identity_number(number: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let Some((body, check)) = number.as_bytes().split_at_checked(17) else { return false };
    if !body.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let part = |range: core::ops::Range<usize>| number[range].parse::<i16>().unwrap_or_default();
    let born = Date::new(part(6..10), part(10..12) as i8, part(12..14) as i8);
    let sum: u32 = body.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    born.is_ok_and(|date| date.year() >= 1900) && check == [b"10X98765432"[sum as usize % 11]]
}

/// A mainland mobile number: 11 digits, 13 to 19.
pub(crate) fn is_mobile(phone: &str) -> bool {
    phone.len() == 11 && is_digits(phone, 11..=11) && phone.starts_with('1') && phone.as_bytes()[1] >= b'3'
}

/// Only digits, so many.
pub(crate) fn is_digits(text: &str, length: core::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A mail address: one `@`, a dot in the domain, no blanks.
pub(crate) fn is_mail(address: &str) -> bool {
    let Some((name, domain)) = address.split_once('@') else { return false };
    let label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    address.len() <= 254
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@')
        && domain.contains('.')
        && domain.split('.').all(label)
}

/// A text of a form: not blank, at most so many characters, no control characters.
pub(crate) fn is_text(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
}

/// Collects the faults of a form.
#[derive(Default)]
pub(crate) struct Faults(pub Vec<FieldFault>);

impl Faults {
    /// Notes a fault unless the field is good.
    pub(crate) fn unless(&mut self, good: bool, field: &str, detail: &str, detail_zh: &str) {
        if !good {
            let fault =
                FieldFault { field: field.into(), detail: detail.into(), detail_zh: detail_zh.into() };
            self.0.push(fault);
        }
    }
}

/// Hides the middle of a phone or account number.
pub(crate) fn masked(number: &str) -> String {
    let count = number.chars().count();
    let (head, tail) = if count >= 8 { (3, 4) } else { (0, 0) };
    number
        .chars()
        .enumerate()
        .map(|(i, c)| if i < head || i >= count - tail { c } else { '*' })
        .collect()
}

/// Hides the middle of a name: a person keeps the first character, a longer name the first two and the last two.
pub(crate) fn masked_name(name: &str) -> String {
    let count = name.chars().count();
    let (head, tail) = if count >= 6 { (2, 2) } else { (1, 0) };
    name.chars().enumerate().map(|(i, c)| if i < head || i >= count - tail { c } else { '*' }).collect()
}

/// What a file is, by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Picture {
    /// A whole picture of this media type.
    Whole(&'static str),
    /// A picture of this media type that ends too early.
    Cut(&'static str),
    /// No picture that is known here.
    Unknown,
}

/// Tells JPEG, BMP, GIF and PNG by their first bytes, and whether they are complete by their last ones or their size.
pub(crate) fn picture(bytes: &[u8]) -> Picture {
    let told = |kind, whole| if whole { Picture::Whole(kind) } else { Picture::Cut(kind) };
    match bytes {
        [0xff, 0xd8, 0xff, ..] => told("image/jpeg", bytes.ends_with(&[0xff, 0xd9]) && bytes.len() > 20),
        [b'B', b'M', size @ ..] if size.len() >= 4 => {
            let size = u32::from_le_bytes([size[0], size[1], size[2], size[3]]);
            told("image/bmp", bytes.len() >= 26 && bytes.len() as u64 >= u64::from(size))
        }
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => {
            told("image/gif", bytes.len() > 14 && bytes.ends_with(&[0x3b]))
        }
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => {
            told("image/png", bytes.ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82"))
        }
        _ => Picture::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credit_codes() {
        // Made up; the check character computed apart from this code, from the standard's weights.
        assert!(is_credit_code("91000000MA0000001R"));
        assert!(!is_credit_code("91320800MA000000I1"));
        assert!(!is_credit_code(""));
        let valid: Vec<char> = "0123456789ABCDEFGHJKLMNPQRTUWXY"
            .chars()
            .filter(|check| is_credit_code(&format!("91320800MA0000001{check}")))
            .collect();
        assert_eq!(valid.len(), 1, "exactly one check character fits");
    }

    #[test]
    fn identity_numbers() {
        // The standard's own example.
        assert!(is_identity_number("11010519491231002X"));
        assert!(!is_identity_number("440524188001010014"), "born before 1900");
        for wrong in ["110105194912310021", "11010519491331002X", "11010519491231002", "中文", ""] {
            assert!(!is_identity_number(wrong), "{wrong}");
        }
    }

    #[test]
    fn contacts() {
        assert!(is_mobile("13800000000") && !is_mobile("12800000000") && !is_mobile("1380000000"));
        assert!(is_mail("zhang.san@example.com"));
        for wrong in ["a@b", "a b@example.com", "@example.com", "a@example..com", "a@@example.com", "张@"] {
            assert!(!is_mail(wrong), "{wrong}");
        }
        assert_eq!(masked("13800001234"), "138****1234");
        assert_eq!(masked("12"), "**");
    }

    #[test]
    fn pictures() {
        assert_eq!(picture(b""), Picture::Unknown);
        assert_eq!(picture(b"%PDF-1.4"), Picture::Unknown);
        assert_eq!(picture(b"GIF89a"), Picture::Cut("image/gif"));
        assert_eq!(picture(&[0xff, 0xd8, 0xff, 0xe0]), Picture::Cut("image/jpeg"));
        let mut bmp = b"BM\x1e\0\0\0".to_vec();
        bmp.resize(30, 0);
        assert_eq!(picture(&bmp), Picture::Whole("image/bmp"));
        assert_eq!(picture(&bmp[..29]), Picture::Cut("image/bmp"));
    }
}
