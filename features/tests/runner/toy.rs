//! A world that counts, and misbehaves on request.

#![allow(dead_code, reason = "two test targets share this file and use different parts of it")]

use std::time::Duration;

use cucumber::{given, then, when};
use tempfile::TempDir;
use ukey_features::runner::{
    Attachment, EXCHANGES, Fact, NotApplicable, Outcome, PrepareError, ReportFile, ReportFormat, RunError,
    RunOptions, ScenarioContext, ScenarioWorld, Standing, Stop, TargetError, blocking, run_to,
};

#[derive(Debug, cucumber::World)]
#[world(init = Self::never)]
pub(crate) struct Toy {
    count: i64,
    seed: u64,
    attachments: Vec<Attachment>,
}

impl Toy {
    fn never() -> Result<Self, PrepareError> {
        Err(PrepareError::Failed("the runner prepares worlds".into()))
    }

    fn exchange(&mut self, text: String) {
        self.attachments.push(Attachment::plain(EXCHANGES, text));
    }
}

impl ScenarioWorld for Toy {
    fn begin(options: &RunOptions) -> Result<Standing, TargetError> {
        if !options.target.starts_with("pcsc:") {
            return if options.target == "tcp:nowhere" {
                Err(TargetError::Unreachable("nobody listens".into()))
            } else {
                Ok(Standing::fresh())
            };
        }
        if options.device_serial.as_deref().is_some_and(|serial| serial != "123") {
            let (message, help) = ("this is the key 123".into(), "name that one".into());
            return Err(TargetError::Refused { message, help });
        }
        let refuse = (!options.allow_destructive).then(|| "it locks".to_owned());
        Ok(Standing { fresh: false, device: Some("123".into()), refuse_destructive: refuse })
    }

    fn end(options: &RunOptions, _: &Standing) -> Result<(), String> {
        if options.target == "pcsc:stuck" { Err("it does not let go".into()) } else { Ok(()) }
    }

    async fn finish(&mut self) -> Result<(), String> {
        if self.count == 666 { Err("it cannot be cleared away".into()) } else { Ok(()) }
    }

    async fn prepare(context: &ScenarioContext) -> Result<Self, PrepareError> {
        match context.target.as_str() {
            "pcsc:other" if context.has_tag("sim-only") => {
                return Err(PrepareError::NotApplicable("it needs a simulated token".into()));
            }
            _ => {}
        }
        assert!(!context.has_tag("no-world"), "this world breaks while it is made");
        Ok(Self { count: 0, seed: context.seed_u64(), attachments: Vec::new() })
    }

    fn take_attachments(&mut self) -> Vec<Attachment> {
        std::mem::take(&mut self.attachments)
    }

    fn facts(&self) -> Vec<Fact> {
        vec![Fact::new("种子", self.seed.to_string())]
    }
}

#[given(expr = "计数器为 {int}")]
fn set(world: &mut Toy, value: i64) {
    world.count = value;
}

#[when(expr = "加 {int}")]
async fn add(world: &mut Toy, value: i64) {
    world.exchange(format!("+{value}"));
    world.count = blocking({
        let count = world.count;
        move || count + value
    })
    .await;
}

#[then(expr = "计数器为 {int}")]
fn check(world: &mut Toy, expected: i64) {
    assert_eq!(world.count, expected, "计数不对");
}

#[when("永远等待")]
async fn wait(world: &mut Toy) {
    world.exchange("等".into());
    std::future::pending::<()>().await;
}

#[when("永远占住线程")]
fn block(_: &mut Toy) {
    loop {
        std::thread::park();
    }
}

#[when("在别的线程里永远占住")]
async fn block_elsewhere(_: &mut Toy) {
    blocking(|| {
        loop {
            std::thread::park();
        }
    })
    .await;
}

#[when("在别的线程里崩溃")]
async fn panic_elsewhere(_: &mut Toy) {
    blocking(|| panic!("别处的<崩溃>")).await;
}

#[when("旁边的任务崩溃")]
async fn panic_beside(_: &mut Toy) {
    let ended = tokio::spawn(async { panic!("没人等的崩溃") }).await;
    assert!(ended.is_err());
}

/// Fails the first `times` times, whatever world it is in.
#[when(expr = "头 {int} 次失败，记在 {string}")]
fn fail_first(world: &mut Toy, times: usize, path: String) {
    use std::io::Write;
    world.exchange(format!("seed {}", world.seed));
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path).unwrap();
    file.write_all(b"x").unwrap();
    let tried = std::fs::read(&path).unwrap().len();
    assert!(tried > times, "第 {tried} 次也<失败>");
}

#[when("返回错误")]
fn refuse(_: &mut Toy) -> Result<(), PrepareError> {
    Err(PrepareError::Failed("一个错误".into()))
}

#[when("这里办不到")]
async fn not_here(world: &mut Toy) {
    world.exchange("碰了一下".into());
    blocking(|| std::panic::panic_any(NotApplicable("nobody pulls it".into()))).await;
}

#[when("两个定义都匹配")]
fn ambiguous_one(_: &mut Toy) {}

#[when(regex = "^两个定义.*$")]
fn ambiguous_two(_: &mut Toy) {}

#[then("附上标记")]
fn markup(world: &mut Toy) {
    world.attachments.push(Attachment::plain("note", "<script>alert(1)</script> & \u{1b}[31m]]>"));
}

/// Options for a run over `text` alone, and the folder that holds it.
pub(crate) fn options(text: &str) -> (RunOptions, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("玩具.feature");
    std::fs::write(&path, text).unwrap();
    let paths = vec![path.to_str().unwrap().to_owned()];
    let step_limit = Duration::from_secs(60);
    (RunOptions { paths, seed: Some(7), jobs: Some(2), step_limit, ..RunOptions::default() }, folder)
}

/// Runs, and returns what happened beside what was printed.
pub(crate) fn run(options: &RunOptions) -> (Result<Outcome, RunError>, String) {
    let mut out = Vec::new();
    let result = run_to::<Toy>(options, &mut out, &Stop::default());
    (result, String::from_utf8(out).unwrap())
}

/// Runs `text` alone.
pub(crate) fn run_text(text: &str) -> (Outcome, String) {
    let (options, _folder) = options(text);
    let (result, printed) = run(&options);
    (result.unwrap(), printed)
}

/// Runs `text` alone with a report, and returns the report.
pub(crate) fn report(text: &str, format: ReportFormat) -> String {
    let (mut options, folder) = options(text);
    let path = folder.path().join("new").join("report");
    options.reports.push(ReportFile { format, path: path.clone() });
    run(&options).0.unwrap();
    std::fs::read_to_string(path).unwrap()
}

/// A feature whose single scenario has these steps.
pub(crate) fn feature(steps: &str) -> String {
    format!(
        "功能: 玩具\n  场景: 一个\n{}",
        steps.lines().map(|step| format!("    {step}\n")).collect::<String>()
    )
}
