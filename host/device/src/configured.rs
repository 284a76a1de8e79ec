//! Which devices `libukey_skf` has: `UKEY_SKF_TARGETS`, targets separated by `;`; else the file that `UKEY_SKF_CONFIG`
//! names; else `ukey/skf.toml` in the user's folder of configurations.
//!
//! ```toml
//! targets = ["sim:/home/zhang/k.ukey", "sim"]
//! running = true
//! ```
//!
//! Where none is named, or with `running = true` besides, the tokens that run on this machine are devices too.
//!
//! It stands here because two have to read it alike: the library, whose callers see a code and no words, and whoever says
//! what is wrong (`ukey doctor`).

use std::env;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::target::{Target, UnknownTarget};

/// The environment variable with targets.
pub const TARGETS: &str = "UKEY_SKF_TARGETS";
/// The environment variable with the path of the file.
pub const CONFIG: &str = "UKEY_SKF_CONFIG";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    targets: Vec<String>,
    running: Option<bool>,
}

/// The devices that were asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Devices {
    /// By their targets.
    pub targets: Vec<Target>,
    /// Whether the tokens that run on this machine are among them.
    pub running: bool,
}

/// What is wrong with what names the devices.
#[derive(Debug, thiserror::Error)]
pub enum Mistake {
    /// The variable is no text.
    #[error("{TARGETS} is no UTF-8")]
    NoText,
    /// One of the targets.
    #[error("{place}: entry {number} of {count}: {wrong}")]
    Entry {
        /// Where it stands: the variable, or the file.
        place: String,
        /// Which it is, from 1.
        number: usize,
        /// How many there are.
        count: usize,
        /// What is wrong with it.
        wrong: Wrong,
    },
    /// The file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// The file is no TOML, or has other fields than these.
    #[error("{}: {what}", path.display())]
    NoConfiguration {
        /// The file.
        path: PathBuf,
        /// What is wrong, and in which line.
        what: String,
    },
}

/// What is wrong with a target.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Wrong {
    /// It is none.
    #[error(transparent)]
    Unknown(#[from] UnknownTarget),
    /// A library over a library makes no sense: whoever can load this one can load that one.
    #[error("{target} is a library like this one: let the program load {} itself", library.display())]
    Library {
        /// The target.
        target: String,
        /// The library.
        library: PathBuf,
    },
}

impl Mistake {
    /// What is wrong, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            Mistake::NoText => format!("{TARGETS}不是UTF-8文本"),
            Mistake::Entry { place, number, count, wrong } => {
                format!("{place}：第{number}项（共{count}项）：{}", wrong.message_zh())
            }
            Mistake::Unreadable { path, source } => format!("无法读取{}：{source}", path.display()),
            Mistake::NoConfiguration { path, what } => format!("{}：{what}", path.display()),
        }
    }

    /// What a right one looks like: English, Chinese.
    #[must_use]
    pub fn advice(&self) -> (String, String) {
        let right = match self {
            Mistake::NoText => VARIABLE_EXAMPLE,
            Mistake::Entry { place, .. } if place == TARGETS => VARIABLE_EXAMPLE,
            Mistake::Unreadable { .. } => {
                return (
                    format!("name another file with {CONFIG}, or the devices themselves: {VARIABLE_EXAMPLE}"),
                    format!("请用{CONFIG}指定其他文件，或直接指定设备：{VARIABLE_EXAMPLE}"),
                );
            }
            Mistake::Entry { .. } | Mistake::NoConfiguration { .. } => FILE_EXAMPLE,
        };
        (format!("a right one: {right}"), format!("正确写法示例：{right}"))
    }
}

impl Wrong {
    fn message_zh(&self) -> String {
        match self {
            Wrong::Unknown(unknown) => unknown.message_zh(),
            Wrong::Library { target, library } => {
                format!("{target}本身就是SKF库，请让程序直接加载{}", library.display())
            }
        }
    }
}

const VARIABLE_EXAMPLE: &str = "UKEY_SKF_TARGETS='sim:/home/zhang/k.ukey;tcp:127.0.0.1:4433'";
const FILE_EXAMPLE: &str = "targets = ['sim:/home/zhang/k.ukey', 'tcp:127.0.0.1:4433']";

impl Devices {
    /// Those of a list; where it is empty, the running ones.
    fn of(targets: Vec<Target>) -> Devices {
        Devices { running: targets.is_empty(), targets }
    }
}

/// The devices.
///
/// # Errors
/// What is wrong.
pub fn devices() -> Result<Devices, Mistake> {
    if let Some(list) = env::var_os(TARGETS) {
        return listed(&list.into_string().map_err(|_| Mistake::NoText)?);
    }
    file().map_or_else(|| Ok(Devices::of(Vec::new())), |path| in_file(&path))
}

/// The file that names the devices, unless [`TARGETS`] does: the one that is named, or the usual one where it is there.
#[must_use]
pub fn file() -> Option<PathBuf> {
    // A file that nobody named need not be there.
    let usual = || folder().map(|folder| folder.join("ukey").join("skf.toml")).filter(|path| path.exists());
    env::var_os(CONFIG).map(PathBuf::from).or_else(usual)
}

/// The user's folder of configurations.
fn folder() -> Option<PathBuf> {
    let named = |name| env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    named("XDG_CONFIG_HOME").or_else(|| named("APPDATA")).or_else(|| Some(named("HOME")?.join(".config")))
}

