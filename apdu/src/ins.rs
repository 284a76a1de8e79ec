//! The INS table of GM/T 0017-2012, chapter 9: one row per command of the standard.

macro_rules! instructions {
    ($($name:ident = $code:literal, $clause:literal;)+) => {
        /// An instruction of the standard. Its name is the command's name in every trace.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Ins {
            $(#[doc = concat!("INS ", stringify!($code), ", clause ", $clause, ".")] $name = $code,)+
        }

        impl Ins {
            /// Every instruction, in the order of the table.
            pub const ALL: &'static [Ins] = &[$(Ins::$name,)+];

            /// The instruction of an INS byte, if the standard has one.
            #[must_use]
            pub const fn from_byte(byte: u8) -> Option<Ins> {
                match byte {
                    $($code => Some(Ins::$name),)+
                    _ => None,
                }
            }

            /// The command's name as the standard writes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Ins::$name => stringify!($name),)+
                }
            }

            /// The clause of GM/T 0017-2012 that defines the command.
            #[must_use]
            pub const fn clause(self) -> &'static str {
                match self {
                    $(Ins::$name => $clause,)+
                }
            }
        }
    };
}

instructions! {
    SetLabel = 0x02, "9.1.2";
    GetDevInfo = 0x04, "9.1.3";
    DevAuth = 0x10, "9.2.2";
    ChangeDevAuthKey = 0x12, "9.2.3";
    GetPinInfo = 0x14, "9.2.4";
    ChangePin = 0x16, "9.2.5";
    VerifyPin = 0x18, "9.2.6";
    UnblockPin = 0x1A, "9.2.7";
    ClearSecureState = 0x1C, "9.2.8";
    CreateApplication = 0x20, "9.3.2";
    EnumApplication = 0x22, "9.3.3";
    DeleteApplication = 0x24, "9.3.4";
    OpenApplication = 0x26, "9.3.5";
    CloseApplication = 0x28, "9.3.6";
    CreateFile = 0x30, "9.4.2";
    DeleteFile = 0x32, "9.4.3";
    EnumFiles = 0x34, "9.4.4";
    GetFileInfo = 0x36, "9.4.5";
    ReadFile = 0x38, "9.4.6";
    WriteFile = 0x3A, "9.4.7";
    CreateContainer = 0x40, "9.5.2";
    OpenContainer = 0x42, "9.5.3";
    CloseContainer = 0x44, "9.5.4";
    EnumContainer = 0x46, "9.5.5";
    DeleteContainer = 0x48, "9.5.6";
    GetContainerInfo = 0x4A, "9.5.7";
    ImportCertificate = 0x4C, "9.5.8";
    ExportCertificate = 0x4E, "9.5.9";
    GenRandom = 0x50, "9.6.2";
    GenExtRsaKey = 0x52, "9.6.3";
    GenRsaKeyPair = 0x54, "9.6.4";
    ImportRsaKeyPair = 0x56, "9.6.5";
    RsaSignData = 0x58, "9.6.6";
    RsaExportSessionKey = 0x5A, "9.6.8";
    RsaExportSessionKeyEx = 0x5C, "9.6.9";
    RsaVerify = 0x5E, "9.6.7";
    ExtRsaPubKeyOperation = 0x60, "9.6.10";
    ExtRsaPriKeyOperation = 0x62, "9.6.11";
    GenEccKeyPair = 0x70, "9.6.12";
    ImportEccKeyPair = 0x72, "9.6.13";
    EccSignData = 0x74, "9.6.14";
    EccVerify = 0x76, "9.6.15";
    EccExportSessionKey = 0x78, "9.6.16";
    ExtEccEncrypt = 0x7A, "9.6.18";
    ExtEccDecrypt = 0x7C, "9.6.19";
    ExtEccSign = 0x7E, "9.6.20";
    EccExportSessionKeyEx = 0x80, "9.6.17";
    GenerateAgreementDataWithEcc = 0x82, "9.6.21";
    GenerateAgreementDataAndKeyWithEcc = 0x84, "9.6.22";
    GenerateKeyWithEcc = 0x86, "9.6.23";
    ExportPubKey = 0x88, "9.6.24";
    ImportSessionKey = 0xA0, "9.6.25";
    ImportSymmKey = 0xA2, "9.6.26";
    EncryptInit = 0xA4, "9.6.27";
    Encrypt = 0xA6, "9.6.28";
    EncryptUpdate = 0xA8, "9.6.29";
    EncryptFinal = 0xAA, "9.6.30";
    DecryptInit = 0xAC, "9.6.31";
    Decrypt = 0xAE, "9.6.32";
    DecryptUpdate = 0xB0, "9.6.33";
    DecryptFinal = 0xB2, "9.6.34";
    DigestInit = 0xB4, "9.6.35";
    Digest = 0xB6, "9.6.36";
    DigestUpdate = 0xB8, "9.6.37";
    DigestFinal = 0xBA, "9.6.38";
    MacInit = 0xBC, "9.6.39";
    Mac = 0xBE, "9.6.40";
    MacUpdate = 0xC0, "9.6.41";
    MacFinal = 0xC2, "9.6.42";
    DestroySessionKey = 0xC4, "9.6.43";
}
