//! Applications (GM/T 0016-2012 clause 7.3). The token counts no handles: the last one of this process closes it.

use std::sync::Arc;

use self_cell::self_cell;
use ukey_device::{Application as OnDevice, CreateApplication, Rights};

use crate::abi::exports;
use crate::abi::pointer::{Buffer, Handle, Out, Text};
use crate::abi::types::{CHAR, DEVHANDLE, DWORD, HAPPLICATION, ULONG};
use crate::access::pin;
use crate::connection::Connection;
use crate::handle::{self, InDevice, Object};
use crate::open::{DEVICE, Id};
use crate::sar::{Result, Sar};

/// Longest name of an application, in bytes.
const LONGEST_NAME: usize = 32;

/// Containers and files of a new application, where the token does not say how many it can have.
const CONTAINERS: u8 = 8;
const FILES: u16 = 8;

exports! {
    /// Creates an application with its PINs, their tries, and who may create files in it; opens it. Wants the device
    /// right (SKF_DevAuth).
    fn SKF_CreateApplication(
        hDev: DEVHANDLE,
        szAppName: Text,
        szAdminPin: Text,
        dwAdminPinRetryCount: DWORD,
        szUserPin: Text,
        dwUserPinRetryCount: DWORD,
        dwCreateFileRights: DWORD,
        phApplication: Out<HAPPLICATION>,
    ) {
        let device = hDev.device()?;
        let place = phApplication.place()?;
        let name = szAppName.name(LONGEST_NAME)?;
        let info = device.did(device.device()?.info())?;
        let stated = |count: u8| if count == 0 { CONTAINERS } else { count };
        let max_containers = stated(info.max_containers);
        device.did(device.device()?.create_application(&CreateApplication {
            name: name.as_bytes(),
            admin_pin: pin(&szAdminPin)?,
            admin_retries: dwAdminPinRetryCount,
            user_pin: pin(&szUserPin)?,
            user_retries: dwUserPinRetryCount,
            create_file: Rights(dwCreateFileRights),
            max_containers,
            max_certificates: max_containers.saturating_mul(2),
            max_files: if info.max_files == 0 { FILES } else { info.max_files },
        }))?;
        place.put(open(Arc::clone(&device), hDev, name)?);
        Ok(())
    }

    /// The names of the applications.
    fn SKF_EnumApplication(hDev: DEVHANDLE, szAppName: Out<CHAR>, pulSize: Out<ULONG>) {
        let device = hDev.device()?;
        let list = Buffer::new(szAppName, pulSize)?;
        let names = device.did(device.device()?.applications())?;
        list.fill_names(names.iter().map(String::as_str))
    }

    /// Deletes an application with all that is in it. Wants the device right (SKF_DevAuth).
    fn SKF_DeleteApplication(hDev: DEVHANDLE, szAppName: Text) {
        let device = hDev.device()?;
        let name = szAppName.name(LONGEST_NAME)?;
        device.did(device.device()?.delete_application(name))?;
        device.live()?.open().delete(DEVICE, name);
        Ok(())
    }

    /// Opens an application.
    fn SKF_OpenApplication(hDev: DEVHANDLE, szAppName: Text, phApplication: Out<HAPPLICATION>) {
        let device = hDev.device()?;
        let place = phApplication.place()?;
        place.put(open(Arc::clone(&device), hDev, szAppName.name(LONGEST_NAME)?)?);
        Ok(())
    }

    /// Closes an application. Its containers can be closed later, and used no more; rights stay.
    fn SKF_CloseApplication(hApplication: HAPPLICATION) {
        let _turn = hApplication.closing()?;
        let (application, containers) = hApplication.close_application()?;
        for container in containers {
            container.close()?;
        }
        application.close()
    }
}

self_cell! {
    struct Cell {
        owner: Arc<Connection>,
        #[covariant]
        dependent: OnDevice,
    }
}

/// What an application handle stands for.
pub(crate) struct Application {
    cell: Cell,
    /// The device's handle.
    pub(crate) handle: Handle,
    pub(crate) id: Id,
}

fn open(device: Arc<Connection>, handle: Handle, name: &str) -> Result<Handle> {
    // Opening and counting are one step: nobody's closing comes between.
    let live = Arc::clone(device.live()?);
    let mut open = live.open();
    let cell = Cell::try_new(device, |device| device.did(device.device()?.open_application(name)))?;
    let application = Arc::new(Application { cell, handle, id: open.add(DEVICE, name) });
    drop(open);
    let added = handle::add(Object::Application(Arc::clone(&application)), handle);
    // The device was disconnected meanwhile.
    added.inspect_err(|_| drop(application.close()))
}

impl InDevice for Application {
    fn connection(&self) -> &Arc<Connection> {
        self.cell.borrow_owner()
    }

    fn check(&self) -> Result {
        let exists = self.connection().live()?.open().exists(self.id);
        if exists { Ok(()) } else { Err(Sar::APPLICATION_NOT_EXISTS.into()) }
    }
}

impl Application {
    /// The application.
    pub(crate) fn get(&self) -> &OnDevice<'_> {
        self.cell.borrow_dependent()
    }

    /// What came of a command.
    pub(crate) fn did<T>(&self, result: ukey_device::Result<T>) -> Result<T> {
        self.connection().did(result)
    }

    /// One handle less; the last closes it in the token. What is gone there already is closed.
    pub(crate) fn close(&self) -> Result {
        let Ok(live) = self.connection().live() else { return Ok(()) };
        let mut open = live.open();
        if open.remove(self.id) { closed(self.did(self.get().clone().close())) } else { Ok(()) }
    }
}

/// What is no longer there is closed.
pub(crate) fn closed(result: Result) -> Result {
    match result {
        Err(failure)
            if [
                Sar::APPLICATION_NOT_EXISTS,
                Sar::INVALIDPARAMERR,
                Sar::KEYNOTFOUNTERR,
                Sar::DEVICE_REMOVED,
            ]
            .contains(&failure.sar) =>
        {
            Ok(())
        }
        result => result,
    }
}
