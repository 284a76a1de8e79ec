//! `ukey list`: every token that can be reached from this machine. Asking takes no token away from its user, and never
//! waits long: a token that is in use, or would lose its session by being asked, is told by what is known beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use ukey_device::link::skf::Key;
use ukey_device::link::state;
use ukey_device::running::{self, Instance, control};
use ukey_device::{Board, Options, Target};
use unicode_width::UnicodeWidthStr;

use crate::doctor::probe;
use crate::failure::Result;
use crate::options::Format;
use crate::output;

/// How long one that is asked may take.
const ASKED: Duration = Duration::from_secs(3);

/// List the tokens that can be reached from this machine: running simulated ones, those in smart card readers, behind
/// serial lines and SKF libraries, state files of the current folder, boards whose image is built.
#[derive(clap::Args, Debug)]
pub(crate) struct List {
    /// Ask this SKF library too, which runs it; may be repeated. UKEY_SKF_LIBRARIES lists more, separated by colons
    #[arg(long = "library", value_name = "FILE")]
    libraries: Vec<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A place where a token is, or could be.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Row {
    /// The target, as one writes it.
    target: String,
    kind: &'static str,
    serial_number: Option<String>,
    label: Option<String>,
    state: State,
}

/// What is there.
#[derive(Clone, PartialEq, Eq, Debug)]
enum State {
    /// A token that nobody uses.
    Free,
    /// A token that somebody uses; who, where that is known.
    InUse(Option<String>),
    /// A place without a token.
    Empty,
    /// Nobody knows without taking it.
    Unknown,
    /// A token, or the way to it, that does not work.
    Broken(String),
}

/// What was found, and what could not be asked.
#[derive(Default)]
struct Found {
    rows: Vec<Row>,
    notes: Vec<String>,
}

impl List {
    /// Carries it out.
    pub(crate) fn run(self) -> Result<()> {
        let mut found = Found::default();
        let instances = running::instances().unwrap_or_else(|error| {
            found.notes.push(format!("running tokens: {error}"));
            Vec::new()
        });
        for instance in &instances {
            found.rows.extend(instance_rows(instance));
        }
        readers(&mut found, &instances);
        let served: Vec<_> = found
            .rows
            .iter()
            .filter_map(|row| row.target.strip_prefix("serial:").map(PathBuf::from))
            .collect();
        let lines = probe::serial_lines().into_iter().filter(|path| !served.contains(path));
        found.rows.extend(lines.filter_map(|path| probe::line(&path)).map(|line| Row {
            target: Target::Serial { path: line.path, baud: ukey_device::target::DEFAULT_BAUD }.to_string(),
            kind: "serial line",
            serial_number: None,
            label: None,
            state: match line.holder {
                Some(holder) => State::InUse(Some(holder)),
                None if line.allowed => State::Unknown,
                None => State::Broken(format!("members of the group {} may use it", line.group)),
            },
        }));
        let libraries = self.libraries.into_iter().chain(configured_libraries());
        found.rows.extend(libraries.flat_map(|library| library_rows(&library)));
        found.rows.extend(probe::state_files().iter().map(|path| state_row(path)));
        let built = Board::ALL.into_iter().filter(|board| board.image().is_file());
        found.rows.extend(built.map(|board| Row {
            target: Target::Qemu { board, flash: None }.to_string(),
            kind: "emulated board",
            serial_number: None,
            label: None,
            state: State::Free,
        }));
        match self.format {
            Format::Text => {
                output::result(&table(&found.rows));
                found.notes.iter().for_each(|note| output::say(note));
            }
            Format::Json => output::result(&format!("{:#}\n", found.json())),
        }
        Ok(())
    }
}

/// The tokens of a process: one row for each way to them.
fn instance_rows(instance: &Instance) -> Vec<Row> {
    let asked = instance.clone();
    let states = probe::in_time(ASKED, move || asked.status());
    let states: BTreeMap<String, control::State> = match states {
        Some(Ok(states)) => states.into_iter().map(|state| (state.serial_number.clone(), state)).collect(),
        _ => BTreeMap::new(),
    };
    let row = |token: &running::Running, target: String| Row {
        target,
        kind: "running simulator",
        serial_number: Some(token.serial_number.clone()),
        label: Some(token.label.clone()),
        state: match states.get(&token.serial_number) {
            None => State::Broken(format!("PID {} does not answer", instance.pid)),
            Some(state) if !state.plugged_in => State::Empty,
            Some(control::State { holder: Some(holder), .. }) => State::InUse(Some(holder.clone())),
            Some(_) => State::Free,
        },
    };
    let targets =
        |token: &running::Running| token.targets.iter().map(ToString::to_string).collect::<Vec<_>>();
    instance
        .tokens
        .iter()
        .flat_map(|token| targets(token).into_iter().map(move |target| row(token, target)))
        .collect()
}

/// The readers of smart cards. A card that nobody uses is asked who it is.
#[cfg(feature = "pcsc")]
fn readers(found: &mut Found, _: &[Instance]) {
    use ukey_device::link::pcsc::{self, CardState, Sharing};

    let readers = match probe::in_time(ASKED, pcsc::readers) {
        Some(Ok(readers)) => readers,
        Some(Err(error)) => {
            return found.notes.push(format!("smart card readers: {error}; see `ukey doctor`"));
        }
        None => {
            return found
                .notes
                .push("smart card readers: pcscd does not answer; see `ukey doctor`".to_owned());
        }
    };
    for reader in readers {
        let target = Target::Pcsc { reader: reader.name };
        let state = match (reader.card, reader.sharing) {
            (CardState::Absent, _) => State::Empty,
            (CardState::Mute, _) => State::Broken("the card does not answer to power".to_owned()),
            (_, Sharing::Free) => State::Free,
            (_, Sharing::Shared | Sharing::Exclusive) => State::InUse(None),
        };
        let known = (state == State::Free).then(|| identity(&target)).flatten();
        let (serial_number, label) = known.unzip();
        found.rows.push(Row {
            target: target.to_string(),
            kind: "smart card reader",
            serial_number,
            label,
            state,
        });
    }
}

#[cfg(not(feature = "pcsc"))]
fn readers(found: &mut Found, instances: &[Instance]) {
    let carded =
        instances.iter().flat_map(|instance| &instance.tokens).any(|token| !token.readers.is_empty());
    if carded {
        found.notes.push("smart card readers: this build speaks no PC/SC; see `ukey doctor`".to_owned());
    }
}

/// Who a token is that nobody uses: serial number and label.
#[cfg(feature = "pcsc")]
fn identity(target: &Target) -> Option<(String, String)> {
    let target = target.clone();
    let info = probe::in_time(ASKED, move || {
        let device = target.connect(&Options::default()).ok()?;
        device.info().ok()
    });
    info.flatten().map(|info| (info.serial_number, info.label))
}

/// The libraries that the environment names.
fn configured_libraries() -> Vec<PathBuf> {
    let named = std::env::var_os("UKEY_SKF_LIBRARIES").unwrap_or_default();
    std::env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()).collect()
}

