//! Splits a suite into shards that several runs share: each scenario is in exactly one of them, whoever splits.
//!
//! Guarantees: which shard a scenario is in follows from the chosen scenarios alone, not from the order or the folder
//! they were found in; sizes differ by one at most. It refuses to know how long a scenario takes.

use std::{fmt, str::FromStr};

use sm3::{Digest, Sm3};

use super::{
    report::Part,
    suite::{Case, Suite},
};

/// One of several shards: `2/3`, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    number: usize,
    of: usize,
}

/// What was given names no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no shard: it is written K/N, where K is from 1 to N, such as 1/3\n“{0}”不是分片：写作K/N，K为1至N，如1/3"
)]
pub struct ShardError(String);

impl Shard {
    /// Which one, from 1.
    pub fn number(self) -> usize {
        self.number
    }

    /// How many there are.
    pub fn of(self) -> usize {
        self.of
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let parsed = text.split_once('/').and_then(|(number, of)| {
            let shard = Self { number: number.trim().parse().ok()?, of: of.trim().parse().ok()? };
            (1..=shard.of).contains(&shard.number).then_some(shard)
        });
        parsed.ok_or_else(|| ShardError(text.to_owned()))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// A part of a suite, ready to run.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) suite: Suite,
    /// The place of each of its scenarios in the whole suite.
    pub(crate) places: Vec<usize>,
    pub(crate) part: Part,
}

impl Selection {
    /// The shard of the suite, or all of it.
    pub(crate) fn of(whole: Suite, shard: Option<Shard>) -> Self {
        let mut order: Vec<_> = whole.cases().iter().map(|case| identity(case)).enumerate().collect();
        // Scenarios that are alike but for their folder keep the order of their folders.
        order.sort_by(|(one, key), (other, other_key)| {
            let place = |at: &usize| (whole.cases[*at].feature(), whole.cases[*at].line());
            key.cmp(other_key).then_with(|| place(one).cmp(&place(other)))
        });
        let mut digest = Sm3::new();
        order.iter().for_each(|(_, key)| digest.update(key));
        let suite = hex::encode(&digest.finalize()[..8]);

        let mine = |turn: usize| shard.is_none_or(|shard| turn % shard.of + 1 == shard.number);
        let mut places: Vec<_> =
            order.iter().enumerate().filter(|(turn, _)| mine(*turn)).map(|(_, (at, _))| *at).collect();
        places.sort_unstable();
        let part = Part { suite, scenarios: whole.cases().len(), shard };
        let cases = places.iter().map(|&at| whole.cases[at].clone()).collect();
        Self { suite: Suite { cases }, places, part }
    }
}

/// Which scenario it is: the same on every machine, wherever its file is.
fn identity(case: &Case) -> [u8; 32] {
    case.seed(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::from_text;

    fn shard(text: &str) -> Shard {
        text.parse().unwrap()
    }

    fn suite(scenarios: usize) -> Suite {
        let scenarios: String =
            (1..=scenarios).map(|number| format!("  场景: 第{number}个\n    当 加 1\n")).collect();
        from_text("a.feature", &format!("功能: 甲\n{scenarios}")).unwrap()
    }

    #[test]
    fn a_shard_is_a_number_of_some() {
        assert_eq!((shard("1/3").number(), shard("3/3").of()), (1, 3));
        assert_eq!(shard("2/3").to_string(), "2/3");
        for wrong in ["0/3", "4/3", "x", "1", "/", "1/0", "0/0", "-1/3", "1/3/5", "", "a/3", "1/b"] {
            let error = wrong.parse::<Shard>().unwrap_err();
            assert!(error.to_string().contains(&format!("`{wrong}`")), "{error}");
        }
    }

    #[test]
    fn each_scenario_is_in_one_shard_and_the_shards_are_balanced() {
        for (scenarios, of) in [(1, 1), (7, 3), (9, 3), (2, 5), (100, 7)] {
            let shards: Vec<_> = (1..=of)
                .map(|number| Selection::of(suite(scenarios), Some(Shard { number, of })).places)
                .collect();
            let mut all = shards.concat();
            all.sort_unstable();
            assert_eq!(all, (0..scenarios).collect::<Vec<_>>());
            let sizes = shards.iter().map(Vec::len);
            assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1, "{shards:?}");
        }
    }

    #[test]
    fn the_order_in_which_they_are_found_does_not_matter() {
        let names = |suite: Suite, part: &str| {
            let selection = Selection::of(suite, Some(shard(part)));
            let mut names: Vec<_> =
                selection.suite.cases().iter().map(|case| case.name().to_owned()).collect();
            names.sort();
            (names, selection.part.suite)
        };
        let reversed = || {
            let mut suite = suite(20);
            suite.cases.reverse();
            suite
        };
        for part in ["1/3", "2/3", "3/3"] {
            assert_eq!(names(suite(20), part), names(reversed(), part));
        }
        assert_ne!(names(suite(20), "1/3"), names(suite(20), "2/3"));
        assert_ne!(names(suite(20), "1/3").1, names(suite(19), "1/3").1, "another suite");
    }
}
