//! The object identifiers of GM/T 0006, GM/T 0010 and GM/T 0015 that this room writes or reads.
//!
//! Each is named once, here; modules refuse to spell an identifier themselves.

pub use const_oid::ObjectIdentifier;

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// `id-ecPublicKey` (RFC 5480).
pub const EC_PUBLIC_KEY: ObjectIdentifier = oid("1.2.840.10045.2.1");
/// The SM2 curve (GM/T 0006).
pub const SM2: ObjectIdentifier = oid("1.2.156.10197.1.301");
/// SM2 signature over an SM3 digest (GM/T 0006).
pub const SM2_WITH_SM3: ObjectIdentifier = oid("1.2.156.10197.1.501");
/// SM2 signature over an SM3 digest as some seal makers misspell it; read in seals, never written.
pub const SM2_WITH_SM3_MISSPELT: ObjectIdentifier = oid("1.2.156.10197.501");
/// SM4 without a mode; in enveloped keys it means ECB.
pub const SM4: ObjectIdentifier = oid("1.2.156.10197.1.104");
/// SM4 in ECB mode.
pub const SM4_ECB: ObjectIdentifier = oid("1.2.156.10197.1.104.1");
/// SM1 without a mode; in enveloped keys it means ECB.
pub const SM1: ObjectIdentifier = oid("1.2.156.10197.1.102");
/// SM1 in ECB mode.
pub const SM1_ECB: ObjectIdentifier = oid("1.2.156.10197.1.102.1");
/// Personal identity code (GM/T 0015-2012).
pub const PERSONAL_IDENTITY_CODE: ObjectIdentifier = oid("1.2.156.10260.4.1.1");
/// Organisation code (GM/T 0015-2012); authorities put the unified social credit code here.
pub const ORGANISATION_CODE: ObjectIdentifier = oid("1.2.156.10260.4.1.4");

/// `commonName`.
pub const COMMON_NAME: ObjectIdentifier = oid("2.5.4.3");
/// `serialNumber` (of a subject, not of a certificate).
pub const SERIAL_NUMBER: ObjectIdentifier = oid("2.5.4.5");
/// `countryName`.
pub const COUNTRY: ObjectIdentifier = oid("2.5.4.6");
/// `localityName`.
pub const LOCALITY: ObjectIdentifier = oid("2.5.4.7");
/// `stateOrProvinceName`.
pub const STATE_OR_PROVINCE: ObjectIdentifier = oid("2.5.4.8");
/// `organizationName`.
pub const ORGANIZATION: ObjectIdentifier = oid("2.5.4.10");
/// `organizationalUnitName`.
pub const ORGANIZATIONAL_UNIT: ObjectIdentifier = oid("2.5.4.11");

/// Subject key identifier (RFC 5280 4.2.1.2).
pub const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = oid("2.5.29.14");
/// Key usage (RFC 5280 4.2.1.3).
pub const KEY_USAGE: ObjectIdentifier = oid("2.5.29.15");
/// Basic constraints (RFC 5280 4.2.1.9).
pub const BASIC_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.19");
/// CRL number (RFC 5280 5.2.3).
pub const CRL_NUMBER: ObjectIdentifier = oid("2.5.29.20");
/// Reason code of a revocation list entry (RFC 5280 5.3.1).
pub const CRL_REASON: ObjectIdentifier = oid("2.5.29.21");
/// CRL distribution points (RFC 5280 4.2.1.13).
pub const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = oid("2.5.29.31");
/// Authority key identifier (RFC 5280 4.2.1.1).
pub const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = oid("2.5.29.35");
