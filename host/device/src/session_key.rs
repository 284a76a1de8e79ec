//! A session key in the token: encryption, decryption and MAC. Data of any length go in; what is long goes in parts.

use ukey_apdu::command::{
    CipherBlock, CipherParameters, Command, Data, Decrypt, DecryptFinal, DecryptInit, DecryptUpdate,
    DestroySessionKey, EccExportSessionKeyEx, EccPublicKey, Encrypt, EncryptFinal, EncryptInit,
    EncryptUpdate, KeyHandle, Mac, MacFinal, MacInit, MacUpdate,
};
use ukey_apdu::mac::BLOCK;

use crate::device::Device;
use crate::error::{About, ErrorKind, Result};

/// A session key under a public key: an SM2 ciphertext that owns its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedKey {
    /// C1, the temporary public key.
    pub point: EccPublicKey,
    /// C3, the hash.
    pub hash: [u8; 32],
    /// C2, the ciphertext.
    pub cipher: Vec<u8>,
}

impl SealedKey {
    /// As commands take it.
    #[must_use]
    pub fn as_block(&self) -> CipherBlock<'_> {
        CipherBlock { point: self.point, hash: self.hash, cipher: &self.cipher }
    }
}

impl From<CipherBlock<'_>> for SealedKey {
    fn from(block: CipherBlock<'_>) -> Self {
        Self { point: block.point, hash: block.hash, cipher: block.cipher.to_vec() }
    }
}

/// A session key of a container, or of the device itself. It lives until [`SessionKey::destroy`], the deletion of its
/// container, or the end of the token's power; dropping the handle does nothing, and a token has room for few.
///
/// An encryption, a decryption and a MAC may be under way at the same time; a second beginning forgets the first.
#[derive(Clone, Debug)]
pub struct SessionKey<'d> {
    device: &'d Device,
    session: u64,
    about: About,
    key: KeyHandle,
}

/// One of the operations of a key, as three steps.
macro_rules! operation {
    ($self:ident, $data:ident, $one:ident, $update:ident, $finish:ident) => {{
        let once = $self.at_once();
        if $data.len() <= once {
            return $self.send(&$one { key: $self.key, data: Data($data) }, |out| out.0.to_vec());
        }
        let mut joined = Vec::with_capacity($data.len() + BLOCK);
        for part in $data.chunks(once) {
            joined.extend($self.$update(part)?);
        }
        joined.extend($self.$finish()?);
        Ok(joined)
    }};
}

/// A part of any length, in envelopes that the token takes.
macro_rules! update {
    ($self:ident, $data:ident, $update:ident) => {{
        let mut joined = Vec::with_capacity($data.len() + BLOCK);
        // Nothing to add still asks the token whether it might be.
        let nothing = $data.is_empty().then_some($data);
        for part in $data.chunks($self.at_once()).chain(nothing) {
            let out: Vec<u8> =
                $self.send(&$update { key: $self.key, data: Data(part) }, |out| out.0.to_vec())?;
            joined.extend(out);
        }
        Ok(joined)
    }};
}

impl<'d> SessionKey<'d> {
    pub(crate) fn new(device: &'d Device, session: u64, about: About, key: KeyHandle) -> Self {
        Self { device, session, about, key }
    }

