//! The options that the commands about a token share: which one, in which dialect.

use ukey_device::{Device, Dialect, Options, Target};

use crate::failure::{Failure, Result};

/// The state file that is meant when nobody names a target.
pub(crate) const DEFAULT_STATE: &str = "ukey.ukey";

const TARGET_HELP: &str =
    "The token: sim (fresh, in this process) or sim:FILE [default: sim:ukey.ukey; of test: sim]";

/// Which token a command is about. What is about none takes none.
#[derive(clap::Args, Debug)]
pub(crate) struct Token {
    /// The token, as [`Target`] reads it.
    #[arg(long, env = "UKEY_TARGET", global = true, value_name = "TARGET", help = TARGET_HELP)]
    pub(crate) target: Option<Target>,
    /// The dialect of GM/T 0017 that the token speaks: gm2012, gm3000; a simulated token knows its own
    #[arg(long, env = "UKEY_DIALECT", global = true, value_name = "NAME", value_parser = dialect)]
    pub(crate) dialect: Option<Dialect>,
}

fn dialect(name: &str) -> Result<Dialect, String> {
    Dialect::named(name).ok_or_else(|| {
        let names: Vec<_> = Dialect::BUILT_IN.iter().map(|dialect| dialect.name).collect();
        format!("there is no dialect of that name; there are {}", names.join(", "))
    })
}

impl Token {
    /// The token that was named, else the one in the default state file.
    pub(crate) fn target(&self) -> Target {
        self.target.clone().unwrap_or_else(|| Target::SimFile(DEFAULT_STATE.into()))
    }

    /// Connects to the token.
    pub(crate) fn connect(&self) -> Result<Device> {
        self.target().connect(&Options { dialect: self.dialect, seed: None }).map_err(Failure::from)
    }
}

/// How results are printed.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs; the layout carries a version.
    Json,
}
