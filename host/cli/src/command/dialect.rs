//! `ukey dialect`: the dialects of GM/T 0017 that are built in, and any of them as a file.

use std::fmt::Write as _;

use ukey_device::{Dialect, dialect};

use crate::failure::{Failure, Result};
use crate::output;

/// The dialects of GM/T 0017: what the sources disagree on.
#[derive(clap::Args, Debug)]
pub(crate) struct Dialects {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// List the dialects that are built in.
    List,
    /// Print a dialect as TOML, for a file that `--dialect FILE.toml` takes.
    Show {
        /// A built-in dialect, or a file that ends with .toml
        name: String,
    },
}

impl Dialects {
    /// Carries it out.
    pub(crate) fn run(self) -> Result<()> {
        let text = match self.verb {
            Verb::List => list(),
            Verb::Show { name } => dialect::print(&dialect::named(&name).map_err(|error| {
                let chinese = format!("{}；可用 ukey dialect list 查看", error.message_zh());
                Failure::usage(error.to_string(), "see `ukey dialect list`", chinese)
            })?),
        };
        output::result(&text);
        Ok(())
    }
}

fn list() -> String {
    let mut text = String::new();
    for dialect in Dialect::BUILT_IN {
        let default = if *dialect == Dialect::default() { " (default)" } else { "" };
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{:14} {}{default}", dialect.name, about(dialect));
    }
    text
}

/// Where it comes from, and how sure it is.
fn about(dialect: &Dialect) -> &'static str {
    match dialect.name.as_str() {
        "gm2012" => "the recommended reading of GM/T 0017-2012",
        "gm3000" => "a commercial token, known from captures",
        "synochip" => "a token in a memory card, read from its public source code",
        "sunyard" => "a key in the audio jack, read from its public development kit",
        "mass-storage" => "a token over USB mass storage, read from a public tool",
        "gm2023-guess" => "a guess at GM/T 0017-2023: SM3 for SHA-1; no source stands behind it",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_says_where_it_comes_from() {
        for dialect in Dialect::BUILT_IN {
            assert!(!about(dialect).is_empty(), "{}", dialect.name);
        }
        assert_eq!(list().matches("(default)").count(), 1);
    }
}
