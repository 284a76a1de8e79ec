//! How a command and what is expected of its answer are written on one line:
//! `[CLA]INS[P1P2][:DATA][/LE][=SW]`, the notation of `ykman apdu` over the extended envelopes of GM/T 0017.
//!
//! | part | what |
//! |---|---|
//! | `CLA` | two hexadecimal digits; `80` without |
//! | `INS` | two hexadecimal digits, or the command's name: `GetDevInfo` |
//! | `P1P2` | four hexadecimal digits; `0000` without |
//! | `:DATA` | hexadecimal digits and `"texts"`, as many of both as one likes |
//! | `/LE` | up to four hexadecimal digits; none, or zero, is as much as there is; without `/` it is not stated |
//! | `=SW` | four hexadecimal digits, an `x` where any will do: `=63Cx` |
//!
//! More than eight hexadecimal digits are a whole envelope, sent as it is. Blanks mean nothing outside a text.
//!
//! Guarantees: what is printed parses to the same; what does not parse is refused with the place of the first
//! character that does not belong there. Refuses to know: whether a token understands the command.

use std::fmt;
use std::str::FromStr;

use ukey_apdu::envelope::{Cla, Le, MAX_DATA, OVERHEAD};
use ukey_apdu::{Apdu, Ins, Status};

/// CLA of a plain command.
const PLAIN: u8 = 0x80;
/// Digits of the longest header: CLA, INS, P1, P2.
const HEADER_DIGITS: usize = 8;

/// A command to be sent as it is, and what is expected of the answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Request {
    /// The envelope.
    pub(crate) envelope: Vec<u8>,
    /// The status word that is expected, if one is.
    pub(crate) expected: Option<Expected>,
}

/// A status word, digits of which may be any.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Expected {
    /// Digits that are fixed.
    mask: u16,
    /// Their values; 0 where any will do.
    value: u16,
}

/// A text that is no command.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{problem}")]
pub(crate) struct BadNotation {
    /// Where, in bytes from the start of the text.
    pub(crate) at: usize,
    /// What is wrong there.
    pub(crate) problem: Problem,
}

/// What is wrong with a character, or misses behind the last one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// No INS.
    #[error("a command's name or INS belongs here")]
    NoCommand,
    /// A name that the standard does not have.
    #[error("the standard has no command \"{0}\"; `ukey commands` lists them")]
    UnknownName(String),
    /// Something else than a hexadecimal digit.
    #[error("\"{0}\" is no hexadecimal digit")]
    NotHex(char),
    /// An odd number of digits.
    #[error("a byte has two hexadecimal digits; the second is missing")]
    HalfByte,
    /// Data or Le behind a whole envelope.
    #[error("this is a whole envelope of {0} bytes already; only =SW may follow")]
    Whole(usize),
    /// A colon without data.
    #[error("data belong behind the colon")]
    NoData,
    /// A text without its second quotation mark.
    #[error("this text does not end; a \" is missing")]
    OpenText,
    /// More data than an envelope carries.
    #[error("{0} bytes of data are more than an envelope carries ({MAX_DATA})")]
    TooLong(usize),
    /// More than four digits of Le.
    #[error("Le has at most four hexadecimal digits")]
    LongLe,
    /// No status word.
    #[error("a status word has four hexadecimal digits, x where any will do: 9000, 63Cx")]
    NoStatus,
    /// Something behind the end.
    #[error("nothing may follow the status word")]
    Trailing,
}

