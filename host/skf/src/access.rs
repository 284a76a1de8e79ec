//! Access control (GM/T 0016-2012 clause 7.2).

use ukey_device::{DeviceKey, Error, Pin, PinType, Status};

use crate::abi::exports;
use crate::abi::pointer::{In, Out, Place, Text};
use crate::abi::types::{ADMIN_TYPE, BOOL, BYTE, DEVHANDLE, HAPPLICATION, ULONG, USER_TYPE};
use crate::application::Application;
use crate::connection::Connection;
use crate::handle::InDevice;
use crate::sar::{Failure, Result, Sar};

/// Bytes of the device authentication key, and of its cryptogram.
const KEY: usize = 16;

/// The key that tokens come with.
static FACTORY_KEY: DeviceKey = DeviceKey(*b"1234567812345678");

exports! {
    /// Replaces the device authentication key by another of 16 bytes, given in clear. It wants SKF_DevAuth before, and
    /// the old key to be known here: the factory's (`1234567812345678`), or the one that this process set last.
    fn SKF_ChangeDevAuthKey(hDev: DEVHANDLE, pbKeyValue: In<BYTE>, ulKeyLen: ULONG) {
        let device = hDev.device()?;
        let new: [u8; KEY] = pbKeyValue.bytes(ulKeyLen)?.try_into().map_err(|_| Sar::INDATALENERR)?;
        change_key(&device, DeviceKey(new))
    }

    /// Proves the device authentication key: the last random, cut to 16 bytes or filled with zeros, encrypted with it
    /// (SM4, ECB). Of 32 bytes, as some clients pad, the first 16 count.
    fn SKF_DevAuth(hDev: DEVHANDLE, pbAuthData: In<BYTE>, ulLen: ULONG) {
        let device = hDev.device()?;
        let data = pbAuthData.bytes(ulLen)?;
        let cryptogram = match data.len() {
            16 | 32 => data.first_chunk::<KEY>(),
            _ => None,
        };
        authenticate(&device, *cryptogram.ok_or(Sar::INDATALENERR)?)
    }

    /// Replaces a PIN; the old one proves the right. A wrong one tells the tries that are left.
    fn SKF_ChangePIN(
        hApplication: HAPPLICATION,
        ulPINType: ULONG,
        szOldPin: Text,
        szNewPin: Text,
        pulRetryCount: Out<ULONG>,
    ) {
        let application = hApplication.application()?;
        let (pin_type, retries) = (pin_type(ulPINType)?, pulRetryCount.place()?);
        let (old, new) = (pin(&szOldPin)?, pin(&szNewPin)?);
        proved(&application, retries, application.get().change_pin(pin_type, &old, &new))
    }

    /// The tries of a PIN, those that are left, and whether nobody has changed it yet.
    fn SKF_GetPINInfo(
        hApplication: HAPPLICATION,
        ulPINType: ULONG,
        pulMaxRetryCount: Out<ULONG>,
        pulRemainRetryCount: Out<ULONG>,
        pbDefaultPin: Out<BOOL>,
    ) {
        let application = hApplication.application()?;
        let pin_type = pin_type(ulPINType)?;
        let (most, left) = (pulMaxRetryCount.place()?, pulRemainRetryCount.place()?);
        let is_default = pbDefaultPin.place()?;
        let info = application.did(application.get().pin_info(pin_type))?;
        most.put(info.max_retries.into());
        left.put(info.remaining.into());
        is_default.put(info.is_default.into());
        Ok(())
    }

    /// Proves a PIN, and thereby gets its right in this application. A wrong one tells the tries that are left.
    fn SKF_VerifyPIN(hApplication: HAPPLICATION, ulPINType: ULONG, szPIN: Text, pulRetryCount: Out<ULONG>) {
        let application = hApplication.application()?;
        let (pin_type, retries) = (pin_type(ulPINType)?, pulRetryCount.place()?);
        let pin = pin(&szPIN)?;
        proved(&application, retries, application.get().verify_pin(pin_type, &pin))
    }

    /// Sets a new user PIN, and gives it back its tries; the administrator PIN proves the right. A wrong one tells the
    /// tries that are left.
    fn SKF_UnblockPIN(hApplication: HAPPLICATION, szAdminPIN: Text, szNewUserPIN: Text, pulRetryCount: Out<ULONG>) {
        let application = hApplication.application()?;
        let retries = pulRetryCount.place()?;
        let (admin, new) = (pin(&szAdminPIN)?, pin(&szNewUserPIN)?);
        proved(&application, retries, application.get().unblock_pin(&admin, &new))
    }

    /// Drops every right held in this application.
    fn SKF_ClearSecureState(hApplication: HAPPLICATION) {
        let application = hApplication.application()?;
        application.did(application.get().clear_secure_state())
    }
}

fn pin_type(value: ULONG) -> Result<PinType> {
    match value {
        ADMIN_TYPE => Ok(PinType::Administrator),
        USER_TYPE => Ok(PinType::User),
        _ => Err(Sar::USER_TYPE_INVALID.into()),
    }
}

/// A PIN of 1 to 16 bytes. Whether it is long enough for a new one is for the token to say.
pub(crate) fn pin(text: &Text) -> Result<Pin> {
    Ok(Pin::new(text.bytes()?).map_err(|_| Sar::PIN_LEN_RANGE)?)
}

/// What came of proving a PIN; the tries left go to the caller.
fn proved(application: &Application, retries: Place<ULONG>, result: Result<(), Error>) -> Result {
    let Err(error) = result else { return Ok(()) };
    if let Some(left) = error.tries_left() {
        retries.put(left.into());
    }
    let is_new_pin = error.status() == Some(Status::WRONG_DATA);
    let failure = application.connection().failed(error);
    Err(if is_new_pin { Failure { sar: Sar::PIN_LEN_RANGE, ..failure } } else { failure })
}

fn authenticate(device: &Connection, cryptogram: [u8; KEY]) -> Result {
    let live = device.live()?;
    let mut known = live.authentication();
    // Whatever comes of it, the token remembers neither the challenge nor a proof of before.
    let challenge = std::mem::take(&mut *known).challenge;
    device.did(live.device.authenticate_with(cryptogram))?;
    // Which key it was: SKF_ChangeDevAuthKey will need it, and is not told.
    let fits = |key: &&DeviceKey| key.cryptogram(&*challenge) == cryptogram;
    let set = device.slot.device_key();
    known.key = set.as_deref().into_iter().chain([&FACTORY_KEY]).find(fits).cloned();
    known.is_proved = true;
    Ok(())
}

fn change_key(device: &Connection, new: DeviceKey) -> Result {
    let live = device.live()?;
    let mut known = live.authentication();
    let old = match &known.key {
        Some(key) => key,
        None if known.is_proved => return Err(missing(Sar::KEYNOTFOUNTERR, UNKNOWN)),
        None => return Err(missing(Sar::FAIL, "prove the device authentication key first: SKF_DevAuth")),
    };
    device.did(live.device.change_device_key(old, &new))?;
    *device.slot.device_key() = Some(Box::new(new.clone()));
    known.key = Some(new);
    Ok(())
}

/// Why the key that was proved does not do.
const UNKNOWN: &str = "the old device authentication key is not known here: it has to be the factory's, or the \
                       one that this process set last";

fn missing(sar: Sar, text: &str) -> Failure {
    Failure { sar, text: Some(text.to_owned()) }
}
