//! SM2: the key pairs of containers, and keys that their callers bring.

use ukey_apdu::Status;
use ukey_apdu::command::{
    CiphertextAnswer, EccPublicKey, EccSignData, EccSignature, EccVerify, ExportPubKey, ExtEccDecrypt,
    ExtEccEncrypt, ExtEccSign, GenEccKeyPair, ImportEccKeyPair, KeyUse, SM2_BITS, SignInput, Signer,
};
use zeroize::Zeroizing;

use super::{Answer, NOTHING, Token};
use crate::link::skf::abi::blob::{BadBlob, CIPHER_HEAD, cipher, cipher_blob, envelope_blob};
use crate::link::skf::abi::functions::{Functions, HANDLE, Stop};
use crate::link::skf::abi::room::Room;
use crate::link::skf::abi::types::{
    ECCPRIVATEKEYBLOB, ECCPUBLICKEYBLOB, ECCSIGNATUREBLOB, SGD_SM2, SGD_SM2_1,
};
use crate::link::skf::sar::Sar;

/// Room for the public key of a container: one of RSA is longer, and is none for us.
const LONGEST_KEY: usize = 512;

/// The bytes of a public key that goes in.
pub(super) fn key_bytes(key: &EccPublicKey) -> Vec<u8> {
    ECCPUBLICKEYBLOB::from(key).to_bytes()
}

/// The public key that came out.
pub(super) fn key_in(f: &Functions<'_>, bytes: &[u8]) -> Result<EccPublicKey, Stop> {
    let blob = ECCPUBLICKEYBLOB::from_bytes(bytes).ok_or(BadBlob::Short);
    blob.and_then(|blob| blob.key()).map_err(|bad| f.garbage(format!("gave {bad}")))
}

fn signature_in(f: &Functions<'_>, room: &Room) -> Result<EccSignature, Stop> {
    let blob = ECCSIGNATUREBLOB::from_bytes(room.whole()).ok_or(BadBlob::Short);
    blob.and_then(|blob| blob.signature()).map_err(|bad| f.garbage(format!("gave a signature with {bad}")))
}

impl Token {
    pub(super) fn generate_key_pair(&mut self, f: &Functions<'_>, command: &GenEccKeyPair) -> Answer {
        let container = self.container(command.application, command.container)?;
        if command.bits != SM2_BITS {
            return Err(Status::WRONG_DATA.into());
        }
        let mut room = Room::new(size_of::<ECCPUBLICKEYBLOB>());
        match f.SKF_GenECCKeyPair(container, SGD_SM2_1, &mut room) {
            // Old headers have another number for the same.
            Err(Stop::Refused(Sar::NOTSUPPORTYETERR | Sar::INVALIDPARAMERR)) => {
                f.SKF_GenECCKeyPair(container, SGD_SM2, &mut room)?;
            }
            made => made?,
        }
        let key = key_in(f, room.whole())?;
        self.encoded(EccPublicKey::SIZE.into(), |writer| key.write_generated(writer))
    }

    pub(super) fn import_key_pair(&mut self, f: &Functions<'_>, command: &ImportEccKeyPair<'_>) -> Answer {
        let container = self.container(command.application, command.container)?;
        let envelope = envelope_blob(&command.key_pair).ok_or(Status::WRONG_DATA)?;
        f.SKF_ImportECCKeyPair(container, &envelope)?;
        NOTHING
    }

    pub(super) fn public_key(&mut self, f: &Functions<'_>, command: &ExportPubKey) -> Answer {
        let container = self.container(command.application, command.container)?;
        let key = self.key_of(f, container, command.key_use)?;
        self.encoded(EccPublicKey::SIZE.into(), |writer| key.write(writer))
    }

