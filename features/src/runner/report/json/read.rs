//! Cucumber JSON back to a report.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{Attempt, Element, Embedding, Feature, Kind, Origin, Step, StepWord, Tag, VERSION, Word};
use crate::runner::{
    Attachment, Fact,
    report::{
        Again, BackgroundHead, CaseHead, FeatureHead, Part, RunReport, ScenarioReport, ScenarioStatus,
        StepReport, StepStatus,
    },
};

/// Reads a run that [`write()`](super::write()) wrote.
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
