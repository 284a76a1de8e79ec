//! What an authority asks of a seal's picture.

use std::ops::RangeInclusive;

use super::{PictureError, PictureFacts, PictureFormat, Side};

/// Whether the background must be transparent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Transparency {
    /// Either will do.
    #[default]
    Any,
    /// It must be able to be transparent; a JPG never is.
    Required,
}

/// The picture rules of an authority. Its numbers are the caller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureRules {
    /// The formats accepted, by content.
    pub formats: Vec<PictureFormat>,
    /// The most bytes.
    pub max_bytes: usize,
    /// Pixels, for both sides.
    pub pixels: RangeInclusive<u32>,
    /// Millimetres on paper, for both sides.
    pub millimetres: RangeInclusive<u32>,
    /// By how many percent the proportion of the pixels may differ from that of the millimetres.
    pub distortion_percent: u32,
    /// Whether the background must be transparent.
    pub transparency: Transparency,
}

impl PictureRules {
    /// Whether a picture that is to appear in this size keeps the rules: bytes, content, format, pixels, millimetres,
    /// proportions, transparency.
    ///
    /// # Errors
    /// The first rule it breaks, in this order.
    pub fn check(&self, data: &[u8], width_mm: u32, height_mm: u32) -> Result<PictureFacts, PictureError> {
        if data.len() > self.max_bytes {
            return Err(PictureError::TooBig { bytes: data.len(), most: self.max_bytes });
        }
        let facts = PictureFacts::read(data)?;
        if !self.formats.contains(&facts.format) {
            return Err(PictureError::Format { found: facts.format, accepted: self.formats.clone() });
        }
        let (least, most) = (*self.pixels.start(), *self.pixels.end());
        for (side, found) in [(Side::Width, facts.width), (Side::Height, facts.height)] {
            if !self.pixels.contains(&found) {
                return Err(PictureError::Pixels { side, found, least, most });
            }
        }
        let (least, most) = (*self.millimetres.start(), *self.millimetres.end());
        for (side, found) in [(Side::Width, width_mm), (Side::Height, height_mm)] {
            if !self.millimetres.contains(&found) {
                return Err(PictureError::Millimetres { side, found, least, most });
            }
        }
        let pixels = (facts.width, facts.height);
        if !self.proportionate(pixels, (width_mm, height_mm)) {
            return Err(PictureError::Proportions { pixels, millimetres: (width_mm, height_mm) });
        }
        if self.transparency == Transparency::Required && !facts.transparent {
            return Err(PictureError::Opaque);
        }
        Ok(facts)
    }

    /// Whether width : height is alike, compared as products of whole numbers.
    fn proportionate(&self, pixels: (u32, u32), millimetres: (u32, u32)) -> bool {
        let one = u128::from(pixels.0) * u128::from(millimetres.1);
        let other = u128::from(pixels.1) * u128::from(millimetres.0);
        one.abs_diff(other) * 100 <= one.min(other) * u128::from(self.distortion_percent)
    }
}
