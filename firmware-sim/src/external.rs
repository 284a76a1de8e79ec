//! SM2 with keys that come in the command: neither an application nor a right is needed, and nothing is kept.

use ukey_apdu::command::{CiphertextAnswer, EccVerify, ExtEccDecrypt, ExtEccEncrypt, ExtEccSign, SignInput};
use ukey_apdu::status::Status;
use ukey_apdu::wire::Writer;

use crate::platform::Platform;
use crate::sm2::{self, SigningKey};
use crate::token::Run;

impl<P: Platform> Run<'_, P> {
    pub(crate) fn verify(&mut self, command: &EccVerify<'_>) -> Result<(), Status> {
        let key = &command.public_key;
        let e = match command.input {
            SignInput::Digest(e) => e,
            SignInput::Message { id, message } => {
                sm2::digest(id, key, message).map_err(|_| Status::WRONG_DATA)?
            }
        };
        sm2::verify(key, &e, &command.signature).map_err(|_| Status::PUBLIC_KEY_OPERATION_FAILED)
    }

    pub(crate) fn encrypt_external(
        &mut self,
        command: &ExtEccEncrypt<'_>,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let sealed = self.chance.draw(|rng| sm2::encrypt(&command.public_key, command.plaintext.0, rng))?;
        let sealed = sealed.map_err(|_| Status::ENCRYPTION_FAILED)?;
        // The answer is longer than the command.
        sealed.write(CiphertextAnswer::External, out).map_err(|_| Status::WRONG_LENGTH)
    }

    pub(crate) fn decrypt_external(
        &mut self,
        command: &ExtEccDecrypt<'_>,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let length = command.ciphertext.cipher.len();
        out.length(length)?;
        let plain = out.space(length)?;
        sm2::decrypt_into(&command.private_key, &command.ciphertext, plain)
            .map_err(|_| Status::DECRYPTION_FAILED)
    }

    pub(crate) fn sign_external(&mut self, command: &ExtEccSign, out: &mut Writer<'_>) -> Result<(), Status> {
        let key = SigningKey::from_private(&command.private_key).map_err(|_| Status::WRONG_DATA)?;
        Ok(self.chance.draw(|rng| sm2::sign(&key, &command.digest, rng))?.write_external(out)?)
    }
}
