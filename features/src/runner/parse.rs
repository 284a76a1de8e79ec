//! Text of a feature file to scenarios. What does not parse is named by line, column and reason.
//!
//! gherkin reports the furthest position its grammar reached, which may lie past the fault, and keeps the reason to
//! itself; both are found again here. What it accepts silently and drops (surplus cells, outlines without rows,
//! files without scenarios) is a fault too: a scenario that never runs must not look like one that passes.

use std::sync::Arc;

use cucumber::{feature::Ext, gherkin};
use miette::{NamedSource, SourceSpan};

use super::suite::{Case, FeatureFile, Suite};

/// The language of files that do not name theirs.
const DEFAULT_LANGUAGE: &str = "zh-CN";

/// A feature file that cannot be run, and where it goes wrong.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{path}:{line}:{column}: {reason}")]
pub struct ParseFault {
    /// The file, as shown.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub reason: String,
    #[help]
    help: String,
    #[source_code]
    source_code: NamedSource<String>,
    #[label("here")]
    span: SourceSpan,
}

/// What is wrong with a line.
struct Complaint {
    line: usize,
    reason: String,
    /// The same in Chinese.
    chinese: String,
    help: Option<String>,
}

impl Complaint {
    fn new(line: usize, reason: impl Into<String>, chinese: impl Into<String>) -> Self {
        Self { line, reason: reason.into(), chinese: chinese.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    fn into_fault(self, path: &str, text: &str) -> ParseFault {
        let line = text.lines().nth(self.line.saturating_sub(1)).unwrap_or_default();
        let indent = line.len() - line.trim_start().len();
        // `lines` cuts pieces out of `text`, so the difference of addresses is the offset.
        let offset = if line.is_empty() { text.len() } else { line.as_ptr().addr() - text.as_ptr().addr() };
        ParseFault {
            path: path.to_owned(),
            line: self.line,
            column: line[..indent].chars().count() + 1,
            reason: self.reason,
            help: match self.help {
                Some(help) => format!("{help}\n{}", self.chinese),
                None => self.chinese,
            },
            source_code: NamedSource::new(path, text.to_owned()),
            span: (offset + indent, line.trim().len()).into(),
        }
    }
}

/// Reads one feature file.
pub(crate) fn parse(path: &str, text: &str) -> Result<Suite, Box<ParseFault>> {
    // gherkin's grammar wants a last line end, and no byte order mark.
    let text = format!("{}\n", text.trim_start_matches('\u{feff}').trim_end());
    scenarios(path, &text).map_err(|complaint| Box::new(complaint.into_fault(path, &text)))
}

fn scenarios(path: &str, text: &str) -> Result<Suite, Complaint> {
    let feature = parse_gherkin(text).map_err(|error| diagnose(text, &error.to_string()))?;
    check_tables(&feature, text)?;
    let file = Arc::new(FeatureFile { path: path.to_owned(), feature });
    let feature = &file.feature;

    let mut suite = Suite::default();
    let groups = std::iter::once((None, &feature.scenarios))
        .chain(feature.rules.iter().map(|rule| (Some(rule), &rule.scenarios)));
    for (rule, scenarios) in groups {
        let background: Vec<_> =
            [feature.background.as_ref(), rule.and_then(|rule| rule.background.as_ref())]
                .into_iter()
                .flatten()
                .flat_map(|background| background.steps.iter().cloned())
                .collect();
        let rule_tags = rule.map_or(&[][..], |rule| &rule.tags);
        for scenario in scenarios {
            let first = scenario.position.line;
            let last = text[..scenario.span.end].matches('\n').count().max(first);
            let lines = row_lines(scenario, text)?;
            for (index, expanded) in expand(feature, scenario)?.into_iter().enumerate() {
                let tags =
                    [&feature.tags, rule_tags, &expanded.tags].into_iter().flatten().cloned().collect();
                let (row, line) = lines.get(index).map_or((0, first), |&line| (index + 1, line));
                suite.cases.push(Arc::new(Case {
                    file: Arc::clone(&file),
                    scenario: expanded,
                    background: background.clone(),
                    row,
                    line,
                    extent: first..=last,
                    tags,
                }));
            }
        }
    }
    if suite.cases.is_empty() {
        let complaint = Complaint::new(
            file.feature.position.line,
            "this feature holds no scenario",
            "该功能中没有场景；不以关键字开头的行会被当作功能的说明",
        );
        return Err(complaint
            .help("a line under the feature that starts with no keyword is taken for its description"));
    }
    Ok(suite)
}

fn parse_gherkin(text: &str) -> Result<gherkin::Feature, gherkin::ParseError> {
    let env = gherkin::GherkinEnv::new(DEFAULT_LANGUAGE).unwrap_or_default();
    gherkin::Feature::parse(text, env)
}

/// Fills in the rows of an outline; a scenario without examples comes back as it is.
fn expand(
    feature: &gherkin::Feature,
    scenario: &gherkin::Scenario,
) -> Result<Vec<gherkin::Scenario>, Complaint> {
    let alone = gherkin::Feature { scenarios: vec![scenario.clone()], rules: Vec::new(), ..feature.clone() };
    let expanded = alone.expand_examples().map_err(|error| {
        Complaint::new(
            error.pos.line,
            format!("<{}> is not a column of the examples", error.name),
            format!("例子中没有<{}>这一列", error.name),
        )
    })?;
    Ok(expanded.scenarios)
}

/// The lines of the rows of an outline's examples, in order.
fn row_lines(scenario: &gherkin::Scenario, text: &str) -> Result<Vec<usize>, Complaint> {
    let rows: Vec<_> = scenario
        .examples
        .iter()
        .filter_map(|examples| examples.table.as_ref())
        .flat_map(|table| table_lines(table, text).skip(1))
        .map(|(line, _)| line)
        .collect();
    match scenario.examples.first() {
        Some(examples) if rows.is_empty() => Err(Complaint::new(
            examples.position.line,
            "these examples have no row, so nothing would run",
            "例子中没有数据行，不会运行任何场景",
        )),
        _ => Ok(rows),
    }
}

/// The lines of a table, with their numbers.
fn table_lines<'a>(table: &gherkin::Table, text: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    text.lines()
        .enumerate()
        .skip(table.position.line - 1)
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| line.starts_with('|'))
        .take(table.rows.len())
}

