//! The application form, the e-invoice and the download centre as PDF, read back by poppler.
#![cfg(feature = "server")]

mod support;

use support::{pdf, *};
use ukey_hall::{Config, FontSource, Hall, Profile, api::*};

fn application(bench: &Bench, placed: &Placed) -> Vec<u8> {
    let reply = bench.get(&at(placed, "application"), token(placed));
    assert_eq!((reply.status, reply.kind.as_str()), (200, "application/pdf"));
    reply.body
}

#[test]
fn the_application_form_says_all_of_the_form() {
    if !pdf::tools() {
        return;
    }
    let bench = Bench::new("qinghe");
    let placed = bench.place(unit());
    let file = application(&bench, &placed);
    let text = pdf::text(&file);
    let digest = placed.order.form_digest.clone().unwrap();
    for part in [
        "数字证书申请表",
        "清禾数字证书认证中心",
        &placed.order.id,
        "示例科技有限公司",
        UNIT_CODE,
        "李四",
        "110105198501010020",
        "张三",
        HOLDER_ID,
        HANDLER_PHONE,
        "zhangsan@example.com",
        "示例市示例路1号",
        &digest,
        "单位盖章：",
        "第1页共1页",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let fonts = pdf::told("pdffonts", &[], &file);
    let font = fonts.lines().nth(2).expect("a font");
    let columns: Vec<_> = font.split_whitespace().rev().collect();
    // … encoding, embedded, subset, unicode, object, generation
    assert_eq!(columns[2..5], ["yes", "yes", "yes"], "{fonts}");
    // It follows from the order: later it is the same.
    bench.wait(3600);
    assert_eq!(application(&bench, &placed), file);
    let twin = Bench::new("qinghe");
    assert_eq!(application(&twin, &twin.place(unit())), file, "the same seed and clock give the same bytes");
    bench.get(&at(&placed, "application"), "").refused(ProblemType::Unauthorised);
    let other = bench.place(person());
    bench.get(&at(&placed, "application"), token(&other)).refused(ProblemType::NotFound);
}

#[test]
fn whatever_is_typed_is_plain_text_and_stays_on_the_page() {
    if !pdf::tools() {
        return;
    }
    let bench = Bench::new("qinghe");
    let mut form = unit_form();
    form.name = "<b>示例</b>{{1+1}} (\\) %PDF 𠀀\u{202e}🦀".into();
    form.address = "很长的路".repeat(50);
    let placed = bench.place(EnrolForm::Unit(form));
    let text = pdf::text(&application(&bench, &placed));
    assert!(text.contains("<b>示例</b>{{1+1}}(\\)%PDF"), "{text}");
    assert!(text.contains("□") && !text.contains('🦀'), "{text}");
    assert_eq!(text.matches("很长的路").count(), 50, "a long address wraps");

    let boxes = pdf::told("pdftotext", &["-bbox"], &application(&bench, &placed));
    let edge = |line: &str| line.split("xMax=\"").nth(1)?.split('"').next()?.parse::<f32>().ok();
    let rightmost = boxes.lines().filter_map(edge).fold(0.0, f32::max);
    assert!(rightmost > 100.0 && rightmost <= 595.0 - 50.0, "{rightmost}");
}

#[test]
fn every_file_of_the_download_centre_can_be_read() {
    if !pdf::tools() {
        return;
    }
    let bench = Bench::new("songtao");
    let portal: PortalView = bench.get("/api/portal", "").read();
    assert!(portal.downloads.len() >= 12);
    for file in portal.downloads {
        let reply = bench.get(&file.path, "");
        assert_eq!(reply.status, 200, "{}", file.path);
        match reply.kind.as_str() {
            "application/pdf" => assert!(pdf::text(&reply.body).contains(&file.title), "{}", file.title),
            kind => assert!(kind.starts_with("text/plain") && reply.body.len() > 20, "{kind}"),
        }
    }
    bench.get("/downloads/other.pdf", "").refused(ProblemType::NotFound);
}

#[test]
fn without_a_font_the_hall_opens_and_documents_are_refused() {
    let config = || Config::simulated(Profile::built_in("qinghe").unwrap(), 7);
    let bench = Bench::with(Config { font: FontSource::Without, ..config() });
    let placed = bench.place(unit());
    let problem = bench.get(&at(&placed, "application"), token(&placed)).refused(ProblemType::FontMissing);
    assert!(
        problem.detail.contains("fonts-wqy-microhei") && problem.detail_zh.contains("fonts-wqy-microhei")
    );
    bench.get("/downloads/terms.pdf", "").refused(ProblemType::FontMissing);
    assert_eq!(bench.get("/downloads/assistant.txt", "").status, 200);
    // A file that was named must be one.
    let named = Config { font: FontSource::File("/nowhere/font.ttc".into()), ..config() };
    let error = bench.run(Hall::open(named)).unwrap_err().to_string();
    assert!(error.contains("/nowhere/font.ttc"), "{error}");
}
