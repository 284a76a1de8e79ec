//! The world of the built-in scenarios, tried with scenarios that must not pass, and run twice.

use std::{collections::BTreeSet, path::Path};

use tempfile::TempDir;
use ukey_device::{CreateApplication, Dialect, Options, Pin, Rights, Simulator, Target};
use ukey_features::{
    UkeyWorld,
    rows::{is_row, meaning},
    runner::{
        Exit, Outcome, ReportFile, ReportFormat, RunOptions, Stop, built_in,
        report::{ScenarioReport, ScenarioStatus},
        run_to,
    },
};
use ukey_flows::production::FACTORY_DEVICE_KEY;

const HALL: &str = "假如 清禾数字证书认证中心的网上服务厅已开通";
const KEY: &str = "而且 示例科技有限公司已领到UKey，口令为\"Mima-2026\"";

fn run(options: &RunOptions) -> (Outcome, String) {
    let mut out = Vec::new();
    let outcome = run_to::<UkeyWorld>(options, &mut out, &Stop::default()).unwrap();
    (outcome, String::from_utf8(out).unwrap())
}

fn options(folder: &Path, steps: &[&str]) -> RunOptions {
    let path = folder.join("一个.feature");
    let lines: String = steps.iter().map(|step| format!("    {step}\n")).collect();
    std::fs::write(&path, format!("功能: 检验\n  场景: 一个\n{lines}")).unwrap();
    RunOptions { paths: vec![path.to_str().unwrap().to_owned()], seed: Some(7), ..RunOptions::default() }
}

fn single(steps: &[&str]) -> ScenarioReport {
    let folder = TempDir::new().unwrap();
    run(&options(folder.path(), steps)).0.report.scenarios.remove(0)
}

#[track_caller]
fn fails_at(steps: &[&str], step: &str, reason: &str) {
    let report = single(steps);
    assert_eq!(report.status, ScenarioStatus::Failed, "{steps:?}");
    let failed = report.failed_step().unwrap();
    let shown = ["Wrong-0001", "Mima-2026", "123"]
        .iter()
        .fold(step.to_owned(), |step, pin| step.replace(&format!("\"{pin}\""), "\"‹redacted›\""));
    assert_eq!(format!("{} {}", failed.keyword.trim(), failed.text), shown, "{:?}", failed.message);
    let message = failed.message.as_deref().unwrap();
    assert!(message.contains(reason), "{message}");
}

#[test]
fn a_failure_that_nobody_judges_fails_the_scenario() {
    let wrong = "当 校验口令\"Wrong-0001\"";
    let unjudged = "没有步骤判断这一失败";
    fails_at(&[HALL, KEY, wrong], wrong, unjudged);
    fails_at(&[HALL, KEY, wrong, "当 打开我的证书", "那么 成功"], "当 打开我的证书", unjudged);
    fails_at(&[HALL, KEY, wrong, "那么 UKey剩余重试次数为9"], "那么 UKey剩余重试次数为9", unjudged);
}

#[test]
fn what_a_given_step_tries_must_succeed() {
    let passed = "而且 审核员审核通过";
    fails_at(&[HALL, KEY, passed, "那么 被拒绝，提示\"该申请已被处理\""], passed, "假如没有成功");
}

#[test]
fn what_is_over_is_judged_no_more() {
    let (wrong, judged) = ("当 校验口令\"Wrong-0001\"", "那么 口令错误，还可重试9次");
    let report = single(&[HALL, KEY, wrong, judged, "当 过了1天", judged]);
    assert!(report.reason().unwrap().contains("本应失败，却成功了"), "{report:?}");
    let shown = "那么 提示\"示例科技有限公司\"";
    assert_eq!(single(&[HALL, KEY, "当 打开登录页", shown]).status, ScenarioStatus::Passed);
    fails_at(&[HALL, KEY, "当 打开登录页", shown, "当 过了1天", shown], shown, "屏幕上的提示");
}