/// The cells of a table's line; `\|` is not a border.
fn cells(line: &str) -> usize {
    line.replace("\\\\", "").replace("\\|", "").matches('|').count().saturating_sub(1)
}

/// gherkin cuts a row that is longer than the first without a word.
fn check_tables(feature: &gherkin::Feature, text: &str) -> Result<(), Complaint> {
    let scenarios = feature.scenarios.iter().chain(feature.rules.iter().flat_map(|rule| &rule.scenarios));
    let backgrounds =
        feature.background.iter().chain(feature.rules.iter().filter_map(|r| r.background.as_ref()));
    let tables = scenarios
        .flat_map(|scenario| {
            let examples = scenario.examples.iter().filter_map(|examples| examples.table.as_ref());
            scenario.steps.iter().filter_map(|step| step.table.as_ref()).chain(examples)
        })
        .chain(
            backgrounds.flat_map(|background| background.steps.iter().filter_map(|step| step.table.as_ref())),
        );
    for table in tables {
        for (line, row) in table_lines(table, text) {
            let (expected, found) = (table.row_width(), cells(row));
            if expected != found {
                return Err(uneven(line, expected, found));
            }
        }
    }
    Ok(())
}

fn uneven(line: usize, expected: usize, found: usize) -> Complaint {
    Complaint::new(
        line,
        format!("this row has {found} cells, the first row of its table has {expected}"),
        format!("该行有{found}个单元格，表格首行有{expected}个；单元格内的竖线写作`\\|`"),
    )
    .help("write `\\|` for a bar inside a cell")
}

