//! Who may do what: one table.
//!
//! Guarantees: a right that is not in the table is not given. Refuses to know: whose order it is (see `order::record`).

use crate::api::{AccountKind, ProblemType, SubjectKind};
use crate::problem::{Answer, refuse};
use serde::{Deserialize, Serialize};

/// A desk's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeskRole {
    /// 审核.
    Review,
    /// 客服.
    CallCentre,
    /// 制证.
    Production,
    /// 审计: reads the record of what happened, and does nothing.
    Auditor,
}

impl DeskRole {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Review, Self::CallCentre, Self::Production, Self::Auditor];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::CallCentre => "call-centre",
            Self::Production => "production",
            Self::Auditor => "auditor",
        }
    }
}

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "who", rename_all = "kebab-case")]
pub(crate) enum Caller {
    /// Nobody known.
    Anonymous,
    /// An account, logged in by password.
    Account {
        /// Account name.
        account: String,
        /// Kind.
        kind: AccountKind,
        /// Credit code or identity number.
        number: String,
    },
    /// The holder of a certificate, logged in by key.
    Certificate {
        /// Serial number of the sign certificate.
        serial: String,
        /// Credit code or identity number.
        number: String,
    },
    /// Whoever showed by a code to have the phone on record of a number's certificates; no key in hand.
    Holder {
        /// Unit or person.
        kind: SubjectKind,
        /// Credit code or identity number.
        number: String,
        /// The phone.
        phone: String,
    },
    /// The holder of an order's token.
    Order {
        /// Order number.
        id: String,
        /// Whether the order was taken up by somebody who had nothing to show but the key's label, and has not been
        /// verified since.
        #[serde(default)]
        newcomer: bool,
    },
    /// A desk.
    Desk {
        /// Its name.
        name: String,
        /// Its work.
        role: DeskRole,
    },
}

impl Caller {
    /// The credit code or identity number of who is logged in.
    pub(crate) fn number(&self) -> Option<&str> {
        match self {
            Self::Account { number, .. } | Self::Certificate { number, .. } => Some(number),
            _ => None,
        }
    }

    /// Whether this is somebody who took an order up and has not been verified since.
    pub(crate) fn is_newcomer(&self) -> bool {
        matches!(self, Self::Order { newcomer: true, .. })
    }

    /// The name in histories.
    pub(crate) fn actor(&self) -> String {
        match self {
            Self::Desk { name, .. } => name.clone(),
            _ => "applicant".into(),
        }
    }
}

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// Place an enrolment.
    PlaceOrder,
    /// Read the own orders.
    ReadOwnOrder,
    /// Go on with the own orders.
    UseOwnOrder,
    /// See papers, invoices and codes of the own orders, and give them up.
    WholeOrder,
    /// See the own data and certificates.
    OwnPages,
    /// See the applications of an area.
    Supervise,
    /// Read any order.
    ReadAnyOrder,
    /// Decide reviews.
    Review,
    /// Decide unlock codes.
    ApproveUnlock,
    /// Make keys.
    Produce,
    /// Have a certificate of the own number reissued or revoked.
    OwnCertificates,
    /// Read the audit log.
    ReadAudit,
}

/// The rights of a caller.
fn rights(caller: &Caller) -> &'static [Right] {
    use Right::*;
    match caller {
        Caller::Anonymous => &[PlaceOrder],
        Caller::Account { kind: AccountKind::Enterprise | AccountKind::Personal, .. } => {
            &[PlaceOrder, ReadOwnOrder, UseOwnOrder, WholeOrder, OwnPages]
        }
        // AMB-05: a supervising authority looks and does nothing.
        Caller::Account { kind: AccountKind::Authority, .. } => &[OwnPages, Supervise],
        Caller::Certificate { .. } => {
            &[PlaceOrder, ReadOwnOrder, UseOwnOrder, WholeOrder, OwnPages, OwnCertificates]
        },
        Caller::Holder { .. } => &[OwnCertificates],
        Caller::Order { newcomer: true, .. } => &[PlaceOrder, ReadOwnOrder, UseOwnOrder],
        Caller::Order { newcomer: false, .. } => &[PlaceOrder, ReadOwnOrder, UseOwnOrder, WholeOrder],
        Caller::Desk { role: DeskRole::Review, .. } => &[ReadAnyOrder, Review],
        Caller::Desk { role: DeskRole::CallCentre, .. } => &[ReadAnyOrder, ApproveUnlock],
        Caller::Desk { role: DeskRole::Production, .. } => &[Produce],
        Caller::Desk { role: DeskRole::Auditor, .. } => &[ReadAudit],
    }
}

/// Refuses a caller without the right: unknown callers are asked to log in.
pub(crate) fn demand(caller: &Caller, right: Right) -> Answer<()> {
    if rights(caller).contains(&right) {
        Ok(())
    } else if *caller == Caller::Anonymous {
        Err(refuse(ProblemType::Unauthorised))
    } else {
        Err(refuse(ProblemType::Forbidden))
    }
}
