//! What the bytes of a command and of its answer are, field by field, in a dialect: a name, a place, a kind.
//!
//! One table serves them all: what a recorded trace hides (the kinds that [`Kind::is_secret`] names), what
//! `ukey trace decode` explains, what a replay exchanges for the new token's own, and what it compares by shape.
//!
//! Guarantees: no field lies outside the bytes; bytes that follow no layout have no field. That the layouts here are
//! those of [`ukey_apdu::command`] is a test.

use std::ops::Range;

use ukey_apdu::dialect::{
    ByteOrder, CipherParametersForm, DecryptInitForm, Dialect, ExportedKeyForm, ExternalCiphertextForm,
    KeyPairForm,
};
use ukey_apdu::{Apdu, Ins};

/// What a field is: how it is shown, whether it may be seen, how it is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The id of an open application: the token gives it.
    Application,
    /// The id of an open container.
    Container,
    /// The id of a session key.
    SessionKey,
    /// The handle of an agreement.
    Agreement,
    /// A quantity, in the dialect's order where it has more than one byte.
    Number,
    /// An algorithm of GM/T 0006.
    Algorithm,
    /// Rights of GM/T 0016.
    Rights,
    /// A text, zero padded or not.
    Text,
    /// Names, each with its NUL.
    Names,
    /// Bytes that everybody may see and that are the same everywhere: a certificate, an IV.
    Bytes,
    /// An SM2 public key that a token made: X, Y.
    PublicKey,
    /// An SM2 signature: r, s.
    Signature,
    /// What one token is and another is not: serial number, versions, spaces.
    Own,
    /// Random bytes of the token.
    Random,
    /// What proves a PIN or the device authentication key, or carries a new one: a cryptogram, its MAC.
    Proof,
    /// A PIN in clear.
    Pin,
    /// A private or a symmetric key in clear.
    Key,
    /// What somebody keeps, signs or encrypts: a file's content, a message, a digest.
    Content,
    /// Something encrypted, or a MAC: another key gives another one.
    Sealed,
}

impl Kind {
    /// Whether it is kept out of every trace, unless somebody asks for secrets.
    #[must_use]
    pub const fn is_secret(self) -> bool {
        matches!(self, Kind::Random | Kind::Proof | Kind::Pin | Kind::Key | Kind::Content | Kind::Sealed)
    }
}

/// A field of a command's data or of an answer's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Where it stands in the data.
    pub at: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// Data taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fields {
    /// The fields in their order. What is cut off in the middle ends with a field that is cut off.
    pub list: Vec<Field>,
    /// Nothing is missing, and nothing is left over.
    pub is_whole: bool,
}

/// The fields of a command's data, those of its header aside; `None` for a command that is not spoken here.
#[must_use]
pub fn of_command(apdu: &Apdu<'_>, dialect: &Dialect) -> Option<Fields> {
    let ins = Ins::from_byte(apdu.ins)?;
    ukey_apdu::command::shape(ins, dialect)?;
    let mut walk = Walk::new(apdu.data, dialect);
    // Where its name ends is told by its length alone.
    let is_unknown = apdu.cla.chained && ins == Ins::CreateApplication;
    let ended = if is_unknown { None } else { walk.command(ins, apdu.p1) };
    Some(walk.finish(ended))
}

/// The fields of a successful answer, the status word aside; `None` for a command that is not spoken here.
#[must_use]
pub fn of_answer(ins: Ins, data: &[u8], dialect: &Dialect) -> Option<Fields> {
    ukey_apdu::command::shape(ins, dialect)?;
    let mut walk = Walk::new(data, dialect);
    let ended = walk.answer(ins);
    Some(walk.finish(ended))
}

/// Goes through data, front to back. Every step answers `None` where the data end too early.
struct Walk<'a> {
    data: &'a [u8],
    at: usize,
    dialect: &'a Dialect,
    list: Vec<Field>,
}

/// Coordinates of a point, or the two numbers of a signature, in bytes.
const PAIR: usize = 64;

/// Bytes of CreateApplication behind the name.
const BEHIND_APPLICATION_NAME: usize = 48;

/// Bytes of CreateFile behind the name.
const BEHIND_FILE_NAME: usize = 12;

/// Bytes of the IV in BLOCKCIPHERPARAM of GM/T 0016.
const STRUCTURE_IV: usize = 32;

