//! Cucumber JSON, the format that report tools for Cucumber read. Durations are in nanoseconds, attachments are
//! embeddings in Base64, and a background is an element of its own before its scenario.

use std::io;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{RunReport, ScenarioReport, StepReport, StepStatus, redact::Redactor};

/// Writes the run as Cucumber JSON.
///
/// # Errors
/// As the underlying writer.
pub fn write(run: &RunReport, out: impl io::Write) -> io::Result<()> {
    let features: Vec<_> = run.features().map(feature).collect();
    serde_json::to_writer_pretty(out, &features).map_err(io::Error::from)
}

fn feature(scenarios: &[ScenarioReport]) -> Value {
    let file = &scenarios[0].case.file;
    json!({
        "uri": file.path,
        "id": file.path,
        "keyword": file.feature.keyword,
        "name": file.feature.name,
        "description": file.feature.description.as_deref().unwrap_or_default(),
        "line": file.feature.position.line,
        "tags": tags(&file.feature.tags, file.feature.position.line),
        "elements": scenarios.iter().flat_map(elements).collect::<Vec<_>>(),
    })
}

fn elements(scenario: &ScenarioReport) -> Vec<Value> {
    let case = &scenario.case;
    let steps = |background: bool| -> Vec<_> {
        scenario.steps.iter().filter(|step| step.background == background).map(step).collect()
    };
    let background = case.file.feature.background.as_ref().filter(|_| !case.background.is_empty());
    let mut elements = Vec::new();
    if !case.background.is_empty() {
        elements.push(json!({
            "type": "background",
            "keyword": background.map_or("Background", |background| background.keyword.as_str()),
            "name": background.map_or("", |background| background.name.as_str()),
            "line": background.map_or(case.background[0].position.line, |background| background.position.line),
            "steps": steps(true),
        }));
    }
    let mut own = json!({
        "type": "scenario",
        "id": case.place(),
        "keyword": case.scenario.keyword,
        "name": case.title(),
        "description": Redactor::of(case).mask(case.scenario.description.as_deref().unwrap_or_default()),
        "line": case.line(),
        "tags": tags(case.tags(), case.line()),
        "steps": steps(false),
    });
    // A scenario without a world has no step to blame; report tools look for a failed hook then.
    if scenario.status.is_failure() && scenario.failed_step().is_none() {
        own["before"] =
            json!([{ "match": {}, "result": { "status": "failed", "error_message": scenario.message } }]);
    }
    elements.push(own);
    elements
}

fn step(step: &StepReport) -> Value {
    let status = match step.status {
        StepStatus::Passed => "passed",
        StepStatus::Failed => "failed",
        StepStatus::Undefined => "undefined",
        StepStatus::Skipped => "skipped",
    };
    let mut result = json!({ "status": status });
    if matches!(step.status, StepStatus::Passed | StepStatus::Failed) {
        result["duration"] = json!(u64::try_from(step.duration.as_nanos()).unwrap_or(u64::MAX));
    }
    if let Some(message) = &step.message {
        result["error_message"] = json!(message);
    }
    let mut value = json!({
        "keyword": format!("{} ", step.keyword),
        "name": step.text,
        "line": step.line,
        "match": { "location": step.definition.as_deref().unwrap_or_default() },
        "result": result,
    });
    if let Some(rows) = &step.table {
        value["rows"] = rows.iter().map(|cells| json!({ "cells": cells })).collect();
    }
    if let Some(text) = &step.text_block {
        value["doc_string"] = json!({ "value": text });
    }
    if !step.attachments.is_empty() {
        let embedding = |one: &crate::runner::Attachment| json!({ "name": one.name, "mime_type": one.media_type, "data": BASE64_STANDARD.encode(&one.text) });
        value["embeddings"] = step.attachments.iter().map(embedding).collect();
    }
    value
}

fn tags(tags: &[String], line: usize) -> Value {
    tags.iter().map(|tag| json!({ "name": format!("@{tag}"), "line": line })).collect()
}
