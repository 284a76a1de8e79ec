//! What the key says: what it holds, its PIN, its rights, and whether it logs in.

use ukey_device::{Application, Device, ErrorKind, KeyUse, Pin, PinType, Simulator};
use ukey_flows::{SIGNER_ID, login};
use ukey_pki::{Certificate, Signature, sm2};

use super::{Fact, Judgement};
use crate::{
    agreement::world::{Broken, World},
    stage::typed,
};

/// What the key holds.
pub(super) struct Held {
    pub(super) device_serial: String,
    pub(super) application: String,
    pub(super) containers: Vec<HeldContainer>,
    /// Its seals, DER.
    pub(super) seals: Vec<Vec<u8>>,
}

pub(super) struct HeldContainer {
    pub(super) name: String,
    pub(super) sign: Option<Vec<u8>>,
    pub(super) encryption: Option<Vec<u8>>,
}

impl Judgement<'_> {
    /// Reads the key, without a PIN and without power lost since the flow.
    pub(super) fn key(&mut self, device: &Device) -> Result<Held, Broken> {
        let device_serial = device.info()?.serial_number;
        let applications = device.applications()?;
        let [name] = applications.as_slice() else {
            self.differs(Fact::Containers, format!("the key has {} applications", applications.len()));
            return Ok(Held {
                device_serial,
                application: String::new(),
                containers: Vec::new(),
                seals: Vec::new(),
            });
        };
        let application = device.open_application(name)?;
        for pin_type in [PinType::User, PinType::Administrator] {
            let info = application.pin_info(pin_type)?;
            self.demand(info.remaining == info.max_retries, Fact::Tries, || {
                format!("{} of {} tries of the {pin_type} are left", info.remaining, info.max_retries)
            });
        }
        let mut containers = Vec::new();
        for container in application.containers()? {
            containers.push(self.container(&application, container)?);
        }
        let seals = self.seals_held(device, &application)?;
        Ok(Held { device_serial, application: name.clone(), containers, seals })
    }

    fn container(&mut self, application: &Application<'_>, name: String) -> Result<HeldContainer, Broken> {
        let container = application.open_container(&name)?;
        if container.sign_digest(&[1; 32]).is_ok() {
            self.differs(Fact::Rights, format!("container {name} signs without a PIN"));
        }
        let mut held = [None, None];
        for (key_use, held) in [KeyUse::Sign, KeyUse::Encrypt].into_iter().zip(&mut held) {
            let side = if key_use == KeyUse::Sign { "sign" } else { "encryption" };
            *held = container.export_certificate(key_use)?;
            let pair = match container.public_key(key_use) {
                Ok(key) => Some((key.x, key.y)),
                Err(error) if matches!(error.kind(), ErrorKind::NoKeyPair) => None,
                Err(error) => return Err(error.into()),
            };
            let certified = match held {
                Some(der) => {
                    let key = Certificate::from_der(der)?.public_key()?;
                    Some((key.x(), key.y()))
                }
                None => None,
            };
            self.demand(pair.is_some(), Fact::KeyPairs, || {
                format!("container {name} has no {side} key pair")
            });
            self.demand(pair == certified, Fact::KeyPairs, || {
                format!("the {side} key pair of container {name} is not the one of its certificate")
            });
        }
        let [sign, encryption] = held;
        Ok(HeldContainer { name, sign, encryption })
    }

    pub(super) fn login(&mut self, world: &World, device: &Device) {
        let done = login::login(&world.client, device, &typed(&self.expected.pin));
        if let Err(error) = done {
            self.differs(Fact::Login, error.to_string());
        }
    }

    /// Tries the PINs; each container signs what its certificate verifies.
    pub(super) fn pin(&mut self, key: &Simulator, held: &Held) -> Result<(), Broken> {
        let device = Device::connect(key)?;
        let Ok(application) = device.open_application(&held.application) else { return Ok(()) };
        let right = |pin: &Pin| match application.verify_pin(PinType::User, pin) {
            Ok(()) => Ok(true),
            Err(error) if error.tries_left().is_some() => Ok(false),
            Err(error) => Err(error),
        };
        if right(&typed(&self.expected.other_pin))? {
            self.differs(Fact::Pin, "a PIN that is not the person's opens the key");
        }
        if !right(&typed(&self.expected.pin))? {
            self.differs(Fact::Pin, "the person's PIN does not open the key");
            return Ok(());
        }
        for container in &held.containers {
            let Some(der) = &container.sign else { continue };
            let public = Certificate::from_der(der)?.public_key()?;
            let digest = sm2::digest(&public, SIGNER_ID, b"agreement");
            let signature = application.open_container(&container.name)?.sign_digest(&digest)?.to_bytes();
            let verified = sm2::verify_digest(&public, &digest, &Signature::from(signature));
            self.demand(verified.is_ok(), Fact::KeyPairs, || {
                format!("what container {} signs does not verify", container.name)
            });
        }
        Ok(application.clear_secure_state()?)
    }
}
