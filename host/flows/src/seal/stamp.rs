//! Stamping with a key, and the business system that takes the stamp.

use jiff::Timestamp;
use ukey_device::{Device, Pin};
use ukey_hall::api::{StampCheck, StampVerdict, StampingRequest, StampingRight};
use ukey_pki::{
    SignError,
    seal::{MakeError, Stamp, StampDraft},
};

use super::store::Store;
use crate::key::{self, KeySigner, MyCertificate};
use crate::{Client, FlowError, Rule};

/// Asks a business system whether the key's holder may stamp.
///
/// # Errors
/// R-20 证书未生效或者用户不存在 and R-21 该用户没有分配印章权限, as the hall's refusals.
pub fn permission(client: &Client, device: &Device) -> Result<StampingRight, FlowError> {
    key::with_newest_taken(device, |mine| {
        client.stamping_permission(&StampingRequest { certificate: mine.sign.der().into() })
    })
}

/// Stamps what has this SM3 with a seal of the key: the place counts from 1, in the order of the directory.
///
/// # Errors
/// [`Rule::NoSeal`]; [`FlowError::Stamp`] for a seal that does not list the key's certificate or is not valid at that
/// time, before the PIN is spent; a wrong PIN; a pulled key.
pub fn stamp(
    device: &Device,
    pin: &Pin,
    place: usize,
    data_hash: &[u8; 32],
    time: Timestamp,
) -> Result<Stamp, FlowError> {
    let all = MyCertificate::all(device)?;
    let newest = all.first().ok_or(Rule::NoCertificate)?;
    let application = newest.open_application(device)?;
    let held = Store::new(device, &application).seals()?;
    let held = place.checked_sub(1).and_then(|place| held.into_iter().nth(place));
    let seal = held.ok_or(Rule::NoSeal { place })?.seal?;
    let draft = StampDraft {
        seal: &seal,
        data_hash: *data_hash,
        time,
        property: String::new(),
        extensions: Vec::new(),
    };
    // The newest pair that the seal lists.
    let mine = all.iter().find(|mine| draft.check(&mine.sign).is_ok()).unwrap_or(newest);
    draft.check(&mine.sign).map_err(|error| FlowError::Stamp(Box::new(error)))?;
    let container = application.open_container(&mine.container)?;
    key::as_user(&application, pin, || {
        draft.make(&mine.sign, KeySigner::new(&container)?).map_err(|error| match error {
            MakeError::Stamp(error) => FlowError::Stamp(Box::new(error)),
            MakeError::Sign(SignError::Signer(error)) => FlowError::Key(error),
            MakeError::KeyMismatch => {
                FlowError::Answer("the certificate is not that of the key", "证书与密钥不匹配")
            }
            _ => FlowError::Answer("the stamp", "签章数据"),
        })
    })
}

/// Has a business system check a stamp.
///
/// # Errors
/// The hall's refusal: the signer, the seal, the signature, the document.
pub fn verify(client: &Client, data_hash: &[u8; 32], stamp: &Stamp) -> Result<StampVerdict, FlowError> {
    client.verify_stamp(&StampCheck { data_hash: data_hash[..].into(), stamp: stamp.der().into() })
}
