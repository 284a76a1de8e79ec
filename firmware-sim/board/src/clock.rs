//! Time, by SysTick.

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use embedded_hal::delay::DelayNs;

/// Lets time pass.
#[allow(missing_debug_implementations, reason = "hardware has no Debug")]
pub struct Clock {
    systick: SYST,
    ticks_per_us: u32,
}

impl Clock {
    /// Ticks that SysTick counts at once.
    pub(crate) const MOST: u32 = 0x00FF_FFFF;

    /// SysTick with the processor's clock of so many MHz.
    #[must_use]
    pub fn new(mut systick: SYST, mhz: u32) -> Self {
        systick.set_clock_source(SystClkSource::Core);
        Self { systick, ticks_per_us: mhz }
    }

    /// The counter, and how many nanoseconds a tick takes.
    #[cfg(feature = "measure")]
    pub(crate) fn into_counter(self) -> (SYST, u32) {
        (self.systick, 1000 / self.ticks_per_us)
    }
}

impl DelayNs for Clock {
    fn delay_ns(&mut self, ns: u32) {
        let mut ticks = (u64::from(ns) * u64::from(self.ticks_per_us)).div_ceil(1000);
        while ticks > 0 {
            let now = u32::try_from(ticks).map_or(Self::MOST, |ticks| ticks.min(Self::MOST));
            ticks -= u64::from(now);
            self.systick.set_reload(now);
            self.systick.clear_current();
            self.systick.enable_counter();
            while !self.systick.has_wrapped() {}
            self.systick.disable_counter();
        }
    }
}