#[test]
fn a_message_is_read_whole_and_once() {
    let (whole, part) = (
        "那么 经办人的手机收到短信\"【清禾】您的订单…已审核通过。\"",
        "那么 经办人的手机收到短信\"已审核通过\"",
    );
    assert_eq!(single(&[HALL, KEY, whole]).status, ScenarioStatus::Passed);
    fails_at(&[HALL, KEY, part], part, "没有这样的信息");
    let report = single(&[HALL, KEY, whole, whole]);
    assert!(report.reason().unwrap().contains("没有这样的信息"), "{report:?}");
}

#[test]
fn two_payments_are_not_taken_for_one() {
    let (pay, leave) = ("当 勾选协议，选择支付宝，点击提交并支付", "当 离开支付页面，没有支付");
    let unpaid = "而且 示例科技有限公司的新办申请已到支付";
    let same = "那么 两次得到的是同一笔支付";
    assert_eq!(single(&[HALL, unpaid, pay, pay, same]).status, ScenarioStatus::Passed);
    fails_at(&[HALL, unpaid, pay, leave, pay, same], same, "支付：应为");
}

#[test]
fn a_pin_that_signs_signs_for_the_certificate() {
    let signs = "那么 用口令\"Mima-2026\"可以签名，用口令\"Wrong-0001\"不可以";
    let other = "而且 UKey里的密钥已重新生成";
    assert_eq!(single(&[HALL, KEY, signs]).status, ScenarioStatus::Passed);
    let report = single(&[HALL, KEY, other, signs]);
    assert!(report.reason().unwrap().contains("证书介质中没有证书"), "{report:?}");
}

#[test]
fn a_judgement_of_the_other_kind_fails() {
    let (wrong, right) = ("当 校验口令\"Wrong-0001\"", "当 校验口令\"Mima-2026\"");
    fails_at(&[HALL, KEY, wrong, "那么 成功"], "那么 成功", "本应成功，却失败了");
    fails_at(
        &[HALL, KEY, right, "那么 口令错误，还可重试9次"],
        "那么 口令错误，还可重试9次",
        "本应失败，却成功了",
    );
    fails_at(&[HALL, KEY, wrong, "那么 口令错误，还可重试8次"], "那么 口令错误，还可重试8次", "剩余次数");
    fails_at(&[HALL, KEY, wrong, "那么 被拒绝，提示\"别的\""], "那么 被拒绝，提示\"别的\"", "拒绝的提示");
}

#[test]
fn a_judgement_says_what_was_expected_and_points_at_its_step() {
    let state = "那么 订单状态为已取消";
    let wrong = "当 校验口令\"Wrong-0001\"";
    let judged: [(&[&str], &str, &str); 4] = [
        (&[HALL, KEY, state], "订单状态：应为已取消，实为已签收", "steps/hall.rs:"),
        (&[HALL, KEY, wrong, "那么 成功"], "本应成功，却失败了", "steps/hall.rs:"),
        (&[HALL, KEY, "那么 口令错误，还可重试9次"], "本应失败，却成功了", "steps/pin.rs:"),
        (&[HALL, KEY, wrong, "当 打开我的证书"], "没有步骤判断这一失败", "steps/key.rs:"),
    ];
    for (steps, reason, place) in judged {
        let report = single(steps);
        let message = report.reason().unwrap();
        let (said, at) = message.rsplit_once("\nat ").unwrap();
        assert!(said.contains(reason), "{message}");
        assert!(at.contains(place), "{message}");
        assert!(!said.contains("left:") && !said.contains("right:"), "{message}");
    }
}

#[test]
fn what_is_taken_for_granted_must_hold() {
    let twice = "假如 李四已领到UKey，口令为\"123\"";
    fails_at(&[HALL, twice], twice, "新密码须为6-10位");
}

