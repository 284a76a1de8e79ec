//! The simulated token in this process: the firmware itself, on a simulated platform. This is the only file here that
//! names the firmware.
//!
//! A [`Simulator`] is the key in one's hand: it can be plugged in and pulled, its power can be cut at any flash
//! operation, and it may live in a file. Its links share the one token.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sm3::{Digest, Sm3};
use ukey_apdu::Dialect;
/// What the standards leave to the maker of a token.
pub use ukey_firmware::policy::{Policy, PolicyError, Value as PolicyValue};
/// Cuts the power of simulated tokens everywhere, and judges what is left.
pub use ukey_firmware::sim::sweep;
use ukey_firmware::sim::{Counts, SimFlash, SimPlatform, Tear};
use ukey_firmware::{Identity, MAX_ANSWER, Settings, Token};

use super::state::{BadState, Header, StateFile};
use super::{Hand, Link, LinkError, Place};
use crate::dialect::DialectChoice;
use crate::target::Options;

/// A simulated key. Clones are the same key.
#[derive(Clone)]
pub struct Simulator(Arc<Shared>);

struct Shared {
    key: Mutex<Key>,
    /// Rung when the key may be free for another link.
    freed: Condvar,
}

struct Key {
    settings: Settings,
    header: Header,
    file: Option<StateFile>,
    /// What the file holds: the flash after these operations.
    saved: Counts,
    body: Body,
    /// How often it got power: a link that saw less lost its token.
    power_ups: u64,
    /// Exchanges until it is pulled.
    unplug_after: Option<u64>,
    /// Links so far: the number of the latest.
    links: u64,
    /// The link that has the key for itself.
    holder: Option<u64>,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulator").field("header", &self.key().header).finish_non_exhaustive()
    }
}

impl Simulator {
    /// A factory-new key, plugged in; it ends with the last of its handles. It speaks [`Dialect::GM2012`] unless a
    /// dialect is chosen.
    ///
    /// # Errors
    /// [`LinkError::NoStart`] where the operating system has no randomness and no seed is given.
    pub fn fresh(options: &Options) -> Result<Simulator, LinkError> {
        Self::with_policy(options, Policy::default())
    }

    /// As [`Simulator::fresh`], with policies of its own, which stay with it.
    ///
    /// # Errors
    /// As [`Simulator::fresh`].
    pub fn with_policy(options: &Options, policy: Policy) -> Result<Simulator, LinkError> {
        Self::numbered(options, policy, None)
    }

    /// As [`Simulator::with_policy`], with a serial number of at most 32 bytes; without one, with one that follows from
    /// chance or the seed.
    ///
    /// # Errors
    /// As [`Simulator::fresh`].
    pub fn numbered(options: &Options, policy: Policy, number: Option<&str>) -> Result<Simulator, LinkError> {
        let seed = seed(options)?;
        let chosen = number.map_or_else(|| serial_number(&seed), str::to_owned);
        let identity = Identity::with_serial_number(&chosen);
        let header = Header {
            dialect: options.dialect.and_then(DialectChoice::dialect).unwrap_or_default(),
            serial_number: identity.serial_number.as_str().to_owned(),
            manufacturer: identity.manufacturer.as_str().to_owned(),
            issuer: identity.issuer.as_str().to_owned(),
            policy,
        };
        Self::plugged_in(header, None, SimPlatform::new(seed))
    }

    /// The key in a file, plugged in. The file is held until the last handle is gone.
    ///
    /// # Errors
    /// Those of [`StateFile::open`]; [`LinkError::Dialect`]; [`LinkError::NoStart`]. The file was not touched.
    pub fn open(path: &Path, options: &Options) -> Result<Simulator, LinkError> {
        let (file, flash) = StateFile::open(path)?;
        let header = file.header().clone();
        let asked = options.dialect.and_then(DialectChoice::dialect);
        if let Some(asked) = asked.filter(|asked| *asked != header.dialect) {
            return Err(LinkError::Dialect { speaks: header.dialect.name, asked: asked.name });
        }
        let platform = SimPlatform::with_image(seed_over(options, &flash)?, flash)
            .map_err(|_| LinkError::BadFile { path: path.to_owned(), problem: BadState::Header })?;
        Self::plugged_in(header, Some(file), platform)
    }

    fn plugged_in(
        header: Header,
        file: Option<StateFile>,
        platform: SimPlatform,
    ) -> Result<Simulator, LinkError> {
        let identity = Identity {
            manufacturer: header.manufacturer.as_str().try_into().unwrap_or_default(),
            issuer: header.issuer.as_str().try_into().unwrap_or_default(),
            serial_number: header.serial_number.as_str().try_into().unwrap_or_default(),
        };
        let mut key = Key {
            settings: Settings { dialect: header.dialect, policy: header.policy, identity },
            header,
            file,
            saved: platform.flash.counts(),
            body: Body::Off(Box::new(platform)),
            power_ups: 0,
            unplug_after: None,
            links: 0,
            holder: None,
        };
        key.plug_in()?;
        Ok(Simulator(Arc::new(Shared { key: Mutex::new(key), freed: Condvar::new() })))
    }

