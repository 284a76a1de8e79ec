//! Dialects as people name and write them: built in by name, their own in TOML files, or to be found out by probing.
//!
//! A file names the dialect and sets switches; what it leaves out is as in `base`, a built-in dialect, `gm2012` where
//! it names none:
//!
//! ```toml
//! name = "our-key"
//! base = "gm3000"
//! digest = "length-prefixed"
//! ```
//!
//! Guarantees: what does not fit is refused with its line and column; [`parse`] of [`print()`] is the same dialect.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use toml::de::{DeTable, DeValue};
use ukey_apdu::Dialect;
use ukey_apdu::dialect::Name;
use ukey_apdu::dialect::text::{NotSet, Value};

/// What a host is told about the dialect of a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DialectChoice {
    /// It finds out: `auto`.
    Auto,
    /// This one.
    Of(Dialect),
}

impl DialectChoice {
    /// The dialect, unless it is to be found out.
    #[must_use]
    pub fn dialect(self) -> Option<Dialect> {
        match self {
            DialectChoice::Auto => None,
            DialectChoice::Of(dialect) => Some(dialect),
        }
    }
}

impl From<Dialect> for DialectChoice {
    fn from(dialect: Dialect) -> Self {
        DialectChoice::Of(dialect)
    }
}

/// `auto`, the name of a built-in dialect, or the path of a file that ends with `.toml`.
impl FromStr for DialectChoice {
    type Err = BadDialect;

    fn from_str(text: &str) -> Result<Self, BadDialect> {
        if text == "auto" {
            return Ok(DialectChoice::Auto);
        }
        named(text).map(DialectChoice::Of)
    }
}

/// A dialect by its built-in name, or from a file that ends with `.toml`.
///
/// # Errors
/// [`BadDialect`].
pub fn named(text: &str) -> Result<Dialect, BadDialect> {
    if let Some(dialect) = Dialect::named(text) {
        return Ok(dialect);
    }
    let path = Path::new(text);
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml")) {
        read(path)
    } else {
        Err(BadDialect::Unknown { name: text.to_owned() })
    }
}

/// A dialect from a file.
///
/// # Errors
/// [`BadDialect`].
pub fn read(path: &Path) -> Result<Dialect, BadDialect> {
    let text = fs::read_to_string(path)
        .map_err(|error| BadDialect::Unreadable { path: path.to_owned(), reason: error.to_string() })?;
    parse(&text).map_err(|error| match error {
        BadDialect::Text { line, column, problem, .. } => {
            BadDialect::Text { path: Some(path.to_owned()), line, column, problem }
        }
        other => other,
    })
}

/// Why there is no such dialect.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadDialect {
    /// A name that is not built in.
    #[error("there is no dialect {name}; built in are {}; a file's name ends with .toml", built_in())]
    Unknown {
        /// The name.
        name: String,
    },
    /// The file cannot be read.
    #[error("the dialect in {} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's word.
        reason: String,
    },
    /// The text is none of a dialect.
    #[error("{}line {line}, column {column}: {problem}", place(path))]
    Text {
        /// The file, if it is one.
        path: Option<PathBuf>,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong there.
        problem: Problem,
    },
}

/// What is wrong with the text of a dialect.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Problem {
    /// No TOML.
    #[error("it is no TOML: {0}")]
    Syntax(String),
    /// A key that is none.
    #[error("there is no switch {0}; there are name, base, {switches}", switches = Dialect::SWITCHES.join(", "))]
    Key(String),
    /// A value that the switch does not have.
    #[error("{key} cannot be {value}, only {}", allowed.join(", "))]
    Value {
        /// The switch.
        key: String,
        /// The value.
        value: String,
        /// Those that it has.
        allowed: &'static [&'static str],
    },
    /// A value of another type.
    #[error("{key} is {wanted}, not {found}")]
    Type {
        /// The switch.
        key: String,
        /// What it is.
        wanted: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A base that is not built in.
    #[error("the base {0} is not built in; built in are {names}", names = built_in())]
    Base(String),
    /// No name.
    #[error("the dialect has no name: write name = \"…\"")]
    NoName,
    /// A name that is none.
    #[error("{0} is no name: 1 to 32 ASCII letters, digits, '-', '_' or '.'")]
    Name(String),
    /// A built-in dialect's name on another dialect.
    #[error("{0} is the name of a built-in dialect, which is another: choose one of your own")]
    TakenName(String),
}

