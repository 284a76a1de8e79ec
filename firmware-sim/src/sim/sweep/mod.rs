//! The sweep: the power is cut at every flash operation of every command that changes something durable, in every state
//! that matters.
//!
//! Each cut is clean (the operation does not happen) or torn (a part of it does, inside a word too), and the power goes once
//! more while the token comes up. In the states where something could run out, the same command is cut five times in a row.
//! Afterwards
//!
//! - the token is as before the command or as after it, and everything in it is readable;
//! - no retry count rose without the right PIN, and none fell by more than one try for each cut;
//! - a key pair signs what its public key verifies;
//! - no secret lies in the flash that the token does not hold: no PIN, key, or content of a file;
//! - as much room is free as before or after;
//! - the next command works, and so does the same command once more.
//!
//! Everything follows from one number, the seed. A violation carries the shortest script that was found for it: states are
//! tried from the simplest, operations from the first.
//!
//! Refuses to know: how the token does all this. It looks from outside, and at the bytes of the flash for secrets alone.

mod cases;
mod host;
mod judge;
mod report;
mod secrets;
mod seen;
mod states;
#[cfg(test)]
mod tests;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use ukey_apdu::Ins;

use self::cases::{CASES, Case};
use self::host::Host;
use self::judge::Judge;
pub use self::report::{Report, Swept, Violation};
use self::seen::platform;
use self::states::{STATES, State};
use super::{SimPlatform, Tear};
use crate::Token;

/// What is swept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Only this command.
    pub command: Option<Ins>,
    /// Everything random follows from it.
    pub seed: u64,
    /// Torn cuts at each operation, beside the clean one.
    pub torn: usize,
    /// Only every so many-th operation; 1 for all.
    pub every: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { command: None, seed: 1, torn: 2, every: 1 }
    }
}

/// The commands that can be asked for.
#[must_use]
pub fn commands() -> Vec<Ins> {
    Ins::ALL.iter().filter(|ins| CASES.iter().any(|case| case.ins == **ins)).copied().collect()
}

/// Sweeps. Every core of the machine takes part; the report does not depend on that.
///
/// # Errors
/// A state could not be made, or a command cannot be judged: a defect of the sweep, or a token that does not work at all.
pub fn run(options: &Options) -> Result<Report, String> {
    sweep(options, &Faults::NONE)
}

/// What goes wrong beside the cuts: how the tests know that a violation is found.
struct Faults {
    /// Done to the flash after the token came up behind a cut.
    flash: fn(&mut Vec<u8>),
    /// Done to the platform on which the next command runs.
    platform: fn(&mut SimPlatform),
}

impl Faults {
    const NONE: Faults = Faults { flash: |_| (), platform: |_| () };
}

fn sweep(options: &Options, faults: &Faults) -> Result<Report, String> {
    let wanted = |case: &&Case| options.command.is_none_or(|ins| ins == case.ins);
    let cases: Vec<&Case> = CASES.iter().filter(wanted).collect();
    let images = STATES.iter().map(|state| make(state, options.seed)).collect::<Result<Vec<_>, _>>()?;
    let jobs: Vec<_> =
        STATES.iter().zip(&images).flat_map(|state| cases.iter().map(move |case| (state, *case))).collect();
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(((state, image), case)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut sweep = Sweep { options, faults, state, case, image, cuts: 0 };
            let found = sweep.run();
            let result = (case.ins, state.name, sweep.cuts, found);
            results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(result);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut violations = Vec::new();
    for (state, ins) in STATES.iter().flat_map(|state| commands().into_iter().map(move |ins| (state, ins))) {
        let of_this = results.iter().filter(|(of, name, _, _)| (*of, *name) == (ins, state.name));
        let mut found = Vec::new();
        for (_, _, _, result) in of_this {
            found.extend(result.clone()?);
        }
        violations.extend(found.into_iter().min_by_key(|violation| violation.script.len()));
    }
    let cuts = |ins: Ins, state: &State| {
        let of_this = results.iter().filter(|(of, name, _, _)| (*of, *name) == (ins, state.name));
        (state.name, of_this.map(|(_, _, cuts, _)| cuts).sum())
    };
    let swept = |ins: Ins| Swept {
        ins,
        states: STATES.iter().map(|state| cuts(ins, state)).filter(|(_, cuts)| *cuts > 0).collect(),
    };
    let commands = commands().into_iter().filter(|ins| options.command.is_none_or(|only| only == *ins));
    Ok(Report {
        seed: options.seed,
        commands: commands.map(swept).collect(),
        not_covered: if options.command.is_none() { cases::not_covered() } else { Vec::new() },
        violations,
    })
}

/// Makes a state of a blank token.
fn make(state: &State, seed: u64) -> Result<Vec<u8>, String> {
    let failed =
        |problem: &dyn std::fmt::Display| format!("the state \"{}\" cannot be made: {problem}", state.name);
    let blank = vec![0xFF; super::SimFlash::SIZE];
    let mut host = Host::on(platform(seed, &blank)?).map_err(|error| failed(&error))?;
    (state.make)(&mut host).map_err(|status| failed(&status))?;
    let mut image = host.image();
    if let Some(brink) = state.brink {
        let before = (brink.measure)(&mut host);
        for number in 0.. {
            (brink.again)(&mut host, number).map_err(|status| failed(&status))?;
            if (brink.measure)(&mut host) != before {
                break;
            }
            image = host.image();
        }
    }
    Ok(image)
}

/// One command in one state.
struct Sweep<'a> {
    options: &'a Options,
    faults: &'a Faults,
    state: &'a State,
    case: &'a Case,
    image: &'a [u8],
    cuts: u64,
}

