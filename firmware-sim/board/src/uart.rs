//! Bytes in and out. The processor sleeps until a byte comes.

use crate::register::{Line, Register};

/// A serial port.
pub trait Uart {
    /// The next byte, however long it takes to come.
    fn read(&mut self) -> u8;

    /// Sends a byte.
    fn write(&mut self, byte: u8);
}

/// The UART of ARM's Cortex-M System Design Kit.
#[derive(Debug)]
pub struct Cmsdk {
    data: Register,
    state: Register,
    interrupt: Register,
    line: Line,
}

impl Cmsdk {
    const TRANSMIT_FULL: u32 = 1;
    const RECEIVE_FULL: u32 = 2;

    /// The UART whose registers begin here, and whose interrupt for received bytes has this line.
    #[must_use]
    pub fn new(base: Register, line: u8) -> Self {
        let (control, divider) = (base.offset(0x08), base.offset(0x10));
        // The least that it takes: as fast as it gets.
        divider.write(16);
        // Transmit, receive, interrupt for received bytes.
        control.write(0b1011);
        let line = Line::enable(line);
        Self { data: base, state: base.offset(0x04), interrupt: base.offset(0x0C), line }
    }
}

impl Uart for Cmsdk {
    fn read(&mut self) -> u8 {
        loop {
            // Cleared before looking: what comes after the look rings again.
            self.interrupt.write(Self::RECEIVE_FULL);
            self.line.clear();
            if self.state.read() & Self::RECEIVE_FULL != 0 {
                return low_byte(self.data.read());
            }
            cortex_m::asm::wfi();
        }
    }

    fn write(&mut self, byte: u8) {
        while self.state.read() & Self::TRANSMIT_FULL != 0 {}
        self.data.write(u32::from(byte));
    }
}

/// A 16550 with a register every 4 bytes.
#[derive(Debug)]
pub struct Ns16550 {
    data: Register,
    line_status: Register,
    line: Line,
}

impl Ns16550 {
    const DATA_READY: u32 = 1;
    const TRANSMIT_EMPTY: u32 = 1 << 5;

    /// The UART whose registers begin here, and whose interrupt has this line.
    #[must_use]
    pub fn new(base: Register, line: u8) -> Self {
        let (enable, fifo, control) = (base.offset(0x04), base.offset(0x08), base.offset(0x0C));
        // Divisor 1: as fast as it gets. Eight bits, no parity.
        control.write(0x83);
        base.write(1);
        enable.write(0);
        control.write(0x03);
        fifo.write(0x07);
        // Interrupt for received bytes.
        enable.write(1);
        let line = Line::enable(line);
        Self { data: base, line_status: base.offset(0x14), line }
    }
}

impl Uart for Ns16550 {
    fn read(&mut self) -> u8 {
        loop {
            // The line is held while there is a byte: it cannot be missed.
            self.line.clear();
            if self.line_status.read() & Self::DATA_READY != 0 {
                return low_byte(self.data.read());
            }
            cortex_m::asm::wfi();
        }
    }

    fn write(&mut self, byte: u8) {
        while self.line_status.read() & Self::TRANSMIT_EMPTY == 0 {}
        self.data.write(u32::from(byte));
    }
}

fn low_byte(word: u32) -> u8 {
    let [byte, ..] = word.to_le_bytes();
    byte
}