impl BadDialect {
    /// What is wrong, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            BadDialect::Unknown { name } => {
                format!("没有方言{name}；内置方言有{}；方言文件以.toml结尾", built_in())
            }
            BadDialect::Unreadable { path, reason } => {
                format!("无法读取方言文件{}：{reason}", path.display())
            }
            BadDialect::Text { path, line, column, problem } => {
                let file = path.as_ref().map(|path| format!("{}：", path.display())).unwrap_or_default();
                format!("{file}第{line}行第{column}列：{}", problem.message_zh())
            }
        }
    }
}

impl Problem {
    /// What is wrong, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            Problem::Syntax(reason) => format!("不是TOML：{reason}"),
            Problem::Key(key) => {
                format!("没有开关{key}；可用name、base、{}", Dialect::SWITCHES.join("、"))
            }
            Problem::Value { key, value, allowed } => {
                format!("{key}不能是{value}，只能是{}", allowed.join("、"))
            }
            Problem::Type { key, wanted, found } => {
                format!("{key}应为{}，不是{}", type_zh(wanted), type_zh(found))
            }
            Problem::Base(name) => format!("基础方言{name}不是内置方言；内置方言有{}", built_in()),
            Problem::NoName => "方言没有名称，请写明 name = \"…\"".to_owned(),
            Problem::Name(name) => format!("{name}不能作名称：应为1至32个英文字母、数字、“-”“_”“.”"),
            Problem::TakenName(name) => format!("{name}是内置方言的名称，而内容不同，请另取名称"),
        }
    }
}

fn place(path: &Option<PathBuf>) -> String {
    path.as_ref().map(|path| format!("{}: ", path.display())).unwrap_or_default()
}

fn built_in() -> String {
    let names: Vec<_> = Dialect::BUILT_IN.iter().map(|dialect| dialect.name.as_str()).collect();
    names.join(", ")
}

const TEXT: &str = "a text in quotes";
const FLAG: &str = "true or false";

fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => TEXT,
        DeValue::Boolean(_) => FLAG,
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn type_zh(name: &str) -> &'static str {
    match name {
        TEXT => "带引号的文本",
        FLAG => "true或false",
        "a number" => "数字",
        "a date" => "日期",
        "a list" => "列表",
        _ => "表",
    }
}