/// The devices of an SKF library. Connecting to them takes nothing from another program.
fn library_rows(library: &Path) -> Vec<Row> {
    let target =
        |device: Option<&str>| Target::Skf { library: library.to_owned(), device: device.map(str::to_owned) };
    let row = |target: Target, known: Option<(String, String)>, state: State| {
        let (serial_number, label) = known.unzip();
        Row { target: target.to_string(), kind: "SKF library", serial_number, label, state }
    };
    let silent = || State::Broken("it does not answer".to_owned());
    let key = Key::new(library, None);
    let devices = match probe::in_time(ASKED, move || key.devices()) {
        None => return vec![row(target(None), None, silent())],
        Some(Err(error)) => return vec![row(target(None), None, State::Broken(error.to_string()))],
        Some(Ok(devices)) if devices.is_empty() => return vec![row(target(None), None, State::Empty)],
        Some(Ok(devices)) => devices,
    };
    let only_one = devices.len() == 1;
    // Whoever keeps the library busy keeps it for all of its devices.
    let mut is_silent = false;
    let ask = |(name, is_present): (String, bool)| {
        let target = target(Some(&name).filter(|_| !only_one).map(String::as_str));
        if !is_present {
            return row(target, None, State::Empty);
        }
        let asked = target.clone();
        let info = if is_silent {
            None
        } else {
            probe::in_time(ASKED, move || asked.connect(&Options::default())?.info())
        };
        is_silent = info.is_none();
        match info {
            None => row(target, None, silent()),
            Some(Err(error)) if error.is_busy() => row(target, None, State::InUse(None)),
            Some(Err(error)) => row(target, None, State::Broken(error.to_string())),
            Some(Ok(info)) => row(target, Some((info.serial_number, info.label)), State::Free),
        }
    };
    devices.into_iter().map(ask).collect()
}

