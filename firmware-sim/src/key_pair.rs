//! Key pairs of containers: made inside, or brought in an envelope; a private key never goes out.

use ukey_apdu::command::{EccSignData, ExportPubKey, ImportEccKeyPair, KeyUse, SGD_SM4_ECB, SignInput};
use ukey_apdu::mac::{self, BLOCK};
use ukey_apdu::status::Status;
use ukey_apdu::wire::Writer;
use zeroize::Zeroizing;

use crate::gate::{KeyRight, OpenContainer, UserRight};
use crate::object::{KeyPairRecord, ObjectId};
use crate::platform::Platform;
use crate::sm2::{self, SigningKey};
use crate::store::{Change, Encoded};
use crate::token::Run;

impl<P: Platform> Run<'_, P> {
    pub(crate) fn generate_key_pair(
        &mut self,
        container: OpenContainer,
        _: UserRight,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let key = self.chance.draw(|rng| sm2::generate(rng))?;
        self.replace_key_pair(container, KeyUse::Sign, &key)?;
        Ok(key.public_key().write_generated(out)?)
    }

    pub(crate) fn import_key_pair(
        &mut self,
        container: OpenContainer,
        _: KeyRight,
        envelope_key: &KeyPairRecord,
        command: ImportEccKeyPair<'_>,
    ) -> Result<(), Status> {
        let pair = command.key_pair;
        if pair.algorithm != SGD_SM4_ECB {
            return Err(Status::UNSUPPORTED_KEY_ALGORITHM);
        }
        let symmetric = sm2::decrypt::<BLOCK>(&envelope_key.d, &pair.wrapped_key)
            .map_err(|_| Status::DECRYPTION_FAILED)?;
        let d = unwrap_private_key(&symmetric, pair.encrypted_private_key).ok_or(Status::WRONG_DATA)?;
        let key = sm2::from_private(&d).map_err(|_| Status::WRONG_DATA)?;
        if key.public_key() != pair.public_key {
            return Err(Status::WRONG_DATA);
        }
        self.replace_key_pair(container, KeyUse::Encrypt, &key)
    }

    pub(crate) fn sign_data(
        &mut self,
        _: KeyRight,
        key: &KeyPairRecord,
        command: EccSignData<'_>,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let e = match command.input {
            SignInput::Digest(e) => e,
            SignInput::Message { id, message } => {
                sm2::digest(id, &key.public_key(), message).map_err(|_| Status::WRONG_DATA)?
            }
        };
        let key = SigningKey::of(key).map_err(|_| Status::SIGNING_FAILED)?;
        Ok(self.chance.draw(|rng| sm2::sign(&key, &e, rng))?.write(out)?)
    }

    pub(crate) fn export_public_key(
        &mut self,
        container: OpenContainer,
        command: ExportPubKey,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let key = self.key_pair(container, command.key_use)?;
        Ok(key.public_key().write(out)?)
    }

    /// The sign key pair of a container, or `6A95`.
    pub(crate) fn sign_key(&mut self, container: OpenContainer) -> Result<KeyPairRecord, Status> {
        self.key_pair(container, KeyUse::Sign)
    }

    /// The encryption key pair of a container, or `6A95`.
    pub(crate) fn encryption_key(&mut self, container: OpenContainer) -> Result<KeyPairRecord, Status> {
        self.key_pair(container, KeyUse::Encrypt)
    }

    fn key_pair(&mut self, container: OpenContainer, key_use: KeyUse) -> Result<KeyPairRecord, Status> {
        let (app, slot) = container.slots();
        let object = ObjectId::key_pair(app, slot, key_use);
        let pair = self.core.store.record(self.parts.flash, object)?.ok_or(Status::NO_KEY_PAIR)?;
        if self.core.settings.policy.self_test.records {
            let checked = self.core.checked_pairs.check(app, slot, key_use, &pair);
            checked.map_err(|fault| self.core.stop(fault))?;
        }
        Ok(pair)
    }

    /// A pair takes the place of another, whose certificate goes with it.
    fn replace_key_pair(
        &mut self,
        container: OpenContainer,
        key_use: KeyUse,
        key: &KeyPairRecord,
    ) -> Result<(), Status> {
        let (app, slot) = container.slots();
        let record = Encoded::new(key)?;
        self.core.checked_pairs.forget(app, slot, key_use);
        let changes = [
            Change::Put {
                object: ObjectId::key_pair(app, slot, key_use),
                value: record.as_bytes(),
                secret: true,
            },
            Change::delete(ObjectId::certificate(app, slot, key_use)),
        ];
        Ok(self.core.store.write(self.parts.flash, &changes)?)
    }
}

/// Decrypts d from its 32-byte form, or from its 64-byte form with 32 zero bytes in front (SM4-ECB, no padding).
fn unwrap_private_key(symmetric: &[u8; BLOCK], encrypted: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut plain = Zeroizing::new([0; 64]);
    let (blocks, []) = encrypted.as_chunks::<BLOCK>() else {
        return None;
    };
    for (cell, block) in plain.chunks_exact_mut(BLOCK).zip(blocks) {
        cell.copy_from_slice(&*Zeroizing::new(mac::decrypt_block(symmetric, *block)));
    }
    let (zeros, d) = plain.get(..encrypted.len())?.split_last_chunk::<32>()?;
    zeros.iter().all(|&byte| byte == 0).then(|| Zeroizing::new(*d))
}
