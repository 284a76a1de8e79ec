//! How session keys come and go.

use ukey_apdu::Status;
use ukey_apdu::command::{
    AgreedKey, AgreedKeyId, AgreementData, AgreementHandle, CiphertextAnswer, DestroySessionKey,
    EccExportSessionKey, EccExportSessionKeyEx, GenerateAgreementDataAndKeyWithEcc,
    GenerateAgreementDataWithEcc, GenerateKeyWithEcc, ImportSessionKey, ImportSymmKey, KeyHolder,
    SessionKeyId,
};

use super::cipher::no_key;
use super::sm2::{key_bytes, key_in};
use super::{Answer, Key, NOTHING, No, Token};
use crate::link::skf::abi::blob::{CIPHER_HEAD, cipher_blob};
use crate::link::skf::abi::functions::{Functions, HANDLE};
use crate::link::skf::abi::room::Room;
use crate::link::skf::abi::types::{ECCPUBLICKEYBLOB, ULONG};
use crate::link::skf::sar::Sar;

/// Longest session key, in bytes.
const LONGEST_KEY: usize = 64;

/// Bytes of a key of each cipher that there is a number for.
const KEY: usize = 16;

/// What an agreement says of its handle when it is gone.
const NO_AGREEMENT: [Sar; 2] = [Sar::KEYNOTFOUNTERR, Sar::INVALIDHANDLEERR];

impl Token {
    fn holder(&self, holder: KeyHolder) -> Answer<HANDLE> {
        self.container(holder.application, holder.container)
    }

    fn new_key(&mut self, handle: &Room, algorithm: ULONG) -> SessionKeyId {
        let id = self.new_id();
        self.keys.insert(id, Key { handle: handle.handle(), algorithm, mac: None });
        SessionKeyId(id)
    }

    pub(super) fn export_session_key(&mut self, f: &Functions<'_>, command: &EccExportSessionKey) -> Answer {
        let container = self.holder(command.holder)?;
        let (mut sealed, mut key) = (Room::new(CIPHER_HEAD + LONGEST_KEY), Room::of_handle());
        let public_key = key_bytes(&command.public_key);
        f.SKF_ECCExportSessionKey(container, command.algorithm, &public_key, &mut sealed, &mut key)
            .map_err(|stop| unsupported(stop.into()))?;
        let id = self.new_key(&key, command.algorithm);
        self.ciphertext(f, &sealed, CiphertextAnswer::Exported(id))
    }

    pub(super) fn export_session_key_again(
        &mut self,
        f: &Functions<'_>,
        command: &EccExportSessionKeyEx,
    ) -> Answer {
        let key = self.key(command.key)?.handle;
        let mut sealed = Room::new(CIPHER_HEAD + LONGEST_KEY);
        f.SKF_ECCExportSessionKeyByHandle(key, &key_bytes(&command.public_key), &mut sealed)
            .map_err(no_key)?;
        self.ciphertext(f, &sealed, CiphertextAnswer::Block)
    }

    pub(super) fn import_session_key(&mut self, f: &Functions<'_>, command: &ImportSessionKey<'_>) -> Answer {
        let container = self.holder(command.holder)?;
        let mut key = Room::of_handle();
        f.SKF_ImportSessionKey(container, command.algorithm, &cipher_blob(&command.sealed), &mut key)
            .map_err(|stop| unsupported(stop.into()))?;
        self.answer_key(&key, command.algorithm)
    }

    pub(super) fn set_symmetric_key(&mut self, f: &Functions<'_>, command: &ImportSymmKey<'_>) -> Answer {
        if command.holder != KeyHolder::DEVICE {
            return Err(Status::UNSUPPORTED.into());
        }
        // The function is not told how long it is.
        if command.key.len() != KEY {
            return Err(Status::WRONG_DATA.into());
        }
        let mut key = Room::of_handle();
        f.SKF_SetSymmKey(self.device, command.key, command.algorithm, &mut key)
            .map_err(|stop| unsupported(stop.into()))?;
        self.answer_key(&key, command.algorithm)
    }

