//! Session keys: each belongs to a container or to the device itself, in RAM alone.
//!
//! A key lives until it is destroyed, its container or application is deleted, or the power goes; closing and
//! ClearSecureState do not end it. A place that becomes free is overwritten with zeros. No key goes out in clear.

use cipher::KeyInit;
use rand_core::{Rng, TryCryptoRng};
use sm4::Sm4;
use ukey_apdu::command::{
    CipherParameters, CiphertextAnswer, Data, EccExportSessionKey, EccExportSessionKeyEx, ImportSessionKey,
    ImportSymmKey, SGD_SM4_CBC, SGD_SM4_CFB, SGD_SM4_ECB, SGD_SM4_MAC, SGD_SM4_OFB, SessionKeyId,
};
use ukey_apdu::mac::BLOCK;
use ukey_apdu::status::Status;
use ukey_apdu::wire::Writer;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::block_cipher::{Operation, Purpose};
use crate::chance::Chance;
use crate::gate::{KeyHolder, KeyRight, OpenContainer, UserRight};
use crate::object::{AppSlot, ContainerSlot, KeyPairRecord};
use crate::platform::Platform;
use crate::sm2;
use crate::token::Run;

/// Most session keys of a token.
pub(crate) const SESSION_KEYS: usize = 8;

/// The ids, in their turn: one that was given is not given again before all others were.
const IDS: core::ops::Range<u16> = 0x5000..0x6000;

/// All of them, with everything that may be under way, are a small part of a token's 32 KiB of RAM.
const _: () = assert!(size_of::<SessionKeys>() <= 1536);

/// All session keys of a token.
#[cfg_attr(feature = "sim", derive(Clone))]
#[derive(Debug)]
pub(crate) struct SessionKeys {
    places: [Option<SessionKey>; SESSION_KEYS],
    /// How many places may be taken.
    limit: usize,
    next: u16,
}

/// A session key. Whoever has it got it from [`SessionKeys::find`], by its id and for its holder.
#[cfg_attr(feature = "sim", derive(Clone))]
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct SessionKey {
    #[zeroize(skip)]
    id: SessionKeyId,
    #[zeroize(skip)]
    holder: KeyHolder,
    #[zeroize(skip)]
    algorithm: u32,
    key: [u8; BLOCK],
    encryption: Option<Operation>,
    decryption: Option<Operation>,
    mac: Option<Operation>,
}

impl core::fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SessionKey")
            .field("id", &self.id)
            .field("holder", &self.holder)
            .finish_non_exhaustive()
    }
}

impl SessionKey {
    const fn new(id: SessionKeyId, holder: KeyHolder, algorithm: u32, key: &[u8; BLOCK]) -> Self {
        Self { id, holder, algorithm, key: *key, encryption: None, decryption: None, mac: None }
    }

    /// Begins an operation; one that was under way is forgotten.
    pub(crate) fn begin(
        &mut self,
        purpose: Purpose,
        parameters: &CipherParameters<'_>,
    ) -> Result<(), Status> {
        *self.operation(purpose) = Some(Operation::new(purpose, self.algorithm, parameters)?);
        Ok(())
    }

    /// All in one: the operation begins and ends with these data. `6985` where it has not been begun, or has data.
    pub(crate) fn whole(
        &mut self,
        purpose: Purpose,
        data: Data<'_>,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        if self.operation(purpose).as_ref().is_some_and(Operation::has_begun) {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        self.end(purpose, data, out)
    }

    /// A part of the data; `6985` where the operation has not been begun.
    pub(crate) fn more(
        &mut self,
        purpose: Purpose,
        data: Data<'_>,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let (cipher, mut operation) = self.resume(purpose)?;
        operation.update(&cipher, data.0, out)?;
        *self.operation(purpose) = Some(operation);
        Ok(())
    }

    /// The last part, and the operation has ended; `6985` where it has not been begun.
    pub(crate) fn end(
        &mut self,
        purpose: Purpose,
        data: Data<'_>,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let (cipher, mut operation) = self.resume(purpose)?;
        operation.update(&cipher, data.0, out)?;
        operation.finish(&cipher, out)?;
        *self.operation(purpose) = None;
        Ok(())
    }