impl BadNotation {
    /// What is wrong, in Chinese.
    pub(crate) fn message_zh(&self) -> String {
        match &self.problem {
            Problem::NoCommand => "此处应为命令名称或INS".to_owned(),
            Problem::UnknownName(name) => format!("标准中没有命令“{name}”，可用 ukey commands 查看"),
            Problem::NotHex(wrong) => format!("“{wrong}”不是十六进制数字"),
            Problem::HalfByte => "一个字节为两位十六进制数字，此处缺一位".to_owned(),
            Problem::Whole(bytes) => format!("已是{bytes}字节的完整命令，其后只能是=SW"),
            Problem::NoData => "冒号后缺少数据".to_owned(),
            Problem::OpenText => "文本缺少结束的引号".to_owned(),
            Problem::TooLong(bytes) => format!("数据长{bytes}字节，超过上限{MAX_DATA}"),
            Problem::LongLe => "Le最多四位十六进制数字".to_owned(),
            Problem::NoStatus => "状态字为四位十六进制数字，任意位写x，如9000、63Cx".to_owned(),
            Problem::Trailing => "状态字之后不能再有内容".to_owned(),
        }
    }
}

impl Request {
    /// The INS of the standard, where the envelope has one.
    pub(crate) fn ins(&self) -> Option<Ins> {
        let &[cla, ins, ..] = self.envelope.as_slice() else { return None };
        Cla::from_byte(cla).ok().and_then(|_| Ins::from_byte(ins))
    }
}

impl Expected {
    /// Exactly this word.
    pub(crate) fn exactly(status: Status) -> Expected {
        Expected { mask: 0xFFFF, value: status.0 }
    }

