//! Who holds a file: for those who are refused, the name of the program to close.
//!
//! Guarantees: a name is that of a process that had the file locked, or alone had it open, when it was looked for. Where
//! the system does not tell (another user's process, another system), there is none.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{major, minor};

/// The process that holds the file at `path`, in words: `ukey (PID 4711)`.
#[must_use]
pub fn of(path: &Path) -> Option<String> {
    let file = fs::metadata(path).ok()?;
    let process = locker(&file).or_else(|| only_opener(&file))?;
    let name = fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
    Some(format!("{} (PID {process})", printable(&name)))
}

/// What others say of themselves, as it may stand in a message: no control characters, and no more than a line.
pub(super) fn printable(name: &str) -> String {
    name.trim().chars().filter(|character| !character.is_control()).take(64).collect()
}

/// Who has a lock on it: proc(5), `/proc/locks`.
fn locker(file: &Metadata) -> Option<u32> {
    let wanted = format!("{:02x}:{:02x}:{}", major(file.dev()), minor(file.dev()), file.ino());
    fs::read_to_string("/proc/locks").ok()?.lines().find_map(|line| {
        // One that waits has an arrow behind its number.
        let [_, _, _, _, process, place, ..] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            return None;
        };
        (place == wanted).then(|| process.parse().ok())?
    })
}

/// Who has it open, where that is one process alone.
fn only_opener(file: &Metadata) -> Option<u32> {
    let is_it = |found: Metadata| (found.dev(), found.ino()) == (file.dev(), file.ino());
    let has_it = |process: &u32| {
        let files = fs::read_dir(format!("/proc/{process}/fd")).ok();
        files.is_some_and(|mut files| {
            files.any(|file| file.is_ok_and(|file| fs::metadata(file.path()).is_ok_and(is_it)))
        })
    };
    let processes = fs::read_dir("/proc").ok()?;
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut openers = numbers.filter(has_it).collect::<BTreeSet<u32>>();
    openers.pop_first().filter(|_| openers.is_empty())
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn who_locked_a_file_is_named_and_who_has_it_open_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a file");
        assert_eq!(of(&path), None, "no file");
        fs::write(&path, "").unwrap();
        assert_eq!(of(&path), None, "nobody");
        let file = File::open(&path).unwrap();
        let me = std::process::id();
        assert_eq!(locker(&fs::metadata(&path).unwrap()), None);
        let holder = of(&path).unwrap();
        assert!(holder.ends_with(&format!(" (PID {me})")), "{holder}");
        file.lock().unwrap();
        assert_eq!(locker(&fs::metadata(&path).unwrap()), Some(me));
        assert_eq!(of(&path), Some(holder));
    }

    #[test]
    fn a_name_cannot_spoil_a_message() {
        assert_eq!(printable("a\x1B[31m\nb\n"), "a[31mb");
        assert_eq!(printable(&"x".repeat(200)).len(), 64);
    }
}
