//! The nouns of the command line, one file each.

mod agreement;
mod apdu;
mod board;
mod commands;
mod dialect;
mod doctor;
mod hall;
mod info;
mod list;
mod pin;
mod report;
mod sim;
mod sweep;
mod test;
mod trace;

use std::process::ExitCode;

pub(crate) use trace::Tracing;

use crate::failure::Result;

/// What to do.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Show a token: device information, applications, PIN tries, containers.
    #[command(alias = "status")]
    Info(info::Info),
    /// Look at, verify, change or unblock a PIN.
    Pin(pin::Pin),
    /// Make, save and load simulated tokens.
    Sim(sim::Sim),
    /// Send commands as they are, from the command line, a script or a shell.
    Apdu(apdu::Apdu),
    /// The commands of GM/T 0017-2012: which the token has, and how sure their layout is.
    Commands(commands::Commands),
    /// The dialects of GM/T 0017: list them, print one as a file.
    Dialect(dialect::Dialects),
    /// List the tokens that can be reached from this machine.
    #[command(alias = "ls")]
    List(list::List),
    /// Find out what is missing on this machine, and which command brings it.
    Doctor(doctor::Doctor),
    /// Run Gherkin scenarios against tokens and a service hall.
    Test(test::Test),
    /// Merge the reports of several runs.
    Report(report::Report),
    /// Let every step of the online flows fail once, and judge whether hall and token agree in the end.
    Agreement(agreement::Agreement),
    /// Cut the power of a simulated token at every flash operation of every command, and judge what is left.
    Sweep(sweep::Sweep),
    /// The token as a Cortex-M image: what it costs.
    Board(board::BoardCommand),
    /// Recorded traces: show, explain, export, replay.
    Trace(trace::Trace),
    /// The online service hall of a certificate authority.
    Hall(hall::Hall),
}

impl Command {
    /// Carries it out, and says with which code the program ends.
    pub(crate) fn run(self) -> Result<ExitCode> {
        match self {
            Command::Info(info) => info.run()?,
            Command::Pin(pin) => pin.run()?,
            Command::Sim(sim) => sim.run()?,
            Command::Apdu(apdu) => return apdu.run(),
            Command::Commands(commands) => commands.run(),
            Command::Dialect(dialects) => dialects.run()?,
            Command::List(list) => list.run()?,
            Command::Doctor(doctor) => return doctor.run(),
            Command::Test(test) => return Ok(test.run()),
            Command::Report(report) => return Ok(report.run()),
            Command::Agreement(agreement) => return agreement.run(),
            Command::Sweep(sweep) => return sweep.run(),
            Command::Board(board) => return board.run(),
            Command::Trace(trace) => return trace.run(),
            Command::Hall(hall) => hall.run()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
