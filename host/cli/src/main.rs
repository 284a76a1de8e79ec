//! `ukey`: a software UKey, and the harness that drives tokens through a certificate authority's online services.
//!
//! This is the program's skeleton: arguments, the run, the exit code. Each noun of the command line is a file in
//! [`command`]. Results go to standard output, everything said about them to standard error.
//!
//! Exit codes: 0 done · 1 the token refused, or what a command judges is not as it should be · 2 usage or configuration · 5 the target was not reached.

mod command;
mod developer;
mod doctor;
mod failure;
mod hexdump;
mod notation;
mod options;
mod output;
mod script;
mod secret;
mod stop;
mod usage;

use std::process::ExitCode;

use clap::{ArgAction, Parser};

use command::{Command, Tracing};

/// A software UKey (GM/T 0017), and the harness in front of it.
#[derive(Parser, Debug)]
#[command(name = "ukey", version, propagate_version = true, infer_subcommands = true)]
#[command(
    after_help = "Exit codes: 0 done, 1 the token refused or something is not as it should be, 2 usage or configuration, 5 the \
                  target was not reached; those of `test` are in its own help."
)]
struct Arguments {
    /// Say more: -v every exchange with the token, -vv its bytes too (never secrets)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    #[command(flatten)]
    tracing: Tracing,
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage::tell(&error),
    };
    output::start_log(arguments.verbose);
    match arguments.tracing.start().and_then(|()| arguments.command.run()) {
        Ok(code) => code,
        Err(failure) => {
            let code = failure.exit_code();
            output::report(failure);
            code
        }
    }
}