    fn answer_key(&mut self, key: &Room, algorithm: ULONG) -> Answer {
        let id = self.new_key(key, algorithm);
        self.encoded(SessionKeyId::SIZE.into(), |writer| id.write(writer))
    }

    pub(super) fn destroy_session_key(&mut self, f: &Functions<'_>, command: &DestroySessionKey) -> Answer {
        let Key { handle, mac, .. } = *self.key(command.key)?;
        self.keys.remove(&command.key.key.0);
        if let Some(mac) = mac {
            let _ = f.SKF_CloseHandle(mac);
        }
        f.SKF_CloseHandle(handle).map_err(no_key)?;
        NOTHING
    }

    pub(super) fn begin_agreement(
        &mut self,
        f: &Functions<'_>,
        command: &GenerateAgreementDataWithEcc<'_>,
    ) -> Answer {
        let container = self.container(command.application, command.container)?;
        let (mut temporary, mut handle) = (Room::new(size_of::<ECCPUBLICKEYBLOB>()), Room::of_handle());
        let algorithm = command.algorithm;
        f.SKF_GenerateAgreementDataWithECC(container, algorithm, &mut temporary, command.id, &mut handle)
            .map_err(|stop| unsupported(stop.into()))?;
        let temporary_key = key_in(f, temporary.whole())?;
        let id = u32::from(self.new_id());
        self.agreements.insert(id, (handle.handle(), algorithm));
        let data = AgreementData { temporary_key, handle: AgreementHandle(id) };
        self.encoded(0, |writer| data.write(writer))
    }

    pub(super) fn answer_agreement(
        &mut self,
        f: &Functions<'_>,
        command: &GenerateAgreementDataAndKeyWithEcc<'_>,
    ) -> Answer {
        let container = self.container(command.application, command.container)?;
        let (mut temporary, mut key) = (Room::new(size_of::<ECCPUBLICKEYBLOB>()), Room::of_handle());
        let initiator = &command.initiator;
        f.SKF_GenerateAgreementDataAndKeyWithECC(
            container,
            command.algorithm,
            &key_bytes(&initiator.public_key),
            &key_bytes(&initiator.temporary_key),
            &mut temporary,
            command.id,
            initiator.id,
            &mut key,
        )
        .map_err(|stop| wrong_data(unsupported(stop.into())))?;
        let temporary_key = key_in(f, temporary.whole())?;
        let key = AgreedKeyId(self.new_key(&key, command.algorithm));
        self.encoded(0, |writer| AgreedKey { temporary_key, key }.write(writer))
    }

    pub(super) fn end_agreement(&mut self, f: &Functions<'_>, command: &GenerateKeyWithEcc<'_>) -> Answer {
        self.container(command.application, command.container)?;
        // It ends once, whatever comes of it.
        let (agreement, algorithm) = self.agreements.remove(&command.handle.0).ok_or(Status::NO_SUCH_KEY)?;
        let mut key = Room::of_handle();
        let responder = &command.responder;
        let agreed = f.SKF_GenerateKeyWithECC(
            agreement,
            &key_bytes(&responder.public_key),
            &key_bytes(&responder.temporary_key),
            responder.id,
            &mut key,
        );
        let call = f.last_call();
        let _ = f.SKF_CloseHandle(agreement);
        f.blame(call);
        let agreed = agreed.map_err(|stop| No::from(stop).means(&NO_AGREEMENT, Status::NO_SUCH_KEY));
        agreed.map_err(wrong_data)?;
        let key = AgreedKeyId(self.new_key(&key, algorithm));
        self.encoded(0, |writer| key.write(writer))
    }
}

/// A refusal of the other side's part of an agreement: there is no code for it.
fn wrong_data(no: No) -> No {
    no.means(&[Sar::FAIL, Sar::UNKNOWNERR], Status::AGREEMENT_DATA_FAILED)
}

/// A refusal of an algorithm, as a token says it.
fn unsupported(no: No) -> No {
    no.means(&[Sar::NOTSUPPORTYETERR], Status::UNSUPPORTED_KEY_ALGORITHM)
}
