//! What can be checked of a command before anything is looked up: class, lengths, parameters.

use crate::envelope::{Apdu, Le};
use crate::status::Status;

/// Allowed lengths of a data field, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Length {
    /// Exactly so many.
    Exactly(usize),
    /// One of these.
    OneOf(&'static [usize]),
    /// So many or more.
    AtLeast(usize),
}

/// Allowed values of P1 or P2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Values {
    /// Only this one.
    Only(u8),
    /// From the first to the second, both included.
    Range(u8, u8),
}

/// Size of the answer's data, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Size {
    /// No data.
    None,
    /// Always so many: Le must be absent, zero or exact.
    Fixed(u16),
    /// It depends: the answer comes in blocks of at most Le.
    Variable,
    /// As many as Le says; it must be stated.
    AsAsked,
}

impl Size {
    /// The Le that a host sends.
    #[must_use]
    pub const fn le(self) -> Le {
        match self {
            Size::None => Le::Absent,
            Size::Fixed(n) => Le::Exact(n),
            Size::Variable | Size::AsAsked => Le::Max,
        }
    }
}

/// The outside of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// Allowed P1.
    pub p1: Values,
    /// Allowed P2.
    pub p2: Values,
    /// Length of the data, a MAC included.
    pub data: Length,
    /// A MAC ends the data (CLA `84`).
    pub protected: bool,
    /// Size of the answer.
    pub answer: Size,
}

impl Shape {
    /// P1 = P2 = 0, no data, no answer, no MAC: what most shapes differ from in one or two points.
    pub const PLAIN: Shape = Shape {
        p1: Values::Only(0),
        p2: Values::Only(0),
        data: Length::Exactly(0),
        protected: false,
        answer: Size::None,
    };

    /// Checks a command, in the order that tokens answer: class, length, parameters, Le.
    ///
    /// # Errors
    /// `6882`, `6700`, `6A86`, `6C00`.
    pub fn check(&self, apdu: &Apdu<'_>) -> Result<(), Status> {
        if apdu.cla.protected != self.protected {
            return Err(Status::NO_SECURE_MESSAGING);
        }
        let length = apdu.data.len();
        let fits = match self.data {
            Length::Exactly(n) => length == n,
            Length::OneOf(allowed) => allowed.contains(&length),
            Length::AtLeast(n) => length >= n,
        };
        if !fits {
            return Err(Status::WRONG_LENGTH);
        }
        let allowed = |values, value| match values {
            Values::Only(only) => value == only,
            Values::Range(low, high) => (low..=high).contains(&value),
        };
        if !allowed(self.p1, apdu.p1) || !allowed(self.p2, apdu.p2) {
            return Err(Status::WRONG_P1P2);
        }
        match (self.answer, apdu.le) {
            (Size::Fixed(size), Le::Exact(le)) if le != size => Err(Status::WRONG_LE),
            _ => Ok(()),
        }
    }
}
