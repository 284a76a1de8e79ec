//! The documents that the hall makes as PDF: the application form (E-22), the e-invoice (I-02, I-10).
//!
//! Guarantees: the same data gives the same bytes; whatever was typed is plain text on the page: it wraps, what is too
//! long is cut with an ellipsis, what the font cannot show is a box.
//! Refuses to know: orders and who may read them.

mod application;
pub(crate) mod font;
mod invoice;
mod layout;
pub(crate) mod sheet;

pub(crate) use application::application;
pub(crate) use invoice::{InvoicePaper, invoice};

use crate::{
    api::ProblemType,
    hall::Hall,
    problem::{Answer, refuse},
};
use font::Typeface;

impl Hall {
    /// The font of all documents; without one there are none.
    pub(crate) fn typeface(&self) -> Answer<&Typeface> {
        self.font().ok_or_else(|| {
            refuse(ProblemType::FontMissing).detail(
                "There is no Chinese font to make documents with: install the Debian package fonts-wqy-microhei, or name \
                 a font file (`ukey hall serve --font`, UKEY_FONT).",
                "服务厅缺少中文字体，无法生成文件：请安装软件包fonts-wqy-microhei，或用--font指定字体文件。",
            )
        })
    }
}

/// Money as it is written: `200.00`.
fn yuan(fen: u32) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}
