//! The status bar: the key on its left, the version of the program on its right (N-25).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use ukey_device::Device;

use super::page::Medium;
use crate::key::only_one;
use crate::{FlowError, Rule};

/// A version of the assistant: numbers with dots between them, such as `2.0.1911.101`.
#[derive(Clone, Debug)]
pub struct Version(Vec<u32>);

/// A text that is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no version: numbers with dots between them")]
pub struct NotAVersion(String);

impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let numbers = text.split('.').map(|part| part.parse().ok().filter(|_| plain(part)));
        numbers.collect::<Option<_>>().map(Version).ok_or_else(|| NotAVersion(text.to_owned()))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

/// By number, from the left; what is not written is 0.
impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let length = self.0.len().max(other.0.len());
        let part = |version: &Self, at| version.0.get(at).copied().unwrap_or(0);
        (0..length)
            .map(|at| part(self, at).cmp(&part(other, at)))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

/// How the assistant's version stands to the one that the hall offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionState {
    /// It is the newest, or newer.
    Latest,
    /// A newer one is offered, and not installed.
    Outdated {
        /// The one that is offered.
        offered: Version,
    },
}

impl VersionState {
    /// Compares the versions.
    #[must_use]
    pub fn of(installed: &Version, offered: &Version) -> Self {
        if offered > installed { Self::Outdated { offered: offered.clone() } } else { Self::Latest }
    }

    /// The line on the right of the bar.
    #[must_use]
    pub fn text_zh(&self) -> String {
        match self {
            Self::Latest => "已是最新版本".to_owned(),
            Self::Outdated { offered } => format!("已有新版本:{offered}暂未更新"),
        }
    }
}

/// The line on the left of the bar: which key is connected.
///
/// # Errors
/// As every command; a key that is not there, one too many and one that another program holds are no errors here.
pub fn key_line_zh(known: &[impl std::borrow::Borrow<Device>]) -> Result<String, FlowError> {
    let device = match only_one(known) {
        Ok(device) => device.borrow(),
        Err(FlowError::Rule(Rule::NoKey)) => return Ok("电子钥匙 未连接".to_owned()),
        Err(FlowError::Rule(rule)) => return Ok(format!("电子钥匙 {}", rule.message_zh())),
        Err(FlowError::Key(error)) if error.is_busy() => {
            return Ok(format!("电子钥匙 {}", error.message_zh()));
        }
        Err(error) => return Err(error),
    };
    Ok(format!("电子钥匙 {} 已连接", Medium::from(device.info()?).model))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn versions_are_compared_by_number() {
        assert!(version("2.0.1911.101") > version("2.0.1911.99"));
        assert!(version("10.0") > version("9.9.9"));
        assert_eq!(version("2.0"), version("2"));
        assert_eq!(version("2.0.1911.101").to_string(), "2.0.1911.101");
        for text in ["", "2.", ".2", "2..0", "2.+1", "v2", "2.0 ", "2.4294967296"] {
            assert!(text.parse::<Version>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn only_a_newer_version_is_offered() {
        let installed = version("2.0.1911.100");
        let told = |offered: &str| VersionState::of(&installed, &version(offered)).text_zh();
        assert_eq!(told("2.0.1911.101"), "已有新版本:2.0.1911.101暂未更新");
        assert_eq!(told("2.0.1911.100"), "已是最新版本");
        assert_eq!(told("2.0.1910.500"), "已是最新版本");
    }
}
