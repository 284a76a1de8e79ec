//! Whether hall and token agree: what the hall's books say against what the key holds and does.
//!
//! Guarantees: everything that differs is told, each with the fact that it belongs to; for every fact there is a tampered
//! world that this judge refuses (`tests`).

mod fact;
mod hall;
mod key;
mod seals;

use std::collections::BTreeSet;

use ukey_device::Device;
use ukey_flows::{
    FlowError,
    api::{OrderKind, OrderState, RevocationReason},
};

pub(super) use fact::{Difference, Fact};
use key::Held;

use super::{
    books::{Books, CertificateRow, OrderRow},
    world::{Broken, Person, World},
};

/// What the end of a flow has to look like.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    /// The flow's kind of order.
    pub(super) kind: OrderKind,
    /// Its last state.
    pub(super) state: OrderState,
    /// What the order costs, fen.
    pub(super) price_fen: i64,
    /// How many certificates the order issued; they are in the key.
    pub(super) issued: usize,
    /// Serial number of the certificate that the flow is about, if there is one before it.
    pub(super) certificate: Option<String>,
    /// Why that one is revoked in the end, if it is.
    pub(super) revoked: Option<RevocationReason>,
    /// How many seals the key holds.
    pub(super) seals: usize,
    /// How often the certificate in force was unlocked.
    pub(super) unlocks: i64,
    /// The user PIN.
    pub(super) pin: String,
    /// A PIN that must not be it.
    pub(super) other_pin: String,
    /// The orders that came to their end before the flow.
    pub(super) ended: BTreeSet<String>,
}

impl Expected {
    /// An order that costs nothing, issues nothing, revokes nothing and leaves no seal; the PIN stays.
    pub(super) fn of(person: &Person, kind: OrderKind, state: OrderState) -> Self {
        Self {
            kind,
            state,
            price_fen: 0,
            issued: 0,
            certificate: person.certificate.clone(),
            revoked: None,
            seals: 0,
            unlocks: 0,
            pin: person.pin.clone(),
            other_pin: person.new_pin.clone(),
            ended: BTreeSet::new(),
        }
    }

    /// Whether it is the flow's own order.
    fn is_own(&self, order: &OrderRow) -> bool {
        order.kind == word(self.kind) && !self.ended.contains(&order.id)
    }
}

/// Gathers what is known on both sides and judges it.
pub(super) fn judge(world: &mut World, expected: &Expected) -> Result<Vec<Difference>, Broken> {
    let mut judgement = Judgement { expected, found: Vec::new() };
    let device = Device::connect(world.key())?;
    let held = judgement.key(&device)?;
    judgement.login(world, &device);
    judgement.pin(world.key(), &held)?;
    let list = judgement.list(world)?;
    let books = Books::read(world.close_hall())?;
    judgement.books(&books);
    judgement.revocations(&books, &list);
    judgement.both(&books, &held);
    Ok(judgement.found)
}

/// Differences, as they are found.
struct Judgement<'e> {
    expected: &'e Expected,
    found: Vec<Difference>,
}

impl Judgement<'_> {
    fn differs(&mut self, fact: Fact, what: impl Into<String>) {
        self.found.push(Difference { fact, what: what.into() });
    }

    fn demand(&mut self, holds: bool, fact: Fact, what: impl FnOnce() -> String) {
        if !holds {
            self.differs(fact, what());
        }
    }

    /// What the books and the key say of each other.
    fn both(&mut self, books: &Books, held: &Held) {
        let of_key = |certificate: &&CertificateRow| certificate.device_serial == held.device_serial;
        let current: Vec<_> =
            books.certificates.iter().filter(of_key).filter(|row| books.is_current(row)).collect();
        self.demand(held.containers.len() == current.len(), Fact::Containers, || {
            let names: Vec<_> = held.containers.iter().map(|container| container.name.as_str()).collect();
            format!("the key has containers {names:?} for {} certificates in force", current.len())
        });
        for container in &held.containers {
            let name = &container.name;
            let row = current.iter().find(|row| container.sign.as_ref() == Some(&row.sign));
            let Some(row) = row else {
                self.differs(
                    Fact::Certificates,
                    format!("the sign certificate of {name} is not one in force"),
                );
                continue;
            };
            self.demand(container.encryption.as_ref() == Some(&row.encryption), Fact::Certificates, || {
                format!("the encryption certificate of {name} is not the one issued with {}", row.serial)
            });
            let unlockable = books.vault.iter().any(|vault| {
                (&vault.device_serial, &vault.certificate_serial) == (&held.device_serial, &row.serial)
                    && (&vault.application, &vault.container) == (&held.application, name)
            });
            self.demand(unlockable, Fact::Vault, || {
                format!("the vault cannot unlock {} in {name}", row.serial)
            });
            self.demand(row.unlocks == self.expected.unlocks, Fact::Unlocks, || {
                format!("{} counts {} unlocks instead of {}", row.serial, row.unlocks, self.expected.unlocks)
            });
        }
        for row in current {
            let there = held.containers.iter().any(|container| container.sign.as_ref() == Some(&row.sign));
            self.demand(there, Fact::Certificates, || {
                format!("{} is in force and not in the key", row.serial)
            });
        }
        self.seals(books, held);
        for order in books.orders.iter().filter(|order| self.expected.is_own(order)) {
            self.demand(order.device_serial.as_deref() == Some(&held.device_serial), Fact::Order, || {
                format!("order {} names another key", order.id)
            });
            let issued: Vec<_> = books.certificates.iter().filter(|row| row.order == order.id).collect();
            let about = self.expected.certificate.as_ref().or(issued.first().map(|row| &row.serial));
            self.demand(about.is_some() && order.certificate_serial.as_ref() == about, Fact::Order, || {
                let (named, about) = (order.certificate_serial.as_deref(), about.map(String::as_str));
                format!("order {} names {named:?} instead of {about:?}", order.id)
            });
            let in_key = |row: &&&CertificateRow| {
                held.containers.iter().any(|container| container.sign.as_ref() == Some(&row.sign))
            };
            let counts = (issued.len(), issued.iter().filter(in_key).count());
            self.demand(counts == (self.expected.issued, self.expected.issued), Fact::Issuing, || {
                let expected = self.expected.issued;
                format!(
                    "order {} issued {} certificates, {} of them in the key, instead of {expected}",
                    order.id, counts.0, counts.1
                )
            });
        }
    }
}

/// A closed value as the hall's books write it.
pub(super) fn word(value: impl serde::Serialize) -> String {
    let word = serde_json::to_value(value).ok();
    word.and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Whether an error is about a wrong or locked PIN.
pub(super) fn is_wrong_pin(error: &FlowError) -> bool {
    matches!(error, FlowError::Key(error) if error.tries_left().is_some())
}
