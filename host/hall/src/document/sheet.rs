//! Pages of A4 with titles, paragraphs, tables and boxes, one below the other.
//!
//! Guarantees: nothing leaves the page; what does not fit begins the next; the bytes follow from what was put on it.
//! Refuses to know: what it says.

use super::{
    font::{Measures, Typeface},
    layout::lines,
};
use crate::{
    clock::shanghai,
    problem::{Answer, Refusal},
};
use jiff::Timestamp;
use krilla::{
    Document,
    geom::{PathBuilder, Point, Rect},
    metadata::{DateTime, Metadata},
    page::PageSettings,
    paint::Stroke,
};

/// Width and height of A4, points.
const PAGE: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 56.0;
/// Size of the plain text, points.
const TEXT: f32 = 10.5;
/// From one line to the next, in parts of the size.
const LEADING: f32 = 1.5;
/// Width of a table's first column.
const LABEL: f32 = 120.0;
/// Between the line of a box and its text.
const PADDING: f32 = 6.0;
/// Most lines of a table's cell.
const CELL_LINES: usize = 8;

enum Mark {
    Text { x: f32, y: f32, size: f32, text: String },
    Box { x: f32, y: f32, width: f32, height: f32 },
}

/// A document under way.
pub(crate) struct Sheet<'a> {
    face: &'a Typeface,
    measures: Measures<'a>,
    title: String,
    at: Timestamp,
    pages: Vec<Vec<Mark>>,
    /// How far the page is filled.
    y: f32,
}

impl<'a> Sheet<'a> {
    /// An empty document; its date is `at`.
    pub(crate) fn new(face: &'a Typeface, title: &str, at: Timestamp) -> Answer<Self> {
        let measures = face.measures().ok_or_else(|| Refusal::internal("the font cannot be measured"))?;
        let mut sheet = Self { face, measures, title: title.into(), at, pages: vec![Vec::new()], y: MARGIN };
        sheet.centred(title, 18.0);
        Ok(sheet)
    }

    fn width() -> f32 {
        PAGE.0 - 2.0 * MARGIN
    }

    /// Makes sure that so much is left on the page.
    fn need(&mut self, height: f32) {
        if self.y + height > PAGE.1 - MARGIN {
            self.pages.push(Vec::new());
            self.y = MARGIN;
        }
    }

    fn mark(&mut self, mark: Mark) {
        self.pages.last_mut().expect("there is always a page").push(mark);
    }

    fn line(&mut self, x: f32, size: f32, text: String) {
        self.need(size * LEADING);
        let y = self.y + size * 1.15;
        self.mark(Mark::Text { x, y, size, text });
        self.y += size * LEADING;
    }

    fn wrapped(&self, text: &str, width: f32, most: usize) -> Vec<String> {
        lines(&self.measures.fitted(text), width / TEXT, most, |letter| self.measures.width(letter))
    }

    fn centred(&mut self, text: &str, size: f32) {
        let fitted = self.measures.fitted(text);
        for line in lines(&fitted, Self::width() / size, 2, |letter| self.measures.width(letter)) {
            let wide: f32 = line.chars().map(|letter| self.measures.width(letter)).sum::<f32>() * size;
            self.line(MARGIN + (Self::width() - wide) / 2.0, size, line);
        }
        self.space(8.0);
    }

    /// Leaves some space.
    pub(crate) fn space(&mut self, height: f32) {
        self.y += height;
    }

    /// A heading.
    pub(crate) fn heading(&mut self, text: &str) {
        self.space(6.0);
        let text = self.measures.fitted(text);
        // A heading is not the last thing on a page.
        self.need(60.0);
        for line in lines(&text, Self::width() / 13.0, 2, |letter| self.measures.width(letter)) {
            self.line(MARGIN, 13.0, line);
        }
        self.space(3.0);
    }

    /// A paragraph.
    pub(crate) fn paragraph(&mut self, text: &str) {
        for line in self.wrapped(text, Self::width(), usize::MAX) {
            self.line(MARGIN, TEXT, line);
        }
        self.space(3.0);
    }

