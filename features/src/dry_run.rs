//! A run without its target: the chosen scenarios on a fresh simulated token each, and what they would cost the key that
//! the target names.
//!
//! Guarantees: every figure was counted on the wire of the simulated token, the clearing away behind each scenario
//! included; the target is not touched; what a run would leave out or refuse on a key in that place is not counted.
//! A reader and a library do not tell without being asked what is behind them: that is taken for a real key. It finds
//! scenarios whose tags do not tell what they do.

use std::{fmt, io};

use serde_json::{Value, json};
use ukey_device::{DialectChoice, Target, target::UnknownTarget};

use crate::{
    UkeyWorld,
    claim::InHandOf,
    cost::{COST, Cost},
    runner::{Exit, RunError, RunOptions, Stop, report::ScenarioReport, run_to},
    stage::{NO_HAND, NOT_SIMULATED},
};

/// What a run would cost.
#[derive(Debug)]
pub struct DryRun {
    target: String,
    in_hand_of: InHandOf,
    scenarios: Vec<Measured>,
    /// How the scenarios ended on the simulated tokens.
    exit: Exit,
}

/// One scenario.
#[derive(Debug)]
struct Measured {
    place: String,
    title: String,
    destructive: bool,
    /// Where it makes sense, by its tags.
    simulated: bool,
    unplug: bool,
    /// None where it did not run.
    cost: Option<Cost>,
    passed: bool,
}

/// Runs the chosen scenarios on simulated tokens, and counts.
///
/// # Errors
/// As [`run`](crate::run); [`RunError::Target`] where the target is none.
pub fn dry_run(options: &RunOptions) -> Result<DryRun, RunError> {
    let target: Target = options.target.parse().map_err(|error: UnknownTarget| RunError::Target {
        target: options.target.clone(),
        message: format!("{error}\n{}", error.message_zh()),
        help: "name the key as `ukey list` does\n请按 `ukey list` 列出的写法填写".to_owned(),
    })?;
    // A dialect that is found by probes is the target's: a simulated token speaks its own.
    let named = |dialect: &String| !matches!(dialect.parse(), Ok(DialectChoice::Auto));
    let simulated = RunOptions {
        target: Target::Sim.to_string(),
        dialect: options.dialect.clone().filter(named),
        measure: true,
        reports: Vec::new(),
        ..options.clone()
    };
    let outcome = run_to::<UkeyWorld>(&simulated, io::sink(), &Stop::on_ctrl_c())?;
    let scenarios = outcome.report.scenarios.iter().map(Measured::of).collect();
    let in_hand_of = InHandOf::key_at(&target);
    Ok(DryRun { target: options.target.clone(), in_hand_of, scenarios, exit: outcome.exit })
}

impl InHandOf {
    /// For programs, and for people.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Process => ("process", "simulated in this process"),
            Self::Program => ("program", "a simulated key that runs on this machine"),
            Self::Person => ("person", "taken for a real key, which only a person can pull"),
        }
    }
}

impl Measured {
    fn of(scenario: &ScenarioReport) -> Self {
        let tagged = |tag: &str| scenario.case.tags().iter().any(|own| own == tag);
        let told = scenario.facts.iter().find(|fact| fact.name == COST);
        Self {
            place: scenario.case.place(),
            title: scenario.case.title().to_owned(),
            destructive: tagged("destructive"),
            simulated: tagged("simulated"),
            unplug: tagged("unplug"),
            cost: told.and_then(|fact| serde_json::from_str(&fact.value).ok()),
            passed: scenario.status == crate::runner::report::ScenarioStatus::Passed,
        }
    }

    /// What its tags keep silent about.
    fn fault(&self) -> Option<&'static str> {
        let cost = self.cost.unwrap_or_default();
        match self {
            _ if !self.passed => Some("it did not pass on a simulated token: its cost is not known"),
            _ if self.cost.is_none() => Some("it was not measured"),
            Self { destructive: false, simulated: false, .. } if cost.locks() => {
                Some("it locks a secret, and is not tagged @destructive")
            }
            Self { simulated: false, .. } if cost.simulated => {
                Some("it needs the simulated key itself, and is not tagged @simulated")
            }
            Self { unplug: false, simulated: false, .. } if cost.pulled => {
                Some("it pulls the key, and is not tagged @unplug")
            }
            _ => None,
        }
    }
}

