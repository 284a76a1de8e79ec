//! A report to Cucumber JSON.

use std::{io, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    Attempt, Attempts, DocString, Earlier, Element, Embedding, Feature, Hook, Kind, Known, Origin, Place,
    Row, Run, Step, StepResult, StepWord, Tag, VERSION, Word,
};
use crate::runner::{
    Attachment, Fact,
    report::{RunReport, ScenarioReport, ScenarioStatus, StepReport, StepStatus},
};

/// Writes the run as Cucumber JSON.
///
/// # Errors
/// As the underlying writer.
pub fn write(run: &RunReport, out: impl io::Write) -> io::Result<()> {
    let features: Vec<_> = run.features().map(|scenarios| Feature::of(run, scenarios)).collect();
    serde_json::to_writer_pretty(out, &features).map_err(io::Error::from)
}

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
