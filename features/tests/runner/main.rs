//! The runner, tried with a toy world that counts.

mod exits;
mod filters;
mod guard;
mod parse;
mod reports;
mod retries;
mod run;
mod seeds;
mod shards;
mod toy;