    /// A lock that a panic left is as good as any: the key changes only by whole exchanges.
    fn key(&self) -> MutexGuard<'_, Key> {
        self.0.key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its serial number.
    #[must_use]
    pub fn serial_number(&self) -> String {
        self.key().header.serial_number.clone()
    }

    /// Its policies.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.key().header.policy
    }

    /// Whether it is plugged in and has power.
    #[must_use]
    pub fn is_plugged_in(&self) -> bool {
        matches!(self.key().body, Body::On(_))
    }

    /// Pulls it: its links answer [`LinkError::Removed`] from now on.
    pub fn unplug(&self) {
        self.key().unplug();
        self.0.freed.notify_all();
    }

    /// Pulls it when so many more envelopes were answered (0: before the next).
    pub fn unplug_after(&self, exchanges: u64) {
        self.key().unplug_after = Some(exchanges);
    }

    /// Plugs it in; its links find it again by [`Link::reset`]. Nothing happens where it is plugged in already.
    ///
    /// # Errors
    /// [`LinkError::NoStart`] where the token refuses its flash; [`LinkError::Io`] where its file cannot be written.
    pub fn plug_in(&self) -> Result<(), LinkError> {
        self.key().plug_in()
    }

    /// Cuts its power inside the `n`-th flash operation from now (0 is the next). `seed` chooses which part of that
    /// operation happens; without one, nothing of it does. It counts as pulled then.
    pub fn cut_power_after(&self, n: u64, seed: Option<u64>) {
        if let Body::On(token) = &mut self.key().body {
            token.platform().flash.cut_power_after(n, seed.map_or(Tear::Clean, Tear::Torn));
        }
    }

    /// Flash operations so far: program operations and erased pages.
    #[must_use]
    pub fn flash_operations(&self) -> u64 {
        let counts = self.key().body.flash().counts();
        counts.writes + counts.erases
    }

    /// Writes the key as it is now into a file, which stays apart from it.
    ///
    /// # Errors
    /// Those of [`StateFile::create`].
    pub fn save_as(&self, path: &Path, replace: bool) -> Result<(), LinkError> {
        let mut key = self.key();
        let header = key.header.clone();
        StateFile::create(path, header, key.body.flash().image(), replace).map(drop)
    }

    /// Another key of the same content and serial number, plugged in and in no file, which goes its own way from here:
    /// for those who try out many ways from one beginning.
    ///
    /// # Errors
    /// [`LinkError::NoStart`] as for [`Simulator::fresh`], or where the token refuses its flash.
    pub fn twin(&self, options: &Options) -> Result<Simulator, LinkError> {
        let mut key = self.key();
        let platform = SimPlatform::with_image(seed(options)?, key.body.flash().image().to_vec())
            .map_err(|_| LinkError::NoStart { reason: "its flash has another size".to_owned() })?;
        Self::plugged_in(key.header.clone(), None, platform)
    }
}

/// The token with power, or what it runs on.
enum Body {
    On(Box<Token<SimPlatform>>),
    Off(Box<SimPlatform>),
    /// Only while power comes or goes.
    Changing,
}

impl Body {
    fn take(&mut self) -> Body {
        std::mem::replace(self, Body::Changing)
    }

    fn flash(&mut self) -> &SimFlash {
        match self {
            Body::On(token) => &token.platform().flash,
            Body::Off(platform) => &platform.flash,
            Body::Changing => unreachable!("nobody looks while power comes or goes"),
        }
    }
}

impl Key {
    /// Whether a link may use it.
    fn free_for(&self, link: u64) -> Result<(), LinkError> {
        match self.holder {
            Some(holder) if holder != link => {
                Err(LinkError::Busy { place: format!("UKey {}", self.header.serial_number), holder: None })
            }
            _ => Ok(()),
        }
    }

    fn unplug(&mut self) {
        self.unplug_after = None;
        self.holder = None;
        self.body = match self.body.take() {
            Body::On(token) => Body::Off(Box::new(token.power_off())),
            off => off,
        };
    }

    fn plug_in(&mut self) -> Result<(), LinkError> {
        let mut platform = match self.body.take() {
            Body::Off(platform) => platform,
            on => {
                self.body = on;
                return Ok(());
            }
        };
        platform.flash.restore_power();
        match Token::power_on(*platform, self.settings.clone()) {
            Ok(token) => {
                self.body = Body::On(Box::new(token));
                self.power_ups += 1;
                self.save()
            }
            Err((error, platform)) => {
                self.body = Body::Off(Box::new(platform));
                Err(LinkError::NoStart { reason: error.to_string() })
            }
        }
    }

