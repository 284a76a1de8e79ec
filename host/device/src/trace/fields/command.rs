//! The fields of each command's data.

use ukey_apdu::Ins;
use ukey_apdu::dialect::{CipherParametersForm, DecryptInitForm, KeyPairForm};

use super::{Kind, PAIR, Walk};

/// Bytes of CreateApplication behind the name.
const BEHIND_APPLICATION_NAME: usize = 48;

/// Bytes of CreateFile behind the name.
const BEHIND_FILE_NAME: usize = 12;

/// Bytes of the IV in BLOCKCIPHERPARAM of GM/T 0016.
const STRUCTURE_IV: usize = 32;

impl Walk<'_> {
    /// The data of a command, front to back.
    pub(super) fn command(&mut self, ins: Ins, p1: u8) -> Option<()> {
        match ins {
            Ins::SetLabel => self.rest("label", Kind::Text),
            Ins::DevAuth => self.take("cryptogram", 16, Kind::Proof).map(drop),
            Ins::ChangeDevAuthKey => self.sealed_secret("new key, encrypted"),
            Ins::GetPinInfo | Ins::ClearSecureState | Ins::CloseApplication | Ins::EnumContainer => {
                self.application()
            }
            Ins::ChangePin | Ins::UnblockPin => {
                self.application()?;
                self.sealed_secret("new PIN, encrypted")
            }
            Ins::VerifyPin => {
                self.application()?;
                self.take("cryptogram", 16, Kind::Proof).map(drop)
            }
            Ins::CreateApplication => {
                let width = self.data.len().saturating_sub(BEHIND_APPLICATION_NAME);
                self.take("name", width, Kind::Text)?;
                self.take("administrator PIN", 16, Kind::Pin)?;
                self.number("administrator PIN tries")?;
                self.take("user PIN", 16, Kind::Pin)?;
                self.number("user PIN tries")?;
                self.limits()
            }
            Ins::DeleteApplication | Ins::OpenApplication | Ins::DeleteFile | Ins::GetFileInfo => {
                self.rest("name", Kind::Text)
            }
            Ins::CreateFile => {
                let width = self.data.len().saturating_sub(BEHIND_FILE_NAME);
                self.take("name", width, Kind::Text)?;
                self.file_info()
            }
            Ins::ReadFile | Ins::WriteFile => {
                self.application()?;
                self.short("offset")?;
                let length = self.short("name length")?;
                self.take("name", length, Kind::Text)?;
                if ins == Ins::ReadFile {
                    return Some(());
                }
                let length = self.short("data length")?;
                self.take("data", length, Kind::Content).map(drop)
            }
            Ins::CreateContainer | Ins::OpenContainer | Ins::DeleteContainer | Ins::GetContainerInfo => {
                self.application()?;
                self.rest("name", Kind::Text)
            }
            Ins::CloseContainer | Ins::ExportCertificate | Ins::ExportPubKey => self.container(),
            Ins::ImportCertificate => {
                self.container()?;
                self.byte("kind", Kind::Number)?;
                self.sized(["certificate length", "certificate"], Kind::Bytes)
            }
            Ins::GenEccKeyPair => {
                self.container()?;
                self.number("bits").map(drop)
            }
            Ins::ImportEccKeyPair => self.key_pair(),
            Ins::EccSignData => {
                self.container()?;
                self.signed(p1, false)
            }
            Ins::EccVerify => {
                self.public_key("public key")?;
                self.signed(p1, true)?;
                self.take("signature", PAIR, Kind::Signature).map(drop)
            }
            Ins::EccExportSessionKey => {
                self.container()?;
                self.public_key("public key")?;
                self.algorithm()
            }
            Ins::EccExportSessionKeyEx => {
                self.key()?;
                self.public_key("public key")
            }
            Ins::ExtEccEncrypt => {
                self.public_key("public key")?;
                self.sized(["length", "plaintext"], Kind::Content)
            }
            Ins::ExtEccDecrypt => {
                self.number("bits")?;
                self.take("private key", 32, Kind::Key)?;
                self.point_and_hash()?;
                self.sized(["ciphertext length", "ciphertext"], Kind::Sealed)
            }
            Ins::ExtEccSign => {
                self.number("bits")?;
                self.take("private key", 32, Kind::Key)?;
                self.sized(["length", "digest"], Kind::Content)
            }
            Ins::GenerateAgreementDataWithEcc => {
                self.container()?;
                self.algorithm()?;
                self.sized(["identity length", "identity"], Kind::Text)
            }
            Ins::GenerateAgreementDataAndKeyWithEcc => {
                self.container()?;
                self.algorithm()?;
                self.party()?;
                self.sized(["own identity length", "own identity"], Kind::Text)
            }
            Ins::GenerateKeyWithEcc => {
                self.container()?;
                self.take("agreement", 4, Kind::Agreement)?;
                self.party()
            }
            Ins::ImportSessionKey => {
                self.container()?;
                self.algorithm()?;
                self.number("wrapped key length")?;
                self.ciphertext()
            }
            Ins::ImportSymmKey => {
                self.container()?;
                self.algorithm()?;
                let length = self.short("key length")?;
                self.take("key", length, Kind::Key).map(drop)
            }
            Ins::EncryptInit | Ins::MacInit => self.cipher_parameters(DecryptInitForm::Algorithm),
            Ins::DecryptInit => self.cipher_parameters(self.dialect.decrypt_init),
            Ins::Encrypt | Ins::EncryptUpdate | Ins::EncryptFinal => {
                self.with_key("plaintext", Kind::Content)
            }
            Ins::Decrypt | Ins::DecryptUpdate | Ins::DecryptFinal => {
                self.with_key("ciphertext", Kind::Sealed)
            }
            Ins::Mac | Ins::MacUpdate | Ins::MacFinal => self.with_key("message", Kind::Content),
            Ins::DestroySessionKey => self.key(),
            Ins::DigestInit if self.data.is_empty() => Some(()),
            Ins::DigestInit => {
                self.public_key("public key")?;
                self.sized(["identity length", "identity"], Kind::Text)
            }
            Ins::Digest | Ins::DigestUpdate | Ins::DigestFinal => self.rest("message", Kind::Content),
            // No data.
            _ => Some(()),
        }
    }

    fn with_key(&mut self, name: &'static str, kind: Kind) -> Option<()> {
        self.key()?;
        self.rest(name, kind)
    }

    /// ImportECCKeyPair, in the order of the dialect.
    fn key_pair(&mut self) -> Option<()> {
        self.container()?;
        self.number("version")?;
        self.algorithm()?;
        match self.dialect.key_pair {
            KeyPairForm::Structure => {
                self.number("bits")?;
                self.sized(["encrypted private key length", "encrypted private key"], Kind::Sealed)?;
                self.take("public key", PAIR, Kind::PublicKey)?;
                self.ciphertext()
            }
            KeyPairForm::CipherFirst => {
                self.ciphertext()?;
                self.public_key("public key")?;
                self.sized(["encrypted private key length", "encrypted private key"], Kind::Sealed)
            }
        }
    }

    /// What encrypts a new secret, and the MAC behind it.
    fn sealed_secret(&mut self, name: &'static str) -> Option<()> {
        let block = self.left().checked_sub(4)?;
        self.take(name, block, Kind::Proof)?;
        self.take("MAC", 4, Kind::Proof).map(drop)
    }

    /// A party of an agreement.
    fn party(&mut self) -> Option<()> {
        self.public_key("public key")?;
        self.public_key("temporary public key")?;
        self.sized(["identity length", "identity"], Kind::Text)
    }

    /// What is signed, or was: a message with its signer's identity, or a digest.
    fn signed(&mut self, p1: u8, is_sized: bool) -> Option<()> {
        if p1 == 1 {
            self.sized(["identity length", "identity"], Kind::Text)?;
        }
        let name = if p1 == 1 { "message" } else { "digest" };
        match (is_sized, p1) {
            (true, _) => self.sized(["length", name], Kind::Content),
            (false, 1) => self.rest(name, Kind::Content),
            (false, _) => self.take(name, 32, Kind::Content).map(drop),
        }
    }

    fn cipher_parameters(&mut self, named: DecryptInitForm) -> Option<()> {
        self.key()?;
        if named == DecryptInitForm::Algorithm {
            self.algorithm()?;
        }
        match self.dialect.cipher_parameters {
            CipherParametersForm::Fields => {
                let length = self.short("IV length")?;
                self.take("IV", length, Kind::Bytes)?;
            }
            CipherParametersForm::Structure => {
                self.take("IV", STRUCTURE_IV, Kind::Bytes)?;
                self.number("IV length")?;
            }
        }
        self.number("padding")?;
        self.number("feedback bits").map(drop)
    }
}
