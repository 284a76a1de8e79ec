//! `ukey sim`: simulated tokens in files.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use ukey_device::link::state::{self, BadState, StateFile};
use ukey_device::{Device, LinkError, Options, Simulator, Target};

use crate::developer;
use crate::failure::{Failure, Result};
use crate::options::{DEFAULT_STATE, Shared};
use crate::output;

/// Simulated tokens in files.
#[derive(clap::Args, Debug)]
pub(crate) struct Sim {
    /// The state file [default: the file of the target, ukey.ukey]
    #[arg(long, global = true, value_name = "FILE")]
    state: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Make a developer's token, ready to use; what was in the file is lost.
    Reset {
        /// Leave it as it comes from the factory: without an application
        #[arg(long)]
        factory: bool,
        /// Take everything random from this number, so that it can be made again
        #[arg(long, value_name = "N")]
        seed: Option<u64>,
        #[command(flatten)]
        confirm: Confirm,
    },
    /// Copy the token into another file.
    Save {
        /// Where to
        file: PathBuf,
        #[command(flatten)]
        confirm: Confirm,
    },
    /// Put the token back as it was saved.
    Load {
        /// Where from
        file: PathBuf,
        #[command(flatten)]
        confirm: Confirm,
    },
}

#[derive(clap::Args, Debug)]
struct Confirm {
    /// Do not ask before a token is replaced
    #[arg(long)]
    yes: bool,
}

impl Sim {
    /// Carries it out.
    pub(crate) fn run(self, shared: &Shared) -> Result<()> {
        let state = self.state_file(shared)?;
        match self.verb {
            Verb::Reset { factory, seed, confirm } => {
                confirm.replace(&state)?;
                let simulator = Simulator::fresh(&Options { dialect: shared.dialect, seed })?;
                if !factory {
                    developer::equip(&Device::connect(&simulator)?, seed)?;
                }
                simulator.save_as(&state, true)?;
                let summary = if factory { developer::factory_summary() } else { developer::summary() };
                let (file, serial_number) = (state.display(), simulator.serial_number());
                output::result(&format!(
                    "state file         {file}\nserial number      {serial_number}\n{summary}"
                ));
                Ok(())
            }
            Verb::Save { file, confirm } => {
                let (held, flash) = StateFile::open(&state)?;
                confirm.replace(&file)?;
                StateFile::create(&file, held.header().clone(), &flash, true)?;
                output::say(&format!("Saved {} as {}.", state.display(), file.display()));
                Ok(())
            }
            Verb::Load { file, confirm } => {
                let (header, flash) = state::read(&file)?;
                confirm.replace(&state)?;
                StateFile::create(&state, header, &flash, true)?;
                output::say(&format!("{} is now as in {}.", state.display(), file.display()));
                Ok(())
            }
        }
    }

    fn state_file(&self, shared: &Shared) -> Result<PathBuf> {
        match (&self.state, shared.target()) {
            (Some(file), _) => Ok(file.clone()),
            (None, Target::SimFile(file)) => Ok(file),
            (None, target) => Err(Failure::usage(
                format!("the target {target} has no state file"),
                format!("name one: --state {DEFAULT_STATE}"),
            )),
        }
    }
}

impl Confirm {
    /// Asks before the token in `file` is lost; a file that holds none is never replaced.
    fn replace(&self, file: &Path) -> Result<()> {
        let what = match state::read(file) {
            Err(LinkError::NoFile { .. }) => return Ok(()),
            Err(LinkError::BadFile { problem, .. }) if problem != BadState::Foreign => {
                "a damaged token".to_owned()
            }
            Err(error) => return Err(error.into()),
            Ok((header, _)) => format!("the token {}", header.serial_number),
        };
        if self.yes {
            return Ok(());
        }
        let held = format!("{} holds {what}", file.display());
        if !io::stdin().is_terminal() {
            return Err(Failure::usage(held, "its keys and certificates would be lost; confirm with --yes"));
        }
        // The question stays on the line of its answer.
        let _ = write!(io::stderr().lock(), "{held}. Its keys and certificates will be lost. Go on? [y/N] ");
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map_err(Failure::internal)?;
        if matches!(answer.trim(), "y" | "Y" | "yes" | "是") {
            return Ok(());
        }
        Err(Failure::usage("nothing was changed", "answer y, or give --yes"))
    }
}
