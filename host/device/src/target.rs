//! Where a token is, as users write it: on the command line, in the environment, in a configuration file.

use std::fmt;
use std::num::NonZero;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::device::Device;
use crate::dialect::DialectChoice;
use crate::error::Result;
#[cfg(not(feature = "pcsc"))]
use crate::link::LinkError;
use crate::link::Place;
#[cfg(feature = "pcsc")]
use crate::link::pcsc::Reader;
use crate::link::qemu::{Board, Emulator};
use crate::link::serial::Line;
use crate::link::sim::Simulator;
use crate::link::skf::Key;
use crate::link::socket::{Tcp, Unix};
use crate::trace;

/// A place where a token can be reached.
///
/// In files of this program it is the text that users write.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// `sim`: a factory-new token in this process, gone when it ends.
    #[default]
    Sim,
    /// `sim:FILE`: a simulated token whose state is in a file.
    SimFile(PathBuf),
    /// `tcp:HOST:PORT`: a token behind a socket.
    Tcp {
        /// Host name or address, and port.
        address: String,
    },
    /// `unix:PATH`: a token behind a socket of this machine.
    Unix(PathBuf),
    /// `serial:PATH[@BAUD]`: a token behind a serial line.
    Serial {
        /// The device file.
        path: PathBuf,
        /// Bits per second.
        baud: u32,
    },
    /// `pcsc:READER`: a token in a PC/SC reader.
    Pcsc {
        /// The reader's name, or a part of it that no other reader's name has.
        reader: String,
    },
    /// `skf:LIBRARY.so[#DEVICE]`: a token behind its maker's SKF library.
    Skf {
        /// The library.
        library: PathBuf,
        /// The device's name; without one, the only one.
        device: Option<String>,
    },
    /// `qemu[:BOARD[=FILE]]`: the Cortex-M image on an emulated board.
    Qemu {
        /// The board.
        board: Board,
        /// The file that is its flash; without one, a fresh one that is gone when the key is.
        flash: Option<PathBuf>,
    },
}

/// The forms of a target, as error messages list them.
const FORMS: &str = "sim, sim:FILE, tcp:HOST:PORT, unix:PATH, serial:PATH[@BAUD], pcsc:READER, \
                     skf:LIBRARY.so[#DEVICE], qemu[:BOARD[=FILE]]";

/// Bits per second of a serial line unless told otherwise.
pub const DEFAULT_BAUD: u32 = 115_200;

/// A text that names no target.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UnknownTarget {
    /// A board that is not emulated.
    #[error("there is no board \"{name}\"; boards are {}", Board::names())]
    NoBoard {
        /// Its name.
        name: String,
    },
    /// No number of bits per second.
    #[error("\"{text}\" is no baud rate")]
    NoBaud {
        /// What stands behind the `@`.
        text: String,
    },
    /// No form of a target.
    #[error("\"{text}\" is no target; a target is one of {FORMS}")]
    Unknown {
        /// The text.
        text: String,
    },
    /// No `HOST:PORT`.
    #[error("\"{text}\" is no HOST:PORT: {fault}")]
    NoAddress {
        /// What stands there.
        text: String,
        /// What is wrong with it.
        fault: AddressFault,
    },
    /// A form without what belongs behind the colon.
    #[error("{form} lacks what belongs behind the colon")]
    Incomplete {
        /// The form.
        form: &'static str,
    },
}

/// What is wrong with a `HOST:PORT`.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AddressFault {
    /// No host.
    #[error("the host is missing, as in 127.0.0.1:4000")]
    NoHost,
    /// No port.
    #[error("the port is missing, as in 127.0.0.1:4000")]
    NoPort,
    /// A port that is none.
    #[error("\"{port}\" is no port; a port is a number up to 65535")]
    BadPort {
        /// What stands there.
        port: String,
    },
    /// An IPv6 address without brackets: nobody knows where it ends.
    #[error("an IPv6 address stands in brackets, as in [::1]:4000")]
    NoBrackets,
}

