//! Protection of PINs and of the device authentication key on the wire (GM/T 0016-2012 clause 8.2; the method of a
//! commercial token, known from captures).
//!
//! A PIN never travels: it becomes an SM4 key, which encrypts the token's challenge (VerifyPin) or the new PIN
//! (ChangePin, UnblockPin). Everything here is erased when dropped and prints nothing.

use core::fmt;

use sha1::Sha1;
use sm3::{Digest, Sm3};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::dialect::{BlockForm, Dialect, PinKeyForm};
use crate::mac::{self, BLOCK, Covered, MAC_LENGTH};
use crate::status::Status;
use crate::wire::Malformed;

/// Longest PIN on the wire, in bytes.
pub const MAX_PIN: usize = 16;

/// The 8 random bytes of the token that a PIN command answers.
pub type Challenge = [u8; 8];

/// A user or administrator PIN: 1 to 16 bytes, none of them NUL.
#[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
pub struct Pin {
    bytes: [u8; MAX_PIN],
    length: usize,
}

/// The text is no PIN: empty, longer than 16 bytes, or with a NUL inside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotAPin;

impl fmt::Display for NotAPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a PIN has 1 to 16 bytes, none of them NUL")
    }
}

impl core::error::Error for NotAPin {}

impl Pin {
    /// A PIN of these bytes.
    pub fn new(text: &[u8]) -> Result<Pin, NotAPin> {
        let mut pin = Pin { bytes: [0; MAX_PIN], length: text.len() };
        if text.is_empty() || text.contains(&0) {
            return Err(NotAPin);
        }
        pin.bytes.get_mut(..text.len()).ok_or(NotAPin)?.copy_from_slice(text);
        Ok(pin)
    }

    /// A PIN from a zero-padded field of 16 bytes, as CreateApplication carries it.
    pub fn from_padded(field: &[u8; MAX_PIN]) -> Result<Pin, NotAPin> {
        let text = crate::wire::unpadded(field);
        let padding = field.get(text.len()..).unwrap_or_default();
        if padding.iter().any(|&byte| byte != 0) { Err(NotAPin) } else { Pin::new(text) }
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Its bytes, zero padded to 16.
    #[must_use]
    pub const fn padded(&self) -> &[u8; MAX_PIN] {
        &self.bytes
    }

    /// Its length in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Never: a PIN has at least one byte. Only a default value, which is none, is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(‹redacted›)")
    }
}

/// The SM4 key that stands for a PIN on the wire.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PinKey([u8; BLOCK]);

impl fmt::Debug for PinKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinKey(‹redacted›)")
    }
}

/// A new PIN on its way to the token: encrypted block and MAC.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SealedPin<'a> {
    /// The encrypted block, 16 or 32 bytes.
    pub block: &'a [u8],
    /// The MAC.
    pub mac: [u8; MAC_LENGTH],
}

impl fmt::Debug for SealedPin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedPin(‹redacted›)")
    }
}

/// A [`SealedPin`] with its own bytes.
#[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
pub struct SealedPinBuf {
    block: [u8; 2 * BLOCK],
    length: usize,
    mac: [u8; MAC_LENGTH],
}

impl SealedPinBuf {
    /// Puts a sealed PIN together that a remote party made.
    pub fn new(block: &[u8], mac: [u8; MAC_LENGTH]) -> Result<Self, Malformed> {
        if block.len() != BLOCK && block.len() != 2 * BLOCK {
            return Err(Malformed);
        }
        let mut sealed = SealedPinBuf { length: block.len(), mac, ..Default::default() };
        sealed.block.get_mut(..block.len()).ok_or(Malformed)?.copy_from_slice(block);
        Ok(sealed)
    }

    /// The view that commands carry.
    #[must_use]
    pub fn as_sealed(&self) -> SealedPin<'_> {
        SealedPin { block: self.block.get(..self.length).unwrap_or_default(), mac: self.mac }
    }
}

impl fmt::Debug for SealedPinBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_sealed().fmt(f)
    }
}

impl PinKey {
    /// The key of a PIN.
    #[must_use]
    pub fn derive(dialect: &Dialect, pin: &Pin) -> PinKey {
        let mut key = [0; BLOCK];
        match dialect.pin_key {
            PinKeyForm::PaddedSha1 => copy(&mut key, &Sha1::digest(pin.padded())),
            PinKeyForm::BareSha1 => copy(&mut key, &Sha1::digest(pin.as_bytes())),
            PinKeyForm::PaddedSm3 => copy(&mut key, &Sm3::digest(pin.padded())),
        }
        PinKey(key)
    }