    /// A copy to go on with: what fails changes nothing.
    fn resume(&mut self, purpose: Purpose) -> Result<(Sm4, Operation), Status> {
        let operation = self.operation(purpose).clone().ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
        Ok((Sm4::new(&self.key.into()), operation))
    }

    /// Seals the key for a public key.
    pub(crate) fn export(
        &self,
        _: UserRight,
        command: &EccExportSessionKeyEx,
        chance: &mut Chance<'_, impl TryCryptoRng>,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let sealed = chance.draw(|rng| sm2::encrypt(&command.public_key, &self.key, rng))?;
        let sealed = sealed.map_err(|_| Status::ENCRYPTION_FAILED)?;
        Ok(sealed.write(CiphertextAnswer::Block, out)?)
    }

    const fn operation(&mut self, purpose: Purpose) -> &mut Option<Operation> {
        match purpose {
            Purpose::Encrypt => &mut self.encryption,
            Purpose::Decrypt => &mut self.decryption,
            Purpose::Mac => &mut self.mac,
        }
    }
}

/// Whether session keys may be of this algorithm (GM/T 0006), else `6A99`: SM4, in whatever mode it is named.
pub(crate) const fn supported(algorithm: u32) -> Result<(), Status> {
    match algorithm {
        SGD_SM4_ECB | SGD_SM4_CBC | SGD_SM4_CFB | SGD_SM4_OFB | SGD_SM4_MAC => Ok(()),
        _ => Err(Status::UNSUPPORTED_KEY_ALGORITHM),
    }
}

impl SessionKeys {
    /// None yet, and at most so many.
    pub(crate) fn new(limit: u8) -> Self {
        Self { places: Default::default(), limit: usize::from(limit), next: IDS.start }
    }

    /// Keeps a key of a [`supported`] algorithm and says its id; `6A84` where all places are taken.
    pub(crate) fn add(
        &mut self,
        holder: KeyHolder,
        algorithm: u32,
        key: &[u8; BLOCK],
    ) -> Result<SessionKeyId, Status> {
        let free = self.places.iter().take(self.limit).position(Option::is_none).ok_or(Status::NO_SPACE)?;
        let id = self.next_id();
        if let Some(place) = self.places.get_mut(free) {
            *place = Some(SessionKey::new(id, holder, algorithm, key));
        }
        Ok(id)
    }

    /// The holder's key of this id, or `6A8C`.
    pub(crate) fn find(&mut self, holder: KeyHolder, id: SessionKeyId) -> Result<&mut SessionKey, Status> {
        let mut keys = self.places.iter_mut().flatten();
        keys.find(|key| key.id == id && key.holder == holder).ok_or(Status::NO_SYMMETRIC_KEY)
    }

    /// Destroys the holder's key of this id, or `6A8C`.
    pub(crate) fn destroy(&mut self, holder: KeyHolder, id: SessionKeyId) -> Result<(), Status> {
        self.find(holder, id)?;
        self.forget(|key| key.id == id);
        Ok(())
    }

    /// Destroys what a deleted container had.
    pub(crate) fn forget_container(&mut self, app: AppSlot, container: ContainerSlot) {
        self.forget(|key| key.holder.slots() == Some((app, container)));
    }

    /// Destroys what a deleted application had.
    pub(crate) fn forget_application(&mut self, app: AppSlot) {
        self.forget(|key| key.holder.slots().is_some_and(|(of, _)| of == app));
    }

    fn forget(&mut self, which: impl Fn(&SessionKey) -> bool) {
        for place in &mut self.places {
            if place.as_ref().is_some_and(&which) {
                *place = None;
            }
        }
    }

    fn next_id(&mut self) -> SessionKeyId {
        loop {
            let id = SessionKeyId(self.next);
            self.next =
                if self.next.saturating_add(1) < IDS.end { self.next.saturating_add(1) } else { IDS.start };
            if !self.places.iter().flatten().any(|key| key.id == id) {
                return id;
            }
        }
    }
}