    /// Whether the word is as expected.
    pub(crate) fn fits(self, status: Status) -> bool {
        status.0 & self.mask == self.value
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for shift in [12, 8, 4, 0] {
            match self.mask >> shift & 0xF {
                0 => f.write_str("x")?,
                _ => write!(f, "{:X}", self.value >> shift & 0xF)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Parts::of(&self.envelope) {
            Some(parts) => parts.fmt(f)?,
            None => f.write_str(&hex::encode_upper(&self.envelope))?,
        }
        match self.expected {
            Some(expected) => write!(f, "={expected}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Request {
    type Err = BadNotation;

    fn from_str(text: &str) -> Result<Self, BadNotation> {
        let mut reader = Reader { text, at: 0 };
        let head = reader.until(&[':', '/', '=']);
        let envelope = match head.whole() {
            Some(digits) => {
                let envelope = bytes(digits, head.end)?;
                if let Some((at, ':' | '/')) = reader.peek() {
                    return Err(BadNotation { at, problem: Problem::Whole(envelope.len()) });
                }
                envelope
            }
            None => {
                let header = header(&head)?;
                let data = if reader.take(':') { reader.data()? } else { Vec::new() };
                let le = if reader.take('/') { reader.le()? } else { Le::Absent };
                Parts { header, data: &data, le }.envelope(&reader)?
            }
        };
        let expected = if reader.take('=') { Some(reader.expected()?) } else { None };
        Ok(Request { envelope, expected })
    }
}

impl FromStr for Expected {
    type Err = BadNotation;

    fn from_str(text: &str) -> Result<Self, BadNotation> {
        Reader { text, at: 0 }.expected()
    }
}

/// An envelope in its parts.
struct Parts<'d> {
    /// CLA, INS, P1, P2.
    header: [u8; 4],
    data: &'d [u8],
    le: Le,
}

impl<'d> Parts<'d> {
    /// The parts of an envelope in the extended form; `None` for any other bytes.
    fn of(envelope: &'d [u8]) -> Option<Parts<'d>> {
        let (&cla, rest) = envelope.split_first()?;
        // The layout is the same in every class.
        let plain = [&[PLAIN], rest].concat();
        let Apdu { ins, p1, p2, data, le, .. } = Apdu::parse(&plain).ok()?;
        let data = envelope.get(7..7 + data.len()).unwrap_or_default();
        let parts = Parts { header: [cla, ins, p1, p2], data, le };
        (parts.encoded().as_deref() == Some(envelope)).then_some(parts)
    }

    fn encoded(&self) -> Option<Vec<u8>> {
        let [cla, ins, p1, p2] = self.header;
        let mut envelope = vec![0; self.data.len() + OVERHEAD];
        let apdu = Apdu { cla: Cla::default(), ins, p1, p2, data: self.data, le: self.le };
        let length = apdu.encode(&mut envelope).ok()?;
        envelope.truncate(length);
        *envelope.first_mut()? = cla;
        Some(envelope)
    }

    fn envelope(&self, reader: &Reader<'_>) -> Result<Vec<u8>, BadNotation> {
        let problem = Problem::TooLong(self.data.len());
        self.encoded().ok_or(BadNotation { at: reader.at, problem })
    }
}

impl fmt::Display for Parts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(self.header))?;
        if !self.data.is_empty() {
            write!(f, ":{}", hex::encode_upper(self.data))?;
        }
        match self.le {
            Le::Absent => Ok(()),
            Le::Max => f.write_str("/0000"),
            Le::Exact(le) => write!(f, "/{le:04X}"),
        }
    }
}

/// Characters of a part, without blanks, each with its place.
struct Part {
    characters: Vec<(usize, char)>,
    /// Where the part ends.
    end: usize,
}

impl Part {
    /// The digits of a whole envelope, if it is one.
    fn whole(&self) -> Option<&[(usize, char)]> {
        let hexadecimal = self.characters.iter().all(|(_, digit)| digit.is_ascii_hexdigit());
        (hexadecimal && self.characters.len() > HEADER_DIGITS).then_some(&self.characters)
    }

    fn text(&self, from: usize) -> String {
        self.characters.iter().skip(from).map(|(_, character)| character).collect()
    }
}

/// CLA, INS, P1, P2 of one to four bytes in hexadecimal, or of a name.
fn header(head: &Part) -> Result<[u8; 4], BadNotation> {
    let Some(&(start, _)) = head.characters.first() else {
        return Err(BadNotation { at: head.end, problem: Problem::NoCommand });
    };
    if let Some(header) = named(head) {
        return Ok(header);
    }
    let is_name = |from| {
        let name = head.text(from);
        let letters: String = name.chars().take_while(char::is_ascii_alphabetic).collect();
        letters.len() >= 3 && !letters.chars().all(|letter| letter.is_ascii_hexdigit())
    };
    if let Some(from) = [0, 2].into_iter().find(|&from| is_name(from)) {
        let at = head.characters.get(from).map_or(start, |(at, _)| *at);
        return Err(BadNotation { at, problem: Problem::UnknownName(head.text(from)) });
    }
    Ok(match *bytes(&head.characters, head.end)? {
        [ins] => [PLAIN, ins, 0, 0],
        [cla, ins] => [cla, ins, 0, 0],
        [ins, p1, p2] => [PLAIN, ins, p1, p2],
        [cla, ins, p1, p2] => [cla, ins, p1, p2],
        _ => return Err(BadNotation { at: start, problem: Problem::NoCommand }),
    })
}

/// `[CLA]NAME[P1P2]`.
fn named(head: &Part) -> Option<[u8; 4]> {
    let of = |text: &str| u8::from_str_radix(text, 16).ok();
    let text = head.text(0);
    let with_class = text.split_at_checked(2).and_then(|(cla, rest)| Some((of(cla)?, rest)));
    [Some((PLAIN, text.as_str())), with_class].into_iter().flatten().find_map(|(cla, rest)| {
        Ins::ALL.iter().find_map(|ins| {
            let (name, parameters) = rest.split_at_checked(ins.name().len())?;
            if !name.eq_ignore_ascii_case(ins.name()) {
                return None;
            }
            let (p1, p2) = match parameters.split_at_checked(2) {
                None if parameters.is_empty() => (0, 0),
                Some((p1, p2)) if p2.len() == 2 => (of(p1)?, of(p2)?),
                _ => return None,
            };
            Some([cla, *ins as u8, p1, p2])
        })
    })
}

/// Pairs of hexadecimal digits.
fn bytes(digits: &[(usize, char)], end: usize) -> Result<Vec<u8>, BadNotation> {
    let digit = |&(at, digit): &(usize, char)| {
        let value = digit.to_digit(16).and_then(|value| u8::try_from(value).ok());
        value.ok_or(BadNotation { at, problem: Problem::NotHex(digit) })
    };
    let values = digits.iter().map(digit).collect::<Result<Vec<_>, _>>()?;
    let (pairs, rest) = values.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(BadNotation { at: end, problem: Problem::HalfByte });
    }
    Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// The text, front to back.
struct Reader<'t> {
    text: &'t str,
    /// Bytes read so far.
    at: usize,
}

impl Reader<'_> {
    /// The next character that is no blank.
    fn peek(&mut self) -> Option<(usize, char)> {
        let rest = self.text.get(self.at..)?;
        self.at += rest.len() - rest.trim_start().len();
        self.text.get(self.at..)?.chars().next().map(|next| (self.at, next))
    }

