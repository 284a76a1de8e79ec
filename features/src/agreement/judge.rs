//! Whether hall and token agree: what the hall's books say against what the key holds and does.
//!
//! Guarantees: everything that differs is told, each with the fact that it belongs to; for every fact there is a tampered
//! world that this judge refuses (`tests`).

mod seals;

use std::{collections::BTreeSet, fmt};

use ukey_device::{Application, Device, ErrorKind, KeyUse, Pin, PinType, Simulator};
use ukey_flows::{
    FlowError, SIGNER_ID,
    api::{OrderKind, OrderState, RevocationReason},
    login,
};
use ukey_pki::{Certificate, Crl, Signature, sm2};

use super::{
    books::{Books, CertificateRow, HistoryRow, OrderRow},
    world::{Broken, Person, World},
};
use crate::stage::typed;

/// Seconds after which a new revocation list is out: longer than any list is in force.
const LISTED: u64 = 7 * 24 * 3600;

/// What is judged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Fact {
    /// The hall's database is whole.
    Database,
    /// There is one order of the flow, about the right certificate, and it has come to its end.
    Order,
    /// The order's history is a path without doubles that ends in its state.
    History,
    /// What each order costs was paid once, nothing went back, nothing is open.
    Money,
    /// The hall keeps no secret of an order that is done.
    Secrets,
    /// The key holds the certificates that the hall says are in force, and no others.
    Certificates,
    /// The order issued as many certificates as it should; the one of before gave way to it, and is revoked for the right
    /// reason, or ran out; none is left suspended.
    Issuing,
    /// The vault can unlock the key as it is.
    Vault,
    /// The published list holds exactly what is revoked or suspended.
    Revocations,
    /// Each unlock was counted once.
    Unlocks,
    /// The key has its one application and no container left over.
    Containers,
    /// Each container has both key pairs, and they are those in its certificates.
    KeyPairs,
    /// The key holds as many seals as it should, those that the hall says it holds, and no file left over of another; each
    /// lists the certificate in force.
    Seals,
    /// The PIN that the person knows is the key's, and another is not.
    Pin,
    /// No try is missing, of user or administrator.
    Tries,
    /// No right was left open in the key.
    Rights,
    /// The key logs in at the hall.
    Login,
}

impl Fact {
    /// Every fact.
    #[cfg(test)]
    pub(super) const ALL: [Self; 17] = [
        Self::Database,
        Self::Order,
        Self::History,
        Self::Money,
        Self::Secrets,
        Self::Certificates,
        Self::Issuing,
        Self::Vault,
        Self::Revocations,
        Self::Unlocks,
        Self::Containers,
        Self::KeyPairs,
        Self::Seals,
        Self::Pin,
        Self::Tries,
        Self::Rights,
        Self::Login,
    ];

    /// Its name in reports.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Order => "order",
            Self::History => "history",
            Self::Money => "money",
            Self::Secrets => "secrets",
            Self::Certificates => "certificates",
            Self::Issuing => "issuing",
            Self::Vault => "vault",
            Self::Revocations => "revocations",
            Self::Unlocks => "unlocks",
            Self::Containers => "containers",
            Self::KeyPairs => "key pairs",
            Self::Seals => "seals",
            Self::Pin => "PIN",
            Self::Tries => "tries",
            Self::Rights => "rights",
            Self::Login => "login",
        }
    }
}

/// Something that does not agree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Difference {
    pub(super) fact: Fact,
    pub(super) what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.fact.name(), self.what)
    }
}

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

/// What the key holds.
struct Held {
    device_serial: String,
    application: String,
    containers: Vec<HeldContainer>,
    /// Its seals, DER.
    seals: Vec<Vec<u8>>,
}

