//! The token's own arithmetic without a token: what a measurement holds a whole command against. It keeps nothing and
//! asks for no right; it is no way into a token.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use ukey_apdu::command::{EccPublicKey, EccSignature};

use crate::sm2::{self, SigningKey};

/// A key pair of its own that signs as a container's does, once the command is read and the key found.
#[allow(missing_debug_implementations, reason = "holds a private key")]
pub struct Signer {
    key: SigningKey,
    public_key: EccPublicKey,
    rng: ChaCha20Rng,
}

impl Signer {
    /// One whose key and nonces follow from the seed; `None` where the seed's key is none, once in 2^256 times.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Option<Self> {
        let mut rng = ChaCha20Rng::from_seed(seed);
        let pair = sm2::generate(&mut rng);
        let key = SigningKey::of(&pair).ok()?;
        Some(Self { key, public_key: pair.public_key(), rng })
    }

    /// Its public key.
    #[must_use]
    pub const fn public_key(&self) -> EccPublicKey {
        self.public_key
    }

    /// The signature of the digest e, with a fresh nonce.
    pub fn sign(&mut self, digest: &[u8; 32]) -> EccSignature {
        sm2::sign(&self.key, digest, &mut self.rng)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_public_key_verifies_what_it_signs() {
        let mut signer = Signer::new([4; 32]).unwrap();
        let (one, two) = (signer.sign(&[7; 32]), signer.sign(&[7; 32]));
        assert_ne!(one, two);
        assert_eq!(sm2::verify(&signer.public_key(), &[7; 32], &one), Ok(()));
        assert!(sm2::verify(&signer.public_key(), &[8; 32], &two).is_err());
    }
}
