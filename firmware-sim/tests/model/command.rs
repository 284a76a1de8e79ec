//! The commands of a test: every command that tokens speak, in words; and what is known of each before any token is
//! asked.

use ukey_apdu::Ins;
use ukey_apdu::command::{DigestAlgorithm, FileInfo, KeyUse, PinType};

use super::words::*;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    SetLabel(usize),
    GetDevInfo,
    GenRandom(u16),
    /// With P2: 1 is SM1.
    DevAuth(Proof, u8),
    ChangeDevAuthKey(Proof, u8, Secret),
    CreateApplication {
        name: Name,
        tries: u32,
        user: Secret,
    },
    OpenApplication(Name),
    CloseApplication(Name),
    DeleteApplication(Name),
    EnumApplication,
    VerifyPin(Name, PinType, Proof),
    ChangePin(Name, PinType, Proof, Secret),
    UnblockPin(Name, Proof, Secret),
    GetPinInfo(Name, PinType),
    ClearSecureState(Name),
    CreateContainer(Name, Name),
    OpenContainer(Name, Name),
    CloseContainer(Name, Name),
    DeleteContainer(Name, Name),
    EnumContainer(Name),
    GetContainerInfo(Name, Name),
    CreateFile(Name, Name, FileInfo),
    DeleteFile(Name, Name),
    EnumFiles(Name),
    GetFileInfo(Name, Name),
    ReadFile(Name, Name, Extent),
    /// Fills with this byte.
    WriteFile(Name, Name, Extent, u8),
    /// Of so many bits.
    GenEccKeyPair(Name, Name, u32),
    ImportEccKeyPair(Name, Name, Envelope, u8),
    ImportCertificate(Name, Name, KeyUse, Certificate),
    ExportCertificate(Name, Name, KeyUse),
    EccSignData(Name, Name, Input),
    ExportPubKey(Name, Name, KeyUse),
    EccVerify(Input, Shown),
    /// For a key on the curve or off it, so many bytes.
    ExtEccEncrypt(bool, usize),
    ExtEccDecrypt(Ciphertext, usize),
    ExtEccSign(Private),
    /// The host remembers it under this number.
    ImportSymmKey(usize, Holder, Value),
    /// Sealed for the container's encryption pair, or for another.
    ImportSessionKey(usize, (Name, Name), Value, bool),
    /// For a key on the curve or off it; of SM4 or of another algorithm.
    EccExportSessionKey(usize, (Name, Name), bool, bool),
    /// For a key on the curve or off it.
    EccExportSessionKeyEx(Handle, bool),
    DestroySessionKey(Handle),
    /// The host remembers it under this number. Of SM4 or of another algorithm.
    BeginAgreement(usize, (Name, Name), Identity, bool),
    /// The key that comes of it is remembered under this number. Of SM4 or of another algorithm.
    AnswerAgreement(usize, (Name, Name), Identity, Peer, bool),
    /// Key, container, agreement.
    EndAgreement(usize, (Name, Name), usize, Peer),
    Begin(Handle, Work),
    Go(Handle, Purpose, Part, usize),
    /// Perhaps for somebody's signature.
    DigestInit(DigestAlgorithm, Option<Identity>),
    Digest(Part, usize),
    /// An instruction that tokens do not carry out.
    Foreign(u8),
    /// A chain that exceeds every buffer.
    TooLong,
}

/// What comes back of a command that succeeds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Size {
    Nothing,
    Fixed,
    Variable,
    /// As much as Le says.
    AsAsked,
}

