//! Encryption, decryption and MAC with a session key.

use ukey_apdu::Status;
use ukey_apdu::command::{
    CipherParameters, Data, Decrypt, DecryptFinal, DecryptInit, DecryptUpdate, Encrypt, EncryptFinal,
    EncryptInit, EncryptUpdate, KeyHandle, Mac, MacFinal, MacInit, MacUpdate,
};
use ukey_apdu::mac::BLOCK;

use super::{Answer, Key, NOTHING, No, Token};
use crate::link::skf::abi::functions::{Functions, HANDLE, Stop};
use crate::link::skf::abi::room::Room;
use crate::link::skf::abi::types::{BLOCKCIPHERPARAM, BYTE, ULONG};
use crate::link::skf::sar::Sar;

/// The cipher of an algorithm, without its mode (GM/T 0006).
const CIPHER: ULONG = 0xFFFF_FF00;

/// Modes of an algorithm.
const MODE_CBC: ULONG = 0x02;
const MODE_MAC: ULONG = 0x10;

/// What libraries answer for the handle of a key that is gone.
const NO_KEY: [Sar; 2] = [Sar::INVALIDHANDLEERR, Sar::KEYNOTFOUNTERR];

/// BLOCKCIPHERPARAM.
fn structure(given: &CipherParameters<'_>) -> Answer<BLOCKCIPHERPARAM> {
    let mut iv = [0; 32];
    iv.get_mut(..given.iv.len()).ok_or(Status::WRONG_DATA)?.copy_from_slice(given.iv);
    Ok(BLOCKCIPHERPARAM {
        IV: iv,
        IVLen: ULONG::try_from(given.iv.len()).map_err(|_| Status::WRONG_DATA)?,
        PaddingType: given.padding as ULONG,
        FeedBitLen: given.feedback_bits,
    })
}

/// A refusal of what a session key was to do.
pub(super) fn no_key(stop: Stop) -> No {
    No::from(stop).means(&NO_KEY, Status::NO_SYMMETRIC_KEY)
}

/// A step that puts data out: its part, and what it may hold back from before.
fn step(f: &Functions<'_>, data: &[BYTE], call: impl FnOnce(&mut Room) -> Result<(), Stop>) -> Answer {
    let mut room = Room::new(data.len() + 2 * BLOCK);
    call(&mut room).map_err(no_key)?;
    Ok(room.filled().map_err(|garbage| f.garbage(garbage))?.to_vec())
}

/// The steps of one direction.
macro_rules! direction {
    ($init:ident $Init:ident $SKF_Init:ident, $all:ident $All:ident $SKF_All:ident,
        $update:ident $Update:ident $SKF_Update:ident, $end:ident $Final:ident $SKF_Final:ident) => {
        pub(super) fn $init(&mut self, f: &Functions<'_>, command: &$Init<'_>) -> Answer {
            let key = self.key_for(command.key, &command.parameters)?;
            f.$SKF_Init(key, structure(&command.parameters)?).map_err(no_key)?;
            NOTHING
        }

        pub(super) fn $all(&mut self, f: &Functions<'_>, command: &$All<'_>) -> Answer {
            let (key, data) = (self.key(command.key)?.handle, command.data.0);
            step(f, data, |room| f.$SKF_All(key, data, room))
        }

        pub(super) fn $update(&mut self, f: &Functions<'_>, command: &$Update<'_>) -> Answer {
            let (key, data) = (self.key(command.key)?.handle, command.data.0);
            step(f, data, |room| f.$SKF_Update(key, data, room))
        }

        pub(super) fn $end(&mut self, f: &Functions<'_>, command: &$Final<'_>) -> Answer {
            let (key, Data(data)) = (self.key(command.key)?.handle, command.data);
            let mut out = if data.is_empty() {
                Vec::new()
            } else {
                step(f, data, |room| f.$SKF_Update(key, data, room))?
            };
            out.extend(step(f, &[], |room| f.$SKF_Final(key, room))?);
            Ok(out)
        }
    };
}

impl Token {
    /// A session key.
    pub(super) fn key(&self, key: KeyHandle) -> Answer<&Key> {
        Ok(self.keys.get(&key.key.0).ok_or(Status::NO_SYMMETRIC_KEY)?)
    }

