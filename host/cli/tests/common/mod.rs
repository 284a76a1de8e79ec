//! What the tests of the program share: a folder to run it in, and what a run gave.
#![allow(dead_code, reason = "each test file uses its part")]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// A folder of its own, in which the program is run.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
}

/// What a run of the program gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) talk: String,
}

impl Desk {
    pub(crate) fn new() -> Desk {
        Desk { folder: tempfile::tempdir().unwrap() }
    }

    /// With a developer's token in `ukey.ukey`.
    pub(crate) fn with_token() -> Desk {
        let desk = Desk::new();
        desk.run(&["sim", "reset", "--seed", "1"], &[]).succeeds();
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn files(&self) -> usize {
        self.folder.path().read_dir().unwrap().count()
    }

    /// Runs the program with nothing on its standard input and only these variables of its own.
    pub(crate) fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        let command = self.command(arguments, variables).stdin(Stdio::null()).output();
        Ran::of(command.unwrap())
    }

    /// Runs the program with this text on its standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.command(arguments, &[]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Who ends before all was read is no failure of the writer.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Ran::of(child.wait_with_output().unwrap())
    }

    /// The program in this folder, with only these variables of its own.
    pub(crate) fn command(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
        let own = [
            "UKEY_TARGET",
            "UKEY_DIALECT",
            "UKEY_SHARD",
            "UKEY_LOG",
            "UKEY_PIN",
            "UKEY_NEW_PIN",
            "UKEY_ADMIN_PIN",
            "UKEY_DEVICE_KEY",
            "UKEY_NEW_DEVICE_KEY",
            "UKEY_TRACE",
            "UKEY_TRACE_SECRETS",
            "UKEY_SKF_TARGETS",
            "UKEY_SKF_CONFIG",
        ];
        let mut command = Command::new(env!("CARGO_BIN_EXE_ukey"));
        for name in own {
            command.env_remove(name);
        }
        command.args(arguments).envs(variables.iter().copied()).env("NO_COLOR", "1");
        // What runs on this machine besides is none of the test's.
        command.env("UKEY_RUNTIME_DIR", self.path("running")).current_dir(self.folder.path());
        command
    }
}

impl Ran {
    fn of(output: Output) -> Ran {
        Ran {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            talk: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn succeeds(self) -> Ran {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    pub(crate) fn fails(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.out.is_empty(), "no result beside a failure: {self:?}");
        let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
        assert!(self.talk.contains(is_chinese), "a refusal is told in Chinese too: {self:?}");
        self
    }

    pub(crate) fn says(self, text: &str) -> Ran {
        assert!(self.talk.contains(text), "\"{text}\" is not in: {}", self.talk);
        self
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

/// The component, or `None` after a line on stderr that says which package brings it. Where the variable `CI` is
/// `true` a missing component fails the test.
#[allow(clippy::print_stderr, reason = "the one line that says why a test did nothing")]
pub(crate) fn component<T>(found: Option<T>, what: &str, package: &str) -> Option<T> {
    if found.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{what} is missing; {package} brings it");
        eprintln!("skipped: {what} is missing; {package} brings it");
    }
    found
}
