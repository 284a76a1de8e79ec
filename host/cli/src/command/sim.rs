//! `ukey sim`: simulated tokens in files, and where clients look for hardware.

mod reached;
mod reader;
mod running;
mod start;

use std::env;
use std::fmt::Display;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use ukey_device::link::state::{self, BadState, StateFile};
use ukey_device::policy;
use ukey_device::{Device, DialectChoice, LinkError, Options, Policy, Simulator, Target};
use ukey_features::{EnrolError, Enrolled};
use ukey_hall::Profile;

use crate::developer;
use crate::failure::{Failure, Result};
use crate::options::{DEFAULT_STATE, Token};
use crate::output;
use crate::secret;

/// Simulated tokens: made, kept in files, served to clients.
#[derive(clap::Args, Debug)]
pub(crate) struct Sim {
    /// The state file [default: the file of the target, ukey.ukey; of start without a target: none]
    #[arg(long, global = true, value_name = "FILE")]
    state: Option<PathBuf>,
    #[command(flatten)]
    token: Token,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    #[command(flatten)]
    Kept(Kept),
    /// Serve tokens until interrupted: over TCP, sockets, serial lines, in smart card readers. New developer's tokens in
    /// memory, unless --state names a file.
    Start(Box<start::Start>),
    #[command(flatten)]
    Running(running::Running),
}

