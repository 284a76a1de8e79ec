//! Whether a number, phone or address can be what it claims to be.
//!
//! Guarantees: check characters by GB 32100-2015 and GB 11643-1999; nobody is born after today.

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

/// A citizen's identity number (GB 11643): 18 characters, a birth date until today inside, a check character by
/// ISO 7064 MOD 11-2.
pub(crate) fn is_identity_number(number: &str, today: Date) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let Some((body, check)) = number.as_bytes().split_at_checked(17) else { return false };
    if !body.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let part = |range: core::ops::Range<usize>| number[range].parse::<i16>().unwrap_or_default();
    let born = Date::new(part(6..10), part(10..12) as i8, part(12..14) as i8);
    let sum: u32 = body.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    born.is_ok_and(|date| date.year() >= 1900 && date <= today) && check == [b"10X98765432"[sum as usize % 11]]
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

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

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
        let today = date(2026, 3, 2);
        // The standard's own example.
        assert!(is_identity_number("11010519491231002X", today));
        assert!(is_identity_number("11010519491231002X", date(1949, 12, 31)), "born today");
        assert!(!is_identity_number("11010519491231002X", date(1949, 12, 30)), "born tomorrow");
        assert!(!is_identity_number("440524188001010014", today), "born before 1900");
        for wrong in ["110105194912310021", "11010519491331002X", "11010519491231002", "中文", ""] {
            assert!(!is_identity_number(wrong, today), "{wrong}");
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
}
