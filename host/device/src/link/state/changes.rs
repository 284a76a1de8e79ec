//! What a process has changed in the flash since it wrote the state file as a whole: `FILE.changes` beside it, so that
//! a command that changes a few bytes does not write half a megabyte.
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 8 | `89 'U' 'K' 'C' 'H' 0D 0A 1A` |
//! | 8 | 32 | checksum of the state file that they are changes of |
//! | 40 | | records |
//!
//! A record is one save: the length of its content (4 bytes, big-endian), the content, and SM3 over the checksum of the
//! record before (of the first: the state file's), the length and the content. The content is a list of places: offset in
//! the flash and length (4 bytes each), and the bytes that stand there now.
//!
//! Guarantees: a record counts as a whole or not at all; behind one that is torn nothing counts. Changes belong to one
//! writing of the state file, whose checksum no other has: beside any other, be it a copy that was put back or the same
//! token written as a whole since, they are void. (Files of formats 1 to 3 are told apart by their content alone.)

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sm3::{Digest, Sm3};
use zeroize::Zeroizing;

use super::format::Checksum;
use super::{beside, sync_folder};

const MAGIC: [u8; 8] = *b"\x89UKCH\r\n\x1a";
/// Offset of the first record.
const HEAD: usize = 40;
/// Bytes around a record's content.
const FRAME: usize = 4 + 32;
/// Changes are looked for in pieces of this size.
const PIECE: usize = 64;
/// So many bytes of changes are kept at most: then the file is written as a whole.
const MOST: usize = 128 * 1024;

/// The changes beside a state file.
#[derive(Debug)]
pub(super) struct Changes {
    path: PathBuf,
    /// What the next record is bound to.
    last: Checksum,
    /// Where it begins; 0 before the first.
    end: usize,
    /// The file, once it is written to.
    file: Option<File>,
}

impl Changes {
    /// None yet, of a state file that was just written as a whole, for good. Those of the writing before are removed: they
    /// are void.
    pub(super) fn begin(state: &Path, checksum: Checksum) -> Changes {
        let path = path(state);
        // What cannot be removed is void nevertheless.
        let _ = fs::remove_file(&path);
        Changes { path, last: checksum, end: 0, file: None }
    }

    /// Whether there are none.
    pub(super) const fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// Writes what differs between two states of a flash, durably. `false`, and nothing was written, where that is too
    /// much.
    pub(super) fn add(&mut self, old: &[u8], new: &[u8]) -> io::Result<bool> {
        let content = difference(old, new);
        if content.is_empty() {
            return Ok(true);
        }
        if self.end + FRAME + content.len() > MOST {
            return Ok(false);
        }
        let length = u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes();
        let checksum = bound(&self.last, length, &content);
        let is_first = self.end == 0;
        let mut bytes = Zeroizing::new(Vec::with_capacity(HEAD + FRAME + content.len()));
        if is_first {
            bytes.extend(head(&self.last));
        }
        bytes.extend(length);
        bytes.extend(&*content);
        bytes.extend(checksum);
        let added = self.append(&bytes, is_first);
        if added.is_err() {
            // Whatever stands there now, the next one begins where this one did.
            self.file = None;
        }
        added?;
        (self.last, self.end) = (checksum, self.end + bytes.len());
        Ok(true)
    }

    fn append(&mut self, bytes: &[u8], is_first: bool) -> io::Result<()> {
        let newly = self.file.is_none();
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                if is_first {
                    // Not into what somebody else has put there.
                    match fs::remove_file(&self.path) {
                        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                        _ => {}
                    }
                }
                let mut options = OpenOptions::new();
                options.create_new(is_first).write(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let mut file = options.open(&self.path)?;
                // Behind the last record that counts there may be a torn one.
                let end = self.end as u64;
                file.set_len(end)?;
                io::Seek::seek(&mut file, io::SeekFrom::Start(end))?;
                none.insert(file)
            }
        };
        file.write_all(bytes)?;
        file.sync_data()?;
        // Whoever made it may have been killed before its name lasted.
        if newly { sync_folder(&self.path) } else { Ok(()) }
    }
}

/// Where they stand.
pub(super) fn path(state: &Path) -> PathBuf {
    beside(state, ".changes")
}

/// What stands beside a state file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Beside {
    /// No change.
    Nothing,
    /// Changes of it.
    Own,
    /// Changes of another writing, which are void.
    Stray,
}

/// Makes the changes beside a state file of this checksum in its flash.
pub(super) fn make(state: &Path, checksum: Checksum, flash: &mut [u8]) -> io::Result<Beside> {
    let bytes = match fs::read(path(state)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Beside::Nothing),
        bytes => Zeroizing::new(bytes?),
    };
    let head = head(&checksum);
    let Some(mut rest) = bytes.strip_prefix(&*head) else {
        // What is torn in its head is as good as nothing.
        return Ok(if head.starts_with(&bytes) { Beside::Nothing } else { Beside::Stray });
    };
    let mut last = checksum;
    while let Some((content, checksum, behind)) = record(rest, &last) {
        if apply(content, flash).is_none() {
            break;
        }
        (last, rest) = (checksum, behind);
    }
    Ok(if last == checksum { Beside::Nothing } else { Beside::Own })
}

/// What stands in front of the first record.
fn head(checksum: &Checksum) -> Vec<u8> {
    [&MAGIC[..], checksum].concat()
}