    /// The VerifyPin cryptogram over a challenge.
    #[must_use]
    pub fn cryptogram(&self, dialect: &Dialect, challenge: &Challenge) -> [u8; BLOCK] {
        let (blocks, _) = fill(dialect.challenge_block, challenge);
        let [first, _] = blocks;
        mac::encrypt_block(&self.0, first)
    }

    /// Whether a VerifyPin cryptogram was made with this key over this challenge. Constant time.
    #[must_use]
    pub fn accepts(&self, dialect: &Dialect, challenge: &Challenge, cryptogram: &[u8; BLOCK]) -> bool {
        let own = self.cryptogram(dialect, challenge).ct_eq(cryptogram);
        let zero = Dialect { challenge_block: BlockForm::ZeroPadded, ..*dialect };
        let alternative = self.cryptogram(&zero, challenge).ct_eq(cryptogram);
        (own | (alternative & u8::from(dialect.accepts_zero_padded).into())).into()
    }

    /// Seals a new PIN under this, the authorising PIN's key.
    ///
    /// `header` and `prefix` (the data in front of the block) are only looked at where the dialect's MAC covers them.
    #[must_use]
    pub fn seal(
        &self,
        dialect: &Dialect,
        new_pin: &Pin,
        challenge: &Challenge,
        header: [u8; 4],
        prefix: [u8; 2],
    ) -> SealedPinBuf {
        let (mut blocks, count) = fill(dialect.new_pin_block, new_pin.as_bytes());
        let mut sealed = SealedPinBuf { length: count * BLOCK, ..Default::default() };
        for (cell, block) in sealed.block.chunks_exact_mut(BLOCK).zip(blocks).take(count) {
            cell.copy_from_slice(&mac::encrypt_block(&self.0, block));
        }
        blocks.zeroize();
        let block = sealed.block.get(..sealed.length).unwrap_or_default();
        sealed.mac = self.mac(dialect, challenge, header, prefix, block, new_pin.as_bytes());
        sealed
    }

    /// Opens a sealed new PIN. `None` when it was not made with this key over this challenge: the authorising PIN was
    /// wrong.
    #[must_use]
    pub fn open(
        &self,
        dialect: &Dialect,
        sealed: SealedPin<'_>,
        challenge: &Challenge,
        header: [u8; 4],
        prefix: [u8; 2],
    ) -> Option<Pin> {
        let mut plain = [0; 2 * BLOCK];
        for (cell, block) in plain.chunks_exact_mut(BLOCK).zip(sealed.block.chunks_exact(BLOCK)) {
            cell.copy_from_slice(&mac::decrypt_block(&self.0, block.try_into().ok()?));
        }
        let blocks = plain.get(..sealed.block.len())?;
        let pin = unfill(dialect.new_pin_block, blocks)
            .or_else(|| dialect.accepts_zero_padded.then(|| unfill(BlockForm::ZeroPadded, blocks)).flatten());
        let pin = pin.and_then(|text| Pin::new(text).ok());
        plain.zeroize();
        let pin = pin?;
        let own = self.mac(dialect, challenge, header, prefix, sealed.block, pin.as_bytes());
        bool::from(own.ct_eq(&sealed.mac)).then_some(pin)
    }

    fn mac(
        &self,
        dialect: &Dialect,
        challenge: &Challenge,
        header: [u8; 4],
        prefix: [u8; 2],
        block: &[u8],
        plain: &[u8],
    ) -> [u8; MAC_LENGTH] {
        let mut data = [0; 2 + 2 * BLOCK];
        copy(&mut data, &prefix);
        if let Some(rest) = data.get_mut(2..) {
            copy(rest, block);
        }
        let data = data.get(..2 + block.len()).unwrap_or_default();
        let covered = Covered { header, data, plain };
        mac::mac(dialect.new_pin_mac, dialect.mac_padding, &self.0, challenge, covered)
    }
}

/// A device authentication key: SM4.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DeviceKey(pub [u8; BLOCK]);

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceKey(‹redacted›)")
    }
}

