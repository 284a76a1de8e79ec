//! The one font of all documents: a Chinese one that the computer has.
//!
//! Guarantees: a typeface that opens has Chinese glyphs; text fitted to it asks for no glyph that it lacks.
//! Refuses to know: pages.

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::{
    FontRef, MetadataProvider,
    charmap::Charmap,
    instance::{LocationRef, Size},
    metrics::GlyphMetrics,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where the font comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FontSource {
    /// The first Chinese font of the usual places, if there is one.
    #[default]
    Usual,
    /// This file.
    File(PathBuf),
    /// No font: documents are refused.
    Without,
}

/// Where Chinese fonts lie, and the number of the Chinese face in the file.
const USUAL: &[(&str, u32)] = &[
    ("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", 0),
    ("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc", 0),
    ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/wqy-microhei/wqy-microhei.ttc", 0),
    ("/usr/share/fonts/wenquanyi/wqy-microhei/wqy-microhei.ttc", 0),
    ("/System/Library/Fonts/STHeiti Light.ttc", 0),
    ("C:\\Windows\\Fonts\\simhei.ttf", 0),
];

/// Faces that are looked at in a collection.
const FACES: u32 = 16;

/// Whether one of the usual places has a font: tests of documents need one.
pub fn usual_font_exists() -> bool {
    USUAL.iter().any(|(path, _)| Path::new(path).exists())
}

/// An open font.
pub(crate) struct Typeface {
    font: Font,
    data: Arc<Vec<u8>>,
    face: u32,
}

impl Typeface {
    /// Opens the font; `None` when there is none to be found. A file that was named must be a Chinese font.
    pub(crate) fn open(source: &FontSource) -> io::Result<Option<Self>> {
        match source {
            FontSource::Without => Ok(None),
            FontSource::Usual => {
                let read = |&(path, face): &(&str, u32)| Self::read(fs::read(path).ok()?, face);
                Ok(USUAL.iter().find_map(read))
            }
            FontSource::File(path) => {
                let data = fs::read(path)?;
                let face = (0..FACES).find_map(|face| Self::read(data.clone(), face));
                face.map(Some).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "this is no font with Chinese glyphs"))
            }
        }
    }

    fn read(data: Vec<u8>, face: u32) -> Option<Self> {
        let data = Arc::new(data);
        FontRef::from_index(&data, face).ok()?.charmap().map('中')?;
        let font = Font::new(Arc::clone(&data).into(), face)?;
        Some(Self { font, data, face })
    }

    /// The font as krilla takes it.
    pub(crate) fn font(&self) -> Font {
        self.font.clone()
    }

    /// Its measures.
    pub(crate) fn measures(&self) -> Option<Measures<'_>> {
        let font = FontRef::from_index(&self.data, self.face).ok()?;
        let glyphs = font.glyph_metrics(Size::new(1.0), LocationRef::default());
        Some(Measures { letters: font.charmap(), glyphs })
    }
}

/// The measures of a font, in parts of its size.
pub(crate) struct Measures<'a> {
    letters: Charmap<'a>,
    glyphs: GlyphMetrics<'a>,
}

impl Measures<'_> {
    /// The text with only what the font can show: anything else is `□`, a line break or tab a blank.
    pub(crate) fn fitted(&self, text: &str) -> String {
        let box_ = if self.letters.map('□').is_some() { '□' } else { '?' };
        let fitted = |letter: char| match letter {
            _ if letter.is_whitespace() => ' ',
            _ if letter.is_control() || self.letters.map(letter).is_none() => box_,
            _ => letter,
        };
        text.chars().map(fitted).collect()
    }

    /// How wide a letter is.
    pub(crate) fn width(&self, letter: char) -> f32 {
        let glyph = self.letters.map(letter).unwrap_or_default();
        self.glyphs.advance_width(glyph).unwrap_or(1.0)
    }

    /// The glyphs of a fitted text.
    pub(crate) fn glyphs(&self, text: &str) -> Vec<KrillaGlyph> {
        let glyph = |(place, letter): (usize, char)| {
            let glyph = GlyphId::new(self.letters.map(letter).unwrap_or_default().to_u32());
            let covered = place..place + letter.len_utf8();
            KrillaGlyph::new(glyph, self.width(letter), 0.0, 0.0, 0.0, covered, None)
        };
        text.char_indices().map(glyph).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_named_file_must_be_a_font() {
        assert!(Typeface::open(&FontSource::Without).unwrap().is_none());
        let missing = FontSource::File("/nowhere/font.ttc".into());
        assert_eq!(Typeface::open(&missing).err().unwrap().kind(), io::ErrorKind::NotFound);
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("font.ttc");
        fs::write(&text, "no font").unwrap();
        assert_eq!(Typeface::open(&FontSource::File(text)).err().unwrap().kind(), io::ErrorKind::InvalidData);
    }
}
