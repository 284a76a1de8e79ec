//! Finds feature files: in the program itself, and on disk.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Component, Path, PathBuf},
};

use include_dir::{Dir, include_dir};

use super::{
    exit::Exit,
    parse::{ParseFault, parse},
    suite::Suite,
};

static ZH: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/zh");
static EN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/en");

/// Why there is no suite.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LoadError {
    /// A path that is neither on disk nor in the built-in suite.
    #[error("there is nothing at {path}")]
    #[diagnostic(help(
        "a directory, a .feature file, FILE:LINE, or a path of the built-in suite such as features/zh\n{path}处没有内容；请给出目录、.feature文件、文件:行号，或内置场景的路径，如features/zh"
    ))]
    NotFound {
        /// The path as given.
        path: String,
    },
    /// A directory without feature files.
    #[error("{path} holds no .feature file")]
    #[diagnostic(help("name a directory that holds some\n{path}中没有.feature文件，请换一个目录"))]
    Empty {
        /// The path as given.
        path: String,
    },
    /// A file or directory that cannot be read.
    #[error("{path} cannot be read")]
    #[diagnostic(help("name a file that you may read\n无法读取{path}，请指定有权读取的文件"))]
    Unreadable {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line that belongs to no scenario.
    #[error("there is no scenario at {path}:{line}")]
    #[diagnostic(help(
        "`ukey test --list {path}` shows the lines\n{path}第{line}行没有场景；可用 ukey test --list {path} 查看行号"
    ))]
    NoScenario {
        /// The file.
        path: String,
        /// The line asked for.
        line: usize,
    },
    /// A file that does not parse.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Unparsable(Box<ParseFault>),
    /// Several files that do not parse: all of them.
    #[error("{} feature files do not parse:{}", .0.len(), list(.0))]
    #[diagnostic(help(
        "run one of them alone to see the place in its text\n有{}个场景文件无法解析；单独运行其中一个可看到出错的位置",
        .0.len()
    ))]
    AllUnparsable(Vec<ParseFault>),
}

fn list(faults: &[ParseFault]) -> String {
    faults.iter().map(|fault| format!("\n{fault}")).collect()
}

impl LoadError {
    /// The exit code for it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NotFound { .. } | Self::Empty { .. } | Self::Unreadable { .. } => Exit::Usage,
            Self::NoScenario { .. } => Exit::NothingMatched,
            Self::Unparsable(_) | Self::AllUnparsable(_) => Exit::Unparsable,
        }
    }
}

/// A feature file that is wanted, and which lines of it; no line means all.
struct Source {
    path: String,
    text: String,
    lines: BTreeSet<usize>,
}

/// The suite that is compiled in: `features/zh`, then `features/en`. Empty as long as these folders are.
///
/// # Errors
/// When one of its files does not parse.
pub fn built_in() -> Result<Suite, LoadError> {
    suite(
        built_in_files()
            .map(|(path, text)| Source { path, text: text.into(), lines: BTreeSet::new() })
            .collect(),
    )
}

/// The suite of one text, for tests and tools. `path` is what reports call it.
///
/// # Errors
/// When it does not parse.
pub fn from_text(path: &str, text: &str) -> Result<Suite, LoadError> {
    suite(vec![Source { path: path.into(), text: text.into(), lines: BTreeSet::new() }])
}

/// The suite at `paths`: directories (recursively, sorted), files, `FILE:LINE`. What is not on disk is looked up in
/// the built-in suite. No path at all means the built-in suite.
///
/// # Errors
/// See [`LoadError`].
pub fn load(paths: &[String]) -> Result<Suite, LoadError> {
    if paths.is_empty() {
        return built_in();
    }
    let mut sources: Vec<Source> = Vec::new();
    for path in paths {
        for source in sources_at(path)? {
            match sources.iter_mut().find(|known| known.path == source.path) {
                // Two selections of one file add up; the whole file outweighs a line.
                Some(known) if known.lines.is_empty() || source.lines.is_empty() => known.lines.clear(),
                Some(known) => known.lines.extend(source.lines),
                None => sources.push(source),
            }
        }
    }
    suite(sources)
}

