//! The commands, each once: its shape, its data, its answer, its line in a trace.

mod access;
mod agreement;
mod algorithm;
mod application;
mod cipher;
mod container;
mod data;
mod device;
mod digest;
mod ecc;
mod external;
mod file;
mod ids;
mod names;
mod session_key;
mod shape;

use core::fmt::Display;

pub use access::{ChangePin, ClearSecureState, GetPinInfo, PinInfo, PinType, UnblockPin, VerifyPin};
pub use agreement::{
    AgreedKey, AgreedKeyId, AgreementData, AgreementHandle, GenerateAgreementDataAndKeyWithEcc,
    GenerateAgreementDataWithEcc, GenerateKeyWithEcc, MAX_PARTY_ID, Party,
};
pub use algorithm::{
    SGD_SHA1, SGD_SHA256, SGD_SM3, SGD_SM4_CBC, SGD_SM4_CFB, SGD_SM4_ECB, SGD_SM4_MAC, SGD_SM4_OFB,
};
pub use application::{
    AppId, ApplicationInfo, CloseApplication, CreateApplication, DeleteApplication, EnumApplication,
    MAX_APPLICATION_NAME, OpenApplication, Rights,
};
pub use cipher::{
    CipherParameters, Decrypt, DecryptFinal, DecryptInit, DecryptUpdate, Encrypt, EncryptFinal, EncryptInit,
    EncryptUpdate, Mac, MacFinal, MacInit, MacUpdate, Padding,
};
pub use container::{
    Certificate, CloseContainer, ContainerId, ContainerInfo, ContainerType, CreateContainer, DeleteContainer,
    EnumContainer, ExportCertificate, GetContainerInfo, ImportCertificate, KeyUse, MAX_CONTAINER_NAME,
    OpenContainer,
};
pub use data::Data;
pub use device::{
    ChangeDevAuthKey, DevAuth, DevInfo, GenRandom, GetDevInfo, MAX_LABEL, Random, SetLabel, Version,
};
pub use digest::{Digest, DigestAlgorithm, DigestFinal, DigestInit, DigestUpdate, DigestValue, Signer};
pub use ecc::{
    CipherBlock, CiphertextAnswer, EccPublicKey, EccSignData, EccSignature, EnvelopedKeyPair, ExportPubKey,
    GenEccKeyPair, ImportEccKeyPair, SM2_BITS, SignInput,
};
pub use external::{EccVerify, ExtEccDecrypt, ExtEccEncrypt, ExtEccSign, Plaintext};
pub use file::{
    CreateFile, DeleteFile, EnumFiles, FileInfo, GetFileInfo, MAX_FILE_NAME, ReadFile, WriteFile,
};
pub use names::{NameList, Names};
pub use session_key::{
    DestroySessionKey, EccExportSessionKey, EccExportSessionKeyEx, ExportedSessionKey, ImportSessionKey,
    ImportSymmKey, KeyHandle, KeyHolder, SessionKeyId,
};
pub use shape::{Length, Shape, Size, Values};

use crate::dialect::Dialect;
use crate::envelope::{Apdu, Cla, Le};
use crate::ins::Ins;
use crate::status::Status;
use crate::wire::{Malformed, Overflow, Writer};

/// What an answer's bytes mean.
pub trait Answer<'r>: Sized + Display {
    /// Decodes the data of a successful answer.
    fn read(bytes: &'r [u8], dialect: &'r Dialect) -> Result<Self, Malformed>;
}

/// No data come back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Nothing;

impl Display for Nothing {
    fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        Ok(())
    }
}

impl Answer<'_> for Nothing {
    fn read(bytes: &[u8], _: &Dialect) -> Result<Self, Malformed> {
        if bytes.is_empty() { Ok(Nothing) } else { Err(Malformed) }
    }
}