    /// A public key of a container.
    pub(super) fn key_of(
        &self,
        f: &Functions<'_>,
        container: HANDLE,
        key_use: KeyUse,
    ) -> Answer<EccPublicKey> {
        let mut room = Room::new(LONGEST_KEY);
        f.SKF_ExportPublicKey(container, key_use as u32, &mut room)?;
        let bytes = room.filled().map_err(|garbage| f.garbage(garbage))?;
        if bytes.is_empty() {
            return Err(Status::NO_KEY_PAIR.into());
        }
        Ok(key_in(f, bytes)?)
    }

    pub(super) fn sign(&mut self, f: &Functions<'_>, command: &EccSignData<'_>) -> Answer {
        let container = self.container(command.application, command.container)?;
        let digest = match command.input {
            SignInput::Digest(digest) => digest,
            SignInput::Message { id, message } => {
                let public_key = self.key_of(f, container, KeyUse::Sign)?;
                self.digest_of(f, Signer { public_key, id }, message)?
            }
        };
        let mut room = Room::new(size_of::<ECCSIGNATUREBLOB>());
        f.SKF_ECCSignData(container, &digest, &mut room)?;
        let signature = signature_in(f, &room)?;
        self.encoded(EccSignature::SIZE.into(), |writer| signature.write(writer))
    }

    pub(super) fn verify(&mut self, f: &Functions<'_>, command: &EccVerify<'_>) -> Answer {
        let digest = match command.input {
            SignInput::Digest(digest) => digest,
            SignInput::Message { id, message } => {
                self.digest_of(f, Signer { public_key: command.public_key, id }, message)?
            }
        };
        let (key, signature) =
            (key_bytes(&command.public_key), ECCSIGNATUREBLOB::from(&command.signature).to_bytes());
        match f.SKF_ECCVerify(self.device, &key, &digest, &signature) {
            // Some have it under the other name only.
            Err(Stop::Missing) if f.has("SKF_ExtECCVerify") => {
                f.SKF_ExtECCVerify(self.device, &key, &digest, &signature)?;
            }
            verified => verified?,
        }
        NOTHING
    }

    pub(super) fn external_encrypt(&mut self, f: &Functions<'_>, command: &ExtEccEncrypt<'_>) -> Answer {
        let plaintext = command.plaintext.0;
        let mut room = Room::new(CIPHER_HEAD + plaintext.len());
        f.SKF_ExtECCEncrypt(self.device, &key_bytes(&command.public_key), plaintext, &mut room)?;
        self.ciphertext(f, &room, CiphertextAnswer::External)
    }

    /// The ciphertext that came out, as an answer has it.
    pub(super) fn ciphertext(&self, f: &Functions<'_>, room: &Room, form: CiphertextAnswer) -> Answer {
        let block = cipher(room.whole()).map_err(|bad| f.garbage(format!("gave {bad} for a ciphertext")))?;
        self.encoded(room.whole().len(), |writer| {
            form.write(writer, &block.point, &block.hash, block.cipher.len(), |space| {
                space.copy_from_slice(block.cipher);
            })
        })
    }

    pub(super) fn external_decrypt(&mut self, f: &Functions<'_>, command: &ExtEccDecrypt<'_>) -> Answer {
        let key = Zeroizing::new(ECCPRIVATEKEYBLOB::new(&command.private_key).to_bytes());
        let mut room = Room::new(command.ciphertext.cipher.len());
        f.SKF_ExtECCDecrypt(self.device, &key, &cipher_blob(&command.ciphertext), &mut room)?;
        let plaintext = room.filled().map_err(|garbage| f.garbage(garbage))?;
        self.encoded(plaintext.len(), |writer| writer.sized(plaintext))
    }

    pub(super) fn external_sign(&mut self, f: &Functions<'_>, command: &ExtEccSign) -> Answer {
        let key = Zeroizing::new(ECCPRIVATEKEYBLOB::new(&command.private_key).to_bytes());
        let mut room = Room::new(size_of::<ECCSIGNATUREBLOB>());
        f.SKF_ExtECCSign(self.device, &key, &command.digest, &mut room)?;
        let signature = signature_in(f, &room)?;
        self.encoded(EccSignature::SIZE.into(), |writer| signature.write_external(writer))
    }
}
