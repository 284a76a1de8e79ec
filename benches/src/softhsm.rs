//! SoftHSM2 as a peer, from `libsofthsm2.so` at run time: a software token with its state in files, behind PKCS#11.
//!
//! What makes it sound: the signatures are those of PKCS#11 2.40; buffers are as long as they say; the library stays
//! loaded, and initialised, as long as [`SoftHsm`].
#![allow(unsafe_code, reason = "a foreign library")]

use std::ffi::{c_uchar, c_ulong, c_void};
use std::fmt;
use std::path::Path;
use std::ptr::null_mut;

use libloading::Library;

/// Where distributions put it.
const NAMES: [&str; 4] = [
    "libsofthsm2.so",
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
];

/// The library is not there, or lacks a function.
#[derive(Debug)]
pub struct Missing(libloading::Error);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftHSM2 is left out: {} (package softhsm2 of Debian, softhsm of Fedora)", self.0)
    }
}

impl std::error::Error for Missing {}

macro_rules! functions {
    ($($name:ident: fn($($argument:ty),*);)+) => {
        #[allow(non_snake_case, reason = "names of PKCS#11")]
        struct Functions {
            $($name: unsafe extern "C" fn($($argument),*) -> c_ulong,)+
        }

        impl Functions {
            fn load(library: &Library) -> Result<Self, libloading::Error> {
                // SAFETY: the signatures are those of PKCS#11; the pointers are kept beside the library.
                unsafe { Ok(Self { $($name: *library.get(concat!(stringify!($name), "\0"))?,)+ }) }
            }
        }
    };
}

functions! {
    C_Initialize: fn(*mut c_void);
    C_Finalize: fn(*mut c_void);
    C_GetSlotList: fn(c_uchar, *mut c_ulong, *mut c_ulong);
    C_InitToken: fn(c_ulong, *const c_uchar, c_ulong, *const c_uchar);
    C_OpenSession: fn(c_ulong, c_ulong, *mut c_void, *mut c_void, *mut c_ulong);
    C_InitPIN: fn(c_ulong, *const c_uchar, c_ulong);
    C_Login: fn(c_ulong, c_ulong, *const c_uchar, c_ulong);
    C_Logout: fn(c_ulong);
}

const OFFICER: c_ulong = 0;
const USER: c_ulong = 1;
/// CKF_RW_SESSION and CKF_SERIAL_SESSION.
const SESSION: c_ulong = 6;
const OFFICERS_PIN: &[u8; 8] = b"87654321";

/// A token of SoftHSM2 with a user PIN.
#[allow(missing_debug_implementations, reason = "function pointers")]
pub struct SoftHsm {
    functions: Functions,
    session: c_ulong,
    _library: Library,
}

impl SoftHsm {
    /// A new token, with its state in this folder.
    ///
    /// # Errors
    /// [`Missing`], whose text says which package brings it.
    ///
    /// # Panics
    /// Where the folder cannot be written.
    pub fn new(folder: &Path) -> Result<Self, Missing> {
        // SAFETY: its initialisation has no preconditions.
        let load = |name: &&str| unsafe { Library::new(*name) };
        let mut found = NAMES.iter().map(load);
        let first = found.next().expect("names");
        let library = first.or_else(|error| found.find_map(Result::ok).ok_or(error)).map_err(Missing)?;
        let functions = Functions::load(&library).map_err(Missing)?;
        let (configuration, tokens) = (folder.join("softhsm2.conf"), folder.join("tokens"));
        std::fs::create_dir_all(&tokens).expect("a folder");
        let text = format!("directories.tokendir = {}\nobjectstore.backend = file\n", tokens.display());
        std::fs::write(&configuration, text).expect("a file");
        // SAFETY: benchmarks and their tests come here before they start a thread.
        unsafe { std::env::set_var("SOFTHSM2_CONF", &configuration) };
        let mut this = Self { functions, session: 0, _library: library };
        let of = &this.functions;
        let (mut slots, mut count, mut session) = ([0; 8], 8, 0);
        let length = 8;
        // SAFETY: eight slots, labels of 32 bytes, PINs of 8.
        unsafe {
            done((of.C_Initialize)(null_mut()));
            done((of.C_GetSlotList)(0, slots.as_mut_ptr(), &raw mut count));
            done((of.C_InitToken)(slots[0], OFFICERS_PIN.as_ptr(), length, [b'b'; 32].as_ptr()));
            // It is in another slot now.
            count = 8;
            done((of.C_GetSlotList)(1, slots.as_mut_ptr(), &raw mut count));
            done((of.C_OpenSession)(slots[0], SESSION, null_mut(), null_mut(), &raw mut session));
            done((of.C_Login)(session, OFFICER, OFFICERS_PIN.as_ptr(), length));
            done((of.C_InitPIN)(session, crate::PIN.as_ptr(), length));
            done((of.C_Logout)(session));
        }
        this.session = session;
        Ok(this)
    }

    /// C_Login and C_Logout; whether the PIN was right.
    #[must_use]
    pub fn log_in_and_out(&self, pin: &[u8; 8]) -> bool {
        // SAFETY: the session is open, the PIN has 8 bytes.
        unsafe {
            (self.functions.C_Login)(self.session, USER, pin.as_ptr(), 8) == 0
                && (self.functions.C_Logout)(self.session) == 0
        }
    }
}

impl Drop for SoftHsm {
    fn drop(&mut self) {
        // SAFETY: it was initialised.
        unsafe { (self.functions.C_Finalize)(null_mut()) };
    }
}

fn done(code: c_ulong) {
    assert_eq!(code, 0, "{code:X}");
}
