//! `sim`, `sim:FILE`: the token in the client's own process.

use std::path::PathBuf;

use tempfile::TempDir;
use ukey_device::{Device, Options, Result, Simulator, Target};

use super::{Second, Skipped, Way};
use crate::common::seeded;

/// A factory-new token.
pub(crate) fn fresh() -> Result<Box<dyn Way>, Skipped> {
    Ok(Box::new(Fresh(Simulator::fresh(&seeded(1)).unwrap())))
}

struct Fresh(Simulator);

impl Way for Fresh {
    fn connect(&self) -> Result<Device> {
        Device::connect(&self.0)
    }

    fn second(&self) -> Second {
        Second::LetIn
    }

    fn restart(&self) -> Result<(), Skipped> {
        Err("the token is in its client's process".into())
    }
}

/// A factory-new token in a file.
pub(crate) fn in_a_file() -> Result<Box<dyn Way>, Skipped> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.ukey");
    Simulator::fresh(&seeded(1)).unwrap().save_as(&file, false).unwrap();
    Ok(Box::new(InAFile { _folder: folder, file }))
}

struct InAFile {
    _folder: TempDir,
    file: PathBuf,
}

impl Way for InAFile {
    fn connect(&self) -> Result<Device> {
        Target::SimFile(self.file.clone()).connect(&Options::default())
    }

    fn second(&self) -> Second {
        Second::Refused
    }

    fn restart(&self) -> Result<(), Skipped> {
        Err("the token is in its client's process".into())
    }
}