impl AddressFault {
    fn message_zh(&self) -> String {
        match self {
            AddressFault::NoHost => "缺少主机，应如127.0.0.1:4000".to_owned(),
            AddressFault::NoPort => "缺少端口，应如127.0.0.1:4000".to_owned(),
            AddressFault::BadPort { port } => format!("“{port}”不是端口，端口为不超过65535的数字"),
            AddressFault::NoBrackets => "IPv6地址须加方括号，应如[::1]:4000".to_owned(),
        }
    }
}

impl UnknownTarget {
    /// What is wrong, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            UnknownTarget::NoBaud { text } => format!("“{text}”不是波特率"),
            UnknownTarget::NoBoard { name } => format!("没有开发板“{name}”，可用的有：{}", Board::names()),
            UnknownTarget::Unknown { text } => format!("“{text}”不是目标；目标的形式为：{FORMS}"),
            UnknownTarget::NoAddress { text, fault } => {
                format!("“{text}”不是HOST:PORT形式：{}", fault.message_zh())
            }
            UnknownTarget::Incomplete { form } => format!("{form}冒号后缺少内容"),
        }
    }
}

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(text: &str) -> Result<Self, UnknownTarget> {
        let (scheme, rest) = match text.split_once(':') {
            Some((scheme, rest)) => (scheme, Some(rest)),
            None => (text, None),
        };
        let behind = |form| match rest {
            None | Some("") => Err(UnknownTarget::Incomplete { form }),
            Some(rest) => Ok(rest),
        };
        Ok(match scheme {
            "sim" if rest.is_none() => Target::Sim,
            "sim" => Target::SimFile(behind("sim:FILE")?.into()),
            "tcp" => Target::Tcp { address: tcp_address(behind("tcp:HOST:PORT")?)? },
            "unix" => Target::Unix(behind("unix:PATH")?.into()),
            "serial" => return serial(behind("serial:PATH[@BAUD]")?),
            "pcsc" => Target::Pcsc { reader: behind("pcsc:READER")?.to_owned() },
            "skf" => return skf(behind("skf:LIBRARY.so[#DEVICE]")?),
            "qemu" => return qemu(rest),
            _ => return Err(UnknownTarget::Unknown { text: text.to_owned() }),
        })
    }
}

impl TryFrom<String> for Target {
    type Error = UnknownTarget;

    fn try_from(text: String) -> Result<Self, UnknownTarget> {
        text.parse()
    }
}

impl From<Target> for String {
    fn from(target: Target) -> String {
        target.to_string()
    }
}

/// A `HOST:PORT`, as it stands behind `tcp:`.
///
/// # Errors
/// [`UnknownTarget::NoAddress`].
pub fn tcp_address(text: &str) -> Result<String, UnknownTarget> {
    let fault = match text.rsplit_once(':') {
        None => AddressFault::NoPort,
        Some((_, "")) => AddressFault::NoPort,
        Some(("", _)) => AddressFault::NoHost,
        Some((host, _)) if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) => {
            AddressFault::NoBrackets
        }
        Some((_, port)) if port.parse::<u16>().is_err() => AddressFault::BadPort { port: port.to_owned() },
        Some(_) => return Ok(text.to_owned()),
    };
    Err(UnknownTarget::NoAddress { text: text.to_owned(), fault })
}

/// What stands behind `serial:`.
fn serial(text: &str) -> Result<Target, UnknownTarget> {
    let (path, baud) = match text.rsplit_once('@') {
        Some((path, baud)) => {
            let no_baud = |_| UnknownTarget::NoBaud { text: baud.to_owned() };
            (path, baud.parse::<NonZero<u32>>().map_err(no_baud)?.get())
        }
        None => (text, DEFAULT_BAUD),
    };
    if path.is_empty() {
        return Err(UnknownTarget::Incomplete { form: "serial:PATH[@BAUD]" });
    }
    Ok(Target::Serial { path: path.into(), baud })
}

