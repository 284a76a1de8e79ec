//! Containers and the certificates in them.

use ukey_apdu::command::{
    Certificate, ContainerInfo, ContainerType, CreateContainer, DeleteContainer, ExportCertificate,
    GetContainerInfo, ImportCertificate, KeyUse, NameList, OpenContainer, SM2_BITS,
};
use ukey_apdu::status::Status;
use ukey_apdu::wire::Writer;

use crate::gate;
use crate::object::{AppSlot, ContainerRecord, ContainerSlot, MAX_CERTIFICATE, ObjectId, Text};
use crate::platform::Platform;
use crate::store::{Change, Encoded};
use crate::token::Run;

impl<P: Platform> Run<'_, P> {
    pub(crate) fn create_container(
        &mut self,
        application: gate::OpenApplication,
        user: gate::UserRight,
        command: CreateContainer<'_>,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let app = user.slot();
        if self.find_container(app, command.name)?.is_some() {
            return Err(Status::CONTAINER_EXISTS);
        }
        let taken = |slot: &ContainerSlot| self.core.store.contains(ObjectId::container(app, *slot));
        let count = ContainerSlot::all().filter(&taken).count();
        let limit = self.application(app)?.map_or(0, |application| usize::from(application.max_containers));
        let taken = |slot: &ContainerSlot| self.core.store.contains(ObjectId::container(app, *slot));
        let slot = ContainerSlot::all()
            .find(|slot| !taken(slot))
            .filter(|_| count < limit)
            .ok_or(Status::NO_SPACE)?;
        let name = Text::from_slice(command.name).map_err(|_| Status::WRONG_DATA)?;
        let record = Encoded::new(&ContainerRecord { name })?;
        let change =
            Change::Put { object: ObjectId::container(app, slot), value: record.as_bytes(), secret: false };
        self.core.store.write(self.parts.flash, &[change])?;
        Ok(self.core.session.open_container(application, slot).write(out)?)
    }

    pub(crate) fn open_container(
        &mut self,
        application: gate::OpenApplication,
        command: OpenContainer<'_>,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let slot =
            self.find_container(application.slot(), command.name)?.ok_or(Status::NO_SUCH_CONTAINER_NAME)?;
        Ok(self.core.session.open_container(application, slot).write(out)?)
    }

    pub(crate) fn enum_containers(
        &mut self,
        application: gate::OpenApplication,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let mut list = NameList::new(out);
        for slot in ContainerSlot::all() {
            if let Some(container) = self.container(application.slot(), slot)? {
                list.push(&container.name)?;
            }
        }
        Ok(list.finish()?)
    }

    pub(crate) fn delete_container(
        &mut self,
        user: gate::UserRight,
        command: DeleteContainer<'_>,
    ) -> Result<(), Status> {
        let app = user.slot();
        let slot = self.find_container(app, command.name)?.ok_or(Status::NO_SUCH_CONTAINER_NAME)?;
        let (first, last) = ObjectId::of_container(app, slot);
        let deleted = self.core.store.write(self.parts.flash, &[Change::Delete { first, last }]);
        // It may be gone although a secret of it could not be overwritten.
        if !self.core.store.contains(first) {
            self.core.session.close_container(app, slot);
            self.core.session_keys.forget_container(app, slot);
            self.core.agreements.forget_container(app, slot);
        }
        Ok(deleted?)
    }

    pub(crate) fn container_info(
        &mut self,
        application: gate::OpenApplication,
        command: GetContainerInfo<'_>,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let app = application.slot();
        let slot = self.find_container(app, command.name)?.ok_or(Status::NO_SUCH_CONTAINER_NAME)?;
        let store = &self.core.store;
        let bits =
            |key_use| if store.contains(ObjectId::key_pair(app, slot, key_use)) { SM2_BITS } else { 0 };
        let certificate = |key_use| store.contains(ObjectId::certificate(app, slot, key_use));
        let (sign_bits, encrypt_bits) = (bits(KeyUse::Sign), bits(KeyUse::Encrypt));
        let info = ContainerInfo {
            container_type: if sign_bits + encrypt_bits == 0 {
                ContainerType::Empty
            } else {
                ContainerType::Ecc
            },
            sign_bits,
            encrypt_bits,
            sign_certificate: certificate(KeyUse::Sign),
            encrypt_certificate: certificate(KeyUse::Encrypt),
        };
        Ok(info.write(out)?)
    }

    pub(crate) fn import_certificate(
        &mut self,
        container: gate::OpenContainer,
        _: gate::UserRight,
        command: ImportCertificate<'_>,
    ) -> Result<(), Status> {
        let (app, slot) = container.slots();
        if !self.core.store.contains(ObjectId::key_pair(app, slot, command.key_use)) {
            return Err(Status::NO_KEY_PAIR);
        }
        let object = ObjectId::certificate(app, slot, command.key_use);
        let limit = self.application(app)?.map_or(0, |application| usize::from(application.max_certificates));
        let is_new = !self.core.store.contains(object);
        if command.certificate.len() > MAX_CERTIFICATE || (is_new && self.certificates(app) >= limit) {
            return Err(Status::NO_SPACE);
        }
        let change = Change::Put { object, value: command.certificate, secret: false };
        Ok(self.core.store.write(self.parts.flash, &[change])?)
    }

    pub(crate) fn export_certificate(
        &mut self,
        container: gate::OpenContainer,
        command: ExportCertificate,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let (app, slot) = container.slots();
        let object = ObjectId::certificate(app, slot, command.key_use);
        let length = self.core.store.length(object).ok_or(Status::NO_CERTIFICATE)?;
        let space = Certificate::space(length, out)?;
        self.core.store.read(self.parts.flash, object, space)?.ok_or(Status::NO_CERTIFICATE)?;
        Ok(())
    }

    /// The certificates in an application.
    fn certificates(&self, app: AppSlot) -> usize {
        let in_container = |slot| {
            let there =
                |key_use: &KeyUse| self.core.store.contains(ObjectId::certificate(app, slot, *key_use));
            KeyUse::ALL.iter().filter(|key_use| there(key_use)).count()
        };
        ContainerSlot::all().map(in_container).sum()
    }

    fn container(&mut self, app: AppSlot, slot: ContainerSlot) -> Result<Option<ContainerRecord>, Status> {
        Ok(self.core.store.intact(self.parts.flash, ObjectId::container(app, slot))?)
    }

    fn find_container(&mut self, app: AppSlot, name: &[u8]) -> Result<Option<ContainerSlot>, Status> {
        for slot in ContainerSlot::all() {
            if self.container(app, slot)?.is_some_and(|container| container.name == name) {
                return Ok(Some(slot));
            }
        }
        Ok(None)
    }
}
