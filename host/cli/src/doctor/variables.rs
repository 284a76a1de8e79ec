//! The environment variables `UKEY_*`, and whether their values make sense.

use ukey_device::{DialectChoice, Target, configured};

use super::{Finding, Text};

/// What a variable holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Holds {
    Target,
    /// Targets, separated by `;`.
    Targets,
    Dialect,
    /// A PIN or a key: its value is not looked at.
    Secret,
    /// Anything.
    Any,
}

/// Every variable that some part of the project reads.
pub(crate) const KNOWN: &[(&str, Holds)] = &[
    ("UKEY_ADMIN_PIN", Holds::Secret),
    ("UKEY_BOARD_IMAGE_DIR", Holds::Any),
    ("UKEY_CI_VENV", Holds::Any),
    ("UKEY_DEVICE_KEY", Holds::Secret),
    ("UKEY_DIALECT", Holds::Dialect),
    ("UKEY_FONT", Holds::Any),
    ("UKEY_GMSSL_PYTHON", Holds::Any),
    ("UKEY_LINKS_OURS", Holds::Any),
    ("UKEY_LOG", Holds::Any),
    ("UKEY_NEW_ADMIN_PIN", Holds::Secret),
    ("UKEY_NEW_DEVICE_KEY", Holds::Secret),
    ("UKEY_NEW_PIN", Holds::Secret),
    ("UKEY_PCSC", Holds::Any),
    ("UKEY_PCSCD_RESTART", Holds::Any),
    ("UKEY_PIN", Holds::Secret),
    ("UKEY_PYSCARD_PYTHON", Holds::Any),
    ("UKEY_RUNTIME_DIR", Holds::Any),
    ("UKEY_SEED", Holds::Any),
    ("UKEY_SHARD", Holds::Any),
    ("UKEY_SKF_CONFIG", Holds::Any),
    ("UKEY_SKF_LIBRARIES", Holds::Any),
    ("UKEY_SKF_LIBRARY", Holds::Any),
    ("UKEY_SKF_TARGETS", Holds::Targets),
    ("UKEY_SKF_TIME_LIMIT", Holds::Any),
    ("UKEY_STATE_DIR", Holds::Any),
    ("UKEY_TARGET", Holds::Target),
    ("UKEY_TARGETS_TAGS", Holds::Any),
    ("UKEY_TRACE", Holds::Any),
    ("UKEY_TRACE_SECRETS", Holds::Any),
    ("UKEY_VPCD_BASE", Holds::Any),
    ("UKEY_WRITE_HEADER", Holds::Any),
];

/// Beginnings of further names: those of the tests, and one token for each desk of the hall.
pub(crate) const FAMILIES: [(&str, Holds); 2] = [("UKEY_TEST_", Holds::Any), ("UKEY_HALL_", Holds::Secret)];

/// What a variable of that name holds.
pub(crate) fn holds(name: &str) -> Option<Holds> {
    let known = KNOWN.iter().find(|(known, _)| *known == name);
    known.or_else(|| FAMILIES.iter().find(|(family, _)| name.starts_with(family))).map(|(_, holds)| *holds)
}

/// What is wrong with a variable; `None` where nothing is.
pub(super) fn fault(name: &str, value: &str) -> Option<Finding> {
    let check = format!("variable:{name}");
    let unset = format!("unset {name}");
    let Some(holds) = holds(name) else {
        let close = KNOWN.iter().map(|(known, _)| *known).min_by_key(|known| distance(known, name));
        let close = close.filter(|known| distance(known, name) <= 3);
        let (en, zh) = close.map_or_else(Default::default, |known| {
            (format!("; {known} may be meant"), format!("，或应为{known}"))
        });
        let finding = Finding::broken(
            check,
            format!("nothing reads {name}{en}"),
            format!("没有程序读取变量{name}{zh}"),
        );
        return Some(finding.by(unset));
    };
    let (complaint, advice) = match holds {
        Holds::Any | Holds::Secret => return None,
        Holds::Target => {
            let error = value.parse::<Target>().err()?;
            (Text::new(error.to_string(), error.message_zh()), None)
        }
        Holds::Targets => {
            let mistake = configured::listed(value).err()?;
            let (en, zh) = mistake.advice();
            (Text::new(mistake.to_string(), mistake.message_zh()), Some(Text::new(en, zh)))
        }
        Holds::Dialect => {
            let error = value.parse::<DialectChoice>().err()?;
            (Text::new(error.to_string(), error.message_zh()), None)
        }
    };
    Some(Finding::broken(check, complaint.en, complaint.zh).advised(advice).by(unset))
}

/// How many letters have to be changed, put in or left out to make one name of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut next = vec![index + 1];
        for (pair, wanted) in row.windows(2).zip(&other) {
            let &[before, above] = pair else { continue };
            let left = next.last().copied().unwrap_or_default();
            next.push((before + usize::from(letter != *wanted)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
