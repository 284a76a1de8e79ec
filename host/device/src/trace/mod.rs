//! What a token is asked and what it answers, for people, for reports, for programs, and to be asked again.
//!
//! | part | subject |
//! |---|---|
//! | `ring` | the last exchanges of a device, for what goes wrong |
//! | `recorder`, `recording` | a trace in a file: JSON lines, written and read |
//! | `bytes`, `redact` | what of the bytes may be seen |
//! | [`fields`], [`whole`] | what each byte of a command and an answer is; chains and blocks put together |
//! | `table`, `explain`, `export` | a trace for people, field by field, for Wireshark |
//! | [`replay`] | a trace, carried out again on any token |
//!
//! Guarantees: no secret comes into a trace unless somebody asked for secrets.

mod bytes;
mod explain;
mod export;
pub mod fields;
mod recorder;
mod recording;
mod redact;
pub mod replay;
mod ring;
mod table;
pub mod whole;

pub use bytes::{Bytes, NotBytes};
pub use explain::{Explained, NoSession, Session};
pub use recorder::{
    Called, FORMAT, NoRecorder, Recorder, SECRETS_VARIABLE, SECRETS_WARNING, Secrets, VARIABLE, VERSION,
    called, record, record_as_environment_says,
};
pub(crate) use recorder::{Connection, connecting, unrecorded};
pub use recording::{BadTrace, Connected, Entry, Event, Exchange, Header, Problem, Recording};
pub(crate) use ring::Trace;
pub use ring::{DEFAULT_CAPACITY, Traced};
pub use table::Filter;
