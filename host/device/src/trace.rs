//! The last exchanges with a token, for people and reports. Nothing here can hold a secret: bytes are kept only of
//! commands that carry none.

use std::collections::VecDeque;
use std::fmt;

use ukey_apdu::describe::describe;
use ukey_apdu::{Apdu, Dialect, Ins, Status};

/// How many exchanges a device keeps unless told otherwise.
pub const DEFAULT_CAPACITY: usize = 10;

/// One exchange: an envelope and its answer, without secrets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Traced {
    /// Its number since the device was connected, from 1.
    pub sequence: u64,
    /// What it says, decoded.
    pub line: String,
    /// The command in hexadecimal; `‹n bytes›` stands for data that may be secret.
    pub command: String,
    /// The answer in hexadecimal, likewise; empty without an answer.
    pub answer: String,
}

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>4} {}", self.sequence, self.line)
    }
}

/// A ring of the last exchanges.
#[derive(Debug)]
pub(crate) struct Trace {
    ring: VecDeque<Traced>,
    capacity: usize,
    sequence: u64,
    /// The last envelope was part of a chain: the next one belongs to it.
    in_chain: bool,
}

impl Default for Trace {
    fn default() -> Self {
        Self { ring: VecDeque::new(), capacity: DEFAULT_CAPACITY, sequence: 0, in_chain: false }
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
        let traced = Traced {
            sequence: self.sequence,
            line: exchange.to_string(),
            command: redacted_command(command),
            answer: redacted_answer(command, answer),
        };
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
        self.ring.iter().cloned().collect()
    }
}

/// Commands whose data and answers are no secret. What is not named here is never shown.
const fn is_public(ins: Ins) -> bool {
    matches!(
        ins,
        Ins::SetLabel
            | Ins::GetDevInfo
            | Ins::GetPinInfo
            | Ins::ClearSecureState
            | Ins::EnumApplication
            | Ins::DeleteApplication
            | Ins::OpenApplication
            | Ins::CloseApplication
            | Ins::CreateFile
            | Ins::DeleteFile
            | Ins::EnumFiles
            | Ins::GetFileInfo
            | Ins::CreateContainer
            | Ins::OpenContainer
            | Ins::CloseContainer
            | Ins::EnumContainer
            | Ins::DeleteContainer
            | Ins::GetContainerInfo
            | Ins::ImportCertificate
            | Ins::ExportCertificate
            | Ins::GenEccKeyPair
            | Ins::ExportPubKey
            | Ins::EncryptInit
            | Ins::DecryptInit
            | Ins::MacInit
            | Ins::DigestInit
            | Ins::DestroySessionKey
    )
}

fn public(command: &[u8]) -> bool {
    Apdu::parse(command).ok().and_then(|apdu| Ins::from_byte(apdu.ins)).is_some_and(is_public)
}

/// Bytes of a command that are shown in any case: CLA, INS, P1, P2.
const HEADER: usize = 4;

fn redacted_command(command: &[u8]) -> String {
    match command.split_at_checked(HEADER) {
        _ if public(command) => hex::encode(command),
        Some((header, [])) => hex::encode(header),
        Some((header, rest)) => format!("{} ‹{} bytes›", hex::encode(header), rest.len()),
        None => format!("‹{} bytes›", command.len()),
    }
}

fn redacted_answer(command: &[u8], answer: &[u8]) -> String {
    match answer.split_last_chunk::<2>() {
        Some((data, word)) if !data.is_empty() && !public(command) => {
            format!("‹{} bytes› {}", data.len(), hex::encode(word))
        }
        Some(_) => hex::encode(answer),
        None if answer.is_empty() => String::new(),
        None => "‹1 byte›".to_owned(),
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

    #[test]
    fn bytes_are_shown_only_of_commands_that_carry_no_secret() {
        let name = [&[0x80, 0x26, 0, 0, 0, 0, 4][..], b"UKEY"].concat();
        assert_eq!(redacted_command(&name), "8026000000000 4554b4559".replace(' ', ""));
        let cryptogram = [&[0x80, 0x18, 0, 1, 0, 0, 0x12, 0x10, 0][..], &[0xAB; 16]].concat();
        assert_eq!(redacted_command(&cryptogram), "80180001 ‹21 bytes›");
        assert_eq!(redacted_answer(&cryptogram, &[0x63, 0xC9]), "63c9");
        let random = [0x80, 0x50, 0, 0, 0, 0, 8];
        assert_eq!(redacted_answer(&random, &[1, 2, 3, 4, 5, 6, 7, 8, 0x90, 0]), "‹8 bytes› 9000");
        assert_eq!(redacted_command(&[0x80, 0xE0, 0, 0, 0, 0, 2, 1, 2]), "80e00000 ‹5 bytes›");
    }
}
