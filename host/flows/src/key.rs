//! 我的证书: what is in the key, and the key as a signer.

use std::borrow::Borrow;
use std::time::Duration;

use ukey_device::{Application, Container, Device, Exclusive, KeyUse, Pin, PinType};
use ukey_hall::api::ProblemType;
use ukey_pki::{Certificate, PublicKey, Signature, Sm2Signer};

use crate::{FlowError, Rule};

/// The one key that is plugged in (R-05, N-22). Of the devices that are known, those that were pulled do not count.
///
/// # Errors
/// [`Rule::NoKey`]; [`Rule::SeveralKeys`] before anything is read of them or spent; a key that is there and does not
/// answer, such as one that another program holds.
pub fn only_one<D: Borrow<Device>>(known: &[D]) -> Result<&D, FlowError> {
    Ok(plugged_in(known)?.only.ok_or(Rule::NoKey)?.0)
}

/// The one key that is plugged in, which must be the one that the business is about.
///
/// # Errors
/// [`Rule::AnotherKey`]; as [`only_one`], and a key that was pulled is told as such.
pub(crate) fn the_one<'d, D: Borrow<Device>>(known: &'d [D], serial: &str) -> Result<&'d Device, FlowError> {
    let plugged = plugged_in(known)?;
    match plugged.only {
        Some((device, found)) if found == serial => Ok(device.borrow()),
        Some((_, found)) => Err(Rule::AnotherKey { expected: serial.to_owned(), found }.into()),
        None => Err(plugged.pulled.map_or_else(|| Rule::NoKey.into(), FlowError::from)),
    }
}

/// What became of the devices that are known.
struct PluggedIn<'d, D> {
    /// The only one that is there, with its serial number.
    only: Option<(&'d D, String)>,
    /// What one that was pulled answered.
    pulled: Option<ukey_device::Error>,
}

fn plugged_in<D: Borrow<Device>>(known: &[D]) -> Result<PluggedIn<'_, D>, FlowError> {
    let (mut there, mut pulled) = (Vec::new(), None);
    for device in known {
        match device.borrow().info() {
            Ok(info) => there.push((device, info.serial_number)),
            Err(error) if error.is_removed() => pulled = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    match there.len() {
        0 | 1 => Ok(PluggedIn { only: there.pop(), pulled }),
        count => Err(Rule::SeveralKeys { count }.into()),
    }
}

/// The certificate pair of a key, and where it lies.
#[derive(Clone, Debug)]
pub struct MyCertificate {
    /// Serial number of the key.
    pub device_serial: String,
    /// Name of the application.
    pub application: String,
    /// Name of the container.
    pub container: String,
    /// The sign certificate.
    pub sign: Certificate,
    /// The encryption certificate, if there is one that can be read.
    pub encryption: Option<Certificate>,
    /// Tries left of the user PIN.
    pub tries_left: u8,
    /// Tries of the user PIN after a success.
    pub max_tries: u8,
}

impl MyCertificate {
    /// 证书所有者.
    #[must_use]
    pub fn owner(&self) -> String {
        self.sign.subject().common_name().map_or_else(|| self.sign.subject().to_string(), str::to_owned)
    }

    /// 证书序列号, as the hall writes it.
    #[must_use]
    pub fn serial(&self) -> String {
        self.sign.serial().to_string()
    }

    /// Reads the certificate pair of a key, the newest where a renewal has left two; no PIN is needed.
    ///
    /// # Errors
    /// [`Rule::NoCertificate`] for a key without a sign certificate.
    pub fn read(device: &Device) -> Result<Self, FlowError> {
        Self::all(device)?.into_iter().next().ok_or_else(|| Rule::NoCertificate.into())
    }

    /// The pair with this serial number, of all that are in the key.
    ///
    /// # Errors
    /// [`Rule::AnotherCertificate`] where it is not there.
    pub fn read_this(device: &Device, serial: &str) -> Result<Self, FlowError> {
        let found = Self::all(device)?.into_iter().find(|mine| mine.serial() == serial);
        found.ok_or_else(|| Rule::AnotherCertificate { expected: serial.to_owned() }.into())
    }

    /// Every certificate pair in the first application that holds one, the newest first. A container whose sign
    /// certificate cannot be read keeps nobody from the others.
    ///
    /// # Errors
    /// As every command of the key; a certificate that cannot be read, where no other can.
    pub fn all(device: &Device) -> Result<Vec<Self>, FlowError> {
        let device_serial = device.info()?.serial_number;
        let mut unreadable = None;
        for name in device.applications()? {
            let application = device.open_application(&name)?;
            let pin = application.pin_info(PinType::User)?;
            let mut found = Vec::new();
            for container_name in application.containers()? {
                let container = application.open_container(&container_name)?;
                let Some(sign) = container.export_certificate(KeyUse::Sign)? else {
                    continue;
                };
                let sign = match Certificate::from_der(&sign) {
                    Ok(sign) => sign,
                    Err(error) => {
                        unreadable = Some(error);
                        continue;
                    }
                };
                let encryption = container.export_certificate(KeyUse::Encrypt)?;
                found.push(Self {
                    device_serial: device_serial.clone(),
                    application: name.clone(),
                    container: container_name,
                    sign,
                    encryption: encryption.and_then(|der| Certificate::from_der(&der).ok()),
                    tries_left: pin.remaining,
                    max_tries: pin.max_retries,
                });
            }
            if !found.is_empty() {
                found.sort_by_key(|mine| std::cmp::Reverse(mine.sign.not_before()));
                return Ok(found);
            }
        }
        unreadable.map_or(Ok(Vec::new()), |error| Err(error.into()))
    }

    /// Opens the application in which it lies.
    pub fn open_application<'d>(&self, device: &'d Device) -> Result<Application<'d>, FlowError> {
        Ok(device.open_application(&self.application)?)
    }
}

