//! `skf:LIBRARY.so#DEVICE`: our own library, as a maker's.

use ukey_device::{Device, Options, Result, Target};

use super::{Second, Skipped, Way};
use crate::common::{behind_library, library};

/// A factory-new token behind `libukey_skf.so`.
pub(crate) fn library_of_ours() -> Result<Box<dyn Way>, Skipped> {
    if library().is_none() {
        return Err("no libukey_skf.so beside this test: cargo build -p ukey-skf".into());
    }
    Ok(Box::new(Behind(behind_library())))
}

struct Behind(Target);

impl Way for Behind {
    fn connect(&self) -> Result<Device> {
        self.0.connect(&Options::default())
    }

    fn second(&self) -> Second {
        Second::LetIn
    }

    fn restart(&self) -> Result<(), Skipped> {
        Err("the library is in its client's process".into())
    }
}
