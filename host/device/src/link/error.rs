//! Why a token was not reached: what happened, and what to do next, for people.

use std::io;
use std::path::PathBuf;

use ukey_apdu::dialect::Name;
use ukey_apdu::frame::VERSION;

use super::skf::Fault;
use super::state::BadState;

/// Why a token was not reached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The key is not plugged in, or lost its power since.
    #[error("the key has been removed")]
    Removed,
    /// Another program, or another link of this one, holds the token (G-11).
    #[error("{place} is in use by {}", holder.as_deref().unwrap_or("another program"))]
    Busy {
        /// The token.
        place: String,
        /// Who holds it, where that is known.
        holder: Option<String>,
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
    /// The process of the token did not do what it was asked.
    #[error("the process of the token says: {reason}")]
    NotDone {
        /// Its words.
        reason: String,
    },
    /// The token was sent a command, and does not answer. Whether it was carried out is not known.
    #[error("the key does not answer")]
    NoAnswer,
    /// What comes from the token cannot be read. Whether the last command was carried out is not known.
    #[error("what comes over the line to the key cannot be read: {bad} bad frames")]
    Garbled {
        /// Bad frames since the connection.
        bad: u32,
    },
    /// The token takes no envelope of that length over this link.
    #[error("the command has {bytes} bytes, and the key takes {most}")]
    TooLong {
        /// Bytes of the envelope.
        bytes: usize,
        /// Most bytes.
        most: usize,
    },
    /// The token speaks another version of the framing.
    #[error("the key speaks {} of the framing, and this program version {VERSION}", version(*found))]
    Framing {
        /// Its version; `None` where it took nothing of this one's.
        found: Option<u8>,
    },
    /// The stream to the token failed.
    #[error("the line to the key failed: {source}")]
    Stream {
        /// The system's word.
        source: io::Error,
    },
    /// There is no such host.
    #[error("there is no host {host}: {source}")]
    NoHost {
        /// Its name.
        host: String,
        /// The system's word.
        source: io::Error,
    },
    /// Nobody listens there.
    #[error("nothing listens at {place}")]
    NothingListens {
        /// The target.
        place: String,
    },
    /// The way there ends before it, or nobody took the connection in time.
    #[error("{place} cannot be reached: {source}")]
    Unreachable {
        /// The target.
        place: String,
        /// The system's word.
        source: io::Error,
    },
    /// There is no such socket.
    #[error("there is no socket {}", path.display())]
    NoSocket {
        /// The file.
        path: PathBuf,
    },
    /// The socket is another user's.
    #[error("no permission to connect to {}", path.display())]
    SocketDenied {
        /// The file.
        path: PathBuf,
    },
    /// There is no such serial line.
    #[error("there is no serial line {}", path.display())]
    NoLine {
        /// The device file.
        path: PathBuf,
    },
    /// The file is something else than a serial line.
    #[error("{} is no serial line", path.display())]
    NotALine {
        /// The file.
        path: PathBuf,
    },
    /// The serial line is for others.
    #[error("no permission to open {}", path.display())]
    LineDenied {
        /// The device file.
        path: PathBuf,
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
    /// The service of smart card readers does not run.
    #[error("the smart card service (pcscd) is not running")]
    NoCardService,
    /// There is no such smart card reader.
    #[error("there is no smart card reader \"{wanted}\"{}", those_there(readers))]
    NoReader {
        /// The name, or the part of one.
        wanted: String,
        /// The readers that are there.
        readers: Vec<String>,
    },
    /// Several smart card readers are meant.
    #[error("several smart card readers are named so (\"{wanted}\"): {}", readers.join(", "))]
    Ambiguous {
        /// The part of a name.
        wanted: String,
        /// The readers whose names have it.
        readers: Vec<String>,
    },
    /// The card in a reader does not answer to power.
    #[error("the card in the reader \"{reader}\" does not answer to power")]
    Mute {
        /// The reader.
        reader: String,
    },
    /// A smart card reader failed.
    #[error("the smart card reader \"{reader}\" failed: {reason}")]
    Reader {
        /// The reader; empty for all of them.
        reader: String,
        /// The word of PC/SC.
        reason: String,
    },
    /// This program was built without this way to a token.
    #[error("this build knows no targets of the form {form}")]
    NotBuilt {
        /// The form.
        form: &'static str,
    },
    /// The folder of running tokens is not this user's alone. It was not used.
    #[error("{} is not a folder of this user alone", path.display())]
    ForeignFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The SKF library that was to reach the token is of no use, or its answer is none.
    #[error(transparent)]
    Library(Fault),
    /// This token can only be pulled by hand.
    #[error("this key can only be pulled and plugged in by hand")]
    ByHand,
}

/// The readers that are there, behind the one that is not.
fn those_there(readers: &[String]) -> String {
    match readers {
        [] => ": there are no readers".to_owned(),
        readers => format!("; there are: {}", readers.join(", ")),
    }
}

impl LinkError {
    /// What happened, with the system's word where there is one, in one line: for the log, and for another process.
    #[must_use]
    pub fn in_full(&self) -> String {
        match self {
            LinkError::Io { source, .. } => format!("{self}: {source}"),
            _ => self.to_string(),
        }
    }

    /// What happened, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            LinkError::Removed => "UKey已拔出".to_owned(),
            LinkError::Busy { place, holder } => {
                format!("{place}正被{}占用", holder.as_deref().unwrap_or("其他程序"))
            }
            LinkError::NoFile { path } => format!("文件{}不存在", path.display()),
            LinkError::Exists { path } => format!("文件{}已存在", path.display()),
            LinkError::BadFile { path, problem } => {
                format!("文件{}不可用：{}", path.display(), problem.message_zh())
            }
            LinkError::Io { path, source, .. } => format!("读写{}失败：{source}", path.display()),
            LinkError::Dialect { speaks, asked } => format!("UKey的方言是{speaks}，不是{asked}"),
            LinkError::NoStart { reason } => format!("UKey无法启动：{reason}"),
            LinkError::NotDone { reason } => format!("UKey所在进程报告：{reason}"),
            LinkError::NoAnswer => "UKey没有应答".to_owned(),
            LinkError::Garbled { bad } => format!("无法识别UKey发来的数据：{bad}个错误帧"),
            LinkError::TooLong { bytes, most } => format!("命令长{bytes}字节，UKey最多接收{most}字节"),
            LinkError::Framing { found: Some(found) } => {
                format!("UKey使用第{found}版帧格式，本程序使用第{VERSION}版")
            }
            LinkError::Framing { found: None } => {
                format!("UKey使用其他版本的帧格式，本程序使用第{VERSION}版")
            }
            LinkError::Stream { source } => format!("与UKey的连接出错：{source}"),
            LinkError::NoHost { host, source } => format!("找不到主机{host}：{source}"),
            LinkError::NothingListens { place } => format!("{place}处没有程序在监听"),
            LinkError::Unreachable { place, source } => format!("无法连接{place}：{source}"),
            LinkError::NoSocket { path } => format!("套接字{}不存在", path.display()),
            LinkError::SocketDenied { path } => format!("没有连接{}的权限", path.display()),
            LinkError::NoLine { path } => format!("串口{}不存在", path.display()),
            LinkError::NotALine { path } => format!("{}不是串口", path.display()),
            LinkError::LineDenied { path } => format!("没有打开{}的权限", path.display()),
            LinkError::NoImage { board, path } => format!("{}处没有开发板{board}的固件", path.display()),
            LinkError::NoEmulator => "未安装qemu-system-arm".to_owned(),
            LinkError::Emulator { reason } => format!("qemu-system-arm无法启动：{reason}"),
            LinkError::NoCardService => "智能卡服务（pcscd）未运行".to_owned(),
            LinkError::NoReader { wanted, readers } if readers.is_empty() => {
                format!("没有读卡器“{wanted}”：本机没有读卡器")
            }
            LinkError::NoReader { wanted, readers } => {
                format!("没有读卡器“{wanted}”，现有：{}", readers.join("、"))
            }
            LinkError::Ambiguous { wanted, readers } => {
                format!("名称含“{wanted}”的读卡器不止一个：{}", readers.join("、"))
            }
            LinkError::Mute { reader } => format!("读卡器“{reader}”中的卡上电无应答"),
            LinkError::Reader { reader, reason } => format!("读卡器“{reader}”出错：{reason}"),
            LinkError::NotBuilt { form } => format!("本程序未包含{form}形式的目标"),
            LinkError::ForeignFolder { path } => format!("文件夹{}并非当前用户专有", path.display()),
            LinkError::Library(fault) => fault.message_zh(),
            LinkError::ByHand => "该UKey只能手工插拔".to_owned(),
        }
    }

    /// What to do next: English, Chinese.
    #[must_use]
    pub fn advice(&self) -> Option<(&'static str, &'static str)> {
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
                "look first at what the process of the token says (`ukey sim start`, where it runs): a full disk, say, has damaged nothing; only where the state is damaged, go back to a saved copy (`ukey sim load`) or reset it (`ukey sim reset`); of an emulated board, put back or remove the file of its flash",
                "请先查看UKey所在进程（ukey sim start）的输出：例如磁盘已满并不损坏状态；确认状态已损坏时，再用 ukey sim load 恢复备份，或用 ukey sim reset 重置；开发板请恢复或删除其闪存文件",
            ),
            LinkError::NotDone { .. } => (
                "mend what it names, then try again; its own output, where `ukey sim start` runs, says more",
                "请按其提示处理后重试；详情见 ukey sim start 进程的输出",
            ),
            LinkError::NoAnswer => (
                "pull the key, plug it in again, and look whether the last command was carried out",
                "请拔出并重新插入UKey，并核对上一命令是否已执行",
            ),
            LinkError::Garbled { .. } => (
                "check the baud rate (`serial:PATH@BAUD`) and the cable, and that a key is behind the line",
                "请检查波特率（serial:PATH@BAUD）和线缆，并确认该线路另一端是UKey",
            ),
            LinkError::Framing { .. } => {
                ("use a program and a key of the same release", "请使用同一版本的程序与UKey固件")
            }
            LinkError::Stream { .. } => {
                ("check the line to the key and connect again", "请检查与UKey的连接后重试")
            }
            LinkError::NoHost { .. } => (
                "check the name; for a key of this machine it is 127.0.0.1",
                "请检查主机名；本机UKey请用127.0.0.1",
            ),
            LinkError::NothingListens { .. } => (
                "start a simulated key there: `ukey sim start --tcp HOST:PORT` or `--unix PATH`",
                "可在该处启动模拟UKey：ukey sim start --tcp HOST:PORT 或 --unix PATH",
            ),
            LinkError::Unreachable { .. } => (
                "check the address, the network and the firewall on the way",
                "请检查地址、网络以及途中的防火墙",
            ),
            LinkError::NoSocket { .. } => (
                "start a simulated key there: `ukey sim start --unix PATH`; `ukey sim ls` shows those that run",
                "可在该处启动模拟UKey：ukey sim start --unix PATH；ukey sim ls 列出正在运行的UKey",
            ),
            LinkError::SocketDenied { .. } => (
                "connect as the user who started the key, or start one of your own: `ukey sim start --unix PATH`",
                "请以启动该UKey的用户身份连接，或自行启动：ukey sim start --unix PATH",
            ),
            LinkError::NoLine { .. } => (
                "plug the key in; the lines of this machine: ls /dev/ttyUSB* /dev/ttyACM* /dev/ttyS*",
                "请插入UKey；查看本机串口：ls /dev/ttyUSB* /dev/ttyACM* /dev/ttyS*",
            ),
            LinkError::NotALine { .. } => (
                "name the device file of a serial line, such as serial:/dev/ttyUSB0",
                "请指定串口设备文件，例如serial:/dev/ttyUSB0",
            ),
            LinkError::LineDenied { .. } => (
                "add yourself to the group that owns it (Debian: `sudo usermod -aG dialout $USER`), then log in anew",
                "请将自己加入该设备所属的组（Debian：sudo usermod -aG dialout $USER），再重新登录",
            ),
            LinkError::NoImage { .. } => (
                "build it: ukey board build; UKEY_BOARD_IMAGE_DIR names another folder",
                "请构建：ukey board build；可用UKEY_BOARD_IMAGE_DIR指定其他文件夹",
            ),
            LinkError::NoEmulator => (
                "install it; Debian: apt-get install qemu-system-arm",
                "请安装；Debian：apt-get install qemu-system-arm",
            ),
            LinkError::NoCardService => (
                "start it: systemctl start pcscd.socket; Debian: apt-get install pcscd",
                "请启动：systemctl start pcscd.socket；Debian安装：apt-get install pcscd",
            ),
            LinkError::NoReader { .. } => (
                "plug the reader in, or name one that is there; `pcsc_scan -r` lists them",
                "请接入读卡器，或改用现有读卡器的名称；pcsc_scan -r 可列出",
            ),
            LinkError::Ambiguous { .. } => ("give more of the name", "请给出更完整的名称"),
            LinkError::Mute { .. } => (
                "pull the key and plug it in again; it may also be no smart card at all",
                "请拔出后重新插入；也可能并非智能卡",
            ),
            LinkError::Reader { .. } => (
                "pull the reader or the key, plug it in again and try once more",
                "请重新插拔读卡器或UKey后重试",
            ),
            LinkError::NotBuilt { .. } => (
                "build it in: cargo install --locked --path host/cli --features pcsc",
                "请加入该功能重新编译：cargo install --locked --path host/cli --features pcsc",
            ),
            LinkError::ForeignFolder { .. } => (
                "let it be yours alone (chmod 700), or name another with UKEY_RUNTIME_DIR",
                "请将其权限改为仅本人可用（chmod 700），或用UKEY_RUNTIME_DIR指定其他文件夹",
            ),
            LinkError::Library(fault) => fault.advice(),
            LinkError::Io { .. }
            | LinkError::ByHand
            | LinkError::TooLong { .. }
            | LinkError::Emulator { .. } => return None,
        })
    }
}

/// A version of the framing in words.
fn version(found: Option<u8>) -> String {
    found.map_or_else(|| "another version".to_owned(), |found| format!("version {found}"))
}
