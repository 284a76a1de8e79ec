//! Why a key is not served where it was to be.

use std::io;
use std::path::PathBuf;

use rustix::io::Errno;
use ukey_device::LinkError;

/// A way to the key that could not be opened. Nothing of it is left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The system does not let anybody listen there.
    #[error("cannot listen at {place}: {source}")]
    Listen {
        /// The address or the file.
        place: String,
        /// The system's word.
        source: io::Error,
    },
    /// Another program listens there.
    #[error("{place} is in use by another program")]
    InUse {
        /// The address or the file.
        place: String,
    },
    /// Something else has that name. It was not touched.
    #[error("{} exists, and is no {what}", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
    },
    /// The serial line cannot be used.
    #[error("the serial line {} cannot be opened: {source}", path.display())]
    Line {
        /// The device file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// The process cannot be listed among those that run.
    #[error(transparent)]
    Registry(#[from] LinkError),
    /// The system has no more threads or pipes.
    #[error("the system refuses: {0}")]
    System(#[from] io::Error),
}

impl ServeError {
    /// What is wrong, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            ServeError::Listen { place, source } => format!("无法在{place}监听：{source}"),
            ServeError::InUse { place } => format!("{place}正被其他程序占用"),
            ServeError::Exists { path, .. } => format!("{}已存在，且不是套接字或串口", path.display()),
            ServeError::Line { path, source } => format!("串口{}无法打开：{source}", path.display()),
            ServeError::Registry(error) => error.message_zh(),
            ServeError::System(error) => format!("操作系统拒绝：{error}"),
        }
    }

    /// What to do next: English, Chinese.
    #[must_use]
    pub fn advice(&self) -> (&'static str, &'static str) {
        match self {
            ServeError::Listen { .. } => (
                "choose another address; --tcp 127.0.0.1:0 takes a free port",
                "请换一个地址；--tcp 127.0.0.1:0 自动选用空闲端口",
            ),
            ServeError::InUse { .. } => (
                "choose another, or end that program: `ukey sim ls` lists the tokens that run",
                "请换一个，或结束该程序：ukey sim ls 列出正在运行的UKey",
            ),
            ServeError::Exists { .. } => ("name a file that does not exist yet", "请指定尚不存在的文件名"),
            ServeError::Line { .. } => (
                "name a device file that you may read and write, or a name that does not exist for a pseudo-terminal",
                "请指定有读写权限的串口设备文件；指定不存在的文件名则建立伪终端",
            ),
            ServeError::Registry(_) => (
                "UKEY_RUNTIME_DIR names the folder of the tokens that run; it must be yours alone",
                "UKEY_RUNTIME_DIR指定存放运行信息的文件夹，须仅本人可用",
            ),
            ServeError::System(error) if error.raw_os_error() == Some(Errno::MFILE.raw_os_error()) => (
                "serve fewer tokens, or allow the process more open files: ulimit -n",
                "请减少UKey数量，或用 ulimit -n 提高可打开文件数",
            ),
            ServeError::System(_) => ("close some programs, then try again", "请关闭一些程序后重试"),
        }
    }
}
