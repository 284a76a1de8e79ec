//! The envelope of a command (GM/T 0017-2012 chapter 7, ISO/IEC 7816-4): extended form out, any form in.
//!
//! Four cases: header; header, Le (`00 hi lo`); header, Lc (`00 hi lo`), data; the same with a 2-byte Le.
//! Le may be missing although an answer is expected, as real drivers do it.

use iso7816::command::{CommandView, FromSliceError};

use crate::status::Status;
use crate::wire::Overflow;

/// Most bytes that one extended envelope carries.
pub const MAX_DATA: usize = 0xFFFF;

/// Most bytes that an envelope adds to its data.
pub const OVERHEAD: usize = 9;

/// CLA bit of secure messaging: a 4-byte MAC ends the data.
const CLA_PROTECTED: u8 = 0x04;
/// CLA bit of chaining: not the last block.
const CLA_CHAINED: u8 = 0x10;
/// CLA of a plain command.
const CLA_PLAIN: u8 = 0x80;

/// The class byte: `80` plain, `84` protected by a MAC, `90` and `94` the same inside a chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cla {
    /// A 4-byte MAC ends the data.
    pub protected: bool,
    /// More blocks of this command follow.
    pub chained: bool,
}

impl Cla {
    /// The class of a CLA byte; any other is `6E00`.
    pub const fn from_byte(byte: u8) -> Result<Cla, Status> {
        if byte & !(CLA_PROTECTED | CLA_CHAINED) != CLA_PLAIN {
            return Err(Status::UNKNOWN_CLA);
        }
        Ok(Cla { protected: byte & CLA_PROTECTED != 0, chained: byte & CLA_CHAINED != 0 })
    }

    /// The CLA byte.
    #[must_use]
    pub const fn to_byte(self) -> u8 {
        CLA_PLAIN
            | if self.protected { CLA_PROTECTED } else { 0 }
            | if self.chained { CLA_CHAINED } else { 0 }
    }
}

/// The expected length of the answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Le {
    /// Not stated. A token takes it as [`Le::Max`].
    #[default]
    Absent,
    /// As much as there is (`0000`).
    Max,
    /// Exactly or at most so many bytes, never 0.
    Exact(u16),
}

impl Le {
    /// Most bytes that the answer may have.
    #[must_use]
    pub fn limit(self) -> usize {
        match self {
            Le::Absent | Le::Max => MAX_DATA + 1,
            Le::Exact(n) => usize::from(n),
        }
    }
}

/// A command as it travels: header, data, expected length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Apdu<'a> {
    /// Class.
    pub cla: Cla,
    /// Instruction byte, known to the standard or not.
    pub ins: u8,
    /// First parameter.
    pub p1: u8,
    /// Second parameter.
    pub p2: u8,
    /// Data, at most [`MAX_DATA`] bytes.
    pub data: &'a [u8],
    /// Expected length of the answer.
    pub le: Le,
}

