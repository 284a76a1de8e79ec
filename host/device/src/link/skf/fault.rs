//! What is wrong with a vendor's library, for people.

use std::time::Duration;

use super::sar::Sar;

/// Why a library is of no use, or its answer is none.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It cannot be loaded.
    #[error("{library} does not load: {why}")]
    NotLoaded {
        /// The library as it was named.
        library: String,
        /// Why.
        why: NotLoaded,
    },
    /// It lacks what nothing works without.
    #[error("{library} is no SKF library: it has no {}", functions.join(", "))]
    NoLibrary {
        /// Its file name.
        library: String,
        /// What it lacks.
        functions: Vec<&'static str>,
    },
    /// It knows no device of that name, or several and none was named.
    #[error("{}", no_device(library, asked.as_deref(), names))]
    NoDevice {
        /// Its file name.
        library: String,
        /// The name that was asked for.
        asked: Option<String>,
        /// The names that there are.
        names: Vec<String>,
    },
    /// Enumerating or connecting was refused.
    #[error("{library}: {function} answered {sar}: {}", sar.meaning())]
    Refused {
        /// Its file name.
        library: String,
        /// The function.
        function: &'static str,
        /// Its answer.
        sar: Sar,
    },
    /// A function's answer cannot be one.
    #[error("{library}: {function} answered {sar} and {what}")]
    Garbage {
        /// Its file name.
        library: String,
        /// The function.
        function: &'static str,
        /// Its answer.
        sar: Sar,
        /// What is wrong with what it gave.
        what: String,
    },
    /// A function wrote behind the memory it was given.
    #[error("{library}: {function} wrote behind the buffer it was given (ULONG has 32 bits)")]
    Overrun {
        /// Its file name.
        library: String,
        /// The function.
        function: &'static str,
    },
    /// A function did not come back. Whether it did what it was asked for is not known.
    #[error(
        "{library}: {function} did not return within {} s; the library is not used again in this process",
        limit.as_secs_f32()
    )]
    Silent {
        /// Its file name.
        library: String,
        /// The function.
        function: &'static str,
        /// How long was waited.
        limit: Duration,
    },
    /// The thread that called it ended.
    #[error("{library} ended the thread that called it; it is not used again in this process")]
    Ended {
        /// Its file name.
        library: String,
    },
}

/// Why a library does not load.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotLoaded {
    /// The file is not there.
    #[error("there is no such file")]
    NoFile,
    /// The file is no library.
    #[error("it is no shared library")]
    NoLibrary,
    /// It was made for other machines.
    #[error("it was made for {found}, and this program for {}", std::env::consts::ARCH)]
    Machine {
        /// For which.
        found: String,
    },
    /// It needs another library that is not there.
    #[error("it needs {name}, which is not found")]
    Dependency {
        /// Which.
        name: String,
    },
    /// The loader's own word.
    #[error("{0}")]
    Other(String),
}

fn no_device(library: &str, asked: Option<&str>, names: &[String]) -> String {
    let list = names.join(", ");
    match (asked, names) {
        (Some(asked), []) => format!("{library} has no device \"{asked}\": it has none"),
        (Some(asked), _) => format!("{library} has no device \"{asked}\"; it has {list}"),
        (None, []) => format!("{library} has no device: no key of its maker is plugged in"),
        (None, _) => format!("{library} has several devices: {list}"),
    }
}

impl Fault {
    /// Whether the token was not reached at all; else it was, and one function of the library is of no use.
    #[must_use]
    pub const fn is_unreachable(&self) -> bool {
        !matches!(self, Fault::Garbage { .. } | Fault::Overrun { .. })
    }

    /// What happened, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            Fault::NotLoaded { library, why } => format!("无法加载{library}：{}", why.message_zh()),
            Fault::NoLibrary { library, functions } => {
                format!("{library}不是SKF库，缺少{}", functions.join("、"))
            }
            Fault::NoDevice { library, asked, names } => match (asked, names.as_slice()) {
                (Some(asked), []) => format!("{library}没有设备“{asked}”，当前没有任何设备"),
                (Some(asked), _) => format!("{library}没有设备“{asked}”，现有：{}", names.join("、")),
                (None, []) => format!("{library}没有找到设备，请插入该厂商的UKey"),
                (None, _) => format!("{library}有多个设备：{}", names.join("、")),
            },
            Fault::Refused { library, function, sar } => {
                format!("{library}：{function}返回{sar}：{}", sar.meaning_zh())
            }
            Fault::Garbage { library, function, sar, what } => {
                format!("{library}：{function}返回{sar}，但结果不可信（{what}）")
            }
            Fault::Overrun { library, function } => format!("{library}：{function}写越界（ULONG应为32位）"),
            Fault::Silent { library, function, limit } => {
                format!("{library}：{function}在{}秒内未返回，本进程不再使用该库", limit.as_secs_f32())
            }
            Fault::Ended { library } => format!("{library}结束了调用它的线程，本进程不再使用该库"),
        }
    }

    /// What to do next: English, Chinese.
    pub(crate) fn advice(&self) -> (&'static str, &'static str) {
        match self {
            Fault::NotLoaded { why: NotLoaded::NoFile, .. } => {
                ("name the library's file, with its folder", "请写明库文件及其所在文件夹")
            }
            Fault::NotLoaded { why: NotLoaded::Machine { .. }, .. } => {
                ("ask the key's maker for the library of this machine", "请向UKey厂商索取适用于本机的库")
            }
            Fault::NotLoaded { why: NotLoaded::Dependency { .. }, .. } => {
                ("install the library that it needs: `ldd` lists them all", "请安装其依赖的库，可用 ldd 查看")
            }
            Fault::NotLoaded { .. } | Fault::NoLibrary { .. } => {
                ("name the SKF library (GM/T 0016) of the key's maker", "请指定UKey厂商的SKF库（GM/T 0016）")
            }
            Fault::NoDevice { asked: None, names, .. } if !names.is_empty() => (
                "name one behind the library: skf:LIBRARY.so#DEVICE",
                "请在库名后指定设备：skf:库文件#设备名",
            ),
            Fault::NoDevice { .. } => {
                ("plug the key in; the list is what SKF_EnumDev tells", "请插入UKey；设备名以SKF_EnumDev为准")
            }
            Fault::Refused { .. } => (
                "plug the key in again, and close other programs that use it",
                "请重新插入UKey，并退出占用它的程序",
            ),
            Fault::Garbage { .. } | Fault::Overrun { .. } => (
                "this is a defect of the library: report it to the key's maker",
                "这是该库的缺陷，请反馈给UKey厂商",
            ),
            Fault::Silent { .. } | Fault::Ended { .. } => (
                "look whether the key waits for its button; start this program again; UKEY_SKF_TIME_LIMIT is the limit in seconds",
                "请查看UKey是否在等待按键确认；请重新启动本程序；时限可由UKEY_SKF_TIME_LIMIT（秒）设定",
            ),
        }
    }
}

impl NotLoaded {
    fn message_zh(&self) -> String {
        match self {
            NotLoaded::NoFile => "文件不存在".to_owned(),
            NotLoaded::NoLibrary => "不是动态库".to_owned(),
            NotLoaded::Machine { found } => {
                format!("该库适用于{found}，本程序为{}", std::env::consts::ARCH)
            }
            NotLoaded::Dependency { name } => format!("缺少其依赖的{name}"),
            NotLoaded::Other(word) => word.clone(),
        }
    }
}
