//! Which devices there are: `UKEY_SKF_TARGETS`, targets separated by `;`; else the file that `UKEY_SKF_CONFIG` names;
//! else `ukey/skf.toml` in the user's folder of configurations. It is read once, at the first call.
//!
//! ```toml
//! targets = ["sim:/home/zhang/k.ukey", "sim"]
//! ```
//!
//! This is also the seam for targets that nobody has to write down, such as tokens that run beside this program.

use std::env;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use ukey_device::Target;

/// The environment variable with targets.
pub(crate) const TARGETS: &str = "UKEY_SKF_TARGETS";
/// The environment variable with the path of the file.
pub(crate) const CONFIG: &str = "UKEY_SKF_CONFIG";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    targets: Vec<String>,
}

/// The targets; or what is wrong with them, for a person.
pub(crate) fn targets() -> Result<Vec<Target>, String> {
    if let Some(list) = env::var_os(TARGETS) {
        let list = list.into_string().map_err(|_| format!("{TARGETS} is no UTF-8"))?;
        return parse(&list);
    }
    let (path, is_named) = match env::var_os(CONFIG) {
        Some(path) => (PathBuf::from(path), true),
        None => match folder() {
            Some(folder) => (folder.join("ukey").join("skf.toml"), false),
            None => return Ok(Vec::new()),
        },
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => read(&text, path.parent().unwrap_or(Path::new("")))
            .map_err(|error| format!("{}: {error}", path.display())),
        // A file that nobody named need not be there.
        Err(error) if !is_named && error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
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
    texts.map(|text| text.parse().map_err(|error| format!("{TARGETS}: {error}"))).collect()
}

/// The targets of a file; its files are looked for beside it.
fn read(text: &str, folder: &Path) -> Result<Vec<Target>, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let targets = file.targets.iter().map(|text| text.parse::<Target>().map_err(|error| error.to_string()));
    targets
        .map(|target| {
            target.map(|target| match target {
                Target::SimFile(path) => Target::SimFile(folder.join(path)),
                Target::Qemu { board, flash } => {
                    Target::Qemu { board, flash: flash.map(|path| folder.join(path)) }
                }
                Target::Skf { library, device } => Target::Skf { library: folder.join(library), device },
                other => other,
            })
        })
        .collect()
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
        assert_eq!(read(text, Path::new("/etc")), Ok(expected));
        for wrong in ["target = []", "targets = ['elsewhere']", "targets = 'sim'"] {
            assert!(read(wrong, Path::new("")).is_err(), "{wrong}");
        }
    }
}
