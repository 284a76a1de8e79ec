//! The profile's rules for pictures of seals, applied.

use crate::{
    api::ProblemType,
    problem::{Answer, refuse},
    profile::Seal,
};
use ukey_pki::seal::{Picture, PictureError, PictureFacts, PictureFormat, PictureRules, Transparency};

/// By how many percent rounding to whole millimetres may change the proportions: 4 mm is the least side.
const ROUNDING: u32 = 15;

/// The media type of a file that keeps the profile's rules.
pub(crate) fn check(rules: &Seal, content: &[u8]) -> Answer<&'static str> {
    let (facts, _) = checked(rules, content).map_err(|error| {
        let kind = match error {
            PictureError::Empty => ProblemType::PaperEmpty,
            PictureError::Unknown | PictureError::Format { .. } => ProblemType::PaperFormat,
            PictureError::TooBig { .. } => ProblemType::TooLarge,
            PictureError::Truncated(_) => ProblemType::PaperTruncated,
            _ => ProblemType::SealPicture,
        };
        refuse(kind).detail(error.to_string(), error.zh())
    })?;
    Ok(media_type(facts.format))
}

/// The picture as the seal carries it.
pub(crate) fn picture(rules: &Seal, content: Vec<u8>) -> Result<Picture, PictureError> {
    let (_, (width, height)) = checked(rules, &content)?;
    Picture::new(content, width, height)
}

/// What the picture is, and its width and height on paper: its longer side is the profile's.
fn checked(rules: &Seal, content: &[u8]) -> Result<(PictureFacts, (u32, u32)), PictureError> {
    let pictures = PictureRules {
        formats: rules.formats.iter().filter_map(|name| format(name)).collect(),
        max_bytes: usize::try_from(rules.max_bytes).unwrap_or(usize::MAX),
        pixels: rules.min_pixels..=rules.max_pixels,
        millimetres: 1..=rules.millimetres.into(),
        distortion_percent: ROUNDING,
        transparency: if rules.transparent { Transparency::Required } else { Transparency::Any },
    };
    // Size before content: a large file is not walked.
    let size = if content.len() > pictures.max_bytes { (1, 1) } else { millimetres(rules, &PictureFacts::read(content)?) };
    Ok((pictures.check(content, size.0, size.1)?, size))
}

fn millimetres(rules: &Seal, facts: &PictureFacts) -> (u32, u32) {
    let longer = u64::from(facts.width.max(facts.height).max(1));
    let side = |pixels: u32| {
        let rounded = (u64::from(pixels) * u64::from(rules.millimetres) + longer / 2) / longer;
        u32::try_from(rounded).unwrap_or(u32::MAX).max(1)
    };
    (side(facts.width), side(facts.height))
}

fn media_type(format: PictureFormat) -> &'static str {
    match format {
        PictureFormat::Gif => "image/gif",
        PictureFormat::Bmp => "image/bmp",
        PictureFormat::Jpg => "image/jpeg",
        PictureFormat::Png => "image/png",
    }
}

fn format(media: &str) -> Option<PictureFormat> {
    PictureFormat::ALL.into_iter().find(|format| media_type(*format) == media)
}
