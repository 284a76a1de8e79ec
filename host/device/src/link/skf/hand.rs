//! The hand on a simulated key behind `libukey_skf`: functions of its own, which no maker's library has.

use std::sync::Arc;

use super::abi::functions::{Functions, Stop};
use super::abi::room::Room;
use super::sar::Sar;
use super::{Fault, Way};
use crate::link::{Hand, LinkError};

/// Whether a device is simulated: its library says so.
pub(super) fn is_simulated(f: &Functions<'_>, name: &std::ffi::CStr) -> bool {
    let mut answer = Room::of_number(0);
    f.has("UKEY_IsSimulated") && f.UKEY_IsSimulated(name, &mut answer).is_ok() && answer.number() == 1
}

/// Pulls and plugs in by the library's own functions.
pub(super) struct SkfHand(pub(super) Way);

impl Hand for SkfHand {
    fn unplug(&self) {
        // One that is pulled already, or whose library is given up, has no power to lose.
        let _ = self.0.run(|f, name| f.UKEY_Unplug(name));
    }

    fn unplug_after(&self, exchanges: u64) {
        let exchanges = u32::try_from(exchanges).unwrap_or(u32::MAX);
        let _ = self.0.run(move |f, name| f.UKEY_UnplugAfter(name, exchanges));
    }

    fn plug_in(&self) -> Result<(), LinkError> {
        if self.0.is_there()? {
            return Ok(());
        }
        let plugged_in = self.0.run(|f, name| f.UKEY_PlugIn(name).map_err(|stop| (stop, f.last_call())))?;
        match plugged_in {
            Ok(()) => Ok(()),
            Err((Stop::Fault(fault), _)) => Err(LinkError::Library(fault)),
            Err((_, call)) => Err(LinkError::Library(Fault::Refused {
                library: Arc::clone(self.0.library.name()).to_string(),
                function: "UKEY_PlugIn",
                sar: call.and_then(|call| call.sar).unwrap_or(Sar::NOTSUPPORTYETERR),
            })),
        }
    }
}
