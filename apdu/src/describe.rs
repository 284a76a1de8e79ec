//! One readable line for any exchange, without a secret in it.

use core::fmt;

use crate::command::{self, Answer, Command, Visitor};
use crate::dialect::Dialect;
use crate::envelope::Apdu;
use crate::ins::Ins;
use crate::status::Status;

/// An exchange, to be printed: `VerifyPin application 1000 user PIN ‹redacted› → 63C9 verification failed, 9 tries left`.
///
/// What does not decode is shown by its sizes, never by its bytes: they may hold a secret.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    command: &'a [u8],
    answer: &'a [u8],
    dialect: &'a Dialect,
    last_of_chain: bool,
}

impl Exchange<'_> {
    /// The same, where the envelope is the last of a chain: its data are a part and mean nothing alone.
    #[must_use]
    pub const fn last_of_chain(self) -> Self {
        Self { last_of_chain: true, ..self }
    }
}

/// Describes a command as sent and its answer as received (data and status word).
#[must_use]
pub const fn describe<'a>(command: &'a [u8], answer: &'a [u8], dialect: &'a Dialect) -> Exchange<'a> {
    Exchange { command, answer, dialect, last_of_chain: false }
}

impl fmt::Display for Exchange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let apdu = Apdu::parse(self.command);
        match apdu {
            Err(_) => write!(f, "not a GM/T 0017 command, {} bytes", self.command.len())?,
            Ok(apdu) => {
                let command =
                    DescribedCommand { apdu, dialect: self.dialect, last_of_chain: self.last_of_chain };
                command.fmt(f)?;
            }
        }
        let Some((data, word)) = self.answer.split_last_chunk::<2>() else {
            return f.write_str(" → no answer");
        };
        let status = Status(u16::from_be_bytes(*word));
        write!(f, " → {status}")?;
        if data.is_empty() {
            return Ok(());
        }
        let ins = apdu.ok().filter(|apdu| !apdu.cla.chained).and_then(|apdu| Ins::from_byte(apdu.ins));
        let answer = DescribeAnswer { data, dialect: self.dialect, f };
        match ins.filter(|_| status.is_ok()).and_then(|ins| command::visit(ins, answer)) {
            Some(result) => result,
            None => write!(f, ", {} bytes", data.len()),
        }
    }
}

struct DescribedCommand<'a> {
    apdu: Apdu<'a>,
    dialect: &'a Dialect,
    last_of_chain: bool,
}

impl fmt::Display for DescribedCommand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Apdu { ins, cla, data, .. } = self.apdu;
        let Some(known) = Ins::from_byte(ins) else {
            return write!(f, "INS {ins:02X}, {} bytes", data.len());
        };
        f.write_str(known.name())?;
        if cla.chained {
            return write!(f, " (more follows), {} bytes", data.len());
        }
        if self.last_of_chain {
            return write!(f, " (last part), {} bytes", data.len());
        }
        match command::visit(known, DescribeCommand { apdu: self.apdu, dialect: self.dialect, f }) {
            Some(result) => result,
            None => write!(f, " {} bytes", data.len()),
        }
    }
}

struct DescribeCommand<'a, 'f, 'g> {
    apdu: Apdu<'a>,
    dialect: &'a Dialect,
    f: &'f mut fmt::Formatter<'g>,
}

impl<'a> Visitor<'a> for DescribeCommand<'a, '_, '_> {
    type Output = fmt::Result;

    fn visit<C: Command<'a>>(self) -> fmt::Result {
        let decoded =
            C::shape(self.dialect).check(&self.apdu).and_then(|()| C::read(&self.apdu, self.dialect));
        match decoded {
            Ok(command) => put(self.f, " ", &command),
            Err(_) => write!(self.f, " (undecodable, {} bytes)", self.apdu.data.len()),
        }
    }
}

struct DescribeAnswer<'a, 'f, 'g> {
    data: &'a [u8],
    dialect: &'a Dialect,
    f: &'f mut fmt::Formatter<'g>,
}

impl<'a> Visitor<'a> for DescribeAnswer<'a, '_, '_> {
    type Output = fmt::Result;

    fn visit<C: Command<'a>>(self) -> fmt::Result {
        match C::Answer::read(self.data, self.dialect) {
            Ok(answer) => put(self.f, ", ", &answer),
            Err(_) => write!(self.f, ", {} bytes", self.data.len()),
        }
    }
}

/// Puts text behind a separator; where there is no text, there is no separator either.
fn put(f: &mut fmt::Formatter<'_>, separator: &str, text: &impl fmt::Display) -> fmt::Result {
    struct Sink<'s, 'g> {
        f: &'s mut fmt::Formatter<'g>,
        separator: &'s str,
    }
    impl fmt::Write for Sink<'_, '_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            if !text.is_empty() {
                self.f.write_str(core::mem::take(&mut self.separator))?;
            }
            self.f.write_str(text)
        }
    }
    fmt::write(&mut Sink { f, separator }, format_args!("{text}"))
}
