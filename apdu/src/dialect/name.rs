//! The name of a dialect: short, and owned without an allocator.

use core::fmt;

/// A name: 1 to 32 letters, digits, `-`, `_` and `.`, ASCII.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name([u8; Name::MAX]);

/// A text that is no name of a dialect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadName;

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a dialect's name has 1 to 32 ASCII letters, digits, '-', '_' or '.'")
    }
}

impl core::error::Error for BadName {}

impl Name {
    /// Longest name, in bytes.
    pub const MAX: usize = 32;

    /// A name of this text.
    ///
    /// # Errors
    /// [`BadName`].
    pub fn new(text: &str) -> Result<Name, BadName> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if text.is_empty() || text.len() > Self::MAX || !text.bytes().all(fits) {
            return Err(BadName);
        }
        Ok(Self::known(text))
    }

    /// A name of a text that is known to be one.
    pub(super) const fn known(text: &str) -> Name {
        let mut name = [0; Self::MAX];
        let (mut cells, mut bytes) = (name.as_mut_slice(), text.as_bytes());
        while let ([cell, next @ ..], [byte, rest @ ..]) = (cells, bytes) {
            *cell = *byte;
            (cells, bytes) = (next, rest);
        }
        Name(name)
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(crate::wire::unpadded(&self.0)).unwrap_or_default()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        assert_eq!(Name::new("gm2012").unwrap().as_str(), "gm2012");
        assert_eq!(Name::new(&"a".repeat(32)).unwrap().as_str(), "a".repeat(32));
        for wrong in ["", "two words", "方言", "a\0b", &"a".repeat(33)] {
            assert_eq!(Name::new(wrong), Err(BadName), "{wrong:?}");
        }
    }
}
