//! The end of what serves until it is told to stop.

use tokio::signal::unix::{SignalKind, signal};

use crate::failure::{Failure, Result};

/// A future that ends with Ctrl-C or SIGTERM. Both are caught from the moment this returns.
pub(crate) fn signalled() -> Result<impl Future<Output = ()> + Send + 'static> {
    let catch = |kind| signal(kind).map_err(Failure::internal);
    let (mut interrupt, mut terminate) = (catch(SignalKind::interrupt())?, catch(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
