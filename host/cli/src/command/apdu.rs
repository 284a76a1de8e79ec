//! `ukey apdu`: commands sent as they are written, and what the token answers. For those who make or test tokens.
//!
//! The answer is what was asked for, and is shown as it came. What was sent is told in words only: it may hold a PIN.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};
use ukey_apdu::ins::Cost;
use ukey_device::{Device, Status};

use crate::failure::{Failure, Result};
use crate::hexdump::hexdump;
use crate::notation::{Expected, Request};
use crate::options::{Format, Token};
use crate::output;
use crate::script::{Script, Step};

mod shell;

const NOTATION: &str = "A command is written [CLA]INS[P1P2][:DATA][/LE][=SW]: INS in hexadecimal or by its name, DATA in \
hexadecimal with \"texts\" between, SW what is expected, x for any digit. CLA is 80 and P1P2 are 0000 without. More than eight \
digits are a whole envelope. For example: GetDevInfo/0120=9000  OpenApplication:\"UKEY\"  'GetPinInfo0001:1000=9000'";

/// Send commands as they are, and look at the answers.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Exit codes: 0 all as expected, 1 another answer than was expected, 2 usage (nothing was sent), 5 the \
                  target was not reached."
)]
pub(crate) struct Apdu {
    #[command(flatten)]
    token: Token,
    #[command(flatten)]
    permit: Permit,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Send commands, one after the other; stop at the first answer that is not as expected.
    #[command(after_help = NOTATION)]
    Send {
        /// Commands, as told below
        #[arg(required = true, value_name = "COMMAND")]
        commands: Vec<String>,
        /// How to print the answers
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Send the commands of a file: a line each, `reset`, `= SW` for what is expected, `#` for comments.
    #[command(after_help = NOTATION)]
    Script {
        /// The file; - for the standard input
        file: PathBuf,
        /// Go on after an answer that is not as expected
        #[arg(long)]
        keep_going: bool,
        /// Write the script with the answers to a file that only its owner reads
        #[arg(long, value_name = "FILE")]
        record: Option<PathBuf>,
        /// How to print the answers
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Send commands as they are typed, or as they come from a pipe.
    #[command(after_help = NOTATION)]
    Shell,
}

/// What may be done to a key that is not ours.
#[derive(clap::Args, Debug)]
struct Permit {
    /// Send also what spends tries or writes to a key that no program can pull; needs --serial
    #[arg(long, global = true, requires = "serial")]
    allow_destructive: bool,
    /// The serial number of the key that may be changed
    #[arg(long, global = true, value_name = "NUMBER", requires = "allow_destructive")]
    serial: Option<String>,
}

impl Apdu {
    /// Carries it out.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let Apdu { token, permit, verb } = self;
        match verb {
            Verb::Send { commands, format } => {
                let requests = commands.iter().map(|text| parse(text)).collect::<Result<Vec<_>>>()?;
                let session = Session::start(&token, &permit)?;
                requests.iter().try_for_each(|request| session.permits(request))?;
                let mut told = Told::new(&token, format);
                for request in &requests {
                    let answered = session.send(request)?;
                    told.push(None, &answered);
                    if !answered.passed() {
                        break;
                    }
                }
                Ok(told.end())
            }
            Verb::Script { file, keep_going, record, format } => {
                let text = read(&file)?;
                let script = Script::read(&text).map_err(|error| Failure::script(&file, &text, &error))?;
                let session = Session::start(&token, &permit)?;
                let mut told = Told::new(&token, format);
                let mut answers = Vec::new();
                let ran = session.run(&script, keep_going, &mut told, &mut answers);
                if let Some(record) = record {
                    write(&record, &script.recorded(&answers))?;
                }
                ran?;
                Ok(told.end())
            }
            Verb::Shell => Session::start(&token, &permit)?.shell(&token),
        }
    }
}

fn parse(text: &str) -> Result<Request> {
    text.parse().map_err(|error| Failure::notation(text, &error))
}

fn read(file: &Path) -> Result<String> {
    let text =
        if file.as_os_str() == "-" { io::read_to_string(io::stdin()) } else { std::fs::read_to_string(file) };
    text.map_err(|source| Failure::Read { path: file.to_owned(), source })
}

/// It may hold the cryptogram of a PIN, or what the token decrypted.
fn write(file: &Path, text: &str) -> Result<()> {
    let open = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file);
    let write = |mut file: std::fs::File| {
        // One that was there before may be anybody's to read.
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        file.write_all(text.as_bytes())
    };
    open.and_then(write).map_err(|error| Failure::unwritable(file, &error, "--record"))
}

/// An exchange that took place.
struct Answered {
    /// Both sides in words, without secrets.
    line: String,
    /// The command as people know it.
    name: String,
    answer: Vec<u8>,
    expected: Option<Expected>,
}

impl Answered {
    fn status(&self) -> Option<Status> {
        self.answer.split_last_chunk::<2>().map(|(_, word)| Status(u16::from_be_bytes(*word)))
    }

    fn data(&self) -> &[u8] {
        self.answer.split_last_chunk::<2>().map_or(&self.answer, |(data, _)| data)
    }

