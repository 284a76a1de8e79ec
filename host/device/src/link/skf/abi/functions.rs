//! The functions of a library, called. This is the only file of the package that calls foreign code.
//!
//! Loading a library runs code of its maker, and calling it does: nothing here can make that safe, and a library that
//! writes where it was not told to, or crashes, takes this process with it. What can be done is done: every pointer that
//! goes there is to memory of this file's callers that lives as long as the call and has slack behind it ([`Room`]).
#![allow(unsafe_code, reason = "the border: each block says why it may")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr};
use std::sync::Arc;

use super::room::{Input, Room};
use super::types::{BLOCKCIPHERPARAM, BYTE, CHAR, ULONG};
use crate::link::skf::call::Call;
use crate::link::skf::fault::Fault;
use crate::link::skf::library::Progress;
use crate::link::skf::sar::Sar;

/// A handle: a pointer of the library's own, which nobody here follows.
#[allow(clippy::upper_case_acronyms, reason = "the standard's name")]
pub(crate) type HANDLE = usize;

/// A library in this process: where its functions are. They are looked for once: the loader has one lock for all, and
/// another library's constructor may keep it for ever.
#[derive(Debug)]
pub(crate) struct Loaded(BTreeMap<&'static str, usize>);

impl Loaded {
    /// Loads it; gives the loader's own word where that fails.
    pub(crate) fn load(file: &OsStr) -> Result<Loaded, String> {
        // SAFETY: its constructors run, which is what whoever names a library asks for.
        match unsafe { libloading::Library::new(file) } {
            // Never unloaded.
            Ok(library) => Ok(Loaded::of(Box::leak(Box::new(library)))),
            Err(libloading::Error::DlOpen { source }) => Err(source.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn of(library: &'static libloading::Library) -> Loaded {
        let address = |name: &'static str| {
            // SAFETY: the symbol is only looked for; an address is a number.
            let symbol = unsafe { library.get::<usize>(name) };
            symbol.ok().map(|symbol| (name, *symbol))
        };
        Loaded(NAMES.iter().copied().filter_map(address).collect())
    }

    /// Whether it has this function.
    pub(crate) fn has(&self, function: &str) -> bool {
        self.0.contains_key(function)
    }
}

/// Why a call gave nothing.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The library has no such function.
    Missing,
    /// The function refused, with this code.
    Refused(Sar),
    /// The library cannot be trusted.
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop::Fault(fault)
    }
}

/// The functions of a library, for a job on its thread.
pub(crate) struct Functions<'l> {
    loaded: &'l Loaded,
    library: &'l Arc<str>,
    progress: &'l Progress,
    last: RefCell<Option<Call>>,
}

impl<'l> Functions<'l> {
    pub(crate) fn new(loaded: &'l Loaded, library: &'l Arc<str>, progress: &'l Progress) -> Self {
        Functions { loaded, library, progress, last: RefCell::default() }
    }

    /// The library's file name.
    pub(crate) fn library(&self) -> &Arc<str> {
        self.library
    }

    /// The last call, and what it answered.
    pub(crate) fn last_call(&self) -> Option<Call> {
        self.last.borrow().clone()
    }

    /// Says that this call was the one that decided.
    pub(crate) fn blame(&self, call: Option<Call>) {
        *self.last.borrow_mut() = call;
    }

    /// Whether the library has this function.
    pub(crate) fn has(&self, function: &str) -> bool {
        self.loaded.has(function)
    }

    /// A fault of the last call.
    pub(crate) fn garbage(&self, what: impl ToString) -> Stop {
        let call = self.last_call();
        let (function, sar) = call.map_or(("", None), |call| (call.function, call.sar));
        Stop::Fault(Fault::Garbage {
            library: self.library.to_string(),
            function,
            sar: sar.unwrap_or(Sar::OK),
            what: what.to_string(),
        })
    }

    fn called(&self, function: &'static str, sar: Option<Sar>) {
        self.blame(Some(Call { library: Arc::clone(self.library), function, sar }));
    }

