//! The tests that speak to a token by its commands.

#[path = "../agreement.rs"]
mod agreement;
#[path = "../ciphers.rs"]
mod ciphers;
#[path = "../commands.rs"]
pub(crate) mod commands;
#[path = "../digests.rs"]
mod digests;
#[path = "../external.rs"]
mod external;
#[path = "../files.rs"]
mod files;
#[path = "../session_keys.rs"]
mod session_keys;
