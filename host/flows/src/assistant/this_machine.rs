//! This computer. The key is reached without a driver and the hall without controls, so their files are looked after
//! only where a vendor's are installed, and then for real.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::machine::{Browser, BrowserFault, Files, Machine, MachineError, Part};
use super::status::Version;

/// This computer.
#[derive(Debug, Default)]
pub struct ThisMachine {
    parts: Vec<(Part, Installed)>,
}

/// Where a part was delivered, and where it is installed: the files of the one folder belong into the other.
#[derive(Debug)]
struct Installed {
    package: PathBuf,
    folder: PathBuf,
}

impl ThisMachine {
    /// Looks after a part too: the files of the folder `package` belong into `folder`.
    #[must_use]
    pub fn with(mut self, part: Part, package: &Path, folder: &Path) -> Self {
        let installed = Installed { package: package.to_owned(), folder: folder.to_owned() };
        self.parts.retain(|(known, _)| *known != part);
        self.parts.push((part, installed));
        self
    }

    fn part(&self, part: Part) -> Option<&Installed> {
        self.parts.iter().find(|(known, _)| *known == part).map(|(_, installed)| installed)
    }
}

impl Installed {
    /// The files of the package, by name.
    fn delivered(&self) -> Result<Vec<(String, Vec<u8>)>, MachineError> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.package).map_err(|_| MachineError::NoPackage)? {
            let entry = entry.map_err(refused)?;
            if entry.file_type().map_err(refused)?.is_file() {
                let name = entry.file_name().to_string_lossy().into_owned();
                files.push((name, fs::read(entry.path()).map_err(refused)?));
            }
        }
        files.sort();
        if files.is_empty() { Err(MachineError::NoPackage) } else { Ok(files) }
    }

    fn put(&self) -> Result<(), MachineError> {
        let delivered = self.delivered()?;
        fs::create_dir_all(&self.folder).map_err(refused)?;
        for (name, content) in delivered {
            let place = self.folder.join(&name);
            if fs::read(&place).ok().as_ref() != Some(&content) {
                fs::write(&place, content).map_err(refused)?;
            }
        }
        Ok(())
    }
}

fn refused(error: std::io::Error) -> MachineError {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => MachineError::NoRights,
        _ => MachineError::System(error.to_string()),
    }
}

impl Machine for ThisMachine {
    fn system(&self) -> String {
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
        let name = name.map_or(std::env::consts::OS, |name| name.trim_matches('"'));
        format!("{name} ({}位)", usize::BITS)
    }

    fn browser(&self) -> Option<Browser> {
        None
    }

    fn browser_faults(&self) -> Vec<BrowserFault> {
        Vec::new()
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn files(&self, part: Part) -> Option<Files> {
        let installed = self.part(part)?;
        let delivered = installed.delivered().unwrap_or_default();
        let delivered = delivered.iter().map(|(name, content)| (name.as_str(), content.as_slice()));
        Some(Files::compare(delivered, |name| fs::read(installed.folder.join(name)).ok()))
    }

    fn put(&mut self, part: Part) -> Result<(), MachineError> {
        self.part(part).ok_or(MachineError::NoPackage)?.put()
    }

    fn set_clock(&mut self, _now: Timestamp) -> Result<(), MachineError> {
        Err(MachineError::NoRights)
    }

    fn set_browser(&mut self) -> Result<(), MachineError> {
        Err(MachineError::ByHand)
    }

    fn assistant(&self) -> Option<Version> {
        env!("CARGO_PKG_VERSION").parse().ok()
    }

    fn set_assistant(&mut self, _version: Option<&Version>) -> Result<(), MachineError> {
        Err(MachineError::ByHand)
    }
}
