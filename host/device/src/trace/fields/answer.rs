//! The fields of each command's answer.

use ukey_apdu::Ins;
use ukey_apdu::dialect::{ByteOrder, ExportedKeyForm, ExternalCiphertextForm};

use super::{Kind, PAIR, Walk};

impl Walk<'_> {
    /// The data of a successful answer, front to back.
    pub(super) fn answer(&mut self, ins: Ins) -> Option<()> {
        match ins {
            Ins::GetDevInfo => self.device_info(),
            Ins::GetPinInfo => {
                self.byte("tries", Kind::Number)?;
                self.byte("tries left", Kind::Number)?;
                self.byte("default PIN", Kind::Number).map(drop)
            }
            Ins::EnumApplication | Ins::EnumFiles | Ins::EnumContainer => self.rest("names", Kind::Names),
            Ins::OpenApplication => {
                self.limits()?;
                self.application()
            }
            Ins::GetFileInfo => self.file_info(),
            Ins::ReadFile => self.rest("data", Kind::Content),
            Ins::CreateContainer | Ins::OpenContainer => self.take("container", 2, Kind::Container).map(drop),
            Ins::GetContainerInfo => {
                self.byte("type", Kind::Number)?;
                self.number("sign key bits")?;
                self.number("encryption key bits")?;
                self.byte("sign certificate", Kind::Number)?;
                self.byte("encryption certificate", Kind::Number).map(drop)
            }
            Ins::ExportCertificate => self.sized(["certificate length", "certificate"], Kind::Bytes),
            Ins::GenRandom => self.rest("random", Kind::Random),
            Ins::GenEccKeyPair | Ins::ExportPubKey => self.pair("public key", Kind::PublicKey),
            Ins::EccSignData | Ins::ExtEccSign => self.pair("signature", Kind::Signature),
            Ins::EccExportSessionKey => self.exported_key(),
            Ins::EccExportSessionKeyEx => self.ciphertext(),
            Ins::ExtEccEncrypt => match self.dialect.external_ciphertext {
                ExternalCiphertextForm::Plain if self.data.first() == Some(&4) => {
                    self.byte("form", Kind::Number)?;
                    self.point_and_hash()?;
                    self.rest("ciphertext", Kind::Sealed)
                }
                _ => self.ciphertext(),
            },
            Ins::ExtEccDecrypt => self.sized(["length", "plaintext"], Kind::Content),
            Ins::GenerateAgreementDataWithEcc => {
                self.public_key("temporary public key")?;
                self.take("agreement", 4, Kind::Agreement).map(drop)
            }
            Ins::GenerateAgreementDataAndKeyWithEcc => {
                self.public_key("temporary public key")?;
                self.agreed_key()
            }
            Ins::GenerateKeyWithEcc => self.agreed_key(),
            Ins::ImportSessionKey | Ins::ImportSymmKey => {
                self.take("session key", 2, Kind::SessionKey).map(drop)
            }
            Ins::Encrypt | Ins::EncryptUpdate | Ins::EncryptFinal => self.rest("ciphertext", Kind::Sealed),
            Ins::Decrypt | Ins::DecryptUpdate | Ins::DecryptFinal => self.rest("plaintext", Kind::Content),
            Ins::Mac | Ins::MacFinal => self.rest("MAC", Kind::Sealed),
            Ins::Digest | Ins::DigestFinal => {
                if !matches!(self.left(), 20 | 32) {
                    self.number("length")?;
                }
                self.rest("digest", Kind::Content)
            }
            // No data.
            _ => Some(()),
        }
    }

    /// The id of an agreed key: 2 bytes, or 4 as a quantity.
    fn agreed_key(&mut self) -> Option<()> {
        match (self.left(), self.dialect.quantity) {
            (2, _) => self.take("session key", 2, Kind::SessionKey).map(drop),
            (_, ByteOrder::Big) => {
                self.take("zeros", 2, Kind::Bytes)?;
                self.take("session key", 2, Kind::SessionKey).map(drop)
            }
            (_, ByteOrder::Little) => {
                self.take("session key", 2, Kind::SessionKey)?;
                self.take("zeros", 2, Kind::Bytes).map(drop)
            }
        }
    }

    fn exported_key(&mut self) -> Option<()> {
        match self.dialect.exported_key {
            ExportedKeyForm::BlockFirst => {
                self.ciphertext()?;
                self.take("session key", 2, Kind::SessionKey).map(drop)
            }
            ExportedKeyForm::HashFirst => {
                self.take("ciphertext hash", 32, Kind::Sealed)?;
                self.sized(["ciphertext length", "ciphertext"], Kind::Sealed)?;
                self.take("session key", 2, Kind::SessionKey)?;
                self.number("bits")?;
                self.take("ciphertext point", PAIR, Kind::Sealed).map(drop)
            }
        }
    }

    fn device_info(&mut self) -> Option<()> {
        let layout = [
            ("structure version", 2, Kind::Own),
            ("specification version", 2, Kind::Own),
            ("manufacturer", 64, Kind::Own),
            ("issuer", 64, Kind::Own),
            ("label", 32, Kind::Text),
            ("serial number", 32, Kind::Own),
            ("hardware version", 2, Kind::Own),
            ("firmware version", 2, Kind::Own),
            ("symmetric algorithms", 4, Kind::Own),
            ("asymmetric algorithms", 4, Kind::Own),
            ("digest algorithms", 4, Kind::Own),
            ("device authentication", 4, Kind::Algorithm),
            ("total space", 4, Kind::Own),
            ("free space", 4, Kind::Own),
            ("most data of a command", 2, Kind::Own),
            ("user authentication", 2, Kind::Own),
            ("device type", 2, Kind::Own),
            ("most containers", 1, Kind::Own),
            ("most certificates", 1, Kind::Own),
            ("most files", 2, Kind::Own),
            ("reserved", 54, Kind::Own),
        ];
        layout.into_iter().try_for_each(|(name, length, kind)| self.take(name, length, kind).map(drop))
    }
}
