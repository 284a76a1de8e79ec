//! The doors of the token, and one command's way from envelope to answer.

use core::mem::MaybeUninit;

use embedded_hal::digital::OutputPin;
use ukey_apdu::chain::{Blocks, Joined, Joiner};
use ukey_apdu::envelope::Apdu;
use ukey_apdu::ins::Ins;
use ukey_apdu::status::Status;
use ukey_apdu::wire::Writer;
use zeroize::Zeroize;

use crate::agreement::Agreements;
use crate::chance::{Chance, Health};
use crate::digest::DigestState;
use crate::gate::Session;
use crate::object::{AppSlot, ObjectId};
use crate::platform::{Parts, Platform};
use crate::route::route;
use crate::self_test::{self, CheckedPairs, Fault, STOPPED};
use crate::session_key::SessionKeys;
use crate::settings::Settings;
use crate::store::{Store, StoreError, Wear};

/// Most bytes of one answer: a block and the status word.
pub const MAX_ANSWER: usize = 2050;

/// Most bytes of a command's joined data.
pub(crate) const MAX_JOINED: usize = 4096;

/// Most bytes of a whole answer: a certificate with its length.
pub(crate) const MAX_WHOLE_ANSWER: usize = 4096;

/// Why a token does not come up. A foreign flash, or one of another version, was not touched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PowerOnError {
    /// The flash holds something that is not a token's state.
    Foreign,
    /// The state is of another version of the on-flash format.
    Version(u16),
    /// The state is damaged.
    Damaged,
    /// The flash is too small.
    TooSmall,
    /// The flash does not answer.
    Flash,
}

impl core::fmt::Display for PowerOnError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            PowerOnError::Foreign => f.write_str("the flash holds something that is not a token's state"),
            PowerOnError::Version(version) => write!(f, "the flash holds version {version} of the format"),
            PowerOnError::Damaged => f.write_str("the token's state is damaged"),
            PowerOnError::TooSmall => f.write_str("the flash is too small for a token"),
            PowerOnError::Flash => f.write_str("the flash does not answer"),
        }
    }
}

impl core::error::Error for PowerOnError {}

impl From<StoreError> for PowerOnError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Foreign => PowerOnError::Foreign,
            StoreError::Version(version) => PowerOnError::Version(version),
            StoreError::Damaged => PowerOnError::Damaged,
            StoreError::Full => PowerOnError::TooSmall,
            StoreError::Flash => PowerOnError::Flash,
        }
    }
}

/// Where a token stands in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LifeCycle {
    /// It has no application.
    Factory,
    /// It has one or more. Deleting the last returns it to the factory phase.
    Issued,
}

/// What the handlers work on: everything but the buffers of the door.
#[cfg_attr(feature = "sim", derive(Clone))]
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) settings: Settings,
    pub(crate) store: Store,
    pub(crate) session: Session,
    pub(crate) session_keys: SessionKeys,
    pub(crate) digest: DigestState,
    pub(crate) agreements: Agreements,
    pub(crate) checked_pairs: CheckedPairs,
    /// Why it has stopped, if it has; or chance has failed.
    pub(crate) fault: Option<Fault>,
}

impl Core {
    pub(crate) fn life_cycle(&self) -> LifeCycle {
        let any = AppSlot::all().any(|slot| self.store.contains(ObjectId::application(slot)));
        if any { LifeCycle::Issued } else { LifeCycle::Factory }
    }

    /// Stops the token, and says what it answers from now on.
    pub(crate) fn stop(&mut self, fault: Fault) -> Status {
        self.fault = Some(fault);
        STOPPED
    }
}

/// A handler's view: the core and the hardware under it.
pub(crate) struct Run<'t, P: Platform> {
    pub(crate) core: &'t mut Core,
    pub(crate) parts: Own<'t, P>,
    pub(crate) chance: Chance<'t, P::Rng>,
}

/// The parts of the platform that handlers use as they are.
pub(crate) struct Own<'t, P: Platform> {
    pub(crate) flash: &'t mut P::Flash,
    pub(crate) delay: &'t mut P::Delay,
}

/// A token with power. A simulated one can be copied, with all that it has open, for those who try out many ways from one
/// beginning.
#[cfg_attr(feature = "sim", derive(Clone))]
#[allow(missing_debug_implementations, reason = "hardware has no Debug")]
pub struct Token<P: Platform> {
    platform: P,
    core: Core,
    health: Health,
    joiner: Joiner<MAX_JOINED>,
    blocks: Blocks,
    answer: WholeAnswer,
}

/// The answer that is given out, in one block or several; it may hold what a session key decrypted.
#[cfg_attr(feature = "sim", derive(Clone))]
struct WholeAnswer {
    bytes: [u8; MAX_WHOLE_ANSWER],
    length: usize,
}

impl WholeAnswer {
    fn written(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn wipe(&mut self) {
        self.bytes.get_mut(..self.length).unwrap_or_default().zeroize();
        self.length = 0;
    }
}

impl<P: Platform> Token<P> {
    /// Gives the token power. A blank flash is formatted; what a power cut left open is finished.
    ///
    /// # Errors
    /// See [`PowerOnError`]; the platform is given back.
    pub fn power_on(platform: P, settings: Settings) -> Result<Self, (PowerOnError, P)> {
        let mut token = Self::without_power(platform, settings);
        match token.start() {
            Ok(()) => Ok(token),
            Err(error) => Err((error.into(), token.platform)),
        }
    }

