//! The smart card readers of this machine: what they are called, what is in them, and what changes there.

use std::ffi::{CStr, CString};
use std::time::{Duration, Instant};

use ::pcsc::{Context, Error, MAX_ATR_SIZE, Scope, State};

use super::PATIENCE;
use crate::link::LinkError;

/// A smart card reader, and what is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReaderState {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub card: CardState,
    /// Who uses that.
    pub sharing: Sharing,
}

/// What is in a reader.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CardState {
    /// Nothing.
    Absent,
    /// A card that does not answer to power.
    Mute,
    /// A card.
    Present {
        /// Its answer to reset (ISO/IEC 7816-3).
        atr: Vec<u8>,
    },
}

/// Who uses a card. PC/SC does not tell which programs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sharing {
    /// Nobody.
    Free,
    /// Programs that let others in.
    Shared,
    /// One program that lets nobody in.
    Exclusive,
}

/// All readers of this machine.
///
/// # Errors
/// [`LinkError::NoCardService`]; [`LinkError::Reader`] for anything else that PC/SC says.
pub fn readers() -> Result<Vec<ReaderState>, LinkError> {
    let context = establish()?;
    names(&context)?.iter().map(|name| Watch::new(&context, name)?.state()).collect()
}

/// Waits at most so long until there is a card in a reader, or none; gives what is in it then, as it was wanted or not.
///
/// # Errors
/// As [`readers`]; [`LinkError::NoReader`], [`LinkError::Ambiguous`].
pub fn wait_for_card(reader: &str, present: bool, limit: Duration) -> Result<ReaderState, LinkError> {
    let deadline = Instant::now() + limit;
    let context = establish()?;
    let name = find(&context, reader)?;
    let mut watch = Watch::new(&context, &name)?;
    loop {
        let state = watch.state()?;
        if matches!(state.card, CardState::Present { .. }) == present || !watch.changed(deadline)? {
            return Ok(state);
        }
    }
}

pub(super) fn establish() -> Result<Context, LinkError> {
    Context::establish(Scope::User).map_err(|error| told(c"", error))
}

fn names(context: &Context) -> Result<Vec<CString>, LinkError> {
    match context.list_readers_owned() {
        Err(Error::NoReadersAvailable) => Ok(Vec::new()),
        names => names.map_err(|error| told(c"", error)),
    }
}

/// The reader that is meant: the one of that name, else the one whose name has it as a part.
pub(super) fn find(context: &Context, wanted: &str) -> Result<CString, LinkError> {
    choose(names(context)?, wanted)
}

fn choose(names: Vec<CString>, wanted: &str) -> Result<CString, LinkError> {
    if let Some(name) = names.iter().find(|name| name.to_bytes() == wanted.as_bytes()) {
        return Ok(name.clone());
    }
    let listed = |names: &[CString]| names.iter().map(|name| text(name)).collect();
    let mut having: Vec<CString> = names.iter().filter(|name| text(name).contains(wanted)).cloned().collect();
    match (having.pop(), having.is_empty()) {
        (Some(name), true) => Ok(name),
        (Some(name), false) => {
            having.push(name);
            Err(LinkError::Ambiguous { wanted: wanted.to_owned(), readers: listed(&having) })
        }
        (None, _) => Err(LinkError::NoReader { wanted: wanted.to_owned(), readers: listed(&names) }),
    }
}

pub(super) fn text(name: &CStr) -> String {
    name.to_string_lossy().into_owned()
}

/// What a person is told of an error that no caller acts upon.
pub(super) fn told(reader: &CStr, error: Error) -> LinkError {
    match error {
        Error::NoService | Error::ServiceStopped => LinkError::NoCardService,
        Error::SharingViolation => {
            LinkError::Busy { place: format!("the reader \"{}\"", text(reader)), holder: None }
        }
        Error::UnknownReader => LinkError::NoReader { wanted: text(reader), readers: Vec::new() },
        error => LinkError::Reader { reader: text(reader), reason: error.to_string() },
    }
}

