//! One command over a link: into envelopes of the size that the token takes, and its answer out of blocks. Every
//! envelope is traced.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ukey_apdu::command::{Answer, Command, DevInfo, GenRandom, GetDevInfo};
use ukey_apdu::envelope::{MAX_DATA, OVERHEAD};
use ukey_apdu::pin::Challenge;
use ukey_apdu::{Apdu, Dialect, Ins, Status};
use zeroize::Zeroizing;

use crate::error::{About, ErrorKind, Result};
use crate::guard::Guard;
use crate::link::{Hand, Link, LinkError, Secret};
use crate::running::proof;
use crate::tally::{self, Tally};
use crate::trace::{Connection, Trace};

/// Data bytes of an envelope that every token takes, until the token says how many it does.
const SAFE_DATA: usize = 255;

/// Random bytes fetched at once: no token's answer block is smaller.
const RANDOM_AT_ONCE: usize = 128;

/// A live link with what is known of the token behind it.
pub(crate) struct Wire {
    link: Box<dyn Link>,
    dialect: Dialect,
    max_data: usize,
    serial_number: String,
    /// The hand that was found for it, where the link has none.
    hand: Option<Arc<dyn Hand>>,
    session: u64,
    /// Digests begun so far: the last one is the one that the token has.
    pub(crate) digests: u64,
    /// How often the token was taken for this link alone, and not given back.
    holds: u32,
    pub(crate) guard: Guard,
    pub(crate) tally: Tally,
    pub(crate) trace: Trace,
    /// The trace in a file, where there is one.
    pub(crate) recorded: Option<Connection>,
}

impl Wire {
    pub(crate) fn new(link: Box<dyn Link>, dialect: Dialect) -> Wire {
        let recorded = Connection::begin(&dialect);
        Wire {
            link,
            dialect,
            max_data: SAFE_DATA,
            serial_number: String::new(),
            hand: None,
            session: 1,
            digests: 0,
            holds: 0,
            guard: Guard::default(),
            tally: Tally::default(),
            trace: Trace::default(),
            recorded,
        }
    }

    pub(crate) fn link(&self) -> &dyn Link {
        &*self.link
    }

    pub(crate) fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// Data bytes that one envelope carries to this token.
    pub(crate) fn max_data(&self) -> usize {
        self.max_data
    }

    /// Counts the times that the token was found anew: ids live in one session.
    pub(crate) fn session(&self) -> u64 {
        self.session
    }

    /// What the token that was greeted last said of itself.
    pub(crate) fn serial_number(&self) -> &str {
        &self.serial_number
    }

