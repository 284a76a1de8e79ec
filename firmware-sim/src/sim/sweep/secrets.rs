//! The secrets of a sweep, and which of them lie readable in a flash.

use ukey_apdu::command::EccPublicKey;
use ukey_apdu::pin::DeviceKey;

use crate::sim::SimFlash;

/// The device authentication key of the factory, and the one that it is changed to.
pub(super) const DEVICE_KEYS: [[u8; 16]; 2] = [*b"1234567812345678", *b"the-next-dev-key"];
/// The user's PIN, and the one that it is changed to.
pub(super) const USER_PINS: [&str; 2] = ["the-user-pin", "next-user-pin"];
/// The administrator's PIN, and the one that it is changed to.
pub(super) const ADMIN_PINS: [&str; 2] = ["the-admin-pin", "next-admin-pin"];
/// A PIN that is never right.
pub(super) const WRONG_PIN: &str = "a-wrong-pin";
/// A device authentication key that is never right.
pub(super) const WRONG_DEVICE_KEY: DeviceKey = DeviceKey([0; 16]);
/// A PIN that no token takes.
pub(super) const SHORT_PIN: &str = "short";
/// The symmetric key in every envelope.
pub(super) const ENVELOPE_KEY: [u8; 16] = [0x17; 16];
/// The private keys that are brought in envelopes.
pub(super) const BROUGHT: [[u8; 32]; 2] = [[0x42; 32], [0x43; 32]];
/// What the secret file holds, over and over, and what is written over it.
pub(super) const CONTENTS: [[u8; 8]; 2] = [*b"old seal", *b"new seal"];

/// Secrets by their bytes, and which of them lie in a flash.
pub(super) struct Secrets {
    known: Vec<(String, Vec<u8>)>,
    base: Vec<u8>,
    /// Which secrets lie in which page of the base.
    pages: Vec<u32>,
}

impl Secrets {
    /// The secrets of this sweep, and the private keys of these pairs, which lie in front of their public keys.
    pub(super) fn new(base: &[u8], images: &[&[u8]], keys: &[EccPublicKey]) -> Result<Self, String> {
        let mut known: Vec<(String, Vec<u8>)> = Vec::new();
        for text in USER_PINS.iter().chain(&ADMIN_PINS) {
            known.push(("a PIN".to_owned(), text.as_bytes().to_vec()));
        }
        for key in DEVICE_KEYS {
            known.push(("a device authentication key".to_owned(), key.to_vec()));
        }
        known.push(("the key of an envelope".to_owned(), ENVELOPE_KEY.to_vec()));
        for content in CONTENTS {
            known.push(("a secret file's content".to_owned(), content.to_vec()));
        }
        let mut private_keys = BROUGHT.to_vec();
        for key in keys {
            let private = images.iter().find_map(|image| private_key(image, key));
            let private = private.ok_or("a private key was not found: the sweep would be blind for it")?;
            if !private_keys.contains(&private) {
                private_keys.push(private);
            }
        }
        for private in private_keys {
            let pair = crate::sm2::from_private(&private).map_err(|_| "a private key out of range")?;
            known.push(("a private key".to_owned(), private.to_vec()));
            let inverse = pair.inverse.ok_or("the inverse is kept with every private key")?;
            known.push(("what a private key signs with".to_owned(), inverse.to_vec()));
        }
        let mut this = Self { known, base: base.to_vec(), pages: Vec::new() };
        this.pages = base.chunks(SimFlash::PAGE).map(|page| this.in_page(page)).collect();
        Ok(this)
    }

    fn in_page(&self, page: &[u8]) -> u32 {
        let mut found = 0;
        let mut bit = 1;
        for (_, secret) in &self.known {
            let first = secret.first().copied().unwrap_or_default();
            let mut rest = page;
            while let Some(at) = rest.iter().position(|&byte| byte == first) {
                let here = rest.get(at..).unwrap_or_default();
                if here.starts_with(secret) {
                    found |= bit;
                    break;
                }
                rest = here.get(1..).unwrap_or_default();
            }
            bit <<= 1;
        }
        found
    }

    /// The secrets in a flash, as bits.
    pub(super) fn inside(&self, image: &[u8]) -> u32 {
        let pages = image.chunks(SimFlash::PAGE).zip(self.base.chunks(SimFlash::PAGE)).zip(&self.pages);
        pages.fold(0, |all, ((page, base), known)| {
            all | if page == base { *known } else { self.in_page(page) }
        })
    }

    /// What one of these bits stands for.
    pub(super) fn name(&self, bits: u32) -> &str {
        let number = usize::try_from(bits.trailing_zeros()).unwrap_or(usize::MAX);
        self.known.get(number).map_or("something", |(name, _)| name)
    }
}

/// The private key of a pair, as it lies in the flash.
fn private_key(image: &[u8], key: &EccPublicKey) -> Option<[u8; 32]> {
    let at = image.windows(32).enumerate().filter(|(_, window)| *window == key.x).map(|(at, _)| at);
    let fronts = at.filter_map(|at| image.get(at.checked_sub(32)?..at)?.try_into().ok());
    fronts.into_iter().find(|d| crate::sm2::from_private(d).is_ok_and(|pair| pair.public_key() == *key))
}