/// Asks the hall with the newest pair that it takes. Where a renewal was cut off, the key may hold a pair that the hall
/// does not know to be there yet, beside the one that counts.
///
/// # Errors
/// [`Rule::NoCertificate`]; what came of the newest pair, where none is taken.
pub(crate) fn with_newest_taken<T>(
    device: &Device,
    mut ask: impl FnMut(&MyCertificate) -> Result<T, FlowError>,
) -> Result<T, FlowError> {
    let untaken = |error: &FlowError| {
        let kind = error.problem().map(|problem| problem.kind);
        matches!(kind, Some(ProblemType::CertificateUnconfirmed | ProblemType::SignerUnknown))
    };
    let mut first = None;
    for mine in MyCertificate::all(device)? {
        match ask(&mine) {
            Err(error) if untaken(&error) => first = first.or(Some(error)),
            done => return done,
        }
    }
    Err(first.unwrap_or_else(|| Rule::NoCertificate.into()))
}

/// The sign key of a container, as a signer for requests and messages. The user PIN must have been verified.
#[derive(Debug)]
pub struct KeySigner<'c, 'd> {
    container: &'c Container<'d>,
    public_key: PublicKey,
}

impl<'c, 'd> KeySigner<'c, 'd> {
    /// The signer of a container.
    ///
    /// # Errors
    /// The key's refusal, or a public key that is no point of the curve.
    pub fn new(container: &'c Container<'d>) -> Result<Self, FlowError> {
        let key = container.public_key(KeyUse::Sign)?;
        let public_key = PublicKey::from_coordinates(&key.x, &key.y).map_err(|_| {
            FlowError::Answer("the key's public key is no point of the curve", "UKey的公钥不在曲线上")
        })?;
        Ok(Self { container, public_key })
    }
}

impl Sm2Signer for KeySigner<'_, '_> {
    type Error = ukey_device::Error;

    fn public_key(&self) -> PublicKey {
        self.public_key
    }

    fn sign_digest(&mut self, e: &[u8; 32]) -> Result<Signature, Self::Error> {
        self.container.sign_digest(e).map(|signature| signature.to_bytes().into())
    }
}