    /// As [`Token::power_on`], in a place of the caller's: for memories that have no room for two tokens.
    ///
    /// # Errors
    /// See [`PowerOnError`]; the platform stays in the place.
    pub fn power_on_in(
        place: &mut MaybeUninit<Self>,
        platform: P,
        settings: Settings,
    ) -> Result<&mut Self, PowerOnError> {
        let token = Self::put(place, platform, settings);
        token.start()?;
        Ok(token)
    }

    /// Never inlined, as [`Token::start`].
    #[inline(never)]
    fn put(place: &mut MaybeUninit<Self>, platform: P, settings: Settings) -> &mut Self {
        place.write(Self::without_power(platform, settings))
    }

    #[inline(always)]
    fn without_power(platform: P, settings: Settings) -> Self {
        Self {
            platform,
            core: Core {
                session_keys: SessionKeys::new(settings.policy.session_keys),
                settings,
                store: Store::new(),
                session: Session::default(),
                digest: DigestState::default(),
                agreements: Agreements::default(),
                checked_pairs: CheckedPairs::default(),
                fault: None,
            },
            health: Health::new(8),
            joiner: Joiner::default(),
            blocks: Blocks::default(),
            answer: WholeAnswer { bytes: [0; MAX_WHOLE_ANSWER], length: 0 },
        }
    }

    /// Never inlined: what it has on the stack would stay on it.
    #[inline(never)]
    fn start(&mut self) -> Result<(), StoreError> {
        let Core { store, .. } = &mut self.core;
        let parts = self.platform.parts();
        store.power_on(parts.flash)?;
        if store.is_new() {
            crate::device::initialise(store, parts.flash)?;
        }
        // A token that lost its own records must not fall back to the factory's well-known key.
        if !store.contains(ObjectId::DEVICE) || !store.contains(ObjectId::DEVICE_KEY) {
            return Err(StoreError::Damaged);
        }
        self.core.fault = self.test().err();
        Ok(())
    }

    fn test(&mut self) -> Result<(), Fault> {
        if let Some(firmware) = self.platform.firmware() {
            self_test::firmware(&firmware)?;
        }
        let Core { settings, store, .. } = &self.core;
        let parts = self.platform.parts();
        if settings.policy.self_test.algorithms {
            self_test::algorithms()?;
        }
        Chance::new(parts.rng, &mut self.health).start_up().map_err(Fault::Chance)?;
        if settings.policy.self_test.records && store.is_intact(parts.flash) != Ok(true) {
            return Err(Fault::Record);
        }
        Ok(())
    }

    /// Why the token has stopped, if it has: all but GetDevInfo is answered with `6400`, until the power goes and comes.
    pub fn fault(&self) -> Option<Fault> {
        self.core.fault.or(self.health.failure().map(Fault::Chance))
    }

    /// Carries out one command envelope. Writes answer data and status word to the front of `answer` and says how many
    /// bytes that is: at least 2.
    pub fn exchange(&mut self, command: &[u8], answer: &mut [u8; MAX_ANSWER]) -> usize {
        // An LED that fails is no reason to refuse service.
        let _ = self.platform.parts().led.set_high();
        let (data, status) = match self.carry_out(command) {
            Ok(part) => part,
            Err(status) => (&[][..], status),
        };
        let word = status.to_bytes();
        let content = data.iter().chain(&word).copied();
        let mut length = 0;
        for (cell, byte) in answer.iter_mut().zip(content) {
            *cell = byte;
            length += 1;
        }
        if !self.blocks.is_under_way() {
            self.answer.wipe();
        }
        let _ = self.platform.parts().led.set_low();
        length
    }

    fn carry_out(&mut self, command: &[u8]) -> Result<(&[u8], Status), Status> {
        let stopped = self.fault().is_some();
        let served = |block: &Apdu<'_>| match Ins::from_byte(block.ins) {
            ins if stopped && ins != Some(Ins::GetDevInfo) => Err(STOPPED),
            ins => ins.map(drop).ok_or(Status::UNKNOWN_INS),
        };
        let block = Apdu::parse(command).and_then(|block| served(&block).map(|()| block));
        let block = block.inspect_err(|_| self.joiner.reset());
        // Whatever is no block of a repetition ends the answer that is given out.
        let joined = block.and_then(|block| self.joiner.push(block)).inspect_err(|_| self.blocks.reset())?;
        let Joined::Whole(apdu) = joined else {
            return Ok((&[], Status::OK));
        };
        let done = if self.blocks.is_repetition(&apdu) {
            Ok(())
        } else {
            self.answer.wipe();
            let dialect = self.core.settings.dialect;
            let mut writer = Writer::new(&mut self.answer.bytes, &dialect);
            let Parts { flash, rng, delay, .. } = self.platform.parts();
            let mut run: Run<'_, P> = Run {
                core: &mut self.core,
                parts: Own { flash, delay },
                chance: Chance::new(rng, &mut self.health),
            };
            let done = route(&mut run, &apdu, &dialect, &mut writer);
            self.answer.length = writer.len();
            done
        };
        let whole = self.answer.written();
        let limit = usize::from(self.core.settings.policy.block).min(MAX_ANSWER - 2);
        let part = done.map(|()| self.blocks.next(&apdu, whole, limit)).inspect_err(|_| self.blocks.reset());
        self.joiner.wipe();
        part
    }

    /// Where the token stands in its life.
    pub fn life_cycle(&self) -> LifeCycle {
        self.core.life_cycle()
    }

    /// How much its flash has been used up.
    pub fn wear(&self) -> Wear {
        self.core.store.wear()
    }

    /// The platform, while the token has power.
    pub fn platform(&mut self) -> &mut P {
        &mut self.platform
    }

    /// Takes the power away and gives the platform back.
    pub fn power_off(self) -> P {
        self.platform
    }
}
