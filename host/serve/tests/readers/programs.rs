//! Programs that know nothing of us, and find a token where they look for cards.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use ukey_device::Hand;
use ukey_serve::vpcd::ATR;

use super::Inserted;
use super::bays::{Bays, component, program};

const OPENSC: &str = "opensc";

/// What a program says, and that it succeeds.
fn said(command: &mut Command) -> String {
    let output = command.env("LC_ALL", "C.UTF-8").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn opensc(token: &Inserted, arguments: &[&str]) -> Option<String> {
    let mut command = program("opensc-tool", OPENSC)?;
    Some(said(command.args(["--card-driver", "default", "--reader", &token.name]).args(arguments)))
}

/// The bytes of an answer, as opensc-tool shows them: a status word, then hexadecimal digits and the same as text.
fn answer(said: &str) -> (String, Vec<u8>) {
    let (_, received) = said.split_once("Received (SW1=0x").unwrap();
    let (word, rest) = received.split_once(')').unwrap();
    let dump = rest.split_once(":\n").map_or("", |(_, dump)| dump);
    let lines = dump.lines().flat_map(|line| line.get(..48.min(line.len())).unwrap().split_whitespace());
    let bytes = lines.map_while(|digits| u8::from_str_radix(digits, 16).ok()).collect();
    (word.replace(", SW2=0x", ""), bytes)
}

#[test]
fn opensc_tool_lists_the_token() {
    let Some(bays) = Bays::take(2) else { return };
    let token = Inserted::into(&bays, 0, 1);
    let Some(mut command) = program("opensc-tool", OPENSC) else { return };
    let list = said(command.arg("--list-readers"));
    let line = |name: &str| list.lines().find(|line| line.contains(name)).unwrap().to_owned();
    assert!(line(&token.name).contains(" Yes "), "{list}");
    assert!(line(&bays.name(1)).contains(" No "), "{list}");
}

#[test]
fn opensc_tool_shows_its_answers() {
    let Some(bays) = Bays::take(1) else { return };
    let token = Inserted::into(&bays, 0, 1);
    // The short form: the tool sends the extended one only to cards that it knows.
    let Some(info) = opensc(&token, &["--send-apdu", "80:04:00:00:00"]) else { return };
    let (word, bytes) = answer(&info);
    assert_eq!(word, "9000", "{info}");
    let number = token.serial_number();
    assert!(bytes.windows(number.len()).any(|part| part == number.as_bytes()), "{info}");

    let unknown = opensc(&token, &["--send-apdu", "80:EE:00:00"]).unwrap();
    assert_eq!(answer(&unknown), ("6D00".to_owned(), Vec::new()), "{unknown}");
    let atr = opensc(&token, &["--atr"]).unwrap();
    assert_eq!(atr.trim(), ATR.map(|byte| format!("{byte:02x}")).join(":"));
}

#[test]
fn pcsc_scan_sees_its_name() {
    let Some(bays) = Bays::take(16) else { return };
    let tool = |arguments: &[&str]| {
        let there = Command::new("pcsc_scan").arg("-V").output().is_ok();
        let command = there.then(|| Command::new("pcsc_scan"));
        Some(said(component(command, "pcsc_scan (Debian: pcsc-tools)")?.args(arguments)))
    };
    // It scans one reader less than PC/SC can have, for it also waits for new ones.
    let Some(()) = bays.restart(7) else { return };
    let token = Inserted::into(&bays, 0, 1);
    let Some(readers) = tool(&["-r"]) else { return };
    assert!(readers.contains(&token.name), "{readers}");
    let card = || {
        let said = tool(&["-n", "-t", "1"]).unwrap();
        let (_, behind) = said.rsplit_once(&format!(": {}", token.name)).unwrap();
        behind.split_once("Reader").map_or(behind, |(card, _)| card).to_owned()
    };
    let seen = card();
    assert!(seen.contains("55 4B 45 59"), "UKEY: {seen}");
    token.key.unplug();
    token.is_gone();
    let seen = card();
    assert!(seen.contains("Card removed"), "{seen}");
    drop(token);
    bays.restart(8).unwrap();
}

/// A client in Python; each line that it says is waited for.
#[test]
fn pyscard_enumerates_connects_transmits_and_sees_it_go() {
    let Some(bays) = Bays::take(1) else { return };
    let token = Inserted::into(&bays, 0, 1);
    let python = std::env::var("UKEY_PYSCARD_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let there = Command::new(&python).args(["-c", "import smartcard"]).output();
    let there = there.is_ok_and(|output| output.status.success());
    let Some(mut command) =
        component(there.then(|| Command::new(python)), "pyscard (.ci/interop-setup; PyPI: pyscard)")
    else {
        return;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/reader.py");
    command.args([script, &token.name, &token.serial_number()]).stdin(Stdio::piped());
    let mut client = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut hands = client.stdin.take().unwrap();
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut heard = |expected: &str| {
        let line = lines.next().unwrap_or_else(|| panic!("the client ended before \"{expected}\""));
        assert_eq!(line, expected);
    };
    for line in ["enumerated", "connected", "information", "unknown instruction", "pull it"] {
        heard(line);
    }
    token.key.unplug();
    heard("removed");
    heard("plug it in");
    token.key.plug_in().unwrap();
    for line in ["inserted", "connected", "too long", "connected again"] {
        heard(line);
    }
    hands.write_all(b"done\n").unwrap();
    assert!(client.wait().unwrap().success());
    token.is_seen();
}
