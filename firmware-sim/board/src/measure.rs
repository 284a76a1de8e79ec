//! What a piece of work costs: instructions and stack, counted in an emulator that gives each instruction the same time
//! (`-icount shift=0`: a nanosecond).
//!
//! Guarantees: the same work costs the same, to the last figure; a cost that SysTick cannot count is never a smaller
//! one, it is [`UNCOUNTED`]. The counter's exception is not used: interrupts are never taken here, and its frame would
//! stand on the stack that is measured.

use core::hint::black_box;

use cortex_m::peripheral::SYST;
use ukey_apdu::frame::Measured;

use crate::clock::Clock;
use crate::register::Stack;

/// The instructions of a work that took longer than the counter counts.
const UNCOUNTED: u64 = u64::MAX;

/// Counts what work costs.
#[allow(missing_debug_implementations, reason = "hardware has no Debug")]
pub(crate) struct Meter {
    systick: SYST,
    /// Instructions of one tick.
    per_tick: u64,
    /// Ticks that measuring nothing takes.
    overhead: u64,
    stack: Stack,
}

impl Meter {
    /// A meter with the clock's counter.
    pub(crate) fn new(clock: Clock) -> Self {
        let (systick, ns_per_tick) = clock.into_counter();
        let mut meter =
            Self { systick, per_tick: u64::from(ns_per_tick), overhead: 0, stack: Stack::whole() };
        meter.overhead = meter.ticks(|| black_box(())).0.unwrap_or(0);
        meter
    }

    /// Does the work, and says what it cost. The stack counts from its start, with everything that was on it already.
    pub(crate) fn cost<T>(&mut self, work: impl FnOnce() -> T) -> (Option<Measured>, T) {
        self.stack.paint();
        let (ticks, done) = self.ticks(work);
        let instructions =
            ticks.map_or(UNCOUNTED, |ticks| ticks.saturating_sub(self.overhead) * self.per_tick);
        (Some(Measured { instructions, peak_stack: self.stack.peak() }), done)
    }

    /// Ticks of the work; `None` where there are more than the counter has.
    fn ticks<T>(&mut self, work: impl FnOnce() -> T) -> (Option<u64>, T) {
        self.systick.set_reload(Clock::MOST);
        self.systick.clear_current();
        self.systick.enable_counter();
        // The first tick loads it.
        while SYST::get_current() == 0 {}
        let done = work();
        let left = SYST::get_current();
        let wrapped = self.systick.has_wrapped();
        self.systick.disable_counter();
        let ticks = Clock::MOST.checked_sub(left).filter(|_| !wrapped);
        (ticks.map(u64::from), done)
    }
}

/// Waiting is no work.
pub(crate) struct NoDelay;

impl embedded_hal::delay::DelayNs for NoDelay {
    fn delay_ns(&mut self, _: u32) {}
}
