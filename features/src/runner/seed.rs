//! Seeds. A scenario's seed depends on the run's seed and on which scenario it is, and on nothing else:
//! not on the order, the number of jobs, or the other scenarios.

use std::hash::{BuildHasher, Hasher, RandomState};

use sm3::{Digest, Sm3};

/// The seed of one scenario: SM3 over the run's seed (8 bytes, big-endian), the name of the feature file without its
/// folders, the feature's name and the scenario's name (UTF-8, each after its length in 8 bytes) and the row of the
/// outline (8 bytes; 0 without an outline).
///
/// The folders are left out because one file is reached by many paths, from many places, and stands in the program
/// as well.
pub fn scenario_seed(run_seed: u64, file: &str, feature: &str, scenario: &str, row: usize) -> [u8; 32] {
    let mut hash = Sm3::new();
    hash.update(run_seed.to_be_bytes());
    for text in [file, feature, scenario] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.update((row as u64).to_be_bytes());
    hash.finalize().into()
}

/// A seed for a run that was given none: 32 random bits, short enough to type again.
pub fn fresh_seed() -> u64 {
    RandomState::new().build_hasher().finish() >> 32
}
