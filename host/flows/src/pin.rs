//! 校验密码 and 修改密码 (U-35), and the rule for new PINs (U-13).

use ukey_device::{Device, Pin, PinType};
use ukey_hall::api::PinRule;

use crate::key::{self, MyCertificate};
use crate::{FlowError, Rule};

/// A new PIN, typed twice, as the rule wants it.
///
/// # Errors
/// [`Rule::PinLength`], [`Rule::PinCharacters`], [`Rule::PinsDiffer`]; nothing was sent or spent.
pub fn new_pin(rule: &PinRule, entry: &str, again: &str) -> Result<Pin, FlowError> {
    let PinRule { min, max, digits_only, .. } = *rule;
    let length = entry.chars().count();
    if length < usize::from(min) || length > usize::from(max) {
        return Err(Rule::PinLength { min, max }.into());
    }
    let allowed = |c: char| if digits_only { c.is_ascii_digit() } else { c.is_ascii_graphic() };
    if !entry.chars().all(allowed) {
        return Err(Rule::PinCharacters { digits_only }.into());
    }
    if entry != again {
        return Err(Rule::PinsDiffer.into());
    }
    Pin::new(entry.as_bytes()).map_err(|_| Rule::PinLength { min, max }.into())
}

/// 校验密码: whether the PIN is right. A wrong one costs a try.
pub fn check(device: &Device, pin: &Pin) -> Result<(), FlowError> {
    let application = MyCertificate::read(device)?.open_application(device)?;
    key::as_user(&application, pin, || Ok(()))
}

/// 修改密码: the old PIN proves the right; the new one is typed twice.
pub fn change(device: &Device, rule: &PinRule, old: &Pin, entry: &str, again: &str) -> Result<(), FlowError> {
    let new = new_pin(rule, entry, again)?;
    let application = MyCertificate::read(device)?.open_application(device)?;
    let _alone = key::alone(device)?;
    Ok(application.change_pin(PinType::User, old, &new)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: PinRule = PinRule { min: 6, max: 10, digits_only: false, tries: 10 };

    fn broken(entry: &str, again: &str) -> Rule {
        match new_pin(&RULE, entry, again) {
            Err(FlowError::Rule(rule)) => rule,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_new_pin_has_6_to_10_characters_typed_twice() {
        assert_eq!(broken("12345", "12345"), Rule::PinLength { min: 6, max: 10 });
        assert_eq!(broken("12345678901", "12345678901"), Rule::PinLength { min: 6, max: 10 });
        assert_eq!(broken("123456", "123457"), Rule::PinsDiffer);
        assert_eq!(broken("密码密码密码", "密码密码密码"), Rule::PinCharacters { digits_only: false });
        assert!(new_pin(&RULE, "abc-12", "abc-12").is_ok());
        let digits = PinRule { digits_only: true, ..RULE };
        assert!(new_pin(&digits, "abc-12", "abc-12").is_err());
        assert!(new_pin(&digits, "1234567890", "1234567890").is_ok());
    }
}