/// One command, as both sides see it. `Display` is its redacted line in a trace.
pub trait Command<'a>: Sized + Display {
    /// Its instruction.
    const INS: Ins;
    /// What can be checked before ids and rights are looked at; [`Command::shape`] has what a dialect changes of it.
    const SHAPE: Shape;
    /// What comes back.
    type Answer<'r>: Answer<'r>;

    /// P1 and P2.
    fn p1p2(&self) -> (u8, u8) {
        (0, 0)
    }

    /// The shape in a dialect: [`Self::SHAPE`], where the dialects agree on it.
    #[must_use]
    fn shape(_: &Dialect) -> Shape {
        Self::SHAPE
    }

    /// Expected length of the answer.
    fn le(&self, dialect: &Dialect) -> Le {
        Self::shape(dialect).answer.le()
    }

    /// CLA, INS, P1 and P2 of the command in one block: what a MAC covers of them.
    fn header(&self) -> [u8; 4] {
        let cla = Cla { protected: Self::SHAPE.protected, chained: false };
        let (p1, p2) = self.p1p2();
        [cla.to_byte(), Self::INS as u8, p1, p2]
    }

    /// Encodes the data field.
    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow>;

    /// Decodes the data field of a command whose shape was checked.
    ///
    /// # Errors
    /// `6A80` where the contents do not add up.
    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status>;

    /// The command with its data written into `buffer`.
    fn to_apdu<'b>(&self, dialect: &'b Dialect, buffer: &'b mut [u8]) -> Result<Apdu<'b>, Overflow> {
        let mut writer = Writer::new(buffer, dialect);
        self.write(&mut writer)?;
        let length = writer.len();
        let (p1, p2) = self.p1p2();
        let cla = Cla { protected: Self::SHAPE.protected, chained: false };
        let data: &[u8] = buffer.get(..length).ok_or(Overflow)?;
        Ok(Apdu { cla, ins: Self::INS as u8, p1, p2, data, le: self.le(dialect) })
    }
}

/// Something done with the type of a command that is only known by its INS.
pub trait Visitor<'a> {
    /// What it gives.
    type Output;
    /// Called with the command's type.
    fn visit<C: Command<'a>>(self) -> Self::Output;
}

macro_rules! commands {
    ($($name:ident),+ $(,)?) => {
        /// Calls `visitor` with the type of the command `ins`; `None` for a command that is not spoken here.
        pub fn visit<'a, V: Visitor<'a>>(ins: Ins, visitor: V) -> Option<V::Output> {
            match ins {
                $(Ins::$name => Some(visitor.visit::<$name>()),)+
                _ => None,
            }
        }

        /// Every command that is spoken here.
        pub const SPOKEN: &[Ins] = &[$(Ins::$name,)+];
    };
}

commands![
    SetLabel,
    GetDevInfo,
    DevAuth,
    ChangeDevAuthKey,
    GetPinInfo,
    ChangePin,
    VerifyPin,
    UnblockPin,
    ClearSecureState,
    CreateApplication,
    EnumApplication,
    DeleteApplication,
    OpenApplication,
    CloseApplication,
    CreateFile,
    DeleteFile,
    EnumFiles,
    GetFileInfo,
    ReadFile,
    WriteFile,
    CreateContainer,
    OpenContainer,
    CloseContainer,
    EnumContainer,
    DeleteContainer,
    GetContainerInfo,
    ImportCertificate,
    ExportCertificate,
    GenRandom,
    GenEccKeyPair,
    ImportEccKeyPair,
    EccSignData,
    EccVerify,
    ExtEccEncrypt,
    ExtEccDecrypt,
    ExtEccSign,
    GenerateAgreementDataWithEcc,
    GenerateAgreementDataAndKeyWithEcc,
    GenerateKeyWithEcc,
    ExportPubKey,
    EccExportSessionKey,
    EccExportSessionKeyEx,
    ImportSessionKey,
    ImportSymmKey,
    EncryptInit,
    Encrypt,
    EncryptUpdate,
    EncryptFinal,
    DecryptInit,
    Decrypt,
    DecryptUpdate,
    DecryptFinal,
    DigestInit,
    Digest,
    DigestUpdate,
    DigestFinal,
    MacInit,
    Mac,
    MacUpdate,
    MacFinal,
    DestroySessionKey,
];

/// Why a command is not [`SPOKEN`]: a token answers it with `6A81`.
#[must_use]
pub const fn why_not(ins: Ins) -> Option<&'static str> {
    match ins {
        Ins::GenExtRsaKey
        | Ins::GenRsaKeyPair
        | Ins::ImportRsaKeyPair
        | Ins::RsaSignData
        | Ins::RsaVerify
        | Ins::RsaExportSessionKey
        | Ins::RsaExportSessionKeyEx
        | Ins::ExtRsaPubKeyOperation
        | Ins::ExtRsaPriKeyOperation => Some("there is no sound RSA without an allocator"),
        _ => None,
    }
}

/// The shape of a command in a dialect, if it is spoken here.
#[must_use]
pub fn shape(ins: Ins, dialect: &Dialect) -> Option<Shape> {
    struct ShapeOf<'d>(&'d Dialect);
    impl<'a> Visitor<'a> for ShapeOf<'_> {
        type Output = Shape;
        fn visit<C: Command<'a>>(self) -> Shape {
            C::shape(self.0)
        }
    }
    visit(ins, ShapeOf(dialect))
}

/// `‹redacted›`: what stands for a secret in every output.
pub(crate) const REDACTED: &str = "‹redacted›";
