//! Masks the PINs and passwords that stand in step texts.
//!
//! Guarantees: what a step's text quotes as a PIN or password is shown as `‹redacted›` in that step and wherever
//! else the same value turns up in the report of its scenario. It refuses to know which steps there are: an argument
//! counts as one if a word for PIN or password precedes it in its clause; in doubt it is masked.

use crate::runner::suite::Case;

/// What stands in place of a secret.
pub const REDACTED: &str = "‹redacted›";

/// Words for a PIN or password, in lower case.
const WORDS: [&str; 6] = ["口令", "密码", "password", "passcode", "passphrase", "pin"];
/// Words for entering one once more.
const AGAIN: [&str; 7] = ["再次", "重复", "确认", "again", "repeat", "confirm", "retype"];
/// Words that make what is quoted a text on the screen instead.
const SHOWN: [&str; 7] = ["提示", "显示", "原因", "say", "show", "display", "message"];

/// How long a value must be to be masked inside of words too; a shorter one may be part of any number.
const LONG: usize = 6;

/// The secrets of one scenario.
#[derive(Default)]
pub(crate) struct Redactor {
    /// The longest first: one may be part of another.
    secrets: Vec<String>,
}

impl Redactor {
    /// Those in the steps of a scenario.
    pub(crate) fn of(case: &Case) -> Self {
        Self::from_texts(case.steps().map(|(step, _)| step.value.as_str()))
    }

    fn from_texts<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut secrets: Vec<String> = texts.flat_map(secrets).filter(|secret| !secret.is_empty()).collect();
        secrets.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        secrets.dedup();
        Self { secrets }
    }

    /// The text without them.
    pub(crate) fn mask(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| replace(&text, secret))
    }
}

