//! What does not parse is named by line, column and reason.

use ukey_features::runner::{LoadError, ParseFault, from_text};

fn fault(text: &str) -> ParseFault {
    match from_text("a.feature", text) {
        Err(LoadError::Unparsable(fault)) => *fault,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn expect(text: &str, line: usize, column: usize, reason: &str) {
    let fault = fault(text);
    assert_eq!((fault.line, fault.column), (line, column), "{fault}");
    assert!(fault.reason.contains(reason), "{fault}");
}

#[test]
fn an_unknown_keyword_is_named_by_its_line() {
    expect(
        "功能: 甲\n  场景: 一\n    假如 计数器为 0\n    胡说八道 加 1\n    那么 计数器为 1\n",
        4,
        5,
        "no keyword",
    );
    // The grammar looks ahead over the line end here, and reports the next line.
    expect("功能: 甲\n  场景: 一\n    假如 计数器为 0\n  啊\n    那么 计数器为 1\n", 4, 3, "no keyword");
    // The scenario that is misspelt stands behind a tag.
    expect(
        "功能: 甲\n  场景: 一\n    当 加 1\n\n  @tag\n  # 注\n  场影: 二\n    当 加 1\n",
        7,
        3,
        "no keyword",
    );
}

#[test]
fn an_uneven_row_is_named_by_its_line() {
    let text = |row: &str| {
        format!(
            "功能: 甲\n  场景大纲: 一\n    当 加 <甲>\n    例子:\n      | 甲 | 乙 |\n      | 1 | 2 |\n      {row}\n      | 3 | 4 |\n"
        )
    };
    expect(&text("| 1 |"), 7, 7, "1 cells");
    expect(&text("| 1 | 2 | 3 |"), 7, 7, "3 cells");
    expect(&text("| 1 | 2"), 7, 7, "");
    assert_eq!(from_text("a", &text(r"| 1 | 2\|3 |")).unwrap().cases().len(), 3);
}

#[test]
fn what_would_silently_not_run_is_a_fault() {
    expect("功能: 甲\n  场影: 一\n    当 加 1\n", 1, 1, "no scenario");
    expect("功能: 甲\n  场景大纲: 一\n    当 加 <甲>\n    例子:\n      | 甲 |\n", 4, 5, "no row");
    expect("功能: 甲\n  场景大纲: 一\n    当 加 <丙>\n    例子:\n      | 甲 |\n      | 1 |\n", 3, 5, "<丙>");
}

#[test]
fn a_full_width_colon_is_explained_wherever_it_stands() {
    expect("功能: 甲\n  场景： 一\n    当 加 1\n  场景: 二\n    当 加 1\n", 2, 3, "full-width");
    expect("功能: 甲\n  背景：\n    当 加 1\n  场景: 二\n    当 加 1\n", 2, 3, "full-width");
    expect("功能: 甲\n  场景: 二\n    当 加 1\n  场景： 一\n    当 加 1\n", 4, 3, "full-width");
}

#[test]
fn the_head_of_the_file_is_explained() {
    expect("# language: xx-YY\n功能: 甲\n", 1, 1, "xx-YY");
    expect("\n功能： 甲\n  场景: 一\n    当 加 1\n", 2, 1, "full-width");
    expect("Feature: a\n  Scenario: b\n    When c\n", 1, 1, "zh-CN");
    expect("", 1, 1, "missing");
}

#[test]
fn an_open_text_block_is_named_by_its_beginning() {
    expect("功能: 甲\n  场景: 一\n    当 加 1\n      \"\"\"\n      开头\n", 4, 7, "text block");
}

#[test]
fn the_language_is_chinese_unless_the_header_says_otherwise() {
    let english = "# language: en\nFeature: a\n  Scenario: b\n    When c\n";
    assert_eq!(from_text("a", english).unwrap().cases()[0].name(), "b");
    assert_eq!(from_text("a", "\u{feff}功能: 甲\n  场景: 一\n    当 加 1").unwrap().cases().len(), 1);
}

#[test]
fn the_fault_shows_its_source() {
    let fault = fault("功能: 甲\n  场景: 一\n    当 加 1\n    胡说 加 1\n");
    let shown = format!("{:?}", miette::Report::new(fault));
    assert!(shown.contains("胡说 加 1") && shown.contains("假如"), "{shown}");
}

#[test]
fn rows_backgrounds_rules_and_tags_are_resolved() {
    let suite = from_text("a", include_str!("../toy/counter.feature")).unwrap();
    let found: Vec<_> = suite.cases().iter().map(|case| (case.title(), case.line())).collect();
    let expected = [("加一", 9), ("逐次相加到3 #1", 21), ("逐次相加到42 #2", 22), ("没有硬件就不能运行", 25)];
    assert_eq!(found, expected.map(|(title, line)| (title.to_owned(), line)));
    assert_eq!(suite.cases()[0].tags(), ["smoke", "U-13"]);
    let steps: Vec<_> =
        suite.cases()[2].steps().map(|(step, background)| (step.value.as_str(), background)).collect();
    assert_eq!(steps, [("计数器为 0", true), ("加 20", false), ("加 22", false), ("计数器为 42", false)]);

    let text = "@f\n功能: 甲\n  背景:\n    假如 计数器为 0\n  @r\n  Rule: 规则\n    背景:\n      假如 计数器为 1\n    @s\n    场景: 一\n      当 加 1\n";
    let suite = from_text("a", text).unwrap();
    assert_eq!(suite.cases()[0].tags(), ["f", "r", "s"]);
    assert_eq!(suite.cases()[0].steps().filter(|(_, background)| *background).count(), 2);
}

/// As the program prints it: what is wrong, and nothing in front of it.
#[test]
fn one_fault_is_the_whole_error_and_several_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let shown = |names: &[&str]| {
        let paths: Vec<_> = names
            .iter()
            .map(|name| {
                let path = folder.path().join(name);
                std::fs::write(&path, "胡说\n").unwrap();
                path.to_str().unwrap().to_owned()
            })
            .collect();
        let error = ukey_features::runner::load(&paths).unwrap_err();
        assert_eq!(error.exit(), ukey_features::runner::Exit::Unparsable);
        let mut text = String::new();
        miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor())
            .with_wrap_lines(false)
            .render_report(&mut text, &error)
            .unwrap();
        text
    };
    let one = shown(&["a.feature"]);
    assert!(one.contains("a.feature:1:1: ") && one.contains("here"), "{one}");
    let both = shown(&["a.feature", "b.feature"]);
    assert!(both.contains("2 feature files do not parse"), "{both}");
    assert!(both.contains("a.feature:1:1: ") && both.contains("b.feature:1:1: "), "{both}");
    for text in [one, both] {
        assert!(!text.contains("Error:"), "{text}");
    }
}
