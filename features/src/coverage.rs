//! Which rows of the requirements have scenarios, which have none, and why.
//!
//! Guarantees: every row is told, in one order; a row that is neither covered nor excused, an excuse that is no longer
//! needed and a tag that names no row are all shown, and none of them is complete coverage.

use std::{collections::BTreeMap, fmt};

use serde_json::{Value, json};

use crate::{
    rows::{NOT_COVERED, ROWS, is_row, meaning},
    runner::{RunError, RunOptions, Suite, chosen},
};

/// The rows of the requirements beside the scenarios that name them.
#[derive(Debug)]
pub struct Coverage {
    /// The scenarios of each row or row-like tag: `FILE:LINE` and the title.
    scenarios: BTreeMap<String, Vec<(String, String)>>,
}

/// The coverage by the scenarios that the options choose.
///
/// # Errors
/// As [`run`](crate::run), but for reports.
pub fn coverage(options: &RunOptions) -> Result<Coverage, RunError> {
    chosen(options).map(|suite| Coverage::of(&suite))
}

impl Coverage {
    /// The coverage by these scenarios.
    pub fn of(suite: &Suite) -> Self {
        let mut scenarios: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for case in suite.cases() {
            for tag in case.tags().iter().filter(|tag| is_row(tag)) {
                let of_row = scenarios.entry(tag.clone()).or_default();
                let scenario = (case.place(), case.title());
                if !of_row.contains(&scenario) {
                    of_row.push(scenario);
                }
            }
        }
        Self { scenarios }
    }

    /// The scenarios of a row: `FILE:LINE` and the title.
    pub fn scenarios(&self, row: &str) -> &[(String, String)] {
        self.scenarios.get(row).map_or(&[], Vec::as_slice)
    }

    /// Rows that have a scenario.
    pub fn covered(&self) -> usize {
        ROWS.iter().filter(|(id, _)| self.scenarios.contains_key(*id)).count()
    }

