//! The INS table of GM/T 0017-2012, chapter 9: one row per command of the standard.

/// How sure something is that the text of the standard could not be asked about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Confidence {
    /// Seen on a page of the standard or in a commercial token's capture, or in two independent implementations that
    /// agree.
    Confirmed,
    /// Seen in one implementation, or made by analogy.
    Likely,
}

/// What a command can cost the holder of a key, carried out or refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cost {
    /// Nothing that lasts: it reads, computes, or changes what ends with the token's power anyway.
    Nothing,
    /// A try of a PIN or of the device authentication key where the secret is wrong; after the last one it is locked.
    Try,
    /// Something is written, replaced or deleted that outlasts the token's power.
    Lasting,
}

/// A command's name as the standard writes it: as here, or as said.
macro_rules! written {
    ($name:ident) => {
        stringify!($name)
    };
    ($name:ident $standard:literal) => {
        $standard
    };
}

macro_rules! instructions {
    ($($name:ident = $code:literal, $clause:literal, $layout:ident $(, $standard:literal)?;)+) => {
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
                    $(Ins::$name => written!($name $($standard)?),)+
                }
            }

            /// The clause of GM/T 0017-2012 that defines the command.
            #[must_use]
            pub const fn clause(self) -> &'static str {
                match self {
                    $(Ins::$name => $clause,)+
                }
            }

            /// How sure the layout of its data and answer is.
            #[must_use]
            pub const fn layout(self) -> Confidence {
                match self {
                    $(Ins::$name => Confidence::$layout,)+
                }
            }
        }
    };
}

impl Ins {
    /// What the command can cost. Of those that both spend a try and write, the try counts: ChangePin, UnblockPin.
    #[must_use]
    pub const fn cost(self) -> Cost {
        match self {
            Ins::VerifyPin | Ins::ChangePin | Ins::UnblockPin | Ins::DevAuth => Cost::Try,
            Ins::SetLabel
            | Ins::ChangeDevAuthKey
            | Ins::CreateApplication
            | Ins::DeleteApplication
            | Ins::CreateFile
            | Ins::DeleteFile
            | Ins::WriteFile
            | Ins::CreateContainer
            | Ins::DeleteContainer
            | Ins::ImportCertificate
            | Ins::GenRsaKeyPair
            | Ins::ImportRsaKeyPair
            | Ins::GenEccKeyPair
            | Ins::ImportEccKeyPair => Cost::Lasting,
            _ => Cost::Nothing,
        }
    }

    /// The instruction of that name, as the standard writes it, in upper or lower case.
    #[must_use]
    pub fn named(name: &str) -> Option<Ins> {
        Ins::ALL.iter().copied().find(|ins| ins.name().eq_ignore_ascii_case(name))
    }
}