/// What is known of a reader, and what changes there.
pub(super) struct Watch<'c> {
    context: &'c Context,
    state: ::pcsc::ReaderState,
}

impl<'c> Watch<'c> {
    pub(super) fn new(context: &'c Context, reader: &CStr) -> Result<Watch<'c>, LinkError> {
        let state = ::pcsc::ReaderState::new(reader, State::UNAWARE);
        let mut watch = Watch { context, state };
        // Unaware of anything, it hears at once.
        watch.hear(PATIENCE)?;
        Ok(watch)
    }

    fn hear(&mut self, limit: Duration) -> Result<bool, LinkError> {
        let heard = self.context.get_status_change(limit, std::slice::from_mut(&mut self.state));
        match heard {
            Ok(()) => {
                self.state.sync_current_state();
                Ok(true)
            }
            Err(Error::Timeout) => Ok(false),
            Err(error) => Err(told(self.state.name(), error)),
        }
    }

    /// Waits for something else than was known; whether it came in time.
    pub(super) fn changed(&mut self, deadline: Instant) -> Result<bool, LinkError> {
        let left = deadline.saturating_duration_since(Instant::now());
        // Less than PC/SC can tell from nothing.
        Ok(left.as_millis() > 0 && self.hear(left)?)
    }

    /// How many cards came to the reader and went.
    pub(super) fn cards(&self) -> u32 {
        self.state.event_count()
    }

    pub(super) fn state(&self) -> Result<ReaderState, LinkError> {
        let state = self.state.current_state();
        if state.contains(State::UNKNOWN) {
            return Err(told(self.state.name(), Error::UnknownReader));
        }
        let card = match () {
            () if state.contains(State::MUTE) => CardState::Mute,
            () if state.contains(State::PRESENT) => {
                CardState::Present { atr: atr(self.state.atr()).to_vec() }
            }
            () => CardState::Absent,
        };
        let sharing = match () {
            () if state.contains(State::EXCLUSIVE) => Sharing::Exclusive,
            () if state.contains(State::INUSE) => Sharing::Shared,
            () => Sharing::Free,
        };
        Ok(ReaderState { name: text(self.state.name()), card, sharing })
    }
}

/// The answer to reset. While pcscd reads it, it shows all of its buffer, whose rest is 0.
fn atr(shown: &[u8]) -> &[u8] {
    let end = shown.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    if shown.len() == MAX_ATR_SIZE { shown.get(..end).unwrap_or_default() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<CString> {
        names.iter().map(|name| CString::new(*name).unwrap()).collect()
    }

    #[test]
    fn a_reader_is_found_by_a_part_that_no_other_has() {
        let there = ["Virtual PCD 00 00", "Virtual PCD 00 01", "示例读卡器 01 00"];
        let found = |wanted| choose(names(&there), wanted).map(|name| text(&name));
        assert_eq!(found("Virtual PCD 00 01").unwrap(), there[1]);
        assert_eq!(found("00 01").unwrap(), there[1]);
        assert_eq!(found("示例").unwrap(), there[2]);
        let error = found("Virtual").unwrap_err();
        assert!(matches!(&error, LinkError::Ambiguous { readers, .. } if readers.len() == 2), "{error}");
        assert!(error.to_string().contains("Virtual PCD 00 00, Virtual PCD 00 01"), "{error}");
        let error = found("Gemalto").unwrap_err();
        assert!(matches!(&error, LinkError::NoReader { readers, .. } if readers.len() == 3), "{error}");
        assert!(error.message_zh().contains("示例读卡器 01 00"), "{}", error.message_zh());
        let error = choose(Vec::new(), "any").unwrap_err();
        assert!(error.to_string().contains("no smart card reader"), "{error}");
    }

    /// The whole name wins over being a part of another.
    #[test]
    fn a_whole_name_is_never_ambiguous() {
        let there = names(&["Reader 0", "Reader 0 b"]);
        assert_eq!(text(&choose(there, "Reader 0").unwrap()), "Reader 0");
    }
}
