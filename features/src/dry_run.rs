//! A run without its target: the chosen scenarios on a fresh simulated token each, and what they would cost the key that
//! the target names.
//!
//! Guarantees: every figure was counted on the wire of the simulated token, the clearing away behind each scenario
//! included; the target is not touched. It finds scenarios whose tags do not tell what they do.

use std::{fmt, io};

use serde_json::{Value, json};
use ukey_device::{DialectChoice, Target};

use crate::{
    UkeyWorld,
    cost::{COST, Cost},
    runner::{Exit, RunError, RunOptions, Stop, report::ScenarioReport, run_to},
};

/// What a run would cost.
#[derive(Debug)]
pub struct DryRun {
    target: String,
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
/// As [`run`](crate::run).
pub fn dry_run(options: &RunOptions) -> Result<DryRun, RunError> {
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
    Ok(DryRun { target: options.target.clone(), scenarios, exit: outcome.exit })
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

    fn count(&self, of: impl Fn(&&Measured) -> bool) -> usize {
        self.scenarios.iter().filter(of).count()
    }

    /// The cost of what would run: what needs the simulated key never does elsewhere.
    fn total(&self, destructive_too: bool) -> (usize, Cost) {
        let run = |one: &&Measured| !one.simulated && (destructive_too || !one.destructive);
        let mut total = Cost::default();
        for scenario in self.scenarios.iter().filter(run) {
            total.add(&scenario.cost.unwrap_or_default());
        }
        (self.count(run), total)
    }

    /// For programs; the layout carries a version.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let totals = |destructive_too| {
            let (scenarios, cost) = self.total(destructive_too);
            json!({ "scenarios": scenarios, "cost": cost })
        };
        let each = self.scenarios.iter().map(|one| {
            json!({
                "place": one.place,
                "title": one.title,
                "destructive": one.destructive,
                "simulated": one.simulated,
                "unplug": one.unplug,
                "cost": one.cost,
                "fault": one.fault(),
            })
        });
        json!({
            "version": 1,
            "target": self.target,
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
        let count = |of: fn(&&Measured) -> bool| self.count(of);
        writeln!(f, "{} was not touched. {} scenarios were chosen:", self.target, self.scenarios.len())?;
        for (count, what) in [
            (
                count(|one| one.destructive),
                "destructive: refused on a real key without --allow-destructive --serial",
            ),
            (count(|one| one.simulated), "not applicable outside the simulator in this process"),
            (
                count(|one| one.unplug && !one.simulated),
                "not applicable where only a person can pull the key",
            ),
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
