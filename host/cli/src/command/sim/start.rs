//! `ukey sim start`: simulated tokens where clients look for hardware, until they are told to stop.

use std::future::pending;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use ukey_device::running::control::State;
use ukey_device::running::{Registry, Running};
use ukey_device::{Device, LinkError, Options, Simulator, Target, UnknownTarget, target};
use ukey_serve::{Key, ServeError, Server, Way};

use super::{asked_for, made, reader};
use crate::developer;
use crate::failure::{Failure, Result};
use crate::options::{Format, at_least_one, in_both};
use crate::output;
use crate::stop;

/// Where `--vpcd` without a value looks for vpcd: [`ukey_serve::vpcd::DEFAULT_PORT`].
const VPCD: &str = "127.0.0.1:35963";
/// Where `--tcp` without a value listens.
const ANY_PORT: &str = "127.0.0.1:0";

/// How long smart card readers may take to look at what was put into them: pcscd looks about twice a second.
const READERS: Duration = Duration::from_secs(5);

/// Most readers that pcscd drives.
const MOST_READERS: usize = 16;

/// Most tokens of a process: each takes threads, and open files.
const MOST: usize = 256;

/// Serve simulated tokens until interrupted.
#[derive(clap::Args, Debug)]
pub(super) struct Start {
    /// Listen at a TCP port, 0 for a free one [default: 127.0.0.1:0, unless there is another way]; may be repeated
    #[arg(long, value_name = "HOST:PORT", num_args = 0..=1, default_missing_value = ANY_PORT, value_parser = tcp)]
    tcp: Vec<Way>,
    /// Listen at a socket of this machine; may be repeated
    #[arg(long, value_name = "PATH")]
    unix: Vec<PathBuf>,
    /// Serve a serial line: a device file, or a name that does not exist yet, for a pseudo-terminal; may be repeated
    #[arg(long, value_name = "PATH[@BAUD]", value_parser = serial)]
    serial: Vec<Way>,
    /// Put it into a virtual smart card reader of pcscd, whose vpcd waits at this port [default: 127.0.0.1:35963]; may be
    /// repeated
    #[arg(long, value_name = "HOST:PORT", num_args = 0..=1, default_missing_value = VPCD, value_parser = vpcd)]
    vpcd: Vec<SocketAddr>,
    /// So many tokens, up to 256, in readers up to 16: paths, files, ports and serial numbers that are named get the
    /// number of the token
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_least_one)]
    count: usize,
    /// Make the state file, with a new token, where there is none
    #[arg(long)]
    create: bool,
    /// A new token comes from the factory: without an application
    #[arg(long)]
    factory: bool,
    /// What a new token is stricter about than by default, as of `sim reset`; may be repeated
    #[arg(long = "policy", value_name = "NAME=VALUE")]
    policies: Vec<String>,
    /// The serial number of a new token: 1 to 32 printable ASCII characters
    #[arg(long, value_name = "TEXT", value_parser = serial_number)]
    serial_number: Option<String>,
    /// The label that the token gets, 1 to 32 bytes
    #[arg(long, value_name = "TEXT", value_parser = label)]
    label: Option<String>,
    /// Take everything random from this number, so that it can be done again
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How the line of a token that is ready is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn tcp(text: &str) -> Result<Way, String> {
    let address = target::tcp_address(text).map_err(|error| in_both(&error))?;
    Ok(Way::Tcp(address))
}

fn vpcd(text: &str) -> Result<SocketAddr, String> {
    let address = target::tcp_address(text).map_err(|error| in_both(&error))?;
    let found = address.to_socket_addrs().map_err(|error| {
        format!("the address of {text} is not found: {error}\n找不到{text}的地址：{error}")
    })?;
    // vpcd listens on IPv4 only.
    let v4 = found.into_iter().find(SocketAddr::is_ipv4);
    v4.ok_or_else(|| format!("{text} has no IPv4 address\n{text}没有IPv4地址"))
}

fn serial(text: &str) -> Result<Way, String> {
    match format!("serial:{text}").parse().map_err(|error| in_both(&error))? {
        Target::Serial { path, baud } => Ok(Way::Serial { path, baud }),
        _ => Err(in_both(&UnknownTarget::Incomplete { form: "PATH[@BAUD]" })),
    }
}

fn serial_number(text: &str) -> Result<String, String> {
    match text.len() {
        1..=32 if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(text.to_owned()),
        _ => Err("a serial number has 1 to 32 printable ASCII characters\n序列号为1至32个可见的英文字符"
            .to_owned()),
    }
}

fn label(text: &str) -> Result<String, String> {
    match text.len() {
        1..=32 => Ok(text.to_owned()),
        _ => Err("a label has 1 to 32 bytes\n标签为1至32字节".to_owned()),
    }
}

