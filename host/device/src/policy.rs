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
    /// The shortest PIN would be longer than the longest.
    #[error(
        "the shortest PIN would have {min_pin} bytes and the longest {max_pin}: set min-pin and max-pin together"
    )]
    Pins {
        /// Bytes of the shortest.
        min_pin: u8,
        /// Bytes of the longest.
        max_pin: u8,
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
            BadPolicy::Pins { min_pin, max_pin } => {
                format!("口令最短{min_pin}字节，最长{max_pin}字节：请同时设定min-pin和max-pin")
            }
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

/// Sets what each text says: `NAME=VALUE`, or `gm0027` for all that GM/T 0027-2014 asks for. Their order does not matter,
/// but of two about one policy the later counts.
///
/// # Errors
/// See [`BadPolicy`]; nothing is changed.
pub fn set<'a>(policy: &mut Policy, texts: impl IntoIterator<Item = &'a str>) -> Result<(), BadPolicy> {
    let mut asked: Vec<(&str, PolicyValue)> = Vec::new();
    let preset = Policy::gm0027();
    for text in texts {
        let values = match text {
            Policy::GM0027 => {
                Policy::OF_GM0027.iter().filter_map(|name| Some((*name, preset.get(name)?))).collect()
            }
            text => vec![value(text)?],
        };
        for (name, value) in values {
            asked.retain(|(other, _)| *other != name);
            asked.push((name, value));
        }
    }
    let mut changed = *policy;
    // A bound of PINs may have to wait until the other one has made way.
    while !asked.is_empty() {
        let waiting = asked.len();
        asked.retain(|(name, value)| changed.set(name, *value).is_err());
        if asked.len() == waiting {
            let bound = |name: &str, now| match asked.iter().find(|(other, _)| *other == name) {
                Some((_, PolicyValue::Number(number))) => u8::try_from(*number).unwrap_or(now),
                _ => now,
            };
            let (min_pin, max_pin) = (bound("min-pin", changed.min_pin), bound("max-pin", changed.max_pin));
            return Err(BadPolicy::Pins { min_pin, max_pin });
        }
    }
    *policy = changed;
    Ok(())
}

/// The policy and the value that a text names.
fn value(text: &str) -> Result<(&str, PolicyValue), BadPolicy> {
    let (name, value) = text.split_once('=').ok_or_else(|| BadPolicy::Form { text: text.to_owned() })?;
    let named = Policy::NAMED.iter().find(|named| named.name == name);
    let named = named.ok_or_else(|| BadPolicy::Name { name: name.to_owned() })?;
    let bad_value = || BadPolicy::Value { name: name.to_owned(), value: value.to_owned() };
    let parsed: PolicyValue = value.parse().map_err(|_: PolicyError| bad_value())?;
    let allowed = match (parsed, named.range) {
        (PolicyValue::Switch(_), None) => true,
        (PolicyValue::Number(number), Some((least, most))) => (least..=most).contains(&number),
        _ => false,
    };
    if allowed { Ok((name, parsed)) } else { Err(bad_value()) }
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
    set(&mut policy, text.lines())?;
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
            set(&mut policy, [text]).unwrap();
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
            set(&mut policy, [lax]).unwrap();
        }
        set(&mut policy, ["gm0027"]).unwrap();
        assert_eq!(policy, Policy { max_pin: 12, session_keys: 4, ..Policy::gm0027() });
        let mut short = Policy::default();
        set(&mut short, ["max-pin=4", "min-pin=4"]).unwrap();
        let before = short;
        assert_eq!(set(&mut short, ["gm0027"]), Err(BadPolicy::Pins { min_pin: 6, max_pin: 4 }));
        assert_eq!(short, before);
    }

    #[test]
    fn their_order_does_not_matter_but_the_later_of_two_counts() {
        for texts in [["min-pin=4", "max-pin=5"], ["max-pin=5", "min-pin=4"]] {
            let mut policy = Policy::default();
            set(&mut policy, texts).unwrap();
            assert_eq!((policy.min_pin, policy.max_pin), (4, 5));
        }
        let mut policy = Policy::default();
        set(&mut policy, ["max-pin=5", "max-tries=3", "max-pin=12", "gm0027", "max-tries=4"]).unwrap();
        assert_eq!(policy, Policy { max_pin: 12, max_tries: 4, ..Policy::gm0027() });
    }

    #[test]
    fn what_is_wrong_is_named_and_changes_nothing() {
        let mut policy = Policy::default();
        for (text, says) in [
            ("gm0028", "NAME=VALUE"),
            ("one_use=on", "one-use"),
            ("one-use=1", "(on, off)"),
            ("max-tries=16", "(1..15)"),
            ("max-pin=5", "6 bytes and the longest 5"),
            ("min-pin=", "(1..16)"),
        ] {
            let error = set(&mut policy, ["one-use=on", text]).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
            assert!(!error.message_zh().is_empty());
            assert_eq!(policy, Policy::default());
        }
    }
}