    /// Whether it is as expected, or nothing was.
    fn passed(&self) -> bool {
        self.expected.is_none_or(|expected| self.status().is_some_and(|status| expected.fits(status)))
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", self.line);
        if !self.data().is_empty() {
            text.push_str(&hexdump(self.data()));
        }
        text
    }

    /// What was not as expected.
    fn complaint(&self, line: Option<usize>) -> Option<String> {
        let expected = self.expected.filter(|_| !self.passed())?;
        let place = line.map_or_else(String::new, |line| format!("line {line}: "));
        let name = &self.name;
        Some(match self.status() {
            Some(status) => format!(
                "{place}{name}: expected {expected}, got {status}\n{name}：应为{expected}，实为{:04X}（{}）",
                status.0,
                status.meaning_zh()
            ),
            None => format!(
                "{place}{name}: expected {expected}, got no status word\n{name}：应为{expected}，却没有状态字"
            ),
        })
    }

    fn json(&self, line: Option<usize>) -> Value {
        let status = self.status();
        json!({
            "line": line,
            "command": self.name,
            "text": self.line,
            "data": hex::encode_upper(self.data()),
            "status": status.map(|status| format!("{:04X}", status.0)),
            "meaning": status.map(|status| status.meaning().to_string()),
            "meaning_zh": status.map(|status| status.meaning_zh().to_string()),
            "expected": self.expected.map(|expected| expected.to_string()),
            "passed": self.passed(),
        })
    }
}

/// What is printed of the exchanges: at once for people, at the end for programs.
struct Told {
    format: Format,
    target: String,
    exchanges: Vec<Value>,
    passed: bool,
}

impl Told {
    fn new(token: &Token, format: Format) -> Told {
        Told { format, target: token.target().to_string(), exchanges: Vec::new(), passed: true }
    }

    fn push(&mut self, line: Option<usize>, answered: &Answered) {
        self.passed &= answered.passed();
        match self.format {
            Format::Text => output::result(&answered.text()),
            Format::Json => self.exchanges.push(answered.json(line)),
        }
        if let Some(complaint) = answered.complaint(line) {
            output::say(&complaint);
        }
    }

    fn reset(&mut self, line: usize) {
        match self.format {
            Format::Text => output::result("reset\n"),
            Format::Json => self.exchanges.push(json!({ "line": line, "command": "reset", "passed": true })),
        }
    }