    /// Asks the token who it is, and how long its envelopes may be.
    pub(crate) fn greet(&mut self) -> Result<()> {
        let greeting = |info: DevInfo<'_>| {
            (String::from_utf8_lossy(info.serial_number).into_owned(), info.max_apdu_data)
        };
        let max_apdu_data;
        let serial_number;
        (serial_number, max_apdu_data) = self.send(&GetDevInfo, About::default(), greeting)?;
        // What was allowed and known of one key is not of another.
        self.guard.greeted(serial_number != self.serial_number);
        // Nor is the hand that was found for it: another key may have the same number.
        (self.hand, self.serial_number) = (None, serial_number);
        if max_apdu_data > 0 {
            self.max_data = usize::from(max_apdu_data);
        }
        Ok(())
    }

    /// The hand that pulls the key and plugs it in, of the link or of a process that runs the token behind it. The one
    /// that was found is kept until the key that is plugged in says who it is.
    pub(crate) fn hand(&mut self) -> Option<Arc<dyn Hand>> {
        if let Some(hand) = self.link.hand() {
            return Some(hand);
        }
        if self.hand.is_none() && self.guard.is_greeted() {
            self.hand = proof::hand(self);
        }
        self.hand.clone()
    }

    /// Whether what is sent is what the token gets: no library stands between.
    pub(crate) fn carries_envelopes(&mut self) -> bool {
        self.link.secrets().is_none()
    }

    /// Takes the token for this link alone, once more.
    pub(crate) fn hold(&mut self, wait: Duration) -> Result<(), LinkError> {
        self.link.lock(wait)?;
        self.holds += 1;
        Ok(())
    }

    /// Gives one taking back; the last frees the token.
    pub(crate) fn release(&mut self) -> Result<(), LinkError> {
        self.holds = self.holds.saturating_sub(1);
        if self.holds == 0 { self.link.unlock() } else { Ok(()) }
    }

    /// Power off and on; ids from before are dead, and nobody holds the token.
    pub(crate) fn reset(&mut self) -> Result<(), LinkError> {
        self.guard.lose_sight();
        self.link.reset()?;
        if let Some(recorded) = &mut self.recorded {
            recorded.reset();
        }
        self.holds = 0;
        self.session += 1;
        Ok(())
    }

    /// Lets go of the token for good.
    pub(crate) fn disconnect(&mut self) {
        (self.link, self.recorded, self.holds) = (Box::new(Gone), None, 0);
        self.guard.lose_sight();
        self.session += 1;
    }

    /// Carries a command out; `take` gets the decoded answer of a success.
    pub(crate) fn send<'a, C: Command<'a>, T>(
        &mut self,
        command: &C,
        about: About,
        take: impl FnOnce(C::Answer<'_>) -> T,
    ) -> Result<T> {
        let about = About { ins: Some(C::INS), ..about };
        let dialect = self.dialect;
        let mut buffer = Zeroizing::new(vec![0; 1024]);
        while command.to_apdu(&dialect, &mut buffer).is_err() {
            let larger = buffer.len() * 4;
            if larger > MAX_DATA * 4 {
                return Err(about.error(ErrorKind::TooLong));
            }
            *buffer = vec![0; larger];
        }
        let Ok(apdu) = command.to_apdu(&dialect, &mut buffer) else {
            return Err(about.error(ErrorKind::TooLong));
        };
        let answer = match self.exchange(apdu) {
            Ok(answer) => answer,
            Err(Failed::Refused(status)) => return Err(self.called(about).refused(status)),
            Err(Failed::Other(kind)) => return Err(about.error(kind)),
        };
        match C::Answer::read(&answer, &dialect) {
            Ok(answer) => Ok(take(answer)),
            Err(_) => Err(about.error(ErrorKind::BadAnswer)),
        }
    }

    /// What a command was about, with the function of a vendor's library that decided.
    fn called(&self, about: About) -> About {
        About { call: self.link.last_call(), ..about }
    }

    /// Carries out a command by its secret in clear, over a link that takes it so; `None` over one that takes
    /// envelopes. `command` stands for it in the trace.
    pub(crate) fn in_clear<'a, C: Command<'a>>(
        &mut self,
        command: &C,
        about: &About,
        secret: impl FnOnce() -> Secret,
    ) -> Option<Result<()>> {
        let about = About { ins: Some(C::INS), ..about.clone() };
        let mut buffer = [0; 128];
        let dialect = self.dialect;
        let apdu = command.to_apdu(&dialect, &mut buffer).ok()?;
        Some(match self.relay_in_clear(apdu, secret)? {
            Ok(Status::OK) => Ok(()),
            Ok(status) => Err(self.called(about).refused(status)),
            Err(error) => Err(about.error(ErrorKind::Link(error))),
        })
    }

    /// Carries out what an envelope stands for by its secret in clear; `None` over a link that takes envelopes.
    pub(crate) fn relay_in_clear(
        &mut self,
        apdu: Apdu<'_>,
        secret: impl FnOnce() -> Secret,
    ) -> Option<Result<Status, LinkError>> {
        let began = Instant::now();
        let done = self.link.secrets()?.in_clear(secret());
        let mut envelope = Zeroizing::new(vec![0; apdu.data.len() + OVERHEAD]);
        let length = apdu.encode(&mut envelope).unwrap_or_default();
        let envelope = envelope.get(..length).unwrap_or_default();
        let said = done.as_ref().map_or(Status::INTERNAL, |status| *status);
        let kept = self.keep(began, envelope, done.map(|status| status.to_bytes().to_vec()));
        Some(kept.map(|_| said))
    }

    /// Fetches the challenge of a remote unblocking, of the token itself.
    pub(crate) fn remote_challenge(&mut self, about: About) -> Result<Challenge> {
        let Some(secrets) = self.link.secrets() else { return self.challenge(about) };
        let challenge = secrets.challenge();
        let about = About { ins: Some(GenRandom::INS), ..about };
        match challenge {
            Ok(Ok(challenge)) => Ok(challenge),
            Ok(Err(status)) => Err(self.called(about).refused(status)),
            Err(error) => Err(about.error(ErrorKind::Link(error))),
        }
    }

    /// Speaks this dialect from now on.
    pub(crate) fn speak(&mut self, dialect: Dialect) {
        self.dialect = dialect;
        if let Some(recorded) = &mut self.recorded {
            recorded.speaks(&dialect);
        }
    }

    /// Sends a short command in some dialect, and gives the bytes of its answer or the word of its refusal.
    pub(crate) fn try_in<'a, C: Command<'a>>(
        &mut self,
        dialect: &Dialect,
        command: &C,
    ) -> Result<std::result::Result<Vec<u8>, Status>> {
        let about = About { ins: Some(C::INS), ..About::default() };
        let mut buffer = Zeroizing::new(vec![0; 1024]);
        let Ok(apdu) = command.to_apdu(dialect, &mut buffer) else {
            return Err(about.error(ErrorKind::TooLong));
        };
        match self.exchange(apdu) {
            Ok(answer) => Ok(Ok(answer)),
            Err(Failed::Refused(status)) => Ok(Err(status)),
            Err(Failed::Other(kind)) => Err(about.error(kind)),
        }
    }

    /// Fetches a challenge: the 8 random bytes that the next authentication answers.
    pub(crate) fn challenge(&mut self, about: About) -> Result<Challenge> {
        self.send(&GenRandom { length: 8 }, about.clone(), |random| Challenge::try_from(random.0))?
            .map_err(|_| about.error(ErrorKind::BadAnswer))
    }

    /// Random bytes of the token. What the token remembers as its challenge, the last piece of them, is in front.
    pub(crate) fn random(&mut self, count: usize) -> Result<Vec<u8>> {
        let mut random = vec![0; count];
        // From the back, so that the last piece is a whole one.
        for place in random.chunks_mut(RANDOM_AT_ONCE).rev() {
            let length = u16::try_from(place.len()).unwrap_or_default();
            let piece = self.send(&GenRandom { length }, About::default(), |piece| piece.0.to_vec())?;
            if piece.len() != place.len() {
                return Err(About::default().error(ErrorKind::BadAnswer));
            }
            place.copy_from_slice(&piece);
        }
        Ok(random)
    }

    /// Sends a command as a chain where it is long, and joins the blocks of its answer.
    fn exchange(&mut self, apdu: Apdu<'_>) -> Result<Vec<u8>, Failed> {
        let mut joined = Vec::new();
        loop {
            let (block, status) = self.chain(apdu)?;
            joined.extend_from_slice(&block);
            match status {
                Status::OK => return Ok(joined),
                // Each block has to bring something, so an answer without end stops here.
                Status::MORE_DATA if !block.is_empty() && joined.len() <= MAX_DATA => {}
                Status::MORE_DATA => return Err(Failed::Other(ErrorKind::BadAnswer)),
                status => return Err(Failed::Refused(status)),
            }
        }
    }

    /// One round: every envelope of the command; the answer to the last.
    fn chain(&mut self, apdu: Apdu<'_>) -> Result<(Vec<u8>, Status), Failed> {
        for envelope in apdu.split(self.max_data) {
            let (data, status) = self.transmit(envelope)?;
            if !envelope.cla.chained {
                return Ok((data, status));
            }
            if !status.is_ok() {
                return Err(Failed::Refused(status));
            }
        }
        Err(Failed::Other(ErrorKind::BadAnswer))
    }

    fn transmit(&mut self, envelope: Apdu<'_>) -> Result<(Vec<u8>, Status), Failed> {
        let mut bytes = Zeroizing::new(vec![0; envelope.data.len() + OVERHEAD]);
        let length = envelope.encode(&mut bytes).map_err(|_| Failed::Other(ErrorKind::TooLong))?;
        bytes.truncate(length);
        let answer = self.transmit_one(&bytes);
        let mut answer = answer.map_err(|error| Failed::Other(ErrorKind::Link(error)))?;
        let word = answer.split_last_chunk::<2>().map(|(_, word)| *word);
        let status = Status(u16::from_be_bytes(word.ok_or(Failed::Other(ErrorKind::BadAnswer))?));
        answer.truncate(answer.len() - 2);
        Ok((answer, status))
    }

    /// A command as it is, whole: its answer, or nothing, and the last status word.
    pub(crate) fn relay(&mut self, apdu: Apdu<'_>) -> Result<(Vec<u8>, Status)> {
        match self.exchange(apdu) {
            Ok(answer) => Ok((answer, Status::OK)),
            Err(Failed::Refused(status)) => Ok((Vec::new(), status)),
            Err(Failed::Other(kind)) => Err(About::default().error(kind)),
        }
    }

    /// One envelope of a command.
    fn transmit_one(&mut self, envelope: &[u8]) -> Result<Vec<u8>, LinkError> {
        let began = Instant::now();
        let answer = self.link.transmit(envelope);
        self.keep(began, envelope, answer)
    }

    /// One envelope as it is, for the token itself.
    pub(crate) fn transmit_raw(&mut self, envelope: &[u8]) -> Result<Vec<u8>, LinkError> {
        let began = Instant::now();
        let answer = self.link.transmit_raw(envelope);
        self.keep(began, envelope, answer)
    }

    /// Counts and traces an exchange, and learns what it cost.
    fn keep(
        &mut self,
        began: Instant,
        envelope: &[u8],
        answer: Result<Vec<u8>, LinkError>,
    ) -> Result<Vec<u8>, LinkError> {
        self.tally.count(envelope, answer.as_deref().unwrap_or_default());
        if let Some(recorded) = &mut self.recorded {
            let call = self.link.last_call();
            recorded.exchange(began, envelope, answer.as_deref(), &self.dialect, call.as_ref());
        }
        self.trace.push(envelope, answer.as_deref().unwrap_or_default(), &self.dialect);
        if tally::asks_for(envelope).is_some_and(|(ins, _)| ins == Ins::DevAuth) {
            let word = answer.as_deref().ok().and_then(<[u8]>::last_chunk::<2>);
            self.guard.device_key_tried(word.map(|word| Status(u16::from_be_bytes(*word))))?;
        }
        answer
    }
}