impl Command {
    /// Its instruction; `None` for what is not a command.
    pub fn ins(&self) -> Option<Ins> {
        let ins = match self {
            Command::SetLabel(_) => Ins::SetLabel,
            Command::GetDevInfo => Ins::GetDevInfo,
            Command::GenRandom(_) => Ins::GenRandom,
            Command::DevAuth(..) => Ins::DevAuth,
            Command::ChangeDevAuthKey(..) => Ins::ChangeDevAuthKey,
            Command::CreateApplication { .. } => Ins::CreateApplication,
            Command::OpenApplication(_) => Ins::OpenApplication,
            Command::CloseApplication(_) => Ins::CloseApplication,
            Command::DeleteApplication(_) => Ins::DeleteApplication,
            Command::EnumApplication => Ins::EnumApplication,
            Command::VerifyPin(..) => Ins::VerifyPin,
            Command::ChangePin(..) => Ins::ChangePin,
            Command::UnblockPin(..) => Ins::UnblockPin,
            Command::GetPinInfo(..) => Ins::GetPinInfo,
            Command::ClearSecureState(_) => Ins::ClearSecureState,
            Command::CreateContainer(..) => Ins::CreateContainer,
            Command::OpenContainer(..) => Ins::OpenContainer,
            Command::CloseContainer(..) => Ins::CloseContainer,
            Command::DeleteContainer(..) => Ins::DeleteContainer,
            Command::EnumContainer(_) => Ins::EnumContainer,
            Command::GetContainerInfo(..) => Ins::GetContainerInfo,
            Command::CreateFile(..) => Ins::CreateFile,
            Command::DeleteFile(..) => Ins::DeleteFile,
            Command::EnumFiles(_) => Ins::EnumFiles,
            Command::GetFileInfo(..) => Ins::GetFileInfo,
            Command::ReadFile(..) => Ins::ReadFile,
            Command::WriteFile(..) => Ins::WriteFile,
            Command::GenEccKeyPair(..) => Ins::GenEccKeyPair,
            Command::ImportEccKeyPair(..) => Ins::ImportEccKeyPair,
            Command::ImportCertificate(..) => Ins::ImportCertificate,
            Command::ExportCertificate(..) => Ins::ExportCertificate,
            Command::EccSignData(..) => Ins::EccSignData,
            Command::ExportPubKey(..) => Ins::ExportPubKey,
            Command::EccVerify(..) => Ins::EccVerify,
            Command::ExtEccEncrypt(..) => Ins::ExtEccEncrypt,
            Command::ExtEccDecrypt(..) => Ins::ExtEccDecrypt,
            Command::ExtEccSign(_) => Ins::ExtEccSign,
            Command::ImportSymmKey(..) => Ins::ImportSymmKey,
            Command::ImportSessionKey(..) => Ins::ImportSessionKey,
            Command::EccExportSessionKey(..) => Ins::EccExportSessionKey,
            Command::EccExportSessionKeyEx(..) => Ins::EccExportSessionKeyEx,
            Command::DestroySessionKey(_) => Ins::DestroySessionKey,
            Command::BeginAgreement(..) => Ins::GenerateAgreementDataWithEcc,
            Command::AnswerAgreement(..) => Ins::GenerateAgreementDataAndKeyWithEcc,
            Command::EndAgreement(..) => Ins::GenerateKeyWithEcc,
            Command::Begin(_, work) => match work.purpose {
                Purpose::Encrypt => Ins::EncryptInit,
                Purpose::Decrypt => Ins::DecryptInit,
                Purpose::Mac => Ins::MacInit,
            },
            Command::Go(_, purpose, part, _) => match (purpose, part) {
                (Purpose::Encrypt, Part::One) => Ins::Encrypt,
                (Purpose::Encrypt, Part::Update) => Ins::EncryptUpdate,
                (Purpose::Encrypt, Part::Final) => Ins::EncryptFinal,
                (Purpose::Decrypt, Part::One) => Ins::Decrypt,
                (Purpose::Decrypt, Part::Update) => Ins::DecryptUpdate,
                (Purpose::Decrypt, Part::Final) => Ins::DecryptFinal,
                (Purpose::Mac, Part::One) => Ins::Mac,
                (Purpose::Mac, Part::Update) => Ins::MacUpdate,
                (Purpose::Mac, Part::Final) => Ins::MacFinal,
            },
            Command::DigestInit(..) => Ins::DigestInit,
            Command::Digest(Part::One, _) => Ins::Digest,
            Command::Digest(Part::Update, _) => Ins::DigestUpdate,
            Command::Digest(Part::Final, _) => Ins::DigestFinal,
            Command::Foreign(_) | Command::TooLong => return None,
        };
        Some(ins)
    }

