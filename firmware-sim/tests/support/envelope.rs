//! What a certificate authority sends: an encryption key pair, enveloped for a container's sign key.

use sm2::elliptic_curve::sec1::ToSec1Point;
use sm2::pke::{DecryptingKey, EncryptingKey, Mode};
use ukey_apdu::command::*;
use ukey_apdu::{Status, mac};

use super::Host;

/// An enveloped encryption key pair. Its parts may be spoilt.
pub struct Envelope {
    pub private: [u8; 32],
    pub public: EccPublicKey,
    pub version: u32,
    pub algorithm: u32,
    pub point: EccPublicKey,
    pub hash: [u8; 32],
    pub cipher: Vec<u8>,
    pub encrypted: Vec<u8>,
}

/// The symmetric key in an envelope.
const SYMMETRIC: [u8; 16] = [0x17; 16];

/// The public key of a private one.
pub fn public_key(private: &[u8; 32]) -> EccPublicKey {
    let point = sm2::SecretKey::from_slice(private).unwrap().public_key().to_sec1_point(false);
    EccPublicKey { x: part(point.as_bytes(), 1), y: part(point.as_bytes(), 33) }
}

fn part(bytes: &[u8], from: usize) -> [u8; 32] {
    bytes[from..from + 32].try_into().unwrap()
}

/// A ciphertext of another implementation. Its parts may be spoilt.
pub struct Sealed {
    pub point: EccPublicKey,
    pub hash: [u8; 32],
    pub cipher: Vec<u8>,
}

impl Sealed {
    pub fn new(key: &EccPublicKey, plain: &[u8]) -> Self {
        let key = sm2::PublicKey::from_sec1_bytes(&[[4].as_slice(), &key.x, &key.y].concat()).unwrap();
        let mut rng = <rand_chacha::ChaCha20Rng as rand_core::SeedableRng>::from_seed([3; 32]);
        let sealed = EncryptingKey::new_with_mode(key, Mode::C1C3C2).encrypt(&mut rng, plain).unwrap();
        Self {
            point: EccPublicKey { x: part(&sealed, 1), y: part(&sealed, 33) },
            hash: part(&sealed, 65),
            cipher: sealed[97..].to_vec(),
        }
    }

    pub fn block(&self) -> CipherBlock<'_> {
        CipherBlock { point: self.point, hash: self.hash, cipher: &self.cipher }
    }
}

/// Opens a ciphertext of the token with another implementation.
pub fn open(private: &[u8; 32], sealed: &CipherBlock<'_>) -> Option<Vec<u8>> {
    let CipherBlock { point, hash, cipher } = sealed;
    let bytes = [[4].as_slice(), &point.x, &point.y, hash, cipher].concat();
    let key = sm2::SecretKey::from_slice(private).unwrap();
    DecryptingKey::new_with_mode(key.to_nonzero_scalar(), Mode::C1C3C2).decrypt(&bytes).ok()
}

impl Envelope {
    /// The pair of `private` for `sign_key`; d in its 64-byte form if `long`, else in its 32-byte form.
    pub fn new(sign_key: EccPublicKey, private: [u8; 32], long: bool) -> Self {
        let plain = if long { [[0; 32], private].concat() } else { private.to_vec() };
        let Sealed { point, hash, cipher } = Sealed::new(&sign_key, &SYMMETRIC);
        let (public, encrypted) = (public_key(&private), Vec::new());
        let algorithm = SGD_SM4_ECB;
        let mut this = Self { private, public, version: 1, algorithm, point, hash, cipher, encrypted };
        this.seal_private_key(&plain);
        this
    }

    /// Puts these bytes, a multiple of 16, in the place of the private key.
    pub fn seal_private_key(&mut self, plain: &[u8]) {
        let blocks = plain.chunks(16).map(|block| block.try_into().unwrap());
        self.encrypted = blocks.flat_map(|block| mac::encrypt_block(&SYMMETRIC, block)).collect();
    }

    /// What goes into the command.
    pub fn key_pair(&self) -> EnvelopedKeyPair<'_> {
        EnvelopedKeyPair {
            version: self.version,
            algorithm: self.algorithm,
            encrypted_private_key: &self.encrypted,
            public_key: self.public,
            wrapped_key: CipherBlock { point: self.point, hash: self.hash, cipher: &self.cipher },
        }
    }

    /// Imports it into the open container.
    pub fn import(&self, host: &mut Host) -> Result<(), Status> {
        let (application, container) = (host.application, host.container);
        host.send(&ImportEccKeyPair { application, container, key_pair: self.key_pair() }).map(drop)
    }
}
