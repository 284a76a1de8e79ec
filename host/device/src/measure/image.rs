//! What an image takes of a board's memory.

use std::fs;
use std::path::Path;

use object::{Object, ObjectSection, SectionKind};

use super::MeasureError;

/// Bytes of an image, by where they lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ImageSize {
    /// Code.
    pub text: u64,
    /// Constants, and the vector table.
    pub rodata: u64,
    /// Variables with a first value, which takes as much flash as RAM.
    pub data: u64,
    /// Variables that begin as zeros.
    pub bss: u64,
}

impl ImageSize {
    /// Of an ELF file.
    pub(super) fn of(path: &Path) -> Result<ImageSize, MeasureError> {
        let bad = |problem: String| MeasureError::BadImage { path: path.to_owned(), problem };
        let bytes = fs::read(path).map_err(|error| bad(error.to_string()))?;
        let file = object::File::parse(&*bytes).map_err(|error| bad(error.to_string()))?;
        let mut size = ImageSize::default();
        for section in file.sections() {
            match section.kind() {
                SectionKind::Text => size.text += section.size(),
                // A linker that finds nothing but strings there says so.
                SectionKind::ReadOnlyData | SectionKind::ReadOnlyString => size.rodata += section.size(),
                SectionKind::Data => size.data += section.size(),
                SectionKind::UninitializedData => size.bss += section.size(),
                // What is not loaded: symbols, lines for a debugger.
                _ => {}
            }
        }
        if size.text == 0 { Err(bad("there is no code in it".to_owned())) } else { Ok(size) }
    }

    /// Bytes of flash.
    #[must_use]
    pub const fn flash(&self) -> u64 {
        self.text + self.rodata + self.data
    }

    /// Bytes of RAM, without the stack.
    #[must_use]
    pub const fn ram(&self) -> u64 {
        self.data + self.bss
    }
}
