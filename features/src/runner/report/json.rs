//! Cucumber JSON, the format that report tools for Cucumber read, and its way back into a report.
//!
//! Durations are in nanoseconds, attachments are embeddings in Base64, and a background is an element of its own before
//! its scenario. What the format has no place for (seed, target, shard, retries, facts) stands in members named
//! `ukey`, which other tools pass over; with them the whole report can be read back.

use std::{io, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    Again, BackgroundHead, CaseHead, FeatureHead, Part, RunReport, ScenarioReport, ScenarioStatus,
    StepReport, StepStatus,
};
use crate::runner::{Attachment, Fact};

/// The version of the `ukey` members.
const VERSION: u32 = 1;

/// Writes the run as Cucumber JSON.
///
/// # Errors
/// As the underlying writer.
pub fn write(run: &RunReport, out: impl io::Write) -> io::Result<()> {
    let features: Vec<_> = run.features().map(|scenarios| Feature::of(run, scenarios)).collect();
    serde_json::to_writer_pretty(out, &features).map_err(io::Error::from)
}

/// Reads a run that [`write()`] wrote.
///
/// # Errors
/// Why the text is none.
pub fn read(text: &str) -> Result<RunReport, String> {
    let features: Vec<Feature> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let first = features.first().ok_or("it holds no feature")?.ukey.clone();
    let mut scenarios = Vec::new();
    for feature in features {
        feature.read_into(&mut scenarios)?;
    }
    let started = first.started.parse().map_err(|_| format!("`{}` is no moment", first.started))?;
    let shard = first.shard.map(|shard| shard.parse().map_err(|error| format!("{error}"))).transpose()?;
    let part = Part { suite: first.suite, scenarios: first.scenarios, shard };
    let (duration, interrupted) = (Duration::from_nanos(first.duration), first.interrupted);
    Ok(RunReport { part, started, duration, interrupted, scenarios })
}

#[derive(Serialize, Deserialize)]
struct Feature {
    uri: String,
    id: String,
    keyword: String,
    name: String,
    description: String,
    line: usize,
    tags: Vec<Tag>,
    elements: Vec<Element>,
    ukey: Run,
}

/// What the run's features have in common.
#[derive(Serialize, Deserialize, Clone)]
struct Run {
    version: u32,
    #[serde(flatten)]
    origin: Origin,
    /// [`Part::suite`].
    suite: String,
    /// [`Part::scenarios`].
    scenarios: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shard: Option<String>,
    started: String,
    duration: u64,
    interrupted: bool,
}

/// [`Again`].
#[derive(Serialize, Deserialize, Clone)]
struct Origin {
    seed: u64,
    target: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dialect: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Element {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    keyword: String,
    name: String,
    #[serde(default)]
    description: String,
    line: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    before: Vec<Hook>,
    steps: Vec<Step>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ukey: Option<Attempts>,
}

#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Background,
    Scenario,
}

#[derive(Serialize, Deserialize)]
struct Tag {
    name: String,
    line: usize,
}

#[derive(Serialize, Deserialize)]
struct Hook {
    #[serde(rename = "match")]
    place: Place,
    result: StepResult,
}

