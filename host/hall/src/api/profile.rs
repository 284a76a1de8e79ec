//! What the hall tells about itself to anybody.

use super::{Hex, IdentityWay, Lane, Paper, WizardView};
use serde::{Deserialize, Serialize};

/// The public part of the CA profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ProfileView {
    /// Name of the profile.
    pub profile: String,
    /// Name of the authority.
    pub name: String,
    /// Hotline.
    pub hotline: String,
    /// 渠道, the first is the default.
    pub channels: Vec<String>,
    /// Fee of a unit certificate, fen.
    pub enrol_unit_fee_fen: u32,
    /// Fee of a personal certificate, fen.
    pub enrol_person_fee_fen: u32,
    /// Validity of a certificate, days.
    pub validity_days: u32,
    /// Working days of the review.
    pub review_working_days: u32,
    /// Identity ways for a unit.
    pub unit_identity_ways: Vec<IdentityWay>,
    /// Identity ways for a person.
    pub person_identity_ways: Vec<IdentityWay>,
    /// Papers of a unit's enrolment.
    pub unit_papers: Vec<Paper>,
    /// Papers of a person's enrolment.
    pub person_papers: Vec<Paper>,
    /// Formats of uploads, e.g. `image/jpeg`.
    pub upload_formats: Vec<String>,
    /// Largest upload, bytes.
    pub upload_max_bytes: u64,
    /// Lanes of unlocking.
    pub unlock_lanes: Vec<Lane>,
    /// Ways of payment.
    pub payment_ways: Vec<String>,
    /// Agreements to accept before paying.
    pub agreements: Vec<String>,
    /// Rule for user PINs.
    pub pin: PinRule,
    /// Working days until an e-invoice is issued.
    pub invoice_working_days: u32,
    /// The wizard, where enrolments go by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wizard: Option<WizardView>,
}

/// Rule for user PINs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct PinRule {
    /// Fewest characters.
    pub min: u8,
    /// Most characters.
    pub max: u8,
    /// Digits only; else printable ASCII (AMB-03).
    pub digits_only: bool,
    /// Tries before the key locks.
    pub tries: u8,
}

/// The authority's certificates, the issuing one first, the root last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct AuthorityView {
    /// DER certificates.
    pub chain: Vec<Hex>,
}
