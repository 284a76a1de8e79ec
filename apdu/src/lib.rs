//! The language that a token and its host speak: GM/T 0017 commands over ISO/IEC 7816-4 envelopes.
//!
//! Guarantees: each command is defined **once** (its INS, shape, data and answer layout, its line in a trace) and
//! used by both sides; decoding any bytes never panics and never allocates; what was encoded decodes to the same
//! value in the same [`Dialect`]. No secret (PIN, key, cryptogram) appears in [`describe`] or any `Debug`.
//!
//! Refuses to know: who speaks. There is no link, no device and no token here.
//!
//! | module | subject |
//! |---|---|
//! | [`envelope`] | CLA, INS, P1, P2, data, Le as bytes and back; splitting into a chain |
//! | [`chain`] | joining a chain; answers in blocks (6A9E) |
//! | [`frame`] | both over a stream of bytes |
//! | [`ins`], [`status`] | the INS table and the status words, with their meaning |
//! | [`dialect`] | what the public sources of GM/T 0017 disagree on, as one value |
//! | [`pin`], [`mac`] | protection of PINs and of the device authentication key on the wire |
//! | [`command`] | every command: shape, data, answer |
//! | [`describe`] | one readable, redacted line for any exchange |
//!
//! Byte order: Lc, Le and status words are big-endian; integers inside the data follow the dialect.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        clippy::unreachable
    )
)]

pub mod chain;
pub mod command;
pub mod describe;
pub mod dialect;
pub mod envelope;
pub mod frame;
pub mod ins;
pub mod mac;
pub mod pin;
pub mod status;
pub mod wire;

pub use command::Command;
pub use dialect::Dialect;
pub use envelope::Apdu;
pub use ins::Ins;
pub use status::Status;