/// What is done to a token in its file.
#[derive(clap::Subcommand, Debug)]
enum Kept {
    /// Make a developer's token, ready to use: in a file, or of the target, where that is simulated or emulated. What
    /// was in it is lost.
    Reset {
        /// Leave it as it comes from the factory: without an application
        #[arg(long)]
        factory: bool,
        /// What it is stricter about than by default, NAME=VALUE, or gm0027 for all that GM/T 0027 asks for; may be
        /// repeated. Names: one-use, min-pin, max-pin, max-tries, device-tries, strict-factory, changed-device-key,
        /// strict-open, self-test-algorithms, self-test-records, session-keys
        #[arg(long = "policy", value_name = "NAME=VALUE")]
        policies: Vec<String>,
        /// Take everything random from this number, so that it can be made again
        #[arg(long, value_name = "N")]
        seed: Option<u64>,
        #[command(flatten)]
        confirm: Confirm,
    },
    /// Enrol a new token: a service hall opens for it, and the flows run from the form to the posted key.
    Enrol(Enrol),
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
struct Enrol {
    /// The CA profile: the name of a built-in one
    #[arg(long, value_name = "NAME", default_value = "qinghe")]
    profile: String,
    /// The folder for the certificates, the revocation list, the seal of the key, and a document stamped with it:
    /// {root,issuing,sign,encryption,maker}.pem, crl.der, seal.esl, document.txt, stamp.der
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Take everything random from this number, so that it can be made again
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Print the initial user PIN, instead of writing it to a file beside the state that only its owner reads
    #[arg(long)]
    reveal_pin: bool,
}

#[derive(clap::Args, Debug)]
struct Confirm {
    /// Do not ask before a token is replaced
    #[arg(long)]
    yes: bool,
}

impl Sim {
    /// Carries it out.
    pub(crate) fn run(self) -> Result<()> {
        let new_dialect = || Ok::<_, Failure>(self.token.new_dialect()?.map(DialectChoice::Of));
        let verb = match self.verb {
            Verb::Running(verb) => {
                let state = self.state.map(Target::SimFile);
                return verb.run(state.or(self.token.target).as_ref());
            }
            Verb::Start(start) => {
                let named = match &self.token.target {
                    Some(Target::SimFile(file)) => Some(file),
                    // What the environment says is about the other commands too.
                    Some(other) if other != &Target::Sim && env::var("UKEY_TARGET").is_err() => {
                        return Err(not_served(other));
                    }
                    _ => None,
                };
                let state = self.state.as_ref().or(named).map(PathBuf::as_path);
                return start.run(state, &Options { dialect: new_dialect()?, seed: None });
            }
            Verb::Kept(verb) => verb,
        };
        if let (Kept::Reset { factory, policies, seed, confirm }, None) = (&verb, &self.state)
            && !matches!(self.token.target(), Target::Sim | Target::SimFile(_))
        {
            return reached::reset(&self.token, policies, *factory, *seed, confirm);
        }
        let state = state_file(self.state, &self.token)?;
        match verb {
            Kept::Reset { factory, policies, seed, confirm } => {
                let policy = asked_for(&policies)?;
                confirm.replace(&state)?;
                let simulator = made(&Options { dialect: new_dialect()?, seed }, &policy, factory, None)?;
                simulator.save_as(&state, true)?;
                let summary =
                    if factory { developer::factory_summary() } else { developer::summary(&policy) };
                let (file, serial_number) = (state.display(), simulator.serial_number());
                output::result(&format!(
                    "state file         {file}\nserial number      {serial_number}\n{summary}{}",
                    policy_summary(&policy)
                ));
                Ok(())
            }
            Kept::Enrol(enrol) => enrol.run(&state, new_dialect()?),
            Kept::Save { file, confirm } => {
                let (header, flash) = state::read(&state)?;
                confirm.replace(&file)?;
                StateFile::create(&file, header, &flash, true)?;
                output::say(&format!("Saved {} as {}.", state.display(), file.display()));
                Ok(())
            }
            Kept::Load { file, confirm } => {
                let (header, flash) = state::read(&file).map_err(Failure::of_copy)?;
                confirm.replace(&state)?;
                StateFile::create(&state, header, &flash, true)?;
                output::say(&format!("{} is now as in {}.", state.display(), file.display()));
                Ok(())
            }
        }
    }
}

/// Only tokens in memory and in files are served.
fn not_served(target: &Target) -> Failure {
    Failure::usage(
        format!("`ukey sim start` serves tokens in memory and in files; {target} is neither"),
        "name a file with --state, or leave the target out; where it is reached is said with --tcp, --unix, --serial, --vpcd",
        format!(
            "ukey sim start 只提供内存或文件中的令牌，{target}不在其列；请用 --state 指定文件，或去掉目标；连接方式由 --tcp、--unix、--serial、--vpcd 指定"
        ),
    )
}

/// The file that is named, else that of the target.
fn state_file(named: Option<PathBuf>, token: &Token) -> Result<PathBuf> {
    match (named, token.target()) {
        (Some(file), _) => Ok(file),
        (None, Target::SimFile(file)) => Ok(file),
        (None, Target::Qemu { board, flash: Some(flash) }) => {
            let flash = flash.display();
            Err(Failure::usage(
                format!("the flash of the board {board} is no state file"),
                format!("copy {flash} itself, while no program has it"),
                format!("开发板{board}的闪存不是状态文件；请在无程序使用时直接复制{flash}"),
            ))
        }
        (None, target) => Err(Failure::usage(
            format!("the target {target} has no state file"),
            format!("name one: --state {DEFAULT_STATE}"),
            format!("目标没有状态文件；请指定一个：--state {DEFAULT_STATE}"),
        )),
    }
}

/// A new token: a developer's, or as it comes from the factory.
fn made(options: &Options, policy: &Policy, factory: bool, serial_number: Option<&str>) -> Result<Simulator> {
    let simulator = Simulator::numbered(options, *policy, serial_number)?;
    if !factory {
        developer::equip(&Device::connect(&simulator)?, policy, options.seed)?;
    }
    Ok(simulator)
}

/// All of them.
fn asked_for(policies: &[String]) -> Result<Policy> {
    let mut policy = Policy::default();
    policy::set(&mut policy, policies.iter().map(String::as_str)).map_err(|error| {
        Failure::usage(error.to_string(), "see `ukey sim reset --help`", error.message_zh())
    })?;
    Ok(policy)
}

/// What it is stricter about.
fn policy_summary(policy: &Policy) -> String {
    let policies = policy::print(policy);
    let lines: Vec<_> = policies.lines().collect();
    if lines.is_empty() { String::new() } else { format!("policies           {}\n", lines.join(", ")) }
}

impl Enrol {
    /// A key of the unit of the scenarios. The state is written last: where it is, everything else is.
    fn run(self, state: &Path, dialect: Option<DialectChoice>) -> Result<()> {
        let pin_file = state.with_extension("pin");
        let kept = [Some(state), (!self.reveal_pin).then_some(pin_file.as_path())];
        if let Some(file) = kept.into_iter().flatten().find(|file| file.exists()) {
            let help = "nothing is overwritten; name another with --target sim:FILE, or move it away";
            let chinese =
                format!("{}已存在，不会覆盖；请用 --target sim:文件 换一个，或先将其移走", file.display());
            return Err(Failure::usage(format!("{} is there already", file.display()), help, chinese));
        }
        let seed = self.seed.map_or_else(secret::random_number, Ok)?;
        let options = Options { dialect, seed: Some(seed) };
        let simulator = Simulator::fresh(&options)?;
        let made = ukey_features::enrol(&self.profile, Device::connect(&simulator)?, seed);
        let enrolled = made.map_err(|error| match error {
            EnrolError::Profile { .. } => {
                let names = Profile::built_in_names().collect::<Vec<_>>().join(", ");
                let chinese = format!("没有配置{}；内置的有{names}", self.profile);
                Failure::usage(error.to_string(), format!("built in are {names}"), chinese)
            }
            error => Failure::internal(error),
        })?;

        self.write_files(&enrolled)?;
        let pin = if self.reveal_pin {
            enrolled.initial_pin.reveal()
        } else {
            secret::save(&pin_file, enrolled.initial_pin.reveal(), "--state")?;
            &format!("in {}", pin_file.display())
        };
        simulator.save_as(state, false)?;
        output::result(&format!(
            "state file         {}\nserial number      {}\nholder             {}\ncertificate        {}\n\
             certificates       {}\nuser PIN           {pin}\n",
            state.display(),
            simulator.serial_number(),
            enrolled.sign.subject().common_name().unwrap_or_default(),
            enrolled.sign.serial(),
            self.out.display(),
        ));
        Ok(())
    }

