//! `ukey sim ls`, `stop`, `plug`, `unplug`: the simulated tokens that run on this machine.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use ukey_device::running::control::State;
use ukey_device::running::{self, Instance, Running as Token};
use ukey_device::{Hand, Target};
use unicode_width::UnicodeWidthStr;

use super::reader;
use crate::failure::{Failure, Result};
use crate::options::Format;
use crate::output;

/// A token and the process that serves it.
type Served = (Instance, Token);

/// What is done to tokens that run.
#[derive(clap::Subcommand, Debug)]
pub(super) enum Running {
    /// List the tokens that run on this machine.
    #[command(visible_alias = "list")]
    Ls {
        /// How the result is printed
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// End the process of a token that runs.
    Stop {
        #[command(flatten)]
        which: Which,
        /// Every one of them
        #[arg(long, conflicts_with = "name")]
        all: bool,
    },
    /// Plug a token in that runs.
    Plug(Which),
    /// Pull a token that runs, whatever it is doing.
    Unplug(Which),
}

impl Running {
    /// Carries it out.
    pub(super) fn run(self, target: Option<&Target>) -> Result<()> {
        match self {
            Running::Ls { format } => list(format),
            Running::Stop { all: true, .. } => running::instances()?.iter().try_for_each(stop),
            Running::Stop { which, .. } => which.reached_at(target)?.stop(),
            Running::Plug(which) => which.reached_at(target)?.plug(),
            Running::Unplug(which) => which.reached_at(target)?.unplug(),
        }
    }
}

/// Which one is meant.
#[derive(clap::Args, Debug)]
pub(super) struct Which {
    /// The token's serial number, or the number of its process; not needed where only one runs
    #[arg(value_name = "SERIAL|PID")]
    name: Option<String>,
}

/// Lists the tokens that run.
fn list(format: Format) -> Result<()> {
    let mut rows = Vec::new();
    for instance in running::instances()? {
        // One that is just ending is listed without what it does.
        let states = instance.status().unwrap_or_default();
        for token in &instance.tokens {
            let state = states.iter().find(|state| state.serial_number == token.serial_number).cloned();
            rows.push((instance.pid, token.clone(), state));
        }
    }
    output::result(&match format {
        Format::Text if rows.is_empty() => {
            output::say(
                "No simulated token runs. `ukey sim start` starts one.\n没有正在运行的模拟UKey；可用 ukey sim start 启动",
            );
            String::new()
        }
        Format::Text => table(&rows),
        Format::Json => {
            let tokens: Vec<_> =
                rows.iter().map(|(pid, token, state)| json(*pid, token, state.as_ref())).collect();
            format!("{:#}\n", json!({ "version": 1, "tokens": tokens }))
        }
    });
    if let Some(missing) = reader::missing(rows.iter().filter_map(|(_, _, state)| state.as_ref())) {
        output::say(&missing);
    }
    Ok(())
}

fn json(pid: u32, token: &Token, state: Option<&State>) -> Value {
    json!({
        "pid": pid,
        "serial_number": token.serial_number,
        "label": token.label,
        "plugged_in": state.map(|state| state.plugged_in),
        "state": token.state,
        "targets": token.targets,
        "readers": reader::json(&token.readers, state),
        "holder": state.and_then(|state| state.holder.clone()),
        "refused_frames": state.map(|state| state.refused_frames),
    })
}

fn table(rows: &[(u32, Token, Option<State>)]) -> String {
    let header =
        ["PID", "SERIAL NUMBER", "LABEL", "PLUGGED IN", "HELD BY", "STATE", "TARGETS"].map(str::to_owned);
    let row = |(pid, token, state): &(u32, Token, Option<State>)| {
        let state = state.as_ref();
        let mut places: Vec<_> = token.targets.iter().map(ToString::to_string).collect();
        places.extend(token.readers.iter().map(|reader| {
            let out = reader::insertion(reader, state).is_some_and(|known| known.problem.is_some());
            format!("reader at {reader}{}", if out { " (not in it)" } else { "" })
        }));
        [
            pid.to_string(),
            token.serial_number.clone(),
            token.label.clone(),
            state.map_or("?", |state| if state.plugged_in { "yes" } else { "no" }).to_owned(),
            state.and_then(|state| state.holder.clone()).unwrap_or_else(|| "-".to_owned()),
            token.state.as_ref().map_or_else(|| "-".to_owned(), |state| state.display().to_string()),
            places.join(" "),
        ]
    };
    let cells: Vec<[String; 7]> = [header].into_iter().chain(rows.iter().map(row)).collect();
    let mut widths = [0; 7];
    for row in &cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    let line = |row: &[String; 7]| {
        let padded =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())));
        format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    cells.iter().map(line).collect()
}

