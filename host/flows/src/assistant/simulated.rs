//! A computer whose faults are chosen: for scenarios, and for whoever tries the assistant out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::machine::{Browser, BrowserFault, BrowserKind, Files, Machine, MachineError, Part};
use super::status::Version;

/// How many files the driver has.
const DRIVER_FILES: usize = 12;
/// How many files each control has.
const CONTROL_FILES: usize = 24;

type Package = BTreeMap<String, Vec<u8>>;

/// A simulated computer. As it is made, everything is installed and nothing is wrong; whatever is not installed is
/// taken from the packages that came with it.
pub struct SimulatedMachine {
    /// 操作系统.
    pub system: String,
    /// The browser.
    pub browser: Option<Browser>,
    /// What is wrong with its settings.
    pub browser_faults: BTreeSet<BrowserFault>,
    /// How far the clock is ahead of the true time.
    pub ahead: SignedDuration,
    /// The program is run without the rights of an administrator: it changes nothing.
    pub no_rights: bool,
    time: Box<dyn Fn() -> Timestamp + Send + Sync>,
    packages: BTreeMap<Part, Package>,
    installed: BTreeMap<Part, Package>,
    /// Parts whose package is gone; what was in it is still known.
    lost: BTreeSet<Part>,
    assistant: Option<Version>,
}

impl fmt::Debug for SimulatedMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedMachine").field("system", &self.system).finish_non_exhaustive()
    }
}

impl SimulatedMachine {
    /// A computer where `time` is the true time, and this version of the assistant is installed.
    #[must_use]
    pub fn new(time: impl Fn() -> Timestamp + Send + Sync + 'static, assistant: Option<Version>) -> Self {
        let parts = [Part::Driver].into_iter().chain(Part::controls());
        let packages: BTreeMap<Part, Package> = parts.map(|part| (part, package(part))).collect();
        Self {
            system: "Windows 10 专业版 (64位)".to_owned(),
            browser: Some(Browser { kind: BrowserKind::Chrome, version: "120.0.6099.130".to_owned() }),
            browser_faults: BTreeSet::new(),
            ahead: SignedDuration::ZERO,
            no_rights: false,
            time: Box::new(time),
            installed: packages.clone(),
            packages,
            lost: BTreeSet::new(),
            assistant,
        }
    }

    /// Spoils this many files of a part, or as many as there are.
    pub fn damage(&mut self, part: Part, files: usize) {
        let installed = self.installed.entry(part).or_default();
        for content in installed.values_mut().take(files) {
            content.reverse();
        }
    }

    /// Takes a part away.
    pub fn remove(&mut self, part: Part) {
        self.installed.remove(&part);
    }

    /// Takes away the package that a part would be installed or repaired from.
    pub fn lose_package(&mut self, part: Part) {
        self.lost.insert(part);
    }

    fn change(&self) -> Result<(), MachineError> {
        if self.no_rights { Err(MachineError::NoRights) } else { Ok(()) }
    }
}

/// What is delivered of a part.
fn package(part: Part) -> Package {
    let (name, files) = match part {
        Part::Driver => ("driver".to_owned(), DRIVER_FILES),
        Part::Control(number) => (format!("control{number}"), CONTROL_FILES),
    };
    (1..=files).map(|file| (format!("{name}-{file:02}.dll"), format!("{name} {file}").into_bytes())).collect()
}

impl Machine for SimulatedMachine {
    fn system(&self) -> String {
        self.system.clone()
    }

    fn browser(&self) -> Option<Browser> {
        self.browser.clone()
    }

    fn browser_faults(&self) -> Vec<BrowserFault> {
        self.browser_faults.iter().copied().collect()
    }

    fn now(&self) -> Timestamp {
        let time = (self.time)();
        time.checked_add(self.ahead).unwrap_or(time)
    }

    fn files(&self, part: Part) -> Option<Files> {
        let delivered = self.packages.get(&part)?;
        let installed = self.installed.get(&part);
        let delivered = delivered.iter().map(|(name, content)| (name.as_str(), content.as_slice()));
        Some(Files::compare(delivered, |name| installed?.get(name).cloned()))
    }

    fn put(&mut self, part: Part) -> Result<(), MachineError> {
        self.change()?;
        let package = self.packages.get(&part).filter(|_| !self.lost.contains(&part));
        self.installed.insert(part, package.ok_or(MachineError::NoPackage)?.clone());
        Ok(())
    }

    fn set_clock(&mut self, now: Timestamp) -> Result<(), MachineError> {
        self.change()?;
        self.ahead = now.duration_since((self.time)());
        Ok(())
    }

    fn set_browser(&mut self) -> Result<(), MachineError> {
        self.change()?;
        self.browser_faults.clear();
        Ok(())
    }

    fn assistant(&self) -> Option<Version> {
        self.assistant.clone()
    }

    fn set_assistant(&mut self, version: Option<&Version>) -> Result<(), MachineError> {
        self.change()?;
        self.assistant = version.cloned();
        Ok(())
    }
}
