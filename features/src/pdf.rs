//! Documents as a person reads them: PDF to text, by poppler.

use std::{
    io::Write,
    process::{Command, Stdio},
};

/// What a scenario with documents lacks here: a Chinese font, or poppler.
pub(crate) fn missing() -> Option<&'static str> {
    if !ukey_hall::usual_font_exists() {
        return Some(
            "documents need a Chinese font: the Debian package fonts-wqy-microhei brings one（缺少中文字体，可安装fonts-wqy-microhei）",
        );
    }
    let poppler = Command::new("pdftotext").arg("-v").output().is_ok();
    (!poppler).then_some(
        "documents are read by pdftotext: the Debian package poppler-utils brings it（缺少pdftotext，可安装poppler-utils）",
    )
}

/// The text of a PDF without blanks and line breaks: a long one wraps.
pub(crate) fn text(pdf: &[u8]) -> String {
    let mut command = Command::new("pdftotext");
    let reader = command.args(["-layout", "-", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut reader = reader.expect("pdftotext");
    let mut input = reader.stdin.take().expect("its input");
    input.write_all(pdf).expect("pdftotext reads");
    drop(input);
    let output = reader.wait_with_output().expect("pdftotext ends");
    assert!(output.status.success(), "这不是PDF文件");
    String::from_utf8_lossy(&output.stdout).split_whitespace().collect()
}