impl Start {
    /// Serves the tokens in `state`, else new ones in memory.
    pub(super) fn run(self, state: Option<&Path>, options: &Options) -> Result<()> {
        self.refuse_too_many()?;
        allow_many_files();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
        let tokens =
            (1..=self.count).map(|number| self.token(number, state, options)).collect::<Result<_>>()?;
        let ended = runtime.block_on(async {
            let interrupted = stop::signalled()?;
            let asked = Arc::new(Notify::new());
            let ask = Arc::clone(&asked);
            let mut server = Server::start(&Registry::of_this_user(), tokens, move || ask.notify_one())?;
            let readers = Arc::new(Notify::new());
            let looked = Arc::clone(&readers);
            server.once_readers_looked(READERS, move || looked.notify_one()).map_err(Failure::internal)?;
            let told = async {
                readers.notified().await;
                self.tell(state, &server).await?;
                pending().await
            };
            tokio::select! {
                () = interrupted => Ok(()),
                () = asked.notified() => Ok(()),
                failed = told => failed,
            }
        });
        // Nobody waits for what looks at the machine.
        runtime.shutdown_background();
        ended
    }

    /// Says which tokens are ready, and what is missing where one is not in its reader.
    async fn tell(&self, state: Option<&Path>, server: &Server) -> Result<()> {
        let states: Vec<State> = server.keys().iter().map(Key::state).collect();
        for (token, state) in server.running().iter().zip(&states) {
            output::result(&ready(token, state, self.format));
        }
        self.explain(state, server.running());
        let missing = spawn_blocking(move || reader::missing(&states)).await.map_err(Failure::internal)?;
        if let Some(missing) = missing {
            output::say(&missing);
        }
        Ok(())
    }

    fn refuse_too_many(&self) -> Result<()> {
        if self.count.saturating_mul(self.vpcd.len()) > MOST_READERS {
            return Err(Failure::usage(
                format!("pcscd drives {MOST_READERS} readers at most"),
                format!("ask for fewer: --count {MOST_READERS} --vpcd"),
                format!("pcscd最多支持{MOST_READERS}个读卡器，请减少数量"),
            ));
        }
        if self.count > MOST {
            return Err(Failure::usage(
                format!("a process serves {MOST} tokens at most"),
                "start further ones in another process",
                format!("一个进程最多运行{MOST}个UKey，其余请另起进程"),
            ));
        }
        Ok(())
    }

    /// The token of that number, from 1, with its ways.
    fn token(&self, number: usize, state: Option<&Path>, options: &Options) -> Result<ukey_serve::Token> {
        let number = (self.count > 1).then_some(number);
        let seed = self.seed.map(|seed| seed.wrapping_add(number.unwrap_or(1) as u64 - 1));
        let options = Options { seed, ..options.clone() };
        let state = state.map(|state| numbered(state, number));
        let simulator = match &state {
            Some(state) => self.saved_token(state, number, &options)?,
            None => self.new_token(number, &options)?,
        };
        let device = Device::connect(&simulator)?;
        if let Some(label) = &self.label {
            device.set_label(label)?;
        }
        let label = device.info()?.label;
        let state = state.map(std::path::absolute).transpose().map_err(Failure::internal)?;
        Ok(ukey_serve::Token { simulator, label, state, ways: self.ways(number)? })
    }

    fn saved_token(&self, state: &Path, number: Option<usize>, options: &Options) -> Result<Simulator> {
        if state.try_exists().unwrap_or(true) {
            if self.factory || self.serial_number.is_some() || !self.policies.is_empty() {
                return Err(Failure::usage(
                    format!("{} holds a token already", state.display()),
                    "--factory, --policy and --serial-number are for a new one: leave them out, or name another file",
                    format!(
                        "{}中已有UKey；--factory、--policy、--serial-number 仅用于新UKey，请去掉或换一个文件",
                        state.display()
                    ),
                ));
            }
        } else if self.create {
            self.new_token(number, options)?.save_as(state, false)?;
        } else {
            let missing: Failure = LinkError::NoFile { path: state.to_owned() }.into();
            return Err(missing);
        }
        Ok(Simulator::open(state, options)?)
    }

    fn new_token(&self, number: Option<usize>, options: &Options) -> Result<Simulator> {
        let serial_number = match (&self.serial_number, number) {
            (Some(text), Some(number)) => {
                Some(serial_number(&format!("{text}-{number}")).map_err(|error| {
                    Failure::usage(
                        error,
                        "name a shorter one: each token's number is added",
                        "请缩短序列号：每个UKey的序号会附在其后",
                    )
                })?)
            }
            (text, _) => text.clone(),
        };
        made(options, &asked_for(&self.policies)?, self.factory, serial_number.as_deref())
    }