/// The devices of a list: targets separated by `;`.
///
/// # Errors
/// [`Mistake::Entry`].
pub fn listed(list: &str) -> Result<Devices, Mistake> {
    let texts: Vec<_> = list.split(';').map(str::trim).filter(|text| !text.is_empty()).collect();
    Ok(Devices::of(targets(TARGETS, &texts)?))
}

/// The devices of a file; files and sockets are looked for beside it.
///
/// # Errors
/// What is wrong.
pub fn in_file(path: &Path) -> Result<Devices, Mistake> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| Mistake::Unreadable { path: path.to_owned(), source })?;
    read(&text, path)
}

fn read(text: &str, path: &Path) -> Result<Devices, Mistake> {
    let no_configuration =
        |error: toml::de::Error| Mistake::NoConfiguration { path: path.to_owned(), what: error.to_string() };
    let file: File = toml::from_str(text).map_err(no_configuration)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let beside = |target| match target {
        Target::SimFile(path) => Target::SimFile(folder.join(path)),
        Target::Unix(path) => Target::Unix(folder.join(path)),
        Target::Qemu { board, flash } => Target::Qemu { board, flash: flash.map(|path| folder.join(path)) },
        other => other,
    };
    let targets = targets(&path.display().to_string(), &file.targets)?;
    let devices = Devices::of(targets.into_iter().map(beside).collect());
    Ok(Devices { running: file.running.unwrap_or(devices.running), ..devices })
}

fn targets(place: &str, texts: &[impl AsRef<str>]) -> Result<Vec<Target>, Mistake> {
    let count = texts.len();
    let entry = |(index, text): (usize, &_)| {
        let text: &str = AsRef::as_ref(text);
        target(text).map_err(|wrong| Mistake::Entry {
            place: place.to_owned(),
            number: index + 1,
            count,
            wrong,
        })
    };
    texts.iter().enumerate().map(entry).collect()
}

fn target(text: &str) -> Result<Target, Wrong> {
    match text.parse()? {
        Target::Skf { library, .. } => Err(Wrong::Library { target: text.to_owned(), library }),
        target => Ok(target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_folder(text: &str) -> Result<Devices, Mistake> {
        read(text, Path::new("/etc/skf.toml"))
    }

    #[test]
    fn targets_are_separated_by_semicolons() {
        let file = || Target::SimFile("a b.ukey".into());
        assert_eq!(listed("sim; sim:a b.ukey;").unwrap().targets, [Target::Sim, file()]);
        assert_eq!(listed("").unwrap().targets, []);
    }

    #[test]
    fn the_entry_that_is_wrong_is_named_with_a_right_one() {
        let mistake = listed("sim;; elsewhere ;sim:").unwrap_err();
        let text = mistake.to_string();
        assert!(text.starts_with("UKEY_SKF_TARGETS: entry 2 of 3: \"elsewhere\" is no target; "), "{text}");
        assert!(mistake.message_zh().starts_with("UKEY_SKF_TARGETS：第2项（共3项）：“elsewhere”不是目标"));
        let (right, _) = mistake.advice();
        let right =
            right.strip_prefix("a right one: UKEY_SKF_TARGETS='").and_then(|right| right.strip_suffix('\''));
        assert_eq!(listed(right.unwrap()).unwrap().targets.len(), 2);

        let mistake = in_folder("targets = ['sim', 'sim:']").unwrap_err();
        assert_eq!(
            mistake.to_string(),
            "/etc/skf.toml: entry 2 of 2: sim:FILE lacks what belongs behind the colon"
        );
        let (right, _) = mistake.advice();
        assert_eq!(in_folder(right.strip_prefix("a right one: ").unwrap()).unwrap().targets.len(), 2);
        let mistake = in_folder("targets = ['sim'").unwrap_err().to_string();
        assert!(mistake.starts_with("/etc/skf.toml: TOML parse error at line 1"), "{mistake}");
        let mistake = in_file(Path::new("/nowhere/skf.toml")).unwrap_err();
        assert!(mistake.to_string().starts_with("/nowhere/skf.toml cannot be read: "), "{mistake}");
        assert!(mistake.advice().0.contains(CONFIG));
    }

    #[test]
    fn files_are_looked_for_beside_the_configuration() {
        let text = "targets = ['sim:k.ukey', 'sim:/k.ukey', 'sim']";
        let expected =
            vec![Target::SimFile("/etc/k.ukey".into()), Target::SimFile("/k.ukey".into()), Target::Sim];
        assert_eq!(in_folder(text).unwrap(), Devices { targets: expected, running: false });
        for wrong in ["target = []", "targets = ['elsewhere']", "targets = 'sim'", "running = 1"] {
            assert!(in_folder(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn running_tokens_are_devices_where_none_is_named_or_where_they_are_asked_for() {
        let running = |text| in_folder(text).unwrap().running;
        assert!(running("") && running("targets = []") && running("targets = ['sim']\nrunning = true"));
        assert!(!running("targets = ['sim']") && !running("running = false"));
        assert!(listed(" ; ").unwrap().running && !listed("sim").unwrap().running);
    }

    #[test]
    fn a_library_over_a_library_is_refused() {
        let error = listed("sim;skf:libvendor.so#A").unwrap_err().to_string();
        assert!(error.contains("let the program load libvendor.so itself"), "{error}");
        assert!(in_folder("targets = ['skf:libvendor.so']").is_err());
    }
}
