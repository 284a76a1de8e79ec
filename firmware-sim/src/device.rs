//! The device itself: label, information, random, device authentication.

use embedded_storage::nor_flash::MultiwriteNorFlash;
use rand_core::Rng;
use subtle::ConstantTimeEq;
use ukey_apdu::command::{
    ChangeDevAuthKey, Command, DevAuth, DevInfo, GenRandom, SGD_SHA1, SGD_SHA256, SGD_SM3, SGD_SM4_CBC,
    SGD_SM4_CFB, SGD_SM4_ECB, SGD_SM4_MAC, SGD_SM4_OFB, SetLabel, Version,
};
use ukey_apdu::pin::DeviceKey;
use ukey_apdu::status::Status;
use ukey_apdu::wire::Writer;

use crate::gate::DeviceRight;
use crate::object::{
    APPLICATIONS, CONTAINERS, DEVICE_COUNTER, DeviceKeyRecord, DeviceRecord, FILES, ObjectId, Text,
};
use crate::platform::Platform;
use crate::store::{Change, Encoded, Mark, Store, StoreError};
use crate::token::Run;

/// The device authentication key of a token from the factory.
const FACTORY_KEY: [u8; 16] = *b"1234567812345678";
/// The label of a token from the factory.
const FACTORY_LABEL: &[u8] = b"UKEY";

/// Hardware and firmware version.
const VERSION: Version = Version { major: 0, minor: 1 };
/// SGD_SM2_1 to SGD_SM2_3: signature, key agreement, encryption. SGD_RSA (`0001_0000`) is not among them.
const ASYMMETRIC: u32 = 0x0002_0200 | 0x0002_0400 | 0x0002_0800;
/// Every mode of SM4.
const SYMMETRIC: u32 = SGD_SM4_ECB | SGD_SM4_CBC | SGD_SM4_CFB | SGD_SM4_OFB | SGD_SM4_MAC;
/// Every digest.
const DIGEST: u32 = SGD_SM3 | SGD_SHA1 | SGD_SHA256;

/// Writes what a token from the factory holds.
pub(crate) fn initialise<F: MultiwriteNorFlash>(store: &mut Store, flash: &mut F) -> Result<(), StoreError> {
    let device = DeviceRecord { label: Text::from_slice(FACTORY_LABEL).unwrap_or_default() };
    let key = DeviceKeyRecord { key: FACTORY_KEY, forgiven: Mark::default() };
    let (device, key) = (Encoded::new(&device)?, Encoded::new(&key)?);
    store.write(
        flash,
        &[
            Change::Put { object: ObjectId::DEVICE, value: device.as_bytes(), secret: false },
            Change::Put { object: ObjectId::DEVICE_KEY, value: key.as_bytes(), secret: true },
        ],
    )
}

