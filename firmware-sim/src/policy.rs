//! What the standards leave to the maker, as switches with names.

use core::fmt;
use core::str::FromStr;

/// Choices that the standards leave to the maker. Each has a name, under which hosts set it ([`Policy::set`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Wrong device authentications until the key is locked for ever, 1 to 15.
    pub device_tries: u8,
    /// OpenApplication of an open application fails (`6A8A`), and of another while one is open (`6A90`).
    pub strict_open: bool,
    /// Shortest PIN that CreateApplication, ChangePin and UnblockPin accept, in bytes; else `6A80`.
    pub min_pin: u8,
    /// Longest PIN that they accept, at most 16 bytes; else `6A80`.
    pub max_pin: u8,
    /// Most tries of a PIN that CreateApplication accepts, at most 15; else `6A80`. GM/T 0027-2014 clause 9.2 b: 10.
    pub max_tries: u8,
    /// The user's right ends with each use of a private key (GM/T 0027-2014 clause 9.2 c: who uses one is authenticated
    /// before, and the right is cleared right after): ECCSignData, ImportECCKeyPair and ImportSessionKey (which open an
    /// envelope), and the commands of a key agreement that make the key, `84` and `86`. What uses no private key of a
    /// container does not end it: making a pair, beginning an agreement, certificates, files. A command that is refused
    /// before it has the key does not either.
    pub one_use: bool,
    /// Without an application (GM/T 0016-2012 clause 8.1) there are only ChangeDevAuthKey and CreateApplication, what they
    /// need, DevAuth and GenRandom, and what says who the token is, GetDevInfo and EnumApplication; all else is `6985`.
    pub strict_factory: bool,
    /// CreateApplication is refused (`6985`) while the device authentication key is still the factory's (GM/T 0027-2014
    /// clause 9.2 a).
    pub changed_device_key: bool,
    /// What is found out about itself at power-on.
    pub self_test: SelfTest,
    /// Most session keys at a time, at most 8.
    pub session_keys: u8,
    /// Milliseconds that pass before a wrong PIN is answered.
    pub wrong_pin_delay_ms: u32,
    /// Most data bytes of an incoming envelope that the device information promises.
    pub max_apdu_data: u16,
    /// Most bytes of one answer block, at most [`MAX_ANSWER`](crate::MAX_ANSWER) less the status word.
    pub block: u16,
}

/// Which parts of the self-test are made. The firmware's image, where the platform has its digest, and chance always are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SelfTest {
    /// Known answers of every algorithm, at power-on. A signature and two verifications take the longest.
    pub algorithms: bool,
    /// The check sums of all stored values at power-on, and the pairs of keys at their first use. Without it a damaged
    /// value still is refused when it is used (`6581`), and costs nothing but itself.
    pub records: bool,
}

/// Damage costs what is damaged and nothing else: a token whose one certificate is spoilt can still say and do the rest.
impl Default for SelfTest {
    fn default() -> Self {
        Self { algorithms: true, records: false }
    }
}

impl SelfTest {
    /// All of it.
    pub const ALL: Self = Self { algorithms: true, records: true };
    /// Only what always is made.
    pub const LEAST: Self = Self { algorithms: false, records: false };
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            device_tries: 10,
            strict_open: false,
            min_pin: 6,
            max_pin: 16,
            max_tries: 15,
            one_use: false,
            strict_factory: false,
            changed_device_key: false,
            self_test: SelfTest::default(),
            session_keys: 8,
            wrong_pin_delay_ms: 100,
            max_apdu_data: 512,
            block: 496,
        }
    }
}

/// The value of a policy: `on`, `off`, or a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value {
    /// On or off.
    Switch(bool),
    /// A number.
    Number(u32),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Switch(true) => f.write_str("on"),
            Value::Switch(false) => f.write_str("off"),
            Value::Number(number) => number.fmt(f),
        }
    }
}

impl FromStr for Value {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        match text {
            "on" => Ok(Value::Switch(true)),
            "off" => Ok(Value::Switch(false)),
            number => number.parse().map(Value::Number).map_err(|_| PolicyError::Value),
        }
    }
}

/// Why a policy is not set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PolicyError {
    /// There is none of this name.
    Name,
    /// It cannot have this value.
    Value,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PolicyError::Name => "there is no policy of that name",
            PolicyError::Value => "the policy cannot have that value",
        })
    }
}

impl core::error::Error for PolicyError {}

/// A policy by its name.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// Its name.
    pub name: &'static str,
    /// The numbers that it may be; `None`: it is on or off.
    pub range: Option<(u32, u32)>,
    get: fn(&Policy) -> Value,
    set: fn(&mut Policy, u32),
}

macro_rules! named {
    ($name:literal, switch, $($field:ident).+) => {
        Named {
            name: $name,
            range: None,
            get: |policy| Value::Switch(policy.$($field).+),
            set: |policy, value| policy.$($field).+ = value != 0,
        }
    };
    ($name:literal, $least:literal..=$most:literal, $field:ident) => {
        Named {
            name: $name,
            range: Some(($least, $most)),
            get: |policy| Value::Number(policy.$field.into()),
            set: |policy, value| policy.$field = value.try_into().unwrap_or(policy.$field),
        }
    };
}

