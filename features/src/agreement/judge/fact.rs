//! What is judged, and how it is told that it does not agree.

use std::fmt;

/// What is judged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(in crate::agreement) enum Fact {
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
    pub(in crate::agreement) const ALL: [Self; 17] = [
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
    pub(in crate::agreement) const fn name(self) -> &'static str {
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
pub(in crate::agreement) struct Difference {
    pub(in crate::agreement) fact: Fact,
    pub(in crate::agreement) what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.fact.name(), self.what)
    }
}
