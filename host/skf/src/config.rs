//! Which devices there are: `UKEY_SKF_TARGETS`, targets separated by `;`; else the file that `UKEY_SKF_CONFIG` names;
//! else `ukey/skf.toml` in the user's folder of configurations. It is read once, at the first call.
//!
//! ```toml
//! targets = ["sim:/home/zhang/k.ukey", "sim"]
//! running = true
//! ```
//!
//! Where none is named, or with `running = true` besides, the tokens that run on this machine are devices too.

use std::env;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use ukey_device::{Target, UnknownTarget};

/// The environment variable with targets.
pub(crate) const TARGETS: &str = "UKEY_SKF_TARGETS";
/// The environment variable with the path of the file.
pub(crate) const CONFIG: &str = "UKEY_SKF_CONFIG";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    targets: Vec<String>,
    running: Option<bool>,
}

/// The devices that were asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Devices {
    /// By their targets.
    pub(crate) targets: Vec<Target>,
    /// Whether the tokens that run on this machine are among them.
    pub(crate) running: bool,
}

impl Devices {
    /// Those of a list; where it is empty, the running ones.
    fn of(targets: Vec<Target>) -> Devices {
        Devices { running: targets.is_empty(), targets }
    }
}

/// The devices; or what is wrong with the configuration, for a person.
pub(crate) fn devices() -> Result<Devices, String> {
    if let Some(list) = env::var_os(TARGETS) {
        let list = list.into_string().map_err(|_| format!("{TARGETS} is no UTF-8"))?;
        return parse(&list).map(Devices::of);
    }
    let (path, is_named) = match env::var_os(CONFIG) {
        Some(path) => (PathBuf::from(path), true),
        None => match folder() {
            Some(folder) => (folder.join("ukey").join("skf.toml"), false),
            None => return Ok(Devices::of(Vec::new())),
        },
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => read(&text, path.parent().unwrap_or(Path::new("")))
            .map_err(|error| format!("{}: {error}", path.display())),
        // A file that nobody named need not be there.
        Err(error) if !is_named && error.kind() == std::io::ErrorKind::NotFound => {
            Ok(Devices::of(Vec::new()))
        }
        Err(error) => Err(format!("reading {} failed: {error}", path.display())),
    }
}

/// The user's folder of configurations.
fn folder() -> Option<PathBuf> {
    let named = |name| env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    named("XDG_CONFIG_HOME").or_else(|| named("APPDATA")).or_else(|| Some(named("HOME")?.join(".config")))
}

/// Targets separated by `;`.
fn parse(list: &str) -> Result<Vec<Target>, String> {
    let texts = list.split(';').map(str::trim).filter(|text| !text.is_empty());
    texts.map(|text| target(text).map_err(|error| format!("{TARGETS}: {error}"))).collect()
}

/// One target. A library over a library makes no sense: whoever can load this one can load that one.
fn target(text: &str) -> Result<Target, String> {
    match text.parse().map_err(|error: UnknownTarget| error.to_string())? {
        Target::Skf { library, .. } => Err(format!(
            "{text} is a library like this one: let the program load {} itself",
            library.display()
        )),
        target => Ok(target),
    }
}

/// The devices of a file; files and sockets are looked for beside it.
fn read(text: &str, folder: &Path) -> Result<Devices, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let beside = |target| match target {
        Target::SimFile(path) => Target::SimFile(folder.join(path)),
        Target::Unix(path) => Target::Unix(folder.join(path)),
        Target::Qemu { board, flash } => Target::Qemu { board, flash: flash.map(|path| folder.join(path)) },
        other => other,
    };
    let targets = file.targets.iter().map(|text| target(text).map(beside));
    let devices = Devices::of(targets.collect::<Result<_, _>>()?);
    Ok(Devices { running: file.running.unwrap_or(devices.running), ..devices })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_separated_by_semicolons() {
        let file = || Target::SimFile("a b.ukey".into());
        assert_eq!(parse("sim; sim:a b.ukey;"), Ok(vec![Target::Sim, file()]));
        assert_eq!(parse(""), Ok(vec![]));
        assert!(parse("sim;elsewhere").unwrap_err().contains("\"elsewhere\" is no target"));
    }

    #[test]
    fn files_are_looked_for_beside_the_configuration() {
        let text = "targets = ['sim:k.ukey', 'sim:/k.ukey', 'sim']";
        let expected =
            vec![Target::SimFile("/etc/k.ukey".into()), Target::SimFile("/k.ukey".into()), Target::Sim];
        assert_eq!(read(text, Path::new("/etc")), Ok(Devices { targets: expected, running: false }));
        for wrong in ["target = []", "targets = ['elsewhere']", "targets = 'sim'", "running = 1"] {
            assert!(read(wrong, Path::new("")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn running_tokens_are_devices_where_none_is_named_or_where_they_are_asked_for() {
        let running = |text| read(text, Path::new("")).unwrap().running;
        assert!(running("") && running("targets = []") && running("targets = ['sim']\nrunning = true"));
        assert!(!running("targets = ['sim']") && !running("running = false"));
        assert!(Devices::of(parse(" ; ").unwrap()).running && !Devices::of(parse("sim").unwrap()).running);
    }

    #[test]
    fn a_library_over_a_library_is_refused() {
        let error = parse("sim;skf:libvendor.so#A").unwrap_err();
        assert!(error.contains("let the program load libvendor.so itself"), "{error}");
        assert!(read("targets = ['skf:libvendor.so']", Path::new("")).is_err());
    }
}