impl Which {
    /// The one that is reached there, where none is named but a place is: never another one.
    fn reached_at(self, target: Option<&Target>) -> Result<Which> {
        let (None, Some(target)) = (&self.name, target) else { return Ok(self) };
        let is_there = |token: &Token| match target {
            Target::SimFile(file) => {
                let same = |state: &PathBuf| fs::canonicalize(state).ok() == fs::canonicalize(file).ok();
                token.state.as_ref().is_some_and(same)
            }
            target => token.targets.contains(target),
        };
        match all()?.into_iter().find(|(_, token)| is_there(token)) {
            Some((_, token)) => Ok(Which { name: Some(token.serial_number) }),
            None => Err(Failure::usage(
                format!("no simulated token that runs is reached at {target}"),
                "`ukey sim ls` lists them; name one by its serial number",
                format!("没有在{target}运行的模拟UKey；可用 ukey sim ls 列出，再按序列号指定"),
            )),
        }
    }

    /// Ends the process of a token.
    fn stop(&self) -> Result<()> {
        let mut processes: Vec<Instance> = self.meant()?.into_iter().map(|(instance, _)| instance).collect();
        processes.dedup_by_key(|instance| instance.pid);
        match &processes[..] {
            [instance] => stop(instance),
            _ => Err(self.ambiguous(&self.meant()?)),
        }
    }

    /// Pulls a token.
    fn unplug(&self) -> Result<()> {
        let (instance, token) = self.one()?;
        // The hand of a real key tells nobody whether it succeeded; that of a program does.
        instance.unplug(&token.serial_number)?;
        output::say(&format!("UKey {} is not plugged in any more.", token.serial_number));
        Ok(())
    }

    /// Plugs a token in.
    fn plug(&self) -> Result<()> {
        let (instance, token) = self.one()?;
        instance.hand(&token.serial_number).plug_in()?;
        output::say(&format!("UKey {} is plugged in.", token.serial_number));
        Ok(())
    }

    fn one(&self) -> Result<Served> {
        let mut meant = self.meant()?;
        match (meant.pop(), &meant[..]) {
            (Some(one), []) => Ok(one),
            (last, _) => {
                meant.extend(last);
                Err(self.ambiguous(&meant))
            }
        }
    }

    /// Every token that may be meant: at least one.
    fn meant(&self) -> Result<Vec<Served>> {
        let all = all()?;
        let is_meant = |(instance, token): &Served| match &self.name {
            None => true,
            Some(name) => *name == token.serial_number || *name == instance.pid.to_string(),
        };
        let meant: Vec<Served> = all.iter().filter(|served| is_meant(served)).cloned().collect();
        match (&self.name, &all[..]) {
            (_, []) => Err(Failure::usage(
                "no simulated token runs on this machine",
                "start one: ukey sim start",
                "本机没有正在运行的模拟UKey；可用 ukey sim start 启动",
            )),
            (Some(name), _) if meant.is_empty() => Err(Failure::usage(
                format!("no token that runs has the serial number or the process {name}"),
                format!("there are\n{}", names(&all).trim_end()),
                format!("没有序列号或进程号为{name}的运行中UKey；运行中的如上"),
            )),
            _ => Ok(meant),
        }
    }

    fn ambiguous(&self, meant: &[Served]) -> Failure {
        Failure::usage(
            format!("{} simulated tokens run", meant.len()),
            format!("name one of them:\n{}", names(meant).trim_end()),
            format!("有{}个模拟UKey在运行；请指定其中一个", meant.len()),
        )
    }
}

fn stop(instance: &Instance) -> Result<()> {
    instance.stop()?;
    output::say(&format!("Process {} has ended.", instance.pid));
    Ok(())
}

fn all() -> Result<Vec<Served>> {
    let instances = running::instances()?;
    Ok(instances
        .into_iter()
        .flat_map(|instance| instance.tokens.clone().into_iter().map(move |token| (instance.clone(), token)))
        .collect())
}

fn names(tokens: &[Served]) -> String {
    let line = |(instance, token): &Served| {
        format!("  {} ({}, process {})\n", token.serial_number, token.label, instance.pid)
    };
    tokens.iter().map(line).collect()
}
