//! The simulated outside world (`/_sim`): only in a hall that is started with simulation on.

use super::{Hex, IdentityWay, PaymentOutcome};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum MessageKind {
    /// To a phone.
    Sms,
    /// To a mailbox.
    Mail,
    /// The note of a 1-cent remittance to an account.
    Remittance,
}

/// A message that left the hall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct OutboxMessage {
    /// Rising number.
    pub id: i64,
    /// How.
    pub kind: MessageKind,
    /// Phone, mailbox or account number.
    pub recipient: String,
    /// What it is about: `consent`, `query`, `unlock`, `rewrite`, `authorisation`, `password`, `review`, `invoice`, `account`, `post`.
    pub topic: String,
    /// The text.
    pub text: String,
    /// The code or password in the text, for tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The file it carries, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attached: Option<Attached>,
    /// The order, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// When.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
}

/// A file that a mail carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Attached {
    /// Name of the file.
    pub name: String,
    /// Media type.
    pub format: String,
    /// The file.
    pub content: Hex,
}

/// The hall's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ClockView {
    /// Now.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub now: Timestamp,
}

/// Moves a virtual clock forward, by seconds or to a moment (one of them); then due jobs run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ClockAdvance {
    /// By so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// To this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<String>, format = DateTime))]
    pub to: Option<Timestamp>,
}

/// What the payer does on the provider's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct PaymentAct {
    /// Pay or leave.
    pub outcome: PaymentOutcome,
}

/// What the identity provider will answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum IdentityOutcome {
    /// Name, number and phone, card or account belong together.
    Pass,
    /// They do not.
    Mismatch,
    /// The remittance bounced.
    Bounced,
    /// The provider does not answer.
    Unavailable,
}

/// Sets the next answer of the registry, once: it has the data (`pass`), has others (`mismatch`), or does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct NextRegistry {
    /// The answer.
    pub outcome: IdentityOutcome,
}

/// Sets the next answer of the identity provider, once; for one way or any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct NextOutcome {
    /// Only for this way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<IdentityWay>,
    /// The answer.
    pub outcome: IdentityOutcome,
}