impl Policy {
    /// The policies that hosts can set. Names are frozen: state files have them.
    pub const NAMED: [Named; 11] = [
        named!("one-use", switch, one_use),
        named!("min-pin", 1..=16, min_pin),
        named!("max-pin", 1..=16, max_pin),
        named!("max-tries", 1..=15, max_tries),
        named!("device-tries", 1..=15, device_tries),
        named!("strict-factory", switch, strict_factory),
        named!("changed-device-key", switch, changed_device_key),
        named!("strict-open", switch, strict_open),
        named!("self-test-algorithms", switch, self_test.algorithms),
        named!("self-test-records", switch, self_test.records),
        named!("session-keys", 2..=8, session_keys),
    ];

    /// The name of [`Policy::gm0027`].
    pub const GM0027: &str = "gm0027";

    /// What GM/T 0027-2014 asks for, where it asks for more than the default.
    #[must_use]
    pub fn gm0027() -> Self {
        Self {
            min_pin: 6,
            max_tries: 10,
            device_tries: 10,
            one_use: true,
            strict_factory: true,
            changed_device_key: true,
            self_test: SelfTest::ALL,
            ..Self::default()
        }
    }

    /// The policies with a name that GM/T 0027-2014 says something about; [`Policy::gm0027`] has their values.
    pub const OF_GM0027: [&'static str; 8] = [
        "one-use",
        "min-pin",
        "max-tries",
        "device-tries",
        "strict-factory",
        "changed-device-key",
        "self-test-algorithms",
        "self-test-records",
    ];

    /// The value of a policy by its name; `None` where there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value> {
        Self::NAMED.iter().find(|named| named.name == name).map(|named| (named.get)(self))
    }

    /// Sets a policy by its name.
    ///
    /// # Errors
    /// See [`PolicyError`]; nothing is changed.
    pub fn set(&mut self, name: &str, value: Value) -> Result<(), PolicyError> {
        let named = Self::NAMED.iter().find(|named| named.name == name).ok_or(PolicyError::Name)?;
        let value = match (value, named.range) {
            (Value::Switch(on), None) => u32::from(on),
            (Value::Number(number), Some((least, most))) if (least..=most).contains(&number) => number,
            _ => return Err(PolicyError::Value),
        };
        let mut changed = *self;
        (named.set)(&mut changed, value);
        if changed.min_pin > changed.max_pin {
            return Err(PolicyError::Value);
        }
        *self = changed;
        Ok(())
    }

    /// The policies with a name that are not as by default, and their values.
    pub fn changed(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let default = Self::default();
        let values = Self::NAMED.iter().map(move |named| (named, (named.get)(self)));
        values
            .filter(move |(named, value)| *value != (named.get)(&default))
            .map(|(named, value)| (named.name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_is_set_by_its_name_and_said_by_it() {
        for named in &Policy::NAMED {
            let default = (named.get)(&Policy::default());
            let (other, wrong) = match (default, named.range) {
                (Value::Switch(on), None) => (Value::Switch(!on), vec![Value::Number(1)]),
                (Value::Number(number), Some((least, most))) => (
                    Value::Number(if number == most { number - 1 } else { number + 1 }),
                    vec![Value::Number(least - 1), Value::Number(most + 1), Value::Switch(true)],
                ),
                (value, range) => panic!("{}: {value} of {range:?}", named.name),
            };
            let mut policy = Policy::default();
            for wrong in wrong {
                assert_eq!(policy.set(named.name, wrong), Err(PolicyError::Value), "{}", named.name);
            }
            assert_eq!(policy, Policy::default());
            policy.set(named.name, other).unwrap();
            assert_eq!(policy.changed().collect::<Vec<_>>(), [(named.name, other)]);
            assert_eq!(other.to_string().parse(), Ok(other));
        }
        assert_eq!(Policy::default().set("one_use", Value::Switch(true)), Err(PolicyError::Name));
        assert_eq!("ON".parse::<Value>(), Err(PolicyError::Value));
    }

    #[test]
    fn the_shortest_pin_is_not_longer_than_the_longest() {
        let mut policy = Policy::default();
        policy.set("max-pin", Value::Number(8)).unwrap();
        assert_eq!(policy.set("min-pin", Value::Number(9)), Err(PolicyError::Value));
        policy.set("min-pin", Value::Number(8)).unwrap();
        assert_eq!(policy.set("max-pin", Value::Number(7)), Err(PolicyError::Value));
    }

    #[test]
    fn the_preset_is_said_by_its_switches() {
        let changed: Vec<_> =
            Policy::gm0027().changed().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            changed,
            [
                "one-use=on",
                "max-tries=10",
                "strict-factory=on",
                "changed-device-key=on",
                "self-test-records=on"
            ]
        );
    }
}