impl<P: Platform> Run<'_, P> {
    pub(crate) fn set_label(&mut self, command: SetLabel<'_>) -> Result<(), Status> {
        let label = Text::from_slice(command.label).map_err(|_| Status::WRONG_DATA)?;
        let record = Encoded::new(&DeviceRecord { label })?;
        let change = Change::Put { object: ObjectId::DEVICE, value: record.as_bytes(), secret: false };
        Ok(self.core.store.write(self.parts.flash, &[change])?)
    }

    pub(crate) fn device_info(&mut self, out: &mut Writer<'_>) -> Result<(), Status> {
        let record: Result<Option<DeviceRecord>, _> =
            self.core.store.record(self.parts.flash, ObjectId::DEVICE);
        // A token that has stopped says who it is, even if its label is what is damaged.
        let record = record.or_else(|error| if self.core.fault.is_some() { Ok(None) } else { Err(error) })?;
        let label = record.map(|record| record.label).unwrap_or_default();
        let (total_space, free_space) = self.core.store.space();
        let identity = &self.core.settings.identity;
        let count = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
        let info = DevInfo {
            structure: Version { major: 1, minor: 0 },
            specification: Version { major: 1, minor: 0 },
            manufacturer: identity.manufacturer.as_bytes(),
            issuer: identity.issuer.as_bytes(),
            label: &label,
            serial_number: identity.serial_number.as_bytes(),
            hardware: VERSION,
            firmware: VERSION,
            symmetric: SYMMETRIC,
            asymmetric: ASYMMETRIC,
            digest: DIGEST,
            device_auth: SGD_SM4_ECB,
            total_space,
            free_space,
            max_apdu_data: self.core.settings.policy.max_apdu_data,
            max_containers: count(CONTAINERS),
            max_certificates: count(2 * CONTAINERS),
            max_files: u16::try_from(FILES).unwrap_or(u16::MAX),
        };
        Ok(info.write(out)?)
    }

    pub(crate) fn random(&mut self, command: GenRandom, out: &mut Writer<'_>) -> Result<(), Status> {
        if command.length > self.core.settings.policy.block {
            return Err(Status::WRONG_LE);
        }
        let mut first = heapless::Vec::<u8, 16>::new();
        let mut left = usize::from(command.length);
        while left > 0 {
            let mut bytes = [0; 32];
            self.chance.draw(|rng| rng.fill_bytes(&mut bytes))?;
            let part = bytes.get(..left.min(bytes.len())).unwrap_or_default();
            out.put(part)?;
            part.iter().take_while(|&&byte| first.push(byte).is_ok()).for_each(drop);
            left -= part.len();
        }
        self.core.session.set_challenge(&first);
        Ok(())
    }

    pub(crate) fn authenticate_device(&mut self, command: DevAuth) -> Result<(), Status> {
        if command.algorithm == 1 {
            return Err(Status::UNSUPPORTED);
        }
        let record: DeviceKeyRecord = self.device_key()?;
        let challenge = self.core.session.take_challenge();
        let max_tries = self.core.settings.policy.device_tries;
        let remaining = self.remaining(DEVICE_COUNTER, max_tries, record.forgiven)?;
        if remaining == 0 {
            return Err(Status::LOCKED);
        }
        let challenge = challenge?;
        self.spend(DEVICE_COUNTER)?;
        let own = DeviceKey(record.key).cryptogram(&challenge);
        self.core.session.set_device_right(false);
        if !bool::from(own.ct_eq(&command.cryptogram)) {
            return Err(self.wrong(remaining));
        }
        self.core.store.counters.succeed(self.parts.flash, DEVICE_COUNTER)?;
        self.core.session.set_device_right(true);
        Ok(())
    }

    pub(crate) fn change_device_key(
        &mut self,
        _: DeviceRight,
        command: ChangeDevAuthKey,
    ) -> Result<(), Status> {
        if command.algorithm == 1 {
            return Err(Status::UNSUPPORTED);
        }
        let record: DeviceKeyRecord = self.device_key()?;
        let challenge = self.core.session.take_pin_challenge()?;
        let header = command.header();
        let dialect = self.core.settings.dialect;
        let new_key =
            DeviceKey(record.key).open(&dialect, &command.encrypted_key, &command.mac, &challenge, header)?;
        let record = DeviceKeyRecord { key: new_key.0, forgiven: record.forgiven };
        let record = Encoded::new(&record)?;
        let change = Change::Put { object: ObjectId::DEVICE_KEY, value: record.as_bytes(), secret: true };
        Ok(self.core.store.write(self.parts.flash, &[change])?)
    }

    /// Whether the device authentication key is still the one from the factory.
    pub(crate) fn has_factory_key(&mut self) -> Result<bool, Status> {
        Ok(self.device_key()?.key.ct_eq(&FACTORY_KEY).into())
    }

    fn device_key(&mut self) -> Result<DeviceKeyRecord, Status> {
        self.core.store.record(self.parts.flash, ObjectId::DEVICE_KEY)?.ok_or(Status::MEMORY_FAILURE)
    }
}

const _: () = assert!(APPLICATIONS <= 15, "application 15 is the device in an object id");