    /// A session key for an operation. Its mode is the one that it was made for: SKF_EncryptInit names none.
    fn key_for(&self, key: KeyHandle, parameters: &CipherParameters<'_>) -> Answer<HANDLE> {
        let key = self.key(key)?;
        match parameters.algorithm {
            Some(algorithm) if algorithm != key.algorithm => Err(Status::UNSUPPORTED_KEY_ALGORITHM.into()),
            _ => Ok(key.handle),
        }
    }

    direction! {
        encrypt_init EncryptInit SKF_EncryptInit, encrypt Encrypt SKF_Encrypt,
        encrypt_update EncryptUpdate SKF_EncryptUpdate, encrypt_final EncryptFinal SKF_EncryptFinal
    }

    direction! {
        decrypt_init DecryptInit SKF_DecryptInit, decrypt Decrypt SKF_Decrypt,
        decrypt_update DecryptUpdate SKF_DecryptUpdate, decrypt_final DecryptFinal SKF_DecryptFinal
    }

    pub(super) fn mac_init(&mut self, f: &Functions<'_>, command: &MacInit<'_>) -> Answer {
        let key = self.key(command.key)?;
        // SKF_MacInit names no mode either, but a MAC is one of its own, made by CBC.
        let is_same = |algorithm: ULONG| {
            algorithm & CIPHER == key.algorithm & CIPHER && matches!(algorithm & !CIPHER, MODE_CBC | MODE_MAC)
        };
        if !command.parameters.algorithm.is_none_or(is_same) {
            return Err(Status::UNSUPPORTED_KEY_ALGORITHM.into());
        }
        let (handle, before) = (key.handle, key.mac);
        self.set_mac(command.key, None);
        if let Some(before) = before {
            let _ = f.SKF_CloseHandle(before);
        }
        let mut mac = Room::of_handle();
        f.SKF_MacInit(handle, &structure(&command.parameters)?.to_bytes(), &mut mac).map_err(no_key)?;
        self.set_mac(command.key, Some(mac.handle()));
        NOTHING
    }

    fn set_mac(&mut self, key: KeyHandle, mac: Option<HANDLE>) {
        if let Some(key) = self.keys.get_mut(&key.key.0) {
            key.mac = mac;
        }
    }

    fn mac_of(&self, key: KeyHandle) -> Answer<HANDLE> {
        Ok(self.key(key)?.mac.ok_or(Status::CONDITIONS_NOT_SATISFIED)?)
    }

    pub(super) fn mac(&mut self, f: &Functions<'_>, command: &Mac<'_>) -> Answer {
        let (mac, data) = (self.mac_of(command.key)?, command.data.0);
        let value = step(f, &[], |room| f.SKF_Mac(mac, data, room));
        self.end_mac(f, command.key, mac, value)
    }

    pub(super) fn mac_update(&mut self, f: &Functions<'_>, command: &MacUpdate<'_>) -> Answer {
        f.SKF_MacUpdate(self.mac_of(command.key)?, command.data.0).map_err(no_key)?;
        NOTHING
    }

    pub(super) fn mac_final(&mut self, f: &Functions<'_>, command: &MacFinal<'_>) -> Answer {
        let (mac, data) = (self.mac_of(command.key)?, command.data.0);
        if !data.is_empty() {
            f.SKF_MacUpdate(mac, data).map_err(no_key)?;
        }
        let value = step(f, &[], |room| f.SKF_MacFinal(mac, room));
        self.end_mac(f, command.key, mac, value)
    }

    /// A MAC ends with its value; one that was refused for its length is still under way.
    fn end_mac(&mut self, f: &Functions<'_>, key: KeyHandle, mac: HANDLE, value: Answer) -> Answer {
        let value = value?;
        self.set_mac(key, None);
        let call = f.last_call();
        let _ = f.SKF_CloseHandle(mac);
        f.blame(call);
        match value.len() {
            BLOCK => Ok(value),
            length => Err(f.garbage(format!("gave a MAC of {length} bytes")).into()),
        }
    }
}
