//! The options that the commands about a token share: which one, in which dialect.

use ukey_device::dialect::BadDialect;
use ukey_device::{Device, Dialect, DialectChoice, Options, Target, UnknownTarget};

use crate::failure::{Failure, Result};

/// The state file that is meant when nobody names a target.
pub(crate) const DEFAULT_STATE: &str = "ukey.ukey";

const TARGET_HELP: &str = "The token: sim (fresh, in this process), sim:FILE, tcp:HOST:PORT, unix:PATH, serial:PATH[@BAUD], \
     pcsc:READER, skf:LIBRARY.so[#DEVICE], or qemu[:BOARD[=FILE]] (the Cortex-M image, emulated); `ukey list` tells what is there \
     [default: sim:ukey.ukey; of test: sim]";

/// Which token a command is about. What is about none takes none.
#[derive(clap::Args, Debug)]
pub(crate) struct Token {
    /// The token, as [`Target`] reads it.
    #[arg(long, env = "UKEY_TARGET", global = true, value_name = "TARGET", help = TARGET_HELP, value_parser = target)]
    pub(crate) target: Option<Target>,
    /// The dialect of GM/T 0017 that the token speaks: one of `ukey dialect list`, a file that ends with .toml, or auto
    /// to find it out by harmless probes; a simulated token knows its own
    #[arg(long, env = "UKEY_DIALECT", global = true, value_name = "NAME|FILE", value_parser = Asked::read)]
    pub(crate) dialect: Option<Asked>,
}

/// A dialect that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// As it was written.
    pub(crate) text: String,
    /// What it means.
    pub(crate) choice: DialectChoice,
}

/// A target, or what is wrong with it in both languages.
pub(crate) fn target(text: &str) -> Result<Target, String> {
    text.parse().map_err(|error| in_both(&error))
}

/// What is wrong with a target, in both languages.
pub(crate) fn in_both(error: &UnknownTarget) -> String {
    format!("{error}\n{}", error.message_zh())
}

impl Asked {
    fn read(text: &str) -> Result<Asked, String> {
        let choice = text.parse().map_err(|error: BadDialect| format!("{error}\n{}", error.message_zh()))?;
        Ok(Asked { text: text.to_owned(), choice })
    }
}

impl Token {
    /// The token that was named, else the one in the default state file.
    pub(crate) fn target(&self) -> Target {
        self.target.clone().unwrap_or_else(|| Target::SimFile(DEFAULT_STATE.into()))
    }

    /// How it is connected to.
    pub(crate) fn options(&self, seed: Option<u64>) -> Options {
        Options { dialect: self.dialect.as_ref().map(|asked| asked.choice), seed }
    }

    /// The dialect that a new token is to speak.
    pub(crate) fn new_dialect(&self) -> Result<Option<Dialect>> {
        match self.dialect.as_ref().map(|asked| asked.choice) {
            None => Ok(None),
            Some(DialectChoice::Of(dialect)) => Ok(Some(dialect)),
            Some(DialectChoice::Auto) => Err(Failure::usage(
                "a new token has no dialect yet that could be found out",
                "name one: --dialect gm2012",
                "新UKey尚无方言可探测；请指定一种：--dialect gm2012",
            )),
        }
    }

    /// Connects to the token.
    pub(crate) fn connect(&self) -> Result<Device> {
        self.target().connect(&self.options(None)).map_err(Failure::from)
    }
}

/// A number that cannot be 0.
pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1\n至少为1".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
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
