//! Certificate login (L-01, L-11): the key signs the hall's challenge.

use ukey_device::{Device, Pin};
use ukey_hall::api::{CertificateLogin, Session, login_message};

use crate::key::{self, MyCertificate};
use crate::{Client, FlowError};

/// Logs in with the key's certificate and PIN. The right in the key ends with the login. Where a renewal was
/// cut off, the key holds the new certificate and the old one: the newest that the hall takes logs in.
///
/// # Errors
/// A wrong or locked PIN, a pulled key, or the hall's refusal (expired, revoked, foreign certificate).
pub fn login(client: &Client, device: &Device, pin: &Pin) -> Result<Session, FlowError> {
    key::with_newest_taken(device, |mine| login_with(client, device, pin, mine))
}

fn login_with(
    client: &Client,
    device: &Device,
    pin: &Pin,
    mine: &MyCertificate,
) -> Result<Session, FlowError> {
    let challenge = client.login_challenge()?;
    let application = mine.open_application(device)?;
    let signature = key::as_user(&application, pin, || {
        let container = application.open_container(&mine.container)?;
        key::sign(&container, &login_message(&challenge.hall, &mine.serial(), &challenge.nonce))
    })?;
    let certificate = mine.sign.der().into();
    client.login_by_certificate(&CertificateLogin {
        nonce: challenge.nonce,
        certificate,
        signature: signature.into(),
    })
}
