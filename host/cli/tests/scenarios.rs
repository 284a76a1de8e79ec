//! `ukey test`: what it prints, what it writes, and the code it ends with.

mod common;

use common::{Desk, Ran};

/// The block of the README that begins with this line, without its fence.
fn readme(first: &str) -> String {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let block =
        text.split("```").find(|block| block.lines().nth(1).is_some_and(|line| line.starts_with(first)));
    let block = block.unwrap_or_else(|| panic!("the README has no block that begins with {first}"));
    block.split_once('\n').unwrap().1.to_owned()
}

/// The scenario of the README that fails.
fn wrong() -> String {
    readme("# language: zh-CN")
}

fn story(desk: &Desk, seed: &str) -> String {
    let ran = desk.run(&["test", "features/zh/unlock/story.feature", "--seed", seed], &[]).succeeds();
    let (scenarios, closing) = ran.out.split_once("\n\n").unwrap();
    assert!(closing.starts_with(&format!("2 scenarios: 2 passed; seed {seed}; ")), "{closing}");
    scenarios.to_owned()
}

#[test]
fn one_seed_makes_the_same_certificates_and_another_makes_others() {
    let desk = Desk::new();
    let first = story(&desk, "5");
    assert_eq!(first.matches("签名证书=").count(), 2, "{first}");
    assert_eq!(first, story(&desk, "5"));
    assert_ne!(first, story(&desk, "6"));
}

#[test]
fn a_failure_tells_the_step_its_line_the_exchanges_and_how_to_run_it_again() {
    let desk = Desk::new();
    std::fs::write(desk.path("wrong.feature"), wrong()).unwrap();
    let reports = ["--report-junit", "r.xml", "--report-json", "r.json", "--report-html", "r.html"];
    let ran: Ran = desk.run(&[&["test", "wrong.feature", "--seed", "7"], &reports[..]].concat(), &[]);
    assert_eq!(ran.code, 1);
    for part in [
        "FAILED  wrong.feature:3 锁死后仍能登录",
        "那么 登录成功，显示\"示例科技有限公司\"",
        "wrong.feature:8",
        "VerifyPin application 1000 user PIN ‹redacted› → 6983 authentication locked",
        "again: ukey test wrong.feature:3 --seed 7",
        "1 scenario: 1 failed; seed 7; ",
    ] {
        assert!(ran.out.contains(part), "\"{part}\" is not in: {}", ran.out);
    }
    let read = |name| std::fs::read_to_string(desk.path(name)).unwrap();
    assert!(read("r.xml").contains("failures=\"1\""));
    assert!(read("r.html").contains("锁死后仍能登录"));
    serde_json::from_str::<serde_json::Value>(&read("r.json")).unwrap();
}

#[test]
fn the_readme_shows_what_a_failure_prints() {
    let desk = Desk::new();
    std::fs::write(desk.path("my.feature"), wrong()).unwrap();
    let block = readme("$ ukey test my.feature");
    let (command, shown) = block.split_once('\n').unwrap();
    let arguments: Vec<_> = command.trim_start_matches("$ ukey ").split(' ').collect();
    let out = desk.run(&arguments, &[]).out;
    // A … stands for what differs from run to run or from version to version; alone on its line, for whole lines.
    let mut printed = out.lines();
    for line in shown.lines().filter(|line| line.trim() != "…") {
        let mut parts = line.split('…');
        let (first, rest) = (parts.next().unwrap(), parts.collect::<Vec<_>>());
        let fits = |printed: &str| {
            let Some(mut left) = printed.strip_prefix(first) else { return false };
            rest.iter().all(|part| left.find(part).map(|at| left = &left[at + part.len()..]).is_some())
                && (left.is_empty() || line.ends_with('…'))
        };
        assert!(printed.any(fits), "the README's line \"{line}\" is not in: {out}");
    }
}

