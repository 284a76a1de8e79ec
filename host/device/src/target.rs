//! Where a token is, as users write it: on the command line, in the environment, in a configuration file.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::device::Device;
use crate::dialect::DialectChoice;
use crate::error::Result;
use crate::link::Place;
use crate::link::qemu::{Board, Emulator};
use crate::link::sim::Simulator;

/// A place where a token can be reached.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub enum Target {
    /// `sim`: a factory-new token in this process, gone when it ends.
    #[default]
    Sim,
    /// `sim:FILE`: a simulated token whose state is in a file.
    SimFile(PathBuf),
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

/// A text that names no target of this build.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UnknownTarget {
    /// A form that is reserved and not built in.
    #[error("targets of the form {form} are not in this build yet; use sim, sim:FILE or qemu[:BOARD[=FILE]]")]
    NotInThisBuild {
        /// The form.
        form: &'static str,
    },
    /// A board that is not emulated.
    #[error("there is no board \"{name}\"; boards are {}", Board::names())]
    NoBoard {
        /// Its name.
        name: String,
    },
    /// No form of a target.
    #[error("\"{text}\" is no target; a target is one of {FORMS}")]
    Unknown {
        /// The text.
        text: String,
    },
    /// A form without what belongs behind the colon.
    #[error("{form} lacks what belongs behind the colon")]
    Incomplete {
        /// The form.
        form: &'static str,
    },
}

impl UnknownTarget {
    /// What is wrong, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            UnknownTarget::NotInThisBuild { form } => {
                format!("本版本尚不支持{form}形式的目标，请用sim、sim:FILE或qemu[:BOARD[=FILE]]")
            }
            UnknownTarget::NoBoard { name } => format!("没有开发板“{name}”，可用的有：{}", Board::names()),
            UnknownTarget::Unknown { text } => format!("“{text}”不是目标；目标的形式为：{FORMS}"),
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
        let form = match scheme {
            "sim" => match rest {
                None => return Ok(Target::Sim),
                Some("") => return Err(UnknownTarget::Incomplete { form: "sim:FILE" }),
                Some(file) => return Ok(Target::SimFile(file.into())),
            },
            "qemu" => return qemu(rest),
            "tcp" => "tcp:HOST:PORT",
            "unix" => "unix:PATH",
            "serial" => "serial:PATH[@BAUD]",
            "pcsc" => "pcsc:READER",
            "skf" => "skf:LIBRARY.so[#DEVICE]",
            _ => return Err(UnknownTarget::Unknown { text: text.to_owned() }),
        };
        Err(UnknownTarget::NotInThisBuild { form })
    }
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
        let connect = |place: &dyn Place| match options.dialect {
            Some(DialectChoice::Auto) => Device::probe(place),
            _ => Device::connect(place),
        };
        match self {
            Target::Sim => connect(&Simulator::fresh(options)?),
            Target::SimFile(file) => connect(&Simulator::open(file, options)?),
            Target::Qemu { board, flash } => connect(&Emulator::start(*board, flash.as_deref(), options)?),
        }
    }

    /// Whether each connection makes a new, blank token.
    #[must_use]
    pub const fn is_fresh(&self) -> bool {
        matches!(self, Target::Sim | Target::Qemu { flash: None, .. })
    }
}
