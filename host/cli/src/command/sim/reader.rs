//! A token in smart card readers: which of them have it; what is missing where one has not, and the command that brings it.

use serde_json::{Value, json};
use ukey_device::running::control::{Insertion, State};

use crate::doctor::{self, Finding, probe};

/// The readers of a token as programs read them, with what is known of them: nothing of a token that is just ending.
pub(super) fn json(readers: &[String], state: Option<&State>) -> Value {
    let row = |reader: &String| {
        let known = insertion(reader, state);
        json!({
            "reader": reader,
            "in_reader": known.map(|known| known.problem.is_none()),
            "problem": known.and_then(|known| known.problem.as_ref()),
        })
    };
    readers.iter().map(row).collect()
}

/// What is known of that reader of a token.
pub(super) fn insertion<'s>(reader: &str, state: Option<&'s State>) -> Option<&'s Insertion> {
    state?.readers.iter().find(|known| known.reader == reader)
}

/// What to say of tokens that are not in a reader; nothing where each is in all of its own, or was pulled.
pub(super) fn missing<'s>(tokens: impl IntoIterator<Item = &'s State>) -> Option<String> {
    let mut text = String::new();
    for State { serial_number, readers, .. } in tokens.into_iter().filter(|token| token.plugged_in) {
        for Insertion { reader, problem } in readers {
            if let Some(problem) = problem {
                text.push_str(&format!(
                    "UKey {serial_number} is not in the smart card reader at {reader}: {problem}\n\
                     UKey {serial_number}未插入{reader}的读卡器：{problem}\n"
                ));
            }
        }
    }
    if text.is_empty() {
        return None;
    }
    let faults = doctor::virtual_reader_faults(&probe::virtual_reader());
    for Finding { reason, command, .. } in &faults {
        text.push_str(&format!("  {}\n  {}\n", reason.en, reason.zh));
        if let Some(command) = command {
            text.push_str(&format!("  → {command}\n"));
        }
    }
    if faults.is_empty() {
        text.push_str(
            "  pcscd and vpcd are there: --vpcd HOST:PORT names the port of an empty reader; the first is 35963, each \
             further one the next\n  pcscd和vpcd均已就绪：请用--vpcd HOST:PORT指定空读卡器的端口，第一个为35963，其余依次递增\n",
        );
    }
    text.push_str("It goes in by itself as soon as the reader takes it.\n读卡器就绪后会自动插入。");
    Some(text)
}
