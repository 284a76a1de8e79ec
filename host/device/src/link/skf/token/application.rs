//! Applications.

use ukey_apdu::Status;
use ukey_apdu::command::{
    AppId, ApplicationInfo, CloseApplication, CreateApplication, DeleteApplication, OpenApplication, Rights,
};

use super::{Answer, Application, NOTHING, No, Token, c_str, names, text};
use crate::link::skf::abi::functions::Functions;
use crate::link::skf::abi::room::Room;

impl Token {
    pub(super) fn enum_applications(&self, f: &Functions<'_>) -> Answer {
        self.name_list(&names(f, |list| f.SKF_EnumApplication(self.device, list))?)
    }

    pub(super) fn create_application(
        &mut self,
        f: &Functions<'_>,
        command: &CreateApplication<'_>,
    ) -> Answer {
        let (name, admin, user) =
            (text(command.name)?, text(command.admin_pin.as_bytes())?, text(command.user_pin.as_bytes())?);
        let mut handle = Room::of_handle();
        let created = f.SKF_CreateApplication(
            self.device,
            c_str(&name)?,
            c_str(&admin)?,
            command.admin_retries,
            c_str(&user)?,
            command.user_retries,
            command.create_file.0,
            &mut handle,
        );
        created.map_err(|stop| self.without_device_right(stop.into()))?;
        // It comes open; a token's is opened by a command of its own.
        let call = f.last_call();
        let _ = f.SKF_CloseApplication(handle.handle());
        f.blame(call);
        NOTHING
    }

    pub(super) fn delete_application(
        &mut self,
        f: &Functions<'_>,
        command: &DeleteApplication<'_>,
    ) -> Answer {
        let mut open = self.applications.iter();
        if let Some(id) = open.find(|open| open.name == command.name).map(|open| open.id) {
            self.close_all(f, id);
        }
        let name = text(command.name)?;
        let deleted = f.SKF_DeleteApplication(self.device, c_str(&name)?);
        deleted.map_err(|stop| {
            let no = self.without_device_right(stop.into());
            self.unless_application(f, no, command.name)
        })?;
        NOTHING
    }

    pub(super) fn open_application(&mut self, f: &Functions<'_>, command: &OpenApplication<'_>) -> Answer {
        let mut open = self.applications.iter();
        let id = match open.find(|open| open.name == command.name) {
            Some(open) => open.id,
            None => self.open(f, command.name)?,
        };
        let info = ApplicationInfo {
            // Not stated.
            create_file: Rights(u32::MAX),
            max_containers: 0,
            max_certificates: 0,
            max_files: 0,
            id,
        };
        self.encoded(ApplicationInfo::SIZE.into(), |writer| info.write(writer))
    }

    fn open(&mut self, f: &Functions<'_>, name: &[u8]) -> Answer<AppId> {
        let mut handle = Room::of_handle();
        let opened = f.SKF_OpenApplication(self.device, c_str(&text(name)?)?, &mut handle);
        opened.map_err(|stop| self.unless_application(f, stop.into(), name))?;
        let id = AppId(self.new_id());
        self.applications.push(Application { id, name: name.to_vec(), handle: handle.handle() });
        Ok(id)
    }

    pub(super) fn close_application(&mut self, f: &Functions<'_>, command: &CloseApplication) -> Answer {
        self.application(command.application)?;
        self.close_all(f, command.application);
        NOTHING
    }

    /// Closes an application and its containers. What the library has closed already is closed.
    fn close_all(&mut self, f: &Functions<'_>, id: AppId) {
        for container in self.containers.extract_if(.., |container| container.application == id) {
            let _ = f.SKF_CloseContainer(container.handle);
        }
        for application in self.applications.extract_if(.., |application| application.id == id) {
            let _ = f.SKF_CloseApplication(application.handle);
        }
    }

    /// A refusal that comes of there being no such application, where that is so; the call stays the one that decided.
    fn unless_application(&self, f: &Functions<'_>, no: No, name: &[u8]) -> No {
        if no.sar().is_none() {
            return no;
        }
        let call = f.last_call();
        let listed = names(f, |list| f.SKF_EnumApplication(self.device, list));
        f.blame(call);
        match listed {
            Ok(listed) if !listed.iter().any(|own| own == name) => Status::NO_SUCH_APPLICATION_NAME.into(),
            _ => no,
        }
    }
}
