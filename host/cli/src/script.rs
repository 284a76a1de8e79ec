//! A script of commands: the plain text of `scriptor` (pcsc-tools), with expectations.
//!
//! ```text
//! # what is behind a # is said to people
//! reset
//! 80 04 00 00 00 01 20
//! = 9000
//! GetPinInfo0001:1000 = 63Cx
//! ```
//!
//! A line is `reset` (the token loses its power and gets it back), a command in [`notation`](crate::notation), which takes hexadecimal
//! bytes as `scriptor` does, or `= SW`: what is expected of the command before it. Empty lines mean nothing.
//!
//! Guarantees: a script is read as a whole before anything of it is carried out; what is recorded is a script that asks
//! for the same again.

use std::fmt::Write as _;

use crate::notation::{BadNotation, Expected, Request};

/// Begins the line of an answer's data in a recorded script.
const ANSWER: &str = "# <- ";

/// A script that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Script {
    lines: Vec<Line>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Line {
    text: String,
    step: Option<Step>,
}

/// What a line asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// Power off and on.
    Reset,
    /// One exchange.
    Send(Request),
}

/// A text that is no script.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {problem}")]
pub(crate) struct BadScript {
    /// The line, from 1.
    pub(crate) line: usize,
    /// Where, in bytes from the start of the text.
    pub(crate) at: usize,
    /// What is wrong there.
    pub(crate) problem: Problem,
}

/// What is wrong with a line.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// Neither a command nor an expectation.
    #[error(transparent)]
    Notation(BadNotation),
    /// An expectation of nothing.
    #[error("there is no command before it to expect this of")]
    NoCommand,
    /// Two expectations of one command.
    #[error("the command before it is expected to answer something already")]
    Twice,
}

impl BadScript {
    /// What is wrong, in Chinese.
    pub(crate) fn message_zh(&self) -> String {
        let problem = match &self.problem {
            Problem::Notation(problem) => problem.message_zh(),
            Problem::NoCommand => "之前没有命令".to_owned(),
            Problem::Twice => "之前的命令已有预期".to_owned(),
        };
        format!("第{}行：{problem}", self.line)
    }
}

/// A line without what is said to people: everything from a `#` on that stands in no text.
pub(crate) fn spoken(line: &str) -> &str {
    let mut in_text = false;
    let comment = line.char_indices().find(|(_, character)| {
        in_text ^= *character == '"';
        *character == '#' && !in_text
    });
    let (spoken, _) = line.split_at(comment.map_or(line.len(), |(at, _)| at));
    spoken.trim()
}

impl Script {
    /// Reads a script.
    pub(crate) fn read(text: &str) -> Result<Script, BadScript> {
        let mut lines: Vec<Line> = Vec::new();
        let mut start = 0;
        for (index, raw) in text.split_inclusive('\n').enumerate() {
            let indented = raw.len() - raw.trim_start().len();
            let bad = |at, problem| BadScript { line: index + 1, at: start + indented + at, problem };
            let notation = |error: BadNotation| bad(error.at, Problem::Notation(error));
            let said = spoken(raw);
            let step = match said.strip_prefix('=') {
                _ if said.is_empty() => None,
                _ if said.eq_ignore_ascii_case("reset") => Some(Step::Reset),
                Some(word) => {
                    let expected: Expected = word
                        .parse()
                        .map_err(|error: BadNotation| notation(BadNotation { at: error.at + 1, ..error }))?;
                    let before = lines.iter_mut().rev().find(|line| line.step.is_some());
                    let Some(Line { step: Some(Step::Send(request)), .. }) = before else {
                        return Err(bad(0, Problem::NoCommand));
                    };
                    if request.expected.replace(expected).is_some() {
                        return Err(bad(0, Problem::Twice));
                    }
                    None
                }
                None => Some(Step::Send(said.parse().map_err(notation)?)),
            };
            lines.push(Line { text: raw.trim_end().to_owned(), step });
            start += raw.len();
        }
        Ok(Script { lines })
    }

