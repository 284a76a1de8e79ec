//! Accounts, logins, tokens, the own certificates.

pub(crate) mod certificate;
pub(crate) mod challenge;
pub(crate) mod notice;
pub(crate) mod password;
pub(crate) mod supervision;
pub(crate) mod token;