#[test]
fn a_failure_shows_exchanges_and_order_but_no_secret() {
    let unlocked = "而且 短信验证已通过";
    let reset = "当 输入新口令\"Xin-20262\"，再次输入\"Xin-20262\"，点击确认";
    let report = single(&[HALL, KEY, unlocked, reset, "那么 提示\"别的\""]);
    assert_eq!(report.status, ScenarioStatus::Failed);
    let exchanges = report.last_exchanges(10);
    assert!(exchanges.iter().any(|line| line.contains("UnblockPin")), "{exchanges:?}");
    let kept: Vec<_> = report.steps.iter().flat_map(|step| &step.attachments).collect();
    for row in ["单位证书新办", "待审核 → 待制证", "证书解锁", "待支付 → 待验证"] {
        assert!(kept.iter().any(|kept| kept.name == "order" && kept.text.contains(row)), "{row}");
    }
    for kept in kept {
        assert!(!kept.text.contains("Mima-2026") && !kept.text.contains("Xin-20262"), "{}", kept.text);
    }
}

#[test]
fn a_target_of_another_form_is_not_reached() {
    let folder = TempDir::new().unwrap();
    for target in ["tcp:127.0.0.1:1", "pcsc:Reader", "nonsense", "sim:/nowhere/at/all"] {
        let options = RunOptions { target: target.into(), ..options(folder.path(), &[HALL]) };
        let (outcome, text) = run(&options);
        assert_eq!(outcome.exit, Exit::TargetUnreachable, "{target}: {text}");
    }
}

#[test]
fn a_key_in_a_file_is_used_when_blank_and_left_alone_when_not() {
    let folder = TempDir::new().unwrap();
    let state = folder.path().join("key.state");
    Simulator::fresh(&Options { seed: Some(1), ..Options::default() })
        .unwrap()
        .save_as(&state, false)
        .unwrap();
    let target = format!("sim:{}", state.display());
    let login = ["当 插着UKey，输入口令\"Mima-2026\"登录", "那么 登录成功，显示\"示例科技有限公司\""];
    let options = RunOptions { target, ..options(folder.path(), &[HALL, KEY, login[0], login[1]]) };
    let (outcome, text) = run(&options);
    assert_eq!(outcome.exit, Exit::AllPassed, "{text}");
    let (outcome, text) = run(&options);
    assert_eq!(outcome.exit, Exit::AllPassed, "it was left blank: {text}");

    let device = Target::SimFile(state.clone()).connect(&Options::default()).unwrap();
    device.authenticate(&FACTORY_DEVICE_KEY).unwrap();
    let pin = || Pin::new(b"12345678").unwrap();
    let application = CreateApplication {
        name: b"MINE",
        admin_pin: pin(),
        admin_retries: 10,
        user_pin: pin(),
        user_retries: 10,
        create_file: Rights::USER,
        max_containers: 1,
        max_certificates: 1,
        max_files: 1,
    };
    device.create_application(&application).unwrap();
    drop(device);
    let made = std::fs::read(&state).unwrap();
    let error = run_to::<UkeyWorld>(&options, std::io::sink(), &Stop::default()).unwrap_err();
    assert_eq!(error.exit(), Exit::Usage);
    assert!(error.to_string().contains("it holds the application “MINE”"), "{error}");
    assert_eq!(std::fs::read(&state).unwrap(), made, "the key that was not blank");
}

#[test]
fn two_runs_with_one_seed_print_the_same_whatever_runs_beside() {
    let printed = |seed: u64, jobs: usize| {
        let folder = TempDir::new().unwrap();
        let report = ReportFile { format: ReportFormat::Json, path: folder.path().join("report.json") };
        let options = RunOptions {
            paths: vec!["features/zh/unlock".into()],
            tags: Some("@smoke".into()),
            seed: Some(seed),
            jobs: Some(jobs),
            reports: vec![report],
            ..RunOptions::default()
        };
        let (outcome, text) = run(&options);
        assert_eq!(outcome.exit, Exit::AllPassed, "{text}");
        let attachments: Vec<_> = outcome
            .report
            .scenarios
            .iter()
            .flat_map(|scenario| &scenario.steps)
            .flat_map(|step| step.attachments.clone())
            .collect();
        // The closing line ends with the time that the run took.
        (text[..text.rfind(';').unwrap()].to_owned(), attachments)
    };
    let first = printed(7, 1);
    assert!(first.0.contains("签名证书="), "{}", first.0);
    assert_eq!(first, printed(7, 2));
    assert_ne!(first.0, printed(8, 2).0);
}

