//! 证书重装: the certificates last issued for the key are written into it once more.

use std::borrow::Borrow;

use ukey_device::{Device, ErrorKind, KeyUse, Pin};
use ukey_hall::api::{Hex, ProblemType, Reinstallation, reinstallation_message};
use ukey_pki::CsrResponse;

use crate::production::write_certificates;
use crate::{Client, FlowError, Rule, key};

/// Writes the certificates again, into the container whose sign key they were issued for, and reads them back.
///
/// # Errors
/// [`Rule::NoKey`], [`Rule::SeveralKeys`]; [`Rule::NoKeyPair`] where no container has a sign key; a wrong or locked PIN, a pulled key; the hall's refusal of a
/// key that it issued nothing for, or whose certificate was revoked.
pub fn reinstall<D: Borrow<Device>>(client: &Client, known: &[D], pin: &Pin) -> Result<(), FlowError> {
    let device = key::only_one(known)?.borrow();
    let device_serial = device.info()?.serial_number;
    let mut refused = FlowError::from(Rule::NoKeyPair);
    for name in device.applications()? {
        let application = device.open_application(&name)?;
        for container in application.containers()? {
            let container = application.open_container(&container)?;
            let public = match container.public_key(KeyUse::Sign) {
                Err(error) if matches!(error.kind(), ErrorKind::NoKeyPair) => continue,
                public => public?,
            };
            let challenge = client.login_challenge()?;
            let message = reinstallation_message(&challenge.hall, &device_serial, &challenge.nonce);
            let done = key::as_user(&application, pin, || {
                let answer = client.reinstallation(&Reinstallation {
                    nonce: challenge.nonce,
                    device_serial: device_serial.clone(),
                    public_key: Hex([public.x, public.y].concat()),
                    signature: key::sign(&container, &message)?.into(),
                })?;
                write_certificates(&container, &CsrResponse::from_der(&answer.response.0)?)
            });
            match done {
                // Another container of the same key may be the one.
                Err(error) if error.problem().is_some_and(|told| told.kind == ProblemType::KeyUnknown) => {
                    refused = error;
                }
                done => return done,
            }
        }
    }
    Err(refused)
}
