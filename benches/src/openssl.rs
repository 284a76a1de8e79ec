//! OpenSSL as a peer, from `libcrypto.so.3` at run time: nothing is linked, so the benchmarks also run without it.
//!
//! The only file with unsafe code. What makes it sound: the types below are those of OpenSSL 3's `evp.h`; the library
//! stays loaded as long as any [`OpenSsl`], which every other value borrows; each `EVP_*` object is made and freed by
//! one value; lengths of buffers are passed where OpenSSL writes.
#![allow(unsafe_code, reason = "a foreign library")]

use std::ffi::{CStr, c_char, c_int, c_uchar, c_void};
use std::fmt;
use std::ptr::{null, null_mut};

use libloading::Library;

const NAME: &str = "libcrypto.so.3";

/// The library is not there, or lacks a function.
#[derive(Debug)]
pub struct Missing(libloading::Error);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenSSL is left out: {} (package libssl3 of Debian, openssl-libs of Fedora)", self.0)
    }
}

impl std::error::Error for Missing {}

/// `EVP_PKEY`, `EVP_PKEY_CTX`, `EVP_CIPHER_CTX`, `EVP_CIPHER`, `EVP_MD`, `ENGINE`, `OSSL_LIB_CTX`: never looked into.
type Object = *mut c_void;

macro_rules! functions {
    ($($name:ident: fn($($argument:ty),*) $(-> $result:ty)?;)+) => {
        #[allow(non_snake_case, reason = "OpenSSL's names")]
        struct Functions {
            $($name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)+
        }

        impl Functions {
            fn load(library: &Library) -> Result<Self, libloading::Error> {
                // SAFETY: the signatures are those of evp.h; the pointers are kept beside the library.
                unsafe { Ok(Self { $($name: *library.get(concat!(stringify!($name), "\0"))?,)+ }) }
            }
        }
    };
}

functions! {
    OpenSSL_version: fn(c_int) -> *const c_char;
    EVP_PKEY_CTX_new_from_name: fn(Object, *const c_char, *const c_char) -> Object;
    EVP_PKEY_CTX_new: fn(Object, Object) -> Object;
    EVP_PKEY_CTX_free: fn(Object);
    EVP_PKEY_keygen_init: fn(Object) -> c_int;
    EVP_PKEY_generate: fn(Object, *mut Object) -> c_int;
    EVP_PKEY_free: fn(Object);
    EVP_PKEY_sign_init: fn(Object) -> c_int;
    EVP_PKEY_sign: fn(Object, *mut c_uchar, *mut usize, *const c_uchar, usize) -> c_int;
    EVP_PKEY_verify_init: fn(Object) -> c_int;
    EVP_PKEY_verify: fn(Object, *const c_uchar, usize, *const c_uchar, usize) -> c_int;
    EVP_sha1: fn() -> Object;
    EVP_Digest: fn(*const c_void, usize, *mut c_uchar, *mut u32, Object, Object) -> c_int;
    EVP_sm4_ecb: fn() -> Object;
    EVP_CIPHER_CTX_new: fn() -> Object;
    EVP_CIPHER_CTX_free: fn(Object);
    EVP_CIPHER_CTX_set_padding: fn(Object, c_int) -> c_int;
    EVP_EncryptInit_ex: fn(Object, Object, Object, *const c_uchar, *const c_uchar) -> c_int;
    EVP_EncryptUpdate: fn(Object, *mut c_uchar, *mut c_int, *const c_uchar, c_int) -> c_int;
}

/// The loaded library.
#[allow(missing_debug_implementations, reason = "function pointers")]
pub struct OpenSsl {
    functions: Functions,
    _library: Library,
}

impl OpenSsl {
    /// Loads it.
    ///
    /// # Errors
    /// [`Missing`], whose text says which package brings it.
    pub fn load() -> Result<Self, Missing> {
        // SAFETY: libcrypto's initialisation has no preconditions.
        let library = unsafe { Library::new(NAME) }.map_err(Missing)?;
        let functions = Functions::load(&library).map_err(Missing)?;
        Ok(Self { functions, _library: library })
    }

    /// Its name and version.
    #[must_use]
    pub fn version(&self) -> String {
        // SAFETY: 0 asks for a static, NUL-terminated text.
        let text = unsafe { CStr::from_ptr((self.functions.OpenSSL_version)(0)) };
        text.to_string_lossy().into_owned()
    }

