//! A scenario's seed follows from the run's seed and the scenario alone.

use ukey_features::runner::{load, scenario_seed};

use crate::toy::{options, run};

const COUNTER: &str = include_str!("../toy/counter.feature");

fn facts(change: impl FnOnce(&mut ukey_features::runner::RunOptions)) -> (Vec<(usize, String)>, String) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/toy/counter.feature");
    let (mut options, _folder) = options(COUNTER);
    options.paths = vec![folder.to_str().unwrap().to_owned()];
    change(&mut options);
    let (outcome, printed) = run(&options);
    let scenarios = outcome.unwrap().report.scenarios;
    let facts = scenarios.iter().map(|one| (one.case.line(), one.facts[0].value.clone())).collect();
    (facts, printed.rsplit_once(';').unwrap().0.to_owned())
}

#[test]
fn one_seed_gives_one_text_whatever_the_jobs() {
    let (alone, printed_alone) = facts(|options| options.jobs = Some(1));
    let (together, printed_together) = facts(|options| options.jobs = Some(4));
    assert_eq!(alone, together);
    assert_eq!(printed_alone, printed_together);
    assert!(printed_alone.contains("seed 7"));
    let (other, _) = facts(|options| options.seed = Some(8));
    assert!(alone.iter().zip(&other).all(|(one, other)| one.1 != other.1));
}

#[test]
fn one_scenario_alone_has_the_seed_it_has_in_the_run() {
    let (all, _) = facts(|_| ());
    let (one, _) = facts(|options| options.paths[0] += ":22");
    assert_eq!(one, [all[2].clone()]);
}

#[test]
fn rows_scenarios_and_files_differ() {
    let seeds = [
        scenario_seed(7, "a", "t", "b", 0),
        scenario_seed(7, "a", "t", "b", 1),
        scenario_seed(7, "a", "t", "c", 0),
        scenario_seed(7, "a", "u", "b", 0),
        scenario_seed(7, "ab", "t", "", 0),
        scenario_seed(7, "", "t", "ab", 0),
        scenario_seed(7, "at", "", "b", 0),
        scenario_seed(8, "a", "t", "b", 0),
    ];
    for (index, seed) in seeds.iter().enumerate() {
        assert!(!seeds[..index].contains(seed));
    }
}

/// A file has one name however it is asked for, so it is loaded once.
#[test]
fn relative_and_absolute_paths_are_one() {
    let here = std::env::current_dir().unwrap();
    let relative = "./tests/toy/counter.feature".to_owned();
    let absolute = here.join("tests/toy/counter.feature").to_str().unwrap().to_owned();
    let suite = load(&[relative, absolute]).unwrap();
    assert_eq!(suite.cases().len(), 4);
    assert_eq!(suite.cases()[0].feature(), "tests/toy/counter.feature");
}

fn seeds_at(path: &str) -> Vec<[u8; 32]> {
    let suite = load(&[path.to_owned()]).unwrap();
    suite.cases().iter().map(|case| case.seed(7)).collect()
}

#[test]
fn the_seed_does_not_depend_on_the_folder() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copy = |folder: &std::path::Path, name: &str| {
        std::fs::create_dir_all(folder).unwrap();
        let path = folder.join(name);
        std::fs::write(&path, COUNTER).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let first = seeds_at(&copy(one.path(), "counter.feature"));
    assert_eq!(first.len(), 4);
    assert_eq!(first, seeds_at(&copy(&other.path().join("deep/er"), "counter.feature")));
    assert_eq!(first, seeds_at(other.path().to_str().unwrap()));
    assert_eq!(first, seeds_at("tests/toy/counter.feature"));
    assert_ne!(first, seeds_at(&copy(one.path(), "another.feature")));
}

#[test]
fn a_file_has_the_seeds_that_its_built_in_copy_has() {
    let built_in = seeds_at("features/zh/unlock/sms.feature");
    let on_disk = seeds_at(concat!(env!("CARGO_MANIFEST_DIR"), "/zh/unlock/sms.feature"));
    assert!(!built_in.is_empty());
    assert_eq!(built_in, on_disk);
}

/// The tests run in the folder of the package; another process asks from elsewhere.
#[test]
fn the_seed_does_not_depend_on_where_one_stands() {
    const FOLDER: &str = "UKEY_TEST_SEEDS_OF";
    if let Ok(path) = std::env::var(FOLDER) {
        let elsewhere = seeds_at(&path);
        assert_eq!(elsewhere, seeds_at(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/toy/counter.feature")));
        assert_eq!(load(&[path]).unwrap().cases()[0].feature(), "counter.feature");
        return;
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/toy");
    let again = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "seeds::the_seed_does_not_depend_on_where_one_stands"])
        .env(FOLDER, "counter.feature")
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&again.stdout);
    assert!(again.status.success() && text.contains("1 passed"), "{text}");
}
