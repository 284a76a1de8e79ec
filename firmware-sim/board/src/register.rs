//! Addresses of the hardware. Everything unsafe about them is here.

use core::ptr;

/// A register of 32 bits.
#[derive(Clone, Copy, Debug)]
pub struct Register(*mut u32);

impl Register {
    /// The register at an address.
    ///
    /// # Safety
    /// There is one, for as long as this value is used, and reading and writing it harms no memory.
    #[must_use]
    pub const unsafe fn at(address: usize) -> Self {
        Self(address as *mut u32)
    }

    /// The one that stands so many bytes behind.
    #[must_use]
    pub(crate) const fn offset(self, bytes: usize) -> Self {
        Self(self.0.wrapping_byte_add(bytes))
    }

    /// Its value.
    #[must_use]
    pub fn read(self) -> u32 {
        // SAFETY: whoever made this vouched for the address.
        unsafe { ptr::read_volatile(self.0) }
    }

    /// Sets it.
    pub fn write(self, value: u32) {
        // SAFETY: as above.
        unsafe { ptr::write_volatile(self.0, value) }
    }

    /// Changes it.
    pub(crate) fn modify(self, change: impl FnOnce(u32) -> u32) {
        self.write(change(self.read()));
    }
}

/// A window of bytes.
#[derive(Debug)]
pub struct Window {
    start: *mut u8,
    length: usize,
}

impl Window {
    /// The window at an address.
    ///
    /// # Safety
    /// It is there, nothing else uses it, and no memory of the program lies in it.
    #[must_use]
    pub const unsafe fn at(address: usize, length: usize) -> Self {
        Self { start: address as *mut u8, length }
    }

    /// Reads a byte; behind the end there is `FF`.
    pub(crate) fn read(&self, offset: usize) -> u8 {
        if offset >= self.length {
            return 0xFF;
        }
        // SAFETY: whoever made this vouched for the window, and the offset is in it.
        unsafe { ptr::read_volatile(self.start.wrapping_add(offset)) }
    }

    /// Writes a byte; behind the end nothing happens.
    pub(crate) fn write(&mut self, offset: usize, byte: u8) {
        if offset < self.length {
            // SAFETY: as above.
            unsafe { ptr::write_volatile(self.start.wrapping_add(offset), byte) }
        }
    }
}

/// Interrupt lines, used to wake up only: none is ever taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line(u8);

impl Line {
    /// Lets this line wake the processor.
    pub(crate) fn enable(number: u8) -> Self {
        cortex_m::interrupt::disable();
        let line = Self(number);
        line.set(0xE000_E100);
        line
    }

    /// Forgets that it rang; a line that is still held stays pending.
    pub(crate) fn clear(self) {
        self.set(0xE000_E280);
    }

    fn set(self, base: usize) {
        // SAFETY: registers of the NVIC, which every Cortex-M4 has; interrupts are masked.
        let registers = unsafe { Register::at(base) };
        registers.offset(usize::from(self.0 / 32) * 4).write(1 << (self.0 % 32));
    }
}

/// The stack of the program, looked at from outside.
#[cfg(feature = "measure")]
#[derive(Debug)]
pub(crate) struct Stack {
    /// The lowest address.
    end: *mut u32,
    /// Behind the highest address: it grows down from here.
    start: *mut u32,
}

#[cfg(feature = "measure")]
impl Stack {
    /// What stands where nothing was written since.
    const PAINT: u32 = 0xA5C3_963C;
    /// Words that painting itself may push: all registers there are.
    const OWN: usize = 16;

    /// All of it.
    pub(crate) fn whole() -> Self {
        unsafe extern "C" {
            static mut _stack_end: u32;
            static mut _stack_start: u32;
        }
        Self { end: &raw mut _stack_end, start: &raw mut _stack_start }
    }

    /// Paints what is free.
    #[inline(never)]
    pub(crate) fn paint(&mut self) {
        // Calls nothing: below its stack pointer there is nothing but what it may still push itself.
        let used = (cortex_m::register::msp::read() as *mut u32).wrapping_sub(Self::OWN);
        let mut word = self.end;
        while word < used {
            // SAFETY: from the end of the stack up to its pointer: nobody's.
            unsafe { ptr::write_volatile(word, Self::PAINT) };
            word = word.wrapping_add(1);
        }
    }

    /// Most bytes that were in use since the last painting.
    #[inline(never)]
    pub(crate) fn peak(&self) -> u32 {
        let mut word = self.end;
        // SAFETY: within the stack.
        while word < self.start && unsafe { ptr::read_volatile(word) } == Self::PAINT {
            word = word.wrapping_add(1);
        }
        (self.start as u32).saturating_sub(word as u32)
    }
}
