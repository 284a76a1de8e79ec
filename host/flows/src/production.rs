//! The CA's production desk: makes a holder's key of a blank one (E-12).
//!
//! Each step can be repeated: the hall gives the same personalisation and the same certificates for the same key, and
//! what was written is read back before the hall is told. A key that was cut off in the middle goes on from there.

use ukey_device::{
    Application, CipherBlock, Container, CreateApplication, Device, DeviceKey, EccPublicKey,
    EnvelopedKeyPair, ErrorKind, KeyUse, Pin, Rights,
};
use ukey_hall::api::{
    Hex, IssueRequest, Personalisation, ProductionFinish, ProductionJob, ProductionStart, Secret,
};
use ukey_pki::{CsrResponse, EnvelopedKey, Name, PrivateKeyForm, Request};

use crate::key::{self, KeySigner};
use crate::{Client, FlowError, Rule, error::Part};

/// The device authentication key of a blank token from the factory.
pub const FACTORY_DEVICE_KEY: DeviceKey = DeviceKey(*b"1234567812345678");

/// Limits of the application that is created.
const MAX_CONTAINERS: u8 = 8;
const MAX_CERTIFICATES: u8 = 16;
const MAX_FILES: u16 = 16;

/// The production desk's program.
#[derive(Clone, Debug)]
pub struct ProductionDesk {
    client: Client,
    token: Secret,
    /// The device authentication key of its blank keys.
    blank_key: DeviceKey,
}

impl ProductionDesk {
    /// The desk with this bearer token.
    #[must_use]
    pub fn new(client: &Client, token: &Secret) -> Self {
        Self { client: client.clone(), token: token.clone(), blank_key: FACTORY_DEVICE_KEY }
    }

    /// The desk whose blank keys have this device authentication key; [`FACTORY_DEVICE_KEY`] unless told otherwise.
    #[must_use]
    pub fn of_blank_keys_with(self, blank_key: DeviceKey) -> Self {
        Self { blank_key, ..self }
    }

    /// The keys to be made.
    pub fn jobs(&self) -> Result<Vec<ProductionJob>, FlowError> {
        self.client.jobs(&self.token)
    }

    /// Makes the key of an order, from blank to posted.
    ///
    /// # Errors
    /// [`Rule::NotBlank`] for a key that somebody else's application is on; the key's or the hall's refusal.
    pub fn make(&self, order: &str, device: &Device) -> Result<ProductionJob, FlowError> {
        let _alone = key::alone(device)?;
        let device_serial = device.info()?.serial_number;
        let start = ProductionStart { device_serial: device_serial.clone() };
        let plan = self.client.start_job(&self.token, order, &start)?;
        self.personalise(order, device, &plan)?;
        self.client.finish_job(&self.token, order, &ProductionFinish { device_serial })
    }

    fn personalise(&self, order: &str, device: &Device, plan: &Personalisation) -> Result<(), FlowError> {
        let pin = |secret: &Secret| {
            Pin::new(secret.reveal().as_bytes())
                .map_err(|_| FlowError::Answer("a PIN of the personalisation", "制证数据中的口令"))
        };
        let user_pin = pin(&plan.user_pin)?;
        if !begun(device, &self.blank_key, &device_key(&plan.device_key)?, &plan.application)? {
            device.create_application(&CreateApplication {
                name: plan.application.as_bytes(),
                admin_pin: pin(&plan.admin_pin)?,
                admin_retries: u32::from(plan.admin_tries),
                user_pin: user_pin.clone(),
                user_retries: u32::from(plan.user_tries),
                create_file: Rights::USER,
                max_containers: MAX_CONTAINERS,
                max_certificates: MAX_CERTIFICATES,
                max_files: MAX_FILES,
            })?;
        }
        let application = device.open_application(&plan.application)?;
        key::as_user(&application, &user_pin, || self.certify(order, &application, plan))?;
        Ok(application.close()?)
    }

    /// Has the key pair of the plan's container certified, and writes the certificates.
    fn certify(
        &self,
        order: &str,
        application: &Application<'_>,
        plan: &Personalisation,
    ) -> Result<(), FlowError> {
        let container = if application.containers()?.contains(&plan.container) {
            application.open_container(&plan.container)?
        } else {
            application.create_container(&plan.container)?
        };
        let held = container.public_key(KeyUse::Sign);
        if held.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::NoKeyPair)) {
            container.generate_key_pair()?;
        } else {
            held?;
        }
        let request = request(&container, &plan.common_name)?;
        let device_serial = plan.device_serial.clone();
        let issued = self.client.issue(
            &self.token,
            order,
            &IssueRequest { device_serial, request: Hex(request.der().to_vec()) },
        )?;
        write_certificates(&container, &CsrResponse::from_der(&issued.response.0)?)
    }
}

