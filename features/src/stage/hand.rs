//! What is done to a key without asking it: pulling it, cutting its power, taking it from under the assistant.
//!
//! A key that no program holds cannot be pulled by a step, and only one that is simulated in this process loses its
//! power inside a flash operation. Scenarios say so by the tags `@unplug` and `@simulated`, and are left out where the
//! target is no such key; what a step needed of the first key is noted, so that a missing tag is found.

use std::{io, panic::panic_any, sync::Arc};

use tempfile::TempDir;
use ukey_device::{Device, Hand, Simulator};
use ukey_flows::FlowError;

use super::Stage;
use crate::{cost::Cost, runner::NotApplicable};

/// Why a scenario is left out where nobody but a person can pull the key.
pub(crate) const NO_HAND: &str =
    "it pulls the key, and this one can only be pulled by a person（需要插拔UKey，而这一把只能手工插拔）";

/// Why a scenario is left out where the key is not simulated in this process.
pub(crate) const NOT_SIMULATED: &str = "it cuts the power inside a flash operation or takes the key from under the assistant: \
     only a key that is simulated in this process bears that（只有本进程内的模拟UKey才经得起）";

/// What the steps needed of the first key beside commands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// A program's hand.
    pub(crate) hand: bool,
    /// The simulated key itself.
    pub(crate) simulator: bool,
}

impl Stage {
    fn is_first(&self, device: &Device) -> bool {
        self.keys.first().is_some_and(|key| std::ptr::eq(&raw const *key.device, device))
    }

    /// The hand that pulls one of the keys.
    ///
    /// # Panics
    /// With [`NotApplicable`] where only a person can.
    pub(crate) fn hand_of(&mut self, device: &Device) -> Arc<dyn Hand> {
        self.needs.hand |= self.is_first(device);
        device.hand().unwrap_or_else(|_| panic_any(NotApplicable(NO_HAND.into())))
    }

    /// One of the keys itself, for what only a simulated one bears.
    ///
    /// # Panics
    /// With [`NotApplicable`] where it is not simulated in this process.
    pub(crate) fn simulator_of(&mut self, device: &Device) -> Simulator {
        self.needs.simulator |= self.is_first(device);
        device.simulator().unwrap_or_else(|| panic_any(NotApplicable(NOT_SIMULATED.into())))
    }

    /// Makes the first key blank again, where the scenario took it.
    pub(crate) fn clear_first(&mut self) -> Result<(), ukey_device::Error> {
        let Some(key) = self.keys.first() else { return Ok(()) };
        if self.needs != Needs::default() {
            // It may be pulled, or is to be: new power calls that off.
            key.device.unplug()?;
            key.device.plug_in()?;
        }
        key.device.make_blank(&key.blank_key)
    }

    /// Keeps the device keys that the scenario sets in the first key, so that it can be made blank again.
    pub(crate) fn keep_device_keys(&mut self) -> io::Result<()> {
        self.kept = Some(TempDir::new()?);
        Ok(())
    }

    /// What was asked of the first key, until it is blank again.
    pub(crate) fn measure(&mut self) -> Result<Cost, ukey_device::Error> {
        self.clear_first()?;
        let tally = self.keys.first().map(|key| key.device.tally()).unwrap_or_default();
        Ok(Cost::of(&tally, self.needs))
    }

    /// Pulls the key in hand.
    pub(crate) fn unplug(&mut self) {
        let device = self.device();
        self.hand_of(&device).unplug();
    }

    /// Pulls the key in hand after so many exchanges.
    pub(crate) fn unplug_after(&mut self, exchanges: u64) {
        let device = self.device();
        self.hand_of(&device).unplug_after(exchanges);
    }

    /// Plugs the key in hand in again.
    pub(crate) fn plug_in(&mut self) -> Result<(), FlowError> {
        let device = self.device();
        self.hand_of(&device);
        Ok(device.plug_in()?)
    }

    /// Cuts the power of the key in hand inside a flash operation, of which a part happens.
    pub(crate) fn cut_power_after(&mut self, operations: u64, torn: u64) {
        let device = self.device();
        self.simulator_of(&device).cut_power_after(operations, Some(torn));
    }
}
