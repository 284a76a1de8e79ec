//! `ukey hall serve`: a hall that answers, keeps what it knows, and refuses a database that is not its own.

mod common;

use common::Desk;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use ukey_flows::Client;

/// A hall in another process; it ends with the value.
struct Serving {
    process: Child,
    client: Client,
    desks: usize,
}

fn serve(desk: &Desk, arguments: &[&str]) -> Serving {
    let mut process = Command::new(env!("CARGO_BIN_EXE_ukey"))
        .args(["hall", "serve", "--addr", "127.0.0.1:0"])
        .args(arguments)
        .current_dir(desk.path("."))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
    let address = lines.next().and_then(|line| line.strip_prefix("hall ").map(str::to_owned)).unwrap();
    let desks = lines.take(4).filter(|line| line.starts_with("desk ")).count();
    Serving { process, client: Client::new(&address), desks }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_hall_answers_by_its_profile() {
    let desk = Desk::new();
    let free = serve(&desk, &["--profile", "luming"]);
    assert_eq!(free.desks, 3);
    assert_eq!(free.client.profile().unwrap().profile, "luming");
    assert_eq!(free.client.authority().unwrap().chain.len(), 2);
    assert!(free.client.outbox(None).unwrap().is_empty());
}

#[test]
fn a_hall_with_a_database_is_the_same_authority_again() {
    let desk = Desk::new();
    let chain = || serve(&desk, &["--db", "hall.db"]).client.authority().unwrap().chain;
    assert_eq!(chain(), chain());
    std::fs::write(desk.path("other"), "00".repeat(32)).unwrap();
    desk.run(&["hall", "serve", "--db", "hall.db", "--master-key", "other", "--addr", "127.0.0.1:0"], &[])
        .fails(2)
        .says("master key");
    std::fs::write(desk.path("other"), "no key").unwrap();
    desk.run(&["hall", "serve", "--db", "hall.db", "--master-key", "other"], &[])
        .fails(2)
        .says("64 hexadecimal");
}

#[test]
fn a_key_is_made_for_a_new_database_only() {
    let desk = Desk::new();
    drop(serve(&desk, &["--db", "hall.db"]));
    std::fs::rename(desk.path("hall.master-key"), desk.path("kept")).unwrap();
    let alone = desk.files();
    let again = ["hall", "serve", "--db", "hall.db", "--addr", "127.0.0.1:0"];
    desk.run(&again, &[]).fails(2).says("key of this database is missing").says("--master-key");
    assert_eq!(desk.files(), alone, "no key was made");
    serve(&desk, &["--db", "hall.db", "--master-key", "kept"]).client.authority().unwrap();
    // A start that was cut short leaves an empty file.
    std::fs::write(desk.path("new.db"), "").unwrap();
    serve(&desk, &["--db", "new.db"]).client.authority().unwrap();
    assert!(desk.path("new.master-key").exists());
}

#[test]
fn what_is_no_database_is_left_alone() {
    let desk = Desk::new();
    let garbage = "no database at all. ".repeat(100);
    std::fs::write(desk.path("hall.db"), &garbage).unwrap();
    let arguments = ["hall", "serve", "--db", "hall.db", "--addr", "127.0.0.1:0"];
    desk.run(&arguments, &[]).fails(2).says("missing");
    assert_eq!(desk.files(), 1, "no key beside it");
    std::fs::write(desk.path("hall.master-key"), "00".repeat(32)).unwrap();
    desk.run(&arguments, &[]).fails(2).says("does not open");
    assert_eq!(std::fs::read_to_string(desk.path("hall.db")).unwrap(), garbage);
}

#[test]
fn only_the_owner_reads_a_database_and_its_key() {
    let desk = Desk::new();
    let _serving = serve(&desk, &["--db", "50%41?.db"]);
    let files: Vec<_> = desk.path(".").read_dir().unwrap().map(Result::unwrap).collect();
    let names: Vec<_> = files.iter().map(|file| file.file_name().into_string().unwrap()).collect();
    assert!(
        ["50%41?.db", "50%41?.master-key"].iter().all(|name| names.iter().any(|n| n == name)),
        "{names:?}"
    );
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[test]
fn a_database_of_another_profile_is_refused() {
    let desk = Desk::new();
    drop(serve(&desk, &["--db", "hall.db"]));
    desk.run(&["hall", "serve", "--db", "hall.db", "--profile", "luming", "--addr", "127.0.0.1:0"], &[])
        .fails(2)
        .says("qinghe")
        .says("luming");
    serve(&desk, &["--db", "hall.db", "--profile", "qinghe"]).client.authority().unwrap();
}

#[test]
fn a_profile_that_is_none_is_refused() {
    let desk = Desk::new();
    desk.run(&["hall", "serve", "--profile", "nobody"], &[]).fails(2).says("qinghe");
    std::fs::write(desk.path("half.toml"), "profile = \"half\"\n").unwrap();
    desk.run(&["hall", "serve", "--profile", "half.toml"], &[]).fails(2).says("name");
}

#[test]
fn a_hall_stops_when_it_is_told_to() {
    let desk = Desk::new();
    let mut serving = serve(&desk, &[]);
    let told = Command::new("kill").args(["-TERM", &serving.process.id().to_string()]).status().unwrap();
    assert!(told.success());
    assert!(serving.process.wait().unwrap().success());
}
