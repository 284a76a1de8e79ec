//! The last exchanges with a token, for people and reports. Nothing here can hold a secret: it is hidden before it is
//! kept.

use std::collections::VecDeque;
use std::fmt;

use ukey_apdu::describe::describe;
use ukey_apdu::{Apdu, Dialect, Status};

use super::bytes::Bytes;
use super::redact::Redactor;

/// How many exchanges a device keeps unless told otherwise.
pub const DEFAULT_CAPACITY: usize = 10;

/// One exchange: an envelope and its answer, without secrets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Traced {
    /// Its number since the device was connected, from 1.
    pub sequence: u64,
    /// What it says, decoded.
    pub line: String,
    /// The command in hexadecimal; `‹n bytes›` stands for what may be secret.
    pub command: String,
    /// The answer in hexadecimal, likewise; empty without an answer.
    pub answer: String,
}

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>4} {}", self.sequence, self.line)
    }
}

/// An exchange as it is kept: most are never read, so their bytes are written out for those who do.
#[derive(Debug)]
struct Kept {
    sequence: u64,
    line: String,
    command: Bytes,
    answer: Bytes,
}

/// A ring of the last exchanges.
#[derive(Debug)]
pub(crate) struct Trace {
    ring: VecDeque<Kept>,
    capacity: usize,
    sequence: u64,
    /// The last envelope was part of a chain: the next one belongs to it.
    in_chain: bool,
    redactor: Redactor,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            ring: VecDeque::new(),
            capacity: DEFAULT_CAPACITY,
            sequence: 0,
            in_chain: false,
            redactor: Redactor::default(),
        }
    }
}

impl Trace {
    /// Keeps an exchange; `answer` is empty where none came.
    pub(crate) fn push(&mut self, command: &[u8], answer: &[u8], dialect: &Dialect) {
        self.sequence += 1;
        let exchange = describe(command, answer, dialect);
        let exchange = if self.in_chain { exchange.last_of_chain() } else { exchange };
        self.in_chain =
            answer == Status::OK.to_bytes() && Apdu::parse(command).is_ok_and(|apdu| apdu.cla.chained);
        let (command, answer) = self.redactor.redact(command, answer, dialect);
        let traced = Kept { sequence: self.sequence, line: exchange.to_string(), command, answer };
        tracing::debug!(target: "ukey::apdu", sequence = traced.sequence, "{}", traced.line);
        tracing::trace!(target: "ukey::apdu", sequence = traced.sequence, ">> {} << {}", traced.command, traced.answer);
        if self.ring.len() >= self.capacity {
            self.ring.pop_front();
        }
        if self.capacity > 0 {
            self.ring.push_back(traced);
        }
    }

    pub(crate) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
        while self.ring.len() > capacity {
            self.ring.pop_front();
        }
    }

    pub(crate) fn to_vec(&self) -> Vec<Traced> {
        let written = |kept: &Kept| Traced {
            sequence: kept.sequence,
            line: kept.line.clone(),
            command: kept.command.to_string(),
            answer: kept.answer.to_string(),
        };
        self.ring.iter().map(written).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_keeps_the_last_ones() {
        let mut trace = Trace::default();
        trace.set_capacity(2);
        for _ in 0..3 {
            trace.push(&[0x80, 0x04, 0, 0, 0, 0, 0], &[0x90, 0], &Dialect::GM2012);
        }
        let sequence: Vec<_> = trace.to_vec().iter().map(|traced| traced.sequence).collect();
        assert_eq!(sequence, [2, 3]);
        trace.set_capacity(0);
        trace.push(&[], &[], &Dialect::GM2012);
        assert!(trace.to_vec().is_empty());
    }
}
