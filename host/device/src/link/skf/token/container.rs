//! Containers and certificates.

use ukey_apdu::Status;
use ukey_apdu::command::{
    AppId, Certificate, CloseContainer, ContainerId, ContainerInfo, ContainerType, CreateContainer,
    DeleteContainer, EnumContainer, ExportCertificate, GetContainerInfo, ImportCertificate, KeyUse,
    OpenContainer, SM2_BITS,
};

use super::{Answer, Container, NOTHING, No, Token, asked, c_str, names, text};
use crate::link::skf::abi::functions::{Functions, HANDLE};
use crate::link::skf::abi::room::Room;
use crate::link::skf::sar::Sar;

/// What libraries answer where there is no certificate.
const NO_CERTIFICATE: [Sar; 4] =
    [Sar::CERTNOTFOUNTERR, Sar::FILE_NOT_EXIST, Sar::READFILEERR, Sar::KEYNOTFOUNTERR];

impl Token {
    pub(super) fn create_container(&mut self, f: &Functions<'_>, command: &CreateContainer<'_>) -> Answer {
        let application = self.application(command.application)?;
        let mut handle = Room::of_handle();
        let created = f.SKF_CreateContainer(application, c_str(&text(command.name)?)?, &mut handle);
        created.map_err(|stop| {
            let no = No::from(stop);
            match self.lists(f, application, command.name) {
                // A right comes first, as in a token.
                Some(true) if no.sar().is_some_and(|sar| sar != Sar::USER_NOT_LOGGED_IN) => {
                    Status::CONTAINER_EXISTS.into()
                }
                _ => no,
            }
        })?;
        self.opened(command.application, command.name, handle.handle())
    }

    pub(super) fn open_container(&mut self, f: &Functions<'_>, command: &OpenContainer<'_>) -> Answer {
        let application = self.application(command.application)?;
        if let Some(open) = self.open_one(command.application, command.name) {
            let id = open.id;
            return self.encoded(2, |writer| id.write(writer));
        }
        let mut handle = Room::of_handle();
        let opened = f.SKF_OpenContainer(application, c_str(&text(command.name)?)?, &mut handle);
        opened.map_err(|stop| self.unless_container(f, stop.into(), application, command.name))?;
        self.opened(command.application, command.name, handle.handle())
    }

    fn open_one(&self, application: AppId, name: &[u8]) -> Option<&Container> {
        self.containers.iter().find(|open| open.application == application && open.name == name)
    }

    fn opened(&mut self, application: AppId, name: &[u8], handle: HANDLE) -> Answer {
        let id = ContainerId(self.new_id());
        self.containers.push(Container { id, application, name: name.to_vec(), handle });
        self.encoded(2, |writer| id.write(writer))
    }

    pub(super) fn close_container(&mut self, f: &Functions<'_>, command: &CloseContainer) -> Answer {
        let handle = self.container(command.application, command.container)?;
        self.containers.retain(|open| open.id != command.container);
        f.SKF_CloseContainer(handle)?;
        NOTHING
    }

    pub(super) fn enum_containers(&mut self, f: &Functions<'_>, command: &EnumContainer) -> Answer {
        let application = self.application(command.application)?;
        self.name_list(&names(f, |list| f.SKF_EnumContainer(application, list))?)
    }

    pub(super) fn delete_container(&mut self, f: &Functions<'_>, command: &DeleteContainer<'_>) -> Answer {
        let application = self.application(command.application)?;
        let deleted = f.SKF_DeleteContainer(application, c_str(&text(command.name)?)?);
        deleted.map_err(|stop| self.unless_container(f, stop.into(), application, command.name))?;
        let call = f.last_call();
        let is_it =
            |open: &mut Container| open.application == command.application && open.name == command.name;
        for container in self.containers.extract_if(.., is_it) {
            // What it was is gone; its handle may still want to be given back.
            let _ = f.SKF_CloseContainer(container.handle);
        }
        f.blame(call);
        NOTHING
    }