impl Sweep<'_> {
    /// Cuts it everywhere. `Err` where it cannot be judged.
    fn run(&mut self) -> Result<Option<Violation>, String> {
        let Some(mut host) = self.start(self.image)? else { return Ok(None) };
        let (before, begun) = (host.image(), host.operations());
        let _ = (self.case.act)(&mut host);
        let operations = host.operations() - begun;
        if operations == 0 {
            return Ok(None);
        }
        let judge = Judge::new(&before, &host.image())?;
        let mut rng = ChaCha8Rng::seed_from_u64(self.options.seed);
        for operation in (0..operations).step_by(self.options.every.max(1)) {
            for number in 0..=self.options.torn {
                let tear = if number == 0 { Tear::Clean } else { Tear::Torn(rng.next_u64()) };
                let mut script = Vec::new();
                if let Err(what) = self.cut(&judge, operation, tear, &mut script) {
                    let Case { ins, form, .. } = *self.case;
                    return Ok(Some(Violation { ins, form, state: self.state.name, what, script }));
                }
            }
        }
        Ok(None)
    }

    /// A token with power, ready for the command; `None` where the state does not know it.
    fn start(&self, image: &[u8]) -> Result<Option<Host>, String> {
        let mut host = self.power_on(image)?;
        let ready = (self.case.ready)(&mut host);
        Ok(ready.is_ok().then_some(host))
    }

    /// One cut, or several in a row, and what must hold afterwards.
    fn cut(
        &mut self,
        judge: &Judge,
        operation: u64,
        tear: Tear,
        script: &mut Vec<String>,
    ) -> Result<(), String> {
        script.push(format!("a token in the state: {}", self.state.name));
        let mut image = self.image.to_vec();
        let mut as_before = true;
        for round in 1..=self.state.row {
            let mut host = self.start(&image)?.ok_or("what the command needs is refused after the cut")?;
            host.token.platform().flash.cut_power_after(operation, tear);
            let _ = (self.case.act)(&mut host);
            if host.token.platform().flash.has_power() {
                // What was begun before needs fewer operations.
                break;
            }
            self.cuts += 1;
            script.append(&mut host.script);
            script.push(format!("the power is cut at flash operation {operation} of this, {tear:?}"));
            image = self.come_up_with_a_cut(host, operation % 3, tear, script)?;
            as_before = judge.judge(&image, round)?;
            if !as_before {
                break;
            }
        }
        script.push("power on; SetLabel".to_owned());
        let mut host = self.power_on(&image)?;
        (self.faults.platform)(host.token.platform());
        let label = host.label(b"after the cut");
        label.map_err(|status| format!("the next command is refused: {status}"))?;
        if as_before {
            script.push("or the same command once more, without a cut".to_owned());
            let mut host = self.start(&image)?.ok_or("what the command needs is refused after the cut")?;
            let done = (self.case.act)(&mut host);
            judge.judge_end(&host.image(), done)?;
        }
        Ok(())
    }

    fn power_on(&self, image: &[u8]) -> Result<Host, String> {
        let host = Host::on(platform(self.options.seed, image)?)?;
        Ok(Host { held: self.state.held, ..host })
    }

    /// The power comes back, and goes once more before the token is up. Gives what is in the flash after it came up.
    fn come_up_with_a_cut(
        &mut self,
        host: Host,
        operation: u64,
        tear: Tear,
        script: &mut Vec<String>,
    ) -> Result<Vec<u8>, String> {
        let mut platform = host.token.power_off();
        platform.flash.restore_power();
        platform.flash.cut_power_after(operation, tear);
        let mut platform = match Token::power_on(platform, host::settings()) {
            Ok(token) => token.power_off(),
            Err((_, platform)) => platform,
        };
        if !platform.flash.has_power() {
            self.cuts += 1;
            script.push(format!("power on; it is cut again at flash operation {operation}, {tear:?}"));
        }
        platform.flash.restore_power();
        let mut image = Host::on(platform)?.image();
        (self.faults.flash)(&mut image);
        Ok(image)
    }
}
