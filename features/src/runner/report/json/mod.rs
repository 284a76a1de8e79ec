//! Cucumber JSON, the format that report tools for Cucumber read, and its way back into a report.
//!
//! Durations are in nanoseconds, attachments are embeddings in Base64, and a background is an element of its own before
//! its scenario. What the format has no place for (seed, target, shard, retries, facts) stands in members named
//! `ukey`, which other tools pass over; with them the whole report can be read back.

mod read;
mod write;

use serde::{Deserialize, Serialize};

pub use read::read;
pub use write::write;

/// The version of the `ukey` members.
const VERSION: u32 = 1;

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
    /// [`Part::suite`](super::Part::suite).
    suite: String,
    /// [`Part::scenarios`](super::Part::scenarios).
    scenarios: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shard: Option<String>,
    started: String,
    duration: u64,
    interrupted: bool,
}

/// [`Again`](super::Again).
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