/// A file that holds a token, or should.
fn state_row(path: &Path) -> Row {
    let (serial_number, state) = match state::header(path) {
        Ok(header) => {
            let holder = probe::state_holder(path);
            (Some(header.serial_number), holder.map_or(State::Free, |holder| State::InUse(Some(holder))))
        }
        Err(error) => (None, State::Broken(error.to_string())),
    };
    let target = Target::SimFile(path.to_owned()).to_string();
    Row { target, kind: "state file", serial_number, label: None, state }
}

impl State {
    /// For people.
    fn text(&self) -> String {
        match self {
            State::Free => "free".to_owned(),
            State::InUse(None) => "in use".to_owned(),
            State::InUse(Some(holder)) => format!("in use by {holder}"),
            State::Empty => "empty".to_owned(),
            State::Unknown => "not asked".to_owned(),
            State::Broken(why) => format!("not usable: {why}"),
        }
    }

    const fn word(&self) -> &'static str {
        match self {
            State::Free => "free",
            State::InUse(_) => "in use",
            State::Empty => "empty",
            State::Unknown => "not asked",
            State::Broken(_) => "broken",
        }
    }
}

impl Found {
    /// Version 1 of the layout: fields are added, never changed.
    fn json(&self) -> Value {
        let tokens = self.rows.iter().map(|row| {
            let (holder, reason) = match &row.state {
                State::InUse(holder) => (holder.clone(), None),
                State::Broken(reason) => (None, Some(reason)),
                State::Free | State::Empty | State::Unknown => (None, None),
            };
            json!({
                "target": row.target,
                "kind": row.kind,
                "serial_number": row.serial_number,
                "label": row.label,
                "state": row.state.word(),
                "holder": holder,
                "reason": reason,
            })
        });
        json!({ "version": 1, "tokens": tokens.collect::<Vec<_>>(), "notes": self.notes })
    }
}

/// Columns as wide as a terminal shows them: Chinese characters take two places.
fn table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "no token is in reach; make one: ukey sim reset · 没有可用的UKey，可用 ukey sim reset 生成\n"
            .to_owned();
    }
    let heads = ["TARGET", "KIND", "SERIAL NUMBER", "LABEL", "STATE"].map(str::to_owned);
    let cells = |row: &Row| {
        let or_dash =
            |text: &Option<String>| text.clone().filter(|text| !text.is_empty()).unwrap_or("-".to_owned());
        [
            row.target.clone(),
            row.kind.to_owned(),
            or_dash(&row.serial_number),
            or_dash(&row.label),
            row.state.text(),
        ]
    };
    let lines: Vec<_> = std::iter::once(heads).chain(rows.iter().map(cells)).collect();
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.width()).max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..4).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        for (cell, width) in line.iter().zip(&widths) {
            text.push_str(cell);
            text.push_str(&" ".repeat(width - cell.width() + 2));
        }
        text.push_str(&line[4]);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(target: &str, label: Option<&str>, state: State) -> Row {
        let label = label.map(str::to_owned);
        Row { target: target.to_owned(), kind: "state file", serial_number: None, label, state }
    }

    #[test]
    fn columns_are_as_wide_as_they_are_shown() {
        let rows = [
            row("sim:甲.ukey", Some("张三"), State::Free),
            row("sim:b.ukey", None, State::InUse(Some("ukey (PID 4)".to_owned()))),
            row("sim:c.ukey", Some(""), State::Broken("it is damaged".to_owned())),
        ];
        assert_eq!(
            table(&rows),
            "TARGET       KIND        SERIAL NUMBER  LABEL  STATE\n\
             sim:甲.ukey  state file  -              张三   free\n\
             sim:b.ukey   state file  -              -      in use by ukey (PID 4)\n\
             sim:c.ukey   state file  -              -      not usable: it is damaged\n"
        );
        assert!(table(&[]).contains("ukey sim reset"));
    }

    #[test]
    fn who_has_a_token_and_why_it_is_not_usable_are_fields_of_their_own() {
        let rows = vec![
            row("a", None, State::InUse(Some("me".to_owned()))),
            row("b", None, State::Broken("no".to_owned())),
            row("c", None, State::Unknown),
        ];
        let json = Found { rows, notes: vec!["a note".to_owned()] }.json();
        assert_eq!((&json["version"], &json["notes"][0]), (&1.into(), &"a note".into()));
        let token = |index: usize| (&json["tokens"][index]["state"], &json["tokens"][index]["holder"]);
        assert_eq!(token(0), (&"in use".into(), &"me".into()));
        assert_eq!(json["tokens"][1]["reason"], "no");
        assert_eq!(token(2), (&"not asked".into(), &Value::Null));
    }
}
