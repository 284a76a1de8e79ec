//! Session keys: how they come and go (GM/T 0016-2012 clause 7.6). What they do is next door, in `cipher` and `mac`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self_cell::self_cell;
use ukey_device::{KeyUse, SealedKey, SessionKey as OnDevice};

use crate::abi::blob::{cipher, put_cipher};
use crate::abi::exports;
use crate::abi::pointer::{Handle, In, Out};
use crate::abi::types::{BYTE, ECCCIPHERBLOB, ECCPUBLICKEYBLOB, HANDLE, HCONTAINER, ULONG};
use crate::agreement::Agreement;
use crate::application::closed;
use crate::cipher::Operation;
use crate::connection::Connection;
use crate::container::Container;
use crate::handle::{self, InDevice, Object};
use crate::sar::{Result, Sar};

exports! {
    /// Makes a session key, and seals it for a public key. Wants the user PIN. There has to be room for 164 bytes and
    /// the key.
    fn SKF_ECCExportSessionKey(
        hContainer: HCONTAINER,
        ulAlgId: ULONG,
        pPubKey: In<ECCPUBLICKEYBLOB>,
        pData: Out<ECCCIPHERBLOB>,
        phSessionKey: Out<HANDLE>,
    ) {
        let container = hContainer.container()?;
        let (data, place) = (pData.place()?, phSessionKey.place()?);
        let public_key = pPubKey.value()?.key()?;
        let mut sealed: Option<SealedKey> = None;
        let key = SessionKey::of_container(Arc::clone(&container), ulAlgId, |container| {
            let (made, key) = container.did(container.get().export_session_key(ulAlgId, &public_key))?;
            sealed = Some(made);
            Ok(key)
        })?;
        let handle = key.add()?;
        put_cipher(data, &sealed.ok_or(Sar::FAIL)?)?;
        place.put(handle);
        Ok(())
    }

    /// Imports a session key that was sealed for the encryption pair of a container: an ECCCIPHERBLOB. Wants the user
    /// PIN.
    fn SKF_ImportSessionKey(
        hContainer: HCONTAINER,
        ulAlgId: ULONG,
        pbWrapedData: In<BYTE>,
        ulWrapedLen: ULONG,
        phKey: Out<HANDLE>,
    ) {
        let container = hContainer.container()?;
        let place = phKey.place()?;
        let sealed = cipher(pbWrapedData.bytes(ulWrapedLen)?)?;
        let key = SessionKey::of_container(Arc::clone(&container), ulAlgId, |container| {
            container.did(container.get().import_session_key(ulAlgId, &sealed))
        })?;
        place.put(key.add()?);
        Ok(())
    }
}

/// Functions of older editions and other libraries that clients look for.
pub(crate) mod extensions {
    use super::{
        Arc, BYTE, ECCCIPHERBLOB, ECCPUBLICKEYBLOB, HANDLE, HCONTAINER, In, KeyUse, Out, SessionKey, ULONG,
        exports, put_cipher,
    };
    use crate::abi::types::DEVHANDLE;

    /// Bytes of an SM4 key: the parameter that would tell has no place in the function.
    const KEY: ULONG = 16;

    exports! {
        /// Sets a session key of the device itself in clear: 16 bytes. Wants no right.
        fn SKF_SetSymmKey(hDev: DEVHANDLE, pbKey: In<BYTE>, ulAlgID: ULONG, phKey: Out<HANDLE>) {
            let device = hDev.device()?;
            let place = phKey.place()?;
            let value = pbKey.bytes(KEY)?;
            let key = SessionKey::of_device(Arc::clone(&device), hDev, ulAlgID, |device| {
                device.did(device.device()?.set_symmetric_key(ulAlgID, value))
            })?;
            place.put(key.add()?);
            Ok(())
        }

        /// Makes a session key in a container that has a sign pair; SKF_ECCExportSessionKeyByHandle seals it. Wants the
        /// user PIN.
        fn SKF_GenerateKey(hContainer: HCONTAINER, ulAlgId: ULONG, phSessionKey: Out<HANDLE>) {
            let container = hContainer.container()?;
            let place = phSessionKey.place()?;
            // The wire makes a key only to seal it: for the container itself then, and nobody gets to see it.
            let public_key = container.did(container.get().public_key(KeyUse::Sign))?;
            let key = SessionKey::of_container(Arc::clone(&container), ulAlgId, |container| {
                Ok(container.did(container.get().export_session_key(ulAlgId, &public_key))?.1)
            })?;
            place.put(key.add()?);
            Ok(())
        }

        /// Seals a session key for a public key. Wants the user PIN, and the key of a container. There has to be room
        /// for 164 bytes and the key.
        fn SKF_ECCExportSessionKeyByHandle(
            hSessionKey: HANDLE,
            pPubKey: In<ECCPUBLICKEYBLOB>,
            pData: Out<ECCCIPHERBLOB>,
        ) {
            let key = hSessionKey.session_key()?;
            let data = pData.place()?;
            let public_key = pPubKey.value()?.key()?;
            put_cipher(data, &key.did(key.get().export(&public_key))?)
        }
    }
}

