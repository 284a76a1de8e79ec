//! The keys of a scenario: taken blank, held, plugged in beside one another.

use std::sync::Arc;

use ukey_device::{Device, DeviceKey, Options, Target};
use ukey_flows::{FlowError, production::FACTORY_DEVICE_KEY};

use super::Stage;
use crate::people::Holder;

/// How many exchanges of a key are kept between two steps.
const TRACE: usize = 2_000;

/// The key that the target names, blank.
pub(crate) struct Waiting {
    pub(crate) device: Device,
    /// Its device authentication key.
    pub(crate) blank_key: DeviceKey,
}

/// A key of the scenario.
pub(crate) struct Key {
    pub(crate) device: Arc<Device>,
    /// Its device authentication key while it is blank.
    pub(super) blank_key: DeviceKey,
    /// Its serial number: it is known also while the key is pulled.
    serial_number: String,
    /// Whom it was made for.
    pub(crate) holder: Option<Holder>,
    /// The user PIN as its holder knows it.
    pub(crate) pin: String,
    /// The last exchange that was reported.
    pub(super) reported: u64,
}

impl Stage {
    /// Takes a blank key: the target's own first; after it one of the same making where there are more, else a simulated
    /// one.
    pub(crate) fn take_blank_key(&mut self) -> Result<Arc<Device>, FlowError> {
        let Waiting { device, blank_key } = match self.waiting.take() {
            Some(waiting) => waiting,
            None => {
                let seed = Some(self.seed.wrapping_add(self.keys.len() as u64));
                let ours = self.keys.is_empty() || self.target.is_fresh();
                let target = if ours { self.target.clone() } else { Target::Sim };
                let device = target.connect(&Options { dialect: self.dialect, seed })?;
                Waiting { device, blank_key: FACTORY_DEVICE_KEY }
            }
        };
        device.keep_trace(TRACE);
        if let Some(folder) = self.kept.as_ref().filter(|_| self.keys.is_empty()) {
            device.keep_device_keys(&folder.path().join("device-key"));
        }
        let serial_number = match device.simulator() {
            Some(simulator) => simulator.serial_number(),
            None => device.info()?.serial_number,
        };
        let device = Arc::new(device);
        self.in_hand = self.keys.len();
        self.keys.push(Key {
            device: Arc::clone(&device),
            blank_key,
            serial_number,
            holder: None,
            pin: String::new(),
            reported: 0,
        });
        Ok(device)
    }

    pub(crate) fn key(&mut self) -> &mut Key {
        self.keys.get_mut(self.in_hand).expect("no key: the scenario needs 假如 …已领到UKey")
    }

    pub(crate) fn device(&mut self) -> Arc<Device> {
        Arc::clone(&self.key().device)
    }

    /// The serial number of the key in hand.
    pub(crate) fn key_number(&mut self) -> String {
        self.key().serial_number.clone()
    }

    /// The device authentication key of one of the keys while it is blank.
    pub(crate) fn blank_key(&self, device: &Device) -> DeviceKey {
        let key = self.keys.iter().find(|key| std::ptr::eq(&raw const *key.device, device));
        key.map_or(FACTORY_DEVICE_KEY, |key| key.blank_key.clone())
    }

    /// Changes to the key of a holder.
    pub(crate) fn take_key_of(&mut self, holder: Holder) {
        self.in_hand = self.place_of(holder);
        self.holder = holder;
    }

    /// The keys that are plugged in, the one in hand first.
    pub(crate) fn attached(&self) -> Vec<Arc<Device>> {
        let places = (!self.keys.is_empty()).then_some(self.in_hand).into_iter();
        let places = places.chain(self.beside.iter().copied().filter(|place| *place != self.in_hand));
        places.filter_map(|place| self.keys.get(place)).map(|key| Arc::clone(&key.device)).collect()
    }

    /// Plugs another blank key in, beside the one in hand.
    pub(crate) fn add_blank_key(&mut self) -> Result<(), FlowError> {
        let in_hand = self.in_hand;
        self.take_blank_key()?;
        self.beside.push(std::mem::replace(&mut self.in_hand, in_hand));
        Ok(())
    }

    /// Plugs the key of another holder in, beside the one in hand.
    pub(crate) fn add_key_of(&mut self, holder: Holder) {
        let place = self.place_of(holder);
        assert!(place != self.in_hand, "{}的UKey已插着", holder.name());
        self.beside.push(place);
    }

    /// Pulls the key of a holder, that is beside the one in hand.
    pub(crate) fn remove_key_of(&mut self, holder: Holder) {
        let place = self.place_of(holder);
        let found = self.beside.iter().position(|beside| *beside == place).expect("没有插着这把UKey");
        self.beside.remove(found);
    }

    /// Pulls all keys but the one in hand.
    pub(crate) fn leave_one_key(&mut self) {
        self.beside.clear();
    }

    /// The place of a holder's key.
    pub(crate) fn place_of(&self, holder: Holder) -> usize {
        let found = self.keys.iter().position(|key| key.holder == Some(holder));
        found.unwrap_or_else(|| panic!("{}没有UKey", holder.name()))
    }
}
