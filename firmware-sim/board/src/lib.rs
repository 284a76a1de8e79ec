//! The token as a Cortex-M image: wiring only.
//!
//! A board is a small file, `src/bin/BOARD.rs`, that names its UART, its flash and its clock; [`serve`] joins them into
//! a platform of the token and answers frames ([`ukey_apdu::frame`]) until the power goes.
//!
//! Refuses to know: what a command means.
//!
//! | module | subject |
//! |---|---|
//! | [`uart`] | bytes in and out: CMSDK UART, 16550 |
//! | [`flash`] | NOR flash as the token wants it: memory that keeps the rules, an SPI chip |
//! | [`clock`] | time, by SysTick |
//! | `image` | the image itself and its digest |
//! | `serve` | the frame loop |
//! | `measure` | what a command costs, in instructions and stack (feature `measure`) |
//! | `register` | the only place that touches addresses |
#![no_std]

pub mod clock;
pub mod flash;
mod image;
#[cfg(feature = "measure")]
mod measure;
mod number;
mod register;
mod serve;
pub mod uart;

pub use register::{Register, Window};
pub use serve::serve;

/// Begins anew, as after the loss of power: what the token must not survive (a defect, a fault, the host's wish).
pub fn restart() -> ! {
    cortex_m::peripheral::SCB::sys_reset()
}

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    restart()
}
