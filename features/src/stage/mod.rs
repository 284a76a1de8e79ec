//! What a scenario plays with: a hall, keys, and the forms, orders and sessions that people have open.
//!
//! Everything here blocks (HTTP, token), so steps reach it only through [`UkeyWorld`](crate::world::UkeyWorld).

mod assistant;
mod certificates;
mod enrol;
mod hand;
mod keys;
mod orders;
mod renew;
pub(crate) mod seal;
#[cfg(test)]
mod tests;
mod unlock;
mod wizard;

use std::collections::BTreeMap;

use tempfile::TempDir;
use ukey_device::{DialectChoice, Pin, Target, Traced};
use ukey_flows::{
    Client,
    api::{
        ApplicationStatus, CodeSent, EnrolForm, HeldCertificates, HistoryRow, IdentityCheck, InvoiceForm,
        MessageKind, Order, OutboxMessage, Payment, QueriedOrder, QueryOpened, Session, StampVerdict,
    },
    key::MyCertificate,
    query::Query,
};

use ukey_pki::seal::Stamp;

pub(crate) use hand::{NO_HAND, NOT_SIMULATED, Needs};
pub(crate) use keys::{Key, Waiting};
pub(crate) use orders::Business;

use crate::{office::Office, people::Holder, runner::report::redact::REDACTED};

/// A whole picture, as small as it gets.
pub(crate) const GIF: &[u8] =
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0\x3b";

/// The stage.
pub(crate) struct Stage {
    seed: u64,
    target: Target,
    /// The dialect that all keys are spoken to in; their own without it.
    dialect: Option<DialectChoice>,
    /// The key that the target names, until it is needed.
    waiting: Option<Waiting>,
    /// Where device keys that are set in the first key are kept, if not by the run.
    kept: Option<TempDir>,
    /// What the scenario did to the first key beside commands.
    pub(crate) needs: Needs,
    office: Option<Office>,
    pub(crate) keys: Vec<Key>,
    in_hand: usize,
    /// Keys that are plugged in beside the one in hand.
    beside: Vec<usize>,
    /// The certificate that is to be replaced, as it was.
    pub(crate) old: Option<MyCertificate>,
    /// What the screen says after the last act.
    pub(crate) shown: String,
    /// Whom the business at hand is for.
    pub(crate) holder: Holder,
    pub(crate) form: Option<EnrolForm>,
    pub(crate) check: Option<IdentityCheck>,
    pub(crate) business: Option<Business>,
    pub(crate) payment: Option<Payment>,
    /// The payment that was opened before that one.
    pub(crate) payment_before: Option<Payment>,
    pub(crate) invoice: Option<InvoiceForm>,
    pub(crate) document: Option<Vec<u8>>,
    pub(crate) query: Option<QueryOpened>,
    pub(crate) found: Vec<QueriedOrder>,
    pub(crate) certificate_query: Option<Query>,
    /// The certificates that a query by number and code found.
    pub(crate) held: Option<HeldCertificates>,
    pub(crate) statuses: Vec<ApplicationStatus>,
    pub(crate) session: Option<Session>,
    pub(crate) account: Option<String>,
    pub(crate) mine: Option<MyCertificate>,
    pub(crate) tries_told: Vec<u8>,
    pub(crate) sent: Option<CodeSent>,
    pub(crate) noted_code: Option<String>,
    /// The assistant on the holder's computer, once it matters which one that is.
    assistant: Option<Box<assistant::Assistant>>,
    /// The order that was at hand before the present one of the same kind was taken up.
    pub(crate) order_before: Option<String>,
    /// The last stamp, and what the business system said of it.
    pub(crate) stamp: Option<Stamp>,
    pub(crate) verdict: Option<StampVerdict>,
    /// Serial numbers of issued sign certificates.
    pub(crate) certificates: Vec<String>,
    /// Rows of each order's history that were reported.
    history_reported: BTreeMap<String, usize>,
    /// How often the key was pulled or its power was cut, until something got through.
    pub(crate) cuts: u64,
    /// The last message that each recipient has read.
    read: BTreeMap<&'static str, i64>,
}

impl Stage {
    pub(crate) fn new(
        seed: u64,
        target: Target,
        dialect: Option<DialectChoice>,
        waiting: Option<Waiting>,
    ) -> Self {
        Self {
            seed,
            target,
            dialect,
            waiting,
            kept: None,
            needs: Needs::default(),
            office: None,
            keys: Vec::new(),
            in_hand: 0,
            beside: Vec::new(),
            old: None,
            shown: String::new(),
            holder: Holder::Unit,
            form: None,
            check: None,
            business: None,
            payment: None,
            payment_before: None,
            invoice: None,
            document: None,
            query: None,
            found: Vec::new(),
            certificate_query: None,
            held: None,
            statuses: Vec::new(),
            session: None,
            account: None,
            mine: None,
            tries_told: Vec::new(),
            sent: None,
            noted_code: None,
            assistant: None,
            order_before: None,
            stamp: None,
            verdict: None,
            certificates: Vec::new(),
            history_reported: BTreeMap::new(),
            cuts: 0,
            read: BTreeMap::new(),
        }
    }