#[test]
fn every_tag_that_looks_like_a_row_is_one() {
    let suite = built_in().unwrap();
    let tags: BTreeSet<&str> =
        suite.cases().iter().flat_map(|case| case.tags()).map(String::as_str).collect();
    let strangers: Vec<_> = tags.iter().filter(|tag| is_row(tag) && meaning(tag).is_none()).collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    for case in suite.cases() {
        assert!(case.tags().iter().any(|tag| is_row(tag)), "{} names no row", case.place());
    }
    assert!(suite.cases().len() >= 200, "{} scenarios", suite.cases().len());
}

/// The exchanges that a run shows, the seed being the same, when a dialect is asked for.
fn exchanges_in(dialect: Option<&str>) -> (Outcome, String) {
    let folder = TempDir::new().unwrap();
    let steps = [HALL, KEY, "当 校验口令\"Mima-2026\"", "那么 提示\"别的\""];
    run(&RunOptions { dialect: dialect.map(Into::into), ..options(folder.path(), &steps) })
}

#[test]
fn the_dialect_that_is_asked_for_is_spoken() {
    let traces = |dialect: Option<&str>| {
        let (outcome, text) = exchanges_in(dialect);
        let again = text.lines().find(|line| line.contains("again: ")).unwrap().to_owned();
        assert_eq!(outcome.exit, Exit::ScenarioFailed, "{text}");
        let steps = &outcome.report.scenarios[0].steps;
        let kept: Vec<_> =
            steps.iter().flat_map(|step| &step.attachments).map(|kept| kept.text.clone()).collect();
        (kept, again)
    };
    let (by_default, again) = traces(None);
    assert!(!again.contains("--dialect"), "{again}");
    let (gm2012, again) = traces(Some("gm2012"));
    assert!(again.ends_with(" --seed 7 --dialect gm2012"), "{again}");
    let (gm3000, again) = traces(Some("gm3000"));
    assert!(again.ends_with(" --seed 7 --dialect gm3000"), "{again}");
    assert_eq!(by_default, gm2012);
    assert!(!gm3000.is_empty());
}

#[test]
fn a_dialect_that_is_not_there_fails_the_scenario() {
    let (outcome, text) = exchanges_in(Some("elvish"));
    assert_eq!(outcome.exit, Exit::ScenarioFailed, "{text}");
    assert!(text.contains("there is no dialect elvish"), "{text}");
}

#[test]
fn a_key_that_speaks_another_dialect_is_not_reached() {
    let folder = TempDir::new().unwrap();
    let state = folder.path().join("key.state");
    let speaks = Options { seed: Some(1), dialect: Some(Dialect::GM3000.into()) };
    Simulator::fresh(&speaks).unwrap().save_as(&state, false).unwrap();
    let target = format!("sim:{}", state.display());
    let login = ["当 插着UKey，输入口令\"Mima-2026\"登录", "那么 登录成功，显示\"示例科技有限公司\""];
    let asked = |dialect: &str| RunOptions {
        target: target.clone(),
        dialect: Some(dialect.into()),
        ..options(folder.path(), &[HALL, KEY, login[0], login[1]])
    };
    let (outcome, text) = run(&asked("gm2012"));
    assert_eq!(outcome.exit, Exit::TargetUnreachable, "{text}");
    let (outcome, text) = run(&asked("gm3000"));
    assert_eq!(outcome.exit, Exit::AllPassed, "{text}");
}
