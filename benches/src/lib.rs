//! What the benchmarks share: the token under measurement, its peers, and a measurement that can be trusted on a machine
//! that is not quiet.
//!
//! Guarantees: a figure is CPU time where the system tells it; contestants are measured in alternating rounds of one
//! run, and compared by the ratio of their medians *and* of their minima. Absolute figures say little, ratios count.
//!
//! | module | subject |
//! |---|---|
//! | [`token`] | a token on the simulated platform, and its commands as closures' bodies |
//! | [`bare`] | the same cryptography without a token |
//! | [`openssl`] | the same by OpenSSL, when its library is there |
//! | [`sockets`] | round trips to a token that is served, and to an echo |
//! | `readers` | round trips through pcscd and vpcd (feature `pcsc`) |
//! | [`skf`] | the token behind `libukey_skf.so` |
//! | [`softhsm`] | a token of SoftHSM2, when its library is there |
//! | [`rounds`] | alternating rounds |
//! | [`table`] | figures and ratios as text |
#![deny(unsafe_code)]

pub mod bare;
pub mod openssl;
#[cfg(feature = "pcsc")]
pub mod readers;
pub mod rounds;
pub mod skf;
pub mod sockets;
pub mod softhsm;
pub mod table;
pub mod token;

/// Whether a benchmark is to run: each is, unless the command line names another (`cargo bench -- links`).
#[must_use]
pub fn is_wanted(name: &str) -> bool {
    let named = |other: &&str| std::env::args().skip(1).any(|argument| argument == **other);
    named(&name) || !["token", "sm2", "links"].iter().any(named)
}

/// The PIN of every contestant.
pub const PIN: &[u8; 8] = b"12345678";

/// The digest that every contestant signs.
pub const DIGEST: [u8; 32] = [0x5A; 32];

/// The plaintext that every contestant encrypts.
pub const TEXT: [u8; 32] = [0xA5; 32];
