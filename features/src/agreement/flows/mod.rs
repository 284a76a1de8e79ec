//! The flows: what comes before each, its driver, and how it ends.
//!
//! A driver is a person with an assistant program. It begins from the hall, the key and what the person knows by heart
//! each time, finds out how far the business has come, and brings it to its end.

pub(super) mod change;
mod production;
mod reissue;
mod renew;
pub(super) mod seal;
pub(super) mod unlock;

use ukey_flows::FlowError;

use super::{
    judge::Expected,
    world::{Person, World},
};
use crate::stage::Stage;

/// A flow.
pub(super) struct Flow {
    /// Its name on the command line.
    pub(super) name: &'static str,
    /// The CA profile of its hall.
    pub(super) profile: &'static str,
    /// What comes before; tells what the person knows then. The key in hand is the flow's.
    pub(super) prepare: fn(&mut Stage) -> Result<Person, FlowError>,
    /// Goes on with it, to its end.
    pub(super) go_on: fn(&mut World) -> Result<(), FlowError>,
    /// How it ends.
    pub(super) expect: fn(&Person) -> Expected,
}

/// Every flow, in the order of the report.
pub(super) static FLOWS: &[Flow] = &[
    production::FLOW,
    unlock::BY_SMS,
    unlock::BY_PAPERS,
    unlock::BY_IDENTITY,
    reissue::FLOW,
    renew::FLOW,
    change::BY_REGISTRY,
    change::BY_PAPERS,
    seal::FLOW,
];

/// The PIN before a flow.
const PIN: &str = "Mima-2026";