    fn send<'a, C: Command<'a>, T>(&self, command: &C, take: impl FnOnce(C::Answer<'_>) -> T) -> Result<T> {
        let about = self.about.clone();
        self.device.in_session(self.session, about, C::INS, |wire, about| wire.send(command, about, take))
    }

    /// Bytes that one envelope carries, in whole blocks.
    fn at_once(&self) -> usize {
        let room = self.device.wire().max_data().saturating_sub(KeyHandle::SIZE);
        (room / BLOCK).max(1) * BLOCK
    }

    /// Seals the key for a public key (ECCExportSessionKeyByHandle); wants the user PIN, and the key of a container.
    ///
    /// # Errors
    /// [`ErrorKind::NotLoggedIn`], [`ErrorKind::NoSuchKey`]; [`ErrorKind::Refused`] (`6A9A`) for a public key that is
    /// none.
    pub fn export(&self, public_key: &EccPublicKey) -> Result<SealedKey> {
        let command = EccExportSessionKeyEx { key: self.key, public_key: *public_key };
        self.send(&command, |sealed| SealedKey::from(sealed))
    }

    /// Begins an encryption.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchKey`], [`ErrorKind::Unsupported`] for another algorithm; [`ErrorKind::Refused`] for other
    /// parameters.
    pub fn encrypt_init(&self, parameters: &CipherParameters<'_>) -> Result<()> {
        self.send(&EncryptInit { key: self.key, parameters: *parameters }, drop)
    }

    /// Encrypts all in one, and ends what was begun.
    ///
    /// # Errors
    /// [`ErrorKind::NotBegun`]; [`ErrorKind::WrongLength`] where the mode wants whole blocks and there is no padding.
    pub fn encrypt(&self, data: &[u8]) -> Result<Vec<u8>> {
        operation!(self, data, Encrypt, encrypt_update, encrypt_final)
    }

    /// Encrypts a part; whole blocks come out.
    ///
    /// # Errors
    /// [`ErrorKind::NotBegun`].
    pub fn encrypt_update(&self, data: &[u8]) -> Result<Vec<u8>> {
        update!(self, data, EncryptUpdate)
    }

    /// Ends an encryption; the rest comes out.
    ///
    /// # Errors
    /// As [`SessionKey::encrypt`].
    pub fn encrypt_final(&self) -> Result<Vec<u8>> {
        self.send(&EncryptFinal { key: self.key, data: Data(&[]) }, |rest| rest.0.to_vec())
    }

    /// Begins a decryption.
    ///
    /// # Errors
    /// As [`SessionKey::encrypt_init`].
    pub fn decrypt_init(&self, parameters: &CipherParameters<'_>) -> Result<()> {
        self.send(&DecryptInit { key: self.key, parameters: *parameters }, drop)
    }

    /// Decrypts all in one, and ends what was begun.
    ///
    /// # Errors
    /// [`ErrorKind::NotBegun`], [`ErrorKind::WrongLength`]; [`ErrorKind::Refused`] (`6A80`) where the padding is wrong.
    pub fn decrypt(&self, data: &[u8]) -> Result<Vec<u8>> {
        operation!(self, data, Decrypt, decrypt_update, decrypt_final)
    }

    /// Decrypts a part; whole blocks come out, with padding all but the last.
    ///
    /// # Errors
    /// [`ErrorKind::NotBegun`].
    pub fn decrypt_update(&self, data: &[u8]) -> Result<Vec<u8>> {
        update!(self, data, DecryptUpdate)
    }

    /// Ends a decryption; the rest comes out.
    ///
    /// # Errors
    /// As [`SessionKey::decrypt`].
    pub fn decrypt_final(&self) -> Result<Vec<u8>> {
        self.send(&DecryptFinal { key: self.key, data: Data(&[]) }, |rest| rest.0.to_vec())
    }

    /// Begins a MAC.
    ///
    /// # Errors
    /// As [`SessionKey::encrypt_init`].
    pub fn mac_init(&self, parameters: &CipherParameters<'_>) -> Result<()> {
        self.send(&MacInit { key: self.key, parameters: *parameters }, drop)
    }

    /// The MAC of a message of whole blocks; ends what was begun.
    ///
    /// # Errors
    /// [`ErrorKind::NotBegun`], [`ErrorKind::WrongLength`].
    pub fn mac(&self, data: &[u8]) -> Result<[u8; BLOCK]> {
        if data.len() > self.at_once() {
            self.mac_update(data)?;
            return self.mac_final();
        }
        self.value(&Mac { key: self.key, data: Data(data) })
    }

    /// A part of the message.
    ///
    /// # Errors
    /// [`ErrorKind::NotBegun`].
    pub fn mac_update(&self, data: &[u8]) -> Result<()> {
        let nothing = data.is_empty().then_some(data);
        let mut parts = data.chunks(self.at_once()).chain(nothing);
        parts.try_for_each(|part| self.send(&MacUpdate { key: self.key, data: Data(part) }, drop))
    }

    /// Ends a MAC.
    ///
    /// # Errors
    /// As [`SessionKey::mac`].
    pub fn mac_final(&self) -> Result<[u8; BLOCK]> {
        self.value(&MacFinal { key: self.key, data: Data(&[]) })
    }

    fn value<'a, C>(&self, command: &C) -> Result<[u8; BLOCK]>
    where
        C: for<'r> Command<'a, Answer<'r> = Data<'r>>,
    {
        let value = self.send(command, |value| <[u8; BLOCK]>::try_from(value.0))?;
        value.map_err(|_| About { ins: Some(C::INS), ..self.about.clone() }.error(ErrorKind::BadAnswer))
    }

    /// Destroys the key (CloseHandle).
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchKey`].
    pub fn destroy(self) -> Result<()> {
        self.send(&DestroySessionKey { key: self.key }, drop)
    }
}
