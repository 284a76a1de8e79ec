//! Envelopes put together: a chain is one command, an answer in blocks is one answer.

use ukey_apdu::envelope::{Cla, Le};
use ukey_apdu::{Apdu, Dialect, Ins, Status};

use super::bytes::Bytes;
use super::fields::{self, Field, Fields};

/// A command with its answer, whole.
#[derive(Clone, Debug)]
pub struct Whole {
    /// The envelopes it came in: the index of the first and behind the last.
    pub envelopes: std::ops::Range<usize>,
    /// The command, where it can be taken apart.
    pub command: Option<WholeCommand>,
    /// The first envelope as it went out.
    pub sent: Bytes,
    /// The answer's data, of all its blocks.
    pub answer: Bytes,
    /// The status word of the last block; `None` where no answer came.
    pub status: Option<Status>,
}

/// A command whose data are joined.
#[derive(Clone, Debug)]
pub struct WholeCommand {
    /// Class; never marked as a part of a chain.
    pub cla: Cla,
    /// Instruction byte.
    pub ins: u8,
    /// First parameter.
    pub p1: u8,
    /// Second parameter.
    pub p2: u8,
    /// Data.
    pub data: Bytes,
    /// Expected length of the answer.
    pub le: Le,
}

impl WholeCommand {
    /// As an envelope that was not cut: zeros stand for what is hidden.
    #[must_use]
    pub fn as_apdu(&self) -> Apdu<'_> {
        let Self { cla, ins, p1, p2, le, .. } = *self;
        Apdu { cla, ins, p1, p2, data: self.data.as_slice(), le }
    }

    /// Its instruction, if the standard has it.
    #[must_use]
    pub fn known(&self) -> Option<Ins> {
        Ins::from_byte(self.ins)
    }

    /// The fields of its data, where they follow the layout.
    #[must_use]
    pub fn fields(&self, dialect: &Dialect) -> Option<Vec<Field>> {
        fields::of_command(&self.as_apdu(), dialect)
            .filter(|fields| fields.is_whole)
            .map(|Fields { list, .. }| list)
    }
}

impl Whole {
    /// The fields of its answer's data, where it succeeded and they follow the layout.
    #[must_use]
    pub fn answer_fields(&self, dialect: &Dialect) -> Option<Vec<Field>> {
        self.status.filter(|status| status.is_ok())?;
        let ins = self.command.as_ref()?.known()?;
        let fields = fields::of_answer(ins, self.answer.as_slice(), dialect)?;
        fields.is_whole.then_some(fields.list)
    }
}

/// Puts envelopes together, each with its answer: data and status word, or nothing.
pub fn join<'b>(envelopes: impl IntoIterator<Item = (&'b Bytes, &'b Bytes)>) -> Vec<Whole> {
    let mut all: Vec<Whole> = Vec::new();
    // Whether the last one is still to go on: as a chain, or in blocks.
    let (mut is_chained, mut in_blocks) = (false, false);
    for (index, (sent, answer)) in envelopes.into_iter().enumerate() {
        let apdu = take_apart(sent);
        let (data, status) = split(answer);
        let goes_on = apdu.as_ref().is_some_and(|(cla, _)| cla.chained)
            && status == Some(Status::OK)
            && data.is_empty();
        let command = apdu.map(|(_, command)| command);
        let last = all.last_mut();
        match (last, command) {
            (Some(last), Some(command)) if is_chained && same_header(last, &command) => {
                if let Some(before) = &mut last.command {
                    before.data.append(&command.data);
                    before.le = command.le;
                }
                last.envelopes.end = index + 1;
                (last.answer, last.status) = (data, status);
            }
            (Some(last), Some(_)) if in_blocks && (last.sent == *sent || last.envelopes.len() > 1) => {
                last.answer.append(&data);
                last.status = status;
                last.envelopes.end = index + 1;
            }
            (_, command) => {
                all.push(Whole {
                    envelopes: index..index + 1,
                    command,
                    sent: sent.clone(),
                    answer: data,
                    status,
                });
            }
        }
        is_chained = goes_on;
        in_blocks = status == Some(Status::MORE_DATA);
    }
    all
}

fn same_header(whole: &Whole, command: &WholeCommand) -> bool {
    let of = |command: &WholeCommand| (command.cla.protected, command.ins, command.p1, command.p2);
    whole.command.as_ref().is_some_and(|before| of(before) == of(command))
}

/// An envelope, and its class as it was sent; `None` where its header or its lengths are hidden or wrong.
fn take_apart(sent: &Bytes) -> Option<(Cla, WholeCommand)> {
    let bytes = sent.as_slice();
    let apdu = Apdu::parse(bytes).ok()?;
    let start =
        apdu.data.as_ptr().addr().checked_sub(bytes.as_ptr().addr()).filter(|_| !apdu.data.is_empty());
    let start = start.unwrap_or(bytes.len());
    let end = start + apdu.data.len();
    if sent.hides(&(0..start)) || sent.hides(&(end..bytes.len())) {
        return None;
    }
    let Apdu { cla, ins, p1, p2, le, .. } = apdu;
    let command =
        WholeCommand { cla: Cla { chained: false, ..cla }, ins, p1, p2, data: sent.part(start..end), le };
    Some((cla, command))
}

/// Data and status word.
fn split(answer: &Bytes) -> (Bytes, Option<Status>) {
    match answer.as_slice().split_last_chunk::<2>() {
        Some((data, word)) => (answer.part(0..data.len()), Some(Status(u16::from_be_bytes(*word)))),
        None => (Bytes::default(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(envelopes: &[(&str, &str)]) -> Vec<Whole> {
        let parsed: Vec<(Bytes, Bytes)> =
            envelopes.iter().map(|(sent, answer)| (sent.parse().unwrap(), answer.parse().unwrap())).collect();
        join(parsed.iter().map(|(sent, answer)| (sent, answer)))
    }

    #[test]
    fn a_chain_and_its_blocks_are_one() {
        let all = joined(&[
            ("90b6000000000361 ‹2 bytes›", "9000"),
            ("80b6000000000161", "aabb6a9e"),
            ("80b6000000000161", "cc9000"),
            ("80500000000008", ""),
        ]);
        assert_eq!(all.len(), 2, "{all:?}");
        let command = all[0].command.as_ref().unwrap();
        assert_eq!(
            (command.data.to_string(), all[0].answer.to_string()),
            ("61 ‹2 bytes› 61".to_owned(), "aabbcc".to_owned())
        );
        assert_eq!((all[0].envelopes.clone(), all[0].status), (0..3, Some(Status::OK)));
        assert_eq!(all[1].status, None);
    }

    #[test]
    fn another_command_begins_anew() {
        let all =
            joined(&[("90b6000000000361 ‹2 bytes›", "9000"), ("8004000000000000", "6985"), ("c00a", "6e00")]);
        assert_eq!(all.len(), 3);
        assert!(all[2].command.is_none());
    }
}
