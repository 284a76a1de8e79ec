//! Rules of electronic seals (Z, R-21).

use super::{ProfileError, rule};
use serde::Deserialize;
use ukey_pki::seal::PictureFormat;

/// Rules of electronic seals.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// 4 (GB/T 38540-2020) or 5 (GM/T 0031-2025).
    pub version: u8,
    /// How a seal names the certificates that may use it.
    pub listing: SealListing,
    /// Fee in fen, one for each of `channels`; 0: the free lane (Z-05).
    pub fee_fen: Vec<u32>,
    /// Working days of the review.
    pub review_working_days: u32,
    /// Most seals in one key (N-21).
    pub most: u8,
    /// Media types of the picture.
    pub formats: Vec<String>,
    /// Largest picture, bytes.
    pub max_bytes: u64,
    /// Least pixels on a side.
    pub min_pixels: u32,
    /// Most pixels on a side.
    pub max_pixels: u32,
    /// Whether the picture's ground must be transparent.
    pub transparent: bool,
    /// Side of the seal on paper, mm.
    pub millimetres: u8,
    /// Agreements to accept before a seal change is paid (I-08); none: those of `payment`.
    #[serde(default)]
    pub agreements: Vec<String>,
    /// Whether 采集印章 on the portal needs no review (Z-10).
    pub collect_without_review: bool,
}

/// How a seal names the certificates that may use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SealListing {
    /// The certificates themselves (certListType 1).
    Certificates,
    /// Their SM3 digests (certListType 2).
    Digests,
}

impl Seal {
    pub(super) fn check(&self, channels: usize) -> Result<(), ProfileError> {
        rule((4..=5).contains(&self.version), "seal.version", "is not 4 or 5")?;
        rule(self.fee_fen.len() == channels, "seal.fee_fen", "does not have one fee for each of `channels`")?;
        rule((1..=16).contains(&self.most), "seal.most", "is not within 1 to 16")?;
        rule(!self.formats.is_empty(), "seal.formats", "names none")?;
        let known = self.formats.iter().all(|format| PictureFormat::from_media_type(format).is_some());
        rule(known, "seal.formats", "names one that is not known")?;
        rule((1..=40_960).contains(&self.max_bytes), "seal.max_bytes", "is not within 1 to 40960")?;
        rule(self.min_pixels <= self.max_pixels, "seal.max_pixels", "is below seal.min_pixels")?;
        rule((10..=100).contains(&self.millimetres), "seal.millimetres", "is not within 10 to 100")
    }
}
