//! What the bytes of a command and of its answer are, field by field, in a dialect: a name, a place, a kind.
//!
//! One table serves them all: what a recorded trace hides (the kinds that [`Kind::is_secret`] names), what
//! `ukey trace decode` explains, what a replay exchanges for the new token's own, and what it compares by shape.
//!
//! Guarantees: no field lies outside the bytes; bytes that follow no layout have no field. That the layouts here are
//! those of [`ukey_apdu::command`] is a test.

use std::ops::Range;

use ukey_apdu::dialect::{ByteOrder, Dialect};
use ukey_apdu::{Apdu, Ins};

mod answer;
mod command;

/// What a field is: how it is shown, whether it may be seen, how it is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The id of an open application: the token gives it.
    Application,
    /// The id of an open container.
    Container,
    /// The id of a session key.
    SessionKey,
    /// The handle of an agreement.
    Agreement,
    /// A quantity, in the dialect's order where it has more than one byte.
    Number,
    /// An algorithm of GM/T 0006.
    Algorithm,
    /// Rights of GM/T 0016.
    Rights,
    /// A text, zero padded or not.
    Text,
    /// Names, each with its NUL.
    Names,
    /// Bytes that everybody may see and that are the same everywhere: a certificate, an IV.
    Bytes,
    /// An SM2 public key that a token made: X, Y.
    PublicKey,
    /// An SM2 signature: r, s.
    Signature,
    /// What one token is and another is not: serial number, versions, spaces.
    Own,
    /// Random bytes of the token.
    Random,
    /// What proves a PIN or the device authentication key, or carries a new one: a cryptogram, its MAC.
    Proof,
    /// A PIN in clear.
    Pin,
    /// A private or a symmetric key in clear.
    Key,
    /// What somebody keeps, signs or encrypts: a file's content, a message, a digest.
    Content,
    /// Something encrypted, or a MAC: another key gives another one.
    Sealed,
}

impl Kind {
    /// Whether it is kept out of every trace, unless somebody asks for secrets.
    #[must_use]
    pub const fn is_secret(self) -> bool {
        matches!(self, Kind::Random | Kind::Proof | Kind::Pin | Kind::Key | Kind::Content | Kind::Sealed)
    }
}

/// A field of a command's data or of an answer's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Where it stands in the data.
    pub at: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// Data taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fields {
    /// The fields in their order. What is cut off in the middle ends with a field that is cut off.
    pub list: Vec<Field>,
    /// Nothing is missing, and nothing is left over.
    pub is_whole: bool,
}

/// The fields of a command's data, those of its header aside; `None` for a command that is not spoken here.
#[must_use]
pub fn of_command(apdu: &Apdu<'_>, dialect: &Dialect) -> Option<Fields> {
    let ins = Ins::from_byte(apdu.ins)?;
    ukey_apdu::command::shape(ins, dialect)?;
    let mut walk = Walk::new(apdu.data, dialect);
    // Where its name ends is told by its length alone.
    let is_unknown = apdu.cla.chained && ins == Ins::CreateApplication;
    let ended = if is_unknown { None } else { walk.command(ins, apdu.p1) };
    Some(walk.finish(ended))
}

/// The fields of a successful answer, the status word aside; `None` for a command that is not spoken here.
#[must_use]
pub fn of_answer(ins: Ins, data: &[u8], dialect: &Dialect) -> Option<Fields> {
    ukey_apdu::command::shape(ins, dialect)?;
    let mut walk = Walk::new(data, dialect);
    let ended = walk.answer(ins);
    Some(walk.finish(ended))
}

/// Goes through data, front to back. Every step answers `None` where the data end too early.
struct Walk<'a> {
    data: &'a [u8],
    at: usize,
    dialect: &'a Dialect,
    list: Vec<Field>,
}

/// Coordinates of a point, or the two numbers of a signature, in bytes.
const PAIR: usize = 64;

impl<'a> Walk<'a> {
    fn new(data: &'a [u8], dialect: &'a Dialect) -> Self {
        Walk { data, at: 0, dialect, list: Vec::new() }
    }