    /// Calls a function of this name and type; `call` gives it its arguments.
    fn call<F: Copy>(&self, function: &'static str, call: impl FnOnce(F) -> ULONG) -> Result<(), Stop> {
        const { assert!(size_of::<F>() == size_of::<usize>()) };
        let Some(address) = self.loaded.0.get(function) else {
            self.called(function, None);
            return Err(Stop::Missing);
        };
        // SAFETY: `F` is a pointer to a function, of the type that GM/T 0016 gives the one of this name (the list below),
        // and the address is that of the library's function of this name, which is never unloaded. A library that has
        // something else under the name is none of GM/T 0016.
        let function_of_it = unsafe { std::mem::transmute_copy::<usize, F>(address) };
        let sar = {
            let _under_way = self.progress.begins(function);
            Sar(call(function_of_it))
        };
        self.called(function, Some(sar));
        if sar == Sar::OK { Ok(()) } else { Err(Stop::Refused(sar)) }
    }

    fn overrun(&self, function: &'static str, room: &Room) -> Result<(), Stop> {
        if room.is_overrun() {
            return Err(Fault::Overrun { library: self.library.to_string(), function }.into());
        }
        Ok(())
    }
}

/// What a parameter is to safe code.
macro_rules! rust {
    (number) => { ULONG };
    (handle) => { HANDLE };
    (parameters) => { BLOCKCIPHERPARAM };
    (text) => { &CStr };
    (bytes) => { &[BYTE] };
    (structure) => { &[BYTE] };
    (perhaps) => { Option<&[BYTE]> };
    (out) => { &mut Room };
    (buffer) => { &mut Room };
}

/// What a parameter is in C, and what is given for it, one after the other.
macro_rules! c {
    ($self:ident $name:ident [] ($($type:ty,)*) ($($argument:expr,)*) ($($room:ident)*)) => {{
        let result = $self.call(stringify!($name), |function: unsafe extern "system" fn($($type),*) -> ULONG| {
            // SAFETY: the function has this type; every pointer is to memory that lives until the call is over, is as
            // long as the length beside it says, and has slack behind it.
            unsafe { function($($argument),*) }
        });
        // What was written where it must not be is said first, whatever the function answered.
        $($self.overrun(stringify!($name), $room)?;)*
        result
    }};
    ($self:ident $name:ident [$p:ident number, $($rest:tt)*] ($($t:tt)*) ($($a:tt)*) ($($r:tt)*)) => {
        c!($self $name [$($rest)*] ($($t)* ULONG,) ($($a)* $p,) ($($r)*))
    };
    ($self:ident $name:ident [$p:ident handle, $($rest:tt)*] ($($t:tt)*) ($($a:tt)*) ($($r:tt)*)) => {
        c!($self $name [$($rest)*] ($($t)* HANDLE,) ($($a)* $p,) ($($r)*))
    };
    ($self:ident $name:ident [$p:ident parameters, $($rest:tt)*] ($($t:tt)*) ($($a:tt)*) ($($r:tt)*)) => {
        c!($self $name [$($rest)*] ($($t)* BLOCKCIPHERPARAM,) ($($a)* $p,) ($($r)*))
    };
    ($self:ident $name:ident [$p:ident text, $($rest:tt)*] ($($t:tt)*) ($($a:tt)*) ($($r:tt)*)) => {
        c!($self $name [$($rest)*] ($($t)* *const CHAR,) ($($a)* $p.as_ptr().cast(),) ($($r)*))
    };
    ($self:ident $name:ident [$p:ident bytes, $($rest:tt)*] ($($t:tt)*) ($($a:tt)*) ($($r:tt)*)) => {
        c!($self $name [$($rest)*] ($($t)* *const BYTE, ULONG,)
            ($($a)* Input::new($p).pointer(), length($p),) ($($r)*))
    };
    ($self:ident $name:ident [$p:ident structure, $($rest:tt)*] ($($t:tt)*) ($($a:tt)*) ($($r:tt)*)) => {
        c!($self $name [$($rest)*] ($($t)* *const BYTE,) ($($a)* Input::new($p).pointer(),) ($($r)*))
    };
    ($self:ident $name:ident [$p:ident perhaps, $($rest:tt)*] ($($t:tt)*) ($($a:tt)*) ($($r:tt)*)) => {
        c!($self $name [$($rest)*] ($($t)* *const BYTE,)
            ($($a)* $p.map(Input::new).as_ref().map_or(std::ptr::null(), Input::pointer),) ($($r)*))
    };
    ($self:ident $name:ident [$p:ident out, $($rest:tt)*] ($($t:tt)*) ($($a:tt)*) ($($r:tt)*)) => {
        c!($self $name [$($rest)*] ($($t)* *mut BYTE,) ($($a)* $p.pointer(),) ($($r)* $p))
    };
    ($self:ident $name:ident [$p:ident buffer, $($rest:tt)*] ($($t:tt)*) ($($a:tt)*) ($($r:tt)*)) => {
        c!($self $name [$($rest)*] ($($t)* *mut BYTE, *mut ULONG,)
            ($($a)* $p.pointer(), $p.length_pointer(),) ($($r)* $p))
    };
}

