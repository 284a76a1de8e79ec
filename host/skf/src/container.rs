//! Containers (GM/T 0016-2012 clause 7.5).

use std::sync::Arc;

use self_cell::self_cell;
use ukey_device::{Application as Opened, Container as OnDevice, ContainerType, KeyUse};

use crate::abi::exports;
use crate::abi::pointer::{Buffer, Handle, In, Out, Text};
use crate::abi::types::{BOOL, BYTE, CHAR, HAPPLICATION, HCONTAINER, ULONG};
use crate::application::{Application, closed};
use crate::connection::Connection;
use crate::handle::{self, InDevice, Object};
use crate::open::Id;
use crate::sar::{Result, Sar};

/// Longest name of a container, in bytes.
const LONGEST_NAME: usize = 64;

exports! {
    /// Creates a container and opens it. Wants the user PIN.
    fn SKF_CreateContainer(hApplication: HAPPLICATION, szContainerName: Text, phContainer: Out<HCONTAINER>) {
        let application = hApplication.application()?;
        let place = phContainer.place()?;
        let name = szContainerName.name(LONGEST_NAME)?;
        place.put(open(Arc::clone(&application), hApplication, name, |application| application.create_container(name))?);
        Ok(())
    }

    /// Deletes a container with its keys and certificates. Wants the user PIN.
    fn SKF_DeleteContainer(hApplication: HAPPLICATION, szContainerName: Text) {
        let application = hApplication.application()?;
        let name = szContainerName.name(LONGEST_NAME)?;
        application.did(application.get().delete_container(name))?;
        application.connection().live()?.open().delete(application.id, name);
        Ok(())
    }

    /// Opens a container.
    fn SKF_OpenContainer(hApplication: HAPPLICATION, szContainerName: Text, phContainer: Out<HCONTAINER>) {
        let application = hApplication.application()?;
        let place = phContainer.place()?;
        let name = szContainerName.name(LONGEST_NAME)?;
        place.put(open(Arc::clone(&application), hApplication, name, |application| application.open_container(name))?);
        Ok(())
    }

    /// Closes a container; also one whose application was closed before.
    fn SKF_CloseContainer(hContainer: HCONTAINER) {
        let is_one = |object: &Object| matches!(object, Object::Container(_) | Object::ClosedContainer);
        let _turn = hContainer.closing()?;
        for object in hContainer.close(is_one)? {
            if let Object::Container(container) = object {
                container.close()?;
            }
        }
        Ok(())
    }

    /// The names of the containers.
    fn SKF_EnumContainer(hApplication: HAPPLICATION, szContainerName: Out<CHAR>, pulSize: Out<ULONG>) {
        let application = hApplication.application()?;
        let list = Buffer::new(szContainerName, pulSize)?;
        let names = application.did(application.get().containers())?;
        list.fill_names(names.iter().map(String::as_str))
    }

    /// What a container holds: 0 nothing yet, 1 RSA, 2 SM2.
    fn SKF_GetContainerType(hContainer: HCONTAINER, pulContainerType: Out<ULONG>) {
        let container = hContainer.container()?;
        let place = pulContainerType.place()?;
        place.put(match container.did(container.get().info())?.container_type {
            ContainerType::Empty => 0,
            ContainerType::Rsa => 1,
            ContainerType::Ecc => 2,
            ContainerType::Other(other) => other.into(),
        });
        Ok(())
    }

    /// Stores the certificate of the sign pair (TRUE) or of the encryption pair. Wants the user PIN.
    fn SKF_ImportCertificate(hContainer: HCONTAINER, bSignFlag: BOOL, pbCert: In<BYTE>, ulCertLen: ULONG) {
        let container = hContainer.container()?;
        let certificate = pbCert.bytes(ulCertLen)?;
        if certificate.is_empty() {
            return Err(Sar::INDATALENERR.into());
        }
        container.did(container.get().import_certificate(key_use(bSignFlag), certificate))
    }

    /// The certificate of the sign pair (TRUE) or of the encryption pair.
    fn SKF_ExportCertificate(hContainer: HCONTAINER, bSignFlag: BOOL, pbCert: Out<BYTE>, pulCertLen: Out<ULONG>) {
        let container = hContainer.container()?;
        let buffer = Buffer::new(pbCert, pulCertLen)?;
        let certificate = container.did(container.get().export_certificate(key_use(bSignFlag)))?;
        buffer.fill(&certificate.ok_or(Sar::CERTNOTFOUNTERR)?)
    }
}

/// Of which pair: TRUE of the sign pair.
pub(crate) fn key_use(sign: BOOL) -> KeyUse {
    if sign == 0 { KeyUse::Encrypt } else { KeyUse::Sign }
}

self_cell! {
    struct Cell {
        owner: Arc<Application>,
        #[covariant]
        dependent: OnDevice,
    }
}

/// What a container handle stands for.
pub(crate) struct Container {
    cell: Cell,
    id: Id,
}

fn open(
    application: Arc<Application>,
    handle: Handle,
    name: &str,
    get: impl for<'d> FnOnce(&Opened<'d>) -> ukey_device::Result<OnDevice<'d>>,
) -> Result<Handle> {
    // Opening and counting are one step: nobody's closing comes between.
    let live = Arc::clone(application.connection().live()?);
    let mut open = live.open();
    let parent = application.id;
    let cell = Cell::try_new(application, |application| application.did(get(application.get())))?;
    let container = Arc::new(Container { cell, id: open.add(parent, name) });
    drop(open);
    let added = handle::add(Object::Container(Arc::clone(&container)), handle);
    // The application was closed meanwhile.
    added.inspect_err(|_| drop(container.close()))
}

impl InDevice for Container {
    fn connection(&self) -> &Arc<Connection> {
        self.application().connection()
    }

    fn check(&self) -> Result {
        self.application().check()?;
        let exists = self.connection().live()?.open().exists(self.id);
        if exists { Ok(()) } else { Err(Sar::INVALIDPARAMERR.into()) }
    }
}

impl Container {
    /// The container.
    pub(crate) fn get(&self) -> &OnDevice<'_> {
        self.cell.borrow_dependent()
    }

    /// The application it is in.
    pub(crate) fn application(&self) -> &Application {
        self.cell.borrow_owner()
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
