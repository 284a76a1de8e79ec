//! A token in a smart card reader, through PC/SC (`winscard`): `pcsc:READER`.
//!
//! Guarantees: a command that another program's transaction keeps out is refused as [`LinkError::Busy`], and nothing of
//! it was sent; a card that lost its power, or whose answer is lost, answers [`LinkError::Removed`] or
//! [`LinkError::NoAnswer`] once and [`LinkError::Removed`] from then on; what was proved to a card ends with the last
//! program that uses it, and no other program's session ends with ours.
//!
//! Refuses to know what kind of reader it is. Answers of any status word are passed as they are: `61xx` and `6Cxx` are
//! T=0's business, which readers settle themselves for T=1.
//!
//! Who is kept out is found out by a question, and between it and the command another program may begin its transaction.
//! Nothing of ours is carried out inside that either way: `winscard` makes the command wait for its end, and so it does
//! with SCardBeginTransaction, SCardReconnect and every other call, without a limit and without a way to give up. Thus the
//! question cannot be made one with the command; it makes the waiting without end improbable, and no more. Where the
//! variable `PCSCLITE_NO_BLOCKING` is set, libpcsclite refuses at once instead of waiting, and a command that is refused
//! so is as any that is kept out.

mod reader;

use std::ffi::{CStr, CString};
use std::time::{Duration, Instant};

use ::pcsc::{Attribute, Card, Context, Disposition, Error, Protocols, ShareMode, Transaction};
use self_cell::{MutBorrow, self_cell};
use zeroize::Zeroizing;

use self::reader::{Watch, establish, find, text, told};
use super::{Link, LinkError, Place};

pub use self::reader::{CardState, ReaderState, Sharing, readers, wait_for_card};

/// How long a card may take to be seen, or to answer to power: pcscd looks for cards about every 0.4 s.
const PATIENCE: Duration = Duration::from_secs(8);

/// How often a reader in use is asked whether it is free: pcscd tells nobody when a transaction ends.
const GLANCE: Duration = Duration::from_millis(20);

/// Bytes of the longest envelope, and of the longest answer: drivers count them with 16 bits.
const MAX_BYTES: usize = 65_535;

/// A reader by its name, or by a part of it that no other reader's name has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reader(String);

impl Reader {
    /// The reader of that name.
    #[must_use]
    pub fn new(name: &str) -> Reader {
        Reader(name.to_owned())
    }

    /// A connection to the card in it, which got its power just now if `cold`. Waits for the card.
    fn connect(&self, cold: bool) -> Result<Session, LinkError> {
        let deadline = Instant::now() + PATIENCE;
        let context = establish()?;
        let reader = find(&context, &self.0)?;
        let mut watch = Watch::new(&context, &reader)?;
        loop {
            let error = match connect(&context, &reader, cold) {
                Ok(card) => {
                    let cards = watch.cards();
                    return Ok(Session { context, reader, hold: Hold::Shared(card), cards });
                }
                Err(error) => error,
            };
            // What the reader says now may be old: the card goes, comes or gets free.
            let passing = GONE.contains(&error)
                || matches!(error, Error::SharingViolation | Error::UnresponsiveCard | Error::NotTransacted);
            if !passing || !watch.changed(deadline)? {
                return Err(match error {
                    Error::UnresponsiveCard | Error::NotTransacted => {
                        LinkError::Mute { reader: text(&reader) }
                    }
                    error if GONE.contains(&error) => LinkError::Removed,
                    error => told(&reader, error),
                });
            }
        }
    }
}

impl Place for Reader {
    fn link(&self) -> Result<Box<dyn Link>, LinkError> {
        Ok(Box::new(ReaderLink { reader: self.clone(), session: Some(self.connect(false)?) }))
    }
}

/// What PC/SC says of a card that is not there any more, or has lost its power.
const GONE: [Error; 6] = [
    Error::NoSmartcard,
    Error::RemovedCard,
    Error::ResetCard,
    Error::UnpoweredCard,
    Error::ReaderUnavailable,
    Error::CommError,
];

/// What PC/SC says when the service ended, or is another one than before.
const SERVICE_LOST: [Error; 5] = [
    Error::NoService,
    Error::ServiceStopped,
    Error::InvalidHandle,
    Error::InvalidValue,
    Error::UnknownReader,
];

fn connect(context: &Context, reader: &CStr, cold: bool) -> Result<Card, Error> {
    let mut card = context.connect(reader, ShareMode::Shared, Protocols::ANY)?;
    if cold {
        power_cycle(&mut card)?;
    }
    Ok(card)
}

/// Takes the card's power away and gives it back.
fn power_cycle(card: &mut Card) -> Result<(), Error> {
    // To be given its power this call waits for others' transactions without end.
    if is_kept_out(card) {
        return Err(Error::SharingViolation);
    }
    card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::UnpowerCard)
}

/// Whether another program's transaction keeps this one out. pcscd answers any question so then, and this one without
/// asking the card, which is why nothing is made of the answer.
fn is_kept_out(card: &Card) -> bool {
    matches!(card.get_attribute_len(Attribute::VendorName), Err(Error::SharingViolation))
}

self_cell! {
    /// A card that is ours alone.
    struct Held {
        owner: MutBorrow<Card>,
        #[covariant]
        dependent: Transaction,
    }
}

enum Hold {
    Shared(Card),
    Alone(Held),
}

impl Hold {
    fn card(&self) -> &Card {
        match self {
            Hold::Shared(card) => card,
            Hold::Alone(held) => held.borrow_dependent(),
        }
    }