    /// The proof in it.
    pub fn proof(&self) -> Option<Proof> {
        match self {
            Command::DevAuth(proof, _)
            | Command::ChangeDevAuthKey(proof, ..)
            | Command::VerifyPin(_, _, proof)
            | Command::ChangePin(_, _, proof, _)
            | Command::UnblockPin(_, proof, _) => Some(*proof),
            _ => None,
        }
    }

    /// Whether it carries the application's id in P1 and P2.
    pub fn has_id_in_header(&self) -> bool {
        matches!(
            self,
            Command::CreateFile(..)
                | Command::DeleteFile(..)
                | Command::EnumFiles(_)
                | Command::GetFileInfo(..)
        )
    }

    /// Whether its data have one length, or a few.
    pub fn has_fixed_length(&self) -> bool {
        matches!(
            self,
            Command::GetDevInfo
                | Command::GenRandom(_)
                | Command::DevAuth(..)
                | Command::ChangeDevAuthKey(..)
                | Command::CreateApplication { .. }
                | Command::CloseApplication(_)
                | Command::EnumApplication
                | Command::VerifyPin(..)
                | Command::ChangePin(..)
                | Command::UnblockPin(..)
                | Command::GetPinInfo(..)
                | Command::ClearSecureState(_)
                | Command::CloseContainer(..)
                | Command::EnumContainer(_)
                | Command::CreateFile(..)
                | Command::EnumFiles(_)
                | Command::GenEccKeyPair(..)
                | Command::ExportCertificate(..)
                | Command::ExportPubKey(..)
                | Command::EccExportSessionKey(..)
                | Command::EccExportSessionKeyEx(..)
                | Command::DestroySessionKey(_)
        )
    }

    /// Whether its data are too short to be looked at.
    pub fn is_too_short(&self) -> bool {
        matches!(self, Command::Go(_, Purpose::Mac, Part::One, 0))
    }

    /// What comes back.
    pub fn size(&self) -> Size {
        match self {
            Command::GenRandom(_) | Command::ReadFile(..) => Size::AsAsked,
            Command::GetDevInfo
            | Command::OpenApplication(_)
            | Command::GetPinInfo(..)
            | Command::CreateContainer(..)
            | Command::OpenContainer(..)
            | Command::GetContainerInfo(..)
            | Command::GetFileInfo(..)
            | Command::GenEccKeyPair(..)
            | Command::EccSignData(..)
            | Command::ExportPubKey(..)
            | Command::ExtEccSign(_)
            | Command::ImportSymmKey(..)
            | Command::ImportSessionKey(..)
            | Command::BeginAgreement(..)
            | Command::AnswerAgreement(..)
            | Command::EndAgreement(..)
            | Command::Go(_, Purpose::Mac, Part::One | Part::Final, _) => Size::Fixed,
            Command::EnumApplication
            | Command::EnumContainer(_)
            | Command::EnumFiles(_)
            | Command::ExportCertificate(..)
            | Command::ExtEccEncrypt(..)
            | Command::ExtEccDecrypt(..)
            | Command::EccExportSessionKey(..)
            | Command::EccExportSessionKeyEx(..)
            | Command::Go(_, Purpose::Encrypt | Purpose::Decrypt, ..)
            | Command::Digest(Part::One | Part::Final, _) => Size::Variable,
            _ => Size::Nothing,
        }
    }

    /// Whether it may be carried out twice, and nobody notices.
    pub fn only_reads(&self) -> bool {
        matches!(
            self,
            Command::EnumApplication
                | Command::EnumContainer(_)
                | Command::EnumFiles(_)
                | Command::ExportCertificate(..)
                | Command::ReadFile(..)
                | Command::ExtEccEncrypt(..)
                | Command::ExtEccDecrypt(..)
                | Command::EccExportSessionKeyEx(..)
        )
    }
}
