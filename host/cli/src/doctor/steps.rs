//! The way to one target, step by step: the parts of the machine that it needs, then the token itself.

use ukey_device::Target;

use super::checks::{self, findings};
use super::facts::Facts;
use super::{Finding, State, Text};

/// What came of connecting to a token.
#[derive(Clone, Debug)]
pub(crate) enum Reached {
    /// The token, by its serial number and label.
    Token { serial_number: String, label: String },
    /// Why not, and what to do.
    Failed { reason: Text, advice: Option<Text> },
    /// It took longer than anybody waits.
    TooLong,
}

/// The steps to a target; `reach` connects to it, and is asked only where nothing stands in the way.
pub(crate) fn steps(target: &Target, facts: &Facts, reach: impl FnOnce() -> Reached) -> Vec<Finding> {
    let mut steps = way(target, facts);
    let check = format!("target:{target}");
    let stopped = steps.iter().find(|step| matches!(step.state, State::Missing | State::Broken));
    if let Some(stopped) = stopped {
        let last = Finding::not_needed(
            check,
            format!("not tried: {} comes first", stopped.check),
            format!("未尝试：须先解决{}", stopped.check),
        );
        steps.push(last);
        return steps;
    }
    steps.push(match reach() {
        Reached::Token { serial_number, label } => Finding::ok(
            check,
            format!("token {serial_number} \"{label}\" answers"),
            format!("UKey {serial_number}“{label}”有应答"),
        ),
        Reached::Failed { reason, advice } => Finding::broken(check, reason.en, reason.zh).advised(advice),
        Reached::TooLong => Finding::broken(check, "it does not answer in time", "超时未应答")
            .advised(Some(Text::new("pull the key, plug it in again", "请拔出UKey后重新插入"))),
    });
    steps
}

/// The parts of the machine on the way to a target.
fn way(target: &Target, facts: &Facts) -> Vec<Finding> {
    let named = |wanted: String| findings(facts).into_iter().filter(move |found| found.check == wanted);
    match target {
        Target::Sim => Vec::new(),
        Target::SimFile(file) => named(format!("state:{}", file.display())).collect(),
        Target::Tcp { .. } | Target::Unix(_) => vec![checks::runtime(facts)],
        Target::Serial { path, .. } => named(format!("serial:{}", path.display())).collect(),
        Target::Pcsc { reader } => {
            let mut steps = vec![checks::feature(facts), checks::pcscd(facts), checks::permission(facts)];
            steps.extend(checks::readers(facts).into_iter().filter(|found| found.check.contains(reader)));
            steps
        }
        Target::Skf { library, .. } => named(format!("library:{}", library.display())).collect(),
        Target::Qemu { board, .. } => {
            std::iter::once(checks::emulator(facts)).chain(named(format!("board-image:{board}"))).collect()
        }
    }
}
