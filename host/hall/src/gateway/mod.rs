//! The outside services that a hall leans on.
//!
//! Guarantees: each is one small trait; a provider that does not answer is told apart from one that says no.
//! Refuses to know: who provides them. The simulated ones are in [`simulated`].

pub mod simulated;

use crate::api::{IdentityCheck, InvoiceForm, OutboxMessage};
use serde::{Deserialize, Serialize};
use std::{future::Future, pin::Pin, sync::Arc};

/// The provider did not answer; it may be asked again.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{service} did not answer")]
pub struct Unavailable {
    /// Which service.
    pub service: &'static str,
    /// Whether this was ordered from the simulated world, and is no news to whoever runs the hall.
    pub simulated: bool,
}

/// What a provider will answer.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, Unavailable>> + Send + 'a>>;

/// SMS, mail, and the note of a 1-cent remittance.
pub trait Messages: Send + Sync {
    /// Delivers a message.
    fn deliver<'a>(&'a self, message: &'a OutboxMessage) -> Reply<'a, ()>;
}

/// Who is claimed to be behind a phone, card or account.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Name of the person or unit.
    pub name: String,
    /// Identity number or credit code.
    pub number: String,
}

/// What an identity check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They belong together.
    Match,
    /// They do not.
    Mismatch,
    /// The 1-cent remittance came back.
    Bounced,
}

/// Real-name phones, bank cards, company accounts.
pub trait Identity: Send + Sync {
    /// Checks a claim.
    fn check<'a>(&'a self, claim: &'a Claim, check: &'a IdentityCheck) -> Reply<'a, Verdict>;
}

/// What a changed certificate is to say of its holder.
#[derive(Clone, Debug)]
pub struct RegistryClaim {
    /// Name of the unit or person.
    pub name: String,
    /// Credit code or identity number.
    pub number: String,
    /// Name and identity number of a unit's legal person.
    pub legal_person: Option<(String, String)>,
}

/// The registry of units and persons (AMB-21).
pub trait Registry: Send + Sync {
    /// Whether these are the data that it has now; [`Verdict::Match`] if so.
    fn check<'a>(&'a self, claim: &'a RegistryClaim) -> Reply<'a, Verdict>;
}

/// Online payment. The provider tells the outcome by a callback that is signed with a shared key.
pub trait Payments: Send + Sync {
    /// Opens a payment; answers the page where it is paid.
    fn open<'a>(&'a self, payment: &'a str, way: &'a str, amount_fen: u32) -> Reply<'a, String>;
    /// Gives a payment back. The same payment is given back once, however often it is asked for: an answer may be lost.
    fn refund<'a>(&'a self, payment: &'a str, amount_fen: u32) -> Reply<'a, ()>;
}

/// The post.
pub trait Post: Send + Sync {
    /// Takes a parcel of an order; answers the tracking number. The same order has one parcel.
    fn take<'a>(&'a self, order: &'a str, recipient: &'a str, address: &'a str) -> Reply<'a, String>;
}

/// What an invoice is for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InvoiceData {
    /// The order.
    pub order: String,
    /// The form.
    pub form: InvoiceForm,
    /// The item line.
    pub item: String,
    /// Amount, fen.
    pub amount_fen: u32,
    /// The seller's name.
    pub seller: String,
    /// The seller's tax number.
    pub seller_tax_number: String,
    /// Business date, `2026-03-02`.
    pub date: String,
}

/// An issued invoice.
#[derive(Clone, Debug)]
pub struct IssuedInvoice {
    /// Its number.
    pub number: String,
}

/// The e-invoice service.
pub trait Invoices: Send + Sync {
    /// Issues an invoice; the same order gets the same invoice.
    fn issue<'a>(&'a self, data: &'a InvoiceData) -> Reply<'a, IssuedInvoice>;
}

/// All outside services of a hall.
#[derive(Clone)]
pub struct Gateways {
    /// SMS, mail, remittance notes.
    pub messages: Arc<dyn Messages>,
    /// Identity checks.
    pub identity: Arc<dyn Identity>,
    /// The registry.
    pub registry: Arc<dyn Registry>,
    /// Payments.
    pub payments: Arc<dyn Payments>,
    /// The post.
    pub post: Arc<dyn Post>,
    /// E-invoices.
    pub invoices: Arc<dyn Invoices>,
}