impl DryRun {
    /// 0 where every scenario was measured and its tags tell what it does.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let faulty = self.scenarios.iter().any(|scenario| scenario.fault().is_some());
        if self.exit == Exit::AllPassed && faulty { Exit::ScenarioFailed } else { self.exit }
    }

    /// Why a run would leave a scenario out on the key in that place.
    fn not_applicable(&self, one: &Measured) -> Option<&'static str> {
        match self.in_hand_of {
            InHandOf::Program | InHandOf::Person if one.simulated => Some(NOT_SIMULATED),
            InHandOf::Person if one.unplug => Some(NO_HAND),
            _ => None,
        }
    }

    /// Whether it would be refused there unless the key is named.
    fn is_refused(&self, one: &Measured) -> bool {
        one.destructive && self.in_hand_of == InHandOf::Person
    }

    fn count(&self, of: impl Fn(&&Measured) -> bool) -> usize {
        self.scenarios.iter().filter(of).count()
    }

    /// The cost of what would run.
    fn total(&self, allowed: bool) -> (usize, Cost) {
        let run = |one: &&Measured| self.not_applicable(one).is_none() && (allowed || !self.is_refused(one));
        let mut total = Cost::default();
        for scenario in self.scenarios.iter().filter(run) {
            total.add(&scenario.cost.unwrap_or_default());
        }
        (self.count(run), total)
    }

    /// For programs; the layout carries a version.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let totals = |allowed| {
            let (scenarios, cost) = self.total(allowed);
            json!({ "scenarios": scenarios, "cost": cost })
        };
        let each = self.scenarios.iter().map(|one| {
            json!({
                "place": one.place,
                "title": one.title,
                "destructive": one.destructive,
                "simulated": one.simulated,
                "unplug": one.unplug,
                "not_applicable": self.not_applicable(one),
                "refused": self.is_refused(one),
                "cost": one.cost,
                "fault": one.fault(),
            })
        });
        json!({
            "version": 1,
            "target": self.target,
            "in_hand_of": self.in_hand_of.words().0,
            "scenarios": self.scenarios.len(),
            "destructive": self.count(|one| one.destructive),
            "simulated": self.count(|one| one.simulated),
            "unplug": self.count(|one| one.unplug && !one.simulated),
            "without_destructive": totals(false),
            "with_destructive": totals(true),
            "each": each.collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for DryRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left_out = |why| self.count(|one| self.not_applicable(one) == Some(why));
        let chosen = self.scenarios.len();
        writeln!(f, "{} was not touched. It is {}.", self.target, self.in_hand_of.words().1)?;
        writeln!(f, "{chosen} scenarios were chosen; a run would find")?;
        let refused = self.count(|one| self.not_applicable(one).is_none() && self.is_refused(one));
        for (count, what) in [
            (refused, "destructive: refused without --allow-destructive --serial"),
            (left_out(NOT_SIMULATED), "not applicable outside the simulator in this process"),
            (left_out(NO_HAND), "not applicable where only a person can pull the key"),
        ] {
            writeln!(f, "{count:>6}  {what}")?;
        }
        let ((scenarios, without), (all, with)) = (self.total(false), self.total(true));
        writeln!(
            f,
            "\n{:<28}{:>14}{:>26}",
            "what they cost the key", "by default", "with --allow-destructive"
        )?;
        writeln!(f, "{:<28}{scenarios:>14}{all:>26}", "scenarios")?;
        for ((name, one), (_, other)) in without.tries().into_iter().zip(with.tries()) {
            writeln!(f, "{:<28}{:>14}{:>26}", format!("wrong tries, {name}"), one.wrong, other.wrong)?;
            let left = |left: Option<u8>| match left {
                None => "-".to_owned(),
                Some(0) => "0 (locked)".to_owned(),
                Some(left) => left.to_string(),
            };
            writeln!(f, "{:<28}{:>14}{:>26}", "  least left", left(one.least_left), left(other.least_left))?;
        }
        for ((name, one), (_, other)) in without.counts().into_iter().zip(with.counts()) {
            writeln!(f, "{name:<28}{one:>14}{other:>26}")?;
        }
        for (scenario, fault) in self.scenarios.iter().filter_map(|one| Some((one, one.fault()?))) {
            writeln!(f, "FAULT  {} {}: {fault}", scenario.place, scenario.title)?;
        }
        Ok(())
    }
}
