//! `ukey commands`: every command of GM/T 0017-2012, whether the token has it, and how sure its layout is. Made from
//! the table that token and host speak by; needs no token.

use std::fmt::Write as _;

use serde_json::{Value, json};
use ukey_apdu::Ins;
use ukey_apdu::command::{SPOKEN, why_not};
use ukey_apdu::ins::Confidence;

use crate::options::Format;
use crate::output;

/// Lists the commands of the standard, and where this token deviates.
#[derive(clap::Args, Debug)]
pub(crate) struct Commands {
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Commands {
    /// Carries it out.
    pub(crate) fn run(self) {
        output::result(&match self.format {
            Format::Text => text(),
            Format::Json => format!("{:#}\n", json()),
        });
    }
}

/// What stands behind a command: `yes`, or what the token answers and why.
fn here(ins: Ins) -> String {
    why_not(ins).map_or_else(|| "yes".to_owned(), |why| format!("no (6A81): {why}"))
}

const fn mark(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Confirmed => "C",
        Confidence::Likely => "L",
    }
}

/// A table that is read in a terminal and as Markdown.
fn text() -> String {
    let mut text = format!(
        "# The commands of GM/T 0017-2012\n\n\
         {} commands, {} of them implemented. Made by `ukey commands`.\n\n\
         Layout C: confirmed, by a page of the standard, a commercial token's capture, or two independent\n\
         implementations that agree. Layout L: likely, by one implementation, or by analogy.\n\n\
         | INS | command                            | clause | layout | implemented |\n\
         |-----|------------------------------------|--------|--------|-------------|\n",
        Ins::ALL.len(),
        SPOKEN.len(),
    );
    for &ins in Ins::ALL {
        let (name, clause, layout) = (ins.name(), ins.clause(), mark(ins.layout()));
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "| {:02X}  | {name:<34} | {clause:<6} | {layout}      | {} |",
            ins as u8,
            here(ins)
        );
    }
    text
}

/// Version 1 of the layout: fields are added, never changed.
fn json() -> Value {
    let commands: Vec<_> = Ins::ALL
        .iter()
        .map(|&ins| {
            json!({
                "ins": format!("{:02X}", ins as u8),
                "name": ins.name(),
                "clause": ins.clause(),
                "implemented": SPOKEN.contains(&ins),
                "why_not": why_not(ins),
                "layout": mark(ins.layout()),
            })
        })
        .collect();
    json!({ "version": 1, "standard": "GM/T 0017-2012", "commands": commands })
}