    fn ways(&self, number: Option<usize>) -> Result<Vec<Way>> {
        let unix = self.unix.iter().cloned().map(Way::Unix);
        let mut ways: Vec<Way> =
            self.tcp.iter().cloned().chain(unix).chain(self.serial.iter().cloned()).collect();
        ways.extend(self.vpcd.iter().copied().map(Way::Vpcd));
        if ways.is_empty() {
            ways.push(Way::Tcp(ANY_PORT.to_owned()));
        }
        for way in &mut ways {
            match way {
                Way::Tcp(address) => *address = numbered_port(address, number)?,
                Way::Vpcd(address) => {
                    let numbered = numbered_port(&address.to_string(), number)?;
                    *address = numbered.parse().map_err(Failure::internal)?;
                }
                Way::Unix(path) | Way::Serial { path, .. } => *path = numbered(path, number),
            }
        }
        Ok(ways)
    }

    /// What a developer has to know, where the token is a new one.
    fn explain(&self, state: Option<&Path>, running: &[Running]) {
        if state.is_none() && !self.factory {
            let summary =
                asked_for(&self.policies).map(|policy| developer::summary(&policy)).unwrap_or_default();
            output::say(&format!("{summary}Nothing of it is kept: --state FILE keeps it. Ctrl-C ends it."));
            if let Some(target) = running.iter().find_map(|token| token.targets.first()) {
                output::say(&format!("Ask it who it is: ukey info --target {target}"));
            }
        }
    }
}

/// Each token takes a dozen open files; the usual limit is lower than the one that nobody may pass.
fn allow_many_files() {
    let limits = getrlimit(Resource::Nofile);
    // Where that is refused, what cannot be opened says so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limits.maximum, ..limits });
}

/// The path of a token among several: `k-2.ukey`.
fn numbered(path: &Path, number: Option<usize>) -> PathBuf {
    let Some(number) = number else { return path.to_owned() };
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// The port of a token among several: one after the other, where a port is named.
fn numbered_port(address: &str, number: Option<usize>) -> Result<String> {
    let (host, port) = address.rsplit_once(':').unwrap_or((address, "0"));
    match (port.parse::<u16>(), number) {
        (Ok(port @ 1..), Some(number)) => {
            let next = u16::try_from(number - 1).ok().and_then(|further| port.checked_add(further));
            let none = || {
                Failure::usage(
                    "there are not so many ports",
                    "name a lower one, or port 0 for free ones",
                    "端口号不够用；请换一个较小的，或用0自动分配",
                )
            };
            next.map(|port| format!("{host}:{port}")).ok_or_else(none)
        }
        _ => Ok(address.to_owned()),
    }
}

/// The line of a token that clients may come to. One that no reader took yet says so.
fn ready(token: &Running, now: &State, format: Format) -> String {
    let Running { serial_number, label, state, targets, readers } = token;
    match format {
        Format::Text => {
            let mut places: Vec<_> = targets.iter().map(ToString::to_string).collect();
            places.extend(readers.iter().map(|reader| {
                let known = reader::insertion(reader, Some(now));
                let is_in = known.is_some_and(|known| known.problem.is_none());
                format!("{}:{reader}", if is_in { "reader" } else { "not-in-reader" })
            }));
            format!("ready {serial_number} {}\n", places.join(" "))
        }
        Format::Json => {
            let json = json!({
                "version": 1,
                "pid": std::process::id(),
                "serial_number": serial_number,
                "label": label,
                "state": state,
                "targets": targets,
                "readers": reader::json(readers, Some(now)),
            });
            format!("{json}\n")
        }
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Registry(error) => error.into(),
            error => {
                let (english, chinese) = error.advice();
                Failure::usage(error.to_string(), english, format!("{}；{chinese}", error.message_zh()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_vpcd_is_the_one_of_the_help() {
        assert_eq!(vpcd(VPCD).unwrap().port(), ukey_serve::vpcd::DEFAULT_PORT);
        assert!(vpcd("35963").is_err());
    }

    #[test]
    fn each_token_has_names_of_its_own() {
        let path = |path, number| numbered(Path::new(path), number).display().to_string();
        assert_eq!(path("a/k.ukey", None), "a/k.ukey");
        assert_eq!(path("a/k.ukey", Some(2)), "a/k-2.ukey");
        assert_eq!(path("/tmp/socket", Some(16)), "/tmp/socket-16");
        let port = |address, number| numbered_port(address, number).ok();
        assert_eq!(port("127.0.0.1:0", Some(3)).as_deref(), Some("127.0.0.1:0"));
        assert_eq!(port("[::1]:4000", Some(3)).as_deref(), Some("[::1]:4002"));
        assert_eq!(port("[::1]:4000", None).as_deref(), Some("[::1]:4000"));
        assert_eq!(port("a:65535", Some(1)).as_deref(), Some("a:65535"));
        assert_eq!(port("a:65535", Some(2)), None);
    }
}
