//! The frozen flashes, and how a token begins with one. What they are says the head of `flash_format.rs`.

use std::path::{Path, PathBuf};

use ukey_apdu::pin::DeviceKey;
use ukey_firmware::sim::{SimFlash, SimPlatform};
use ukey_firmware::{PowerOnError, Token};

pub const LABEL: &str = "张三的锁";
pub const NEW_USER: &str = "frozen-user-pin";
pub const DEVICE_KEY: DeviceKey = DeviceKey([0xD1; 16]);
pub const BROUGHT: [u8; 32] = [0x42; 32];
pub const PAGE: usize = SimFlash::PAGE;

pub fn path(extension: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/flash-v1").with_extension(extension)
}

pub fn fixture() -> Vec<u8> {
    std::fs::read(path("bin")).expect("tests/fixtures/flash-v1.bin")
}

pub fn files_path() -> PathBuf {
    path("bin").with_file_name("flash-v1-files.bin")
}

pub fn fixture_with_files() -> Vec<u8> {
    std::fs::read(files_path()).expect("tests/fixtures/flash-v1-files.bin")
}

/// A whole flash with this at its front.
pub fn flash(front: &[u8]) -> Vec<u8> {
    let mut image = front.to_vec();
    image.resize(SimFlash::SIZE, 0xFF);
    image
}

pub fn platform(image: Vec<u8>) -> SimPlatform {
    SimPlatform::with_image([1; 32], image).unwrap()
}

pub fn counted_path() -> PathBuf {
    path("bin").with_file_name("flash-v1-counted.bin")
}

pub fn fixture_with_counts() -> Vec<u8> {
    std::fs::read(counted_path()).expect("tests/fixtures/flash-v1-counted.bin")
}

/// Power on fails for this reason, and the flash stays as it was.
pub fn refused(image: Vec<u8>) -> PowerOnError {
    let Err((error, platform)) = Token::power_on(platform(image.clone()), Default::default()) else {
        panic!("it came up");
    };
    assert_eq!(platform.flash.image(), image);
    assert_eq!(platform.flash.counts(), Default::default());
    error
}