impl DeviceKey {
    /// The DevAuth cryptogram over the last random handed out: cut to 16 bytes, filled with zeros.
    #[must_use]
    pub fn cryptogram(&self, random: &[u8]) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        copy(&mut block, random);
        mac::encrypt_block(&self.0, block)
    }

    /// Seals a new device key under this one: encrypted key and MAC of a ChangeDevAuthKey command.
    #[must_use]
    pub fn seal(
        &self,
        dialect: &Dialect,
        new_key: &DeviceKey,
        challenge: &Challenge,
        header: [u8; 4],
    ) -> ([u8; BLOCK], [u8; MAC_LENGTH]) {
        let encrypted = mac::encrypt_block(&self.0, new_key.0);
        let covered = Covered { header, data: &encrypted, plain: &new_key.0 };
        let mac = mac::mac(dialect.device_key_mac, dialect.mac_padding, &self.0, challenge, covered);
        (encrypted, mac)
    }

    /// Opens a sealed new device key.
    ///
    /// # Errors
    /// The dialect's word for a wrong MAC.
    pub fn open(
        &self,
        dialect: &Dialect,
        encrypted: &[u8; BLOCK],
        mac: &[u8; MAC_LENGTH],
        challenge: &Challenge,
        header: [u8; 4],
    ) -> Result<DeviceKey, Status> {
        let new_key = DeviceKey(mac::decrypt_block(&self.0, *encrypted));
        let covered = Covered { header, data: encrypted, plain: &new_key.0 };
        let own = mac::mac(dialect.device_key_mac, dialect.mac_padding, &self.0, challenge, covered);
        if bool::from(own.ct_eq(mac)) { Ok(new_key) } else { Err(dialect.wrong_mac.status()) }
    }
}

/// Copies as much of `from` as fits to the front of `to`.
fn copy(to: &mut [u8], from: &[u8]) {
    to.iter_mut().zip(from).for_each(|(cell, byte)| *cell = *byte);
}

/// Up to 16 bytes in one or two cipher blocks, and how many of them count.
fn fill(form: BlockForm, data: &[u8]) -> ([[u8; BLOCK]; 2], usize) {
    let mut bytes = [0; 2 * BLOCK];
    let used = match form {
        BlockForm::ZeroPadded => {
            copy(&mut bytes, data);
            data.len()
        }
        BlockForm::LengthPrefixed => {
            let length = u16::try_from(data.len()).unwrap_or(u16::MAX).to_le_bytes();
            let content = length.iter().chain(data).chain(&[0x80]);
            bytes.iter_mut().zip(content).for_each(|(cell, byte)| *cell = *byte);
            data.len() + 3
        }
    };
    let mut blocks = [[0; BLOCK]; 2];
    blocks.iter_mut().zip(bytes.chunks_exact(BLOCK)).for_each(|(block, chunk)| copy(block, chunk));
    bytes.zeroize();
    (blocks, used.div_ceil(BLOCK))
}