    fn finish(self, ended: Option<()>) -> Fields {
        Fields { is_whole: ended.is_some() && self.at == self.data.len(), list: self.list }
    }

    fn left(&self) -> usize {
        self.data.len() - self.at
    }

    /// The next bytes; as many as there are where that is fewer.
    fn take(&mut self, name: &'static str, length: usize, kind: Kind) -> Option<&'a [u8]> {
        let end = self.data.len().min(self.at.saturating_add(length));
        let taken = self.data.get(self.at..end)?;
        if !taken.is_empty() {
            self.list.push(Field { name, at: self.at..end, kind });
        }
        self.at = end;
        (taken.len() == length).then_some(taken)
    }

    fn rest(&mut self, name: &'static str, kind: Kind) -> Option<()> {
        self.take(name, self.left(), kind).map(drop)
    }

    fn byte(&mut self, name: &'static str, kind: Kind) -> Option<u8> {
        self.take(name, 1, kind)?.first().copied()
    }

    /// A quantity of 4 bytes.
    fn number(&mut self, name: &'static str) -> Option<usize> {
        self.quantity(name, 4)
    }

    /// A quantity of 2 bytes.
    fn short(&mut self, name: &'static str) -> Option<usize> {
        self.quantity(name, 2)
    }

    fn quantity(&mut self, name: &'static str, length: usize) -> Option<usize> {
        let order = self.dialect.quantity;
        let bytes = self.take(name, length, Kind::Number)?;
        usize::try_from(number(bytes, order)).ok()
    }

    /// A length of 4 bytes, and as many bytes.
    fn sized(&mut self, names: [&'static str; 2], kind: Kind) -> Option<()> {
        let length = self.number(names[0])?;
        self.take(names[1], length, kind).map(drop)
    }

    fn application(&mut self) -> Option<()> {
        self.take("application", 2, Kind::Application).map(drop)
    }

    fn container(&mut self) -> Option<()> {
        self.application()?;
        self.take("container", 2, Kind::Container).map(drop)
    }

    fn key(&mut self) -> Option<()> {
        self.container()?;
        self.take("session key", 2, Kind::SessionKey).map(drop)
    }

    fn public_key(&mut self, name: &'static str) -> Option<()> {
        self.number("bits")?;
        self.take(name, PAIR, Kind::PublicKey).map(drop)
    }

    /// Two numbers as an answer: some tokens leave the bits out.
    fn pair(&mut self, name: &'static str, kind: Kind) -> Option<()> {
        if self.left() != PAIR {
            self.number("bits")?;
        }
        self.take(name, PAIR, kind).map(drop)
    }

    /// An SM2 ciphertext in its parts.
    fn ciphertext(&mut self) -> Option<()> {
        self.number("bits")?;
        self.point_and_hash()?;
        self.sized(["ciphertext length", "ciphertext"], Kind::Sealed)
    }

    fn point_and_hash(&mut self) -> Option<()> {
        self.take("ciphertext point", PAIR, Kind::Sealed)?;
        self.take("ciphertext hash", 32, Kind::Sealed).map(drop)
    }

    fn algorithm(&mut self) -> Option<()> {
        self.take("algorithm", 4, Kind::Algorithm).map(drop)
    }

    fn rights(&mut self, name: &'static str) -> Option<()> {
        self.take(name, 4, Kind::Rights).map(drop)
    }

    fn limits(&mut self) -> Option<()> {
        self.rights("create-file right")?;
        self.byte("most containers", Kind::Number)?;
        self.byte("most certificates", Kind::Number)?;
        self.short("most files").map(drop)
    }

    fn file_info(&mut self) -> Option<()> {
        self.number("size")?;
        self.rights("read right")?;
        self.rights("write right")
    }
}

/// A number of up to 8 bytes.
pub(crate) fn number(bytes: &[u8], order: ByteOrder) -> u64 {
    let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
    match order {
        ByteOrder::Big => bytes.iter().fold(0, add),
        ByteOrder::Little => bytes.iter().rev().fold(0, add),
    }
}
