//! The run as text for people: one line per scenario, each failure with all that is needed to work on it, a closing
//! line. With the same seed the text is the same each time, but for the time in the closing line (and durations, if
//! asked for).

use std::{
    io::{self, Write},
    time::Duration,
};

use unicode_width::UnicodeWidthStr;

use super::{RunReport, ScenarioReport, ScenarioStatus};

/// How the text looks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// With ANSI colours.
    pub colour: bool,
    /// With the duration of each scenario.
    pub durations: bool,
    /// With GitHub annotations for failures.
    pub github_annotations: bool,
}

/// How many exchanges a failure shows.
const EXCHANGES_SHOWN: usize = 10;

/// Writes a run as it goes. A reader that goes away (`| head`) is no error: the rest is dropped.
#[derive(Debug)]
pub struct Console<W> {
    out: Option<W>,
    style: Style,
    /// Width of the longest `FILE:LINE`.
    places: usize,
}

impl<W: Write> Console<W> {
    /// A console for scenarios whose longest `FILE:LINE` is that wide.
    pub fn new(out: W, places: usize, style: Style) -> Self {
        Self { out: Some(out), style, places }
    }

    /// Writes the line of a scenario that ended.
    ///
    /// # Errors
    /// As the underlying writer, but for a closed pipe.
    pub fn scenario(&mut self, report: &ScenarioReport) -> io::Result<()> {
        let (word, colour) = match report.status {
            ScenarioStatus::Passed => ("ok", "32"),
            ScenarioStatus::Flaky => ("flaky", "33"),
            ScenarioStatus::Failed | ScenarioStatus::Unreachable => ("FAILED", "31"),
            ScenarioStatus::Refused => ("refused", "33"),
            ScenarioStatus::Skipped => ("skipped", "33"),
            ScenarioStatus::NotRun => return Ok(()),
        };
        let mut line =
            format!("{} {} {}", self.paint(&pad(word, 7), colour), self.place(report), report.case.title());
        for fact in &report.facts {
            line += &format!("  {}={}", fact.name, fact.value);
        }
        let left_out = matches!(report.status, ScenarioStatus::Refused | ScenarioStatus::Skipped);
        if let Some(reason) = report.message.as_ref().filter(|_| left_out) {
            line += &format!("  ({reason})");
        }
        if report.status == ScenarioStatus::Flaky {
            line += &format!("  (passed at attempt {})", report.earlier.len() + 1);
        }
        if self.style.durations {
            line += &format!("  {}", seconds(report.duration));
        }
        self.write(&format!("{line}\n"))
    }

    /// Writes the failures again, in full, also those of flaky scenarios, and the closing line.
    ///
    /// # Errors
    /// As [`scenario`](Self::scenario).
    pub fn end(&mut self, run: &RunReport) -> io::Result<()> {
        let of = |flaky: bool| {
            run.scenarios.iter().filter(move |scenario| match scenario.status {
                ScenarioStatus::Flaky => flaky,
                status => !flaky && status.is_failure(),
            })
        };
        let failures: Vec<_> = of(false).chain(of(true)).collect();
        for (index, scenario) in failures.iter().enumerate() {
            let (colour, flaky) = match scenario.status {
                ScenarioStatus::Flaky => ("33", " (flaky)"),
                _ => ("31", ""),
            };
            let title = self.paint(&format!("{}) {}{flaky}", index + 1, scenario.case.title()), colour);
            self.write(&format!("\n{title}\n{}", indent(&failure(scenario), "   ")))?;
        }
        if self.style.github_annotations {
            for scenario in &failures {
                self.write(&annotation(scenario))?;
            }
        }
        let counts = run.counts();
        let parts: Vec<_> = [
            (counts.passed, "passed"),
            (counts.flaky, "flaky"),
            (counts.failed, "failed"),
            (counts.refused, "refused"),
            (counts.skipped, "skipped"),
            (counts.not_run, "not run"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
        let noun = if counts.total() == 1 { "scenario" } else { "scenarios" };
        let (total, seed, time) = (counts.total(), run.seed(), seconds(run.duration));
        self.write(&format!("\n{total} {noun}: {}; seed {seed}; {time}\n", parts.join(", ")))
    }

    fn place(&self, report: &ScenarioReport) -> String {
        pad(&report.case.place(), self.places)
    }

    fn paint(&self, text: &str, colour: &str) -> String {
        if self.style.colour { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        let Some(out) = &mut self.out else { return Ok(()) };
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.out = None;
                Ok(())
            }
            result => result,
        }
    }
}

/// All about one failure, the first of several attempts: the step, where it stands, what it says, the last exchanges,
/// how to run it again.
pub fn failure(scenario: &ScenarioReport) -> String {
    let attempts = scenario.earlier.len() + 1;
    let scenario = scenario.first_failure().unwrap_or(scenario);
    let case = &scenario.case;
    let mut text = String::new();
    match scenario.failed_step() {
        Some(step) => {
            text += &format!("{} {}\n{}:{}\n", step.keyword, step.text, case.feature(), step.line);
            let rows = step.table.iter().flatten().map(|row| format!("| {} |", row.join(" | ")));
            text += &rows.map(|row| indent(&row, "  ")).collect::<String>();
        }
        None => text += &format!("{}\n", case.place()),
    }
    text += &indent(scenario.reason().unwrap_or("no reason was given"), "  ");
    let exchanges = scenario.last_exchanges(EXCHANGES_SHOWN);
    if !exchanges.is_empty() {
        text += &format!("the last exchanges:\n{}", indent(&exchanges.join("\n"), "  "));
    }
    if attempts > 1 {
        text += &format!("this was the first of {attempts} attempts\n");
    }
    text + &format!("again: {}\n", rerun(scenario))
}

/// The command that runs a scenario again, the same way.
pub fn rerun(scenario: &ScenarioReport) -> String {
    let again = &scenario.again;
    let mut command = format!("ukey test {} --seed {}", quoted(&scenario.case.place()), again.seed);
    if again.target != "sim" {
        command += &format!(" --target {}", quoted(&again.target));
    }
    if let Some(dialect) = &again.dialect {
        command += &format!(" --dialect {}", quoted(dialect));
    }
    command
}

/// A word for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/:._-@#,+=".contains(c);
    if !word.is_empty() && !word.starts_with('#') && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// `::error` (`::warning` for a flaky scenario) as GitHub reads it: percent, line ends and the separators of properties are escaped.
fn annotation(scenario: &ScenarioReport) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let level = if scenario.status.is_failure() { "error" } else { "warning" };
    let scenario = scenario.first_failure().unwrap_or(scenario);
    let line = scenario.failed_step().map_or(scenario.case.line(), |step| step.line);
    let (file, title) = (property(scenario.case.feature()), property(scenario.case.title()));
    let message = data(scenario.reason().unwrap_or_default());
    format!("::{level} file={file},line={line},title={title}::{message}\n")
}

fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

fn indent(text: &str, by: &str) -> String {
    text.lines().map(|line| format!("{by}{line}\n")).collect()
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
