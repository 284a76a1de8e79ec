//! The flows: what comes before each, its driver, and how it ends.
//!
//! A driver is a person with an assistant program. It begins from the hall, the key and what the person knows by heart
//! each time, finds out how far the business has come, and brings it to its end.

pub(super) mod change;
mod production;
pub(super) mod reissue;
pub(super) mod renew;
pub(super) mod seal;
pub(super) mod unlock;

use ukey_flows::{
    FlowError,
    api::{OrderKind, QueriedOrder},
    query::Query,
};

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
    renew::SAME_KEYS,
    renew::BY_PORTAL,
    renew::REPAIR,
    change::BY_REGISTRY,
    change::BY_PAPERS,
    seal::ADD,
    seal::REPLACE,
    seal::REMAKE,
];

/// 订单查询 by number and code (G-12, X-08): the latest order of a kind.
fn query_order(world: &World, kind: OrderKind) -> Result<QueriedOrder, FlowError> {
    let person = &world.person;
    let query = world.ask_for_code(|| Query::of_orders(&world.client, &person.query()))?;
    let found = query.orders(&world.code(person.holder.phone(), "query")?)?;
    let found = found.into_iter().find(|found| found.order.kind == kind);
    found.ok_or(FlowError::Answer("the order was not found", "没有查到订单"))
}

/// The PIN before a flow.
const PIN: &str = "Mima-2026";
