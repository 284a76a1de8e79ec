//! 我的证书: what is in the key, as the assistant shows it; and the quick entries beside it.

use jiff::{Timestamp, tz};
use ukey_device::{Device, DeviceInfo};
use ukey_hall::api::CertificateStatus;

use crate::key::MyCertificate;
use crate::{Client, FlowError, Rule, seal};

/// The page, as it was when it was last read.
#[derive(Clone, Debug)]
pub struct Page {
    /// The key itself.
    pub medium: Medium,
    /// What is in it.
    pub content: Content,
    /// Electronic seals in it.
    pub seals: usize,
    /// What the hall says about the certificate; `None` where it was not reached, or did not issue it.
    pub status: Option<CertificateStatus>,
}

/// 介质: the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Medium {
    /// 厂商.
    pub manufacturer: String,
    /// 型号: label and hardware version.
    pub model: String,
    /// 设备序列号.
    pub serial: String,
}

impl Medium {
    fn text_zh(&self) -> String {
        format!("{} - {}({})", self.model, self.manufacturer, self.serial)
    }
}

impl From<DeviceInfo> for Medium {
    fn from(info: DeviceInfo) -> Self {
        let model = format!("{}({})", info.label, info.hardware);
        Self { manufacturer: info.manufacturer, model, serial: info.serial_number }
    }
}

/// What a key holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// A certificate.
    Certificate(Box<MyCertificate>),
    /// Nothing that a holder could use.
    Empty,
    /// Something in a certificate's place that is none.
    Unreadable,
}

impl Page {
    /// Reads the key, and asks the hall for the certificate's standing; 刷新界面 is to read again. A hall that is not
    /// reached keeps nobody from looking at the key.
    ///
    /// # Errors
    /// A key that was pulled, or that another program holds.
    pub fn read(client: &Client, device: &Device) -> Result<Self, FlowError> {
        let medium = device.info()?.into();
        let content = match MyCertificate::read(device) {
            Ok(mine) => Content::Certificate(Box::new(mine)),
            Err(FlowError::Rule(Rule::NoCertificate)) => Content::Empty,
            Err(FlowError::Certificate(_)) => Content::Unreadable,
            Err(error) => return Err(error),
        };
        let status = match &content {
            Content::Certificate(mine) => client.certificate_status(&mine.serial()).ok(),
            _ => None,
        };
        Ok(Self { medium, content, seals: seal::count(device)?, status })
    }

    /// The certificate.
    ///
    /// # Errors
    /// [`Rule::NoCertificate`], [`Rule::UnreadableCertificate`].
    pub fn certificate(&self) -> Result<&MyCertificate, Rule> {
        match &self.content {
            Content::Certificate(mine) => Ok(mine),
            Content::Empty => Err(Rule::NoCertificate),
            Content::Unreadable => Err(Rule::UnreadableCertificate),
        }
    }

    /// The lines of the page: name and value.
    #[must_use]
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        match self.certificate() {
            Ok(mine) => {
                let channel = self.status.as_ref().map_or("未知", |status| status.channel.as_str());
                let (first, last) = (day(mine.sign.not_before()), day(mine.sign.not_after()));
                let kind = if mine.sign.public_key().is_ok() { "SM2" } else { "未知" };
                lines.extend([
                    ("证书渠道", channel.to_owned()),
                    ("证书所有者", mine.owner()),
                    ("证书序列号", mine.serial()),
                    ("证书有效期", format!("{first}到{last}")),
                    ("证书类型", kind.to_owned()),
                ]);
            }
            Err(rule) => lines.push(("证书", rule.message_zh())),
        }
        lines.push(("介质类型", self.medium.text_zh()));
        lines.push(("电子签章", seal::count_zh(self.seals)));
        lines
    }
}

/// A day in Shanghai, where certificates begin and end.
fn day(moment: Timestamp) -> String {
    moment.to_zoned(tz::TimeZone::fixed(tz::offset(8))).date().to_string()
}

/// The quick entries (N-29).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// 校验密码: [`pin::check`](crate::pin::check).
    CheckPin,
    /// 修改密码: [`pin::change`](crate::pin::change).
    ChangePin,
    /// 找回密码: [`Unlocking::begin`](crate::unlock::Unlocking::begin).
    RecoverPin,
    /// 证书延期: a renewal.
    Renew,
    /// 证书重装: the certificates that were issued last are written again.
    Rewrite,
}

impl Entry {
    /// All, from top to bottom.
    pub const ALL: [Entry; 5] =
        [Entry::CheckPin, Entry::ChangePin, Entry::RecoverPin, Entry::Renew, Entry::Rewrite];

    /// Its name.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Entry::CheckPin => "校验密码",
            Entry::ChangePin => "修改密码",
            Entry::RecoverPin => "找回密码",
            Entry::Renew => "证书延期",
            Entry::Rewrite => "证书重装",
        }
    }

    /// Whether the entry has something to work on.
    ///
    /// # Errors
    /// Why not: the key has no certificate, or its PIN is locked and has to be recovered first (F-04).
    pub fn enabled(self, page: &Page) -> Result<(), Rule> {
        let mine = match (self, page.certificate()) {
            // To write the certificate again is what helps against one that cannot be read.
            (Entry::Rewrite, Err(Rule::UnreadableCertificate)) => return Ok(()),
            (_, certificate) => certificate?,
        };
        if self != Entry::RecoverPin && mine.tries_left == 0 { Err(Rule::RecoverFirst) } else { Ok(()) }
    }
}
