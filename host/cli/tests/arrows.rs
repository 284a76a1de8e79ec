//! Imports go one way. This test fails when an arrow between the rooms turns round.

use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Each room, and the rooms it may name.
const ARROWS: &[(&str, &[&str])] = &[
    ("ukey-apdu", &[]),
    ("ukey-firmware", &["ukey-apdu"]),
    ("ukey-device", &["ukey-apdu", "ukey-firmware"]),
    ("ukey-serve", &["ukey-apdu", "ukey-device"]),
    // Its tests serve tokens.
    ("ukey-skf", &["ukey-device", "ukey-serve"]),
    ("ukey-pki", &[]),
    ("ukey-hall", &["ukey-apdu", "ukey-pki"]),
    ("ukey-flows", &["ukey-device", "ukey-pki", "ukey-hall"]),
    ("ukey-features", &["ukey-flows", "ukey-device", "ukey-serve", "ukey-hall", "ukey-pki"]),
    (
        "ukey",
        &["ukey-apdu", "ukey-device", "ukey-serve", "ukey-pki", "ukey-hall", "ukey-flows", "ukey-features"],
    ),
    ("ukey-benches", &["ukey-apdu", "ukey-firmware", "ukey-device", "ukey-serve", "ukey-skf"]),
    ("ukey-benches-enrol", &["ukey-device", "ukey-hall", "ukey-flows", "ukey-benches"]),
];

fn metadata() -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    command.no_deps().other_options(["--offline".to_owned()]).exec().unwrap()
}

/// Whether a room may name another; a room that is not in the table may name none.
fn allowed(from: &str, to: &str) -> bool {
    ARROWS.iter().any(|(room, rooms)| *room == from && rooms.contains(&to))
}

#[test]
fn rooms_name_only_the_rooms_below_them() {
    let metadata = metadata();
    let rooms: Vec<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    for (room, _) in ARROWS {
        assert!(rooms.contains(room), "{room} is gone: take it out of the table");
    }
    for package in &metadata.packages {
        let name = package.name.as_str();
        assert!(ARROWS.iter().any(|(room, _)| *room == name), "{name} is new: say which rooms it may name");
        let named = package.dependencies.iter().map(|dependency| dependency.name.as_str());
        for other in named.filter(|other| rooms.contains(other) && *other != name) {
            assert!(allowed(name, other), "{name} must not know {other}");
        }
    }
}

#[test]
fn the_table_itself_has_no_circle() {
    for (index, (room, rooms)) in ARROWS.iter().enumerate() {
        for other in *rooms {
            let below = ARROWS.iter().take(index).any(|(earlier, _)| earlier == other);
            assert!(below, "{room} names {other}, which does not stand in front of it");
        }
    }
    assert!(
        !allowed("ukey-pki", "ukey-device")
            && !allowed("ukey-hall", "ukey-device")
            && !allowed("other", "ukey-apdu")
    );
}

#[test]
fn flows_know_the_hall_by_its_words_only() {
    let metadata = metadata();
    let flows = room(&metadata, "ukey-flows");
    for dependency in &flows.dependencies {
        if dependency.name == "ukey-hall" && dependency.kind == DependencyKind::Normal {
            assert!(!dependency.uses_default_features, "the hall's server is not for flows");
            assert!(!dependency.features.iter().any(|feature| feature == "server"), "nor by its feature");
        }
    }
    let name = "ukey_hall";
    for (file, text) in sources(&folder(flows).join("src")) {
        for (at, _) in text.match_indices(name) {
            assert!(
                text[at + name.len()..].starts_with("::api"),
                "{} goes past the hall's api",
                file.display()
            );
        }
    }
}

#[test]
fn one_file_of_the_device_names_the_firmware() {
    let metadata = metadata();
    // In two parts, for this file names it too.
    let firmware = concat!("ukey_", "firmware");
    let link = folder(room(&metadata, "ukey-device")).join("src/link/sim.rs");
    let may =
        [folder(room(&metadata, "ukey-firmware")), folder(room(&metadata, "ukey-benches")), link.clone()];
    let mut linked = false;
    for package in &metadata.packages {
        for (file, text) in sources(&folder(package)) {
            if text.contains(firmware) {
                assert!(may.iter().any(|may| file.starts_with(may)), "{} names the firmware", file.display());
                linked |= file == link;
            }
        }
    }
    assert!(linked, "{} no longer names the firmware: this test looks in the wrong place", link.display());
}

fn room<'m>(metadata: &'m Metadata, name: &str) -> &'m Package {
    metadata.packages.iter().find(|package| package.name.as_str() == name).unwrap()
}

fn folder(package: &Package) -> PathBuf {
    package.manifest_path.parent().unwrap().into()
}

/// Every Rust file under a folder, with its text.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}
