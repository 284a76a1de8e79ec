//! Lists of names: each ends with a NUL, one more NUL ends the list; an empty list is one NUL.

use core::fmt::{self, Write as _};

use super::Answer;
use crate::dialect::Dialect;
use crate::wire::{Malformed, Overflow, Writer};

/// The names of applications, containers or files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Names<'r>(&'r [u8]);

impl<'r> Names<'r> {
    /// The names in their order.
    pub fn iter(&self) -> impl Iterator<Item = &'r [u8]> {
        self.0.split(|&byte| byte == 0).filter(|name| !name.is_empty())
    }
}

impl<'r> Answer<'r> for Names<'r> {
    fn read(bytes: &'r [u8], _: &Dialect) -> Result<Self, Malformed> {
        let list = match bytes {
            [] | [0] => &[],
            [names @ .., 0, 0] => names,
            // One NUL too few at the end is common.
            [names @ .., 0] => names,
            _ => return Err(Malformed),
        };
        Ok(Names(list))
    }
}

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.iter().enumerate() {
            write!(f, "{}{}", if index == 0 { "" } else { ", " }, Text(name))?;
        }
        Ok(())
    }
}

/// Writes a name in a zero-padded field of `width` bytes; one of more than `max` bytes does not fit.
pub(super) fn write_padded(
    writer: &mut Writer<'_>,
    name: &[u8],
    max: usize,
    width: usize,
) -> Result<(), Overflow> {
    if name.len() > max { Err(Overflow) } else { writer.padded(name, width) }
}

/// Writes a list of names.
#[derive(Debug)]
pub struct NameList<'w, 'b>(&'w mut Writer<'b>);

impl<'w, 'b> NameList<'w, 'b> {
    /// An empty list.
    pub fn new(writer: &'w mut Writer<'b>) -> Self {
        Self(writer)
    }

    /// One more name.
    pub fn push(&mut self, name: &[u8]) -> Result<(), Overflow> {
        self.0.put(name)?;
        self.0.byte(0)
    }

    /// Ends the list.
    pub fn finish(self) -> Result<(), Overflow> {
        self.0.byte(0)
    }
}

/// Bytes that are mostly text: printable as text in quotes, the rest as `\xx`.
pub(crate) struct Text<'a>(pub &'a [u8]);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for chunk in self.0.utf8_chunks() {
            chunk.valid().chars().try_for_each(|c| match c {
                '"' | '\\' => write!(f, "\\{c}"),
                c if c.is_control() => write!(f, "{}", c.escape_default()),
                c => f.write_char(c),
            })?;
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        f.write_char('"')
    }
}

/// A name of a length in `1..=max`, or `6A80`.
pub(crate) fn checked(name: &[u8], max: usize) -> Result<&[u8], Malformed> {
    if (1..=max).contains(&name.len()) && !name.contains(&0) { Ok(name) } else { Err(Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(bytes: &[u8]) -> Vec<&[u8]> {
        Names::read(bytes, &Dialect::GM2012).unwrap().iter().collect()
    }

    #[test]
    fn a_list_as_a_real_token_gives_it() {
        assert_eq!(names(&hex::decode("474d333030305253410000").unwrap()), [b"GM3000RSA"]);
        assert_eq!(names(b"A\0B\0\0"), [b"A", b"B"]);
        assert!(names(b"\0").is_empty());
        assert!(names(b"").is_empty());
        assert_eq!(Names::read(b"A", &Dialect::GM2012), Err(Malformed));
    }

    #[test]
    fn write_then_read() {
        let mut buffer = [0; 32];
        let mut writer = Writer::new(&mut buffer, &Dialect::GM2012);
        let mut list = NameList::new(&mut writer);
        list.push(b"one").unwrap();
        list.push("二".as_bytes()).unwrap();
        list.finish().unwrap();
        let length = writer.len();
        assert_eq!(names(&buffer[..length]), ["one".as_bytes(), "二".as_bytes()]);
    }
}
