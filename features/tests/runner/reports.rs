//! The report files agree with the run and are well formed whatever is in them.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use ukey_features::runner::{ReportFormat, report::json};

use crate::toy::report;

const TEXT: &str = "\
@smoke
功能: 甲 <b>&
  背景:
    假如 计数器为 0

  @U-13
  场景: 好 <i>
    当 加 1
    那么 附上标记

  场景: 坏 \"]]>
    当 加 1
      | 列 | <值> |
      | 1  | 2    |
    当 在别的线程里崩溃
    那么 计数器为 1

  场景: 无定义
    那么 没有 <这一步>
";

#[test]
fn junit_is_well_formed_and_counts() {
    let xml = report(TEXT, ReportFormat::Junit);
    let suites = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    assert_eq!((suites.tests, suites.failures, suites.errors, suites.skipped), (3, 2, 0, 0));
    let [suite] = &suites.test_suites[..] else { panic!("{xml}") };
    let [good, bad, _] = &suite.test_cases[..] else { panic!("{xml}") };
    assert_eq!(good.name.as_str(), "好 <i>");
    assert!(good.classname.as_ref().unwrap().as_str().ends_with("玩具.feature"));
    let tags: Vec<_> = good
        .properties
        .iter()
        .filter(|one| one.name.as_str() == "tag")
        .map(|one| one.value.as_str())
        .collect();
    assert_eq!(tags, ["smoke", "U-13"]);
    assert!(good.system_out.as_ref().unwrap().as_str().contains("<script>"));
    let quick_junit::TestCaseStatus::NonSuccess { message, description, .. } = &bad.status else {
        panic!("{bad:?}")
    };
    assert_eq!(message.as_ref().unwrap().as_str(), "别处的<崩溃>");
    assert!(description.as_ref().unwrap().as_str().contains("again: ukey test"));
}

#[test]
fn json_is_cucumbers() {
    let features: Vec<Value> = serde_json::from_str(&report(TEXT, ReportFormat::Json)).unwrap();
    let feature = &features[0];
    assert_eq!(feature["name"], "甲 <b>&");
    let elements = feature["elements"].as_array().unwrap();
    let kinds: Vec<_> = elements.iter().map(|element| element["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["background", "scenario", "background", "scenario", "background", "scenario"]);
    assert_eq!(elements[0]["line"], 3);
    assert_eq!(elements[1]["tags"][1]["name"], "@U-13");
    let embedding = &elements[1]["steps"][1]["embeddings"][0];
    let data = BASE64_STANDARD.decode(embedding["data"].as_str().unwrap()).unwrap();
    assert!(String::from_utf8(data).unwrap().contains("<script>"));
    let bad = elements[3]["steps"].as_array().unwrap();
    let statuses: Vec<_> = bad.iter().map(|step| step["result"]["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["passed", "failed", "skipped"]);
    assert_eq!(bad[0]["rows"][0]["cells"][1], "<值>");
    assert!(bad[1]["result"]["error_message"].as_str().unwrap().starts_with("别处的<崩溃>"));
    assert_eq!(elements[5]["steps"][0]["result"]["status"], "undefined");
}

#[test]
fn json_is_read_back_whole() {
    let hook = "功能: 甲\n  @no-world\n  场景: 一\n    当 加 1\n";
    for text in [TEXT, hook] {
        let written = report(text, ReportFormat::Json);
        let mut again = Vec::new();
        json::write(&json::read(&written).unwrap(), &mut again).unwrap();
        assert_eq!(String::from_utf8(again).unwrap(), written);
    }
}

#[test]
fn what_is_no_report_is_not_read() {
    let written = report(TEXT, ReportFormat::Json);
    let changed = |from: &str, to: &str| {
        assert!(written.contains(from), "{from}");
        json::read(&written.replacen(from, to, 1)).unwrap_err()
    };
    assert!(changed("\"version\": 1", "\"version\": 2").contains("version is 2"));
    assert!(changed("\"index\": 0", "\"place\": 0").contains("index"));
    assert!(changed("\"data\": \"", "\"data\": \"!").contains("玩具.feature:7"));
    assert!(json::read("[]").unwrap_err().contains("no feature"));
    assert!(json::read("{}").is_err() && json::read("").is_err() && json::read(&written[..99]).is_err());
}

#[test]
fn json_names_a_scenario_without_a_world() {
    let text = "功能: 甲\n  @no-world\n  场景: 一\n    当 加 1\n";
    let features: Vec<Value> = serde_json::from_str(&report(text, ReportFormat::Json)).unwrap();
    let hook = &features[0]["elements"][0]["before"][0]["result"];
    assert_eq!(hook["status"], "failed");
    assert!(hook["error_message"].as_str().unwrap().contains("this world breaks"));
}

#[test]
fn html_escapes_and_needs_nothing_else() {
    let page = report(TEXT, ReportFormat::Html);
    assert_eq!(page.matches("lang=\"zh\">").count(), page.matches("lang=\"en\">").count());
    for raw in ["<script", "<b>&", "好 <i>", "<值>", "<崩溃>", "http://", "https://", "src="] {
        assert!(!page.contains(raw), "{raw}");
    }
    let both = |zh: &str, en: &str| format!(r#"<span lang="zh">{zh}</span><span lang="en">{en}</span>"#);
    for part in [both("失败", "failed"), both("通过", "passed"), both("全部", "all")] {
        assert!(page.contains(&part), "{part}");
    }
    for part in ["</span> 2</label>", "</span> 1</label>", "</span> 3</label>", "#show-failed:checked"] {
        assert!(page.contains(part), "{part}");
    }
    for part in ["@U-13", "附上标记", "note", "ukey test", "&#60;script&#62;alert"] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(page.matches(r#"<details class="scenario failed" open"#).count(), 2);
    assert_eq!(page.matches("<details").count(), page.matches("</details>").count());
}
