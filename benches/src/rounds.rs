//! Alternating rounds: each contestant gets a slice of CPU time in each round, and the order turns from round to round,
//! so that what disturbs the machine disturbs all alike.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// One who is measured.
#[allow(missing_debug_implementations, reason = "a closure")]
pub struct Contestant<'c> {
    name: String,
    run: Box<dyn FnMut() + 'c>,
}

impl<'c> Contestant<'c> {
    /// `run` is one operation.
    pub fn new(name: impl Into<String>, run: impl FnMut() + 'c) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }
}

/// A contestant's time for one operation, in each round.
#[derive(Clone, PartialEq, Debug)]
pub struct Figures {
    /// Who.
    pub name: String,
    /// Seconds for one operation, sorted; one for each round, at least one.
    pub seconds: Vec<f64>,
}

impl Figures {
    /// The middle one.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.seconds.get(self.seconds.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The least one.
    #[must_use]
    pub fn minimum(&self) -> f64 {
        self.seconds.first().copied().unwrap_or(f64::NAN)
    }
}

/// Keeps this process on one core from now on, with the threads that it starts. Where two threads hand a byte to and fro,
/// what waking an idle core costs depends on where the scheduler puts them; on one core what is left is their work. Where
/// the system does not allow it, nothing happens.
pub fn on_one_core() {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_getcpu, sched_setaffinity};
        let mut here = CpuSet::new();
        here.set(sched_getcpu());
        // The figures are noisier without it, and as true.
        let _ = sched_setaffinity(None, &here);
    }
}

/// Which time is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Clock {
    /// CPU time of this process: what a contestant's other threads do counts.
    #[default]
    Cpu,
    /// The time of day that has passed: what a contestant waits for counts too, and what else the machine does.
    Wall,
}

impl Clock {
    fn now(self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        match self {
            Clock::Cpu => cpu_time(),
            Clock::Wall => START.elapsed(),
        }
    }
}

/// Measures all contestants: so many rounds, at least one, each with a slice of this CPU time.
pub fn alternate(rounds: usize, slice: Duration, contestants: &mut [Contestant<'_>]) -> Vec<Figures> {
    alternate_by(Clock::Cpu, rounds, slice, contestants)
}

/// As [`alternate`], by a clock of choice.
pub fn alternate_by(
    clock: Clock,
    rounds: usize,
    slice: Duration,
    contestants: &mut [Contestant<'_>],
) -> Vec<Figures> {
    let mut figures: Vec<_> = contestants
        .iter()
        .map(|contestant| Figures { name: contestant.name.clone(), seconds: Vec::new() })
        .collect();
    let batches: Vec<_> =
        contestants.iter_mut().map(|contestant| batch(clock, slice, &mut contestant.run)).collect();
    for round in 0..rounds.max(1) {
        for turn in 0..contestants.len() {
            let at = (round + turn) % contestants.len();
            let time = spend(clock, slice, batches[at], &mut contestants[at].run);
            figures[at].seconds.push(time);
        }
    }
    figures.iter_mut().for_each(|figures| figures.seconds.sort_by(f64::total_cmp));
    figures
}

/// Operations between two looks at the clock: about a tenth of a slice. This also warms up.
fn batch(clock: Clock, slice: Duration, run: &mut dyn FnMut()) -> u32 {
    let mut count = 1;
    loop {
        let start = clock.now();
        (0..count).for_each(|_| run());
        if clock.now().saturating_sub(start) * 10 >= slice || count >= 1 << 20 {
            return count;
        }
        count *= 2;
    }
}

/// Seconds of CPU time for one operation, over a slice.
fn spend(clock: Clock, slice: Duration, batch: u32, run: &mut dyn FnMut()) -> f64 {
    let start = clock.now();
    let mut operations = 0.0;
    loop {
        (0..batch).for_each(|_| run());
        operations += f64::from(batch);
        let spent = clock.now().saturating_sub(start);
        if spent >= slice {
            return spent.as_secs_f64() / operations;
        }
    }
}

/// CPU time of this process.
#[cfg(unix)]
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.try_into().unwrap_or_default()
}

/// Where the system tells no CPU time: the time of day that has passed.
#[cfg(not(unix))]
fn cpu_time() -> Duration {
    Clock::Wall.now()
}
