//! What the tests share: the library as a program loads it, and calls by name.
#![allow(
    dead_code,
    unused_macros,
    unused_imports,
    clippy::print_stdout,
    reason = "each test file uses its part"
)]

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use libloading::Library;
use ukey_skf::abi::types::{BLOCKCIPHERPARAM, ECCPRIVATEKEYBLOB, ECCPUBLICKEYBLOB};

pub(crate) const OK: u32 = 0;
pub(crate) const APPLICATION: &[u8] = b"UKEY\0";
pub(crate) const USER: &[u8] = b"12345678\0";
pub(crate) const ADMIN: &[u8] = b"87654321\0";
pub(crate) const WRONG: &[u8] = b"00000000\0";
/// The device authentication key from the factory, for `openssl` and our own SM4.
pub(crate) const FACTORY_KEY: &[u8; 16] = b"1234567812345678";

/// The library that cargo built beside this test.
pub(crate) fn path() -> PathBuf {
    let name = libloading::library_filename("ukey_skf");
    let test = std::env::current_exe().unwrap();
    let found = test.ancestors().skip(1).take(2).map(|folder| folder.join(&name)).find(|path| path.exists());
    found.expect("cargo builds the library beside its tests")
}

/// The library, with this many fresh tokens unless a test has named others.
pub(crate) const TOKENS: usize = 24;

pub(crate) fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        if std::env::var_os("UKEY_SKF_TARGETS").is_none() {
            // SAFETY: every test comes here first, and none reads the environment itself.
            unsafe { std::env::set_var("UKEY_SKF_TARGETS", vec!["sim"; TOKENS].join(";")) };
        }
        // SAFETY: the library has no constructors.
        unsafe { Library::new(path()).unwrap() }
    })
}

/// Calls a function of the library by its name.
macro_rules! skf {
    ($name:ident($($argument:expr),* $(,)?)) => {{
        // SAFETY: each test gives what the function's declaration says, or what it must refuse.
        unsafe {
            let function = $crate::common::library().get::<unsafe extern "system" fn($(skf!(@any $argument)),*) -> u32>(
                concat!(stringify!($name), "\0").as_bytes(),
            );
            (function.unwrap())($($argument),*)
        }
    }};
    (@any $argument:expr) => { _ };
}
pub(crate) use skf;

/// The names of a list that a call fills: a size query first, then the list.
pub(crate) fn list(call: impl Fn(*mut u8, *mut u32) -> u32) -> Vec<String> {
    let mut size = 0;
    assert_eq!(call(std::ptr::null_mut(), &raw mut size), OK);
    let mut bytes = vec![0xAA; size as usize];
    assert_eq!(call(bytes.as_mut_ptr(), &raw mut size), OK);
    assert_eq!((size as usize, bytes.ends_with(&[0, 0])), (bytes.len(), true));
    let names = bytes.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names.map(|name| String::from_utf8(name.to_vec()).unwrap()).collect()
}

/// The name of a token that no other test has, with its NUL.
pub(crate) fn token() -> Vec<u8> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let names = list(|bytes, size| skf!(SKF_EnumDev(1_u32, bytes, size)));
    let name = &names[NEXT.fetch_add(1, Ordering::SeqCst)];
    [name.as_bytes(), &[0]].concat()
}

/// Connects to a token.
pub(crate) fn connect(name: &[u8]) -> usize {
    let mut device = 0;
    assert_eq!(skf!(SKF_ConnectDev(name.as_ptr(), &raw mut device)), OK);
    assert_ne!(device, 0);
    device
}

/// What the last failure of this thread had to say.
pub(crate) fn last_error() -> String {
    let mut size = 0;
    assert_eq!(skf!(UKEY_LastError(std::ptr::null_mut::<u8>(), &raw mut size)), OK);
    let mut text = vec![0; size as usize];
    assert_eq!(skf!(UKEY_LastError(text.as_mut_ptr(), &raw mut size)), OK);
    text.pop();
    String::from_utf8(text).unwrap()
}

/// Proves the factory's device authentication key, as clients do: the challenge is encrypted by the token itself.
pub(crate) fn authenticate(device: usize) {
    assert_eq!(try_to_authenticate(device, FACTORY_KEY), OK, "{}", last_error());
}

pub(crate) fn try_to_authenticate(device: usize, key: &[u8; 16]) -> u32 {
    let mut challenge = [0; 16];
    assert_eq!(skf!(SKF_GenRandom(device, challenge.as_mut_ptr(), 8_u32)), OK);
    let cryptogram = sm4(device, key, &challenge, true);
    skf!(SKF_DevAuth(device, cryptogram.as_ptr(), 16_u32))
}