impl<P: Platform> Run<'_, P> {
    /// Makes a session key. It goes out sealed for a public key, and stays.
    pub(crate) fn export_session_key(
        &mut self,
        container: OpenContainer,
        _: UserRight,
        command: &EccExportSessionKey,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        supported(command.algorithm)?;
        let mut key = Zeroizing::new([0; BLOCK]);
        self.chance.draw(|rng| rng.fill_bytes(key.as_mut_slice()))?;
        let sealed = self.chance.draw(|rng| sm2::encrypt(&command.public_key, key.as_slice(), rng))?;
        let sealed = sealed.map_err(|_| Status::ENCRYPTION_FAILED)?;
        let holder = KeyHolder::Container(container);
        let id = self.core.session_keys.add(holder, command.algorithm, &key)?;
        Ok(sealed.write(CiphertextAnswer::Exported(id), out)?)
    }

    /// Takes a session key that was sealed for the container's encryption key.
    pub(crate) fn import_session_key(
        &mut self,
        container: OpenContainer,
        _: KeyRight,
        encryption_key: &KeyPairRecord,
        command: &ImportSessionKey<'_>,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        supported(command.algorithm)?;
        if command.sealed.cipher.len() != BLOCK {
            return Err(Status::WRONG_DATA);
        }
        let key = sm2::decrypt::<BLOCK>(&encryption_key.d, &command.sealed)
            .map_err(|_| Status::DECRYPTION_FAILED)?;
        let holder = KeyHolder::Container(container);
        Ok(self.core.session_keys.add(holder, command.algorithm, &key)?.write(out)?)
    }

    pub(crate) fn import_symmetric_key(
        &mut self,
        holder: KeyHolder,
        command: ImportSymmKey<'_>,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        supported(command.algorithm)?;
        let key = command.key.try_into().map_err(|_| Status::WRONG_DATA)?;
        Ok(self.core.session_keys.add(holder, command.algorithm, key)?.write(out)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: KeyHolder = KeyHolder::Device;

    #[test]
    fn places_are_bounded_and_free_again_when_the_key_is_destroyed() {
        let mut keys = SessionKeys::new(8);
        let ids: Vec<_> = (0..8).map(|n| keys.add(DEVICE, SGD_SM4_ECB, &[n; BLOCK]).unwrap()).collect();
        assert_eq!(keys.add(DEVICE, SGD_SM4_ECB, &[9; BLOCK]), Err(Status::NO_SPACE));
        keys.destroy(DEVICE, ids[3]).unwrap();
        assert_eq!(keys.destroy(DEVICE, ids[3]), Err(Status::NO_SYMMETRIC_KEY), "it is gone");
        let new = keys.add(DEVICE, SGD_SM4_ECB, &[9; BLOCK]).unwrap();
        assert!(!ids.contains(&new), "an id is not given again soon");
        assert_eq!(keys.find(DEVICE, ids[4]).unwrap().key, [4; BLOCK], "the others stay");
        assert_eq!(
            SessionKeys::new(0).add(DEVICE, SGD_SM4_ECB, &[1; BLOCK]),
            Err(Status::NO_SPACE),
            "a policy"
        );
    }

    #[test]
    fn ids_go_round_and_pass_over_those_in_use() {
        let mut keys = SessionKeys::new(8);
        let first = keys.add(DEVICE, SGD_SM4_ECB, &[1; BLOCK]).unwrap();
        for _ in 0..2 * IDS.len() {
            let id = keys.add(DEVICE, SGD_SM4_ECB, &[2; BLOCK]).unwrap();
            assert!(id != first && IDS.contains(&id.0));
            keys.destroy(DEVICE, id).unwrap();
        }
        assert_eq!(keys.find(DEVICE, first).unwrap().key, [1; BLOCK]);
    }

    #[test]
    fn a_destroyed_key_is_not_in_memory_any_more() {
        let mut key = SessionKey::new(SessionKeyId(1), DEVICE, SGD_SM4_ECB, &[7; BLOCK]);
        assert!(!format!("{key:?}").contains('7'), "nor is it ever shown");
        key.zeroize();
        assert_eq!(key.key, [0; BLOCK]);
    }
}
