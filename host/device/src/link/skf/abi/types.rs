//! The types of GM/T 0016-2012 clause 6, by their names there: structures are packed, integers 32 bits wide on every
//! platform. What a handle is, each side of the interface says for itself.
#![allow(clippy::upper_case_acronyms, reason = "the standard's names")]
#![allow(non_snake_case, reason = "the standard's names")]

pub use ukey_apdu::command::{SGD_SHA1, SGD_SHA256, SGD_SM3};

/// An unsigned integer of 32 bits, also where C's `long` has 64.
pub type ULONG = u32;
/// Another name of the same.
pub type DWORD = u32;
/// TRUE (1) or FALSE (0), 4 bytes.
pub type BOOL = u32;
/// A byte.
pub type BYTE = u8;
/// A byte of a text in UTF-8.
pub type CHAR = u8;

/// What a member of a structure is made of.
trait Member: Sized {
    fn put(self, bytes: &mut Vec<u8>);
    fn take(bytes: &mut &[u8]) -> Option<Self>;
}

impl Member for ULONG {
    fn put(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_ne_bytes());
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(ULONG::from_ne_bytes(Member::take(bytes)?))
    }
}

impl Member for BYTE {
    fn put(self, bytes: &mut Vec<u8>) {
        bytes.push(self);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        bytes.split_off_first().copied()
    }
}

impl<const SIZE: usize> Member for [BYTE; SIZE] {
    fn put(self, bytes: &mut Vec<u8>) {
        bytes.extend(self);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        bytes.split_off(..SIZE)?.try_into().ok()
    }
}

/// A structure of the interface, as its header declares it.
#[derive(Clone, Copy, Debug)]
pub struct Structure {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub documentation: &'static [&'static str],
    /// Its members: name and type, in order.
    pub members: &'static [(&'static str, &'static str)],
    /// Its size in bytes.
    pub size: usize,
}

