//! New certificates for the key in hand: renewal and repair (R), information change (C), reinstallation.

use super::Hex;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Opens or takes up the one open order that rewrites a key (证书更新 with the password, R-06): the sign key signs
/// [`renewal_message`](super::renewal_message) or [`change_message`](super::change_message). A certificate that has
/// expired proves its key as well as a valid one, though it logs nobody in (L-10).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct KeyProof {
    /// A login challenge's nonce.
    pub nonce: Hex,
    /// The sign certificate, DER; the old one or the one that takes its place.
    pub certificate: Hex,
    /// The key's serial number.
    pub device_serial: String,
    /// r and s, 32 bytes each, big-endian.
    pub signature: Hex,
}

/// What an order that rewrites the key in hand tells besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct RewriteView {
    /// Serial number of the key (证书卡号).
    pub device_serial: String,
    /// Name of the key's application.
    pub application: String,
    /// Name of the container with the old certificates.
    pub container: String,
    /// Whether the key makes a new sign key pair, in another container; else the old one is certified again.
    pub new_keys: bool,
    /// Whether it goes by the portal's ordered steps.
    pub portal: bool,
    /// Whether it is to be reviewed: a certificate long expired, or other data in its name (R-04, AMB-14, AMB-21).
    pub reviewed: bool,
    /// Last moment of the old certificate.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub not_after: Timestamp,
    /// Where a code goes, masked.
    pub phone: String,
    /// Until when the verification by code holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<String>, format = DateTime))]
    pub verified_until: Option<Timestamp>,
}

/// 初始化证书 is done: the key says that the old container is gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Initialisation {
    /// The key's serial number.
    pub device_serial: String,
}

/// The certificates are asked for, with the request of the key that is to have them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Download {
    /// The key's serial number.
    pub device_serial: String,
    /// Name of the container they will be written to, 1 to 64 printable ASCII characters.
    pub container: String,
    /// PKCS#10, DER.
    pub request: Hex,
}

/// What was written into the key and read back: the new sign key's signature over
/// [`written_message`](super::written_message).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Written {
    /// Serial number of the sign certificate that was read back.
    pub serial: String,
    /// Serial number of the encryption certificate that was read back.
    pub encryption_serial: String,
    /// r and s, 32 bytes each, big-endian.
    pub signature: Hex,
}

/// 证书重装: the certificates last issued for the key that signs
/// [`reinstallation_message`](super::reinstallation_message).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Reinstallation {
    /// A login challenge's nonce.
    pub nonce: Hex,
    /// The key's serial number.
    pub device_serial: String,
    /// The sign public key, x and y, 32 bytes each, big-endian.
    pub public_key: Hex,
    /// r and s, 32 bytes each, big-endian.
    pub signature: Hex,
}
