//! The steps of the scenarios, in the words of the authorities' manuals.
//!
//! A 假如 must succeed, and the [world](crate::world) sees to it; a 当 tries and notes how it ended; a 那么 judges. What
//! happened is on the [`Stage`](crate::stage::Stage). Only a 当 that does one thing again and again, with the key pulled
//! or its power cut in each attempt, asserts by itself: what has to hold after every attempt.

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
