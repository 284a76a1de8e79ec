//! PDFs, read back by other programs.

use std::{fs, process::Command};

/// Whether a Chinese font and poppler are here; else one line says what is missing. Where the variable `CI` is `true`,
/// what is missing fails the test.
#[allow(clippy::print_stderr, reason = "the one line that says why a test did nothing")]
pub fn tools() -> bool {
    let poppler = Command::new("pdftotext").arg("-v").output().is_ok();
    for (found, what, package) in [
        (ukey_hall::usual_font_exists(), "a Chinese font", "fonts-wqy-microhei"),
        (poppler, "pdftotext", "poppler-utils"),
    ] {
        if !found {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{what} is missing; {package} brings it");
            eprintln!("skipped: {what} is missing; {package} brings it");
            return false;
        }
    }
    true
}

/// What one of poppler's programs says of a PDF.
#[track_caller]
pub fn told(program: &str, arguments: &[&str], pdf: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("document.pdf");
    fs::write(&file, pdf).unwrap();
    let mut command = Command::new(program);
    command.args(arguments).arg(&file);
    if program == "pdftotext" {
        command.arg("-");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The text of a PDF, without blanks and line breaks: a long one wraps.
#[track_caller]
pub fn text(pdf: &[u8]) -> String {
    told("pdftotext", &["-layout"], pdf).split_whitespace().collect()
}