/// Takes the key for this program alone until the value is dropped, so that nobody else comes between commands that
/// belong together. Nobody waits for another program: the person is told of it (G-11).
pub(crate) fn alone(device: &Device) -> Result<Exclusive<'_>, FlowError> {
    Ok(device.exclusive(Duration::ZERO)?)
}

/// Proves the user PIN, does the work, and ends the right again, whatever came of the work. Nobody else reaches the key
/// meanwhile, and so nobody uses the right.
pub(crate) fn as_user<R>(
    application: &Application<'_>,
    pin: &Pin,
    work: impl FnOnce() -> Result<R, FlowError>,
) -> Result<R, FlowError> {
    let _alone = alone(application.device())?;
    application.verify_pin(PinType::User, pin)?;
    let done = work();
    let ended = application.clear_secure_state();
    let done = done?;
    ended?;
    Ok(done)
}

/// Signs a message with the sign key of a container: Z and SM3 are made here, the key signs the digest.
pub(crate) fn sign(container: &Container<'_>, message: &[u8]) -> Result<Vec<u8>, FlowError> {
    let signer = KeySigner::new(container)?;
    let e = ukey_pki::sm2::digest(&signer.public_key, crate::SIGNER_ID, message);
    Ok(container.sign_digest(&e)?.to_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ukey_device::{CreateApplication, ErrorKind, Options, Rights, Target};

    fn application(device: &Device) -> Application<'_> {
        device.authenticate(&crate::production::FACTORY_DEVICE_KEY).unwrap();
        device
            .create_application(&CreateApplication {
                name: b"UKEY",
                admin_pin: Pin::new(b"admin-12").unwrap(),
                admin_retries: 10,
                user_pin: Pin::new(b"Right-12").unwrap(),
                user_retries: 10,
                create_file: Rights::USER,
                max_containers: 2,
                max_certificates: 4,
                max_files: 2,
            })
            .unwrap();
        device.open_application("UKEY").unwrap()
    }

    #[test]
    fn the_right_ends_with_the_work_whatever_came_of_it() {
        let device = Target::Sim.connect(&Options { dialect: None, seed: Some(7) }).unwrap();
        let application = application(&device);
        let pin = Pin::new(b"Right-12").unwrap();
        let barred = |name: &str| {
            let error = application.create_container(name).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::NotLoggedIn), "{error}");
        };
        as_user(&application, &pin, || Ok(application.create_container("ONE").map(drop)?)).unwrap();
        barred("TWO");
        // The work fails after the PIN was right: its own error is told, and the right is gone as well.
        let failed = as_user(&application, &pin, || -> Result<(), FlowError> {
            application.create_container("TWO")?;
            Ok(application.create_container("TWO").map(drop)?)
        });
        let Err(FlowError::Key(error)) = failed else { panic!("{failed:?}") };
        assert!(matches!(error.kind(), ErrorKind::ContainerExists), "{error}");
        barred("THREE");
        // Meanwhile the key is nobody else's, however the work ends; a program that has it keeps everybody out.
        let other = Device::connect(&device.simulator().unwrap()).unwrap();
        for fails in [false, true] {
            let _ = as_user(&application, &pin, || -> Result<(), FlowError> {
                assert!(other.info().unwrap_err().is_busy());
                if fails { Err(Rule::NoKey.into()) } else { Ok(()) }
            });
            other.info().unwrap();
        }
        other.lock(Duration::ZERO).unwrap();
        let refused = as_user(&application, &pin, || -> Result<(), FlowError> { panic!("begun") });
        assert!(matches!(refused, Err(FlowError::Key(error)) if error.is_busy()));
        other.unlock().unwrap();
        // A wrong PIN gives no right, and the work is not begun.
        let wrong = Pin::new(b"Wrong-12").unwrap();
        let refused = as_user(&application, &wrong, || -> Result<(), FlowError> { panic!("begun") });
        assert!(refused.is_err());
        barred("THREE");
    }
}