/// The data of filled blocks, if they are well formed.
fn unfill(form: BlockForm, blocks: &[u8]) -> Option<&[u8]> {
    match form {
        BlockForm::ZeroPadded => {
            let data = crate::wire::unpadded(blocks);
            let padding = blocks.get(data.len()..)?;
            (blocks.len() == BLOCK && padding.iter().all(|&byte| byte == 0)).then_some(data)
        }
        BlockForm::LengthPrefixed => {
            let (length, rest) = blocks.split_first_chunk::<2>()?;
            let (data, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
            let (&marker, padding) = rest.split_first()?;
            let whole = (data.len() + 3).div_ceil(BLOCK) * BLOCK == blocks.len();
            (marker == 0x80 && whole && padding.iter().all(|&byte| byte == 0)).then_some(data)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::MacForm;
    use proptest::prelude::*;

    const GM: Dialect = Dialect::GM2012;
    const CHALLENGE: Challenge = [0xb1, 0x22, 0x84, 0xf7, 0xe6, 0x0f, 0xb4, 0x5c];

    fn key(pin: &str) -> PinKey {
        PinKey::derive(&GM, &Pin::new(pin.as_bytes()).unwrap())
    }

    #[test]
    fn verify_pin_as_captured_from_a_commercial_token() {
        let key = key("12345678");
        assert_eq!(hex::encode(key.0), "002fe525cb3afa592e4011157437c666");
        let cryptogram = key.cryptogram(&GM, &CHALLENGE);
        assert_eq!(hex::encode(cryptogram), "cf87862feb06659ed88a106109e742f0");
        assert!(key.accepts(&GM, &CHALLENGE, &cryptogram));
    }

    #[test]
    fn unblock_as_the_vendors_rule_gives_it() {
        let key = key("admin");
        assert_eq!(hex::encode(key.0), "98d91977382a30c709711446050359c2");
        let sealed = key.seal(&GM, &Pin::new(b"12345678").unwrap(), &CHALLENGE, [0; 4], [0; 2]);
        assert_eq!(hex::encode(sealed.as_sealed().block), "910a0ac272a56eda59c81882a7b988e1");
        assert_eq!(hex::encode(sealed.as_sealed().mac), "2ec56063");
    }

    #[test]
    fn a_wrong_pin_or_challenge_is_not_accepted() {
        let cryptogram = key("12345678").cryptogram(&GM, &CHALLENGE);
        assert!(!key("12345679").accepts(&GM, &CHALLENGE, &cryptogram));
        assert!(!key("12345678").accepts(&GM, &[0; 8], &cryptogram));
        let sealed = key("87654321").seal(&GM, &Pin::new(b"new-pin").unwrap(), &CHALLENGE, [0; 4], [0; 2]);
        assert!(key("12345678").open(&GM, sealed.as_sealed(), &CHALLENGE, [0; 4], [0; 2]).is_none());
        assert!(key("87654321").open(&GM, sealed.as_sealed(), &[1; 8], [0; 4], [0; 2]).is_none());
    }

    #[test]
    fn the_zero_padded_form_is_a_switch() {
        let zeros = Dialect { challenge_block: BlockForm::ZeroPadded, ..GM };
        let strict = Dialect { accepts_zero_padded: false, ..GM };
        let cryptogram = key("12345678").cryptogram(&zeros, &CHALLENGE);
        assert!(key("12345678").accepts(&GM, &CHALLENGE, &cryptogram));
        assert!(!key("12345678").accepts(&strict, &CHALLENGE, &cryptogram));
    }

    #[test]
    fn a_pin_has_1_to_16_bytes() {
        assert!(Pin::new(b"").is_err());
        assert!(Pin::new(&[b'1'; 17]).is_err());
        assert!(Pin::new(b"12\x0034").is_err());
        assert_eq!(Pin::new(&[b'1'; 16]).unwrap().len(), 16);
        assert!(Pin::from_padded(b"1234\x005\0\0\0\0\0\0\0\0\0\0").is_err());
    }

    #[test]
    fn a_secret_prints_nothing() {
        let pin = Pin::new(b"12345678").unwrap();
        assert_eq!(format!("{pin:?} {:?}", key("12345678")), "Pin(‹redacted›) PinKey(‹redacted›)");
    }

    proptest! {
        #[test]
        fn seal_then_open_gives_the_same(
            old in "[ -~]{1,16}", new in "[ -~]{1,16}", challenge: Challenge, header: [u8; 4], prefix: [u8; 2],
            form in prop_oneof![Just(MacForm::PlainNewPin), Just(MacForm::HeaderExtendedLc), Just(MacForm::HeaderLcBig), Just(MacForm::HeaderLcLittle)],
            block in prop_oneof![Just(BlockForm::LengthPrefixed), Just(BlockForm::ZeroPadded)],
        ) {
            let dialect = Dialect { new_pin_mac: form, new_pin_block: block, ..GM };
            let key = PinKey::derive(&dialect, &Pin::new(old.as_bytes()).unwrap());
            let sealed = key.seal(&dialect, &Pin::new(new.as_bytes()).unwrap(), &challenge, header, prefix);
            let opened = key.open(&dialect, sealed.as_sealed(), &challenge, header, prefix).unwrap();
            prop_assert_eq!(opened.as_bytes(), new.as_bytes());
        }

        #[test]
        fn opening_anything_never_panics(block in proptest::collection::vec(any::<u8>(), 0..40), mac: [u8; 4]) {
            let sealed = SealedPin { block: &block, mac };
            let opened = key("12345678").open(&GM, sealed, &CHALLENGE, [0; 4], [0; 2]);
            prop_assert!(opened.is_none());
        }

        #[test]
        fn a_new_device_key_opens_only_under_the_old_one(old: [u8; 16], new: [u8; 16], challenge: Challenge) {
            let (sealed, mac) = DeviceKey(old).seal(&GM, &DeviceKey(new), &challenge, [0x84, 0x12, 0, 2]);
            let open = |key: [u8; 16], mac| DeviceKey(key).open(&GM, &sealed, &mac, &challenge, [0x84, 0x12, 0, 2]);
            prop_assert_eq!(open(old, mac).unwrap().0, new);
            prop_assert_eq!(open(old, [mac[0] ^ 1, mac[1], mac[2], mac[3]]).err(), Some(Status::WRONG_MAC));
        }
    }
}
