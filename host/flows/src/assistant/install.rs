//! What has to be installed before a key is used: the assistant itself (G-05), the driver, and the controls in their
//! order (R-13, N-16).

use super::machine::{Machine, Part};
use super::status::Version;
use crate::{FlowError, Rule};

/// The question before the assistant is downloaded: 确定 goes on, 取消 stops.
pub const REMOVE_OLD_ZH: &str = "安装前请务必先卸载老版本证书助手!";

/// An answer to a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// 确定.
    Confirm,
    /// 取消.
    Cancel,
}

/// Downloads the assistant, once its holder has confirmed to remove the old one first; `None` after 取消, and nothing
/// was fetched.
///
/// # Errors
/// Those of `fetch`.
pub fn download<T>(
    ask: impl FnOnce(&'static str) -> Answer,
    fetch: impl FnOnce() -> Result<T, FlowError>,
) -> Result<Option<T>, FlowError> {
    match ask(REMOVE_OLD_ZH) {
        Answer::Confirm => fetch().map(Some),
        Answer::Cancel => Ok(None),
    }
}

/// Installs a version of the assistant.
///
/// # Errors
/// [`Rule::OldVersion`] where the old one was not removed before; the computer's refusal.
pub fn install_assistant(machine: &mut dyn Machine, version: &Version) -> Result<(), FlowError> {
    match machine.assistant() {
        Some(installed) => Err(Rule::OldVersion { installed: installed.to_string() }.into()),
        None => Ok(machine.set_assistant(Some(version))?),
    }
}

/// Installs a control: the one that is due, out of an archive that was unzipped.
///
/// # Errors
/// [`Rule::NotUnzipped`]; [`Rule::ControlOrder`], and nothing was installed; the computer's refusal.
pub fn install_control(machine: &mut dyn Machine, number: u8, unzipped: bool) -> Result<(), FlowError> {
    if !unzipped {
        return Err(Rule::NotUnzipped.into());
    }
    let lacking =
        |number: &u8| machine.files(Part::Control(*number)).is_some_and(|files| !files.is_installed());
    let due = (1..=Part::CONTROLS).find(lacking);
    // One that is there already may be installed over.
    if !(1..=Part::CONTROLS).contains(&number) || due.is_some_and(|due| number > due) {
        return Err(Rule::ControlOrder { due: due.unwrap_or(Part::CONTROLS) }.into());
    }
    Ok(machine.put(Part::Control(number))?)
}
