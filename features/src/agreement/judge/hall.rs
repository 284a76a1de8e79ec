//! What the hall says: its published list, and its books.

use std::collections::BTreeSet;

use ukey_flows::{FlowError, api::RevocationReason};
use ukey_pki::{Certificate, Crl};

use super::{Fact, Judgement, word};
use crate::agreement::{
    books::{Books, CertificateRow, HistoryRow, OrderRow},
    world::{Broken, World},
};

/// Seconds after which a new revocation list is out: longer than any list is in force.
const LISTED: u64 = 7 * 24 * 3600;

impl Judgement<'_> {
    /// The serial numbers in the list that is published when every list of before has run out.
    pub(super) fn list(&mut self, world: &World) -> Result<BTreeSet<String>, Broken> {
        world.client.advance_clock(LISTED)?;
        let issuer = Certificate::from_der(&world.client.authority()?.chain[0].0)?;
        let verified = |der: Vec<u8>| -> Result<Crl, FlowError> {
            let list = Crl::from_der(&der)?;
            list.verify(&issuer)?;
            Ok(list)
        };
        match world.client.crl().and_then(verified) {
            Ok(list) => Ok(list.revoked().map(|entry| entry.serial.to_string()).collect()),
            Err(error) => {
                self.differs(Fact::Revocations, error.to_string());
                Ok(BTreeSet::new())
            }
        }
    }

    pub(super) fn revocations(&mut self, books: &Books, list: &BTreeSet<String>) {
        let mut revoked = BTreeSet::new();
        for serial in books.revoked.keys() {
            let pair = books.certificates.iter().find(|certificate| certificate.serial == *serial);
            revoked.extend(pair.map(|certificate| certificate.encryption_serial.clone()));
            revoked.insert(serial.clone());
        }
        for serial in revoked.symmetric_difference(list) {
            let what =
                if list.contains(serial) { "listed and not revoked" } else { "revoked and not listed" };
            self.differs(Fact::Revocations, format!("{serial} is {what}"));
        }
    }

    pub(super) fn books(&mut self, books: &Books) {
        for damage in &books.damage {
            self.differs(Fact::Database, damage);
        }
        for (order, name) in &books.secrets {
            self.differs(Fact::Secrets, format!("the hall still keeps the {name} of order {order}"));
        }
        let (kind, state) = (word(self.expected.kind), word(self.expected.state));
        let orders: Vec<_> = books.orders.iter().filter(|order| self.expected.is_own(order)).collect();
        self.demand(orders.len() == 1, Fact::Order, || {
            let states: Vec<_> = orders.iter().map(|order| order.state.as_str()).collect();
            format!("{} orders of kind {kind} ({}) instead of one", orders.len(), states.join(", "))
        });
        for order in orders {
            self.demand(order.state == state, Fact::Order, || {
                format!("order {} is {} instead of {state}", order.id, order.state)
            });
            self.demand(order.open_key.is_none(), Fact::Order, || {
                format!("order {} still keeps others out", order.id)
            });
        }
        for order in &books.orders {
            self.money(books, order);
            let history: Vec<_> = books.history.iter().filter(|row| row.order == order.id).collect();
            self.history(order, &history);
        }
        self.issuing(books);
    }

    fn money(&mut self, books: &Books, order: &OrderRow) {
        let payments: Vec<_> = books.payments.iter().filter(|payment| payment.order == order.id).collect();
        let told = || {
            let each: Vec<_> = payments
                .iter()
                .map(|payment| format!("{} fen {}", payment.amount_fen, payment.state))
                .collect();
            format!(
                "payments of order {}: {}",
                order.id,
                if each.is_empty() { "none".into() } else { each.join(", ") }
            )
        };
        let price = if self.expected.is_own(order) { self.expected.price_fen } else { order.price_fen };
        let right = match payments.as_slice() {
            [] => price == 0,
            [payment] => price > 0 && payment.state == "paid" && payment.amount_fen == price,
            _ => false,
        };
        self.demand(right, Fact::Money, || format!("{}; due is {price} fen once", told()));
        let invoices = books.invoices.iter().filter(|invoiced| **invoiced == order.id).count();
        self.demand(invoices <= 1, Fact::Money, || format!("{invoices} invoices for order {}", order.id));
    }

    fn history(&mut self, order: &OrderRow, history: &[&HistoryRow]) {
        let id = &order.id;
        let mut events = BTreeSet::new();
        let mut state: Option<&str> = None;
        for row in history {
            self.demand(row.from.as_deref() == state, Fact::History, || {
                let from = row.from.as_deref().unwrap_or("nothing");
                format!(
                    "{} of order {id} leads from {from}, not from {}",
                    row.event,
                    state.unwrap_or("nothing")
                )
            });
            self.demand(events.insert(&row.event), Fact::History, || {
                format!("{} twice in order {id}", row.event)
            });
            state = Some(&row.to);
        }
        self.demand(state == Some(&order.state), Fact::History, || {
            format!(
                "the history of order {id} ends in {}, not in {}",
                state.unwrap_or("nothing"),
                order.state
            )
        });
    }

    fn issuing(&mut self, books: &Books) {
        let mut orders = BTreeSet::new();
        let mut serials = BTreeSet::new();
        for certificate in &books.certificates {
            let serial = &certificate.serial;
            self.demand(orders.insert(&certificate.order), Fact::Issuing, || {
                format!("order {} issued more than one certificate", certificate.order)
            });
            let fresh = serials.insert(serial) && serials.insert(&certificate.encryption_serial);
            self.demand(fresh, Fact::Issuing, || format!("serial number {serial} was given twice"));
            let Some(by) = &certificate.replaced_by else { continue };
            let successor = books.certificates.iter().find(|other| other.serial == *by);
            // A key that was made shows by being posted that it has its certificate.
            let made = |other: &CertificateRow| {
                let order = books.orders.iter().find(|order| order.id == other.order);
                order.is_some_and(|order| ["posted", "received"].contains(&order.state.as_str()))
            };
            self.demand(successor.is_some_and(|other| other.confirmed || made(other)), Fact::Issuing, || {
                format!("{serial} was replaced by {by}, which no key has confirmed")
            });
            let of_before = self.expected.certificate.as_ref() == Some(serial);
            self.demand(of_before || books.revoked.contains_key(serial), Fact::Issuing, || {
                format!("{serial} was replaced and is not revoked")
            });
        }
        if let Some(serial) = &self.expected.certificate {
            let reason = books.revoked.get(serial).map_or("nothing", String::as_str);
            let expected = self.expected.revoked.map_or_else(|| "nothing".to_owned(), word);
            self.demand(reason == expected, Fact::Issuing, || {
                format!("{serial} is revoked for {reason} instead of {expected}")
            });
            let row = books.certificates.iter().find(|row| row.serial == *serial);
            let gave_way = row.is_some_and(|row| row.replaced_by.is_some());
            self.demand(gave_way == (self.expected.issued > 0), Fact::Issuing, || {
                format!("{serial} {} another", if gave_way { "gave way to" } else { "did not give way to" })
            });
        }
        for (serial, reason) in &books.revoked {
            let known = books.certificates.iter().any(|certificate| certificate.serial == *serial);
            self.demand(known, Fact::Issuing, || format!("{serial} is revoked and was never issued"));
            let suspended = *reason == word(RevocationReason::CertificateHold);
            self.demand(!suspended, Fact::Issuing, || format!("{serial} is left suspended"));
        }
    }
}