/// Structures of the interface, and their list for the header.
macro_rules! structures {
    ($($(#[doc = $doc:literal])* struct $name:ident { $($(#[doc = $member_doc:literal])* $member:ident: $type:ty,)+ })+) => {
        $(
            $(#[doc = $doc])*
            #[derive(Clone, Copy)]
            #[repr(C, packed)]
            pub struct $name { $($(#[doc = $member_doc])* pub $member: $type,)+ }

            impl $name {
                /// Its bytes, as a pointer to it reads them.
                #[must_use]
                pub fn to_bytes(self) -> Vec<u8> {
                    let mut bytes = Vec::with_capacity(size_of::<Self>());
                    self.put(&mut bytes);
                    bytes
                }

                /// The one at the beginning of bytes; `None` of too few.
                #[must_use]
                pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
                    Member::take(&mut bytes)
                }
            }

            impl Member for $name {
                fn put(self, bytes: &mut Vec<u8>) {
                    $({ self.$member }.put(bytes);)+
                }

                fn take(bytes: &mut &[u8]) -> Option<Self> {
                    Some(Self { $($member: Member::take(bytes)?,)+ })
                }
            }
        )+

        /// Every structure, each behind those that it is made of.
        pub const STRUCTURES: &[Structure] = &[$(
            Structure {
                name: stringify!($name),
                documentation: &[$($doc),*],
                members: &[$((stringify!($member), stringify!($type))),+],
                size: size_of::<$name>(),
            },
        )+];
    };
}

structures! {
    /// A version.
    struct VERSION {
        /// Major.
        major: BYTE,
        /// Minor.
        minor: BYTE,
    }
    /// What a device says about itself.
    struct DEVINFO {
        /// Version of this structure.
        Version: VERSION,
        /// Manufacturer.
        Manufacturer: [CHAR; 64],
        /// Issuer.
        Issuer: [CHAR; 64],
        /// Label.
        Label: [CHAR; 32],
        /// Serial number.
        SerialNumber: [CHAR; 32],
        /// Version of the hardware.
        HWVersion: VERSION,
        /// Version of the firmware.
        FirmwareVersion: VERSION,
        /// Symmetric algorithms, mask.
        AlgSymCap: ULONG,
        /// Asymmetric algorithms, mask.
        AlgAsymCap: ULONG,
        /// Digest algorithms, mask.
        AlgHashCap: ULONG,
        /// Algorithm of the device authentication.
        DevAuthAlgId: ULONG,
        /// Storage in bytes.
        TotalSpace: ULONG,
        /// Free storage in bytes.
        FreeSpace: ULONG,
        /// Most bytes of one SM2 encryption.
        MaxECCBufferSize: ULONG,
        /// Most bytes of one part of an encryption or a digest.
        MaxBufferSize: ULONG,
        /// Zeros.
        Reserved: [BYTE; 64],
    }
    /// An RSA public key; numbers are right-aligned.
    struct RSAPUBLICKEYBLOB {
        /// SGD_RSA.
        AlgID: ULONG,
        /// Bits of the modulus.
        BitLen: ULONG,
        /// Modulus.
        Modulus: [BYTE; 256],
        /// Public exponent.
        PublicExponent: [BYTE; 4],
    }
    /// An RSA private key; numbers are right-aligned.
    struct RSAPRIVATEKEYBLOB {
        /// SGD_RSA.
        AlgID: ULONG,
        /// Bits of the modulus.
        BitLen: ULONG,
        /// Modulus.
        Modulus: [BYTE; 256],
        /// Public exponent.
        PublicExponent: [BYTE; 4],
        /// Private exponent.
        PrivateExponent: [BYTE; 256],
        /// p.
        Prime1: [BYTE; 128],
        /// q.
        Prime2: [BYTE; 128],
        /// d mod p - 1.
        Prime1Exponent: [BYTE; 128],
        /// d mod q - 1.
        Prime2Exponent: [BYTE; 128],
        /// The inverse of q mod p.
        Coefficient: [BYTE; 128],
    }
    /// An SM2 public key; numbers are right-aligned, 32 zero bytes in front.
    struct ECCPUBLICKEYBLOB {
        /// 256.
        BitLen: ULONG,
        /// X.
        XCoordinate: [BYTE; 64],
        /// Y.
        YCoordinate: [BYTE; 64],
    }
    /// An SM2 private key, right-aligned.
    struct ECCPRIVATEKEYBLOB {
        /// 256.
        BitLen: ULONG,
        /// d.
        PrivateKey: [BYTE; 64],
    }
    /// An SM2 ciphertext: C1, C3, C2. It is as much longer than its size as the cipher is than 1 byte.
    struct ECCCIPHERBLOB {
        /// X of C1.
        XCoordinate: [BYTE; 64],
        /// Y of C1.
        YCoordinate: [BYTE; 64],
        /// C3.
        HASH: [BYTE; 32],
        /// Bytes of C2.
        CipherLen: ULONG,
        /// C2.
        Cipher: [BYTE; 1],
    }
    /// An SM2 signature; numbers are right-aligned.
    struct ECCSIGNATUREBLOB {
        /// r.
        r: [BYTE; 64],
        /// s.
        s: [BYTE; 64],
    }
    /// How a session key is used.
    struct BLOCKCIPHERPARAM {
        /// Initialisation vector.
        IV: [BYTE; 32],
        /// Bytes of it that count.
        IVLen: ULONG,
        /// 0 none, 1 PKCS#5.
        PaddingType: ULONG,
        /// Bits that CFB and OFB feed back; 0 for a block.
        FeedBitLen: ULONG,
    }
    /// An encryption key pair on its way into a container.
    struct ENVELOPEDKEYBLOB {
        /// 1.
        Version: ULONG,
        /// Algorithm of the symmetric key, in mode ECB.
        ulSymmAlgID: ULONG,
        /// Bits of the pair: 256.
        ulBits: ULONG,
        /// The private key under the symmetric key: the first 32 bytes, or all 64.
        cbEncryptedPriKey: [BYTE; 64],
        /// The public key.
        PubKey: ECCPUBLICKEYBLOB,
        /// The symmetric key under the container's sign public key.
        ECCCipherBlob: ECCCIPHERBLOB,
    }
    /// What a file is like.
    struct FILEATTRIBUTE {
        /// Its name.
        FileName: [CHAR; 32],
        /// Its size in bytes.
        FileSize: ULONG,
        /// Who may read it.
        ReadRights: ULONG,
        /// Who may write it.
        WriteRights: ULONG,
    }
}

/// The numbers of the interface: name, value, what it says.
pub const CONSTANTS: &[(&str, ULONG, &str)] = &[
    ("ADMIN_TYPE", ADMIN_TYPE, "administrator PIN"),
    ("USER_TYPE", USER_TYPE, "user PIN"),
    ("SECURE_NEVER_ACCOUNT", 0x00, "nobody"),
    ("SECURE_ADM_ACCOUNT", 0x01, "who proved the administrator PIN"),
    ("SECURE_USER_ACCOUNT", 0x10, "who proved the user PIN"),
    ("SECURE_ANYONE_ACCOUNT", 0xFF, "anyone"),
    ("DEV_ABSENT_STATE", DEV_ABSENT_STATE, "not plugged in"),
    ("DEV_PRESENT_STATE", DEV_PRESENT_STATE, "plugged in"),
    ("DEV_UNKNOW_STATE", DEV_UNKNOW_STATE, "not known"),
    ("DEV_EVENT_INSERTED", EVENT_INSERTED, "plugged in just now"),
    ("DEV_EVENT_REMOVED", EVENT_REMOVED, "pulled just now"),
    ("DEV_LOCK_FOREVER", FOR_EVER, "SKF_LockDev waits for ever"),
    ("NO_PADDING", 0, "whole blocks"),
    ("PKCS5_PADDING", 1, "padded to whole blocks"),
    ("SGD_SM3", SGD_SM3, "digest SM3"),
    ("SGD_SHA1", SGD_SHA1, "digest SHA-1"),
    ("SGD_SHA256", SGD_SHA256, "digest SHA-256"),
    ("SGD_SM4_ECB", ukey_apdu::command::SGD_SM4_ECB, "SM4"),
    ("SGD_SM4_CBC", ukey_apdu::command::SGD_SM4_CBC, "SM4"),
    ("SGD_SM4_CFB", ukey_apdu::command::SGD_SM4_CFB, "SM4"),
    ("SGD_SM4_OFB", ukey_apdu::command::SGD_SM4_OFB, "SM4"),
    ("SGD_SM4_MAC", ukey_apdu::command::SGD_SM4_MAC, "SM4"),
    ("SGD_RSA", 0x0001_0000, "RSA"),
    ("SGD_SM2", SGD_SM2, "SM2"),
    ("SGD_SM2_1", SGD_SM2_1, "SM2 signature"),
    ("SGD_SM2_2", 0x0002_0400, "SM2 key agreement"),
    ("SGD_SM2_3", 0x0002_0800, "SM2 encryption"),
];

/// Administrator PIN.
pub const ADMIN_TYPE: ULONG = 0;
/// User PIN.
pub const USER_TYPE: ULONG = 1;
/// A device that is not plugged in.
pub const DEV_ABSENT_STATE: ULONG = 0;
/// A device that is plugged in.
pub const DEV_PRESENT_STATE: ULONG = 1;
/// A device that nobody knows.
pub const DEV_UNKNOW_STATE: ULONG = 2;
/// A device was plugged in.
pub const EVENT_INSERTED: ULONG = 1;
/// A device was pulled.
pub const EVENT_REMOVED: ULONG = 2;
/// SKF_LockDev without a limit.
pub const FOR_EVER: ULONG = 0xFFFF_FFFF;
/// SM2; in old headers the signature by it.
pub const SGD_SM2: ULONG = 0x0002_0100;
/// SM2 signature.
pub const SGD_SM2_1: ULONG = 0x0002_0200;
