//! The simulated outside world of a hall that runs with simulation on.

use super::{Client, Result, segment};
use ukey_hall::api::{
    ClockAdvance, ClockView, IdentityOutcome, IdentityWay, Invoice, NextOutcome, NextRegistry, OutboxMessage,
    Parcel, PaymentAct, PaymentOutcome,
};

impl Client {
    /// Every message that left the hall, the oldest first; of one recipient, if one is named.
    pub fn outbox(&self, recipient: Option<&str>) -> Result<Vec<OutboxMessage>> {
        match recipient {
            Some(recipient) => self.get(&format!("/_sim/outbox?recipient={}", segment(recipient)), None),
            None => self.get("/_sim/outbox", None),
        }
    }

    /// The hall's clock.
    pub fn clock(&self) -> Result<ClockView> {
        self.get("/_sim/clock", None)
    }

    /// Moves the hall's clock forward; due jobs run.
    pub fn advance_clock(&self, seconds: u64) -> Result<ClockView> {
        self.post("/_sim/clock", None, &ClockAdvance { seconds: Some(seconds), to: None })
    }

    /// What the payer does on the provider's page.
    pub fn at_payment_page(&self, payment: &str, outcome: PaymentOutcome) -> Result<()> {
        self.post_for_nothing(&format!("/_sim/payments/{}", segment(payment)), None, &PaymentAct { outcome })
    }

    /// The next answer of the identity provider.
    pub fn next_identity(&self, way: Option<IdentityWay>, outcome: IdentityOutcome) -> Result<()> {
        self.post_for_nothing("/_sim/identity", None, &NextOutcome { way, outcome })
    }

    /// The next answer of the registry.
    pub fn next_registry(&self, outcome: IdentityOutcome) -> Result<()> {
        self.post_for_nothing("/_sim/registry", None, &NextRegistry { outcome })
    }

    /// What was posted.
    pub fn parcels(&self) -> Result<Vec<Parcel>> {
        self.get("/_sim/parcels", None)
    }

    /// The invoice of an order.
    pub fn simulated_invoice(&self, order: &str) -> Result<Invoice> {
        self.get(&format!("/_sim/invoices/{}", segment(order)), None)
    }
}
