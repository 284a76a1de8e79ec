//! The ways to a token. Another one is a file here that implements [`Way`], and a line in `main.rs`.

#[cfg(feature = "pcsc")]
pub(crate) mod pcsc;
pub(crate) mod qemu;
pub(crate) mod served;
pub(crate) mod sim;
pub(crate) mod skf;

use std::sync::Arc;

use ukey_device::link::framed::Limits;
use ukey_device::{Device, Hand, Result};

use crate::proxy::Proxy;

/// Why a check has nothing to look at.
#[derive(Debug)]
pub(crate) struct Skipped(pub(crate) String);

impl From<&str> for Skipped {
    fn from(why: &str) -> Self {
        Self(why.to_owned())
    }
}

/// What becomes of a second client while there is a first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Second {
    /// It is refused, and told who holds the token.
    Refused,
    /// It is let in, until the first locks the token.
    LetIn,
}

/// A token, and a way to it.
pub(crate) trait Way {
    /// Connects a client.
    fn connect(&self) -> Result<Device>;

    /// The hand that holds the key of this client.
    fn hand(&self, device: &Device) -> Arc<dyn Hand> {
        device.hand().unwrap()
    }

    /// What becomes of a second client.
    fn second(&self) -> Second;

    /// What a refused second client is told of the first, who is in this process; `None` where nobody could tell.
    fn holder(&self) -> Option<String> {
        Some(format!("(PID {})", std::process::id()))
    }

    /// Ends what serves the token, without a word to its clients, and starts it again with the same state in the same
    /// place.
    ///
    /// # Errors
    /// Where nothing serves it.
    fn restart(&self) -> Result<(), Skipped>;

    /// The same token over the same kind of link, with somebody in between who disturbs, and a client of so much
    /// patience.
    ///
    /// # Errors
    /// Where nobody can stand in between.
    fn disturbed(&self, limits: Limits) -> Result<Disturbed, Skipped> {
        let _ = limits;
        Err("nobody stands between this link and its token".into())
    }
}

/// A way with somebody in between.
pub(crate) struct Disturbed {
    /// Who that is.
    pub(crate) proxy: Proxy,
    /// Connects a client through it.
    pub(crate) connect: Box<dyn Fn() -> Result<Device>>,
}

/// A serial line does not tell who stands in between that its client has gone.
impl Drop for Disturbed {
    fn drop(&mut self) {
        self.proxy.end();
    }
}