#[test]
fn what_cannot_run_ends_with_its_own_code() {
    let desk = Desk::new();
    desk.run(&["test", "no/such/path"], &[]).fails(2).says("there is nothing at no/such/path");
    desk.run(&["test", "--tags", "@no-such-tag"], &[]).fails(4).says("no scenario matches");
    desk.run(&["test", "--tags", "not ("], &[]).fails(2);
    desk.run(&["test", "--name", "("], &[])
        .fails(2)
        .says("`(` is not a regular expression")
        .says("backslash");
    std::fs::write(
        desk.path("bad.feature"),
        "# language: zh-CN\n功能: 坏\n  场景: 一\n    假如 甲\n    乙\n",
    )
    .unwrap();
    desk.run(&["test", "bad.feature"], &[]).fails(3).says("bad.feature:5:5");
    desk.run(&["test", "--target", "tcp:"], &[]).fails(2).says("tcp:HOST:PORT");
    let away = desk.run(&["test", "--target", "tcp:127.0.0.1:1"], &[]);
    assert_eq!(away.code, 5, "{}", away.out);
    assert!(away.out.contains("nothing listens at tcp:127.0.0.1:1"), "{}", away.out);
}

#[test]
fn scenarios_are_listed_with_their_tags() {
    let desk = Desk::new();
    let out = desk.run(&["test", "--list", "--tags", "@U-13"], &[]).succeeds().out;
    assert!(out.lines().count() > 1 && out.lines().all(|line| line.contains("@U-13")), "{out}");
}

#[test]
fn shards_are_merged_into_one_run() {
    let desk = Desk::new();
    let run = |shard: &str, file: &str| {
        let arguments = ["test", "features/zh/pin", "--seed", "5", "--report-json", file];
        desk.run(&arguments, &[("UKEY_SHARD", shard)]).succeeds().out
    };
    let scenarios = |out: &str| out.lines().filter(|line| line.starts_with("ok ")).count();
    let ran = scenarios(&run("1/2", "a.json")) + scenarios(&run("2/2", "b.json"));
    let merge = ["report", "merge", "b.json", "a.json", "--report-junit", "all.xml"];
    let merged = desk.run(&merge, &[]).succeeds().out;
    let whole = desk.run(&["test", "features/zh/pin", "--seed", "5"], &[]).succeeds().out;
    let without_time = |out: &str| out.rsplit_once("; ").unwrap().0.to_owned();
    assert_eq!(without_time(&merged), without_time(&whole));
    assert_eq!(ran, scenarios(&whole));
    assert!(desk.path("all.xml").exists());

    desk.run(&["report", "merge", "a.json"], &[]).fails(2).says("shard 2/2 is missing");
    desk.run(&["report", "merge", "a.json", "a.json"], &[]).fails(2).says("a.json and in a.json");
    desk.run(&["report", "merge", "all.xml"], &[]).fails(2).says("no JSON report");
    for wrong in ["0/3", "4/3", "x"] {
        desk.run(&["test", "--list", "--shard", wrong], &[]).fails(2).says("is no shard");
    }
}

#[test]
fn coverage_tells_each_row_with_its_scenarios() {
    let desk = Desk::new();
    let ran = desk.run(&["test", "--coverage"], &[]);
    for line in ["U-13 ", "  features/zh/unlock/", "U-34 ", "F-01 "] {
        assert!(ran.out.contains(line), "{line}");
    }
    let json = desk.run(&["test", "--coverage", "--format", "json", "--name", "no such name"], &[]);
    json.fails(4).says("no scenario matches");
    let json = desk.run(&["test", "--coverage", "--format", "json", "--tags", "@U-13"], &[]);
    assert_eq!(json.code, 1, "the rest is neither covered nor excused");
    let row = &json.json()["rows"]["U-13"];
    assert!(row["scenarios"][0]["place"].as_str().unwrap().starts_with("features/zh/"), "{row}");
    assert!(row["meaning"].as_str().unwrap().contains("新口令"), "{row}");
}
