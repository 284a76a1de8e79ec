//! Secrets at rest: SM4-GCM under the master key; and the keyed digests of codes.
//!
//! Guarantees: what is sealed for one place (associated data) opens in no other; a database opened with another master
//! key is refused at once; nothing here shows itself in `Debug`.
//! Refuses to know: what the secrets are.

use crate::chance::Chance;
use aes_gcm::{
    AesGcm, KeyInit,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use sm3::{Digest, Sm3};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

type Sm4Gcm = AesGcm<sm4::Sm4, aes_gcm::aead::consts::U12>;

const NONCE: usize = 12;

/// The hall's master key, 32 bytes.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// The key with these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl core::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("MasterKey(***)")
    }
}

/// A sealed secret does not open: another master key, another place, or changed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed secret does not open: wrong master key or damaged database")]
pub struct DoesNotOpen;

/// Seals and opens.
pub(crate) struct Vault {
    cipher: Sm4Gcm,
    codes: Zeroizing<[u8; 32]>,
    callbacks: Zeroizing<[u8; 32]>,
    audit: Zeroizing<[u8; 32]>,
}

impl Vault {
    /// A vault under this master key. Each use has its own key: SM3 of its name and the master key.
    pub(crate) fn new(master: &MasterKey) -> Self {
        let derive = |purpose: &str| -> Zeroizing<[u8; 32]> {
            let mut key = [0; 32];
            key.copy_from_slice(&Sm3::new().chain_update(purpose).chain_update(master.0).finalize());
            Zeroizing::new(key)
        };
        let sealing = derive("ukey-hall/vault/1");
        let cipher = Sm4Gcm::new_from_slice(&sealing[..16]).expect("16 bytes are an SM4 key");
        Self {
            cipher,
            codes: derive("ukey-hall/codes/1"),
            callbacks: derive("ukey-hall/callbacks/1"),
            audit: derive("ukey-hall/audit/1"),
        }
    }

    /// Seals `secret` for `place`: nonce (12 bytes), ciphertext, tag (16 bytes).
    pub(crate) fn seal(&self, chance: &mut Chance, place: &str, secret: &[u8]) -> Vec<u8> {
        let nonce = chance.bytes::<NONCE>();
        let payload = Payload { msg: secret, aad: place.as_bytes() };
        let sealed = self.cipher.encrypt(&nonce.into(), payload).expect("a secret is shorter than 64 GiB");
        [&nonce[..], &sealed].concat()
    }

    /// Opens what was sealed for `place`.
    pub(crate) fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or(DoesNotOpen)?;
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        self.cipher.decrypt(&(*nonce).into(), payload).map(Zeroizing::new).map_err(|_| DoesNotOpen)
    }

    /// HMAC-SM3 of a code for its purpose and scope, hexadecimal.
    pub(crate) fn code_digest(&self, purpose: &str, scope: &str, code: &str) -> String {
        hex::encode(mac(&self.codes[..], &[purpose, "\n", scope, "\n", code].map(str::as_bytes)))
    }

    /// HMAC-SM3 of the last row of the audit log, hexadecimal.
    pub(crate) fn audit_seal(&self, place: u64, digest: &str) -> String {
        hex::encode(mac(&self.audit[..], &[place.to_string().as_bytes(), b"\n", digest.as_bytes()]))
    }

    /// The key that the payment provider, real or simulated, shares with the hall.
    pub(crate) fn callback_key(&self) -> &[u8] {
        &self.callbacks[..]
    }
}

/// HMAC-SM3 over the joined parts.
pub(crate) fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sm3>::new_from_slice(key).expect("an HMAC key may have any length");
    parts.iter().for_each(|part| mac.update(part));
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&mac.finalize().into_bytes());
    bytes
}

/// SM3, hexadecimal.
pub(crate) fn sm3(bytes: &[u8]) -> String {
    hex::encode(Sm3::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_in_its_place_only() {
        let mut chance = Chance::new(Some(1));
        let vault = Vault::new(&MasterKey::new([1; 32]));
        let sealed = vault.seal(&mut chance, "key 1", b"secret");
        assert_eq!(vault.open("key 1", &sealed).unwrap().as_slice(), b"secret");
        assert_eq!(vault.open("key 2", &sealed).unwrap_err(), DoesNotOpen);
        assert!(Vault::new(&MasterKey::new([2; 32])).open("key 1", &sealed).is_err());
        let mut bent = sealed.clone();
        *bent.last_mut().unwrap() ^= 1;
        assert!(vault.open("key 1", &bent).is_err());
        assert!(vault.open("key 1", &sealed[..11]).is_err());
    }

    #[test]
    fn a_code_digest_depends_on_purpose_scope_and_code() {
        let vault = Vault::new(&MasterKey::new([1; 32]));
        let one = vault.code_digest("a", "b", "1");
        assert_ne!(one, vault.code_digest("a", "b", "2"));
        assert_ne!(one, vault.code_digest("a", "c", "1"));
        assert_ne!(one, vault.code_digest("b", "b", "1"));
    }
}
