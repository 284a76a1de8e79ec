//! What the fuzz targets share: scripts of steps, a token under watch, seeds.
//!
//! | module | subject |
//! |---|---|
//! | [`script`] | a byte string is a script: envelopes as they are, and steps whose cryptograms the harness computes |
//! | [`watch`] | a token, and what must hold after each of its answers |
//! | [`language`] | envelopes and commands: what was read is written the same |
//! | [`state`] | state files |
//! | [`seeds`] | the corpus that is checked in, all of it computed |
//!
//! The walk through the command set is the one of the token's own tests.

pub mod language;
pub mod script;
pub mod seeds;
pub mod state;
pub mod watch;

#[allow(unused_imports, missing_docs, reason = "the support of the token's tests, of which this uses a part")]
#[path = "../../tests/support/mod.rs"]
pub mod support;
