//! The trace that the environment asks for (`UKEY_TRACE`), and which function of the interface an exchange belongs to.

use std::sync::Once;

use ukey_device::trace::{Called, SECRETS_WARNING, Secrets, called, record_as_environment_says};

static STARTED: Once = Once::new();

/// A client calls a function: as long as the answer lives.
///
/// What is to be said of the trace has no other place than standard error: no client asks a library for it.
#[allow(clippy::print_stderr, reason = "a person has to know that secrets are written, or that nothing is")]
pub(crate) fn calls(function: &'static str) -> Called {
    STARTED.call_once(|| match record_as_environment_says() {
        Ok(Some(Secrets::Kept)) => eprintln!("libukey_skf: WARNING: {SECRETS_WARNING}"),
        Ok(_) => {}
        Err(error) => eprintln!("libukey_skf: no trace: {error}"),
    });
    called(function)
}
