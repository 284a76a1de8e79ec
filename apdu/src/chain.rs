//! Long commands arrive in chained blocks and are joined here; long answers leave in blocks.
//!
//! A chain is blocks with the same header, all but the last marked in CLA. An answer that exceeds its block ends
//! with `6A9E`; the host repeats the **same command** and gets the next block, the last one ends with `9000`.

use sm3::{Digest, Sm3};

use crate::envelope::{Apdu, Cla, Le};
use crate::status::Status;

/// What names a chain: all its blocks share it.
type Header = (bool, u8, u8, u8);

const fn header(apdu: &Apdu<'_>) -> Header {
    (apdu.cla.protected, apdu.ins, apdu.p1, apdu.p2)
}

/// Joins the blocks of a chain, up to `N` bytes.
#[derive(Clone, Debug)]
pub struct Joiner<const N: usize> {
    buffer: [u8; N],
    length: usize,
    open: Option<Header>,
}

/// What a block made of the chain.
#[derive(Debug, PartialEq, Eq)]
pub enum Joined<'a> {
    /// The block is kept; more must follow.
    More,
    /// The whole command.
    Whole(Apdu<'a>),
}

impl<const N: usize> Default for Joiner<N> {
    fn default() -> Self {
        Self { buffer: [0; N], length: 0, open: None }
    }
}

impl<const N: usize> Joiner<N> {
    /// Drops the chain that is under way, if any.
    pub fn reset(&mut self) {
        self.open = None;
        self.wipe();
    }

    /// Erases the data of a chain that is whole and was used. One that is under way stays.
    pub fn wipe(&mut self) {
        if self.open.is_none() {
            self.buffer.iter_mut().take(self.length).for_each(|byte| *byte = 0);
            self.length = 0;
        }
    }

    /// Takes the next block.
    ///
    /// # Errors
    /// `6985` for another header inside a chain, `6700` where the joined data exceed `N`; either drops the chain.
    pub fn push<'s>(&'s mut self, block: Apdu<'s>) -> Result<Joined<'s>, Status> {
        match self.open {
            None if !block.cla.chained => return Ok(Joined::Whole(block)),
            None => self.reset(),
            Some(open) if open != header(&block) => {
                self.reset();
                return Err(Status::CONDITIONS_NOT_SATISFIED);
            }
            Some(_) => {}
        }
        let end = self.length.saturating_add(block.data.len());
        let Some(space) = self.buffer.get_mut(self.length..end) else {
            self.reset();
            return Err(Status::WRONG_LENGTH);
        };
        space.copy_from_slice(block.data);
        self.length = end;
        if block.cla.chained {
            self.open = Some(header(&block));
            return Ok(Joined::More);
        }
        self.open = None;
        let data = self.buffer.get(..end).unwrap_or_default();
        Ok(Joined::Whole(Apdu { cla: Cla { chained: false, ..block.cla }, data, ..block }))
    }
}

/// Gives an answer out in blocks, to repetitions of one command.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    under_way: Option<([u8; 32], usize)>,
}

impl Blocks {
    /// Whether `command` is the repetition that the answer under way waits for: it must not be carried out again, as
    /// another answer may come of it.
    #[must_use]
    pub fn is_repetition(&self, command: &Apdu<'_>) -> bool {
        self.under_way.is_some_and(|(of, _)| of == fingerprint(command))
    }

    /// Whether an answer is under way.
    #[must_use]
    pub const fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// The part of `answer` that this repetition of `command` gets, and the status word behind it.
    pub fn next<'r>(&mut self, command: &Apdu<'_>, answer: &'r [u8], block: usize) -> (&'r [u8], Status) {
        let limit = command.le.limit().min(block);
        if answer.len() <= limit && self.under_way.is_none() {
            return (answer, Status::OK);
        }
        let fingerprint = fingerprint(command);
        let offset = match self.under_way.take() {
            Some((of, offset)) if of == fingerprint => offset,
            _ => 0,
        };
        let rest = answer.get(offset..).unwrap_or_default();
        match rest.split_at_checked(limit) {
            Some((part, more)) if !more.is_empty() => {
                self.under_way = Some((fingerprint, offset.saturating_add(part.len())));
                (part, Status::MORE_DATA)
            }
            _ => (rest, Status::OK),
        }
    }

    /// Forgets the answer that is under way.
    pub fn reset(&mut self) {
        self.under_way = None;
    }
}