    fn write_files(&self, enrolled: &Enrolled) -> Result<()> {
        let certificates = [
            ("root.pem", &enrolled.root),
            ("issuing.pem", &enrolled.issuing),
            ("sign.pem", &enrolled.sign),
            ("encryption.pem", &enrolled.encryption),
            ("maker.pem", enrolled.seal.maker()),
        ];
        let others = [
            ("crl.der", enrolled.crl.der()),
            ("seal.esl", enrolled.seal.der()),
            ("document.txt", enrolled.document.as_bytes()),
            ("stamp.der", enrolled.stamp.der()),
        ];
        let write = || {
            fs::create_dir_all(&self.out)?;
            certificates
                .iter()
                .try_for_each(|(name, certificate)| fs::write(self.out.join(name), certificate.to_pem()))?;
            others.iter().try_for_each(|(name, contents)| fs::write(self.out.join(name), contents))
        };
        write().map_err(|error: io::Error| Failure::unwritable(&self.out, &error, "--out"))
    }
}

impl Confirm {
    /// Asks before the token in `file` is lost; a file that holds none is never replaced.
    fn replace(&self, file: &Path) -> Result<()> {
        let what = match state::header(file) {
            Err(LinkError::NoFile { .. }) => return Ok(()),
            Err(LinkError::BadFile { problem, .. }) if problem != BadState::Foreign => {
                "a damaged token".to_owned()
            }
            Err(error) => return Err(error.into()),
            Ok(header) => format!("the token {}", header.serial_number),
        };
        self.lose(file.display(), &what)
    }

    /// Asks before what is at a place is lost.
    fn lose(&self, place: impl Display, what: &str) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        let held = format!("{place} holds {what}");
        if !io::stdin().is_terminal() {
            return Err(Failure::usage(
                held,
                "its keys and certificates would be lost; confirm with --yes",
                format!("{place}中的UKey连同密钥和证书将会丢失；请用 --yes 确认"),
            ));
        }
        // The question stays on the line of its answer.
        let question =
            "Its keys and certificates will be lost. Go on? 其中的密钥和证书将会丢失，是否继续？[y/N] ";
        let _ = write!(io::stderr().lock(), "{held}. {question}");
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map_err(Failure::internal)?;
        if matches!(answer.trim(), "y" | "Y" | "yes" | "是") {
            return Ok(());
        }
        Err(Failure::usage("nothing was changed", "answer y, or give --yes", "未作更改；请回答y，或加 --yes"))
    }
}
