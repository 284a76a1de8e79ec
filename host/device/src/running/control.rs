//! What a running instance is asked over its control socket: one JSON object a line, a [`Request`] and its [`Answer`].
//! Both sides take these very types.
//!
//! ```json
//! {"verb":"unplug","serial_number":"0123456789ABCDEF"}
//! {"answer":"done"}
//! ```

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::link::socket::connected;
use crate::link::{Hand, LinkError};

/// What is asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub enum Request {
    /// What the tokens are doing: [`Answer::Status`].
    Status,
    /// Plug a token in.
    Plug {
        /// The token.
        serial_number: String,
    },
    /// Pull it, whatever it is doing.
    Unplug {
        /// The token.
        serial_number: String,
    },
    /// Pull it when so many more envelopes were answered.
    UnplugAfter {
        /// The token.
        serial_number: String,
        /// Envelopes; 0 is before the next.
        exchanges: u64,
    },
    /// Whether a token was the last time asked to open the application of this name: [`Answer::Done`] if so. It proves
    /// which key is behind a link ([`Device::hand`](crate::Device::hand)).
    Heard {
        /// The token.
        serial_number: String,
        /// The name.
        application: String,
    },
    /// End the process.
    Stop,
}

/// What is answered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// It was done.
    Done,
    /// What each token is doing.
    Status {
        /// The tokens.
        tokens: Vec<State>,
    },
    /// It was not done.
    Failed {
        /// Why.
        reason: String,
    },
}

/// What a token is doing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct State {
    /// Its serial number.
    pub serial_number: String,
    /// Whether it has power.
    pub plugged_in: bool,
    /// The client that has it, in words.
    pub holder: Option<String>,
    /// Frames that were not taken since it was started: spoilt, too long, out of sequence, or no frames at all.
    pub refused_frames: u64,
    /// The virtual smart card readers that it is to be in.
    #[serde(default)]
    pub readers: Vec<Insertion>,
}

/// Whether a virtual smart card reader has a token.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Insertion {
    /// Where the reader's vpcd waits: `HOST:PORT`.
    pub reader: String,
    /// Why the token is not in it; `None` where it is.
    pub problem: Option<String>,
}

/// How long an instance may take to be reached, and to answer: a token that starts tests itself, one that is pulled ends
/// its command.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Most bytes of a line.
const LONGEST: u64 = 1 << 20;

/// Sends one line.
///
/// # Errors
/// Of the system.
pub fn send(mut stream: impl Write, words: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(words)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    stream.flush()
}

/// The next line; `None` at the end.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] for a line that is not of these words; of the system.
pub fn receive<T: DeserializeOwned>(stream: &mut impl BufRead) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    stream.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
    if line.is_empty() { Ok(None) } else { Ok(Some(serde_json::from_slice(&line)?)) }
}

/// Asks an instance.
///
/// # Errors
/// [`LinkError::Io`] where it is not reached; [`LinkError::NotDone`] where it says [`Answer::Failed`].
pub fn ask(control: &Path, request: &Request) -> Result<Answer, LinkError> {
    ask_within(control, request, PATIENCE)
}

fn ask_within(control: &Path, request: &Request, patience: Duration) -> Result<Answer, LinkError> {
    let answer = || {
        let stream = connected(control, patience)?;
        stream.set_read_timeout(Some(patience))?;
        send(&stream, request)?;
        receive(&mut BufReader::new(&stream))?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    };
    match answer() {
        Ok(Answer::Failed { reason }) => Err(LinkError::NotDone { reason }),
        Ok(answer) => Ok(answer),
        Err(source) => Err(LinkError::Io { doing: "asking", path: control.to_owned(), source }),
    }
}

/// What the tokens of an instance are doing.
pub(super) fn status(control: &Path, patience: Duration) -> Result<Vec<State>, LinkError> {
    match ask_within(control, &Request::Status, patience)? {
        Answer::Status { tokens } => Ok(tokens),
        _ => Err(LinkError::Io {
            doing: "asking",
            path: control.to_owned(),
            source: io::ErrorKind::InvalidData.into(),
        }),
    }
}

/// The hand at a token of another process.
#[derive(Debug)]
pub(super) struct RemoteHand {
    control: PathBuf,
    serial_number: String,
}

impl RemoteHand {
    pub(super) fn new(control: PathBuf, serial_number: &str) -> Self {
        Self { control, serial_number: serial_number.to_owned() }
    }

    fn serial_number(&self) -> String {
        self.serial_number.clone()
    }

    /// Asks; one that is gone has no power either.
    fn ask(&self, request: &Request) {
        if let Err(error) = ask(&self.control, request) {
            tracing::warn!(%error, "the process of a token was not reached");
        }
    }
}

impl Hand for RemoteHand {
    fn unplug(&self) {
        self.ask(&Request::Unplug { serial_number: self.serial_number() });
    }

    fn unplug_after(&self, exchanges: u64) {
        self.ask(&Request::UnplugAfter { serial_number: self.serial_number(), exchanges });
    }

    fn plug_in(&self) -> Result<(), LinkError> {
        ask(&self.control, &Request::Plug { serial_number: self.serial_number() }).map(drop)
    }
}