fn fingerprint(command: &Apdu<'_>) -> [u8; 32] {
    let (protected, ins, p1, p2) = header(command);
    let le = match command.le {
        Le::Absent => [0, 0, 0],
        Le::Max => [1, 0, 0],
        Le::Exact(n) => {
            let [high, low] = n.to_be_bytes();
            [2, high, low]
        }
    };
    let mut hash = Sm3::new();
    hash.update([u8::from(protected), ins, p1, p2]);
    hash.update(le);
    hash.update(command.data);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn apdu(data: &[u8]) -> Apdu<'_> {
        Apdu { cla: Cla::default(), ins: 0x4C, p1: 0, p2: 0, data, le: Le::Absent }
    }

    #[test]
    fn another_header_drops_the_chain() {
        let mut joiner = Joiner::<64>::default();
        let first = Apdu { cla: Cla { chained: true, protected: false }, ..apdu(b"one") };
        assert_eq!(joiner.push(first), Ok(Joined::More));
        assert_eq!(joiner.push(Apdu { ins: 0x4E, ..apdu(b"two") }), Err(Status::CONDITIONS_NOT_SATISFIED));
        assert_eq!(joiner.push(apdu(b"two")), Ok(Joined::Whole(apdu(b"two"))), "the first block is gone");
    }

    #[test]
    fn data_that_were_used_are_erased() {
        let mut joiner = Joiner::<8>::default();
        let first = Apdu { cla: Cla { chained: true, protected: false }, ..apdu(b"abc") };
        joiner.push(first).unwrap();
        joiner.wipe();
        assert_eq!(joiner.buffer[..3], *b"abc", "the chain is under way");
        joiner.push(apdu(b"de")).unwrap();
        joiner.wipe();
        assert_eq!(joiner.buffer, [0; 8]);
    }

    #[test]
    fn too_long_a_chain_is_dropped() {
        let mut joiner = Joiner::<4>::default();
        let first = Apdu { cla: Cla { chained: true, protected: false }, ..apdu(b"abc") };
        assert_eq!(joiner.push(first), Ok(Joined::More));
        assert_eq!(joiner.push(apdu(b"de")), Err(Status::WRONG_LENGTH));
        assert_eq!(joiner.push(apdu(b"x")), Ok(Joined::Whole(apdu(b"x"))));
    }

    #[test]
    fn an_answer_under_way_is_dropped_by_another_command() {
        let answer = [7; 10];
        let mut blocks = Blocks::default();
        assert!(!blocks.is_repetition(&apdu(b"a")));
        assert_eq!(blocks.next(&apdu(b"a"), &answer, 6), (&answer[..6], Status::MORE_DATA));
        assert!(blocks.is_repetition(&apdu(b"a")) && !blocks.is_repetition(&apdu(b"b")));
        assert!(blocks.is_under_way());
        assert_eq!(blocks.next(&apdu(b"b"), &[], 6), (&[][..], Status::OK));
        assert!(!blocks.is_repetition(&apdu(b"a")) && !blocks.is_under_way());
        assert_eq!(
            blocks.next(&apdu(b"a"), &answer, 6),
            (&answer[..6], Status::MORE_DATA),
            "from the start again"
        );
        assert_eq!(blocks.next(&apdu(b"a"), &answer, 6), (&answer[6..], Status::OK));
    }

    proptest! {
        #[test]
        fn split_then_joined_gives_the_same(data in proptest::collection::vec(any::<u8>(), 0..900), max in 1_usize..300) {
            let whole = Apdu { le: Le::Exact(9), ..apdu(&data) };
            let mut joiner = Joiner::<1024>::default();
            let blocks: Vec<_> = whole.split(max).collect();
            let (last, first) = blocks.split_last().unwrap();
            for block in first {
                prop_assert!(block.data.len() <= max);
                prop_assert_eq!(joiner.push(*block), Ok(Joined::More));
            }
            prop_assert_eq!(joiner.push(*last), Ok(Joined::Whole(whole)));
        }

        #[test]
        fn blocks_add_up_to_the_answer(answer in proptest::collection::vec(any::<u8>(), 0..900), block in 1_usize..300) {
            let mut blocks = Blocks::default();
            let mut joined = Vec::new();
            loop {
                let (part, status) = blocks.next(&apdu(b"x"), &answer, block);
                prop_assert!(part.len() <= block);
                joined.extend_from_slice(part);
                if status == Status::OK { break; }
                prop_assert_eq!(status, Status::MORE_DATA);
            }
            prop_assert_eq!(joined, answer);
        }
    }
}