instructions! {
    SetLabel = 0x02, "9.1.2", Confirmed;
    GetDevInfo = 0x04, "9.1.3", Confirmed;
    DevAuth = 0x10, "9.2.2", Likely;
    ChangeDevAuthKey = 0x12, "9.2.3", Likely;
    GetPinInfo = 0x14, "9.2.4", Confirmed;
    ChangePin = 0x16, "9.2.5", Likely;
    VerifyPin = 0x18, "9.2.6", Confirmed;
    UnblockPin = 0x1A, "9.2.7", Likely;
    ClearSecureState = 0x1C, "9.2.8", Confirmed;
    CreateApplication = 0x20, "9.3.2", Likely;
    EnumApplication = 0x22, "9.3.3", Confirmed;
    DeleteApplication = 0x24, "9.3.4", Confirmed;
    OpenApplication = 0x26, "9.3.5", Confirmed;
    CloseApplication = 0x28, "9.3.6", Confirmed;
    CreateFile = 0x30, "9.4.2", Likely;
    DeleteFile = 0x32, "9.4.3", Confirmed;
    EnumFiles = 0x34, "9.4.4", Confirmed;
    GetFileInfo = 0x36, "9.4.5", Confirmed;
    ReadFile = 0x38, "9.4.6", Confirmed;
    WriteFile = 0x3A, "9.4.7", Confirmed;
    CreateContainer = 0x40, "9.5.2", Confirmed;
    OpenContainer = 0x42, "9.5.3", Confirmed;
    CloseContainer = 0x44, "9.5.4", Confirmed;
    EnumContainer = 0x46, "9.5.5", Confirmed;
    DeleteContainer = 0x48, "9.5.6", Confirmed;
    GetContainerInfo = 0x4A, "9.5.7", Confirmed;
    ImportCertificate = 0x4C, "9.5.8", Confirmed;
    ExportCertificate = 0x4E, "9.5.9", Confirmed;
    GenRandom = 0x50, "9.6.2", Confirmed;
    GenExtRsaKey = 0x52, "9.6.3", Likely, "GenExtRSAKey";
    GenRsaKeyPair = 0x54, "9.6.4", Likely, "GenRSAKeyPair";
    ImportRsaKeyPair = 0x56, "9.6.5", Likely, "ImportRSAKeyPair";
    RsaSignData = 0x58, "9.6.6", Likely, "RSASignData";
    RsaExportSessionKey = 0x5A, "9.6.8", Likely, "RSAExportSessionKey";
    RsaExportSessionKeyEx = 0x5C, "9.6.9", Likely, "RSAExportSessionKeyEx";
    RsaVerify = 0x5E, "9.6.7", Likely, "RSAVerify";
    ExtRsaPubKeyOperation = 0x60, "9.6.10", Likely, "ExtRSAPubKeyOperation";
    ExtRsaPriKeyOperation = 0x62, "9.6.11", Likely, "ExtRSAPriKeyOperation";
    GenEccKeyPair = 0x70, "9.6.12", Likely, "GenECCKeyPair";
    ImportEccKeyPair = 0x72, "9.6.13", Likely, "ImportECCKeyPair";
    EccSignData = 0x74, "9.6.14", Confirmed, "ECCSignData";
    EccVerify = 0x76, "9.6.15", Likely, "ECCVerify";
    EccExportSessionKey = 0x78, "9.6.16", Likely, "ECCExportSessionKey";
    ExtEccEncrypt = 0x7A, "9.6.18", Likely, "ExtECCEncrypt";
    ExtEccDecrypt = 0x7C, "9.6.19", Likely, "ExtECCDecrypt";
    ExtEccSign = 0x7E, "9.6.20", Likely, "ExtECCSign";
    EccExportSessionKeyEx = 0x80, "9.6.17", Likely, "ECCExportSessionKeyEx";
    GenerateAgreementDataWithEcc = 0x82, "9.6.21", Likely, "GenerateAgreementDataWithECC";
    GenerateAgreementDataAndKeyWithEcc = 0x84, "9.6.22", Likely, "GenerateAgreementDataAndKeyWithECC";
    GenerateKeyWithEcc = 0x86, "9.6.23", Likely, "GenerateKeyWithECC";
    ExportPubKey = 0x88, "9.6.24", Confirmed;
    ImportSessionKey = 0xA0, "9.6.25", Likely;
    ImportSymmKey = 0xA2, "9.6.26", Likely;
    EncryptInit = 0xA4, "9.6.27", Likely;
    Encrypt = 0xA6, "9.6.28", Likely;
    EncryptUpdate = 0xA8, "9.6.29", Likely;
    EncryptFinal = 0xAA, "9.6.30", Likely;
    DecryptInit = 0xAC, "9.6.31", Likely;
    Decrypt = 0xAE, "9.6.32", Likely;
    DecryptUpdate = 0xB0, "9.6.33", Likely;
    DecryptFinal = 0xB2, "9.6.34", Likely;
    DigestInit = 0xB4, "9.6.35", Confirmed;
    Digest = 0xB6, "9.6.36", Confirmed;
    DigestUpdate = 0xB8, "9.6.37", Likely;
    DigestFinal = 0xBA, "9.6.38", Likely;
    MacInit = 0xBC, "9.6.39", Likely;
    Mac = 0xBE, "9.6.40", Likely;
    MacUpdate = 0xC0, "9.6.41", Likely;
    MacFinal = 0xC2, "9.6.42", Likely;
    DestroySessionKey = 0xC4, "9.6.43", Confirmed;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_found_by_its_name_and_by_nothing_else() {
        for &ins in Ins::ALL {
            assert_eq!(Ins::named(ins.name()), Some(ins));
            assert_eq!(Ins::named(&ins.name().to_lowercase()), Some(ins));
        }
        assert_eq!(Ins::named("VerifyPi"), None);
        assert_eq!(Ins::named(""), None);
    }

    #[test]
    fn what_reads_costs_nothing_and_what_proves_a_secret_may_cost_a_try() {
        let of = |cost| Ins::ALL.iter().filter(move |ins| ins.cost() == cost);
        let tries: Vec<_> = of(Cost::Try).map(|ins| ins.name()).collect();
        assert_eq!(tries, ["DevAuth", "ChangePin", "VerifyPin", "UnblockPin"]);
        for free in of(Cost::Nothing).map(|ins| ins.name()) {
            let writes = ["Create", "Delete", "Change", "Write", "ImportC", "ImportE", "ImportR", "Set"];
            assert!(!writes.iter().any(|word| free.starts_with(word)), "{free}");
            assert!(!free.ends_with("KeyPair"), "{free}");
        }
    }
}