/// SM4 in mode ECB, without padding, by a key of the device itself.
pub(crate) fn sm4(device: usize, key: &[u8; 16], data: &[u8], encrypt: bool) -> Vec<u8> {
    let (mut handle, parameters) =
        (0_usize, BLOCKCIPHERPARAM { IV: [0; 32], IVLen: 0, PaddingType: 0, FeedBitLen: 0 });
    let (mut out, mut size) = (vec![0; data.len()], data.len() as u32);
    assert_eq!(skf!(SKF_SetSymmKey(device, key.as_ptr(), 0x401_u32, &raw mut handle)), OK);
    let (input, length, output) = (data.as_ptr(), data.len() as u32, out.as_mut_ptr());
    if encrypt {
        assert_eq!(skf!(SKF_EncryptInit(handle, parameters)), OK);
        assert_eq!(skf!(SKF_Encrypt(handle, input, length, output, &raw mut size)), OK);
    } else {
        assert_eq!(skf!(SKF_DecryptInit(handle, parameters)), OK);
        assert_eq!(skf!(SKF_Decrypt(handle, input, length, output, &raw mut size)), OK);
    }
    assert_eq!(skf!(SKF_CloseHandle(handle)), OK);
    assert_eq!(size as usize, out.len());
    out
}

/// Creates [`APPLICATION`] in an authenticated device; the handle.
pub(crate) fn create_application(device: usize) -> usize {
    let mut application = 0_usize;
    let created = skf!(SKF_CreateApplication(
        device,
        APPLICATION.as_ptr(),
        ADMIN.as_ptr(),
        10_u32,
        USER.as_ptr(),
        10_u32,
        0x10_u32,
        &raw mut application
    ));
    assert_eq!(created, OK, "{}", last_error());
    application
}

/// Proves the user PIN.
pub(crate) fn log_in(application: usize) {
    let mut left = 0_u32;
    assert_eq!(skf!(SKF_VerifyPIN(application, 1_u32, USER.as_ptr(), &raw mut left)), OK);
}

/// A container with a sign pair, in a token of its own where the user is logged in: device, application, container,
/// public key.
pub(crate) fn issued() -> (usize, usize, usize, ECCPUBLICKEYBLOB) {
    let device = connect(&token());
    authenticate(device);
    let application = create_application(device);
    log_in(application);
    let (container, key) = container(application, b"DEV\0");
    (device, application, container, key)
}

/// A new container with a sign pair.
pub(crate) fn container(application: usize, name: &[u8]) -> (usize, ECCPUBLICKEYBLOB) {
    let (mut container, mut key) = (0_usize, NO_KEY);
    assert_eq!(skf!(SKF_CreateContainer(application, name.as_ptr(), &raw mut container)), OK);
    assert_eq!(skf!(SKF_GenECCKeyPair(container, 0x0002_0200_u32, &raw mut key)), OK);
    (container, key)
}

/// The pair of the example of GB/T 32918.5: d, X, Y.
pub(crate) const PAIR: [&str; 3] = [
    "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8",
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020",
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13",
];

pub(crate) const NO_KEY: ECCPUBLICKEYBLOB =
    ECCPUBLICKEYBLOB { BitLen: 0, XCoordinate: [0; 64], YCoordinate: [0; 64] };

fn field(hex: &str) -> [u8; 64] {
    let mut field = [0; 64];
    let bytes = (0..32).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap());
    field[32..].iter_mut().zip(bytes).for_each(|(cell, byte)| *cell = byte);
    field
}

pub(crate) fn private_key() -> ECCPRIVATEKEYBLOB {
    ECCPRIVATEKEYBLOB { BitLen: 256, PrivateKey: field(PAIR[0]) }
}

pub(crate) fn public_key() -> ECCPUBLICKEYBLOB {
    ECCPUBLICKEYBLOB { BitLen: 256, XCoordinate: field(PAIR[1]), YCoordinate: field(PAIR[2]) }
}

/// Encrypts for a public key: an ECCCIPHERBLOB as bytes.
pub(crate) fn encrypt_for(device: usize, key: &ECCPUBLICKEYBLOB, plain: &[u8]) -> Vec<u8> {
    let mut cipher = vec![0; 164 + plain.len()];
    let length = plain.len() as u32;
    assert_eq!(
        skf!(SKF_ExtECCEncrypt(device, std::ptr::from_ref(key), plain.as_ptr(), length, cipher.as_mut_ptr())),
        OK
    );
    cipher
}

/// [`PAIR`], enveloped for a sign key: an ENVELOPEDKEYBLOB as bytes.
pub(crate) fn envelope(device: usize, sign_key: &ECCPUBLICKEYBLOB) -> Vec<u8> {
    let key = [0x5A; 16];
    let mut bytes: Vec<u8> = [1_u32, 0x401, 256].iter().flat_map(|number| number.to_ne_bytes()).collect();
    bytes.extend(sm4(device, &key, &field(PAIR[0])[32..], true));
    bytes.extend([0; 32]);
    bytes.extend(256_u32.to_ne_bytes());
    bytes.extend(field(PAIR[1]));
    bytes.extend(field(PAIR[2]));
    bytes.extend(encrypt_for(device, sign_key, &key));
    bytes
}

/// Whether a program is there; without it a test is skipped with a line that names what brings it, but fails in CI.
pub(crate) fn component(program: &str, version: &str, package: &str) -> bool {
    let there =
        std::process::Command::new(program).arg(version).output().is_ok_and(|run| run.status.success());
    let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(there || !in_ci, "{program} is missing: {package}");
    if !there {
        println!("skipped: {program} is missing: {package}");
    }
    there
}
