//! How many bytes are free: what the head of the store's documentation says, over what the model knows to be kept. So
//! every room that a cut, a replacement or a deletion lost would be seen.

use super::super::words::CERTIFICATE_SIZES;
use super::state::PIECE;
use super::{Application, Durable};

/// Pages of the simulated flash, less those of the counters, the reserve and the slack.
const PAGES: u32 = 128 - 2 - 2 - 3;
/// What surely goes into a page: less its header, the place of a commit, and the longest record.
const PAGE: u32 = 4096 - 16 - 16 - RESERVED;
/// What a reserved piece takes: a record of 512 bytes.
const RESERVED: u32 = 16 + 512 + 4;
/// What any of the short records takes: applications, PINs, names, labels, the device key.
const SHORT: u32 = 64;
/// d, x, y, and the inverse that is kept with them.
const KEY_PAIR: usize = 4 * 32 + 1;

/// What a record of so many bytes takes.
fn record(length: usize) -> u32 {
    let length = u32::try_from(length).expect("a short value");
    (16 + length.next_multiple_of(4) + 4).next_multiple_of(64).min(RESERVED)
}

/// What a value takes in pieces.
fn pieces(length: usize) -> u32 {
    (0..length).step_by(PIECE).map(|start| record((length - start).min(PIECE))).sum()
}

fn application(application: &Application) -> u32 {
    let containers = application.containers.values().map(|container| {
        let pairs = container.pairs.iter().flatten().map(|_| record(KEY_PAIR));
        let certificates = container.certificates.iter().flatten();
        SHORT + pairs.chain(certificates.map(|number| pieces(CERTIFICATE_SIZES[*number]))).sum::<u32>()
    });
    let files = application.files.values().flatten().map(|file| {
        let size = file.content.len();
        let of_piece = |number: usize| {
            let written = file.written.contains(&number);
            if written { record((size - number * PIECE).min(PIECE)) } else { RESERVED }
        };
        SHORT + (0..size.div_ceil(PIECE)).map(of_piece).sum::<u32>()
    });
    let own_and_pins = 3 * SHORT;
    own_and_pins + containers.chain(files).sum::<u32>()
}

impl Durable {
    /// Bytes for objects, all of them.
    pub const SPACE: u32 = PAGES * PAGE;

    /// Those that are free.
    pub fn free_space(&self) -> u32 {
        let label_and_key = 2 * SHORT;
        Self::SPACE - label_and_key - self.applications.values().map(application).sum::<u32>()
    }
}
