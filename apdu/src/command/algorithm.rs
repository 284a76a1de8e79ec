//! Algorithm identifiers of GM/T 0006 that commands carry.

use core::fmt;

/// SM4 in ECB mode.
pub const SGD_SM4_ECB: u32 = 0x0000_0401;
/// SM4 in CBC mode.
pub const SGD_SM4_CBC: u32 = 0x0000_0402;
/// SM4 in CFB mode.
pub const SGD_SM4_CFB: u32 = 0x0000_0404;
/// SM4 in OFB mode.
pub const SGD_SM4_OFB: u32 = 0x0000_0408;
/// MAC by SM4 in CBC mode.
pub const SGD_SM4_MAC: u32 = 0x0000_0410;

/// SM3.
pub const SGD_SM3: u32 = 0x0000_0001;
/// SHA-1.
pub const SGD_SHA1: u32 = 0x0000_0002;
/// SHA-256.
pub const SGD_SHA256: u32 = 0x0000_0004;

/// A symmetric algorithm by its name, or its number where it has none here.
pub(crate) struct Symmetric(pub(crate) u32);

impl fmt::Display for Symmetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            SGD_SM4_ECB => "SM4-ECB",
            SGD_SM4_CBC => "SM4-CBC",
            SGD_SM4_CFB => "SM4-CFB",
            SGD_SM4_OFB => "SM4-OFB",
            SGD_SM4_MAC => "SM4-MAC",
            other => return write!(f, "algorithm {other:08X}"),
        })
    }
}