/// What stands behind `skf:`.
fn skf(text: &str) -> Result<Target, UnknownTarget> {
    let (library, device) = match text.split_once('#') {
        Some((library, device)) => (library, Some(device)),
        None => (text, None),
    };
    if library.is_empty() || device == Some("") {
        return Err(UnknownTarget::Incomplete { form: "skf:LIBRARY.so[#DEVICE]" });
    }
    Ok(Target::Skf { library: library.into(), device: device.map(str::to_owned) })
}

/// What stands behind `qemu`.
fn qemu(rest: Option<&str>) -> Result<Target, UnknownTarget> {
    let Some(rest) = rest else { return Ok(Target::Qemu { board: Board::default(), flash: None }) };
    let (board, flash) = match rest.split_once('=') {
        Some((board, file)) => (board, Some(file)),
        None => (rest, None),
    };
    if board.is_empty() || flash == Some("") {
        return Err(UnknownTarget::Incomplete { form: "qemu:BOARD[=FILE]" });
    }
    let no_board = || UnknownTarget::NoBoard { name: board.to_owned() };
    Ok(Target::Qemu { board: Board::named(board).ok_or_else(no_board)?, flash: flash.map(PathBuf::from) })
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Sim => f.write_str("sim"),
            Target::SimFile(file) => write!(f, "sim:{}", file.display()),
            Target::Tcp { address } => write!(f, "tcp:{address}"),
            Target::Unix(path) => write!(f, "unix:{}", path.display()),
            Target::Serial { path, baud: DEFAULT_BAUD } => write!(f, "serial:{}", path.display()),
            Target::Serial { path, baud } => write!(f, "serial:{}@{baud}", path.display()),
            Target::Pcsc { reader } => write!(f, "pcsc:{reader}"),
            Target::Skf { library, device: None } => write!(f, "skf:{}", library.display()),
            Target::Skf { library, device: Some(device) } => {
                write!(f, "skf:{}#{device}", library.display())
            }
            Target::Qemu { board, flash: None } => write!(f, "qemu:{board}"),
            Target::Qemu { board, flash: Some(file) } => write!(f, "qemu:{board}={}", file.display()),
        }
    }
}

/// How a target is connected to.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The dialect to speak. Without one: the simulated token's own, else [`Dialect::GM2012`](crate::Dialect::GM2012).
    pub dialect: Option<DialectChoice>,
    /// Everything random in a simulated token; without one, from the operating system.
    pub seed: Option<u64>,
}

impl Target {
    /// Connects to the token there.
    ///
    /// # Errors
    /// [`ErrorKind::Link`](crate::ErrorKind::Link) where it cannot be reached.
    pub fn connect(&self, options: &Options) -> Result<Device> {
        trace::connecting(self, || self.link_up(options))
    }

    fn link_up(&self, options: &Options) -> Result<Device> {
        let connect = |place: &dyn Place| match options.dialect {
            Some(DialectChoice::Auto) => Device::probe(place),
            _ => Device::connect(place),
        };
        match self {
            Target::Sim => connect(&Simulator::fresh(options)?),
            Target::SimFile(file) => connect(&Simulator::open(file, options)?),
            Target::Tcp { address } => connect(&Tcp::new(address)),
            Target::Unix(path) => connect(&Unix::new(path)),
            Target::Serial { path, baud } => connect(&Line::new(path, *baud)),
            #[cfg(feature = "pcsc")]
            Target::Pcsc { reader } => connect(&Reader::new(reader)),
            #[cfg(not(feature = "pcsc"))]
            Target::Pcsc { .. } => Err(LinkError::NotBuilt { form: "pcsc:READER" }.into()),
            // Its library hides how the token speaks.
            Target::Skf { library, device } => {
                let dialect = options.dialect.and_then(DialectChoice::dialect).unwrap_or_default();
                Device::connect(&Key::new(library, device.as_deref()).speaking(dialect))
            }
            Target::Qemu { board, flash } => connect(&Emulator::start(*board, flash.as_deref(), options)?),
        }
    }

    /// Whether each connection makes a new, blank token.
    #[must_use]
    pub const fn is_fresh(&self) -> bool {
        matches!(self, Target::Sim | Target::Qemu { flash: None, .. })
    }
}