    /// A table's row: what it is, what it says.
    pub(crate) fn row(&mut self, label: &str, value: &str) {
        let room = Self::width() - LABEL - 2.0 * PADDING;
        let (label, value) = (self.wrapped(label, LABEL - 2.0 * PADDING, 2), self.wrapped(value, room, CELL_LINES));
        let height = label.len().max(value.len()) as f32 * TEXT * LEADING + 2.0 * PADDING;
        self.need(height);
        let y = self.y;
        self.mark(Mark::Box { x: MARGIN, y, width: LABEL, height });
        self.mark(Mark::Box { x: MARGIN + LABEL, y, width: Self::width() - LABEL, height });
        for (x, cell) in [(MARGIN + PADDING, label), (MARGIN + LABEL + PADDING, value)] {
            self.y = y + PADDING;
            for text in cell {
                self.line(x, TEXT, text);
            }
        }
        self.y = y + height;
    }

    /// A box to sign, stamp or fill in by hand, with its words at the top.
    pub(crate) fn signature(&mut self, words: &[&str], height: f32) {
        self.need(height + 12.0);
        self.space(12.0);
        let y = self.y;
        self.mark(Mark::Box { x: MARGIN, y, width: Self::width(), height });
        self.y = y + PADDING;
        for words in words {
            for text in self.wrapped(words, Self::width() - 2.0 * PADDING, 3) {
                self.line(MARGIN + PADDING, TEXT, text);
            }
        }
        self.y = y + height;
    }

    /// The PDF.
    pub(crate) fn finish(mut self) -> Answer<Vec<u8>> {
        let count = self.pages.len();
        for (number, page) in self.pages.iter_mut().enumerate() {
            let text = self.measures.fitted(&format!("第{}页 共{count}页", number + 1));
            page.push(Mark::Text { x: PAGE.0 / 2.0 - 28.0, y: PAGE.1 - MARGIN / 2.0, size: 9.0, text });
        }
        let mut document = Document::new();
        document.set_metadata(
            Metadata::new()
                .title(self.title.clone())
                .language("zh-CN".into())
                .producer("ukey hall".into())
                .creation_date(date(self.at)),
        );
        for marks in &self.pages {
            let settings =
                PageSettings::from_wh(PAGE.0, PAGE.1).ok_or_else(|| Refusal::internal("A4 is no page size"))?;
            let mut page = document.start_page_with(settings);
            let mut surface = page.surface();
            for mark in marks {
                match mark {
                    Mark::Text { x, y, size, text } => {
                        let glyphs = self.measures.glyphs(text);
                        surface.set_stroke(None);
                        surface.draw_glyphs(Point::from_xy(*x, *y), &glyphs, self.face.font(), text, *size, false);
                    }
                    Mark::Box { x, y, width, height } => {
                        let mut path = PathBuilder::new();
                        if let Some(edge) = Rect::from_xywh(*x, *y, *width, *height) {
                            path.push_rect(edge);
                        }
                        if let Some(path) = path.finish() {
                            // A path with a stroke and no fill of its own is not filled.
                            surface.set_stroke(Some(Stroke { width: 0.6, ..Stroke::default() }));
                            surface.draw_path(&path);
                            surface.set_stroke(None);
                        }
                    }
                }
            }
            surface.finish();
            page.finish();
        }
        document.finish().map_err(|error| Refusal::internal(format!("{error:?}")))
    }
}

/// A moment as a PDF has it, in Shanghai.
fn date(at: Timestamp) -> DateTime {
    let at = at.to_zoned(shanghai());
    let small = |number: i8| number.unsigned_abs();
    DateTime::new(at.year().unsigned_abs())
        .month(small(at.month()))
        .day(small(at.day()))
        .hour(small(at.hour()))
        .minute(small(at.minute()))
        .second(small(at.second()))
        .utc_offset_hour(8)
        .utc_offset_minute(0)
}
