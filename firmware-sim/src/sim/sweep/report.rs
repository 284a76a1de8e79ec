//! What came of a sweep, and how people read it.

use ukey_apdu::Ins;

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// The commands that were cut, in the order of the table.
    pub commands: Vec<Swept>,
    /// Commands of the table that may change something durable and were not cut.
    pub not_covered: Vec<Ins>,
    /// For each command and state the first violation.
    pub violations: Vec<Violation>,
}

/// What came of one command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Swept {
    /// The command.
    pub ins: Ins,
    /// Cuts of the power in each state that knows it.
    pub states: Vec<(&'static str, u64)>,
}

impl Swept {
    /// Cuts in all states.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.states.iter().map(|(_, cuts)| cuts).sum()
    }
}

/// Something that must not happen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The command.
    pub ins: Ins,
    /// Which form of it, where there are several.
    pub form: &'static str,
    /// The state in which it was given.
    pub state: &'static str,
    /// What happened.
    pub what: String,
    /// How to see it: the state, the commands, the cut.
    pub script: Vec<String>,
}

impl Report {
    /// Cuts of all commands.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.commands.iter().map(Swept::cuts).sum()
    }

    /// For people: a line for each command, then each violation with its script.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for swept in &self.commands {
            let (name, cuts, states) = (swept.ins.name(), swept.cuts(), swept.states.len());
            text += &format!("{name:<22} {cuts:>7} cuts in {states} states\n");
        }
        for ins in &self.not_covered {
            text += &format!("{:<22} not covered: it has no case\n", ins.name());
        }
        for Violation { ins, form, state, what, script } in &self.violations {
            let form = if form.is_empty() { String::new() } else { format!(" ({form})") };
            text += &format!("\nviolation: {}{form}, state \"{state}\": {what}\n", ins.name());
            script.iter().for_each(|line| text += &format!("    {line}\n"));
            text += &format!("  again: ukey sweep --command {} --seed {}\n", ins.name(), self.seed);
        }
        let (commands, cuts) = (self.commands.len(), self.cuts());
        text + &format!(
            "\n{commands} commands, {cuts} cuts, {} violations; seed {}\n",
            self.violations.len(),
            self.seed
        )
    }
}