impl<'a> Walk<'a> {
    fn new(data: &'a [u8], dialect: &'a Dialect) -> Self {
        Walk { data, at: 0, dialect, list: Vec::new() }
    }

    fn finish(self, ended: Option<()>) -> Fields {
        Fields { is_whole: ended.is_some() && self.at == self.data.len(), list: self.list }
    }

    fn left(&self) -> usize {
        self.data.len() - self.at
    }

    /// The next bytes; as many as there are where that is fewer.
    fn take(&mut self, name: &'static str, length: usize, kind: Kind) -> Option<&'a [u8]> {
        let end = self.data.len().min(self.at.saturating_add(length));
        let taken = self.data.get(self.at..end)?;
        if !taken.is_empty() {
            self.list.push(Field { name, at: self.at..end, kind });
        }
        self.at = end;
        (taken.len() == length).then_some(taken)
    }

    fn rest(&mut self, name: &'static str, kind: Kind) -> Option<()> {
        self.take(name, self.left(), kind).map(drop)
    }

    fn byte(&mut self, name: &'static str, kind: Kind) -> Option<u8> {
        self.take(name, 1, kind)?.first().copied()
    }

    /// A quantity of 4 bytes.
    fn number(&mut self, name: &'static str) -> Option<usize> {
        self.quantity(name, 4)
    }

    /// A quantity of 2 bytes.
    fn short(&mut self, name: &'static str) -> Option<usize> {
        self.quantity(name, 2)
    }

    fn quantity(&mut self, name: &'static str, length: usize) -> Option<usize> {
        let order = self.dialect.quantity;
        let bytes = self.take(name, length, Kind::Number)?;
        usize::try_from(number(bytes, order)).ok()
    }

    /// A length of 4 bytes, and as many bytes.
    fn sized(&mut self, names: [&'static str; 2], kind: Kind) -> Option<()> {
        let length = self.number(names[0])?;
        self.take(names[1], length, kind).map(drop)
    }

    fn application(&mut self) -> Option<()> {
        self.take("application", 2, Kind::Application).map(drop)
    }

    fn container(&mut self) -> Option<()> {
        self.application()?;
        self.take("container", 2, Kind::Container).map(drop)
    }

    fn key(&mut self) -> Option<()> {
        self.container()?;
        self.take("session key", 2, Kind::SessionKey).map(drop)
    }

    fn public_key(&mut self, name: &'static str) -> Option<()> {
        self.number("bits")?;
        self.take(name, PAIR, Kind::PublicKey).map(drop)
    }

    /// Two numbers as an answer: some tokens leave the bits out.
    fn pair(&mut self, name: &'static str, kind: Kind) -> Option<()> {
        if self.left() != PAIR {
            self.number("bits")?;
        }
        self.take(name, PAIR, kind).map(drop)
    }

    /// An SM2 ciphertext in its parts.
    fn ciphertext(&mut self) -> Option<()> {
        self.number("bits")?;
        self.point_and_hash()?;
        self.sized(["ciphertext length", "ciphertext"], Kind::Sealed)
    }

    fn point_and_hash(&mut self) -> Option<()> {
        self.take("ciphertext point", PAIR, Kind::Sealed)?;
        self.take("ciphertext hash", 32, Kind::Sealed).map(drop)
    }

    fn algorithm(&mut self) -> Option<()> {
        self.take("algorithm", 4, Kind::Algorithm).map(drop)
    }

    fn rights(&mut self, name: &'static str) -> Option<()> {
        self.take(name, 4, Kind::Rights).map(drop)
    }

    fn limits(&mut self) -> Option<()> {
        self.rights("create-file right")?;
        self.byte("most containers", Kind::Number)?;
        self.byte("most certificates", Kind::Number)?;
        self.short("most files").map(drop)
    }

    fn file_info(&mut self) -> Option<()> {
        self.number("size")?;
        self.rights("read right")?;
        self.rights("write right")
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

    fn command(&mut self, ins: Ins, p1: u8) -> Option<()> {
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

    fn answer(&mut self, ins: Ins) -> Option<()> {
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

/// A number of up to 8 bytes.
pub(crate) fn number(bytes: &[u8], order: ByteOrder) -> u64 {
    let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
    match order {
        ByteOrder::Big => bytes.iter().fold(0, add),
        ByteOrder::Little => bytes.iter().rev().fold(0, add),
    }
}