    fn exchange(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        if self.unplug_after == Some(0) {
            self.unplug();
        }
        let Body::On(token) = &mut self.body else { return Err(LinkError::Removed) };
        let mut answer = [0; MAX_ANSWER];
        let length = token.exchange(command, &mut answer);
        // No answer leaves before the file holds what the command changed: a PIN try is spent before it is known.
        self.save()?;
        if !self.body.flash().has_power() {
            self.unplug();
            return Err(LinkError::Removed);
        }
        self.unplug_after = self.unplug_after.map(|left| left.saturating_sub(1));
        Ok(answer.get(..length).unwrap_or_default().to_vec())
    }

    fn save(&mut self) -> Result<(), LinkError> {
        let flash = self.body.flash();
        let counts = flash.counts();
        // An operation that a cut hit may have changed the flash without being counted.
        if counts != self.saved || !flash.has_power() {
            if let Some(file) = &mut self.file {
                file.save(flash.image())?;
            }
            self.saved = counts;
        }
        Ok(())
    }
}

impl Hand for Simulator {
    fn unplug(&self) {
        Simulator::unplug(self);
    }

    fn unplug_after(&self, exchanges: u64) {
        Simulator::unplug_after(self, exchanges);
    }

    fn plug_in(&self) -> Result<(), LinkError> {
        Simulator::plug_in(self)
    }
}

impl Place for Simulator {
    fn link(&self) -> Result<Box<dyn Link>, LinkError> {
        let mut key = self.key();
        key.links += 1;
        Ok(Box::new(SimLink { simulator: self.clone(), number: key.links, power_up: key.power_ups }))
    }
}

/// A link to a simulated key.
struct SimLink {
    simulator: Simulator,
    number: u64,
    power_up: u64,
}

impl SimLink {
    /// The key, where this link still sees it and nobody else holds it.
    fn free_key(&self) -> Result<MutexGuard<'_, Key>, LinkError> {
        let key = self.simulator.key();
        if key.power_ups != self.power_up || matches!(key.body, Body::Off(_)) {
            return Err(LinkError::Removed);
        }
        key.free_for(self.number)?;
        Ok(key)
    }
}

impl Link for SimLink {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let answer = self.free_key()?.exchange(command);
        if answer.is_err() {
            // It may have been pulled: nobody waits for it any longer.
            self.simulator.0.freed.notify_all();
        }
        answer
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        let mut key = self.simulator.key();
        if matches!(key.body, Body::Off(_)) {
            return Err(LinkError::Removed);
        }
        key.free_for(self.number)?;
        let pull = key.unplug_after;
        key.unplug();
        self.simulator.0.freed.notify_all();
        key.plug_in()?;
        key.unplug_after = pull;
        self.power_up = key.power_ups;
        Ok(())
    }

    fn lock(&mut self, wait: Duration) -> Result<(), LinkError> {
        let shared = &self.simulator.0;
        let taken = |key: &mut Key| key.power_ups == self.power_up && key.free_for(self.number).is_err();
        let waited = shared.freed.wait_timeout_while(self.simulator.key(), wait, taken);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        self.free_key()?.holder = Some(self.number);
        Ok(())
    }

    fn unlock(&mut self) -> Result<(), LinkError> {
        self.free_key()?.holder = None;
        self.simulator.0.freed.notify_all();
        Ok(())
    }

    fn dialect(&self) -> Option<Dialect> {
        Some(self.simulator.key().header.dialect)
    }

    fn hand(&self) -> Option<Arc<dyn Hand>> {
        Some(Arc::new(self.simulator.clone()))
    }

    fn simulator(&self) -> Option<Simulator> {
        Some(self.simulator.clone())
    }
}

/// A program that ends holds nothing any more.
impl Drop for SimLink {
    fn drop(&mut self) {
        let mut key = self.simulator.key();
        if key.holder == Some(self.number) {
            key.holder = None;
            self.simulator.0.freed.notify_all();
        }
    }
}

/// The seed of a run: from the given number, or from the operating system.
pub(super) fn seed(options: &Options) -> Result<[u8; 32], LinkError> {
    if let Some(number) = options.seed {
        return Ok(Sm3::new().chain_update(b"seed").chain_update(number.to_be_bytes()).finalize().into());
    }
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| LinkError::NoStart { reason: error.to_string() })?;
    Ok(seed)
}

/// The seed of a run with a token that was there before: the same number never gives the same challenges and nonces again
/// once the token has changed; from the same state it does.
pub(super) fn seed_over(options: &Options, flash: &[u8]) -> Result<[u8; 32], LinkError> {
    Ok(Sm3::new().chain_update(b"state").chain_update(seed(options)?).chain_update(flash).finalize().into())
}

/// A serial number of 16 hexadecimal digits that tells nothing about what else comes from the seed.
fn serial_number(seed: &[u8; 32]) -> String {
    let digest = Sm3::new().chain_update(b"serial number").chain_update(seed).finalize();
    hex::encode_upper(digest.get(..8).unwrap_or_default())
}