/// What a session key came of.
pub(crate) enum Owner {
    Device(Arc<Connection>),
    Container(Arc<Container>),
    Agreement(Arc<Agreement>),
}

impl InDevice for SessionKey {
    fn connection(&self) -> &Arc<Connection> {
        match self.cell.borrow_owner() {
            Owner::Device(device) => device,
            Owner::Container(container) => container.connection(),
            Owner::Agreement(agreement) => agreement.connection(),
        }
    }

    fn check(&self) -> Result {
        match self.cell.borrow_owner() {
            Owner::Device(_) => Ok(()),
            Owner::Container(container) => container.check(),
            Owner::Agreement(agreement) => agreement.check(),
        }
    }
}

self_cell! {
    struct Cell {
        owner: Owner,
        #[covariant]
        dependent: OnDevice,
    }
}

/// What a session key's handle stands for.
pub(crate) struct SessionKey {
    cell: Cell,
    /// The device's handle.
    device: Handle,
    /// Its algorithm, which SKF_EncryptInit does not repeat.
    pub(crate) algorithm: ULONG,
    encryption: Mutex<Option<Operation>>,
    decryption: Mutex<Option<Operation>>,
}

/// How a key is made by what it comes of.
macro_rules! made_by {
    ($($name:ident, $kind:ident, $type:ty, $what:literal;)+) => {$(
        #[doc = $what]
        pub(crate) fn $name(
            owner: Arc<$type>,
            device: Handle,
            algorithm: ULONG,
            make: impl for<'d> FnOnce(&'d $type) -> Result<OnDevice<'d>>,
        ) -> Result<SessionKey> {
            let cell = Cell::try_new(Owner::$kind(owner), |owner| match owner {
                Owner::$kind(owner) => make(owner),
                _ => Err(Sar::FAIL.into()),
            })?;
            let operations = (Mutex::default(), Mutex::default());
            Ok(SessionKey { cell, device, algorithm, encryption: operations.0, decryption: operations.1 })
        }
    )+};
}

impl SessionKey {
    made_by! {
        of_device, Device, Connection, "One of the device itself.";
        in_container, Container, Container, "One of a container.";
        of_agreement, Agreement, Agreement, "One that was agreed on.";
    }

    /// One of a container.
    pub(crate) fn of_container(
        container: Arc<Container>,
        algorithm: ULONG,
        make: impl for<'d> FnOnce(&'d Container) -> Result<OnDevice<'d>>,
    ) -> Result<SessionKey> {
        let device = container.application().handle;
        SessionKey::in_container(container, device, algorithm, make)
    }

    /// Gives it a handle. A key that nobody can name is destroyed.
    pub(crate) fn add(self) -> Result<Handle> {
        let (device, key) = (self.device, Arc::new(self));
        handle::add(Object::SessionKey(Arc::clone(&key)), device).inspect_err(|_| drop(key.destroy()))
    }

    /// The key.
    pub(crate) fn get(&self) -> &OnDevice<'_> {
        self.cell.borrow_dependent()
    }

    /// The device's handle.
    pub(crate) fn device_handle(&self) -> Handle {
        self.device
    }

    /// What came of a command.
    pub(crate) fn did<T>(&self, result: ukey_device::Result<T>) -> Result<T> {
        self.connection().did(result)
    }

    /// The encryption that is under way.
    pub(crate) fn encryption(&self) -> MutexGuard<'_, Option<Operation>> {
        self.encryption.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The decryption that is under way.
    pub(crate) fn decryption(&self) -> MutexGuard<'_, Option<Operation>> {
        self.decryption.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Destroys it. What is gone in the token already is destroyed.
    pub(crate) fn destroy(&self) -> Result {
        if self.check().is_err() {
            return Ok(());
        }
        closed(self.did(self.get().clone().destroy()))
    }
}
