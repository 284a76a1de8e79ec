//! The switches of a dialect by name, for files and messages. Only for those who have an operating system under them:
//! a token carries no texts.

/// A value as it is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value<'a> {
    /// One of a few words.
    Text(&'a str),
    /// Yes or no.
    Flag(bool),
}

impl core::fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Flag(flag) => flag.fmt(f),
        }
    }
}

/// Why a switch was not set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotSet {
    /// There is no switch of this name.
    NoSwitch,
    /// The switch has no such value.
    Value {
        /// Those that it has.
        allowed: &'static [&'static str],
    },
    /// A word where yes or no is wanted, or the other way round.
    WrongType {
        /// The values that it has.
        allowed: &'static [&'static str],
    },
}

/// What a switch chooses from.
pub trait Choice: Sized {
    /// The values as they are written.
    const NAMES: &'static [&'static str];

    /// As it is written.
    fn value(self) -> Value<'static>;

    /// What is written so.
    ///
    /// # Errors
    /// [`NotSet::Value`], [`NotSet::WrongType`].
    fn of(value: Value<'_>) -> Result<Self, NotSet>;
}

impl Choice for bool {
    const NAMES: &'static [&'static str] = &["true", "false"];

    fn value(self) -> Value<'static> {
        Value::Flag(self)
    }

    fn of(value: Value<'_>) -> Result<Self, NotSet> {
        match value {
            Value::Flag(flag) => Ok(flag),
            Value::Text(_) => Err(NotSet::WrongType { allowed: Self::NAMES }),
        }
    }
}

impl super::Dialect {
    /// The switches that decide how a new PIN is sealed: what somebody far away has to know of a token. Each chooses
    /// between words.
    pub const SEALING: [&'static str; 4] = ["pin_key", "new_pin_block", "new_pin_mac", "mac_padding"];
}
