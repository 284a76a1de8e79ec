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
    const MOST: u64 = 0x00FF_FFFF;

    /// SysTick with the processor's clock of so many MHz.
    #[must_use]
    pub fn new(mut systick: SYST, mhz: u32) -> Self {
        systick.set_clock_source(SystClkSource::Core);
        Self { systick, ticks_per_us: mhz }
    }
}

impl DelayNs for Clock {
    fn delay_ns(&mut self, ns: u32) {
        let mut ticks = (u64::from(ns) * u64::from(self.ticks_per_us)).div_ceil(1000);
        while ticks > 0 {
            let now = ticks.min(Self::MOST);
            ticks -= now;
            self.systick.set_reload(u32::try_from(now).unwrap_or(1));
            self.systick.clear_current();
            self.systick.enable_counter();
            while !self.systick.has_wrapped() {}
            self.systick.disable_counter();
        }
    }
}
