//! What is missing on this machine, and the command that brings it.
//!
//! [`facts::Facts`] is what was seen; [`findings`] and [`steps()`] judge it and look at nothing, so that every finding can be tested
//! without breaking a machine; [`probe`] is the only part that looks, and changes nothing.
//!
//! A part that is *missing* is not there, and what needs it cannot be done; one that is *broken* is there and does not
//! work. Only what is broken is a fault, unless a target that was asked about needs what is missing.

mod checks;
pub(crate) mod facts;
mod library;
pub(crate) mod probe;
mod steps;
#[cfg(test)]
mod tests;
mod variables;

pub(crate) use checks::{findings, virtual_reader_faults};
pub(crate) use steps::{Reached, steps};

/// One part of the machine, judged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Finding {
    /// What was looked at: `pcscd`, `state:ukey.ukey`.
    pub(crate) check: String,
    /// How it is.
    pub(crate) state: State,
    /// Why.
    pub(crate) reason: Text,
    /// What to do where no command does it.
    pub(crate) advice: Option<Text>,
    /// The command that brings it.
    pub(crate) command: Option<String>,
}

/// How a part is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// It works.
    Ok,
    /// It works, and some things cannot be done with it.
    Partial,
    /// It is not there.
    Missing,
    /// It is there and does not work.
    Broken,
    /// Nothing asks for it.
    NotNeeded,
}

impl State {
    /// The word for it: English, as the JSON has it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Partial => "partial",
            State::Missing => "missing",
            State::Broken => "broken",
            State::NotNeeded => "not needed",
        }
    }
}

/// A text in both languages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Text {
    pub(crate) en: String,
    pub(crate) zh: String,
}

impl Text {
    pub(crate) fn new(en: impl Into<String>, zh: impl Into<String>) -> Text {
        Text { en: en.into(), zh: zh.into() }
    }
}

impl Finding {
    fn new(check: impl Into<String>, state: State, en: impl Into<String>, zh: impl Into<String>) -> Finding {
        Finding { check: check.into(), state, reason: Text::new(en, zh), advice: None, command: None }
    }

    fn ok(check: impl Into<String>, en: impl Into<String>, zh: impl Into<String>) -> Finding {
        Finding::new(check, State::Ok, en, zh)
    }

    fn partial(check: impl Into<String>, en: impl Into<String>, zh: impl Into<String>) -> Finding {
        Finding::new(check, State::Partial, en, zh)
    }

    fn missing(check: impl Into<String>, en: impl Into<String>, zh: impl Into<String>) -> Finding {
        Finding::new(check, State::Missing, en, zh)
    }

    fn broken(check: impl Into<String>, en: impl Into<String>, zh: impl Into<String>) -> Finding {
        Finding::new(check, State::Broken, en, zh)
    }

    fn not_needed(check: impl Into<String>, en: impl Into<String>, zh: impl Into<String>) -> Finding {
        Finding::new(check, State::NotNeeded, en, zh)
    }

    fn by(self, command: impl Into<String>) -> Finding {
        Finding { command: Some(command.into()), ..self }
    }

    fn advised(self, advice: Option<Text>) -> Finding {
        Finding { advice, ..self }
    }
}
