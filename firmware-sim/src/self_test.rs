//! The self-test (GM/T 0027-2014 clause 5.5): firmware, algorithms, chance, stored keys and data.
//!
//! At power-on the image is compared with its digest where the platform has one, the algorithms under all others (SM2
//! signatures, SM3, SM4, SHA-1, SHA-256) give their known answers, the generator tests its noise, and, by policy, every
//! stored value is read and compared with its check sum. That a stored pair's public key belongs to its private key is
//! found out when the pair is used for the first time since then: it takes a multiplication each, and there may be 192.
//!
//! Whatever fails, the token stops: every command is answered with [`STOPPED`] and does nothing, until the power goes and
//! a self-test passes. Only GetDevInfo goes on, so that a host can say which token it is.

use rand_core::{TryCryptoRng, TryRng};
use sha1::Sha1;
use sha2::Sha256;
use sm3::{Digest, Sm3};
use ukey_apdu::command::{EccPublicKey, EccSignature, KeyUse};
use ukey_apdu::mac;
use ukey_apdu::status::Status;

use crate::chance::Unsound;
use crate::object::{APPLICATIONS, AppSlot, ContainerSlot, KeyPairRecord};
use crate::platform::Firmware;
use crate::sm2::{self, SigningKey};

/// What a token that has stopped answers: an execution error, the memory unchanged. It answers so for nothing else.
pub(crate) const STOPPED: Status = Status::MEMORY_UNCHANGED;

/// Why a token has stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The firmware's image has another digest.
    Firmware,
    /// An algorithm gave a wrong answer.
    Algorithm,
    /// A stored value does not match its check sum, or cannot be read.
    Record,
    /// The two keys of a stored pair do not belong together.
    KeyPair,
    /// Chance is not to be trusted.
    Chance(Unsound),
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Fault::Firmware => f.write_str("the firmware is not what its digest says"),
            Fault::Algorithm => f.write_str("an algorithm gives wrong answers"),
            Fault::Record => f.write_str("stored keys or data are damaged"),
            Fault::KeyPair => f.write_str("the keys of a stored pair do not belong together"),
            Fault::Chance(unsound) => write!(f, "random numbers are not to be trusted: {unsound}"),
        }
    }
}

impl core::error::Error for Fault {}

/// The image is what its digest says.
pub(crate) fn firmware(firmware: &Firmware<'_>) -> Result<(), Fault> {
    if Sm3::digest(firmware.image).as_slice() == firmware.digest { Ok(()) } else { Err(Fault::Firmware) }
}

/// The algorithms under all others give their known answers: SM2 encryption and key agreement have the group of the
/// signature and the digest SM3, the modes and the MAC have the block of SM4.
pub(crate) fn algorithms() -> Result<(), Fault> {
    if KNOWN.come_out() { Ok(()) } else { Err(Fault::Algorithm) }
}

/// What comes out for fixed inputs.
struct KnownAnswers {
    /// Of `abc`: GM/T 0004 annex A.1.
    sm3: [u8; 32],
    /// Of `abc`: FIPS 180-4.
    sha1: [u8; 20],
    /// Of `abc`: FIPS 180-4.
    sha256: [u8; 32],
    /// The block that is the key, encrypted by itself: GM/T 0002 annex A.1.
    sm4: [u8; 16],
    /// GB/T 32918.5-2017 annex A.2, with its nonce.
    sm2: EccSignature,
}

