//! What the token costs as a Cortex-M image: flash, RAM, and the instructions and stack of every command; against what
//! it may cost.
//!
//! Guarantees: the same image gives the same figures. Instructions are counted by the emulator, not timed, and everything
//! random follows from one seed. A command that was not measured is named.
//!
//! Refuses to know: real processors. An instruction is one here, whatever it takes there.

mod image;
mod script;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ukey_apdu::command::SPOKEN;
use ukey_apdu::frame::Measured;
use ukey_apdu::pin::NotAPin;
use ukey_apdu::{Apdu, Dialect, Ins, Status};

use crate::device::Device;
use crate::error::Error;
use crate::link::qemu::{Board, Emulator};
use crate::link::{Link, LinkError, Place};
use crate::target::Options;

pub use image::ImageSize;

/// Everything random in a measurement follows from it.
const SEED: u64 = 1;

/// The name of the first start, which formats a blank flash.
const FIRST_START: &str = "blank";

/// What one command cost, in the dearest of its runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// The command; none for the start, with everything that the token tests about itself.
    pub ins: Option<Ins>,
    /// Which form of it, where it has several.
    pub form: &'static str,
    /// Instructions, over all envelopes and blocks of the command.
    pub instructions: u64,
    /// Most bytes of stack in use at a time.
    pub stack: u32,
}

impl Cost {
    /// The command's name, or what else it was.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.ins.map_or("power-on", Ins::name)
    }
}

/// A figure and what it may be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Budget {
    /// What is limited.
    pub what: &'static str,
    /// How much it is.
    pub figure: u64,
    /// How much it may be.
    pub limit: u64,
    /// Of what.
    pub unit: &'static str,
}

impl Budget {
    /// Whether it is kept.
    #[must_use]
    pub const fn is_kept(&self) -> bool {
        self.figure <= self.limit
    }
}

/// What was measured on a board.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The board.
    pub board: Board,
    /// The image that does not measure.
    pub image: ImageSize,
    /// The starts, then the commands by their numbers.
    pub costs: Vec<Cost>,
    /// Commands that the token knows and that were not measured.
    pub not_covered: Vec<Ins>,
}

impl Report {
    /// The cost with the deepest stack.
    #[must_use]
    pub fn deepest(&self) -> Option<Cost> {
        self.costs.iter().copied().max_by_key(|cost| cost.stack)
    }

    /// What is limited: a part with 128 KiB of flash and 32 KiB of RAM, and the commands that people wait for.
    #[must_use]
    pub fn budgets(&self) -> Vec<Budget> {
        let stack = self.deepest().map_or(0, |cost| cost.stack.into());
        let dearest = |ins, form| {
            let of = |cost: &&Cost| cost.ins == Some(ins) && (cost.form == form || cost.form.is_empty());
            // What was not measured is over its budget.
            self.costs.iter().filter(of).map(|cost| cost.instructions).max().unwrap_or(u64::MAX)
        };
        let bytes = |what, figure, kib: u64| Budget { what, figure, limit: kib * 1024, unit: "bytes" };
        let instructions = |what, figure, limit| Budget { what, figure, limit, unit: "instructions" };
        vec![
            bytes("flash: code and constants", self.image.flash(), 128),
            bytes("RAM: variables and the deepest stack", self.image.ram() + stack, 32),
            instructions("VerifyPin", dearest(Ins::VerifyPin, ""), 500_000),
            instructions("ECCSignData of a digest", dearest(Ins::EccSignData, "digest"), 10_000_000),
            instructions("GenECCKeyPair", dearest(Ins::GenEccKeyPair, ""), 11_000_000),
        ]
    }

