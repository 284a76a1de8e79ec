//! Scenarios are chosen by tags, by name, by path and by line.

use ukey_features::runner::{Filter, LoadError, built_in, from_text, listing, load};

use crate::toy;

const COUNTER: &str = include_str!("../toy/counter.feature");

fn chosen(tags: Option<&str>, name: Option<&str>) -> Vec<usize> {
    let suite = from_text("a", COUNTER).unwrap().filtered(&Filter::new(tags, name).unwrap());
    suite.cases().iter().map(|case| case.line()).collect()
}

#[test]
fn by_tags() {
    assert_eq!(chosen(Some("@U-13"), None), [9]);
    assert_eq!(chosen(Some("@U-1"), None), [0_usize; 0]);
    assert_eq!(chosen(Some(" @smoke and not (@U-13 or @hardware) "), None), [21, 22]);
    assert_eq!(chosen(Some("not @smoke"), None), [0_usize; 0]);
}

#[test]
fn a_broken_tag_expression_is_an_error() {
    for expression in ["", "@", "@a and", "U-13", "@a @b"] {
        let error = Filter::new(Some(expression), None).unwrap_err();
        assert!(error.to_string().contains(expression));
    }
}

#[test]
fn by_name() {
    assert_eq!(chosen(None, Some("加一")), [9]);
    assert_eq!(chosen(None, Some(r"相加到\d\d$")), [22]);
    assert_eq!(chosen(None, Some("减")), [0_usize; 0]);
    let error = Filter::new(None, Some("(PIN")).unwrap_err();
    assert!(error.to_string().contains("(PIN"), "{error}");
}

#[test]
fn by_line() {
    let (options, _folder) = toy::options(COUNTER);
    let lines = |spec: &[&str]| {
        let paths: Vec<_> = spec.iter().map(|line| format!("{}{line}", options.paths[0])).collect();
        load(&paths).map(|suite| suite.cases().iter().map(|case| case.line()).collect::<Vec<_>>())
    };
    assert_eq!(lines(&[":9"]).unwrap(), [9]);
    assert_eq!(lines(&[":11"]).unwrap(), [9], "a line inside");
    assert_eq!(lines(&[":22"]).unwrap(), [22], "a row");
    assert_eq!(lines(&[":13"]).unwrap(), [21, 22], "an outline");
    assert_eq!(lines(&[":22", ":9"]).unwrap(), [9, 22]);
    assert_eq!(lines(&[":9", ""]).unwrap(), [9, 21, 22, 25]);
    assert!(matches!(lines(&[":1"]), Err(LoadError::NoScenario { line: 1, .. })));
}

#[test]
fn by_path() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir_all(folder.path().join("b/empty")).unwrap();
    for name in ["b/z.feature", "a.feature", "b/c.feature"] {
        std::fs::write(at(name), toy::feature("当 加 1")).unwrap();
    }
    std::fs::write(at("b/notes.txt"), "不是场景").unwrap();
    let suite = load(&[folder.path().to_str().unwrap().to_owned(), at("a.feature")]).unwrap();
    let found: Vec<_> = suite.cases().iter().map(|case| case.feature().to_owned()).collect();
    assert_eq!(found, [at("a.feature"), at("b/c.feature"), at("b/z.feature")]);

    assert!(matches!(load(&[at("b/empty")]), Err(LoadError::Empty { .. })));
    let error = load(&[at("nothing.feature:3")]).unwrap_err();
    assert!(matches!(&error, LoadError::NotFound { path } if path.ends_with("nothing.feature")), "{error}");
}

/// From here these paths are not on disk, so they can only be the built-in ones.
#[test]
fn the_built_in_suite_parses_and_each_of_its_scenarios_can_be_asked_for() {
    for case in built_in().unwrap().cases() {
        let found = load(&[case.place()]).unwrap();
        let found: Vec<_> = found.cases().iter().map(|case| (case.feature(), case.line())).collect();
        assert_eq!(found, [(case.feature(), case.line())]);
    }
    assert!(matches!(load(&["features/zh/没有.feature".into()]), Err(LoadError::NotFound { .. })));
}

#[test]
fn a_listing_names_what_would_run() {
    let (mut options, _folder) = toy::options(COUNTER);
    options.tags = Some("@U-13".into());
    assert_eq!(listing(&options).unwrap(), format!("{}:9 加一 @smoke @U-13\n", options.paths[0]));
}