const KNOWN: KnownAnswers = KnownAnswers {
    sm3: *b"\x66\xc7\xf0\xf4\x62\xee\xed\xd9\xd1\xf2\xd4\x6b\xdc\x10\xe4\xe2\x41\x67\xc4\x87\x5c\xf2\xf7\xa2\x29\x7d\xa0\x2b\x8f\x4b\xa8\xe0",
    sha1: *b"\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25\x71\x78\x50\xc2\x6c\x9c\xd0\xd8\x9d",
    sha256: *b"\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad",
    sm4: *b"\x68\x1e\xdf\x34\xd2\x06\x96\x5e\x86\xb3\xe9\x4f\x53\x6e\x42\x46",
    sm2: EccSignature {
        r: *b"\xf5\xa0\x3b\x06\x48\xd2\xc4\x63\x0e\xea\xc5\x13\xe1\xbb\x81\xa1\x59\x44\xda\x38\x27\xd5\xb7\x41\x43\xac\x7e\xac\xee\xe7\x20\xb3",
        s: *b"\xb1\xb6\xaa\x29\xdf\x21\x2f\xd8\x76\x31\x82\xbc\x0d\x42\x1c\xa1\xbb\x90\x38\xfd\x1f\x7f\x42\xd4\x84\x0b\x69\xc4\x85\xbb\xc1\xaa",
    },
};

/// Key and plaintext of SM4.
const SM4_KEY: [u8; 16] = *b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10";
const SM2_D: [u8; 32] = *b"\x39\x45\x20\x8f\x7b\x21\x44\xb1\x3f\x36\xe3\x8a\xc6\xd3\x9f\x95\x88\x93\x93\x69\x28\x60\xb5\x1a\x42\xfb\x81\xef\x4d\xf7\xc5\xb8";
const SM2_KEY: EccPublicKey = EccPublicKey {
    x: *b"\x09\xf9\xdf\x31\x1e\x54\x21\xa1\x50\xdd\x7d\x16\x1e\x4b\xc5\xc6\x72\x17\x9f\xad\x18\x33\xfc\x07\x6b\xb0\x8f\xf3\x56\xf3\x50\x20",
    y: *b"\xcc\xea\x49\x0c\xe2\x67\x75\xa5\x2d\xc6\xea\x71\x8c\xc1\xaa\x60\x0a\xed\x05\xfb\xf3\x5e\x08\x4a\x66\x32\xf6\x07\x2d\xa9\xad\x13",
};
const SM2_E: [u8; 32] = *b"\xf0\xb4\x3e\x94\xba\x45\xac\xca\xac\xe6\x92\xed\x53\x43\x82\xeb\x17\xe6\xab\x5a\x19\xce\x7b\x31\xf4\x48\x6f\xdf\xc0\xd2\x86\x40";
const SM2_NONCE: [u8; 32] = *b"\x59\x27\x6e\x27\xd5\x06\x86\x1a\x16\x68\x0f\x3a\xd9\xc0\x2d\xcc\xef\x3c\xc1\xfa\x3c\xdb\xe4\xce\x6d\x54\xb8\x0d\xea\xc1\xbc\x21";

impl KnownAnswers {
    fn come_out(&self) -> bool {
        Sm3::digest(b"abc").as_slice() == self.sm3
            && Sha1::digest(b"abc").as_slice() == self.sha1
            && Sha256::digest(b"abc").as_slice() == self.sha256
            && mac::encrypt_block(&SM4_KEY, SM4_KEY) == self.sm4
            && mac::decrypt_block(&SM4_KEY, self.sm4) == SM4_KEY
            && self.sm2_comes_out()
    }

    /// The signature, that it is verified, and that no other is: r and s exchanged.
    fn sm2_comes_out(&self) -> bool {
        let EccSignature { r, s } = self.sm2;
        let own = SigningKey::from_private(&SM2_D).map(|key| sm2::sign(&key, &SM2_E, &mut Nonce));
        own == Ok(self.sm2)
            && sm2::verify(&SM2_KEY, &SM2_E, &self.sm2).is_ok()
            && sm2::verify(&SM2_KEY, &SM2_E, &EccSignature { r: s, s: r }).is_err()
    }
}

/// Hands out the nonce of the known answer.
struct Nonce;

