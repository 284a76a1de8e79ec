//! The way to a token. A [`Place`] can be connected to; a [`Link`] is live.
//!
//! A link carries envelopes and knows nothing of their meaning. Once the token lost its power (pulled, cut, reset by
//! someone else) every transmission answers [`LinkError::Removed`] until [`Link::reset`] finds the token again: what
//! was open or proved before is gone, and nobody goes on without noticing.

pub mod framed;
pub mod qemu;
pub mod sim;
pub mod state;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sim::Simulator;
use state::BadState;
use ukey_apdu::Dialect;
use ukey_apdu::dialect::Name;
use ukey_apdu::frame::Measured;

/// Somewhere a token can be reached.
pub trait Place {
    /// A live link to the token there.
    ///
    /// # Errors
    /// Why it cannot be reached.
    fn link(&self) -> Result<Box<dyn Link>, LinkError>;
}

/// A live link to a token.
pub trait Link: Send {
    /// Sends one envelope; gives data and status word back.
    ///
    /// # Errors
    /// [`LinkError::Removed`] once the token lost its power, until [`Link::reset`].
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError>;

    /// Takes the token's power away and gives it back; also finds a token that was plugged in again.
    ///
    /// # Errors
    /// [`LinkError::Removed`] while no token is plugged in.
    fn reset(&mut self) -> Result<(), LinkError>;

    /// Takes the token for this link alone: every other link answers [`LinkError::Busy`] from now on, until
    /// [`Link::unlock`], until this link ends, or until the token loses its power. Waits so long for another link to
    /// give it back.
    ///
    /// A link that nobody can share has nothing to take: the default.
    ///
    /// # Errors
    /// [`LinkError::Busy`] where another link still holds it; [`LinkError::Removed`].
    fn lock(&mut self, wait: Duration) -> Result<(), LinkError> {
        let _ = wait;
        Ok(())
    }

    /// Gives the token back to every link; nothing happens where it was not taken.
    ///
    /// # Errors
    /// [`LinkError::Busy`] where another link holds it.
    fn unlock(&mut self) -> Result<(), LinkError> {
        Ok(())
    }

    /// The dialect of the token, where the place knows it.
    fn dialect(&self) -> Option<Dialect> {
        None
    }

    /// What the last command, or the start, cost where the token measures.
    fn measured(&self) -> Option<Measured> {
        None
    }

    /// The hand that can pull the token and plug it in, where it is not a person's.
    fn hand(&self) -> Option<Arc<dyn Hand>> {
        None
    }

    /// The token itself, where it is simulated in this process: its power can be cut inside a flash operation.
    fn simulator(&self) -> Option<Simulator> {
        None
    }
}

/// What can be done to a key without asking it.
pub trait Hand: Send + Sync {
    /// Pulls it: its power is gone at once, whatever it is doing, and its links answer [`LinkError::Removed`] from now
    /// on.
    fn unplug(&self);

    /// Pulls it when so many more envelopes were answered (0: before the next), unless it gets new power before.
    fn unplug_after(&self, exchanges: u64);

    /// Plugs it in; its links find it again by [`Link::reset`]. Nothing happens where it is plugged in already.
    ///
    /// # Errors
    /// Why it does not start.
    fn plug_in(&self) -> Result<(), LinkError>;
}

/// Why a token was not reached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The key is not plugged in, or lost its power since.
    #[error("the key has been removed")]
    Removed,
    /// Another program, or another link of this one, holds the token (G-11).
    #[error("{place} is in use by another program")]
    Busy {
        /// The token.
        place: String,
    },
    /// There is no such state file.
    #[error("there is no file {}", path.display())]
    NoFile {
        /// The file.
        path: PathBuf,
    },
    /// The state file exists already.
    #[error("{} exists already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file is no sound state of a simulated token. It was not touched.
    #[error("{} cannot be used: {problem}", path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: BadState,
    },
    /// The operating system refused.
    #[error("{doing} {} failed", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// The token speaks another dialect than was asked for.
    #[error("the token speaks {speaks}, not {asked}")]
    Dialect {
        /// Its dialect.
        speaks: Name,
        /// The dialect that was asked for.
        asked: Name,
    },
    /// The token did not start.
    #[error("the token does not start: {reason}")]
    NoStart {
        /// Its reason.
        reason: String,
    },
    /// The token was sent a command, and does not answer. Whether it was carried out is not known.
    #[error("the key does not answer")]
    NoAnswer,
    /// The token takes no envelope of that length over this link.
    #[error("the command has {bytes} bytes, and the key takes {most}")]
    TooLong {
        /// Bytes of the envelope.
        bytes: usize,
        /// Most bytes.
        most: usize,
    },
    /// The token speaks another version of the framing.
    #[error(
        "the key speaks version {found} of the framing, and this program version {}",
        ukey_apdu::frame::VERSION
    )]
    Framing {
        /// Its version.
        found: u8,
    },
    /// The stream to the token failed.
    #[error("the line to the key failed: {source}")]
    Stream {
        /// The system's word.
        source: io::Error,
    },
    /// The image of a board has not been built.
    #[error("there is no image of board {board} at {}", path.display())]
    NoImage {
        /// The board.
        board: &'static str,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// QEMU is not installed.
    #[error("qemu-system-arm is not installed")]
    NoEmulator,
    /// QEMU did not start the image.
    #[error("qemu-system-arm does not start: {reason}")]
    Emulator {
        /// Its word.
        reason: String,
    },
    /// This program was built without this way to a token.
    #[error("this build knows no targets of the form {form}")]
    NotBuilt {
        /// The form.
        form: &'static str,
    },
    /// This token can only be pulled by hand.
    #[error("this key can only be pulled and plugged in by hand")]
    ByHand,
}

