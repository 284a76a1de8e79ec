//! State files: any bytes are refused with a reason and left alone, or a token starts from them.

use std::path::PathBuf;
use std::sync::OnceLock;

use sm3::{Digest, Sm3};
use ukey_device::{LinkError, Options, Place, Simulator};
use ukey_firmware::sim::SimFlash;

use crate::support::Host;

/// Offset of the checksum and of the flash in a state file of format 1.
const CHECKSUM: usize = 208;
const FLASH: usize = 240;

/// The folder of this run: in memory where there is such a place.
fn folder() -> &'static tempfile::TempDir {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let memory = PathBuf::from("/dev/shm");
        let place = if memory.is_dir() { memory } else { std::env::temp_dir() };
        tempfile::tempdir_in(place).expect("a folder for the state files")
    })
}

fn provisioned() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let flash = Host::provisioned(1).image();
        let mut bytes = b"\x89UKEY\r\n\x1a\x00\x00\x00\x01".to_vec();
        for (text, width) in [("gm2012", 32), ("0123456789ABCDEF", 32), ("ukey", 64), ("ukey", 64)] {
            bytes.extend(text.bytes().chain(std::iter::repeat(0)).take(width));
        }
        bytes.extend((SimFlash::SIZE as u32).to_be_bytes());
        bytes.extend([0; 32]);
        bytes.extend(flash);
        bytes
    })
}

/// What is in the file: with an even first byte the other bytes as they are; else a sound file, patched by the others:
/// place (3 bytes), count (1), so many bytes; then its checksum is made right again, unless the first byte says no (bit 1).
fn content(bytes: &[u8]) -> Vec<u8> {
    let Some((&first, mut rest)) = bytes.split_first() else { return Vec::new() };
    if first % 2 == 0 {
        return rest.to_vec();
    }
    let mut file = provisioned().to_vec();
    while let Some((&[a, b, c, count], behind)) = rest.split_first_chunk() {
        let at = u32::from_be_bytes([0, a, b, c]) as usize % file.len();
        let (patch, behind) = behind.split_at(usize::from(count).min(behind.len()));
        rest = behind;
        file.iter_mut().skip(at).zip(patch).for_each(|(cell, byte)| *cell = *byte);
    }
    if first & 2 == 0 {
        let sum = Sm3::new().chain_update(&file[..CHECKSUM]).chain_update(&file[FLASH..]).finalize();
        file[CHECKSUM..FLASH].copy_from_slice(&sum);
    }
    file
}

/// Opens a file of this content.
///
/// # Panics
/// Where something does not hold.
pub fn open(bytes: &[u8]) {
    let content = content(bytes);
    let path = folder().path().join("fuzzed.ukey");
    std::fs::write(&path, &content).expect("the folder takes a file");
    let options = Options { seed: Some(1), ..Options::default() };
    match Simulator::open(&path, &options) {
        Ok(token) => {
            let mut link = token.link().expect("it has power");
            let answer = link.transmit(&[0x80, 0x04, 0, 0, 0, 0, 0]).expect("it answers");
            assert!(answer.len() >= 2);
            drop((link, token));
            assert!(Simulator::open(&path, &options).is_ok(), "it started from this file once");
        }
        Err(error) => {
            assert!(matches!(error, LinkError::BadFile { .. } | LinkError::NoStart { .. }), "{error}");
            assert!(!error.to_string().is_empty());
            assert!(
                std::fs::read(&path).expect("the file is there") == content,
                "{error}, and it was changed"
            );
        }
    }
}
