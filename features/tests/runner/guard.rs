//! Every way a step can end.

use std::time::Duration;

use ukey_features::runner::{
    Exit, StepTable,
    report::{ScenarioReport, ScenarioStatus, StepStatus},
};

use crate::toy::{Toy, feature, options, run, run_text};

fn single(steps: &str) -> ScenarioReport {
    run_text(&feature(steps)).0.report.scenarios.remove(0)
}

fn statuses(report: &ScenarioReport) -> Vec<StepStatus> {
    report.steps.iter().map(|step| step.status).collect()
}

#[test]
fn a_scenario_passes() {
    let report = single("假如 计数器为 40\n当 加 2\n那么 计数器为 42");
    assert_eq!(report.status, ScenarioStatus::Passed);
    assert_eq!(statuses(&report), [StepStatus::Passed; 3]);
    assert!(report.steps[1].definition.as_ref().unwrap().contains("toy.rs:"));
    assert_eq!(report.last_exchanges(10), ["+2"]);
}

#[test]
fn a_failure_keeps_the_text_of_the_panic_and_skips_the_rest() {
    let report = single("假如 计数器为 40\n当 加 1\n那么 计数器为 42\n而且 计数器为 41");
    assert_eq!(report.status, ScenarioStatus::Failed);
    assert_eq!(
        statuses(&report),
        [StepStatus::Passed, StepStatus::Passed, StepStatus::Failed, StepStatus::Skipped]
    );
    let step = report.failed_step().unwrap();
    let message = step.message.as_deref().unwrap();
    for part in ["计数不对", "left: 41", "right: 42", "toy.rs:"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(step.line, 5);
}

#[test]
fn an_error_that_is_returned_is_a_failure() {
    assert!(single("当 返回错误").reason().unwrap().contains("一个错误"));
}

#[test]
fn an_undefined_step_fails_and_is_offered_a_definition() {
    let report = single("当 加 1\n当 按下 \"确认\" 键 3 次\n那么 计数器为 1");
    assert_eq!(report.status, ScenarioStatus::Failed);
    assert_eq!(statuses(&report), [StepStatus::Passed, StepStatus::Undefined, StepStatus::Skipped]);
    let reason = report.reason().unwrap();
    assert!(reason.contains(r##"#[when(expr = r#"按下 {string} 键 {int} 次"#)]"##), "{reason}");
    assert!(reason.contains("(world: &mut Toy, text1: String, number2: u64)"), "{reason}");
}

#[test]
fn an_undefined_step_is_shown_its_neighbours() {
    let near = single("那么 计数为 1").reason().unwrap().to_owned();
    assert!(near.contains("the nearest known steps:\n  计数器为 … (given, then)\n"), "{near}");
    let far = single("那么 今天下雨").reason().unwrap().to_owned();
    assert!(!far.contains("nearest"), "{far}");
}

#[test]
fn the_definition_offered_matches_its_step() {
    let text = r#"写入 "甲/乙" (第 2 次) 到 a\b/c，留 {x} 和 5" 半"#;
    let reason = single(&format!("当 {text}")).reason().unwrap().to_owned();
    let expression = reason.split("r#\"").nth(1).unwrap().split("\"#").next().unwrap();
    let regex = cucumber::codegen::Expression::regex(expression).unwrap();
    assert!(regex.is_match(text), "{expression}");
}

#[test]
fn a_step_defined_under_another_keyword_is_pointed_at() {
    let report = single("那么 加 1");
    assert_eq!(statuses(&report), [StepStatus::Undefined]);
    assert!(report.reason().unwrap().contains("defined as a `when` at"));
}

#[test]
fn an_ambiguous_step_fails_and_names_its_definitions() {
    let report = single("当 两个定义都匹配");
    assert_eq!(statuses(&report), [StepStatus::Failed]);
    let reason = report.reason().unwrap();
    assert!(reason.starts_with("ambiguous step: 2") && reason.matches("toy.rs:").count() == 2, "{reason}");
}

#[test]
fn a_scenario_without_steps_fails() {
    let report = run_text("功能: 甲\n  场景: 空\n").0.report.scenarios.remove(0);
    assert_eq!(report.status, ScenarioStatus::Failed);
    assert!(report.reason().unwrap().contains("no steps"));
}

#[test]
fn a_step_that_never_ends_is_cut_however_it_waits() {
    let steps = ["永远等待", "永远占住线程", "在别的线程里永远占住"];
    let scenarios: String =
        steps.iter().map(|step| format!("  场景: {step}\n    当 {step}\n    那么 计数器为 0\n")).collect();
    let (mut options, _folder) = options(&format!("功能: 甲\n{scenarios}  场景: 之后\n    当 加 1\n"));
    options.step_limit = Duration::from_secs(2);
    options.jobs = Some(4);
    let outcome = run(&options).0.unwrap();
    for report in &outcome.report.scenarios[..3] {
        assert_eq!(statuses(report), [StepStatus::Failed, StepStatus::Skipped], "{}", report.case.title());
        assert!(report.reason().unwrap().contains("did not end within 2s"));
    }
    assert_eq!(outcome.report.scenarios[0].last_exchanges(1), ["等"], "kept although the step was cut");
    assert!(outcome.report.scenarios[1].reason().unwrap().contains("left behind"));
    assert_eq!(outcome.report.scenarios[3].status, ScenarioStatus::Passed);
}

#[test]
fn a_panic_in_blocking_work_is_the_steps_own() {
    let report = single("当 在别的线程里崩溃");
    let reason = report.reason().unwrap();
    assert!(reason.starts_with("别处的<崩溃>\nat ") && reason.contains("toy.rs:"), "{reason}");
    assert!(report.steps[0].attachments.is_empty());
}

#[test]
fn a_panic_beside_the_step_is_attached() {
    let report = single("当 旁边的任务崩溃");
    assert_eq!(report.status, ScenarioStatus::Passed);
    let [panics] = &report.steps[0].attachments[..] else { panic!("{report:?}") };
    assert!(panics.name == "panics" && panics.text.contains("没人等的崩溃"), "{panics:?}");
}

#[test]
fn a_world_that_breaks_fails_its_scenario_alone() {
    let text = "功能: 甲\n  @no-world\n  场景: 一\n    当 加 1\n  场景: 二\n    当 加 1\n";
    let (outcome, printed) = run_text(text);
    let [broken, sound] = &outcome.report.scenarios[..] else { panic!("{outcome:?}") };
    assert_eq!((broken.status, sound.status), (ScenarioStatus::Failed, ScenarioStatus::Passed));
    assert!(printed.contains("the world panicked: this world breaks"), "{printed}");
    assert_eq!(statuses(broken), [StepStatus::Skipped]);
    assert_eq!(outcome.exit, Exit::ScenarioFailed);
}

#[test]
fn the_vocabulary_is_known() {
    let definitions = StepTable::<Toy>::definitions();
    assert!(definitions.iter().any(|step| step.kind == "when" && step.pattern.contains("永远等待")));
    assert!(definitions.iter().all(|step| step.place.contains("toy.rs:")));
}
