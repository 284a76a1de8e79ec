//! The simulated outside world: answers at once, always the same, unless told otherwise.
//!
//! Guarantees: numbers it makes follow from the order alone; a next outcome that was set is answered once.

use super::{
    Claim, Gateways, Identity, InvoiceData, Invoices, IssuedInvoice, Messages, Payments, Post, Registry, RegistryClaim,
    Reply, Unavailable, Verdict,
};
use crate::{
    api::{IdentityCheck, IdentityOutcome, NextOutcome, OutboxMessage},
    vault::sm3,
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// The simulated world.
#[derive(Default)]
pub struct World {
    outcomes: Mutex<Vec<NextOutcome>>,
    registry: Mutex<VecDeque<IdentityOutcome>>,
}

impl World {
    /// Every service, simulated.
    pub fn gateways(self: &Arc<Self>) -> Gateways {
        Gateways {
            messages: self.clone(),
            identity: self.clone(),
            registry: self.clone(),
            payments: self.clone(),
            post: self.clone(),
            invoices: self.clone(),
        }
    }

    /// Sets the next answer of the identity provider.
    pub fn expect(&self, outcome: NextOutcome) {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
    }

    /// Sets the next answer of the registry.
    pub fn expect_registry(&self, outcome: IdentityOutcome) {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner).push_back(outcome);
    }

    fn next(&self, check: &IdentityCheck) -> IdentityOutcome {
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |outcome: &NextOutcome| outcome.way.is_none_or(|way| way == check.way());
        let place = outcomes.iter().position(fits);
        place.map_or(IdentityOutcome::Pass, |place| outcomes.remove(place).outcome)
    }
}

/// So many decimal digits that follow from a name.
fn digits_of(name: &str, length: usize) -> String {
    sm3(name.as_bytes()).bytes().map(|byte| char::from(b'0' + byte % 10)).take(length).collect()
}

impl Messages for World {
    fn deliver<'a>(&'a self, _: &'a OutboxMessage) -> Reply<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

impl Identity for World {
    fn check<'a>(&'a self, _: &'a Claim, check: &'a IdentityCheck) -> Reply<'a, Verdict> {
        Box::pin(async move {
            verdict(self.next(check), "identity check")
        })
    }
}

impl Registry for World {
    fn check<'a>(&'a self, _: &'a RegistryClaim) -> Reply<'a, Verdict> {
        Box::pin(async move {
            let next = self.registry.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            verdict(next.unwrap_or(IdentityOutcome::Pass), "registry")
        })
    }
}

fn verdict(outcome: IdentityOutcome, service: &'static str) -> Result<Verdict, Unavailable> {
    match outcome {
        IdentityOutcome::Pass => Ok(Verdict::Match),
        IdentityOutcome::Mismatch => Ok(Verdict::Mismatch),
        IdentityOutcome::Bounced => Ok(Verdict::Bounced),
        IdentityOutcome::Unavailable => Err(Unavailable { service, simulated: true }),
    }
}

impl Payments for World {
    fn open<'a>(&'a self, payment: &'a str, _: &'a str, _: u32) -> Reply<'a, String> {
        Box::pin(async move { Ok(format!("/_sim/payments/{payment}")) })
    }

    fn refund<'a>(&'a self, _: &'a str, _: u32) -> Reply<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

impl Post for World {
    fn take<'a>(&'a self, order: &'a str, _: &'a str, _: &'a str) -> Reply<'a, String> {
        Box::pin(async move { Ok(format!("PX{}", digits_of(&format!("parcel/{order}"), 12))) })
    }
}

impl Invoices for World {
    fn issue<'a>(&'a self, data: &'a InvoiceData) -> Reply<'a, IssuedInvoice> {
        Box::pin(async move {
            let number = digits_of(&format!("invoice/{}", data.order), 20);
            Ok(IssuedInvoice { number })
        })
    }
}
