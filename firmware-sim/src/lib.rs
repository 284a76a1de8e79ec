//! The token: a GM/T 0017 firmware without `std` and without an allocator.
//!
//! Three doors: [`Token::power_on`], [`Token::exchange`], [`Token::power_off`]. Guarantees:
//!
//! - any byte string given to `exchange` gets a status word; only a valid command changes anything;
//! - after a power cut at any flash operation, even inside a word, the token is in the state before the command or
//!   after it; the retry count of a PIN never rises without a right PIN;
//! - a PIN try is durable before anything is compared;
//! - a private key made inside never leaves; a secret that was replaced or deleted is not readable in flash.
//!
//! Refuses to know any host, link or operating system: a [`Platform`] brings flash, chance, an LED and time.
//!
//! | module | subject |
//! |---|---|
//! | `token` | the doors; one command from envelope to answer |
//! | `route` | every command: what it needs (gate), then its handler |
//! | `gate` | open ids and rights as proofs that only it can make |
//! | `device`, `pin`, `application`, `container`, `key_pair`, `external`, `file` | the handlers |
//! | `session_key`, `block_cipher` | session keys, who holds them, and what is done with them |
//! | `agreement` | key agreement in both roles |
//! | `digest` | digests, for anyone |
//! | `object` | what is kept: records and their ids |
//! | `store` | records in NOR flash: transactions, erased secrets, PIN counters |
//! | [`policy`] | what the standards leave to the maker, as switches |
//! | `self_test` | what is found out at power-on, and what stops the token |
//! | [`chance`] | tested noise, the generator of random numbers |
//! | `sm2` | key pairs, signatures, ciphertexts |
//! | [`sim`] | the simulated platform for std hosts (feature `sim`) |
#![cfg_attr(not(any(test, feature = "sim")), no_std)]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        clippy::unreachable
    )
)]

mod agreement;
mod application;
mod block_cipher;
pub mod chance;
mod container;
mod device;
mod digest;
mod external;
mod file;
mod gate;
mod key_pair;
mod object;
mod pin;
mod platform;
pub mod policy;
mod route;
mod self_test;
mod session_key;
mod settings;
#[cfg(feature = "sim")]
pub mod sim;
mod sm2;
mod store;
mod token;

pub use platform::{Firmware, Parts, Platform};
pub use policy::{Policy, SelfTest};
pub use self_test::Fault;
pub use settings::{Identity, Settings};
pub use store::Wear;
pub use token::{LifeCycle, MAX_ANSWER, PowerOnError, Token};
