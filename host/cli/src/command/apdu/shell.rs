//! `ukey apdu shell`: commands as they are typed, or as they come from a pipe.
//!
//! At a terminal a line can be edited, and earlier ones are fetched back with the arrow keys. They are kept in memory and
//! end with the shell; a line whose data may be secret (a PIN, a key, a cryptogram) is not kept at all.

use std::io::{self, BufRead, IsTerminal, StdinLock, Write};
use std::process::ExitCode;

use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Config, Editor};

use super::{NOTATION, Session, parse};
use crate::failure::{Failure, Result, has_data};
use crate::options::Token;
use crate::output;
use crate::script::spoken;

const PROMPT: &str = "ukey> ";

const HELP: &str = "\
reset   the token loses its power and gets it back
unplug  pull a simulated key; plug  plug it in again
info    who the token is
quit    end";
const HELP_ZH: &str = "输入命令，help 查看说明，quit 结束";

impl Session {
    /// Line by line. What goes wrong in a line ends nothing; from a pipe, it decides how the program ends.
    pub(super) fn shell(&self, token: &Token) -> Result<ExitCode> {
        let typed = io::stdin().is_terminal();
        if typed {
            output::say(&format!("{}; help tells what can be said, quit ends\n{HELP_ZH}", token.target()));
        }
        let mut worst = ExitCode::SUCCESS;
        let mut lines = Lines::open(typed)?;
        loop {
            let Some(line) = lines.next()? else { return Ok(worst) };
            let said = spoken(&line);
            let done = match said {
                "" => Ok(true),
                "quit" | "exit" => return Ok(worst),
                said => self.say(said),
            };
            if !self.may_be_secret(said, done.is_ok()) {
                lines.keep(&line)?;
            }
            let code = match done {
                Ok(true) => continue,
                Ok(false) => ExitCode::FAILURE,
                Err(failure) => {
                    let code = failure.exit_code();
                    output::report(failure);
                    code
                }
            };
            if !typed && worst == ExitCode::SUCCESS {
                worst = code;
            }
        }
    }

    /// One line of the shell; tells whether all was as expected.
    pub(super) fn say(&self, said: &str) -> Result<bool> {
        match said {
            "help" => output::result(&format!("{HELP}\n{NOTATION}\n")),
            "reset" => {
                self.device.reconnect()?;
                output::result("reset\n");
            }
            "unplug" => {
                self.device.unplug()?;
                output::result("unplugged\n");
            }
            "plug" => {
                self.device.plug_in()?;
                output::result("plugged in\n");
            }
            "info" => {
                let info = self.device.info()?;
                output::result(&format!(
                    "label          {}\nserial number  {}\nmanufacturer   {}\nspace          {} of {} bytes free\n",
                    info.label, info.serial_number, info.manufacturer, info.free_space, info.total_space
                ));
            }
            command => {
                let answered = self.send(&parse(command)?)?;
                output::result(&answered.text());
                if let Some(complaint) = answered.complaint(None) {
                    output::say(&complaint);
                }
                return Ok(answered.passed());
            }
        }
        Ok(true)
    }

    /// Whether a line has data that may be secret: of what was sent the trace tells, of anything else nobody.
    fn may_be_secret(&self, said: &str, was_sent: bool) -> bool {
        let is_hidden = || self.device.trace().pop().is_none_or(|traced| traced.command.contains('‹'));
        has_data(said) && (!was_sent || is_hidden())
    }
}

/// Where lines come from.
enum Lines {
    /// A terminal, at which they are edited.
    Edited(Box<Editor<(), MemHistory>>),
    /// A pipe, or a terminal whose answers go elsewhere, so that it is prompted on the other stream.
    Plain { lines: io::Lines<StdinLock<'static>>, prompted: bool },
}

impl Lines {
    fn open(typed: bool) -> Result<Lines> {
        if typed && io::stdout().is_terminal() {
            let config = Config::default();
            let history = MemHistory::with_config(&config);
            let editor = Editor::with_history(config, history).map_err(Failure::internal)?;
            return Ok(Lines::Edited(Box::new(editor)));
        }
        Ok(Lines::Plain { lines: io::stdin().lock().lines(), prompted: typed })
    }

    /// The next one, until there is none.
    fn next(&mut self) -> Result<Option<String>> {
        match self {
            Lines::Edited(editor) => match editor.readline(PROMPT) {
                Ok(line) => Ok(Some(line)),
                // Ctrl-C takes back what was typed.
                Err(ReadlineError::Interrupted) => Ok(Some(String::new())),
                Err(ReadlineError::Eof) => Ok(None),
                Err(error) => Err(Failure::internal(error)),
            },
            Lines::Plain { lines, prompted } => {
                if *prompted {
                    // The prompt stays on the line of what is typed.
                    let _ = write!(io::stderr().lock(), "{PROMPT}");
                }
                lines.next().transpose().map_err(Failure::internal)
            }
        }
    }

    /// Lets a line be fetched back.
    fn keep(&mut self, line: &str) -> Result<()> {
        if let Lines::Edited(editor) = self {
            editor.add_history_entry(line).map_err(Failure::internal)?;
        }
        Ok(())
    }
}
