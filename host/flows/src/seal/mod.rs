//! Electronic seals: in the key, changed at the hall, stamped with (Z, R-19 to R-21).
//!
//! Guarantees: a seal in the key is whole or not there, whatever happens while it is written; the old one goes only
//! after the new one was read back. Refuses to know: what a document is; it takes its SM3.

mod change;
mod stamp;
mod store;

pub use change::{ChangeStep, ChangingSeal, SUBMITTED_ZH, Sealing};
pub use stamp::{permission, stamp, verify};
pub use store::{DIRECTORY, HeldSeal, MOST_BYTES, MOST_SEALS, count, count_zh, seals};