struct HeldContainer {
    name: String,
    sign: Option<Vec<u8>>,
    encryption: Option<Vec<u8>>,
}

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

    // ---- the key ----

    /// Reads the key, without a PIN and without power lost since the flow.
    fn key(&mut self, device: &Device) -> Result<Held, Broken> {
        let device_serial = device.info()?.serial_number;
        let applications = device.applications()?;
        let [name] = applications.as_slice() else {
            self.differs(Fact::Containers, format!("the key has {} applications", applications.len()));
            return Ok(Held {
                device_serial,
                application: String::new(),
                containers: Vec::new(),
                seals: Vec::new(),
            });
        };
        let application = device.open_application(name)?;
        for pin_type in [PinType::User, PinType::Administrator] {
            let info = application.pin_info(pin_type)?;
            self.demand(info.remaining == info.max_retries, Fact::Tries, || {
                format!("{} of {} tries of the {pin_type} are left", info.remaining, info.max_retries)
            });
        }
        let mut containers = Vec::new();
        for container in application.containers()? {
            containers.push(self.container(&application, container)?);
        }
        let seals = self.seals_held(device, &application)?;
        Ok(Held { device_serial, application: name.clone(), containers, seals })
    }

    fn container(&mut self, application: &Application<'_>, name: String) -> Result<HeldContainer, Broken> {
        let container = application.open_container(&name)?;
        if container.sign_digest(&[1; 32]).is_ok() {
            self.differs(Fact::Rights, format!("container {name} signs without a PIN"));
        }
        let mut held = [None, None];
        for (key_use, held) in [KeyUse::Sign, KeyUse::Encrypt].into_iter().zip(&mut held) {
            let side = if key_use == KeyUse::Sign { "sign" } else { "encryption" };
            *held = container.export_certificate(key_use)?;
            let pair = match container.public_key(key_use) {
                Ok(key) => Some((key.x, key.y)),
                Err(error) if matches!(error.kind(), ErrorKind::NoKeyPair) => None,
                Err(error) => return Err(error.into()),
            };
            let certified = match held {
                Some(der) => {
                    let key = Certificate::from_der(der)?.public_key()?;
                    Some((key.x(), key.y()))
                }
                None => None,
            };
            self.demand(pair.is_some(), Fact::KeyPairs, || {
                format!("container {name} has no {side} key pair")
            });
            self.demand(pair == certified, Fact::KeyPairs, || {
                format!("the {side} key pair of container {name} is not the one of its certificate")
            });
        }
        let [sign, encryption] = held;
        Ok(HeldContainer { name, sign, encryption })
    }

    fn login(&mut self, world: &World, device: &Device) {
        let done = login::login(&world.client, device, &typed(&self.expected.pin));
        if let Err(error) = done {
            self.differs(Fact::Login, error.to_string());
        }
    }

    /// Tries the PINs; each container signs what its certificate verifies.
    fn pin(&mut self, key: &Simulator, held: &Held) -> Result<(), Broken> {
        let device = Device::connect(key)?;
        let Ok(application) = device.open_application(&held.application) else { return Ok(()) };
        let right = |pin: &Pin| match application.verify_pin(PinType::User, pin) {
            Ok(()) => Ok(true),
            Err(error) if error.tries_left().is_some() => Ok(false),
            Err(error) => Err(error),
        };
        if right(&typed(&self.expected.other_pin))? {
            self.differs(Fact::Pin, "a PIN that is not the person's opens the key");
        }
        if !right(&typed(&self.expected.pin))? {
            self.differs(Fact::Pin, "the person's PIN does not open the key");
            return Ok(());
        }
        for container in &held.containers {
            let Some(der) = &container.sign else { continue };
            let public = Certificate::from_der(der)?.public_key()?;
            let digest = sm2::digest(&public, SIGNER_ID, b"agreement");
            let signature = application.open_container(&container.name)?.sign_digest(&digest)?.to_bytes();
            let verified = sm2::verify_digest(&public, &digest, &Signature::from(signature));
            self.demand(verified.is_ok(), Fact::KeyPairs, || {
                format!("what container {} signs does not verify", container.name)
            });
        }
        Ok(application.clear_secure_state()?)
    }

    // ---- the hall ----

    /// The serial numbers in the list that is published when every list of before has run out.
    fn list(&mut self, world: &World) -> Result<BTreeSet<String>, Broken> {
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

    fn revocations(&mut self, books: &Books, list: &BTreeSet<String>) {
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

    fn books(&mut self, books: &Books) {
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

    // ---- both ----

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