/// Replaces a secret; a short one only where it is a word of its own.
fn replace(text: &str, secret: &str) -> String {
    let (mut masked, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(secret) {
        let (before, after) = (&rest[..at], &rest[at + secret.len()..]);
        let part_of_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let inside = part_of_word(before.chars().next_back().or(masked.chars().next_back()))
            || part_of_word(after.chars().next());
        masked.push_str(before);
        masked.push_str(if inside && secret.chars().count() < LONG { secret } else { REDACTED });
        rest = after;
    }
    masked + rest
}

/// The arguments of a step that are PINs or passwords.
fn secrets(text: &str) -> Vec<String> {
    let (mut found, mut after_secret, mut rest) = (Vec::new(), false, text);
    while let Some((before, argument, after)) = argument(rest) {
        let before = before.to_lowercase();
        let mut clauses = before.rsplit([',', '，', ';', '；', '。']);
        let clause = clauses.next().unwrap_or_default();
        let same_clause = clauses.next().is_none() || clause.trim().is_empty();
        let again = AGAIN.iter().any(|word| clause.contains(word));
        let word = pin_word(clause);
        let shown = SHOWN.iter().filter_map(|shown| clause.rfind(shown)).max();
        after_secret = shown <= word && (word.is_some() || (after_secret && (again || same_clause)));
        if after_secret {
            found.push(argument.to_owned());
            found.push(argument.replace("\\\"", "\"").replace("\\'", "'"));
        }
        rest = after;
    }
    found
}

/// Where the last word for a PIN or password stands.
fn pin_word(clause: &str) -> Option<usize> {
    let words = WORDS.iter().flat_map(|word| clause.match_indices(word));
    let whole = words.filter(|(at, word)| {
        // “spinning” speaks of no PIN; “PINs” and “passwords” do.
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
        let tail = clause[at + word.len()..].trim_start_matches('s');
        !letter(clause[..*at].chars().next_back()) && !letter(tail.chars().next())
    });
    whole.map(|(at, _)| at).max()
}

/// The first quoted argument: what stands before it, itself, what comes after it. `'` inside a word is no quote.
fn argument(text: &str) -> Option<(&str, &str, &str)> {
    let opening = |&(at, c): &(usize, char)| {
        let word = text[..at].chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric());
        c == '"' || (c == '\'' && !word)
    };
    let (open, quote) = text.char_indices().find(opening)?;
    let inner = &text[open + 1..];
    let mut escaped = false;
    let close = inner.char_indices().find_map(|(at, c)| {
        let closes = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        closes.then_some(at)
    })?;
    Some((&text[..open], &inner[..close], &inner[close + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn masked(text: &str, expected: &str) {
        assert_eq!(Redactor::from_texts([text].into_iter()).mask(text), expected.replace('*', REDACTED));
    }

    #[test]
    fn arguments_after_words_for_a_pin_are_masked() {
        masked("示例科技有限公司已领到UKey，口令为\"Mima-2026\"", "示例科技有限公司已领到UKey，口令为\"*\"");
        masked("校验口令\"Wrong-0001\"", "校验口令\"*\"");
        masked("插着UKey，输入口令\"Mima-2026\"登录", "插着UKey，输入口令\"*\"登录");
        masked(
            "输入新口令\"Xin-2026\"，再次输入\"Xin-2027\"，点击确认",
            "输入新口令\"*\"，再次输入\"*\"，点击确认",
        );
        masked("旧口令\"Mima-2026\"与新口令\"Xin-2026\"恰有一个有效", "旧口令\"*\"与新口令\"*\"恰有一个有效");
        masked("用口令\"a-2\"可以签名，用口令\"b-1\"不可以", "用口令\"*\"可以签名，用口令\"*\"不可以");
        masked("屏幕显示口令\"Mima-2026\"", "屏幕显示口令\"*\"");
        masked("可选口令\"Mima-2026\"、\"Xin-2026\"", "可选口令\"*\"、\"*\"");
        masked("把账号密码改为\"New-Secret-1\"", "把账号密码改为\"*\"");
        masked("把口令从\"Mima-2026\"改为\"Xin-2026\"", "把口令从\"*\"改为\"*\"");
    }

    #[test]
    fn english_steps_too() {
        masked("the PIN \"Mima-2026\" is verified", "the PIN \"*\" is verified");
        masked("the holder's new PIN is 'Xin-2026'", "the holder's new PIN is '*'");
        masked("enter the new PIN \"Xin-2026\", again \"Xin-2027\"", "enter the new PIN \"*\", again \"*\"");
        masked("change both PINs from \"aaaaaa\" to \"bbbbbb\"", "change both PINs from \"*\" to \"*\"");
        masked("log in as \"zhang\", password \"a \\\" b\"", "log in as \"zhang\", password \"*\"");
    }

    #[test]
    fn what_is_no_pin_stays() {
        for text in [
            "提示\"口令须为6-10位\"",
            "输入口令后提示\"口令错误\"",
            "订单查询显示密码获取方式为短信，手机\"1990000\"",
            "每次提示的剩余次数依次为\"9、8、7\"",
            "口令已锁死",
            "the spinning disk \"a\"",
            "a PIN that is wrong, and the screen says \"no\"",
            "an open \"quote",
        ] {
            masked(text, text);
        }
    }

    #[test]
    fn the_same_value_is_masked_wherever_it_turns_up() {
        let redactor = Redactor::from_texts(["口令为\"Mima-2026\"", "新口令\"123\"", "口令\"\""].into_iter());
        assert_eq!(redactor.mask("left: Some(\"Mima-2026\") at 3"), "left: Some(\"‹redacted›\") at 3");
        assert_eq!(redactor.mask("xMima-2026x"), "x‹redacted›x");
        assert_eq!(redactor.mask("新口令不合规定：123"), "新口令不合规定：‹redacted›");
        assert_eq!(redactor.mask("13771230001 123123"), "13771230001 123123");
        let one_in_another = Redactor::from_texts(["口令\"Mima-2\"和\"Mima-2026\""].into_iter());
        assert_eq!(one_in_another.mask("Mima-2026"), REDACTED);
    }
}