impl TryRng for Nonce {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        out.iter_mut().zip(SM2_NONCE).for_each(|(cell, byte)| *cell = byte);
        Ok(())
    }
}

impl TryCryptoRng for Nonce {}

/// Whose two keys were found to belong together since the power came.
#[derive(Clone, Debug, Default)]
pub(crate) struct CheckedPairs([u32; APPLICATIONS]);

impl CheckedPairs {
    fn bit(container: ContainerSlot, key_use: KeyUse) -> u32 {
        1_u32.rotate_left(2 * u32::from(container.0) + key_use as u32)
    }

    /// The pair of this place is found out about once.
    pub(crate) fn check(
        &mut self,
        app: AppSlot,
        container: ContainerSlot,
        key_use: KeyUse,
        pair: &KeyPairRecord,
    ) -> Result<(), Fault> {
        let Some(of_app) = self.0.get_mut(usize::from(app.0)) else { return Ok(()) };
        let bit = Self::bit(container, key_use);
        if *of_app & bit == 0 {
            if !sm2::belongs_together(pair) {
                return Err(Fault::KeyPair);
            }
            *of_app |= bit;
        }
        Ok(())
    }

    /// Another pair takes this place.
    pub(crate) fn forget(&mut self, app: AppSlot, container: ContainerSlot, key_use: KeyUse) {
        if let Some(of_app) = self.0.get_mut(usize::from(app.0)) {
            *of_app &= !Self::bit(container, key_use);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::CONTAINERS;

    #[test]
    fn the_known_answers_come_out_and_no_others() {
        assert_eq!(algorithms(), Ok(()));
        let spoilt: [fn(&mut KnownAnswers); 6] = [
            |known| known.sm3[31] ^= 1,
            |known| known.sha1[0] ^= 1,
            |known| known.sha256[9] ^= 0x80,
            |known| known.sm4[3] ^= 1,
            |known| known.sm2.r[31] ^= 1,
            |known| known.sm2.s[31] ^= 1,
        ];
        for (number, spoil) in spoilt.iter().enumerate() {
            let mut known = KNOWN;
            spoil(&mut known);
            assert!(!known.come_out(), "{number}");
        }
    }

    #[test]
    fn an_image_is_what_its_digest_says() {
        let good = Firmware { image: b"abc", digest: KNOWN.sm3 };
        assert_eq!(firmware(&good), Ok(()));
        assert_eq!(firmware(&Firmware { image: b"abd", ..good }), Err(Fault::Firmware));
        assert_eq!(firmware(&Firmware { image: b"", ..good }), Err(Fault::Firmware));
    }

    #[test]
    fn every_pair_has_its_own_place_and_is_found_out_about_once() {
        let good = sm2::from_private(&[3; 32]).unwrap();
        let bad = KeyPairRecord { d: [4; 32], ..good };
        let mut checked = CheckedPairs::default();
        for (number, app) in AppSlot::all().enumerate() {
            for (place, container) in ContainerSlot::all().enumerate() {
                for key_use in KeyUse::ALL {
                    assert_eq!(checked.check(app, container, key_use, &bad), Err(Fault::KeyPair));
                    assert_eq!(checked.check(app, container, key_use, &good), Ok(()));
                    assert_eq!(
                        checked.check(app, container, key_use, &bad),
                        Ok(()),
                        "it was found out about"
                    );
                }
                assert_eq!(checked.0[number].count_ones() as usize, 2 * (place + 1));
            }
        }
        assert_eq!(checked.0, [u32::MAX; APPLICATIONS]);
        assert_eq!(CONTAINERS, 16, "32 bits");
        let (app, container) = (AppSlot(2), ContainerSlot(16));
        checked.forget(app, container, KeyUse::Sign);
        assert_eq!(checked.check(app, container, KeyUse::Encrypt, &bad), Ok(()));
        assert_eq!(checked.check(app, container, KeyUse::Sign, &bad), Err(Fault::KeyPair));
    }
}