    /// What is to be done, with the numbers of the lines.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (usize, &Step)> {
        self.lines.iter().enumerate().filter_map(|(index, line)| Some((index + 1, line.step.as_ref()?)))
    }

    /// The script with the answers to its first steps, data and status word each; empty for a reset. What expected
    /// nothing expects the same status word from now on.
    pub(crate) fn recorded(&self, answers: &[Vec<u8>]) -> String {
        let mut answers = answers.iter();
        let mut text = String::new();
        for line in &self.lines {
            // Those of an earlier recording.
            if line.text.trim_start().starts_with(ANSWER) {
                continue;
            }
            // Writing to a text cannot fail.
            let _ = writeln!(text, "{}", line.text);
            let Some(step) = &line.step else { continue };
            let (Step::Send(request), Some(answer)) = (step, answers.next()) else { continue };
            let _ = writeln!(text, "{ANSWER}{}", hex::encode_upper(answer));
            let status = answer.split_last_chunk::<2>().map(|(_, word)| u16::from_be_bytes(*word));
            if let (None, Some(status)) = (request.expected, status) {
                let _ = writeln!(text, "= {}", Expected::exactly(ukey_apdu::Status(status)));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCRIPT: &str = "# a token\nreset\n\n  80 04 00 00 00 01 20   # who is it\n= 9000\nRESET\r\n\
                          GetPinInfo0001:1000 \"#\" = 63Cx\n1C\n";

    #[test]
    fn a_script_is_read_line_by_line() {
        let script = Script::read(SCRIPT).unwrap();
        let steps: Vec<_> = script.steps().collect();
        let lines: Vec<_> = steps.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 4, 6, 7, 8]);
        assert_eq!((steps[0].1, steps[2].1), (&Step::Reset, &Step::Reset));
        let printed = |step: &Step| match step {
            Step::Send(request) => request.to_string(),
            Step::Reset => "reset".to_owned(),
        };
        assert_eq!(printed(steps[1].1), "80040000/0120=9000");
        assert_eq!(printed(steps[3].1), "80140001:100023=63Cx");
        assert_eq!(printed(steps[4].1), "801C0000");
        assert_eq!(Script::read("").unwrap().steps().count(), 0);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_place() {
        let wrong = |text| Script::read(text).unwrap_err();
        let error = wrong("reset\n\n  80 0x # no\n");
        assert_eq!((error.line, error.at), (3, 13));
        assert_eq!(error.to_string(), "line 3: \"x\" is no hexadecimal digit");
        assert!(error.message_zh().starts_with("第3行："));
        let error = wrong("= 9000");
        assert_eq!((error.line, error.at, error.problem), (1, 0, Problem::NoCommand));
        assert_eq!(wrong("04\nreset\n= 9000").problem, Problem::NoCommand);
        let error = wrong("04=9000\n# still\n = 63Cx\n");
        assert_eq!((error.line, error.at, error.problem), (3, 17, Problem::Twice));
        assert_eq!(wrong("04\n= 90").at, 7);
    }

    #[test]
    fn a_recording_keeps_the_script_and_expects_what_came() {
        let script = Script::read("# one\nreset\n04  # who\n14 = 6xxx\n22\n= 9000\n1C\n").unwrap();
        let answers = [vec![], vec![0xAB, 0x90, 0], vec![0x6A, 0x88], vec![0x90, 0]];
        let recorded = script.recorded(&answers);
        assert_eq!(
            recorded,
            "# one\nreset\n04  # who\n# <- AB9000\n= 9000\n14 = 6xxx\n# <- 6A88\n22\n# <- 9000\n= 9000\n1C\n"
        );
        let again = Script::read(&recorded).unwrap();
        assert_eq!(again.steps().count(), script.steps().count());
        assert_eq!(again.recorded(&answers), recorded, "recorded once more it is the same");
    }

    proptest! {
        #[test]
        fn a_recording_of_anything_is_a_script(text in "((reset|04|14:00|= 9000|# .{0,5}| )?\n){0,8}") {
            if let Ok(script) = Script::read(&text) {
                let answers = vec![vec![0x90, 0]; script.steps().count()];
                let again = Script::read(&script.recorded(&answers)).unwrap();
                prop_assert_eq!(again.steps().count(), script.steps().count());
            }
        }
    }
}