    /// Version 1 of the layout: fields are added, never changed.
    fn end(self) -> ExitCode {
        if self.format == Format::Json {
            let all = json!({
                "version": 1,
                "target": self.target,
                "passed": self.passed,
                "exchanges": self.exchanges,
            });
            output::result(&format!("{all:#}\n"));
        }
        if self.passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// A token that is spoken to.
struct Session {
    device: Device,
}

impl Session {
    fn start(token: &Token, permit: &Permit) -> Result<Session> {
        Session::over(token.connect()?, permit)
    }

    fn over(device: Device, permit: &Permit) -> Result<Session> {
        if let (Some(serial), true) = (&permit.serial, permit.allow_destructive && device.is_guarded()) {
            device.allow_destructive(serial)?;
        }
        Ok(Session { device })
    }

    /// Refuses what could harm a key that is not ours: the one that is there now, which need not be the one that was there
    /// at the beginning. A command of nobody's table could do anything.
    fn permits(&self, request: &Request) -> Result<()> {
        let cost = request.ins().map(ukey_apdu::Ins::cost);
        let why = match cost {
            Some(Cost::Nothing) => return Ok(()),
            _ if !self.device.is_guarded() => return Ok(()),
            Some(Cost::Try) => "may spend a try of this key",
            Some(Cost::Lasting) => "changes what is in this key",
            None => "is no command of the standard, and may do anything to this key",
        };
        Err(Failure::usage(
            format!("{} {why}; it was not sent", name(request)),
            "where that is meant, name the key: --allow-destructive --serial NUMBER",
            "该命令可能消耗重试次数或改变UKey，未发送；如确需执行，请加 --allow-destructive --serial 序列号",
        ))
    }

    fn send(&self, request: &Request) -> Result<Answered> {
        self.permits(request)?;
        let answer = self.device.transmit(&request.envelope)?;
        let line = self.device.trace().pop().map(|traced| traced.line).unwrap_or_default();
        Ok(Answered { line, name: name(request), answer, expected: request.expected })
    }

    /// Carries a script out; `answers` gets what came, one for each step that was taken.
    fn run(
        &self,
        script: &Script,
        keep_going: bool,
        told: &mut Told,
        answers: &mut Vec<Vec<u8>>,
    ) -> Result<()> {
        // What may not be sent is refused before anything is.
        for (_, step) in script.steps() {
            if let Step::Send(request) = step {
                self.permits(request)?;
            }
        }
        for (line, step) in script.steps() {
            match step {
                Step::Reset => {
                    self.device.reconnect()?;
                    told.reset(line);
                    answers.push(Vec::new());
                }
                Step::Send(request) => {
                    let answered = self.send(request)?;
                    told.push(Some(line), &answered);
                    let passed = answered.passed();
                    answers.push(answered.answer);
                    if !passed && !keep_going {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The command as people know it.
fn name(request: &Request) -> String {
    match (request.ins(), request.envelope.get(1)) {
        (Some(ins), _) => ins.name().to_owned(),
        (None, Some(ins)) => format!("INS {ins:02X}"),
        (None, None) => "an empty envelope".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use ukey_device::{ErrorKind, Link, LinkError, Options, Place, Simulator};

    use super::*;

    /// A key that nobody can pull but by hand.
    struct ByHand(Box<dyn Link>);

    impl Link for ByHand {
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
            self.0.transmit(command)
        }

        fn reset(&mut self) -> Result<(), LinkError> {
            self.0.reset()
        }
    }

    fn session(allow_destructive: bool, serial: Option<&str>, ours: bool) -> Result<Session> {
        let simulator = Simulator::fresh(&Options { seed: Some(1), ..Options::default() }).unwrap();
        let serial = serial.map(|serial| match serial {
            "its own" => simulator.serial_number(),
            other => other.to_owned(),
        });
        let link = simulator.link().unwrap();
        let link = if ours { link } else { Box::new(ByHand(link)) };
        let device = Device::new(link, ukey_device::Dialect::GM2012).unwrap();
        Session::over(device, &Permit { allow_destructive, serial })
    }

    /// One that spends a try, one that writes, one of nobody's table, one in another class.
    const PRECIOUS: [&str; 4] = ["VerifyPin0001:100000", "SetLabel:\"mine\"", "80E0", "00180001"];

    #[test]
    fn a_key_that_is_not_ours_is_only_asked() {
        let session = session(false, None, false).unwrap();
        for command in PRECIOUS {
            let refused = session.send(&parse(command).unwrap()).map(|_| ()).unwrap_err();
            assert!(refused.to_string().contains("was not sent"), "{command}: {refused}");
        }
        let sent = session.device.trace();
        assert!(sent.iter().all(|traced| traced.line.starts_with("GetDevInfo")), "only who it is: {sent:?}");
        assert!(session.send(&parse("GetDevInfo=9000").unwrap()).unwrap().passed());
        let script = Script::read("GetDevInfo\nSetLabel:00\n").unwrap();
        let mut answers = Vec::new();
        let mut told =
            Told { format: Format::Json, target: String::new(), exchanges: Vec::new(), passed: true };
        session.run(&script, true, &mut told, &mut answers).unwrap_err();
        assert!(answers.is_empty(), "a script is refused as a whole");
    }

    #[test]
    fn the_key_that_was_named_may_be_changed_and_no_other() {
        let named = session(true, Some("its own"), false).unwrap();
        for command in PRECIOUS {
            named.send(&parse(command).unwrap()).unwrap();
        }
        let other = session(true, Some("another"), false).map(|_| ()).unwrap_err();
        assert!(
            matches!(&other, Failure::Device(error) if matches!(error.kind(), ErrorKind::AnotherKey { .. })),
            "{other}"
        );
    }

    /// A reader whose key is another one after each reset.
    struct Swapped(Vec<Box<dyn Link>>);

    impl Link for Swapped {
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
            self.0[0].transmit(command)
        }

        fn reset(&mut self) -> Result<(), LinkError> {
            self.0.remove(0);
            self.0[0].reset()
        }
    }

    #[test]
    fn a_key_that_takes_the_others_place_in_a_session_is_only_asked() {
        let fresh = |seed| Simulator::fresh(&Options { seed: Some(seed), ..Options::default() }).unwrap();
        let (named, other) = (fresh(1), fresh(2));
        let links = [&named, &other, &named].map(|key| key.link().unwrap());
        let device = Device::new(Box::new(Swapped(links.into())), ukey_device::Dialect::GM2012).unwrap();
        let permit = Permit { allow_destructive: true, serial: Some(named.serial_number()) };
        let session = Session::over(device, &permit).unwrap();
        assert!(session.say("SetLabel:\"mine\"=9000").unwrap());
        assert!(session.say("reset").unwrap());
        let operations = other.flash_operations();
        for command in PRECIOUS {
            let refused = session.say(command).unwrap_err();
            assert!(refused.to_string().contains("was not sent"), "{command}: {refused}");
        }
        assert_eq!(other.flash_operations(), operations);
        assert!(session.say("GetDevInfo=9000").unwrap());
    }

    #[test]
    fn what_was_allowed_is_counted() {
        let named = session(true, Some("its own"), false).unwrap();
        for command in ["GenRandom/10=9000", "DevAuth:09090909090909090909090909090909=63Cx"] {
            assert!(named.say(command).unwrap(), "{command}");
        }
        assert_eq!(named.device.tally().device_key.wrong, 1);
    }

    #[test]
    fn a_key_of_our_own_may_be_sent_anything() {
        let ours = session(false, None, true).unwrap();
        for command in PRECIOUS {
            ours.send(&parse(command).unwrap()).unwrap();
        }
    }
}