fn length(bytes: &[BYTE]) -> ULONG {
    ULONG::try_from(bytes.len()).unwrap_or(ULONG::MAX)
}

/// Functions by their prototypes. A `text` ends with NUL; `bytes` are a pointer and a length; a `structure` is the bytes
/// of one that comes in, `perhaps` the same or NULL; an `out` is where a structure, a number or a handle goes, a `buffer`
/// the same with a length that says how long it is and becomes how much there is.
macro_rules! functions {
    ($(fn $name:ident($($p:ident: $kind:tt),* $(,)?);)+) => {
        /// Every function that is called here, some of them none of the standard's.
        pub const NAMES: &[&str] = &[$(stringify!($name)),+];

        #[allow(non_snake_case, reason = "the standard's names")]
        #[allow(clippy::too_many_arguments, reason = "the standard's parameters")]
        impl Functions<'_> {
            $(pub(crate) fn $name(&self, $($p: rust!($kind)),*) -> Result<(), Stop> {
                c!(self $name [$($p $kind,)*] () () ())
            })+
        }
    };
}

functions! {
    fn SKF_EnumDev(present: number, names: buffer);
    fn SKF_ConnectDev(name: text, device: out);
    fn SKF_DisConnectDev(device: handle);
    fn SKF_GetDevState(name: text, state: out);
    fn SKF_SetLabel(device: handle, label: text);
    fn SKF_GetDevInfo(device: handle, info: out);
    fn SKF_LockDev(device: handle, milliseconds: number);
    fn SKF_UnlockDev(device: handle);
    fn SKF_Transmit(device: handle, command: bytes, answer: buffer);

    fn SKF_ChangeDevAuthKey(device: handle, key: bytes);
    fn SKF_DevAuth(device: handle, cryptogram: bytes);
    fn SKF_ChangePIN(application: handle, pin_type: number, old: text, new: text, retries: out);
    fn SKF_GetPINInfo(application: handle, pin_type: number, most: out, left: out, is_default: out);
    fn SKF_VerifyPIN(application: handle, pin_type: number, pin: text, retries: out);
    fn SKF_UnblockPIN(application: handle, admin: text, new: text, retries: out);
    fn SKF_ClearSecureState(application: handle);

    fn SKF_CreateApplication(
        device: handle, name: text, admin: text, admin_tries: number, user: text, user_tries: number,
        create_file: number, application: out,
    );
    fn SKF_EnumApplication(device: handle, names: buffer);
    fn SKF_DeleteApplication(device: handle, name: text);
    fn SKF_OpenApplication(device: handle, name: text, application: out);
    fn SKF_CloseApplication(application: handle);

    fn SKF_CreateFile(application: handle, name: text, size: number, read: number, write: number);
    fn SKF_DeleteFile(application: handle, name: text);
    fn SKF_EnumFiles(application: handle, names: buffer);
    fn SKF_GetFileInfo(application: handle, name: text, info: out);
    fn SKF_ReadFile(application: handle, name: text, offset: number, size: number, data: buffer);
    fn SKF_WriteFile(application: handle, name: text, offset: number, data: bytes);

    fn SKF_CreateContainer(application: handle, name: text, container: out);
    fn SKF_DeleteContainer(application: handle, name: text);
    fn SKF_OpenContainer(application: handle, name: text, container: out);
    fn SKF_CloseContainer(container: handle);
    fn SKF_EnumContainer(application: handle, names: buffer);
    fn SKF_GetContainerType(container: handle, kind: out);
    fn SKF_ImportCertificate(container: handle, sign: number, certificate: bytes);
    fn SKF_ExportCertificate(container: handle, sign: number, certificate: buffer);

    fn SKF_GenRandom(device: handle, random: out, count: number);
    fn SKF_GenECCKeyPair(container: handle, algorithm: number, key: out);
    fn SKF_ImportECCKeyPair(container: handle, envelope: structure);
    fn SKF_ECCSignData(container: handle, digest: bytes, signature: out);
    fn SKF_ECCVerify(device: handle, key: structure, digest: bytes, signature: structure);
    fn SKF_ExtECCVerify(device: handle, key: structure, digest: bytes, signature: structure);
    fn SKF_ExtECCEncrypt(device: handle, key: structure, plaintext: bytes, cipher: out);
    fn SKF_ExtECCDecrypt(device: handle, key: structure, cipher: structure, plaintext: buffer);
    fn SKF_ExtECCSign(device: handle, key: structure, digest: bytes, signature: out);
    fn SKF_ExportPublicKey(container: handle, sign: number, key: buffer);

    fn SKF_ECCExportSessionKey(container: handle, algorithm: number, key: structure, cipher: out, session_key: out);
    fn SKF_ECCExportSessionKeyByHandle(session_key: handle, key: structure, cipher: out);
    fn SKF_ImportSessionKey(container: handle, algorithm: number, cipher: bytes, session_key: out);
    fn SKF_SetSymmKey(device: handle, key: structure, algorithm: number, session_key: out);
    fn SKF_GenerateAgreementDataWithECC(
        container: handle, algorithm: number, temporary: out, id: bytes, agreement: out,
    );
    fn SKF_GenerateAgreementDataAndKeyWithECC(
        container: handle, algorithm: number, sponsor: structure, sponsor_temporary: structure, temporary: out,
        id: bytes, sponsor_id: bytes, session_key: out,
    );
    fn SKF_GenerateKeyWithECC(
        agreement: handle, responder: structure, responder_temporary: structure, id: bytes, session_key: out,
    );

    fn SKF_EncryptInit(key: handle, given: parameters);
    fn SKF_Encrypt(key: handle, data: bytes, encrypted: buffer);
    fn SKF_EncryptUpdate(key: handle, data: bytes, encrypted: buffer);
    fn SKF_EncryptFinal(key: handle, encrypted: buffer);
    fn SKF_DecryptInit(key: handle, given: parameters);
    fn SKF_Decrypt(key: handle, encrypted: bytes, data: buffer);
    fn SKF_DecryptUpdate(key: handle, encrypted: bytes, data: buffer);
    fn SKF_DecryptFinal(key: handle, data: buffer);

    fn SKF_DigestInit(device: handle, algorithm: number, key: perhaps, id: bytes, digest: out);
    fn SKF_Digest(digest: handle, data: bytes, value: buffer);
    fn SKF_DigestUpdate(digest: handle, data: bytes);
    fn SKF_DigestFinal(digest: handle, value: buffer);

    fn SKF_MacInit(key: handle, given: structure, mac: out);
    fn SKF_Mac(mac: handle, data: bytes, value: buffer);
    fn SKF_MacUpdate(mac: handle, data: bytes);
    fn SKF_MacFinal(mac: handle, value: buffer);
    fn SKF_CloseHandle(handle: handle);

    fn UKEY_IsSimulated(name: text, is_simulated: out);
    fn UKEY_Unplug(name: text);
    fn UKEY_UnplugAfter(name: text, exchanges: number);
    fn UKEY_PlugIn(name: text);
}
