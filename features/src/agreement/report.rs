//! What came of the points, as text and as JSON.

use std::fmt::Write;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

/// The version of the JSON layout.
const VERSION: u32 = 1;

/// What came of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Version of this layout.
    pub version: u32,
    /// Everything random followed from it.
    pub seed: u64,
    /// Each flow.
    pub flows: Vec<FlowReport>,
}

/// What came of one flow.
#[derive(Clone, Debug, Serialize)]
pub struct FlowReport {
    /// Its name.
    pub flow: &'static str,
    /// Interactions of its run without a fault.
    pub interactions: usize,
    /// Points of each kind of fault that were run.
    pub counts: Vec<(&'static str, usize)>,
    /// Where hall and token did not agree.
    pub disagreements: Vec<Disagreement>,
}

/// A point after which hall and token did not agree.
#[derive(Clone, Debug, Serialize)]
pub struct Disagreement {
    /// The point's number in its flow.
    pub point: usize,
    /// What failed, and where.
    pub fault: String,
    /// What differs.
    pub differences: Vec<String>,
}

impl FlowReport {
    /// How many points were run.
    #[must_use]
    pub fn points(&self) -> usize {
        self.counts.iter().map(|(_, count)| count).sum()
    }
}

impl Report {
    pub(super) fn new(seed: u64) -> Self {
        Self { version: VERSION, seed, flows: Vec::new() }
    }

    /// How many points were run.
    #[must_use]
    pub fn points(&self) -> usize {
        self.flows.iter().map(FlowReport::points).sum()
    }

    /// How many of them ended in a disagreement.
    #[must_use]
    pub fn disagreements(&self) -> usize {
        self.flows.iter().map(|flow| flow.disagreements.len()).sum()
    }

    /// For people: a table of flows, kinds of faults and points; then each disagreement with the command that runs its
    /// point again.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = self.table();
        for flow in &self.flows {
            for Disagreement { point, fault, differences } in &flow.disagreements {
                let name = flow.flow;
                let _ = writeln!(text, "\nDISAGREEMENT  {name}, point {point}: {fault}");
                for difference in differences {
                    let _ = writeln!(text, "  {difference}");
                }
                let _ = writeln!(
                    text,
                    "  again: ukey agreement --flow {name} --seed {} --point {point}",
                    self.seed
                );
            }
        }
        let _ = writeln!(
            text,
            "\n{}; {}; seed {}",
            counted(self.points(), "point"),
            counted(self.disagreements(), "disagreement"),
            self.seed
        );
        text
    }

    /// Kinds of faults down, flows across.
    fn table(&self) -> String {
        let kinds = self.flows.first().map_or(&[][..], |flow| &flow.counts);
        let mut rows = vec![row("fault", self.flows.iter().map(|flow| flow.flow.to_owned()), "all")];
        for (place, (kind, _)) in kinds.iter().enumerate() {
            let counts: Vec<_> =
                self.flows.iter().map(|flow| flow.counts.get(place).map_or(0, |(_, count)| *count)).collect();
            let all: usize = counts.iter().sum();
            rows.push(row(kind, counts.iter().map(usize::to_string), &all.to_string()));
        }
        let points = self.flows.iter().map(|flow| flow.points().to_string());
        rows.push(row("points", points, &self.points().to_string()));
        let wrong = self.flows.iter().map(|flow| flow.disagreements.len().to_string());
        rows.push(row("disagreements", wrong, &self.disagreements().to_string()));
        aligned(&rows)
    }

    /// For programs.
    ///
    /// # Errors
    /// None that are known: everything in a report has a form in JSON.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn row(head: &str, cells: impl Iterator<Item = String>, all: &str) -> Vec<String> {
    std::iter::once(head.to_owned()).chain(cells).chain([all.to_owned()]).collect()
}

/// The first column to the left, the others to the right.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let space = " ".repeat(widths[column].saturating_sub(cell.width()));
            let _ = if column == 0 { write!(text, "{cell}{space}") } else { write!(text, "  {space}{cell}") };
        }
        text.push('\n');
    }
    text
}