fn bound(last: &Checksum, length: [u8; 4], content: &[u8]) -> Checksum {
    Sm3::new().chain_update(last).chain_update(length).chain_update(content).finalize().into()
}

/// The content of the first record, its checksum, and what is behind it; `None` where there is no whole one.
fn record<'b>(bytes: &'b [u8], last: &Checksum) -> Option<(&'b [u8], Checksum, &'b [u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (content, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    let (checksum, rest) = rest.split_first_chunk::<32>()?;
    (bound(last, *length, content) == *checksum).then_some((content, *checksum, rest))
}

/// The places at which two states differ, and what stands there in the new one.
fn difference(old: &[u8], new: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut content = Zeroizing::new(Vec::new());
    let pieces = old.chunks(PIECE).zip(new.chunks(PIECE)).enumerate();
    for (number, (_, piece)) in pieces.filter(|(_, (old, new))| old != new) {
        for field in [number * PIECE, piece.len()] {
            content.extend(u32::try_from(field).unwrap_or(u32::MAX).to_be_bytes());
        }
        content.extend(piece);
    }
    content
}

/// Puts them there; `None` where one is outside of the flash.
fn apply(mut content: &[u8], flash: &mut [u8]) -> Option<()> {
    while !content.is_empty() {
        let (offset, rest) = content.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let field = |bytes: &[u8; 4]| usize::try_from(u32::from_be_bytes(*bytes)).ok();
        let (piece, rest) = rest.split_at_checked(field(length)?)?;
        let offset = field(offset)?;
        flash.get_mut(offset..offset.checked_add(piece.len())?)?.copy_from_slice(piece);
        content = rest;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKSUM: Checksum = [7; 32];

    /// A state file's path in an empty folder, and three states of a flash, the first as in the file.
    fn states() -> (tempfile::TempDir, PathBuf, [Vec<u8>; 3]) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("k.ukey");
        let one = vec![0xFF; 1000];
        let mut two = one.clone();
        (two[3], two[500], two[999]) = (1, 2, 3);
        let mut three = two.clone();
        (three[3], three[64]) = (9, 9);
        (folder, file, [one, two, three])
    }

    fn written() -> (tempfile::TempDir, PathBuf, [Vec<u8>; 3]) {
        let (folder, file, states) = states();
        let mut changes = Changes::begin(&file, CHECKSUM);
        assert!(changes.is_empty() && changes.add(&states[0], &states[1]).unwrap());
        assert!(changes.add(&states[1], &states[2]).unwrap() && !changes.is_empty());
        (folder, file, states)
    }

    #[test]
    fn what_was_written_is_read_again() {
        let (_folder, file, [one, _, three]) = written();
        let mut flash = one.clone();
        assert_eq!(make(&file, CHECKSUM, &mut flash).unwrap(), Beside::Own);
        assert_eq!(flash, three);
        // Those of another writing are none.
        flash.clone_from(&one);
        assert_eq!(make(&file, [8; 32], &mut flash).unwrap(), Beside::Stray);
        assert_eq!(flash, one);
        assert!(Changes::begin(&file, [8; 32]).is_empty() && !path(&file).exists());
        assert_eq!(make(&file, CHECKSUM, &mut flash).unwrap(), Beside::Nothing);
    }

    /// As where the disk was full for a while: whatever of it was written, the next one stands in its place.
    #[test]
    fn a_save_that_failed_is_made_up_for() {
        let (_folder, file, [one, two, three]) = states();
        let mut changes = Changes::begin(&file, CHECKSUM);
        assert!(changes.add(&one, &two).unwrap());
        let good = fs::read(path(&file)).unwrap();
        fs::write(path(&file), [&good[..], b"part of the next"].concat()).unwrap();
        changes.file = None;
        assert!(changes.add(&two, &three).unwrap());
        let mut flash = one;
        make(&file, CHECKSUM, &mut flash).unwrap();
        assert_eq!(flash, three);
    }

    /// A save that is torn anywhere did not happen; the one before did.
    #[test]
    fn a_torn_record_counts_for_nothing() {
        let (_folder, file, [one, two, _]) = written();
        let whole = fs::read(path(&file)).unwrap();
        let second = {
            let length = u32::from_be_bytes(whole[HEAD..HEAD + 4].try_into().unwrap());
            HEAD + FRAME + length as usize
        };
        for cut in 0..whole.len() {
            fs::write(path(&file), &whole[..cut]).unwrap();
            let mut flash = one.clone();
            let (beside, state) = if cut < second { (Beside::Nothing, &one) } else { (Beside::Own, &two) };
            assert_eq!(make(&file, CHECKSUM, &mut flash).unwrap(), beside, "{cut}");
            assert!(flash == *state, "{cut}");
        }
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(path(&file), &damaged).unwrap();
            let mut flash = one.clone();
            make(&file, CHECKSUM, &mut flash).unwrap();
            assert!(flash == if bit / 8 < second { &one[..] } else { &two }, "{bit}");
        }
    }

    #[test]
    fn too_much_is_written_as_a_whole() {
        let (_folder, file, _) = states();
        let mut changes = Changes::begin(&file, CHECKSUM);
        let (old, new) = (vec![0; MOST], vec![1; MOST]);
        assert!(!changes.add(&old, &new).unwrap() && changes.is_empty() && !path(&file).exists());
    }
}
