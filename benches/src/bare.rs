//! The cryptography of a token's commands, without a token: crates `sm2`, `sha1`, `sm4`, and the token's own signature.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sm2::SecretKey;
use sm2::dsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use sm2::dsa::{Signature, SigningKey};
use sm2::elliptic_curve::Generate;
use sm2::pke::{DecryptingKey, Mode};
use ukey_apdu::Dialect;
use ukey_apdu::command::EccSignature;
use ukey_apdu::pin::{Challenge, Pin, PinKey};
use ukey_firmware::sim::bare::Signer;

/// A key pair with a signature and a ciphertext made by it, a source of keys, and a PIN.
#[allow(missing_debug_implementations, reason = "holds secrets")]
pub struct Bare {
    signer: SigningKey,
    own: Signer,
    signature: Signature,
    receiver: DecryptingKey,
    sealed: Vec<u8>,
    rng: ChaCha20Rng,
    pin: Pin,
}

impl Bare {
    /// One with a fixed seed.
    #[must_use]
    pub fn new() -> Self {
        let mut rng = ChaCha20Rng::from_seed([2; 32]);
        let secret = SecretKey::generate_from_rng(&mut rng);
        let signer = SigningKey::new("1234567812345678", &secret).expect("a short identity");
        let signature = signer.sign_prehash(&crate::DIGEST).expect("a digest of 32 bytes");
        let receiver = DecryptingKey::new_with_mode(secret.to_nonzero_scalar(), Mode::C1C3C2);
        let sealed = receiver.encrypting_key().encrypt(&mut rng, &crate::TEXT).expect("a ciphertext");
        let own = Signer::new([3; 32]).expect("a key pair");
        Self { signer, own, signature, receiver, sealed, rng, pin: Pin::new(crate::PIN).expect("8 digits") }
    }

    /// SM2 signature of a digest.
    #[must_use]
    pub fn sign(&self) -> Signature {
        self.signer.sign_prehash(&crate::DIGEST).expect("a digest of 32 bytes")
    }

    /// SM2 signature of a digest by the token's own arithmetic: what ECCSignData computes, and nothing else.
    #[must_use]
    pub fn sign_as_the_token(&mut self) -> EccSignature {
        self.own.sign(&crate::DIGEST)
    }

    /// SM2 verification of that digest's signature.
    ///
    /// # Panics
    /// When it is not verified: then there is nothing to measure.
    pub fn verify(&self) {
        self.signer
            .verifying_key()
            .verify_prehash(&crate::DIGEST, &self.signature)
            .expect("its own signature");
    }

    /// SM2 encryption of 32 bytes.
    #[must_use]
    pub fn encrypt(&mut self) -> Vec<u8> {
        self.receiver.encrypting_key().encrypt(&mut self.rng, &crate::TEXT).expect("a ciphertext")
    }

    /// SM2 decryption of 32 bytes.
    #[must_use]
    pub fn decrypt(&self) -> Vec<u8> {
        self.receiver.decrypt(&self.sealed).expect("its own ciphertext")
    }

    /// SM2 key pair.
    #[must_use]
    pub fn generate(&mut self) -> sm2::PublicKey {
        SecretKey::generate_from_rng(&mut self.rng).public_key()
    }

    /// The cryptogram that answers a challenge: SHA-1 over the PIN, then one SM4 block.
    #[must_use]
    pub fn cryptogram(&self, challenge: &Challenge) -> [u8; 16] {
        PinKey::derive(&Dialect::GM2012, &self.pin).cryptogram(&Dialect::GM2012, challenge)
    }
}

impl Default for Bare {
    fn default() -> Self {
        Self::new()
    }
}