impl LinkError {
    /// What happened, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            LinkError::Removed => "UKey已拔出".to_owned(),
            LinkError::Busy { place } => format!("{place}正被其他程序占用"),
            LinkError::NoFile { path } => format!("文件{}不存在", path.display()),
            LinkError::Exists { path } => format!("文件{}已存在", path.display()),
            LinkError::BadFile { path, problem } => {
                format!("文件{}不可用：{}", path.display(), problem.message_zh())
            }
            LinkError::Io { path, source, .. } => format!("读写{}失败：{source}", path.display()),
            LinkError::Dialect { speaks, asked } => format!("UKey的方言是{speaks}，不是{asked}"),
            LinkError::NoStart { reason } => format!("UKey无法启动：{reason}"),
            LinkError::NoAnswer => "UKey没有应答".to_owned(),
            LinkError::TooLong { bytes, most } => format!("命令长{bytes}字节，UKey最多接收{most}字节"),
            LinkError::Framing { found } => {
                format!("UKey使用第{found}版帧格式，本程序使用第{}版", ukey_apdu::frame::VERSION)
            }
            LinkError::Stream { source } => format!("与UKey的连接出错：{source}"),
            LinkError::NoImage { board, path } => format!("{}处没有开发板{board}的固件", path.display()),
            LinkError::NoEmulator => "未安装qemu-system-arm".to_owned(),
            LinkError::Emulator { reason } => format!("qemu-system-arm无法启动：{reason}"),
            LinkError::NotBuilt { form } => format!("本程序未包含{form}形式的目标"),
            LinkError::ByHand => "该UKey只能手工插拔".to_owned(),
        }
    }

    /// What to do next: English, Chinese.
    pub(crate) fn advice(&self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            LinkError::Removed => ("plug the key in and connect again", "请插入UKey后重试"),
            LinkError::Busy { .. } => (
                "close the other program that uses this key, then try again",
                "请退出正在使用该UKey的其他程序后重试",
            ),
            LinkError::NoFile { .. } => (
                "make a developer's token: `ukey sim reset --state FILE`",
                "可用 ukey sim reset --state FILE 生成开发用UKey",
            ),
            LinkError::Exists { .. } => {
                ("choose another file, or confirm that it may be replaced", "请换一个文件名，或确认覆盖")
            }
            LinkError::BadFile { problem, .. } => return problem.advice(),
            LinkError::Dialect { .. } => {
                ("leave `--dialect` out for a simulated token", "模拟UKey无需指定 --dialect")
            }
            LinkError::NoStart { .. } => (
                "the state inside the file is damaged: go back to a saved copy (`ukey sim load`) or reset it",
                "文件内的状态已损坏，请用 ukey sim load 恢复备份或重置",
            ),
            LinkError::NoAnswer => (
                "pull the key, plug it in again, and look whether the last command was carried out",
                "请拔出并重新插入UKey，并核对上一命令是否已执行",
            ),
            LinkError::Framing { .. } => {
                ("use a program and a key of the same release", "请使用同一版本的程序与UKey固件")
            }
            LinkError::Stream { .. } => {
                ("check the line to the key and connect again", "请检查与UKey的连接后重试")
            }
            LinkError::NoImage { .. } => (
                "build it: ukey board build; UKEY_BOARD_IMAGE_DIR names another folder",
                "请构建：ukey board build；可用UKEY_BOARD_IMAGE_DIR指定其他文件夹",
            ),
            LinkError::NoEmulator => (
                "install it; Debian: apt-get install qemu-system-arm",
                "请安装；Debian：apt-get install qemu-system-arm",
            ),
            LinkError::NotBuilt { .. } => (
                "build it in: cargo build --features pcsc",
                "请加入该功能重新编译：cargo build --features pcsc",
            ),
            LinkError::Io { .. }
            | LinkError::ByHand
            | LinkError::TooLong { .. }
            | LinkError::Emulator { .. } => return None,
        })
    }
}
