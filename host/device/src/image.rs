//! The Cortex-M image as a file, and the digest in it by which the token's self-test knows its own firmware.
//!
//! The image ends with a section `.image_digest` of 32 bytes. Linked, it is all ones, and the token tests no firmware;
//! sealed, it is the SM3 digest of everything in front of it, from address 4 on.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use object::{Object, ObjectSection, ObjectSegment};
use sm3::{Digest, Sm3};

/// The section of the digest.
const SECTION: &str = ".image_digest";
/// Where what the digest covers begins.
const START: u64 = 4;

/// A file is no image of the token.
#[derive(Debug, thiserror::Error)]
#[error("{} is no image of the token: {problem}", path.display())]
pub struct BadImage {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub problem: String,
}

/// Fills the digest in, where the image lies; may be repeated.
///
/// # Errors
/// [`BadImage`]; nothing was changed.
pub fn seal(path: &Path) -> Result<(), BadImage> {
    let bad =
        |problem: &dyn std::fmt::Display| BadImage { path: path.to_owned(), problem: problem.to_string() };
    let bytes = fs::read(path).map_err(|error| bad(&error))?;
    let (offset, digest) = digest(&bytes).map_err(|problem| bad(&problem))?;
    let mut file = OpenOptions::new().write(true).open(path).map_err(|error| bad(&error))?;
    file.seek(SeekFrom::Start(offset)).and_then(|_| file.write_all(&digest)).map_err(|error| bad(&error))
}

/// Where in the file the digest belongs, and what it is.
fn digest(bytes: &[u8]) -> Result<(u64, [u8; 32]), String> {
    let file = object::File::parse(bytes).map_err(|error| error.to_string())?;
    let section = file.section_by_name(SECTION).ok_or_else(|| format!("it has no section {SECTION}"))?;
    let place = section.file_range().filter(|(_, size)| *size == 32);
    let (offset, _) = place.ok_or_else(|| format!("its section {SECTION} has not 32 bytes"))?;
    let end = section.address();
    let length = usize::try_from(end).map_err(|error| error.to_string())?;
    // What no segment brings is zero when the image is loaded.
    let mut memory = vec![0; length.min(1 << 24)];
    for segment in file.segments().filter(|segment| segment.address() < end) {
        let data = segment.data().map_err(|error| error.to_string())?;
        let from = usize::try_from(segment.address()).map_err(|error| error.to_string())?;
        let cells = memory.iter_mut().skip(from);
        cells.zip(data).for_each(|(cell, byte)| *cell = *byte);
    }
    let start = usize::try_from(START).unwrap_or_default();
    Ok((offset, Sm3::digest(memory.get(start..).unwrap_or_default()).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_image_is_said_to_be_none_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image");
        let missing = seal(&path).unwrap_err();
        assert!(missing.to_string().contains("is no image of the token"), "{missing}");
        fs::write(&path, b"a text").unwrap();
        seal(&path).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"a text");
        // An ELF file that is another program.
        let other = std::env::current_exe().unwrap();
        fs::copy(&other, &path).unwrap();
        assert!(seal(&path).unwrap_err().problem.contains(SECTION));
        assert!(fs::read(&path).unwrap() == fs::read(&other).unwrap());
    }
}