    fn into_card(self) -> Card {
        match self {
            Hold::Shared(card) => card,
            Hold::Alone(held) => held.into_owner().into_inner(),
        }
    }
}

/// A connection to a card.
struct Session {
    context: Context,
    reader: CString,
    hold: Hold,
    /// How many cards came to and went from the reader before.
    cards: u32,
}

impl Session {
    /// Whether the card, or the whole reader, went since; an exchange that failed is not always told apart from that.
    fn went(&self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let Ok(mut watch) = Watch::new(&self.context, &self.reader) else { return true };
        loop {
            match watch.state() {
                Ok(state) if watch.cards() == self.cards && state.card != CardState::Absent => {}
                _ => return true,
            }
            match watch.changed(deadline) {
                Ok(true) => {}
                Ok(false) => return false,
                Err(_) => return true,
            }
        }
    }

    /// Ends the connection: with the last one, what was proved to the card ends.
    fn leave(self) {
        let Session { context, reader, hold, .. } = self;
        if hold.into_card().disconnect(Disposition::LeaveCard).is_ok()
            && let Ok(alone) = context.connect(&reader, ShareMode::Exclusive, Protocols::ANY)
        {
            // A card that is gone has no power either.
            let _ = alone.disconnect(Disposition::UnpowerCard);
        }
    }
}

/// A link to the card in a reader.
struct ReaderLink {
    reader: Reader,
    /// Gone once the card lost its power.
    session: Option<Session>,
}

impl Link for ReaderLink {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let session = self.session.as_ref().ok_or(LinkError::Removed)?;
        if command.len() > MAX_BYTES {
            return Err(LinkError::TooLong { bytes: command.len(), most: MAX_BYTES });
        }
        // The command would wait without end.
        if matches!(&session.hold, Hold::Shared(card) if is_kept_out(card)) {
            return Err(told(&session.reader, Error::SharingViolation));
        }
        let mut buffer = Zeroizing::new(vec![0; MAX_BYTES]);
        let error = match session.hold.card().transmit(command, &mut buffer) {
            // vpcd's driver lost the card, and says so by saying nothing.
            Ok(answer) if answer.len() < 2 => Error::RemovedCard,
            Ok(answer) => return Ok(answer.to_vec()),
            // Kept out after all; the session is none the worse.
            Err(error @ Error::SharingViolation) => return Err(told(&session.reader, error)),
            Err(error) => error,
        };
        let error = if GONE.contains(&error) || SERVICE_LOST.contains(&error) || session.went() {
            LinkError::Removed
        } else if error == Error::NotTransacted {
            LinkError::NoAnswer
        } else {
            told(&session.reader, error)
        };
        self.session = None;
        Err(error)
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        if let Some(session) = self.session.take() {
            let mut card = session.hold.into_card();
            let done = power_cycle(&mut card);
            let session = Session { hold: Hold::Shared(card), ..session };
            match done {
                Ok(()) => {
                    self.session = Some(session);
                    return Ok(());
                }
                Err(error @ Error::SharingViolation) => {
                    return Err(told(&self.session.insert(session).reader, error));
                }
                Err(_) => session.leave(),
            }
        }
        self.session = Some(self.reader.connect(true)?);
        Ok(())
    }

    fn lock(&mut self, wait: Duration) -> Result<(), LinkError> {
        let deadline = Instant::now() + wait;
        let mut session = self.session.take().ok_or(LinkError::Removed)?;
        let card = match session.hold {
            hold @ Hold::Alone(_) => {
                self.session = Some(Session { hold, ..session });
                return Ok(());
            }
            Hold::Shared(card) => card,
        };
        let locked = wait_for_turn(&session.context, &session.reader, &card, deadline)
            .and_then(|free| if free { Ok(()) } else { Err(told(&session.reader, Error::SharingViolation)) });
        let begin = |card| {
            Held::try_new_or_recover(MutBorrow::new(card), |card| card.borrow_mut().transaction())
                .map_err(|(card, error)| (card.into_inner(), error))
        };
        let error = match locked {
            Err(error) => {
                session.hold = Hold::Shared(card);
                error
            }
            Ok(()) => match begin(card) {
                Ok(held) => {
                    self.session = Some(Session { hold: Hold::Alone(held), ..session });
                    return Ok(());
                }
                Err((card, error)) if GONE.contains(&error) || SERVICE_LOST.contains(&error) => {
                    Session { hold: Hold::Shared(card), ..session }.leave();
                    return Err(LinkError::Removed);
                }
                Err((card, error)) => {
                    session.hold = Hold::Shared(card);
                    told(&session.reader, error)
                }
            },
        };
        self.session = Some(session);
        Err(error)
    }

    fn unlock(&mut self) -> Result<(), LinkError> {
        let session = self.session.take().ok_or(LinkError::Removed)?;
        let hold = Hold::Shared(session.hold.into_card());
        self.session = Some(Session { hold, ..session });
        Ok(())
    }
}

/// Waits until no other program's transaction keeps this one out; whether that came in time.
fn wait_for_turn(
    context: &Context,
    reader: &CStr,
    card: &Card,
    deadline: Instant,
) -> Result<bool, LinkError> {
    let mut watch = Watch::new(context, reader)?;
    while is_kept_out(card) {
        let glance = deadline.min(Instant::now() + GLANCE);
        if !watch.changed(glance)? && Instant::now() >= deadline {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Drop for ReaderLink {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            session.leave();
        }
    }
}
