//! A recorded trace as people and programs read it.

use std::fmt::Write as _;

use serde_json::{Value, json};
use ukey_apdu::Status;

use super::recording::{Entry, Event, Exchange, Recording};

/// Which exchanges are shown.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// Only of this command, by its name in the standard.
    pub command: Option<String>,
    /// Only those that did not succeed.
    pub failed: bool,
    /// Only of this connection.
    pub connection: Option<usize>,
}

impl Filter {
    /// Whether events beside exchanges are shown too.
    fn takes_events(&self) -> bool {
        self.command.is_none() && !self.failed
    }

    fn takes(&self, entry: &Entry) -> bool {
        if self.connection.is_some_and(|connection| connection != entry.connection) {
            return false;
        }
        let Event::Exchange(exchange) = &entry.event else { return self.takes_events() };
        let is_named =
            |wanted: &String| exchange.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(wanted));
        self.command.as_ref().is_none_or(is_named) && !(self.failed && succeeded(exchange))
    }
}

fn succeeded(exchange: &Exchange) -> bool {
    matches!(exchange.status(), Some(Status::OK | Status::MORE_DATA))
}

impl Recording {
    fn shown(&self, filter: &Filter) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| filter.takes(entry))
    }

    /// As a table: when (milliseconds since the first line), how long it took, what, and for which call.
    #[must_use]
    pub fn table(&self, filter: &Filter) -> String {
        let header = &self.header;
        let secrets = if header.secrets { ", WITH SECRETS" } else { "" };
        let mut text = format!("trace by {}, begun {}{secrets}\n", header.program, header.time);
        let several = self.connections.len() > 1;
        for entry in self.shown(filter) {
            let place = if several { format!("{}:", entry.connection) } else { String::new() };
            let at = milliseconds(entry.at_us);
            // Writing to a text cannot fail.
            let _ = match &entry.event {
                Event::Exchange(exchange) => {
                    let took = milliseconds(exchange.took_us);
                    let why = exchange.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
                    let called =
                        exchange.called.as_ref().map(|called| format!("  [{called}]")).unwrap_or_default();
                    let number = format!("{place}{}", exchange.sequence);
                    writeln!(text, "{at:>11} {took:>9} {number:>6}  {}{why}{called}", exchange.says)
                }
                event => {
                    let what = self.in_words(entry, event);
                    writeln!(text, "{at:>11} {:>9} {place:>6}  -- {what}", "")
                }
            };
        }
        text
    }

    fn in_words(&self, entry: &Entry, event: &Event) -> String {
        let connected = self.connection(entry.connection);
        match event {
            Event::Connected => {
                let target =
                    connected.map(|connected| connected.target.as_str()).filter(|target| !target.is_empty());
                format!("connected to {}", target.unwrap_or("a token"))
            }
            Event::Identified => {
                let number =
                    connected.and_then(|connected| connected.serial_number.clone()).unwrap_or_default();
                format!("the token's serial number is {number}")
            }
            Event::Speaks => "the dialect was found out".to_owned(),
            Event::Reset => "its power was off; found again".to_owned(),
            Event::Removed => "the key has been removed".to_owned(),
            Event::Disconnected => "disconnected".to_owned(),
            Event::Exchange(exchange) => exchange.says.clone(),
        }
    }

    /// As an object. Version 1 of the layout: fields are added, never changed.
    #[must_use]
    pub fn json(&self, filter: &Filter) -> Value {
        let connections: Vec<_> = self
            .connections
            .iter()
            .map(|connected| {
                json!({
                    "connection": connected.number,
                    "target": connected.target,
                    "dialect": connected.dialect.name.as_str(),
                    "serial_number": connected.serial_number,
                })
            })
            .collect();
        json!({
            "version": 1,
            "program": self.header.program,
            "time": self.header.time,
            "secrets": self.header.secrets,
            "connections": connections,
            "entries": self.shown(filter).map(entry_json).collect::<Vec<_>>(),
            "cut_off": self.cut_off,
        })
    }
}

fn entry_json(entry: &Entry) -> Value {
    let mut value = match &entry.event {
        Event::Exchange(exchange) => json!({
            "type": "exchange",
            "sequence": exchange.sequence,
            "took_us": exchange.took_us,
            "name": exchange.name,
            "command": exchange.command.to_string(),
            "answer": exchange.answer.to_string(),
            "says": exchange.says,
            "status": exchange.status().map(|status| format!("{status:?}")),
            "meaning": exchange.status().map(|status| status.meaning().to_string()),
            "meaning_zh": exchange.status().map(|status| status.meaning_zh().to_string()),
            "error": exchange.error,
            "called": exchange.called,
        }),
        Event::Connected => json!({ "type": "connected" }),
        Event::Identified => json!({ "type": "identified" }),
        Event::Speaks => json!({ "type": "speaks" }),
        Event::Reset => json!({ "type": "reset" }),
        Event::Removed => json!({ "type": "removed" }),
        Event::Disconnected => json!({ "type": "disconnected" }),
    };
    value["connection"] = entry.connection.into();
    value["time"] = entry.time.clone().into();
    value["at_us"] = entry.at_us.into();
    value
}

fn milliseconds(micros: u64) -> String {
    format!("{}.{:03}", micros / 1000, micros % 1000)
}
