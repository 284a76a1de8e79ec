//! PINs: a try is counted durably, then compared in constant time, then concluded.

use embedded_hal::delay::DelayNs;
use ukey_apdu::command::{ChangePin, Command, GetPinInfo, PinInfo, PinType, UnblockPin, VerifyPin};
use ukey_apdu::pin::{Challenge, Pin, PinKey};
use ukey_apdu::status::Status;
use ukey_apdu::wire::Writer;

use crate::gate::OpenApplication;
use crate::object::{AppSlot, DEVICE_COUNTER, DeviceKeyRecord, ObjectId, PinRecord};
use crate::platform::Platform;
use crate::store::counters::{COUNTERS, Counter};
use crate::store::{Change, Encoded, Mark};
use crate::token::Run;

impl<P: Platform> Run<'_, P> {
    pub(crate) fn pin_info(
        &mut self,
        application: OpenApplication,
        command: GetPinInfo,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let record = self.pin(application.slot(), command.pin_type)?;
        let counter = application.slot().counter(command.pin_type);
        let remaining = self.remaining(counter, record.max_tries, record.forgiven)?;
        let info = PinInfo { max_retries: record.max_tries, remaining, is_default: record.is_default };
        Ok(info.write(out)?)
    }

    pub(crate) fn verify_pin(
        &mut self,
        application: OpenApplication,
        command: VerifyPin,
    ) -> Result<(), Status> {
        let dialect = self.core.settings.dialect;
        self.attempt(application, command.pin_type, |key, challenge| {
            key.accepts(&dialect, challenge, &command.cryptogram).then_some(())
        })?;
        self.succeeded(application.slot(), command.pin_type)?;
        self.core.session.grant(application, command.pin_type);
        Ok(())
    }

    pub(crate) fn change_pin(
        &mut self,
        application: OpenApplication,
        command: ChangePin<'_>,
    ) -> Result<(), Status> {
        let dialect = self.core.settings.dialect;
        let (slot, pin_type) = (application.slot(), command.pin_type);
        let header = command.header();
        let prefix = command.application.0.to_be_bytes();
        let (record, new_pin) = self.attempt(application, pin_type, |key, challenge| {
            key.open(&dialect, command.new_pin, challenge, header, prefix)
        })?;
        if !self.has_allowed_length(&new_pin) {
            self.succeeded(slot, pin_type)?;
            return Err(Status::WRONG_DATA);
        }
        let record = Encoded::new(&self.changed(slot, pin_type, &record, &new_pin)?)?;
        let change =
            Change::Put { object: ObjectId::pin(slot, pin_type), value: record.as_bytes(), secret: true };
        Ok(self.core.store.write(self.parts.flash, &[change])?)
    }

    pub(crate) fn unblock_pin(
        &mut self,
        application: OpenApplication,
        command: UnblockPin<'_>,
    ) -> Result<(), Status> {
        let dialect = self.core.settings.dialect;
        let slot = application.slot();
        let header = command.header();
        let prefix = command.application.0.to_be_bytes();
        let (mut admin, new_pin) = self.attempt(application, PinType::Administrator, |key, challenge| {
            key.open(&dialect, command.new_pin, challenge, header, prefix)
        })?;
        if !self.has_allowed_length(&new_pin) {
            self.succeeded(slot, PinType::Administrator)?;
            return Err(Status::WRONG_DATA);
        }
        let user = self.pin(slot, PinType::User)?;
        let user = Encoded::new(&self.changed(slot, PinType::User, &user, &new_pin)?)?;
        // The administrator's success belongs to the same transaction: after a cut either all has happened or nothing.
        admin.forgiven = self.mark(slot.counter(PinType::Administrator))?;
        let admin = Encoded::new(&admin)?;
        let put =
            |pin_type, value| Change::Put { object: ObjectId::pin(slot, pin_type), value, secret: true };
        let changes = [put(PinType::User, user.as_bytes()), put(PinType::Administrator, admin.as_bytes())];
        self.core.session.drop_right(application, PinType::User);
        Ok(self.core.store.write(self.parts.flash, &changes)?)
    }

    /// Whether a new PIN has the length that the policy asks for.
    pub(crate) fn has_allowed_length(&self, pin: &Pin) -> bool {
        let policy = &self.core.settings.policy;
        (usize::from(policy.min_pin)..=usize::from(policy.max_pin)).contains(&pin.len())
    }

    /// Counts a try, then lets `check` compare: `Some` is right, `None` is wrong. A locked PIN is never compared, and
    /// without a challenge no try is counted.
    fn attempt<R>(
        &mut self,
        application: OpenApplication,
        pin_type: PinType,
        check: impl FnOnce(&PinKey, &Challenge) -> Option<R>,
    ) -> Result<(PinRecord, R), Status> {
        let challenge = self.core.session.take_pin_challenge();
        let counter = application.slot().counter(pin_type);
        let record = self.pin(application.slot(), pin_type)?;
        let remaining = self.remaining(counter, record.max_tries, record.forgiven)?;
        if remaining == 0 {
            return Err(Status::LOCKED);
        }
        let challenge = challenge?;
        self.spend(counter)?;
        let pin = Pin::from_padded(&record.pin).map_err(|_| Status::MEMORY_FAILURE)?;
        let key = PinKey::derive(&self.core.settings.dialect, &pin);
        match check(&key, &challenge) {
            Some(result) => Ok((record, result)),
            None => {
                self.core.session.drop_right(application, pin_type);
                Err(self.wrong(remaining))
            }
        }
    }

    /// The answer to a wrong try, of which `before` were left: after a while.
    pub(crate) fn wrong(&mut self, before: u8) -> Status {
        self.parts.delay.delay_ms(self.core.settings.policy.wrong_pin_delay_ms);
        Status::tries_left(before.saturating_sub(1))
    }

    /// The record of a PIN with its new value: all tries forgiven.
    fn changed(
        &mut self,
        slot: AppSlot,
        pin_type: PinType,
        old: &PinRecord,
        new_pin: &Pin,
    ) -> Result<PinRecord, Status> {
        let forgiven = self.mark(slot.counter(pin_type))?;
        Ok(PinRecord { pin: *new_pin.padded(), max_tries: old.max_tries, is_default: false, forgiven })
    }

    fn pin(&mut self, slot: AppSlot, pin_type: PinType) -> Result<PinRecord, Status> {
        self.core.store.record(self.parts.flash, ObjectId::pin(slot, pin_type))?.ok_or(Status::MEMORY_FAILURE)
    }

    // ---- counters ----

    /// A mark that forgives every try of a counter so far.
    pub(crate) fn mark(&mut self, counter: Counter) -> Result<Mark, Status> {
        Ok(self.core.store.counters.mark(self.parts.flash, counter)?)
    }

    /// Tries left.
    pub(crate) fn remaining(&mut self, counter: Counter, max_tries: u8, mark: Mark) -> Result<u8, Status> {
        let failures = self.core.store.counters.failures(self.parts.flash, counter, mark)?;
        Ok(u8::try_from(failures).map_or(0, |failures| max_tries.saturating_sub(failures)))
    }

    fn succeeded(&mut self, slot: AppSlot, pin_type: PinType) -> Result<(), Status> {
        Ok(self.core.store.counters.succeed(self.parts.flash, slot.counter(pin_type))?)
    }

    /// Counts a try durably.
    pub(crate) fn spend(&mut self, counter: Counter) -> Result<(), Status> {
        if self.core.store.counters.is_full(self.parts.flash, counter)? {
            let failures = self.all_failures()?;
            self.core.store.counters.turn_page(self.parts.flash, failures)?;
        }
        Ok(self.core.store.counters.spend(self.parts.flash, counter)?)
    }

    /// The wrong tries in a row of every counter; of one that nobody uses, 0.
    fn all_failures(&mut self) -> Result<[u16; COUNTERS], Status> {
        let mut all = [0; COUNTERS];
        let mut set = |run: &mut Self, counter: Counter, mark| -> Result<(), Status> {
            if let Some(cell) = all.get_mut(usize::from(counter.0)) {
                *cell = run.core.store.counters.failures(run.parts.flash, counter, mark)?;
            }
            Ok(())
        };
        let device: Option<DeviceKeyRecord> =
            self.core.store.record(self.parts.flash, ObjectId::DEVICE_KEY)?;
        if let Some(device) = device {
            set(self, DEVICE_COUNTER, device.forgiven)?;
        }
        for slot in AppSlot::all() {
            for pin_type in [PinType::Administrator, PinType::User] {
                let record: Option<PinRecord> =
                    self.core.store.record(self.parts.flash, ObjectId::pin(slot, pin_type))?;
                if let Some(record) = record {
                    set(self, slot.counter(pin_type), record.forgiven)?;
                }
            }
        }
        Ok(all)
    }
}