    fn next(&mut self) -> Option<(usize, char)> {
        let (at, next) = self.peek()?;
        self.at = at + next.len_utf8();
        Some((at, next))
    }

    /// Reads this character, if it is the next one.
    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek().is_some_and(|(_, next)| next == wanted);
        if found {
            self.next();
        }
        found
    }

    /// Everything in front of one of these.
    fn until(&mut self, ends: &[char]) -> Part {
        let mut characters = Vec::new();
        while let Some((at, next)) = self.peek() {
            if ends.contains(&next) {
                break;
            }
            characters.push((at, next));
            self.next();
        }
        Part { characters, end: self.at }
    }

    /// What stands behind a colon.
    fn data(&mut self) -> Result<Vec<u8>, BadNotation> {
        let start = self.at;
        let mut data = Vec::new();
        while let Some((at, next)) = self.peek() {
            match next {
                '/' | '=' => break,
                '"' => {
                    let rest = self.text.get(at + 1..).unwrap_or_default();
                    let length = rest.find('"').ok_or(BadNotation { at, problem: Problem::OpenText })?;
                    data.extend(rest.bytes().take(length));
                    self.at = at + 1 + length + 1;
                }
                _ => {
                    let part = self.until(&['/', '=', '"']);
                    data.extend(bytes(&part.characters, part.end)?);
                }
            }
        }
        if self.at == start || self.text.get(start..self.at).is_some_and(|data| data.trim().is_empty()) {
            return Err(BadNotation { at: self.at, problem: Problem::NoData });
        }
        Ok(data)
    }

    /// What stands behind a slash.
    fn le(&mut self) -> Result<Le, BadNotation> {
        let part = self.until(&['=']);
        let mut le: u16 = 0;
        for (index, &(at, digit)) in part.characters.iter().enumerate() {
            let value = digit.to_digit(16).and_then(|value| u16::try_from(value).ok());
            let value = value.ok_or(BadNotation { at, problem: Problem::NotHex(digit) })?;
            if index == 4 {
                return Err(BadNotation { at, problem: Problem::LongLe });
            }
            le = le << 4 | value;
        }
        Ok(if le == 0 { Le::Max } else { Le::Exact(le) })
    }

    /// What stands behind an equals sign: to the end of the text.
    fn expected(&mut self) -> Result<Expected, BadNotation> {
        let mut expected = Expected { mask: 0, value: 0 };
        for _ in 0..4 {
            let Some((at, digit)) = self.next() else {
                return Err(BadNotation { at: self.at, problem: Problem::NoStatus });
            };
            let (mask, value) = match (digit, digit.to_digit(16).and_then(|value| u16::try_from(value).ok()))
            {
                ('x' | 'X', _) => (0, 0),
                (_, Some(value)) => (0xF, value),
                _ => return Err(BadNotation { at, problem: Problem::NoStatus }),
            };
            expected = Expected { mask: expected.mask << 4 | mask, value: expected.value << 4 | value };
        }
        match self.peek() {
            Some((at, _)) => Err(BadNotation { at, problem: Problem::Trailing }),
            None => Ok(expected),
        }
    }
}

#[cfg(test)]
mod tests;