    /// Whether every budget is kept, and every command was measured.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.not_covered.is_empty() && self.budgets().iter().all(Budget::is_kept)
    }
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The token refused, or was not reached.
    #[error(transparent)]
    Device(#[from] Error),
    /// The image is none.
    #[error("{} is no image: {problem}", path.display())]
    BadImage {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The image was built without the feature `measure`, or a command took longer than its board can count.
    #[error("{} gave no figure for {what}", path.display())]
    NoFigure {
        /// The file.
        path: PathBuf,
        /// The command.
        what: &'static str,
    },
    /// A PIN of the script is none.
    #[error(transparent)]
    Script(#[from] NotAPin),
}

impl From<LinkError> for MeasureError {
    fn from(error: LinkError) -> Self {
        MeasureError::Device(error.into())
    }
}

/// Measures the token on a board.
///
/// # Errors
/// See [`MeasureError`].
pub fn run(board: Board) -> Result<Report, MeasureError> {
    let options = Options { seed: Some(SEED), ..Options::default() };
    let image = ImageSize::of(&board.image())?;
    let emulator = Emulator::measuring(board, &options)?;
    let costs = costs(&emulator).map_err(|failed| match failed {
        Failed::Error(error) => error,
        Failed::NoFigure(what) => MeasureError::NoFigure { path: board.measuring_image(), what },
    })?;
    Ok(Report { board, image, not_covered: not_covered(&costs), costs })
}

/// What every command of the script costs, at this place.
fn costs(place: &dyn Place) -> Result<Vec<Cost>, Failed> {
    let meter = Meter::default();
    let device = Device::connect(&Metered { place, meter: meter.clone() }).map_err(MeasureError::from)?;
    script::run(&device, &|form| meter.lock().form = form)?;
    drop(device);
    let book = meter.lock();
    match book.without {
        Some(what) => Err(Failed::NoFigure(what)),
        None => Ok(book.costs.clone()),
    }
}

fn not_covered(costs: &[Cost]) -> Vec<Ins> {
    let covered: BTreeSet<u8> = costs.iter().filter_map(|cost| cost.ins).map(|ins| ins as u8).collect();
    SPOKEN.iter().copied().filter(|ins| !covered.contains(&(*ins as u8))).collect()
}

enum Failed {
    Error(MeasureError),
    NoFigure(&'static str),
}

impl From<MeasureError> for Failed {
    fn from(error: MeasureError) -> Self {
        Failed::Error(error)
    }
}

/// What was measured so far.
#[derive(Default)]
struct Book {
    costs: Vec<Cost>,
    /// Which form of the commands comes now.
    form: &'static str,
    /// Of the envelopes of the command under way.
    under_way: Measured,
    /// The first that has no figure.
    without: Option<&'static str>,
}

impl Book {
    /// Enters what an envelope cost, or the start; `ends` with the last of a command.
    fn enter(&mut self, ins: Option<Ins>, form: &'static str, measured: Option<Measured>, ends: bool) {
        let cost = Cost { ins, form, instructions: 0, stack: 0 };
        let Some(measured) = measured.filter(|measured| measured.instructions < u64::MAX) else {
            self.without.get_or_insert(cost.name());
            return;
        };
        let whole = &mut self.under_way;
        whole.instructions += measured.instructions;
        whole.peak_stack = whole.peak_stack.max(measured.peak_stack);
        if !ends {
            return;
        }
        let whole = std::mem::take(whole);
        let place = |cost: &Cost| (cost.ins.map(|ins| ins as u8), cost.form);
        let at = match self.costs.binary_search_by_key(&place(&cost), place) {
            Ok(at) => at,
            Err(at) => {
                self.costs.insert(at, cost);
                at
            }
        };
        let cost = &mut self.costs[at];
        cost.instructions = cost.instructions.max(whole.instructions);
        cost.stack = cost.stack.max(whole.peak_stack);
    }
}

#[derive(Clone, Default)]
struct Meter(Arc<Mutex<Book>>);

impl Meter {
    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place whose link enters every command.
struct Metered<'p> {
    place: &'p dyn Place,
    meter: Meter,
}

impl Place for Metered<'_> {
    fn link(&self) -> Result<Box<dyn Link>, LinkError> {
        let link = self.place.link()?;
        self.meter.lock().enter(None, FIRST_START, link.measured(), true);
        Ok(Box::new(MeteredLink { link, meter: self.meter.clone() }))
    }
}

struct MeteredLink {
    link: Box<dyn Link>,
    meter: Meter,
}

/// Commands whose forms cost differently.
const fn has_forms(ins: Ins) -> bool {
    matches!(
        ins,
        Ins::ImportCertificate
            | Ins::ExportCertificate
            | Ins::EccSignData
            | Ins::EccVerify
            | Ins::ExtEccEncrypt
            | Ins::ExtEccDecrypt
            | Ins::Encrypt
            | Ins::EncryptUpdate
            | Ins::Decrypt
            | Ins::DecryptUpdate
            | Ins::Mac
            | Ins::MacUpdate
            | Ins::Digest
            | Ins::DigestUpdate
            | Ins::ReadFile
            | Ins::WriteFile
    )
}

impl Link for MeteredLink {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let answer = self.link.transmit(command)?;
        let Ok(apdu) = Apdu::parse(command) else { return Ok(answer) };
        let Some(ins) = Ins::from_byte(apdu.ins) else { return Ok(answer) };
        let ends = !apdu.cla.chained && !answer.ends_with(&Status::MORE_DATA.to_bytes());
        let mut book = self.meter.lock();
        let form = if has_forms(ins) { book.form } else { "" };
        book.enter(Some(ins), form, self.link.measured(), ends);
        Ok(answer)
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        self.link.reset()?;
        self.meter.lock().enter(None, "", self.link.measured(), true);
        Ok(())
    }

    fn dialect(&self) -> Option<Dialect> {
        self.link.dialect()
    }
}

#[cfg(test)]
mod tests;
