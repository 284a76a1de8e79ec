//! `libukey_skf.so` as a program in C calls it: by name, through pointers.
//!
//! What makes it sound: the signatures are those of `host/skf/include/ukey_skf.h`; buffers are as long as it says; the
//! library stays loaded as long as its functions are there.
#![allow(unsafe_code, reason = "a library of C")]

use std::ffi::CString;
use std::path::PathBuf;

use libloading::Library;
use ukey_apdu::pin::DeviceKey;

/// A handle.
type Handle = usize;

macro_rules! functions {
    ($($name:ident: fn($($argument:ty),*);)+) => {
        #[allow(non_snake_case, reason = "the standard's names")]
        struct Functions {
            $($name: unsafe extern "C" fn($($argument),*) -> u32,)+
        }

        impl Functions {
            fn load(library: &Library) -> Result<Self, libloading::Error> {
                // SAFETY: the signatures are those of the header; the pointers are kept beside the library.
                unsafe { Ok(Self { $($name: *library.get(concat!(stringify!($name), "\0"))?,)+ }) }
            }
        }
    };
}

functions! {
    SKF_ConnectDev: fn(*const i8, *mut Handle);
    SKF_GenRandom: fn(Handle, *mut u8, u32);
    SKF_DevAuth: fn(Handle, *const u8, u32);
    SKF_CreateApplication: fn(Handle, *const u8, *const u8, u32, *const u8, u32, u32, *mut Handle);
    SKF_VerifyPIN: fn(Handle, u32, *const u8, *mut u32);
    SKF_CreateContainer: fn(Handle, *const u8, *mut Handle);
    SKF_GenECCKeyPair: fn(Handle, u32, *mut u8);
    SKF_ECCSignData: fn(Handle, *const u8, u32, *mut u8);
    SKF_ECCVerify: fn(Handle, *const u8, *const u8, u32, *const u8);
}

const SGD_SM2_1: u32 = 0x0002_0200;
const USER: u32 = 1;

/// The library that `UKEY_SKF_LIBRARY` names, or that beside this program, where cargo puts it.
fn path() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("UKEY_SKF_LIBRARY") {
        return Some(named.into());
    }
    let name = libloading::library_filename("ukey_skf");
    let program = std::env::current_exe().ok()?;
    program.ancestors().skip(1).take(2).map(|folder| folder.join(&name)).find(|path| path.exists())
}

/// The loaded library.
#[allow(missing_debug_implementations, reason = "function pointers")]
pub struct Skf {
    functions: Functions,
    _library: Library,
}

impl Skf {
    /// Loads it, with these targets for devices.
    ///
    /// # Panics
    /// Where cargo has not built it.
    #[must_use]
    pub fn load(targets: &str) -> Self {
        // SAFETY: benchmarks and their tests come here before they start a thread.
        unsafe { std::env::set_var("UKEY_SKF_TARGETS", targets) };
        let path = path().expect("cargo builds the library beside its benchmarks");
        // SAFETY: it has no constructors.
        let library = unsafe { Library::new(path) }.expect("a library");
        Self { functions: Functions::load(&library).expect("all functions"), _library: library }
    }

    /// A device with an application, whose user is logged in, and a container with a sign pair.
    #[must_use]
    pub fn device(&self, target: &str) -> SkfToken<'_> {
        let of = &self.functions;
        let name = CString::new(target).expect("no NUL");
        let (mut device, mut application, mut container) = (0, 0, 0);
        let (mut challenge, mut public_key) = ([0; 16], [0; 132]);
        let (pin, admin) = (c"12345678".to_bytes_with_nul(), c"87654321".to_bytes_with_nul());
        // SAFETY: texts end with NUL; buffers have the sizes of the header.
        unsafe {
            done((of.SKF_ConnectDev)(name.as_ptr().cast(), &raw mut device));
            done((of.SKF_GenRandom)(device, challenge.as_mut_ptr(), 16));
            let cryptogram = DeviceKey(*b"1234567812345678").cryptogram(&challenge);
            done((of.SKF_DevAuth)(device, cryptogram.as_ptr(), 16));
            let (create, name) = (of.SKF_CreateApplication, c"UKEY".to_bytes_with_nul());
            let place = &raw mut application;
            done(create(device, name.as_ptr(), admin.as_ptr(), 10, pin.as_ptr(), 10, 0x10, place));
            done((of.SKF_VerifyPIN)(application, USER, pin.as_ptr(), &mut 0));
            done((of.SKF_CreateContainer)(application, c"BENCH".as_ptr().cast(), &raw mut container));
            done((of.SKF_GenECCKeyPair)(container, SGD_SM2_1, public_key.as_mut_ptr()));
        }
        SkfToken { of, device, application, container, public_key }
    }
}

fn done(code: u32) {
    assert_eq!(code, 0, "{code:08X}");
}

/// A token behind the library.
#[allow(missing_debug_implementations, reason = "function pointers")]
pub struct SkfToken<'l> {
    of: &'l Functions,
    device: Handle,
    application: Handle,
    container: Handle,
    public_key: [u8; 132],
}

impl SkfToken<'_> {
    /// SKF_ECCSignData.
    #[must_use]
    pub fn sign(&self) -> [u8; 128] {
        let mut signature = [0; 128];
        // SAFETY: a digest of 32 bytes, a signature of 128.
        done(unsafe {
            (self.of.SKF_ECCSignData)(self.container, crate::DIGEST.as_ptr(), 32, signature.as_mut_ptr())
        });
        signature
    }

    /// Whether that is a signature of the digest: SKF_ECCVerify.
    #[must_use]
    pub fn accepts(&self, digest: &[u8; 32], signature: &[u8; 128]) -> bool {
        let key = self.public_key.as_ptr();
        // SAFETY: a key of 132 bytes, a digest of 32, a signature of 128.
        unsafe { (self.of.SKF_ECCVerify)(self.device, key, digest.as_ptr(), 32, signature.as_ptr()) == 0 }
    }

    /// SKF_VerifyPIN; the tries that are left after a wrong one.
    ///
    /// # Errors
    /// For a wrong PIN.
    pub fn verify_pin(&self, pin: &[u8; 8]) -> Result<(), u32> {
        let (mut text, mut left) = ([0; 9], 0);
        text[..8].copy_from_slice(pin);
        // SAFETY: the text ends with NUL.
        match unsafe { (self.of.SKF_VerifyPIN)(self.application, USER, text.as_ptr(), &raw mut left) } {
            0 => Ok(()),
            _ => Err(left),
        }
    }
}