/// Finds the line at fault and says what is wrong with it.
fn diagnose(text: &str, error: &str) -> Complaint {
    let lines: Vec<_> = text.lines().collect();
    if let Some((index, language)) = language(&lines)
        && !gherkin::is_language_supported(language)
    {
        return Complaint::new(
            index + 1,
            format!("`{language}` is not a language of Gherkin"),
            format!("Gherkin没有语言“{language}”；可用如zh-CN、zh-TW、en"),
        )
        .help("for example zh-CN, zh-TW or en");
    }
    // The fault lies behind the longest beginning that parses, and not behind the position that gherkin gives.
    let reached = reported_line(error).unwrap_or(lines.len()).min(lines.len());
    let good =
        (0..=reached).rev().find(|&n| n > 0 && parse_gherkin(&lines[..n].join("\n")).is_ok()).unwrap_or(0);
    let meaningful = |line: &str| !line.is_empty() && !line.starts_with(['#', '@']);
    let Some(index) = (good..lines.len()).find(|&index| meaningful(lines[index].trim())) else {
        return Complaint::new(good + 1, "something is missing at the end of the file", "文件末尾缺少内容");
    };
    let (line, number) = (lines[index].trim(), index + 1);
    let language = language(&lines).map_or(DEFAULT_LANGUAGE, |(_, language)| language);
    if line.starts_with('|') {
        let first = lines[..index]
            .iter()
            .rev()
            .map(|line| line.trim())
            .take_while(|line| line.starts_with('|'))
            .last();
        return match first {
            Some(first) if cells(first) != cells(line) => uneven(number, cells(first), cells(line)),
            _ if !line.ends_with('|') => {
                Complaint::new(number, "this row of a table does not end with `|`", "表格的该行没有以`|`结尾")
            }
            _ => Complaint::new(number, "a table has no place here", "此处不能有表格"),
        };
    }
    if line.starts_with("\"\"\"") || line.starts_with("```") {
        return Complaint::new(
            number,
            "this text block has no end, or no step before it",
            "文本块没有结束，或其前没有步骤",
        );
    }
    if line.contains('：') {
        return Complaint::new(
            number,
            "this line has a full-width colon",
            "该行用了全角冒号；关键字以半角`:`结尾",
        )
        .help("keywords end with `:`");
    }
    let complaint = if good == 0 {
        Complaint::new(
            number,
            format!("a feature file in `{language}` starts with its feature, and this does not"),
            format!("{language}的场景文件应以功能开头"),
        )
    } else {
        Complaint::new(
            number,
            format!("this line starts with no keyword of `{language}` that may stand here"),
            format!("该行没有以{language}在此处可用的关键字开头"),
        )
    };
    complaint.help(match language {
        "zh-CN" => "功能: 背景: 场景: 场景大纲: 例子: 假如 假设 假定 当 那么 而且 并且 同时 但是 (or `# language: en` in the first line)",
        "en" => "Feature: Background: Rule: Scenario: Scenario Outline: Examples: Given When Then And But",
        _ => "the keywords of a language are those of the Gherkin reference",
    })
}

/// The language that the head of the file names, and on which line (from 0).
fn language<'a>(lines: &[&'a str]) -> Option<(usize, &'a str)> {
    lines
        .iter()
        .enumerate()
        .take_while(|(_, line)| line.trim().is_empty() || line.trim().starts_with('#'))
        .find_map(|(index, line)| {
            let name = line.trim().strip_prefix('#')?.trim_start().strip_prefix("language")?;
            Some((index, name.trim_start().strip_prefix(':')?.trim()))
        })
}

/// The line in the text of a `gherkin::ParseError` (`Error at LINE:COLUMN: …`), whose fields are private.
fn reported_line(error: &str) -> Option<usize> {
    error.strip_prefix("Error at ")?.split(':').next()?.parse().ok()
}
