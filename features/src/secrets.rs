//! Failing scenarios, and a search of all that is told of them for what must not be told.

use std::sync::{Mutex, PoisonError};

use base64::{Engine, prelude::BASE64_STANDARD};
use cucumber::given;
use serde_json::Value;

use crate::{
    runner::{ReportFile, ReportFormat, RunOptions, Stop, report::ScenarioStatus, run_to},
    world::UkeyWorld,
};

/// The codes and passwords in the outboxes of the halls, for the test that runs at the time.
static CODES: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[given("记下服务厅发出的全部验证码和密码")]
async fn note_all(world: &mut UkeyWorld) {
    let sent = world.on_stage(|stage| stage.client().outbox(None)).await.expect("the outbox");
    let mut codes = CODES.lock().unwrap_or_else(PoisonError::into_inner);
    codes.extend(sent.into_iter().filter_map(|message| message.code));
}

#[given("记下屏幕上的解锁码")]
async fn note_unlock_code(world: &mut UkeyWorld) {
    let code = world.on_stage(|stage| stage.unlock_code()).await;
    CODES.lock().unwrap_or_else(PoisonError::into_inner).push(code);
}

const FEATURE: &str = "\
功能: 泄密
  背景:
    假如 清禾数字证书认证中心的网上服务厅已开通
    而且 示例科技有限公司已领到UKey，口令为\"Mima-2026\"

  场景: 没有这样的短信，口令\"Mima-2026\"
    假如 短信验证已通过
    而且 记下服务厅发出的全部验证码和密码
    那么 经办人的手机收到短信\"没有这样的\"

  场景: 证书密码没有这样的短信
    假如 记下服务厅发出的全部验证码和密码
    那么 法定代表人的手机收到短信\"没有这样的\"

  场景: 证书密码发到别处
    假如 记下服务厅发出的全部验证码和密码
    那么 证书密码发送到经办人的手机

  场景: 签名验证短信是一份旧申请表的
    假如 记下服务厅发出的全部验证码和密码
    当 填写个人证书申请信息，点击下一步
    那么 签名验证短信写明申请表的摘要

  场景: 解锁码没有变
    假如 解锁费用已支付
    而且 已上传资料，得到解锁码
    而且 记下屏幕上的解锁码
    而且 记下解锁码
    而且 记下服务厅发出的全部验证码和密码
    那么 解锁码与记下的不同

  场景: 两个口令都不对
    假如 记下服务厅发出的全部验证码和密码
    那么 用口令\"Bieren-1\"可以签名，用口令\"Mima-2026\"不可以

  场景: 旧口令还有效
    假如 短信验证已通过
    而且 记下服务厅发出的全部验证码和密码
    当 输入新口令\"Xin-2026\"，再次输入\"Xin-2026\"，点击确认
    那么 用口令\"Xin-2026\"可以签名，用口令\"Xin-2026\"不可以

  场景: 没有定义的一步
    假如 记下服务厅发出的全部验证码和密码
    那么 新口令\"Xin-2026\"没有定义
      | 口令 | Mima-2026 |
";

const PINS: [&str; 3] = ["Mima-2026", "Xin-2026", "Bieren-1"];

/// All texts in a JSON document, and what its embeddings hold; numbers are left out, they are durations.
fn texts(value: &Value, found: &mut String) {
    match value {
        Value::String(text) => {
            *found += &format!("{text}\n");
        }
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| match value {
            Value::String(data) if name == "data" => {
                *found += &String::from_utf8(BASE64_STANDARD.decode(data).unwrap()).unwrap();
            }
            value => texts(value, found),
        }),
        _ => {}
    }
}

#[test]
fn no_failure_tells_a_code_or_a_pin() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("泄密.feature");
    std::fs::write(&path, FEATURE).unwrap();
    let formats = [ReportFormat::Junit, ReportFormat::Json, ReportFormat::Html];
    let reports: Vec<_> = formats
        .map(|format| ReportFile { format, path: folder.path().join(format!("{format:?}")) })
        .into_iter()
        .collect();
    let options = RunOptions {
        paths: vec![path.to_str().unwrap().to_owned()],
        seed: Some(7),
        github_annotations: true,
        reports: reports.clone(),
        ..RunOptions::default()
    };
    let mut out = Vec::new();
    let outcome = run_to::<UkeyWorld>(&options, &mut out, &Stop::default()).unwrap();
    let console = String::from_utf8(out).unwrap();
    for scenario in &outcome.report.scenarios {
        assert_eq!(scenario.status, ScenarioStatus::Failed, "{}", scenario.case.title());
        // Each fails where it is meant to: at its last step.
        let last = scenario.steps.last().unwrap();
        assert_eq!(scenario.failed_step().unwrap().line, last.line, "{:?}", scenario.reason());
    }

    let mut told = vec![("console".to_owned(), console)];
    for report in reports {
        let text = std::fs::read_to_string(&report.path).unwrap();
        let text = match report.format {
            ReportFormat::Json => {
                let mut found = String::new();
                texts(&serde_json::from_str(&text).unwrap(), &mut found);
                found
            }
            _ => text,
        };
        told.push((format!("{:?}", report.format), text));
    }
    let codes = CODES.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert!(codes.len() >= 16, "{} codes were sent", codes.len());
    for (name, text) in &told {
        assert!(text.contains("没有这样的短信") && text.contains("‹redacted›"), "{name}: {text}");
        for secret in codes.iter().map(String::as_str).chain(PINS) {
            assert!(!text.contains(secret), "{name} tells {secret}:\n{text}");
        }
    }
}
