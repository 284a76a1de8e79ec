//! 证书标签: whether a key's containers hold what they were made for, by name and by use. No PIN is needed.

use ukey_device::{Container, Device, ErrorKind, KeyUse};
use ukey_hall::api::CertificateStatus;
use ukey_pki::{Certificate, KeyUsage};

use crate::FlowError;

/// A container, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Name of the application.
    pub application: String,
    /// Name of the container.
    pub container: String,
    /// Serial number of the sign certificate, where it can be read.
    pub serial: Option<String>,
    /// Faults; none in a good one.
    pub faults: Vec<Fault>,
}

/// What can be wrong with a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// There is no certificate of this use.
    Missing(KeyUse),
    /// What is in the certificate's place is none.
    Unreadable(KeyUse),
    /// The certificate is for another use than its place says.
    WrongUse(KeyUse),
    /// The certificate is of another key pair than the container's.
    OtherKey(KeyUse),
    /// The hall issued the certificate into a container of another name.
    Renamed,
}

impl Label {
    /// Reads the label of every container.
    ///
    /// # Errors
    /// The key's refusal.
    pub fn read_all(device: &Device) -> Result<Vec<Label>, FlowError> {
        let mut labels = Vec::new();
        for name in device.applications()? {
            let application = device.open_application(&name)?;
            for container_name in application.containers()? {
                let container = application.open_container(&container_name)?;
                let mut faults = Vec::new();
                for key_use in [KeyUse::Sign, KeyUse::Encrypt] {
                    faults.extend(fault(&container, key_use)?);
                }
                let sign = container.export_certificate(KeyUse::Sign)?;
                let sign = sign.and_then(|der| Certificate::from_der(&der).ok());
                let serial = sign.map(|certificate| certificate.serial().to_string());
                labels.push(Label { application: name.clone(), container: container_name, serial, faults });
            }
        }
        Ok(labels)
    }

    /// Compares the name with the one that the hall issued the certificate under.
    pub fn compare(&mut self, status: &CertificateStatus) {
        if (&self.application, &self.container) != (&status.application, &status.container) {
            self.faults.push(Fault::Renamed);
        }
    }

    /// The label as it is shown: its name, and what is wrong.
    #[must_use]
    pub fn text_zh(&self) -> String {
        let name = format!("{}/{}", self.application, self.container);
        match self.faults.as_slice() {
            [] => format!("{name}：签名证书、加密证书正常"),
            faults => {
                let faults: Vec<_> = faults.iter().map(|fault| fault.zh()).collect();
                format!("{name}：{}", faults.join("、"))
            }
        }
    }
}

impl Fault {
    fn zh(self) -> String {
        let named = |key_use| if key_use == KeyUse::Sign { "签名证书" } else { "加密证书" };
        match self {
            Fault::Missing(key_use) => format!("缺少{}", named(key_use)),
            Fault::Unreadable(key_use) => format!("{}无法识别", named(key_use)),
            Fault::WrongUse(key_use) => format!("{}的用途不符", named(key_use)),
            Fault::OtherKey(key_use) => format!("{}与密钥不匹配", named(key_use)),
            Fault::Renamed => "容器名称与签发时不一致".to_owned(),
        }
    }
}

fn fault(container: &Container<'_>, key_use: KeyUse) -> Result<Option<Fault>, FlowError> {
    let Some(der) = container.export_certificate(key_use)? else {
        return Ok(Some(Fault::Missing(key_use)));
    };
    let Ok(certificate) = Certificate::from_der(&der) else {
        return Ok(Some(Fault::Unreadable(key_use)));
    };
    let wanted =
        if key_use == KeyUse::Sign { KeyUsage::DIGITAL_SIGNATURE } else { KeyUsage::KEY_ENCIPHERMENT };
    if !certificate.key_usage().is_some_and(|usage| usage.contains(wanted)) {
        return Ok(Some(Fault::WrongUse(key_use)));
    }
    let held = match container.public_key(key_use) {
        Err(error) if matches!(error.kind(), ErrorKind::NoKeyPair) => None,
        held => Some(held?),
    };
    let same = certificate
        .public_key()
        .is_ok_and(|certified| held.is_some_and(|held| (held.x, held.y) == (certified.x(), certified.y())));
    Ok((!same).then_some(Fault::OtherKey(key_use)))
}