/// The dialect that a text describes.
///
/// # Errors
/// [`BadDialect::Text`].
pub fn parse(text: &str) -> Result<Dialect, BadDialect> {
    let at = |offset: usize, problem: Problem| {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
        BadDialect::Text { path: None, line, column, problem }
    };
    let table = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        at(offset, Problem::Syntax(error.message().to_owned()))
    })?;
    let table = table.get_ref();
    let string = |key: &str| -> Result<Option<(&str, usize)>, BadDialect> {
        let Some(value) = table.get(key) else { return Ok(None) };
        let start = value.span().start;
        match value.get_ref() {
            DeValue::String(text) => Ok(Some((text, start))),
            other => {
                let (key, found) = (key.to_owned(), type_of(other));
                Err(at(start, Problem::Type { key, wanted: TEXT, found }))
            }
        }
    };
    let (name, name_start) = string("name")?.ok_or_else(|| at(0, Problem::NoName))?;
    let name = Name::new(name).map_err(|_| at(name_start, Problem::Name(format!("{name:?}"))))?;
    let base = match string("base")? {
        None => Dialect::default(),
        Some((base, start)) => {
            Dialect::named(base).ok_or_else(|| at(start, Problem::Base(format!("{base:?}"))))?
        }
    };
    let mut dialect = Dialect { name, ..base };
    for (key, value) in table {
        let switch = key.get_ref().as_ref();
        if switch == "name" || switch == "base" {
            continue;
        }
        let start = value.span().start;
        let found = type_of(value.get_ref());
        let written = match value.get_ref() {
            DeValue::String(text) => Some(Value::Text(text)),
            DeValue::Boolean(flag) => Some(Value::Flag(*flag)),
            _ => None,
        };
        let wrong_type = || {
            let wanted = if matches!(dialect.get(switch), Some(Value::Flag(_))) { FLAG } else { TEXT };
            at(start, Problem::Type { key: switch.to_owned(), wanted, found })
        };
        let Some(written) = written else {
            let known = Dialect::SWITCHES.contains(&switch);
            return Err(if known {
                wrong_type()
            } else {
                at(key.span().start, Problem::Key(switch.to_owned()))
            });
        };
        let mut changed = dialect;
        match changed.set(switch, written) {
            Ok(()) => {}
            Err(NotSet::NoSwitch) => return Err(at(key.span().start, Problem::Key(switch.to_owned()))),
            Err(NotSet::WrongType { .. }) => return Err(wrong_type()),
            Err(NotSet::Value { allowed }) => {
                let (key, value) = (switch.to_owned(), format!("\"{written}\""));
                return Err(at(start, Problem::Value { key, value, allowed }));
            }
        }
        dialect = changed;
    }
    match Dialect::named(name.as_str()) {
        Some(built_in) if built_in != dialect => Err(at(name_start, Problem::TakenName(name.to_string()))),
        _ => Ok(dialect),
    }
}

