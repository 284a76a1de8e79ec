//! Aspeed AST1030 evaluation board, as QEMU has it: 16550 UART; an SPI NOR chip behind the flash controller.
//!
//! ```text
//! qemu-system-arm -M ast1030-evb -drive file=FILE,if=mtd,format=raw
//! ```
#![no_std]
#![no_main]

use core::convert::Infallible;

use cortex_m_rt::{ExceptionFrame, entry, exception};
use embedded_hal::digital::{ErrorType, OutputPin};
use ukey_board::clock::Clock;
use ukey_board::flash::Spi;
use ukey_board::uart::Ns16550;
use ukey_board::{Register, Window, restart, serve};

/// The board has no LED.
struct NoLed;

impl ErrorType for NoLed {
    type Error = Infallible;
}

impl OutputPin for NoLed {
    fn set_low(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[entry]
fn main() -> ! {
    let Some(core) = cortex_m::Peripherals::take() else { restart() };
    // SAFETY: UART 5, the flash controller and the window of its first chip; nothing else uses them.
    let (uart, controller, window) = unsafe {
        (Register::at(0x7E78_4000), Register::at(0x7E62_0000), Window::at(0x8000_0000, 4 * 1024 * 1024))
    };
    serve(Ns16550::new(uart, 8), Spi::new(controller, window), NoLed, Clock::new(core.SYST, 200))
}

#[exception]
unsafe fn HardFault(_: &ExceptionFrame) -> ! {
    restart()
}
