//! Certificate login (L-01, L-11): the key signs the hall's challenge.

use ukey_device::{Device, Pin};
use ukey_hall::api::{CertificateLogin, Session, login_message};

use crate::key::{self, MyCertificate};
use crate::{Client, FlowError};

/// Logs in with the key's certificate and PIN. The right in the key ends with the login (T-LOGIN).
///
/// # Errors
/// A wrong or locked PIN, a pulled key, or the hall's refusal (expired, revoked, foreign certificate).
pub fn login(client: &Client, device: &Device, pin: &Pin) -> Result<Session, FlowError> {
    let mine = MyCertificate::read(device)?;
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
