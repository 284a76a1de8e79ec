//! The known steps that are nearest to a text: a slip of the pen is found faster beside what was meant.

use std::collections::BTreeMap;

use super::StepDefinition;

/// What stands for a parameter.
const ANYTHING: char = '…';

/// How many are shown.
const SHOWN: usize = 3;

/// The nearest definitions, one per line with its kinds; none when nothing is near.
pub(super) fn nearest(text: &str, definitions: &[StepDefinition]) -> String {
    let mut kinds: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for definition in definitions {
        kinds.entry(words(&definition.pattern)).or_default().push(definition.kind);
    }
    let text: Vec<char> = text.chars().collect();
    let mut near: Vec<_> = kinds
        .into_iter()
        .filter_map(|(words, kinds)| {
            let pattern: Vec<char> = words.chars().collect();
            let fixed = pattern.iter().filter(|c| **c != ANYTHING).count();
            let distance = distance(&pattern, &text);
            (distance * 2 <= fixed).then_some((distance, words, kinds))
        })
        .collect();
    near.sort();
    near.iter().take(SHOWN).map(|(_, words, kinds)| format!("  {words} ({})\n", kinds.join(", "))).collect()
}

/// A pattern as people write it: its groups become `…`.
fn words(pattern: &str) -> String {
    let pattern = pattern.trim_start_matches('^').trim_end_matches('$');
    let (mut words, mut depth, mut in_class, mut quoted) = (String::new(), 0_usize, false, false);
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                let escaped = rest.next().unwrap_or(c);
                if depth == 0 && !in_class {
                    words.push(escaped);
                }
            }
            '[' => in_class = true,
            ']' => in_class = false,
            _ if in_class => quoted |= c == '"',
            '(' => depth += 1,
            ')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    words += if quoted { "\"…\"" } else { "…" };
                    quoted = false;
                }
            }
            _ if depth > 0 => quoted |= c == '"',
            c => words.push(c),
        }
    }
    words
}

/// How many characters must be put in, taken out or changed to make `text` fit; what a parameter takes is free.
fn distance(pattern: &[char], text: &[char]) -> usize {
    let mut above: Vec<usize> = (0..=text.len()).collect();
    for wanted in pattern {
        let mut row = Vec::with_capacity(above.len());
        let free = *wanted == ANYTHING;
        row.push(above[0] + usize::from(!free));
        for (at, c) in text.iter().enumerate() {
            let change = above[at] + usize::from(!free && c != wanted);
            let leave = above[at + 1] + usize::from(!free);
            let extra = row[at] + usize::from(!free);
            row.push(change.min(leave).min(extra));
        }
        above = row;
    }
    above[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{UkeyWorld, runner::StepTable};

    fn near(text: &str) -> String {
        nearest(text, &StepTable::<UkeyWorld>::definitions())
    }

    #[test]
    fn a_slip_of_the_pen_is_found() {
        assert!(near("成公").starts_with("  成功 (then)\n"), "{}", near("成公"));
        let hall = near("清禾数字证书认证中心的网上服务厅已开同");
        assert!(hall.starts_with("  …的网上服务厅已开通 (given)\n"), "{hall}");
        let pin = near("校验了口令\"Mima-2026\"");
        assert!(pin.starts_with("  校验口令\"…\" (when)\n"), "{pin}");
        let tries = near("口令错，还可重试9次");
        assert!(tries.starts_with("  口令错误，还可重试…次 (then)\n"), "{tries}");
        assert_eq!(near("打开我的证").lines().next(), Some("  打开我的证书 (when)"));
    }

    #[test]
    fn kinds_are_told_together_and_few_are_shown() {
        assert!(
            near("审核员审核通").starts_with("  审核员审核通过 (given, when)\n"),
            "{}",
            near("审核员审核通")
        );
        assert!((1..=SHOWN).contains(&near("点击确认").lines().count()));
    }

    #[test]
    fn what_is_far_from_all_is_near_to_none() {
        assert_eq!(near("今天天气很好，我们去公园散步吧"), "");
        assert_eq!(near(""), "");
    }

    #[test]
    fn patterns_become_words() {
        assert_eq!(words(r#"^登录成功，显示("([^"\\]*(\\.[^"\\]*)*)"|'([^'\\]*)')$"#), "登录成功，显示\"…\"");
        assert_eq!(words(r"^第((?:-?\d+)|(?:\d+))次\(甲\)$"), "第…次(甲)");
        assert_eq!(distance(&['甲', ANYTHING, '乙'], &['甲', '一', '二', '丙']), 1);
    }
}
