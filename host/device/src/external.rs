//! SM2 by the device itself, with keys that its caller brings: for hosts that have no SM2 of their own, and for the
//! judges of tokens. Nothing is kept in the token, and no PIN is wanted.

use ukey_apdu::Status;
use ukey_apdu::command::{
    CipherBlock, EccPublicKey, EccSignature, EccVerify, ExtEccDecrypt, ExtEccEncrypt, ExtEccSign, Plaintext,
    SignInput,
};
use zeroize::Zeroizing;

use crate::device::Device;
use crate::error::{About, Result};
use crate::session_key::SealedKey;

impl Device {
    /// Whether a signature is that of a digest e, or of a message under an identity, by this public key.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) by a token that does not offer it;
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) for an empty identity.
    pub fn verify(
        &self,
        public_key: &EccPublicKey,
        input: SignInput<'_>,
        signature: &EccSignature,
    ) -> Result<bool> {
        let command = EccVerify { public_key: *public_key, input, signature: *signature };
        match self.wire().send(&command, About::default(), drop) {
            Ok(()) => Ok(true),
            Err(error) if error.status() == Some(Status::PUBLIC_KEY_OPERATION_FAILED) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Encrypts 1 byte or more for a public key.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) by a token that does not offer it;
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) where that is no public key, there is nothing to encrypt, or
    /// more than the token has room for.
    pub fn encrypt(&self, public_key: &EccPublicKey, plaintext: &[u8]) -> Result<SealedKey> {
        let command = ExtEccEncrypt { public_key: *public_key, plaintext: Plaintext(plaintext) };
        self.wire().send(&command, About::default(), |sealed| SealedKey::from(sealed))
    }

    /// Decrypts with a private key of the caller.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) by a token that does not offer it;
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) where the ciphertext is wrong or made for another key.
    pub fn decrypt(
        &self,
        private_key: &[u8; 32],
        ciphertext: &CipherBlock<'_>,
    ) -> Result<Zeroizing<Vec<u8>>> {
        let command = ExtEccDecrypt { private_key: *private_key, ciphertext: *ciphertext };
        self.wire().send(&command, About::default(), |plaintext| Zeroizing::new(plaintext.0.to_vec()))
    }

    /// Signs a digest e with a private key of the caller.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) by a token that does not offer it;
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) where that is no private key.
    pub fn sign(&self, private_key: &[u8; 32], digest: &[u8; 32]) -> Result<EccSignature> {
        let command = ExtEccSign { private_key: *private_key, digest: *digest };
        self.wire().send(&command, About::default(), |signature| signature)
    }
}