fn suite(sources: Vec<Source>) -> Result<Suite, LoadError> {
    let (mut suite, mut faults) = (Suite::default(), Vec::new());
    for source in sources {
        match parse(&source.path, &source.text) {
            Ok(cases) if source.lines.is_empty() => suite.extend(cases.cases),
            Ok(cases) => {
                let covered = |line: usize| cases.cases().iter().any(|case| case.extent.contains(&line));
                if let Some(&line) = source.lines.iter().find(|&&line| !covered(line)) {
                    return Err(LoadError::NoScenario { path: source.path, line });
                }
                suite.extend(cases.at_lines(&source.lines.into_iter().collect::<Vec<_>>()).cases);
            }
            Err(fault) => faults.push(*fault),
        }
    }
    match faults.len() {
        0 => Ok(suite),
        1 => Err(LoadError::Unparsable(Box::new(faults.remove(0)))),
        _ => Err(LoadError::AllUnparsable(faults)),
    }
}

fn sources_at(given: &str) -> Result<Vec<Source>, LoadError> {
    let (path, lines) = match given.rsplit_once(':').and_then(|(path, line)| Some((path, line.parse().ok()?)))
    {
        Some((path, line)) if !Path::new(given).exists() => (path, BTreeSet::from([line])),
        _ => (given, BTreeSet::new()),
    };
    let on_disk = Path::new(path);
    if !on_disk.exists() {
        return built_in_at(path, &lines).ok_or_else(|| LoadError::NotFound { path: path.into() });
    }
    let mut files = Vec::new();
    if on_disk.is_dir() {
        walk(on_disk, &mut files)?;
        if files.is_empty() {
            return Err(LoadError::Empty { path: path.into() });
        }
    } else {
        files.push(on_disk.to_owned());
    }
    files
        .into_iter()
        .map(|file| {
            let path = shown(&file);
            let text = fs::read_to_string(&file)
                .map_err(|source| LoadError::Unreadable { path: path.clone(), source })?;
            Ok(Source { path, text, lines: lines.clone() })
        })
        .collect()
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), LoadError> {
    let unreadable = |source| LoadError::Unreadable { path: shown(directory), source };
    let mut entries = fs::read_dir(directory)
        .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
        .map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // The type of the entry itself: a link to a directory is not followed, so a ring of links ends.
        if entry.file_type().map_err(unreadable)?.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "feature") {
            files.push(path);
        }
    }
    Ok(())
}

/// A path as reports show it: relative to the current directory where it lies inside, with `/`, so that a file that
/// is asked for twice from one place is loaded once. Seeds do not depend on it, but for the name of the file.
fn shown(path: &Path) -> String {
    let inside = std::env::current_dir().ok().and_then(|here| path.strip_prefix(here).ok());
    let parts = inside.unwrap_or(path).components().filter(|part| *part != Component::CurDir);
    parts.collect::<PathBuf>().to_string_lossy().replace('\\', "/")
}

fn built_in_files() -> impl Iterator<Item = (String, &'static str)> {
    [("features/zh", &ZH), ("features/en", &EN)].into_iter().flat_map(|(folder, dir)| {
        let mut files = Vec::new();
        collect_files(dir, &mut files);
        files.sort();
        files.into_iter().map(move |(path, text)| (format!("{folder}/{path}"), text))
    })
}

fn collect_files(dir: &Dir<'static>, files: &mut Vec<(String, &'static str)>) {
    for file in
        dir.files().filter(|file| file.path().extension().is_some_and(|extension| extension == "feature"))
    {
        let text = file.contents_utf8().unwrap_or_default();
        files.push((file.path().to_string_lossy().replace('\\', "/"), text));
    }
    for inner in dir.dirs() {
        collect_files(inner, files);
    }
}

fn built_in_at(path: &str, lines: &BTreeSet<usize>) -> Option<Vec<Source>> {
    let path = shown(Path::new(path));
    let wanted = if path.starts_with("features") { path } else { format!("features/{path}") };
    let sources: Vec<_> = built_in_files()
        .filter(|(file, _)| {
            file.strip_prefix(&wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
        .map(|(path, text)| Source { path, text: text.into(), lines: lines.clone() })
        .collect();
    (!sources.is_empty()).then_some(sources)
}