impl<'a> Apdu<'a> {
    /// Decodes a command in short or extended form.
    ///
    /// # Errors
    /// `6E00` for a class that is not GM/T 0017's, `6700` where header and lengths do not add up.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Status> {
        let cla = Cla::from_byte(*bytes.first().ok_or(Status::WRONG_LENGTH)?)?;
        let view = CommandView::try_from(bytes).map_err(|error| match error {
            FromSliceError::InvalidClass => Status::UNKNOWN_CLA,
            _ => Status::WRONG_LENGTH,
        })?;
        let le = match view.expected() {
            0 => Le::Absent,
            n => u16::try_from(n)
                .map_or(Le::Max, |n| if n == 256 && !view.extended { Le::Max } else { Le::Exact(n) }),
        };
        Ok(Self { cla, ins: view.instruction().into(), p1: view.p1, p2: view.p2, data: view.data(), le })
    }

    /// Encodes the extended form into `out` and says how many bytes it took.
    ///
    /// # Errors
    /// [`Overflow`] where `out` is too small or the data exceed [`MAX_DATA`].
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, Overflow> {
        let mut writer = crate::wire::Writer::new(out, &crate::Dialect::GM2012);
        writer.put(&[self.cla.to_byte(), self.ins, self.p1, self.p2])?;
        let le = match self.le {
            Le::Absent => None,
            Le::Max => Some(0),
            Le::Exact(n) => Some(n),
        };
        if self.data.is_empty() {
            if let Some(le) = le {
                writer.byte(0)?;
                writer.put(&le.to_be_bytes())?;
            }
        } else {
            writer.byte(0)?;
            writer.put(&u16::try_from(self.data.len()).map_err(|_| Overflow)?.to_be_bytes())?;
            writer.put(self.data)?;
            if let Some(le) = le {
                writer.put(&le.to_be_bytes())?;
            }
        }
        Ok(writer.len())
    }

    /// The command as a chain of blocks of at most `max` data bytes (at least 1); all but the last are marked so.
    pub fn split(self, max: usize) -> impl Iterator<Item = Apdu<'a>> {
        let blocks = self.data.chunks(max.max(1));
        let count = blocks.len().max(1);
        let only = self.data.is_empty().then_some(self.data);
        blocks.chain(only).enumerate().map(move |(index, data)| {
            let last = index + 1 == count;
            let le = if last { self.le } else { Le::Absent };
            Apdu { cla: Cla { chained: !last, ..self.cla }, data, le, ..self }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(hex_text: &str) -> Result<(u8, Vec<u8>, Le), Status> {
        let bytes = hex::decode(hex_text).unwrap();
        Apdu::parse(&bytes).map(|apdu| (apdu.ins, apdu.data.to_vec(), apdu.le))
    }

    #[test]
    fn the_four_cases_of_a_real_session() {
        assert_eq!(parse("c0520000"), Err(Status::UNKNOWN_CLA));
        assert_eq!(parse("80520000"), Ok((0x52, vec![], Le::Absent)));
        assert_eq!(parse("80500000000008"), Ok((0x50, vec![], Le::Exact(8))));
        assert_eq!(parse("804600000000021000"), Ok((0x46, vec![0x10, 0], Le::Absent)));
        assert_eq!(parse("804e0100000004100030010000"), Ok((0x4E, vec![0x10, 0, 0x30, 1], Le::Max)));
        assert_eq!(parse("8042000000000210000002"), Ok((0x42, vec![0x10, 0], Le::Exact(2))));
    }

    #[test]
    fn short_forms_are_understood_too() {
        assert_eq!(parse("8050000008"), Ok((0x50, vec![], Le::Exact(8))));
        assert_eq!(parse("8046000002100000"), Ok((0x46, vec![0x10, 0], Le::Max)));
    }

    #[test]
    fn lengths_that_do_not_add_up_are_refused() {
        for wrong in ["", "80", "805000", "8046000000000310", "80460000000000", "804600000002100000ff"] {
            let answer = parse(wrong);
            assert!(matches!(answer, Err(Status::WRONG_LENGTH) | Ok((_, _, Le::Max))), "{wrong}: {answer:?}");
        }
        assert_eq!(parse("8046000000000310"), Err(Status::WRONG_LENGTH));
        assert_eq!(parse("00a40000"), Err(Status::UNKNOWN_CLA));
        assert_eq!(parse("ffa40000"), Err(Status::UNKNOWN_CLA));
    }

    fn le() -> impl Strategy<Value = Le> {
        prop_oneof![Just(Le::Absent), Just(Le::Max), (1..=u16::MAX).prop_map(Le::Exact)]
    }

    proptest! {
        #[test]
        fn parsing_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = Apdu::parse(&bytes);
        }

        #[test]
        fn encode_then_parse_gives_the_same(
            protected: bool, chained: bool, ins: u8, p1: u8, p2: u8,
            data in proptest::collection::vec(any::<u8>(), 0..700), le in le(),
        ) {
            let apdu = Apdu { cla: Cla { protected, chained }, ins, p1, p2, data: &data, le };
            let mut out = vec![0; data.len() + OVERHEAD];
            let length = apdu.encode(&mut out).unwrap();
            prop_assert_eq!(Apdu::parse(&out[..length]), Ok(apdu));
        }
    }
}
