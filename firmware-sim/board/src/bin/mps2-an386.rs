//! ARM MPS2 with a Cortex-M4F (AN386), as QEMU has it: CMSDK UART; 16 MiB of PSRAM as NOR flash.
//!
//! ```text
//! qemu-system-arm -M mps2-an386,memory-backend=ram -object memory-backend-file,id=ram,size=16M,mem-path=FILE,share=on
//! ```
#![no_std]
#![no_main]

use core::convert::Infallible;

use cortex_m_rt::{ExceptionFrame, entry, exception};
use embedded_hal::digital::{ErrorType, OutputPin};
use ukey_board::clock::Clock;
use ukey_board::flash::Memory;
use ukey_board::uart::Cmsdk;
use ukey_board::{Register, Window, restart, serve};

/// The first LED of the board, in the register of the FPGA.
struct Led(Register);

impl ErrorType for Led {
    type Error = Infallible;
}

impl OutputPin for Led {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.0.write(0);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.0.write(1);
        Ok(())
    }
}

#[entry]
fn main() -> ! {
    let Some(core) = cortex_m::Peripherals::take() else { restart() };
    // SAFETY: UART 0, the LEDs and the PSRAM of AN386; the PSRAM is used for nothing else.
    let (uart, led, psram) = unsafe {
        (Register::at(0x4000_4000), Register::at(0x4002_8000), Window::at(0x2100_0000, 16 * 1024 * 1024))
    };
    serve(Cmsdk::new(uart, 0), Memory(psram), Led(led), Clock::new(core.SYST, 25))
}

#[exception]
unsafe fn HardFault(_: &ExceptionFrame) -> ! {
    restart()
}
