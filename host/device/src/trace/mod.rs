//! What a token is asked and what it answers, for people, for reports, for programs, and to be asked again.
//!
//! | part | subject |
//! |---|---|
//! | `ring` | the last exchanges of a device, for what goes wrong |
//! | `recorder`, `recording` | a trace in a file: JSON lines, written and read |
//! | `bytes`, `redact` | what of the bytes may be seen |
//! | [`fields`] | what each byte of a command and an answer is |
//!
//! Guarantees: no secret comes into a trace unless somebody asked for secrets.

mod bytes;
pub mod fields;
mod recorder;
mod recording;
mod redact;
mod ring;

pub use bytes::{Bytes, NotBytes};
pub(crate) use recorder::{Connection, connecting};
pub use recorder::{
    Called, FORMAT, NoRecorder, Recorder, SECRETS_VARIABLE, SECRETS_WARNING, Secrets, VARIABLE, VERSION, called,
    record, record_as_environment_says,
};
pub use recording::{BadTrace, Connected, Entry, Event, Exchange, Header, Problem, Recording};
pub(crate) use ring::Trace;
pub use ring::{DEFAULT_CAPACITY, Traced};