/// In place of a link that was let go.
struct Gone;

impl Link for Gone {
    fn transmit(&mut self, _command: &[u8]) -> Result<Vec<u8>, LinkError> {
        Err(LinkError::Removed)
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        Err(LinkError::Removed)
    }
}

/// Why an exchange gave no answer.
enum Failed {
    Refused(Status),
    Other(ErrorKind),
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use ukey_apdu::command::{
        AppId, ContainerId, EnumApplication, ExportCertificate, ImportCertificate, KeyUse,
    };

    use super::*;

    /// A link that answers from a list and keeps what it was sent; the last answer repeats.
    struct Scripted {
        answers: VecDeque<Vec<u8>>,
        sent: std::sync::mpsc::Sender<Vec<u8>>,
    }

    impl Link for Scripted {
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
            self.sent.send(command.to_vec()).unwrap();
            let last = self.answers.len() == 1;
            if last {
                Ok(self.answers[0].clone())
            } else {
                self.answers.pop_front().ok_or(LinkError::Removed)
            }
        }

        fn reset(&mut self) -> Result<(), LinkError> {
            Ok(())
        }
    }

    fn wire(answers: &[&[u8]]) -> (Wire, std::sync::mpsc::Receiver<Vec<u8>>) {
        let (sent, receiver) = std::sync::mpsc::channel();
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        (Wire::new(Box::new(Scripted { answers, sent }), Dialect::GM2012), receiver)
    }

    const EXPORT: ExportCertificate =
        ExportCertificate { application: AppId(1), container: ContainerId(2), key_use: KeyUse::Sign };

    #[test]
    fn a_long_answer_is_joined_by_repeating_the_command() {
        let (mut wire, sent) = wire(&[&[0, 0, 0, 3, b'a', 0x6A, 0x9E], &[b'b', b'c', 0x90, 0]]);
        let certificate = wire.send(&EXPORT, About::default(), |certificate| certificate.0.to_vec()).unwrap();
        assert_eq!(certificate, b"abc");
        assert_eq!(sent.try_recv().unwrap(), sent.try_recv().unwrap());
    }

    #[test]
    fn an_answer_without_end_is_given_up() {
        let (mut endless, _sent) = wire(&[&[&[1; 500][..], &[0x6A, 0x9E]].concat()]);
        let error = endless.send(&EXPORT, About::default(), |_| ()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::BadAnswer), "{error}");
        let (mut empty, sent) = wire(&[&[0x6A, 0x9E]]);
        assert!(matches!(
            empty.send(&EXPORT, About::default(), |_| ()).unwrap_err().kind(),
            ErrorKind::BadAnswer
        ));
        assert_eq!(sent.try_iter().count(), 1);
    }

    #[test]
    fn long_data_go_as_a_chain_that_a_refusal_ends() {
        let certificate = [7; 600];
        let import = ImportCertificate {
            application: AppId(1),
            container: ContainerId(2),
            key_use: KeyUse::Sign,
            certificate: &certificate,
        };
        let (mut wire_ok, sent) = wire(&[&[0x90, 0]]);
        wire_ok.send(&import, About::default(), |_| ()).unwrap();
        let classes: Vec<u8> = sent.try_iter().map(|envelope| envelope[0]).collect();
        assert_eq!(classes, [0x90, 0x90, 0x80]);

        let (mut wire_no, sent) = wire(&[&[0x90, 0], &[0x67, 0]]);
        let error = wire_no.send(&import, About::default(), |_| ()).unwrap_err();
        assert_eq!(error.status(), Some(Status::WRONG_LENGTH));
        assert_eq!(sent.try_iter().count(), 2);
    }

    #[test]
    fn an_answer_that_is_none_is_said_to_be_one() {
        for answer in [&[][..], &[0x90], &[b'x', 0x90, 0]] {
            let (mut wire, _sent) = wire(&[answer]);
            let error = wire.send(&EnumApplication, About::default(), |_| ()).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::BadAnswer), "{error}");
            assert_eq!(error.command(), Some("EnumApplication"));
        }
    }
}