fn device_key(secret: &Secret) -> Result<DeviceKey, FlowError> {
    let wrong =
        FlowError::Answer("the device authentication key of the personalisation", "制证数据中的设备认证密钥");
    let mut key = [0; 16];
    match hex::decode_to_slice(secret.reveal(), &mut key) {
        Ok(()) => Ok(DeviceKey(key)),
        Err(_) => Err(wrong),
    }
}

/// Takes the right of the device, with its own device key from now on: from blank, or from wherever an earlier attempt
/// was cut off. Tells whether that one had created the application.
fn begun(device: &Device, blank: &DeviceKey, own: &DeviceKey, application: &str) -> Result<bool, FlowError> {
    let applications = device.applications()?;
    let not_blank = |name: &str| FlowError::from(Rule::NotBlank { application: name.to_owned() });
    if let Some(other) = applications.iter().find(|name| *name != application) {
        return Err(not_blank(other));
    }
    if applications.is_empty() && device.authenticate(blank).is_ok() {
        device.change_device_key(blank, own)?;
    }
    device.authenticate(own).map_err(|error| match (error.kind(), applications.first()) {
        // Somebody's finished key: it has a device key of its own.
        (ErrorKind::WrongDeviceKey { .. } | ErrorKind::DeviceKeyLocked, Some(name)) => not_blank(name),
        _ => error.into(),
    })?;
    Ok(!applications.is_empty())
}

/// A PKCS#10 request, signed by the container's key.
pub(crate) fn request(container: &Container<'_>, common_name: &str) -> Result<Request, FlowError> {
    let subject = Name::builder()
        .common_name(common_name)
        .build()
        .map_err(|_| FlowError::Answer("the common name", "证书主体的名称"))?;
    Request::build(&subject, KeySigner::new(container)?).map_err(|error| match error {
        ukey_pki::SignError::Signer(error) => FlowError::Key(error),
        _ => FlowError::Answer("the certificate request", "证书请求"),
    })
}

/// Writes the encryption pair and both certificates, and reads them back.
pub(crate) fn write_certificates(container: &Container<'_>, response: &CsrResponse) -> Result<(), FlowError> {
    let envelope =
        response.enveloped_key().ok_or(FlowError::Answer("no enveloped key", "缺少数字信封密钥"))?;
    let encryption = response
        .encryption_certificate()
        .ok_or(FlowError::Answer("no encryption certificate", "缺少加密证书"))?;
    // A key pair that is there already stays: its envelope may be the one of an earlier certificate.
    let there = match container.public_key(KeyUse::Encrypt) {
        Err(error) if matches!(error.kind(), ErrorKind::NoKeyPair) => false,
        held => {
            let held = held?;
            (held.x, held.y) == (envelope.public_key().x(), envelope.public_key().y())
        }
    };
    if !there {
        import_key_pair(container, envelope)?;
    }
    // The sign certificate last: where the old key pairs are certified again, the old one stays in its place, and in use,
    // until the new pair is complete with it (F-02).
    for (key_use, certificate) in [(KeyUse::Encrypt, encryption), (KeyUse::Sign, response.sign_certificate())]
    {
        container.import_certificate(key_use, certificate.der())?;
        if container.export_certificate(key_use)?.as_deref() != Some(certificate.der()) {
            return Err(Rule::ReadBack { what: Part::Certificate }.into());
        }
        let (held, certified) = (container.public_key(key_use)?, certificate.public_key()?);
        if (held.x, held.y) != (certified.x(), certified.y()) {
            return Err(Rule::ReadBack { what: Part::PublicKey }.into());
        }
    }
    Ok(())
}

/// Hands an enveloped key over in the token's layout.
fn import_key_pair(container: &Container<'_>, envelope: &EnvelopedKey) -> Result<(), FlowError> {
    let encrypted_private_key = envelope
        .encrypted_private_key(PrivateKeyForm::Bytes64)
        .or_else(|| envelope.encrypted_private_key(PrivateKeyForm::Bytes32))
        .ok_or(FlowError::Answer("the enveloped private key", "数字信封中的私钥"))?;
    let (public, wrapped) = (envelope.public_key(), envelope.symmetric_key());
    Ok(container.import_key_pair(&EnvelopedKeyPair {
        version: 1,
        algorithm: envelope.algorithm().sgd(),
        encrypted_private_key,
        public_key: EccPublicKey { x: public.x(), y: public.y() },
        wrapped_key: CipherBlock {
            point: EccPublicKey { x: wrapped.x(), y: wrapped.y() },
            hash: *wrapped.hash(),
            cipher: wrapped.cipher(),
        },
    })?)
}
