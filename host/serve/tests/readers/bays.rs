//! The readers, shared among the tests: each takes as many as it needs, and waits for them.

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::{Condvar, Mutex};

/// What is there, else a line that says what brings it.
///
/// # Panics
/// With `CI=true`.
#[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(crate) fn component<T>(found: Option<T>, what: &str) -> Option<T> {
    if found.is_none() {
        assert!(env::var("CI").as_deref() != Ok("true"), "{what} is missing");
        eprintln!("skipped: {what} is missing");
    }
    found
}

/// A program, ready for its arguments.
pub(crate) fn program(name: &str, package: &str) -> Option<Command> {
    let there = Command::new(name).arg("--version").output().is_ok();
    component(there.then(|| Command::new(name)), &format!("{name} (Debian: {package})"))
}

/// Which bays are taken.
static TAKEN: Mutex<[bool; 16]> = Mutex::new([false; 16]);
static FREED: Condvar = Condvar::new();

/// Some readers of one's own.
pub(crate) struct Bays {
    base: u16,
    bays: Vec<u16>,
}

impl Bays {
    /// Takes so many.
    pub(crate) fn take(count: usize) -> Option<Bays> {
        let base = env::var("UKEY_VPCD_BASE").ok().and_then(|base| base.parse().ok());
        let base = component(base, "smart card readers (.ci/with-readers; Debian: pcscd, vsmartcard-vpcd)")?;
        let free = |taken: &[bool; 16]| taken.iter().filter(|taken| !**taken).count();
        let mut taken = FREED.wait_while(TAKEN.lock().unwrap(), |taken| free(taken) < count).unwrap();
        let free = (0..16).filter(|bay| !taken[usize::from(*bay)]);
        let bays: Vec<u16> = free.take(count).collect();
        bays.iter().for_each(|bay| taken[usize::from(*bay)] = true);
        Some(Bays { base, bays })
    }

    /// Kills pcscd and starts it again with so many pairs of readers. For those who have all bays.
    pub(crate) fn restart(&self, pairs: usize) -> Option<()> {
        assert_eq!(self.bays.len(), 16);
        let program = component(env::var_os("UKEY_PCSCD_RESTART"), "a pcscd of our own (.ci/with-readers)")?;
        let output = Command::new(program).arg(pairs.to_string()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        Some(())
    }

    /// Where vpcd waits for the card of one.
    pub(crate) fn address(&self, number: usize) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.base + self.bays[number]).into()
    }

    /// Its name in PC/SC.
    pub(crate) fn name(&self, number: usize) -> String {
        let bay = self.bays[number];
        format!("UKey Bay {} 00 0{}", bay / 2, bay % 2)
    }
}

impl Drop for Bays {
    fn drop(&mut self) {
        // A failed test leaves the bays to the others.
        if let Ok(mut taken) = TAKEN.lock() {
            self.bays.iter().for_each(|bay| taken[usize::from(*bay)] = false);
        }
        FREED.notify_all();
    }
}