    pub(super) fn container_info(&mut self, f: &Functions<'_>, command: &GetContainerInfo<'_>) -> Answer {
        let application = self.application(command.application)?;
        let open = self.open_one(command.application, command.name).map(|open| open.handle);
        let container = match open {
            Some(handle) => handle,
            None => {
                let mut handle = Room::of_handle();
                let opened = f.SKF_OpenContainer(application, c_str(&text(command.name)?)?, &mut handle);
                opened.map_err(|stop| self.unless_container(f, stop.into(), application, command.name))?;
                handle.handle()
            }
        };
        let info = self.look_into(f, container);
        if open.is_none() {
            let call = f.last_call();
            let _ = f.SKF_CloseContainer(container);
            f.blame(call);
        }
        let info = info?;
        self.encoded(ContainerInfo::SIZE.into(), |writer| info.write(writer))
    }

    fn look_into(&self, f: &Functions<'_>, container: HANDLE) -> Answer<ContainerInfo> {
        let mut kind = Room::of_number(0);
        f.SKF_GetContainerType(container, &mut kind)?;
        let kind = kind.number();
        let kind = u8::try_from(kind).map_err(|_| f.garbage(format!("gave a container of type {kind}")))?;
        let call = f.last_call();
        let bits = |key_use| match self.key_of(f, container, key_use) {
            Ok(_) => Ok(SM2_BITS),
            Err(no) if no.sar().is_some() => Ok(0),
            Err(no) => Err(no),
        };
        let holds = |key_use| match self.certificate(f, container, key_use) {
            Ok(certificate) => Ok(!certificate.is_empty()),
            Err(No::Status(_)) => Ok(false),
            Err(no) if no.sar().is_some() => Ok(false),
            Err(no) => Err(no),
        };
        let is_ecc = kind == 2;
        let info = ContainerInfo {
            container_type: match kind {
                0 => ContainerType::Empty,
                1 => ContainerType::Rsa,
                2 => ContainerType::Ecc,
                other => ContainerType::Other(other),
            },
            sign_bits: if is_ecc { bits(KeyUse::Sign)? } else { 0 },
            encrypt_bits: if is_ecc { bits(KeyUse::Encrypt)? } else { 0 },
            sign_certificate: holds(KeyUse::Sign)?,
            encrypt_certificate: holds(KeyUse::Encrypt)?,
        };
        f.blame(call);
        Ok(info)
    }

    pub(super) fn import_certificate(
        &mut self,
        f: &Functions<'_>,
        command: &ImportCertificate<'_>,
    ) -> Answer {
        let container = self.container(command.application, command.container)?;
        f.SKF_ImportCertificate(container, command.key_use as u32, command.certificate)?;
        NOTHING
    }

    pub(super) fn export_certificate(&mut self, f: &Functions<'_>, command: &ExportCertificate) -> Answer {
        let container = self.container(command.application, command.container)?;
        let certificate = self.certificate(f, container, command.key_use)?;
        self.encoded(certificate.len(), |writer| Certificate(&certificate).write(writer))
    }

    fn certificate(&self, f: &Functions<'_>, container: HANDLE, key_use: KeyUse) -> Answer {
        let exported = asked(f, |room| f.SKF_ExportCertificate(container, key_use as u32, room));
        match exported.map_err(|no| no.means(&NO_CERTIFICATE, Status::NO_CERTIFICATE)) {
            Ok(certificate) if certificate.is_empty() => Err(Status::NO_CERTIFICATE.into()),
            exported => exported,
        }
    }

    /// Whether an application has a container of that name; the call before stays the one that decided.
    fn lists(&self, f: &Functions<'_>, application: HANDLE, name: &[u8]) -> Option<bool> {
        let call = f.last_call();
        let listed = names(f, |list| f.SKF_EnumContainer(application, list));
        f.blame(call);
        Some(listed.ok()?.iter().any(|own| own == name))
    }

    /// A refusal that comes of there being no such container, where that is so.
    fn unless_container(&self, f: &Functions<'_>, no: No, application: HANDLE, name: &[u8]) -> No {
        match no.sar() {
            Some(sar) if sar != Sar::USER_NOT_LOGGED_IN => match self.lists(f, application, name) {
                Some(false) => Status::NO_SUCH_CONTAINER_NAME.into(),
                _ => no,
            },
            _ => no,
        }
    }
}
