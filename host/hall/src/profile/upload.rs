//! Rules of uploads.

use super::{ProfileError, rule};
use serde::Deserialize;
use ukey_pki::seal::PictureFormat;

/// Rules of uploads.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    /// Media types.
    pub formats: Vec<String>,
    /// Largest file, bytes.
    pub max_bytes: u64,
}

impl Upload {
    pub(super) fn check(&self) -> Result<(), ProfileError> {
        rule(self.max_bytes > 0, "upload.max_bytes", "is zero")?;
        rule(!self.formats.is_empty(), "upload.formats", "names none")?;
        let known = |format: &String| PictureFormat::from_media_type(format).is_some();
        rule(self.formats.iter().all(known), "upload.formats", "names one that is not known")
    }
}
