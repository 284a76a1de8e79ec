//! The steps of the scenarios, in the words of the authorities' manuals.
//!
//! A 假如 must succeed; a 当 tries and notes how it ended; a 那么 judges. What happened is on the
//! [`Stage`](crate::stage::Stage); nothing is asserted in a 当.

mod assistant;
mod document;
mod enrol;
mod hall;
mod key;
mod login;
mod notice;
mod payment;
mod pin;
mod portal;
mod production;
mod query;
mod reissue;
mod renew;
mod revoke;
mod seal;
mod unlock;
mod wizard;
