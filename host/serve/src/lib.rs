//! A simulated token as hardware: where clients look for a key on a wire, there it is.
//!
//! | module | subject |
//! |---|---|
//! | [`key`] | the key that is served: plugged in and pulled, one client at a time |
//! | [`conversation`] | frames ([`ukey_apdu::frame`]) between a stream and the key, as a board speaks them |
//! | [`vpcd`] | the key as a card in a virtual smart card reader |
//! | [`way`] | the ways to a key: [`Way`] |
//! | `socket`, `serial` | connections over TCP and sockets of this machine; serial lines and pseudo-terminals |
//! | [`server`] | a process that serves keys: listed, and controlled from outside |
//! | `line` | a stream that can be waited for together with the key |
//!
//! Guarantees: a key has one client at a time, whatever it is reached by, and a second one is told who that is; what is
//! no good frame is counted, answered with its reason, and never carried out; who pulls the key ends every conversation
//! with it at once; nothing polls, everything waits for events.
//!
//! Refuses to know what the envelopes mean.

pub mod conversation;
pub mod error;
pub mod key;
mod line;
mod serial;
pub mod server;
mod socket;
pub mod vpcd;
pub mod way;

pub use conversation::{Ended, serve};
pub use error::ServeError;
pub use key::{Hold, Key, Refusal, Watch};
pub use server::{Server, Token};
pub use way::Way;