#[derive(Serialize, Deserialize, Default)]
struct Place {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Step {
    keyword: String,
    name: String,
    line: usize,
    #[serde(rename = "match")]
    place: Place,
    result: StepResult,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rows: Option<Vec<Row>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    doc_string: Option<DocString>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    embeddings: Vec<Embedding>,
}

#[derive(Serialize, Deserialize)]
struct StepResult {
    status: StepWord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    duration: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum StepWord {
    Passed,
    Failed,
    Undefined,
    Skipped,
}

#[derive(Serialize, Deserialize)]
struct Row {
    cells: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct DocString {
    value: String,
}

#[derive(Serialize, Deserialize)]
struct Embedding {
    name: String,
    mime_type: String,
    data: String,
}

/// What a scenario's element has no member for.
#[derive(Serialize, Deserialize)]
struct Attempts {
    index: usize,
    #[serde(flatten)]
    last: Attempt,
    /// The attempts before the one that the element tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<Earlier>,
}

#[derive(Serialize, Deserialize)]
struct Attempt {
    status: Word,
    seed: u64,
    duration: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    facts: Vec<Known>,
}

#[derive(Serialize, Deserialize)]
struct Earlier {
    #[serde(flatten)]
    attempt: Attempt,
    background: Vec<Step>,
    steps: Vec<Step>,
}

#[derive(Serialize, Deserialize)]
struct Known {
    name: String,
    value: String,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Word {
    Passed,
    Flaky,
    Failed,
    Unreachable,
    Refused,
    Skipped,
    NotRun,
}

// ---- there ----

impl Feature {
    fn of(run: &RunReport, scenarios: &[ScenarioReport]) -> Self {
        let head = &scenarios[0].case.feature;
        let origin = scenarios[0].origin();
        Self {
            uri: head.path.clone(),
            id: head.path.clone(),
            keyword: head.keyword.clone(),
            name: head.name.clone(),
            description: head.description.clone(),
            line: head.line,
            tags: tags(&head.tags, head.line),
            elements: scenarios.iter().flat_map(elements).collect(),
            ukey: Run {
                version: VERSION,
                origin: Origin {
                    seed: origin.seed,
                    target: origin.target.clone(),
                    dialect: origin.dialect.clone(),
                },
                suite: run.part.suite.clone(),
                scenarios: run.part.scenarios,
                shard: run.part.shard.map(|shard| shard.to_string()),
                started: run.started.to_string(),
                duration: nanoseconds(run.duration),
                interrupted: run.interrupted,
            },
        }
    }
}

fn elements(scenario: &ScenarioReport) -> impl Iterator<Item = Element> {
    let case = &scenario.case;
    let background = case.background.as_ref().map(|head| Element {
        kind: Kind::Background,
        id: None,
        keyword: head.keyword.clone(),
        name: head.name.clone(),
        description: String::new(),
        line: head.line,
        tags: Vec::new(),
        before: Vec::new(),
        steps: steps(scenario, true),
        ukey: None,
    });
    // A scenario without a world has no step to blame; report tools look for a failed hook then.
    let blameless = scenario.status.is_failure() && scenario.failed_step().is_none();
    let hook = blameless.then(|| Hook {
        place: Place::default(),
        result: StepResult {
            status: StepWord::Failed,
            duration: None,
            error_message: scenario.message.clone(),
        },
    });
    let earlier = scenario.earlier.iter().map(|attempt| Earlier {
        attempt: Attempt::of(attempt),
        background: steps(attempt, true),
        steps: steps(attempt, false),
    });
    let own = Element {
        kind: Kind::Scenario,
        id: Some(case.place()),
        keyword: case.keyword.clone(),
        name: case.title.clone(),
        description: case.description.clone(),
        line: case.line,
        tags: tags(&case.tags, case.line),
        before: hook.into_iter().collect(),
        steps: steps(scenario, false),
        ukey: Some(Attempts {
            index: scenario.index,
            last: Attempt::of(scenario),
            earlier: earlier.collect(),
        }),
    };
    background.into_iter().chain([own])
}

impl Attempt {
    fn of(scenario: &ScenarioReport) -> Self {
        let known = |fact: &Fact| Known { name: fact.name.clone(), value: fact.value.clone() };
        Self {
            status: match scenario.status {
                ScenarioStatus::Passed => Word::Passed,
                ScenarioStatus::Flaky => Word::Flaky,
                ScenarioStatus::Failed => Word::Failed,
                ScenarioStatus::Unreachable => Word::Unreachable,
                ScenarioStatus::Refused => Word::Refused,
                ScenarioStatus::Skipped => Word::Skipped,
                ScenarioStatus::NotRun => Word::NotRun,
            },
            seed: scenario.again.seed,
            duration: nanoseconds(scenario.duration),
            message: scenario.message.clone(),
            facts: scenario.facts.iter().map(known).collect(),
        }
    }
}

fn steps(scenario: &ScenarioReport, background: bool) -> Vec<Step> {
    scenario.steps.iter().filter(|step| step.background == background).map(step).collect()
}

fn step(step: &StepReport) -> Step {
    let (status, timed) = match step.status {
        StepStatus::Passed => (StepWord::Passed, true),
        StepStatus::Failed => (StepWord::Failed, true),
        StepStatus::Undefined => (StepWord::Undefined, false),
        StepStatus::Skipped => (StepWord::Skipped, false),
    };
    let embedding = |one: &Attachment| Embedding {
        name: one.name.clone(),
        mime_type: one.media_type.clone(),
        data: BASE64_STANDARD.encode(&one.text),
    };
    let rows = |rows: &Vec<Vec<String>>| rows.iter().map(|cells| Row { cells: cells.clone() }).collect();
    Step {
        keyword: format!("{} ", step.keyword),
        name: step.text.clone(),
        line: step.line,
        place: Place { location: Some(step.definition.clone().unwrap_or_default()) },
        result: StepResult {
            status,
            duration: timed.then(|| nanoseconds(step.duration)),
            error_message: step.message.clone(),
        },
        rows: step.table.as_ref().map(rows),
        doc_string: step.text_block.clone().map(|value| DocString { value }),
        embeddings: step.attachments.iter().map(embedding).collect(),
    }
}

fn tags(tags: &[String], line: usize) -> Vec<Tag> {
    tags.iter().map(|tag| Tag { name: format!("@{tag}"), line }).collect()
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

// ---- and back ----

impl Feature {
    fn read_into(self, scenarios: &mut Vec<ScenarioReport>) -> Result<(), String> {
        if self.ukey.version != VERSION {
            return Err(format!("its version is {}, and not {VERSION}", self.ukey.version));
        }
        let head = FeatureHead {
            path: self.uri,
            keyword: self.keyword,
            name: self.name,
            description: self.description,
            line: self.line,
            tags: names(self.tags),
        };
        let mut background = None;
        for element in self.elements {
            if element.kind == Kind::Background {
                background = Some(element);
            } else {
                scenarios.push(scenario(&head, &self.ukey.origin, background.take(), element)?);
            }
        }
        Ok(())
    }
}

fn scenario(
    feature: &FeatureHead,
    origin: &Origin,
    background: Option<Element>,
    own: Element,
) -> Result<ScenarioReport, String> {
    let (background, background_steps) = match background {
        Some(Element { keyword, name, line, steps, .. }) => {
            (Some(BackgroundHead { keyword, name, line }), steps)
        }
        None => (None, Vec::new()),
    };
    let place = format!("{}:{}", feature.path, own.line);
    let case = CaseHead {
        feature: feature.clone(),
        background,
        keyword: own.keyword,
        title: own.name,
        description: own.description,
        line: own.line,
        tags: names(own.tags),
    };
    let attempts = own.ukey.ok_or_else(|| format!("{place} was not written by ukey"))?;
    let report = |attempt: Attempt, background: Vec<Step>, steps: Vec<Step>| {
        let steps = background
            .into_iter()
            .map(|step| step.read(true))
            .chain(steps.into_iter().map(|step| step.read(false)));
        Ok::<_, String>(ScenarioReport {
            case: case.clone(),
            index: attempts.index,
            again: Again {
                seed: attempt.seed,
                target: origin.target.clone(),
                dialect: origin.dialect.clone(),
            },
            status: match attempt.status {
                Word::Passed => ScenarioStatus::Passed,
                Word::Flaky => ScenarioStatus::Flaky,
                Word::Failed => ScenarioStatus::Failed,
                Word::Unreachable => ScenarioStatus::Unreachable,
                Word::Refused => ScenarioStatus::Refused,
                Word::Skipped => ScenarioStatus::Skipped,
                Word::NotRun => ScenarioStatus::NotRun,
            },
            message: attempt.message,
            steps: steps.collect::<Result<_, _>>().map_err(|error| format!("{place}: {error}"))?,
            facts: attempt.facts.into_iter().map(|fact| Fact::new(fact.name, fact.value)).collect(),
            duration: Duration::from_nanos(attempt.duration),
            earlier: Vec::new(),
        })
    };
    let earlier = attempts.earlier.into_iter();
    let earlier: Vec<_> =
        earlier.map(|one| report(one.attempt, one.background, one.steps)).collect::<Result<_, _>>()?;
    Ok(ScenarioReport { earlier, ..report(attempts.last, background_steps, own.steps)? })
}

impl Step {
    fn read(self, background: bool) -> Result<StepReport, String> {
        let attachment = |one: Embedding| {
            let bytes = BASE64_STANDARD.decode(one.data).map_err(|error| error.to_string())?;
            let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
            Ok::<_, String>(Attachment { name: one.name, media_type: one.mime_type, text })
        };
        Ok(StepReport {
            keyword: self.keyword.trim_end().to_owned(),
            text: self.name,
            line: self.line,
            background,
            table: self.rows.map(|rows| rows.into_iter().map(|row| row.cells).collect()),
            text_block: self.doc_string.map(|block| block.value),
            status: match self.result.status {
                StepWord::Passed => StepStatus::Passed,
                StepWord::Failed => StepStatus::Failed,
                StepWord::Undefined => StepStatus::Undefined,
                StepWord::Skipped => StepStatus::Skipped,
            },
            duration: Duration::from_nanos(self.result.duration.unwrap_or_default()),
            message: self.result.error_message,
            definition: self.place.location.filter(|place| !place.is_empty()),
            attachments: self.embeddings.into_iter().map(attachment).collect::<Result<_, _>>()?,
        })
    }
}

fn names(tags: Vec<Tag>) -> Vec<String> {
    tags.into_iter().map(|tag| tag.name.strip_prefix('@').unwrap_or(&tag.name).to_owned()).collect()
}
