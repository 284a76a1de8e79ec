//! `pcsc:READER`: a token in the last of the readers of `.ci/with-readers`. Without readers it is skipped with a word on
//! what brings them; with `CI=true` it fails.

use std::env;
use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ukey_device::link::pcsc::wait_for_card;
use ukey_device::{Device, Hand, Options, Result, Simulator, Target};
use ukey_serve::Key;
use ukey_serve::vpcd::Reader;

use super::{Second, Skipped, Way};
use crate::common::seeded;

const READER: &str = "UKey Bay 7 00 01";
/// Long enough that only a fault lets it pass.
const LIMIT: Duration = Duration::from_secs(60);

/// A factory-new token in a reader.
pub(crate) fn in_a_reader() -> Result<Box<dyn Way>, Skipped> {
    let Ok(base) = env::var("UKEY_VPCD_BASE") else {
        let bring = "smart card readers are missing (.ci/with-readers; Debian: pcscd, vsmartcard-vpcd)";
        assert!(env::var("CI").as_deref() != Ok("true"), "{bring}");
        return Err(bring.into());
    };
    let key = Key::new(Simulator::fresh(&seeded(1)).unwrap());
    let reader = Reader::new(&key, (Ipv4Addr::LOCALHOST, base.parse::<u16>().unwrap() + 15).into());
    let thread = thread::spawn(move || reader.run().unwrap());
    wait_for_card(READER, true, LIMIT).unwrap();
    Ok(Box::new(InAReader { key, thread: Some(thread) }))
}

struct InAReader {
    key: Key,
    thread: Option<JoinHandle<()>>,
}

impl Drop for InAReader {
    fn drop(&mut self) {
        self.key.stop();
        // A failed check has told why already.
        let _ = self.thread.take().map(JoinHandle::join);
        let _ = wait_for_card(READER, false, LIMIT);
    }
}

impl Way for InAReader {
    fn connect(&self) -> Result<Device> {
        Target::Pcsc { reader: READER.to_owned() }.connect(&Options::default())
    }

    fn hand(&self, _: &Device) -> Arc<dyn Hand> {
        Arc::new(self.key.clone())
    }

    fn second(&self) -> Second {
        Second::LetIn
    }

    /// PC/SC does not tell.
    fn holder(&self) -> Option<String> {
        None
    }

    fn restart(&self) -> Result<(), Skipped> {
        let Some(program) = env::var_os("UKEY_PCSCD_RESTART") else {
            return Err("this pcscd is not ours (.ci/with-readers)".into());
        };
        assert!(Command::new(program).status().unwrap().success());
        Ok(())
    }
}
