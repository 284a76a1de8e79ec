//! A suite is a list of scenarios ready to run: outlines expanded, backgrounds and tags resolved.

use std::sync::Arc;

use cucumber::gherkin;

use super::{filter::Filter, report::redact::Redactor, seed::scenario_seed};

/// A feature file that was read.
#[derive(Debug)]
pub(crate) struct FeatureFile {
    /// The path as shown, with `/`.
    pub(crate) path: String,
    /// The parsed feature.
    pub(crate) feature: gherkin::Feature,
}

/// One scenario, or one row of an outline.
#[derive(Debug)]
pub struct Case {
    pub(crate) file: Arc<FeatureFile>,
    /// The scenario with its placeholders filled in.
    pub(crate) scenario: gherkin::Scenario,
    /// The steps of the feature's and the rule's background.
    pub(crate) background: Vec<gherkin::Step>,
    /// The row of the outline, from 1; 0 without an outline.
    pub(crate) row: usize,
    /// The line of the scenario, or of the row.
    pub(crate) line: usize,
    /// The lines from the scenario's keyword to its end.
    pub(crate) extent: std::ops::RangeInclusive<usize>,
    pub(crate) tags: Vec<String>,
}

impl Case {
    /// The path of the feature file, as shown.
    pub fn feature(&self) -> &str {
        &self.file.path
    }

    /// The feature's name.
    pub fn feature_name(&self) -> &str {
        &self.file.feature.name
    }

    /// The scenario's name, placeholders filled in.
    pub fn name(&self) -> &str {
        &self.scenario.name
    }

    /// The name as shown, PINs in it masked, with the row's number if it is a row of an outline.
    pub fn title(&self) -> String {
        let name = Redactor::of(self).mask(&self.scenario.name);
        match self.row {
            0 => name,
            row => format!("{name} #{row}"),
        }
    }

    /// Its seed in a run with this seed.
    pub fn seed(&self, run_seed: u64) -> [u8; 32] {
        let file = self.feature().rsplit('/').next().unwrap_or_default();
        scenario_seed(run_seed, file, self.feature_name(), self.name(), self.row)
    }

    /// The scenario's line; for a row of an outline, the row's line.
    pub fn line(&self) -> usize {
        self.line
    }

    /// `FILE:LINE`, which selects this scenario alone.
    pub fn place(&self) -> String {
        format!("{}:{}", self.feature(), self.line)
    }

    /// Tags of the scenario, its rule and its feature, without `@`.
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// Whether the scenario, its rule or its feature carries the tag (given without `@`).
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own == tag)
    }

    /// The steps in the order they run, each with whether it belongs to a background.
    pub fn steps(&self) -> impl Iterator<Item = (&gherkin::Step, bool)> {
        self.background
            .iter()
            .map(|step| (step, true))
            .chain(self.scenario.steps.iter().map(|step| (step, false)))
    }
}

/// Scenarios, in the order of their files and lines.
#[derive(Debug, Default)]
pub struct Suite {
    pub(crate) cases: Vec<Arc<Case>>,
}

impl Suite {
    /// The scenarios.
    pub fn cases(&self) -> &[Arc<Case>] {
        &self.cases
    }

    /// Keeps those that the filter wants.
    #[must_use]
    pub fn filtered(mut self, filter: &Filter) -> Self {
        self.cases.retain(|case| filter.matches(case));
        self
    }

    /// Keeps those that one of the lines of their file selects: the line of a scenario or a row, of an outline (all
    /// its rows), or any line inside a scenario.
    pub(crate) fn at_lines(self, lines: &[usize]) -> Self {
        let exact = |line: usize| self.cases.iter().any(|case| case.line == line);
        let cases =
            self.cases
                .iter()
                .filter(|case| {
                    lines.iter().any(|&line| {
                        if exact(line) { case.line == line } else { case.extent.contains(&line) }
                    })
                })
                .cloned()
                .collect();
        Self { cases }
    }
}

impl Extend<Arc<Case>> for Suite {
    fn extend<I: IntoIterator<Item = Arc<Case>>>(&mut self, cases: I) {
        self.cases.extend(cases);
    }
}
