//! Policies of a simulated token as people write them: `NAME=VALUE`, or the name of a preset.

use std::fmt::Write as _;

use crate::link::sim::{Policy, PolicyError, PolicyValue};

/// Why a policy cannot be set as it is written.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadPolicy {
    /// It is neither `NAME=VALUE` nor a preset.
    #[error("\"{text}\" is no policy: write NAME=VALUE, or {}", Policy::GM0027)]
    Form {
        /// What was written.
        text: String,
    },
    /// There is none of this name.
    #[error("there is no policy \"{name}\"; there are {}", names())]
    Name {
        /// The name.
        name: String,
    },
    /// It cannot have this value.
    #[error("the policy {name} cannot be {value}{}", allowed(name))]
    Value {
        /// The policy.
        name: String,
        /// The value.
        value: String,
    },
}

impl BadPolicy {
    /// The same in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            BadPolicy::Form { text } => format!("“{text}”不是策略：请写 名称=值 或 {}", Policy::GM0027),
            BadPolicy::Name { name } => format!("没有策略“{name}”，可用：{}", names()),
            BadPolicy::Value { name, value } => format!("策略{name}不能取值{value}{}", allowed(name)),
        }
    }
}

fn names() -> String {
    Policy::NAMED.map(|named| named.name).join(", ")
}

fn allowed(name: &str) -> String {
    match Policy::NAMED.iter().find(|named| named.name == name) {
        Some(named) => match named.range {
            Some((least, most)) => format!(" ({least}..{most})"),
            None => " (on, off)".to_owned(),
        },
        None => String::new(),
    }
}

/// Sets what one text says: `NAME=VALUE`, or `gm0027`, which sets all that GM/T 0027-2014 asks for and leaves the others.
///
/// # Errors
/// See [`BadPolicy`]; nothing is changed.
pub fn set(policy: &mut Policy, text: &str) -> Result<(), BadPolicy> {
    if text == Policy::GM0027 {
        let (preset, mut changed) = (Policy::gm0027(), *policy);
        for name in Policy::OF_GM0027 {
            if let Some(value) = preset.get(name) {
                set(&mut changed, &format!("{name}={value}"))?;
            }
        }
        *policy = changed;
        return Ok(());
    }
    let (name, value) = text.split_once('=').ok_or_else(|| BadPolicy::Form { text: text.to_owned() })?;
    let bad_value = || BadPolicy::Value { name: name.to_owned(), value: value.to_owned() };
    if !Policy::NAMED.iter().any(|named| named.name == name) {
        return Err(BadPolicy::Name { name: name.to_owned() });
    }
    let parsed: PolicyValue = value.parse().map_err(|_: PolicyError| bad_value())?;
    policy.set(name, parsed).map_err(|_| bad_value())
}

/// The policies that are not as by default, one `NAME=VALUE` a line; nothing where all are.
#[must_use]
pub fn print(policy: &Policy) -> String {
    let mut text = String::new();
    for (name, value) in policy.changed() {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{name}={value}");
    }
    text
}

/// All policies that have a name, one `NAME=VALUE` a line, where one is not as by default; nothing where all are. Whoever
/// reads it later has the same policies, whatever the default is then.
#[must_use]
pub fn print_all(policy: &Policy) -> String {
    if policy.changed().next().is_none() {
        return String::new();
    }
    let values = Policy::NAMED.iter().filter_map(|named| Some((named.name, policy.get(named.name)?)));
    values.map(|(name, value)| format!("{name}={value}\n")).collect()
}

/// What [`print()`] or [`print_all`] printed; what it does not name is as by default.
///
/// # Errors
/// See [`BadPolicy`].
pub fn parse(text: &str) -> Result<Policy, BadPolicy> {
    let mut policy = Policy::default();
    text.lines().try_for_each(|line| set(&mut policy, line))?;
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_again() {
        let mut policy = Policy::default();
        assert_eq!(print(&policy), "");
        for text in ["max-pin=12", "gm0027", "min-pin=12", "one-use=off", "self-test-records=off"] {
            set(&mut policy, text).unwrap();
            assert_eq!(parse(&print(&policy)).unwrap(), policy);
        }
        assert_eq!(
            print(&policy),
            "min-pin=12\nmax-pin=12\nmax-tries=10\nstrict-factory=on\nchanged-device-key=on\n"
        );
    }

    #[test]
    fn all_of_them_are_read_again_and_none_where_none_is_changed() {
        assert_eq!(print_all(&Policy::default()), "");
        let text = print_all(&Policy::gm0027());
        assert_eq!(text.lines().count(), Policy::NAMED.len(), "{text}");
        assert_eq!(parse(&text), Ok(Policy::gm0027()));
    }

    #[test]
    fn the_preset_raises_whatever_is_laxer_and_keeps_what_the_standard_does_not_say() {
        let mut policy = Policy::default();
        for lax in
            ["min-pin=1", "max-pin=12", "device-tries=15", "self-test-algorithms=off", "session-keys=4"]
        {
            set(&mut policy, lax).unwrap();
        }
        set(&mut policy, "gm0027").unwrap();
        assert_eq!(policy, Policy { max_pin: 12, session_keys: 4, ..Policy::gm0027() });
        let mut short = Policy::default();
        ["min-pin=4", "max-pin=4"].iter().for_each(|lax| set(&mut short, lax).unwrap());
        let before = short;
        assert!(set(&mut short, "gm0027").is_err(), "six bytes do not fit");
        assert_eq!(short, before);
    }

    #[test]
    fn what_is_wrong_is_named_and_changes_nothing() {
        let mut policy = Policy::default();
        for (text, says) in [
            ("gm0028", "NAME=VALUE"),
            ("one_use=on", "one-use"),
            ("one-use=1", "(on, off)"),
            ("max-tries=16", "(1..15)"),
            ("max-pin=5", "cannot be 5"),
            ("min-pin=", "(1..16)"),
        ] {
            let error = set(&mut policy, text).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
            assert!(!error.message_zh().is_empty());
            assert_eq!(policy, Policy::default());
        }
    }
}
