//! The profile's rules for pictures of seals, applied.
//!
//! Guarantees: a picture is judged once, when it is uploaded; what was taken stays good when the rules change.

use crate::{
    api::ProblemType,
    problem::{Answer, Refusal, refuse},
    profile::Seal,
};
use ukey_pki::seal::{Picture, PictureError, PictureFacts, PictureFormat, PictureRules, Transparency};

/// By how many percent rounding to whole millimetres may change the proportions: 4 mm is the least side.
const ROUNDING: u32 = 15;

/// The media type of a file that keeps the profile's rules.
pub(crate) fn check(rules: &Seal, content: &[u8]) -> Answer<&'static str> {
    let pictures = PictureRules {
        // Others than these the profile does not name.
        formats: rules.formats.iter().filter_map(|name| PictureFormat::from_media_type(name)).collect(),
        max_bytes: usize::try_from(rules.max_bytes).unwrap_or(usize::MAX),
        pixels: rules.min_pixels..=rules.max_pixels,
        millimetres: 1..=rules.millimetres.into(),
        distortion_percent: ROUNDING,
        transparency: if rules.transparent { Transparency::Required } else { Transparency::Any },
    };
    // Size before content: a large file is not walked.
    let too_large = content.len() > pictures.max_bytes;
    let (width, height) = if too_large { (1, 1) } else { millimetres(rules, content).map_err(refusal)? };
    let facts = pictures.check(content, width, height).map_err(refusal)?;
    Ok(facts.format.media_type())
}

/// A picture that was taken, as its seal carries it.
pub(crate) fn picture(rules: &Seal, content: Vec<u8>) -> Answer<Picture> {
    let (width, height) = millimetres(rules, &content).map_err(refusal)?;
    Picture::new(content, width, height).map_err(refusal)
}

fn refusal(error: PictureError) -> Refusal {
    let kind = match error {
        PictureError::Empty => ProblemType::PaperEmpty,
        PictureError::Unknown | PictureError::Format { .. } => ProblemType::PaperFormat,
        PictureError::TooBig { .. } => ProblemType::TooLarge,
        PictureError::Truncated(_) => ProblemType::PaperTruncated,
        PictureError::Damaged { .. } => ProblemType::PaperDamaged,
        _ => ProblemType::SealPicture,
    };
    refuse(kind).detail(error.to_string(), error.zh())
}

/// Width and height on paper: the longer side is the profile's.
fn millimetres(rules: &Seal, content: &[u8]) -> Result<(u32, u32), PictureError> {
    let facts = PictureFacts::read(content)?;
    let longer = u64::from(facts.width.max(facts.height).max(1));
    let side = |pixels: u32| {
        let rounded = (u64::from(pixels) * u64::from(rules.millimetres) + longer / 2) / longer;
        u32::try_from(rounded).unwrap_or(u32::MAX).max(1)
    };
    Ok((side(facts.width), side(facts.height)))
}
