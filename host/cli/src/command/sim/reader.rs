//! A token that is to be in a smart card reader and is not: what is missing, and the command that brings it.

use ukey_device::running::Running;
use ukey_device::running::control::State;

use crate::doctor::{self, Finding, probe};

/// What to say of a token that is in no reader; nothing where it is in one, has none, or was pulled.
pub(super) fn missing(token: &Running, state: &State) -> Option<String> {
    let problem = state.reader_problem.as_ref().filter(|_| state.plugged_in)?;
    let number = &token.serial_number;
    let mut text = format!(
        "UKey {number} is in no smart card reader: {problem}\nUKey {number}未插入读卡器：{problem}\n"
    );
    let faults = doctor::virtual_reader_faults(&probe::facts(None, &[]));
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