    /// A stage whose keys are simulated.
    pub(crate) fn simulated(seed: u64) -> Self {
        Self::new(seed, Target::Sim, None, None)
    }

    // ---- the hall ----

    pub(crate) fn enter(&mut self, office: Office) {
        self.office = Some(office);
        self.read.clear();
    }

    pub(crate) fn office(&self) -> &Office {
        self.office.as_ref().expect("no hall is open: the scenario begins with 假如 …的网上服务厅已开通")
    }

    pub(crate) fn client(&self) -> Client {
        self.office().client.clone()
    }

    /// The messages of a topic that a recipient got, the oldest first.
    pub(crate) fn messages(&self, recipient: &str, topic: &str) -> Vec<OutboxMessage> {
        let all = self.client().outbox(Some(recipient)).expect("the outbox of the hall");
        all.into_iter().filter(|message| message.topic == topic).collect()
    }

    /// Reads on in what a recipient got, to the message of a kind that says this: whole, where a … stands for any text.
    /// Without one it tells what there was to read.
    pub(crate) fn read_message(
        &mut self,
        recipient: &'static str,
        kind: MessageKind,
        says: &str,
    ) -> Result<(), Vec<String>> {
        let read = self.read.get(recipient).copied().unwrap_or_default();
        let all = self.client().outbox(Some(recipient)).expect("the outbox of the hall");
        let unread = all.iter().filter(|message| message.kind == kind && message.id > read);
        match unread.clone().find(|message| fits(&message.text, says)) {
            Some(message) => {
                self.read.insert(recipient, message.id);
                Ok(())
            }
            None => Err(unread.map(without_code).collect()),
        }
    }

    /// The code or password in the latest of these messages, or in one before it.
    pub(crate) fn code(&self, recipient: &str, topic: &str, before: usize) -> String {
        let messages = self.messages(recipient, topic);
        let message = messages.iter().rev().nth(before);
        let code = message.and_then(|message| message.code.clone());
        code.unwrap_or_else(|| panic!("{recipient}没有收到{topic}的验证码（{}条信息）", messages.len()))
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.client().advance_clock(seconds).expect("the hall's clock");
    }

    // ---- reports ----

    /// The exchanges since the last report, of every key.
    pub(crate) fn new_exchanges(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for key in &mut self.keys {
            let new: Vec<Traced> =
                key.device.trace().into_iter().filter(|traced| traced.sequence > key.reported).collect();
            key.reported = new.last().map_or(key.reported, |traced| traced.sequence);
            lines.extend(new.iter().map(Traced::to_string));
        }
        lines
    }

    /// What happened to the orders since the last report, as far as they were looked at.
    pub(crate) fn new_history(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(business) = &self.business {
            let order = business.in_hand().order();
            let known = self.history_reported.entry(order.id.clone()).or_default();
            lines.extend(order.history.iter().skip(*known).map(|row| line(order, row)));
            *known = order.history.len();
        }
        lines
    }
}

fn line(order: &Order, row: &HistoryRow) -> String {
    let kind = order.kind.zh();
    let from = row.from.map_or("", |from| from.zh());
    format!("{kind} {} {} → {} ({}, {})", row.at, from, row.to.zh(), row.event, row.actor)
}

/// Whether a text is the one that was expected, from its beginning to its end; a … in that stands for any text.
fn fits(text: &str, expected: &str) -> bool {
    let Some((first, more)) = expected.split_once('…') else { return text == expected };
    let (middle, last) = more.rsplit_once('…').unwrap_or(("", more));
    let Some(text) = text.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else { return false };
    let mut rest = text;
    middle.split('…').all(|part| rest.find(part).map(|at| rest = &rest[at + part.len()..]).is_some())
}

/// A PIN as it is typed.
pub(crate) fn typed(pin: &str) -> Pin {
    Pin::new(pin.as_bytes()).expect("a PIN that can be typed")
}

/// Another code of the same length.
pub(crate) fn wrong(code: &str) -> String {
    let other = |digit: char| char::from_digit((digit.to_digit(10).unwrap_or(0) + 1) % 10, 10).unwrap_or('0');
    code.chars().map(other).collect()
}

/// What a message says, fit to be shown: the code or password in it is a secret.
pub(crate) fn without_code(message: &OutboxMessage) -> String {
    match message.code.as_deref().filter(|code| !code.is_empty()) {
        Some(code) => message.text.replace(code, REDACTED),
        None => message.text.clone(),
    }
}

/// Whether a message travels as text to a phone.
pub(crate) fn is_sms(message: &OutboxMessage) -> bool {
    message.kind == MessageKind::Sms
}