    /// A source of SM2 key pairs.
    #[must_use]
    pub fn key_source(&self) -> KeySource<'_> {
        let of = &self.functions;
        // SAFETY: null contexts and property queries mean the default ones.
        let context = unsafe { (of.EVP_PKEY_CTX_new_from_name)(null_mut(), c"SM2".as_ptr(), null()) };
        assert!(!context.is_null(), "this OpenSSL knows no SM2");
        // SAFETY: the context was just made.
        assert_eq!(unsafe { (of.EVP_PKEY_keygen_init)(context) }, 1);
        KeySource { of, context }
    }

    /// SHA-1 of a zero-padded PIN, and its first 16 bytes as SM4 key over one block: the cryptogram of VerifyPin.
    #[must_use]
    pub fn cryptogram(&self, pin: &[u8; 16], block: &[u8; 16]) -> [u8; 16] {
        let of = &self.functions;
        // Room for a whole block more, as the documentation of EVP_EncryptUpdate asks.
        let (mut digest, mut out, mut length) = ([0; 20], [0; 32], 0);
        // SAFETY: SHA-1 writes 20 bytes; SM4 reads a key and one block of 16 and writes at most 32; the context is freed.
        unsafe {
            let sha1 = (of.EVP_sha1)();
            let data = pin.as_ptr().cast();
            assert_eq!((of.EVP_Digest)(data, 16, digest.as_mut_ptr(), null_mut(), sha1, null_mut()), 1);
            let context = (of.EVP_CIPHER_CTX_new)();
            let cipher = (of.EVP_sm4_ecb)();
            assert_eq!((of.EVP_EncryptInit_ex)(context, cipher, null_mut(), digest.as_ptr(), null()), 1);
            (of.EVP_CIPHER_CTX_set_padding)(context, 0);
            let done = (of.EVP_EncryptUpdate)(context, out.as_mut_ptr(), &raw mut length, block.as_ptr(), 16);
            (of.EVP_CIPHER_CTX_free)(context);
            assert_eq!((done, length), (1, 16));
        }
        let (cryptogram, _) = out.split_first_chunk::<16>().expect("32 bytes");
        *cryptogram
    }
}

/// Makes SM2 key pairs.
#[allow(missing_debug_implementations, reason = "pointers")]
pub struct KeySource<'l> {
    of: &'l Functions,
    context: Object,
}

impl<'l> KeySource<'l> {
    /// One more key pair.
    #[must_use]
    pub fn generate(&self) -> KeyPair<'l> {
        let mut key = null_mut();
        // SAFETY: the context was initialised for making keys; the key belongs to the value that is given back.
        assert_eq!(unsafe { (self.of.EVP_PKEY_generate)(self.context, &raw mut key) }, 1);
        KeyPair { of: self.of, key }
    }
}

impl Drop for KeySource<'_> {
    fn drop(&mut self) {
        // SAFETY: made by `key_source`, freed once.
        unsafe { (self.of.EVP_PKEY_CTX_free)(self.context) }
    }
}

/// An SM2 key pair.
#[allow(missing_debug_implementations, reason = "holds a secret")]
pub struct KeyPair<'l> {
    of: &'l Functions,
    key: Object,
}

impl<'l> KeyPair<'l> {
    /// Signs and verifies with it.
    #[must_use]
    pub fn signer(self) -> Signer<'l> {
        // SAFETY: a context counts its key's references; both live as long as the signer.
        let contexts = unsafe {
            let new = || (self.of.EVP_PKEY_CTX_new)(self.key, null_mut());
            let (sign, verify) = (new(), new());
            assert_eq!((self.of.EVP_PKEY_sign_init)(sign), 1);
            assert_eq!((self.of.EVP_PKEY_verify_init)(verify), 1);
            [sign, verify]
        };
        Signer { pair: self, contexts }
    }
}

impl Drop for KeyPair<'_> {
    fn drop(&mut self) {
        // SAFETY: made by `generate`, freed once.
        unsafe { (self.of.EVP_PKEY_free)(self.key) }
    }
}

/// Signs digests with one key pair.
#[allow(missing_debug_implementations, reason = "holds a secret")]
pub struct Signer<'l> {
    pair: KeyPair<'l>,
    contexts: [Object; 2],
}

impl Signer<'_> {
    /// The signature of a digest in DER, at most 72 bytes, and how many they are.
    #[must_use]
    pub fn sign(&self, digest: &[u8; 32]) -> ([u8; 80], usize) {
        let (mut out, mut length) = ([0; 80], 80);
        let [sign, _] = self.contexts;
        // SAFETY: the context was initialised for signing; `length` says how much room there is.
        let done = unsafe {
            let (out, length) = (out.as_mut_ptr(), &raw mut length);
            (self.pair.of.EVP_PKEY_sign)(sign, out, length, digest.as_ptr(), digest.len())
        };
        assert_eq!(done, 1);
        (out, length)
    }

    /// Whether this is a signature of the digest.
    #[must_use]
    pub fn accepts(&self, digest: &[u8; 32], signature: &[u8]) -> bool {
        let [_, verify] = self.contexts;
        let (length, of) = (signature.len(), self.pair.of);
        // SAFETY: the context was initialised for verifying; both lengths are those of the slices.
        unsafe {
            (of.EVP_PKEY_verify)(verify, signature.as_ptr(), length, digest.as_ptr(), digest.len()) == 1
        }
    }
}

impl Drop for Signer<'_> {
    fn drop(&mut self) {
        for context in self.contexts {
            // SAFETY: made by `signer`, freed once.
            unsafe { (self.pair.of.EVP_PKEY_CTX_free)(context) }
        }
    }
}