/// A dialect as a file's text, every switch with the values that it may have.
#[must_use]
pub fn print(dialect: &Dialect) -> String {
    let mut text = format!("name = \"{}\"\n", dialect.name);
    for switch in Dialect::SWITCHES {
        let setting = match dialect.get(switch) {
            Some(Value::Text(word)) => format!("{switch} = \"{word}\""),
            Some(Value::Flag(flag)) => format!("{switch} = {flag}"),
            None => continue,
        };
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{setting:40} # {}", Dialect::allowed(switch).join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_again() {
        for dialect in Dialect::BUILT_IN {
            assert_eq!(parse(&print(dialect)).as_ref(), Ok(dialect));
            let own = Dialect { name: Name::new("own").unwrap(), ..*dialect };
            assert_eq!(parse(&print(&own)), Ok(own));
            let inherited = format!("base = \"{}\"\nname = \"own\"\n", dialect.name);
            assert_eq!(parse(&inherited), Ok(own));
        }
    }

    /// Every value of every switch, one by one.
    #[test]
    fn every_switch_can_be_set() {
        for switch in Dialect::SWITCHES {
            let mut seen = Vec::new();
            for value in Dialect::allowed(switch) {
                let bare = matches!(Dialect::GM2012.get(switch), Some(Value::Flag(_)));
                let value = if bare { (*value).to_owned() } else { format!("\"{value}\"") };
                let dialect = parse(&format!("name = \"own\"\n{switch} = {value}\n")).unwrap();
                assert_eq!(parse(&print(&dialect)), Ok(dialect));
                assert!(!seen.contains(&dialect), "{switch} = {value} changes nothing");
                seen.push(dialect);
            }
            assert!(seen.len() > 1, "{switch} is no choice");
        }
    }

    #[test]
    fn what_is_left_out_is_as_in_the_base() {
        let expected = Dialect {
            name: Name::new("our-key").unwrap(),
            digest: ukey_apdu::dialect::DigestForm::LengthPrefixed,
            ..Dialect::GM3000
        };
        let text = "name = \"our-key\"\nbase = \"gm3000\"\ndigest = \"length-prefixed\"\n";
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        let wrong = |text: &str| {
            let error = parse(text).unwrap_err();
            (error.to_string(), error.message_zh())
        };
        let expect = |text: &str, english: &str, chinese: &str| {
            let (said, zh) = wrong(text);
            assert!(said.starts_with(english), "{said}");
            assert!(zh.starts_with(chinese), "{zh}");
        };
        expect(
            "name = \"x\"\nshoe_size = 42\n",
            "line 2, column 1: there is no switch shoe_size; there are name, base, quantity, ",
            "第2行第1列：没有开关shoe_size；可用name、base、quantity、",
        );
        expect(
            "name = \"x\"\n[quantity]\n",
            "line 2, column 1: quantity is a text in quotes, not a table",
            "第2行第1列：quantity应为带引号的文本，不是表",
        );
        expect(
            "name = \"x\"\nquantity = \"middle\"\n",
            "line 2, column 12: quantity cannot be \"middle\", only big, little",
            "第2行第12列：quantity不能是\"middle\"，只能是big、little",
        );
        expect(
            "name = \"x\"\nquantity = true\n",
            "line 2, column 12: quantity is a text in quotes, not true or false",
            "第2行第12列：quantity应为带引号的文本，不是true或false",
        );
        expect(
            "name = \"x\"\ndevice_challenge = 16\n",
            "line 2, column 20: device_challenge is a text in quotes, not a number",
            "第2行第20列：",
        );
        expect(
            "name = \"x\"\naccepts_zero_padded = \"true\"\n",
            "line 2, column 23: accepts_zero_padded is true or false, not a text in quotes",
            "第2行第23列：accepts_zero_padded应为true或false，",
        );
        expect(
            "name = \"x\"\nbase = \"elvish\"\n",
            "line 2, column 8: the base \"elvish\" is not built in; built in are gm2012, gm3000, ",
            "第2行第8列：基础方言\"elvish\"不是内置方言",
        );
        expect(
            "quantity = \"big\"\n",
            "line 1, column 1: the dialect has no name",
            "第1行第1列：方言没有名称",
        );
        expect(
            "name = \"方言\"\n",
            "line 1, column 8: \"方言\" is no name",
            "第1行第8列：\"方言\"不能作名称",
        );
        expect(
            "name = 7\n",
            "line 1, column 8: name is a text in quotes, not a number",
            "第1行第8列：name应为",
        );
        expect(
            "name = \"gm2012\"\nquantity = \"little\"\n",
            "line 1, column 8: gm2012 is the name of a built-in dialect",
            "第1行第8列：gm2012是内置方言的名称",
        );
        expect("name = \"x\"\nquantity =\n", "line 2, column 1", "第2行第1");
        expect("name = \"x\"\nname = \"y\"\n", "line 2, column 1: it is no TOML", "第2行第1列：不是TOML");
    }

    #[test]
    fn a_name_is_built_in_or_a_file() {
        assert_eq!("auto".parse(), Ok(DialectChoice::Auto));
        assert_eq!("sunyard".parse(), Ok(DialectChoice::Of(Dialect::SUNYARD)));
        let error = "elvish".parse::<DialectChoice>().unwrap_err();
        assert!(error.to_string().starts_with("there is no dialect elvish; built in are gm2012, gm3000, "));
        assert!(matches!("missing.toml".parse::<DialectChoice>(), Err(BadDialect::Unreadable { .. })));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("own.toml");
        fs::write(&file, "name = \"own\"\nbase = \"synochip\"\n").unwrap();
        let dialect = Dialect { name: Name::new("own").unwrap(), ..Dialect::SYNOCHIP };
        assert_eq!(file.to_str().unwrap().parse(), Ok(DialectChoice::Of(dialect)));
        fs::write(&file, "name = \"own\"\nwrong = 1\n").unwrap();
        let error = read(&file).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}: line 2, column 1: ", file.display())), "{error}");
    }
}
