//! Applications: each with its own PINs, containers and rights.

use ukey_apdu::command::{
    ApplicationInfo, CreateApplication, DeleteApplication, NameList, OpenApplication, PinType, Rights,
};
use ukey_apdu::pin::Pin;
use ukey_apdu::status::Status;
use ukey_apdu::wire::Writer;

use crate::gate::DeviceRight;
use crate::object::{AppSlot, ApplicationRecord, ObjectId, PinRecord, Text};
use crate::platform::Platform;
use crate::store::{Change, Encoded};
use crate::token::Run;

/// Most tries of a PIN: what `63CX` can tell.
const MAX_TRIES: u8 = 15;

impl<P: Platform> Run<'_, P> {
    pub(crate) fn create_application(
        &mut self,
        _: DeviceRight,
        command: CreateApplication<'_>,
    ) -> Result<(), Status> {
        if self.core.settings.policy.changed_device_key && self.has_factory_key()? {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        let most = self.core.settings.policy.max_tries.min(MAX_TRIES);
        let tries = |count: u32| match u8::try_from(count) {
            Ok(count @ 1..) if count <= most => Ok(count),
            _ => Err(Status::WRONG_DATA),
        };
        let (admin_tries, user_tries) = (tries(command.admin_retries)?, tries(command.user_retries)?);
        if !command.create_file.are_defined() {
            return Err(Status::WRONG_DATA);
        }
        if !self.has_allowed_length(&command.admin_pin) || !self.has_allowed_length(&command.user_pin) {
            return Err(Status::WRONG_DATA);
        }
        if self.find_application(command.name)?.is_some() {
            return Err(Status::APPLICATION_EXISTS);
        }
        let free = |slot: &AppSlot| !self.core.store.contains(ObjectId::application(*slot));
        let slot = AppSlot::all().find(free).ok_or(Status::NO_SPACE)?;
        let application = Encoded::new(&ApplicationRecord {
            name: Text::from_slice(command.name).map_err(|_| Status::WRONG_DATA)?,
            create_file: command.create_file.0,
            max_containers: command.max_containers,
            max_certificates: command.max_certificates,
            max_files: command.max_files,
        })?;
        let admin = self.first_pin(slot, PinType::Administrator, &command.admin_pin, admin_tries)?;
        let user = self.first_pin(slot, PinType::User, &command.user_pin, user_tries)?;
        let changes = [
            Change::Put {
                object: ObjectId::pin(slot, PinType::Administrator),
                value: admin.as_bytes(),
                secret: true,
            },
            Change::Put { object: ObjectId::pin(slot, PinType::User), value: user.as_bytes(), secret: true },
            Change::Put { object: ObjectId::application(slot), value: application.as_bytes(), secret: false },
        ];
        Ok(self.core.store.write(self.parts.flash, &changes)?)
    }

    fn first_pin(
        &mut self,
        slot: AppSlot,
        pin_type: PinType,
        pin: &Pin,
        max_tries: u8,
    ) -> Result<Encoded, Status> {
        let forgiven = self.mark(slot.counter(pin_type))?;
        Ok(Encoded::new(&PinRecord { pin: *pin.padded(), max_tries, is_default: true, forgiven })?)
    }

    pub(crate) fn enum_applications(&mut self, out: &mut Writer<'_>) -> Result<(), Status> {
        let mut list = NameList::new(out);
        for slot in AppSlot::all() {
            if let Some(application) = self.application(slot)? {
                list.push(&application.name)?;
            }
        }
        Ok(list.finish()?)
    }

    pub(crate) fn delete_application(
        &mut self,
        _: DeviceRight,
        command: DeleteApplication<'_>,
    ) -> Result<(), Status> {
        let (slot, _) = self.find_application(command.name)?.ok_or(Status::NO_SUCH_APPLICATION_NAME)?;
        let (first, last) = ObjectId::of_application(slot);
        let deleted = self.core.store.write(self.parts.flash, &[Change::Delete { first, last }]);
        // It may be gone although a secret of it could not be overwritten.
        if !self.core.store.contains(ObjectId::application(slot)) {
            self.core.session.forget_application(slot);
            self.core.session_keys.forget_application(slot);
            self.core.agreements.forget_application(slot);
        }
        Ok(deleted?)
    }

    pub(crate) fn open_application(
        &mut self,
        command: OpenApplication<'_>,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let (slot, application) =
            self.find_application(command.name)?.ok_or(Status::NO_SUCH_APPLICATION_NAME)?;
        if self.core.settings.policy.strict_open {
            if self.core.session.is_open(slot) {
                return Err(Status::APPLICATION_ALREADY_OPEN);
            }
            if AppSlot::all().any(|slot| self.core.session.is_open(slot)) {
                return Err(Status::OTHER_APPLICATION_OPEN);
            }
        }
        let info = ApplicationInfo {
            create_file: Rights(application.create_file),
            max_containers: application.max_containers,
            max_certificates: application.max_certificates,
            max_files: application.max_files,
            id: self.core.session.open_application(slot),
        };
        Ok(info.write(out)?)
    }

    /// The application in a place.
    pub(crate) fn application(&mut self, slot: AppSlot) -> Result<Option<ApplicationRecord>, Status> {
        Ok(self.core.store.intact(self.parts.flash, ObjectId::application(slot))?)
    }

    fn find_application(&mut self, name: &[u8]) -> Result<Option<(AppSlot, ApplicationRecord)>, Status> {
        for slot in AppSlot::all() {
            if let Some(application) = self.application(slot)?.filter(|application| application.name == name)
            {
                return Ok(Some((slot, application)));
            }
        }
        Ok(None)
    }
}