    /// Rows without a scenario and without a reason for it.
    pub fn missing(&self) -> Vec<&'static str> {
        let excused = |id: &str| NOT_COVERED.iter().any(|(row, ..)| *row == id);
        ROWS.iter()
            .map(|(id, _)| *id)
            .filter(|id| !self.scenarios.contains_key(*id) && !excused(id))
            .collect()
    }

    /// Rows that are excused and have a scenario all the same.
    pub fn superfluous(&self) -> Vec<&'static str> {
        NOT_COVERED.iter().map(|(id, ..)| *id).filter(|id| self.scenarios.contains_key(*id)).collect()
    }

    /// Tags that look like rows and are none.
    pub fn unknown(&self) -> Vec<&str> {
        self.scenarios.keys().map(String::as_str).filter(|tag| meaning(tag).is_none()).collect()
    }

    /// Whether every row is covered or excused, and nothing else is amiss.
    pub fn is_complete(&self) -> bool {
        self.missing().is_empty() && self.superfluous().is_empty() && self.unknown().is_empty()
    }

    /// The same for programs; the layout carries a version.
    pub fn to_json(&self) -> Value {
        let row = |&(id, meaning): &(&str, &str)| {
            let scenarios: Vec<_> = self
                .scenarios(id)
                .iter()
                .map(|(place, title)| json!({ "place": place, "title": title }))
                .collect();
            let mut row = json!({ "meaning": meaning, "scenarios": scenarios });
            if let Some((_, en, zh)) = NOT_COVERED.iter().find(|(row, ..)| *row == id) {
                row["not_covered"] = json!({ "en": en, "zh": zh });
            }
            (id.to_owned(), row)
        };
        json!({
            "version": 1,
            "rows": ROWS.iter().map(row).collect::<serde_json::Map<_, _>>(),
            "missing": self.missing(),
            "superfluous": self.superfluous(),
            "unknown": self.unknown(),
        })
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, meaning) in ROWS.iter().filter(|(id, _)| self.scenarios.contains_key(*id)) {
            writeln!(f, "{id} {meaning}")?;
            for (place, title) in self.scenarios(id) {
                writeln!(f, "  {place} {title}")?;
            }
        }
        writeln!(f, "\nnot to be covered, and why:")?;
        for (id, en, zh) in NOT_COVERED {
            writeln!(f, "{id} {}\n  {en}\n  {zh}", meaning(id).unwrap_or_default())?;
        }
        let missing = self.missing();
        if !missing.is_empty() {
            writeln!(f, "\nwithout a scenario:")?;
            for id in &missing {
                writeln!(f, "{id} {}", meaning(id).unwrap_or_default())?;
            }
        }
        for id in self.superfluous() {
            writeln!(f, "\n{id} is listed as not to be covered, and has a scenario")?;
        }
        for tag in self.unknown() {
            let (place, _) = &self.scenarios(tag)[0];
            writeln!(f, "\n@{tag} at {place} names no row")?;
        }
        let (covered, total, excused) = (self.covered(), ROWS.len(), NOT_COVERED.len());
        writeln!(
            f,
            "\n{total} rows: {covered} covered, {excused} not to be covered, {} without a scenario",
            missing.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        runner::{built_in, from_text},
        words::Authority,
    };

    fn of(tags: &[&str]) -> Coverage {
        let scenarios: String =
            tags.iter().map(|tags| format!("  {tags}\n  场景: 一个\n    当 加 1\n")).collect();
        Coverage::of(&from_text("a.feature", &format!("功能: 甲\n{scenarios}")).unwrap())
    }

    /// All rows that need a scenario.
    fn all() -> String {
        let excused = |id: &str| NOT_COVERED.iter().any(|(row, ..)| *row == id);
        ROWS.iter().filter(|(id, _)| !excused(id)).map(|(id, _)| format!("@{id} ")).collect()
    }

    #[test]
    fn a_row_is_covered_by_its_scenarios() {
        let coverage = of(&["@U-13 @smoke", "@U-13 @U-14"]);
        assert_eq!(coverage.scenarios("U-13").len(), 2);
        assert_eq!(coverage.scenarios("U-14"), [("a.feature:6".to_owned(), "一个".to_owned())]);
        assert!(coverage.scenarios("U-15").is_empty());
        assert_eq!(coverage.covered(), 2);
        let text = coverage.to_string();
        assert!(text.contains("\n  a.feature:3 一个\n  a.feature:6 一个\n"), "{text}");
        assert!(text.contains(&format!("{} rows: 2 covered", ROWS.len())), "{text}");
    }

    #[test]
    fn it_is_complete_only_when_nothing_is_amiss() {
        assert!(of(&[&all()]).is_complete());
        let without = all().replace("@Z-08 ", "");
        assert_eq!(of(&[&without]).missing(), ["Z-08"]);
        assert!(!of(&[&without]).is_complete());
        assert!(of(&[&without]).to_string().contains("without a scenario:\nZ-08 "));

        let unknown = of(&[&format!("{}@Q-01", all())]);
        assert_eq!((unknown.unknown(), unknown.is_complete()), (vec!["Q-01"], false));
        assert!(unknown.to_string().contains("@Q-01 at a.feature:3 names no row"));

        let superfluous = of(&[&format!("{}@{}", all(), NOT_COVERED[0].0)]);
        assert_eq!((superfluous.superfluous(), superfluous.is_complete()), (vec![NOT_COVERED[0].0], false));
    }

    #[test]
    fn programs_read_the_same() {
        let json = of(&["@U-13"]).to_json();
        assert_eq!(json["rows"]["U-13"]["scenarios"][0]["place"], "a.feature:3");
        assert_eq!(json["rows"].as_object().unwrap().len(), ROWS.len());
        assert_eq!(json["rows"]["U-34"]["not_covered"]["en"], NOT_COVERED[0].1);
        assert_eq!(json["missing"].as_array().unwrap().len(), ROWS.len() - NOT_COVERED.len() - 1);
    }

    #[test]
    fn the_built_in_scenarios_name_no_unknown_row() {
        assert_eq!(Coverage::of(&built_in().unwrap()).unknown(), [""; 0]);
    }

    #[test]
    fn every_flow_runs_over_every_authority() {
        let suite = built_in().unwrap();
        let mut flows: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for case in suite.cases() {
            let Some((flow, _)) =
                case.feature().strip_prefix("features/zh/").and_then(|path| path.split_once('/'))
            else {
                continue;
            };
            let opens = |name: &str| case.steps().any(|(step, _)| step.value.starts_with(name));
            flows.entry(flow).or_default().extend(authorities().filter(|name| opens(name)));
        }
        assert!(flows.len() > 10, "{flows:?}");
        for (flow, seen) in &flows {
            for name in authorities() {
                assert!(seen.contains(&name), "no scenario of {flow} opens the hall of {name}");
            }
        }
    }

    /// The five authorities, as scenarios name them.
    fn authorities() -> impl Iterator<Item = &'static str> {
        Authority::WORDS.iter().map(|(name, _)| *name).filter(|name| !name.is_ascii())
    }

    #[test]
    fn the_built_in_scenarios_cover_every_row() {
        let coverage = Coverage::of(&built_in().unwrap());
        assert_eq!((coverage.missing(), coverage.superfluous()), (vec![], vec![]));
    }
}
