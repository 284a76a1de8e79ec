//! The computer, as the assistant sees it: what can be looked at, and what can be put right.

use std::fmt;

use jiff::Timestamp;

use super::status::Version;

/// A computer on which the assistant runs.
pub trait Machine {
    /// 操作系统: name, version, width.
    fn system(&self) -> String;

    /// The browser that opens the hall's pages; `None` where the assistant cannot know.
    fn browser(&self) -> Option<Browser>;

    /// What in the browser's settings keeps the hall's pages from working.
    fn browser_faults(&self) -> Vec<BrowserFault>;

    /// 本地时间: the computer's clock.
    fn now(&self) -> Timestamp;

    /// The files of a part; `None` where this computer needs none of it.
    fn files(&self, part: Part) -> Option<Files>;

    /// Installs a part, or repairs it: all its files are as they were delivered.
    ///
    /// # Errors
    /// Why not; nothing is promised about the files then.
    fn put(&mut self, part: Part) -> Result<(), MachineError>;

    /// Sets the clock.
    ///
    /// # Errors
    /// Why not.
    fn set_clock(&mut self, now: Timestamp) -> Result<(), MachineError>;

    /// Puts the browser's settings right.
    ///
    /// # Errors
    /// Why not.
    fn set_browser(&mut self) -> Result<(), MachineError>;

    /// The version of the assistant that is installed.
    fn assistant(&self) -> Option<Version>;

    /// Removes the assistant, or installs this version of it.
    ///
    /// # Errors
    /// Why not.
    fn set_assistant(&mut self, version: Option<&Version>) -> Result<(), MachineError>;
}

/// A browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Browser {
    /// Its kind.
    pub kind: BrowserKind,
    /// Its version.
    pub version: String,
}

/// A kind of browser: which one works differs from hall to hall (AMB-13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BrowserKind {
    /// IE.
    InternetExplorer,
    /// Chrome, and what is built like it.
    Chrome,
}

impl fmt::Display for BrowserKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BrowserKind::InternetExplorer => "IE",
            BrowserKind::Chrome => "Chrome",
        })
    }
}

/// A setting of the browser that stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum BrowserFault {
    /// Controls may not run: the page asks for their installation again and again.
    ControlsBlocked,
    /// Pages that open by themselves, such as the payment page, are blocked.
    PopupsBlocked,
    /// The hall is no trusted site.
    HallNotTrusted,
}

impl BrowserFault {
    /// The fault, and what to do about it.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            BrowserFault::ControlsBlocked => "禁止运行控件，请设为允许",
            BrowserFault::PopupsBlocked => "拦截弹出窗口，请设为允许",
            BrowserFault::HallNotTrusted => "服务厅不在受信任的站点中，请添加",
        }
    }
}

/// A part of what has to be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The key's driver (L-08).
    Driver,
    /// One of the controls, from 1 to [`Part::CONTROLS`] (N-16).
    Control(u8),
}

impl Part {
    /// How many controls there are (N-16).
    pub const CONTROLS: u8 = 4;

    /// The controls, in the order in which they are installed.
    pub fn controls() -> impl Iterator<Item = Part> {
        (1..=Self::CONTROLS).map(Part::Control)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Driver => f.write_str("驱动"),
            Part::Control(number) => write!(f, "第{number}个控件"),
        }
    }
}

/// The files of a part: how many there are, and which are not as they were delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// All files of the part.
    pub count: usize,
    /// Names of those that are missing.
    pub missing: Vec<String>,
    /// Names of those that differ.
    pub damaged: Vec<String>,
}

impl Files {
    /// Compares delivered files with what is in their places.
    pub fn compare<'a>(
        delivered: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        found: impl Fn(&str) -> Option<Vec<u8>>,
    ) -> Self {
        let mut files = Self::default();
        for (name, content) in delivered {
            files.count += 1;
            match found(name) {
                None => files.missing.push(name.to_owned()),
                Some(other) if other != content => files.damaged.push(name.to_owned()),
                Some(_) => {}
            }
        }
        files
    }

    /// Files to repair.
    #[must_use]
    pub fn to_repair(&self) -> usize {
        self.missing.len() + self.damaged.len()
    }

    /// Whether there is something of the part at all.
    #[must_use]
    pub fn is_installed(&self) -> bool {
        self.missing.len() < self.count
    }
}

/// Why the computer was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MachineError {
    /// It takes more rights than the assistant has.
    #[error("this takes the rights of an administrator")]
    NoRights,
    /// What was delivered is not at hand.
    #[error("the installation package is not there")]
    NoPackage,
    /// Only a person can do it.
    #[error("this has to be done by hand")]
    ByHand,
    /// The operating system refused.
    #[error("the system refused: {0}")]
    System(String),
}

impl MachineError {
    /// The reason in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            MachineError::NoRights => "需要管理员权限".to_owned(),
            MachineError::NoPackage => "没有安装包，请到“服务支持”下载后重新安装".to_owned(),
            MachineError::ByHand => "请手动处理".to_owned(),
            MachineError::System(reason) => format!("系统拒绝：{reason}"),
        }
    }
}
