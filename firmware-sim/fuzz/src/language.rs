//! Envelopes and commands: what was read is written the same; chains and blocks add up.

use ukey_apdu::chain::{Blocks, Joined, Joiner};
use ukey_apdu::command::{self, Answer, Command, Visitor};
use ukey_apdu::describe::describe;
use ukey_apdu::envelope::{Apdu, Cla, Le, OVERHEAD};
use ukey_apdu::{Dialect, Ins, Status};

const JOINED: usize = 300;

/// The bytes are an envelope, and a sequence of them (each with a length byte in front).
///
/// # Panics
/// Where something does not hold.
pub fn envelope(bytes: &[u8]) {
    if let Ok(apdu) = Apdu::parse(bytes) {
        let mut out = vec![0; apdu.data.len() + OVERHEAD];
        let length = apdu.encode(&mut out).expect("there is room for what was parsed");
        assert_eq!(Apdu::parse(&out[..length]), Ok(apdu));
        let short = length.checked_sub(1).and_then(|length| apdu.encode(&mut out[..length]).ok());
        assert_eq!(short, None, "it fits where it has no room");
        cut_and_joined(apdu);
    }
    sequence(bytes);
}

fn cut_and_joined(apdu: Apdu<'_>) {
    let size = usize::from(apdu.p1) + 1;
    let apdu = Apdu { cla: Cla { chained: false, ..apdu.cla }, ..apdu };
    let mut joiner = Joiner::<JOINED>::default();
    let blocks: Vec<_> = apdu.split(size).collect();
    let (last, first) = blocks.split_last().expect("an envelope at least");
    for block in first {
        let expected = if apdu.data.len() <= JOINED { Ok(Joined::More) } else { return };
        assert_eq!(joiner.push(*block), expected);
    }
    assert_eq!(joiner.push(*last), Ok(Joined::Whole(apdu)));
    // An answer in blocks: what was asked stands for what is answered.
    let (mut blocks, mut answer) = (Blocks::default(), Vec::new());
    let block = usize::from(apdu.p2) + 1;
    loop {
        let (part, status) = blocks.next(&apdu, apdu.data, block);
        assert!(part.len() <= block.min(apdu.le.limit()));
        answer.extend_from_slice(part);
        if status == Status::OK {
            break;
        }
        assert!(status == Status::MORE_DATA && !part.is_empty() && blocks.is_repetition(&apdu));
    }
    assert!(answer == apdu.data && !blocks.is_under_way());
}

/// Any envelopes one after the other: the joiner does what a plain list of bytes would do.
fn sequence(mut bytes: &[u8]) {
    let mut joiner = Joiner::<JOINED>::default();
    let mut chain: Option<([u8; 4], Vec<u8>)> = None;
    while let Some((&length, rest)) = bytes.split_first() {
        let (one, rest) = rest.split_at(usize::from(length).min(rest.len()));
        bytes = rest;
        let Ok(block) = Apdu::parse(one) else { continue };
        let header = [u8::from(block.cla.protected), block.ins, block.p1, block.p2];
        let expected = match chain.take() {
            Some((open, _)) if open != header => Err(Status::CONDITIONS_NOT_SATISFIED),
            open => {
                let is_chain = open.is_some() || block.cla.chained;
                let mut data = open.map_or(Vec::new(), |(_, data)| data);
                data.extend_from_slice(block.data);
                if is_chain && data.len() > JOINED { Err(Status::WRONG_LENGTH) } else { Ok(data) }
            }
        };
        match (joiner.push(block), expected) {
            (Ok(Joined::More), Ok(data)) if block.cla.chained => chain = Some((header, data)),
            (Ok(Joined::Whole(whole)), Ok(data)) if !block.cla.chained => {
                assert_eq!(whole, Apdu { data: &data, ..block });
            }
            (Err(status), Err(expected)) => assert_eq!(status, expected),
            (found, expected) => panic!("{found:?} where a list has {expected:?}"),
        }
        joiner.wipe();
    }
}

/// The bytes are: dialect, command, P1, P2, what Le is (3 bytes), data. And what its answer would be: the data again.
///
/// # Panics
/// Where something does not hold.
pub fn command(bytes: &[u8]) {
    let Some((&[dialect, ins, p1, p2, le, high, low], data)) = bytes.split_first_chunk() else { return };
    let dialect = &Dialect::BUILT_IN[usize::from(dialect) % Dialect::BUILT_IN.len()];
    let ins = Ins::ALL[usize::from(ins) % Ins::ALL.len()];
    let le = match (le % 3, u16::from_be_bytes([high, low])) {
        (0, _) => Le::Absent,
        (1, _) | (_, 0) => Le::Max,
        (_, n) => Le::Exact(n),
    };
    let protected = command::shape(ins, dialect).is_some_and(|shape| shape.protected);
    let cla = Cla { protected, chained: false };
    let apdu = Apdu { cla, ins: ins as u8, p1, p2, data, le };
    command::visit(ins, Twice { apdu, dialect, is_written: false });
    let mut envelope = vec![0; data.len() + OVERHEAD];
    let Ok(length) = apdu.encode(&mut envelope) else { return };
    for word in [0x9000_u16, 0x6A9E, 0x6982] {
        let answer = [data, &word.to_be_bytes()].concat();
        assert!(!describe(&envelope[..length], &answer, dialect).to_string().is_empty());
    }
}

/// Commands whose texts may come with zeros behind them or in a wider field, and are written in one way only; in some
/// dialects the same goes for a private key and for an initialisation vector.
const TOLERANT: &[Ins] = &[
    Ins::SetLabel,
    Ins::CreateApplication,
    Ins::CreateFile,
    Ins::ImportEccKeyPair,
    Ins::EncryptInit,
    Ins::DecryptInit,
    Ins::MacInit,
];

/// Reads a command and writes it.
struct Twice<'a> {
    apdu: Apdu<'a>,
    dialect: &'a Dialect,
    /// It was written here, so nothing of it may change.
    is_written: bool,
}

impl<'a> Visitor<'a> for Twice<'a> {
    type Output = ();

    fn visit<C: Command<'a>>(self) {
        let Twice { apdu, dialect, is_written } = self;
        if let Ok(answer) = C::Answer::read(apdu.data, dialect) {
            assert!(answer.to_string().len() < 40_000);
        }
        if C::shape(dialect).check(&apdu).is_err() {
            return;
        }
        let Ok(command) = C::read(&apdu, dialect) else { return };
        let mut buffer = vec![0; apdu.data.len() + 64];
        let again = command.to_apdu(dialect, &mut buffer).expect("there is room for what was read");
        assert_eq!((again.ins, again.p1, again.p2), (apdu.ins, apdu.p1, apdu.p2), "{command}");
        if is_written || !TOLERANT.contains(&C::INS) {
            assert_eq!(again.data, apdu.data, "{command}");
        }
        assert_eq!(C::shape(dialect).check(&again), Ok(()), "{command}");
        if !is_written {
            command::visit(C::INS, Twice { apdu: again, dialect, is_written: true });
        }
    }
}
