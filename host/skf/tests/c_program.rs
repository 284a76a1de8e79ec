//! The library as a program in C sees it, by its header: `tests/c/walk.c` calls every function.

mod common;

use std::path::Path;
use std::process::Command;

use ukey_device::trace::{Filter, Recording};
use ukey_skf::header::{EXTENSIONS, STANDARD};

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// The C compiler: `CC`, else `cc`. Without one the test is skipped, but fails in CI.
fn compiler() -> Option<String> {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    common::component(&compiler, "--version", "a C compiler (Debian: gcc, libc6-dev)").then_some(compiler)
}

fn compile(compiler: &str, language: &[&str], source: &Path, program: &Path) {
    let library = common::path();
    let mut command = Command::new(compiler);
    command.args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-pthread"]).args(language);
    command.arg("-I").arg(format!("{FOLDER}/include")).arg("-o").arg(program).arg(source);
    command.arg(&library).arg(format!("-Wl,-rpath,{}", library.parent().unwrap().display()));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_program_in_c_calls_every_function() {
    let Some(compiler) = compiler() else { return };
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("walk");
    compile(&compiler, &["-std=c11"], Path::new(&format!("{FOLDER}/tests/c/walk.c")), &program);
    // The devices by the environment, then by a file; and a file that names none that there could be.
    let config = folder.path().join("skf.toml");
    std::fs::write(&config, "targets = ['sim', 'sim']").unwrap();
    let run = |name: &str, value: &std::ffi::OsStr| {
        let mut program = Command::new(&program);
        let output = program.env_remove("UKEY_SKF_TARGETS").env(name, value).output().unwrap();
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.success(), format!("{out}{error}").trim().to_owned())
    };
    let good = (true, "every function was called".to_owned());
    assert_eq!(run("UKEY_SKF_TARGETS", "sim;sim".as_ref()), good);
    assert_eq!(run("UKEY_SKF_CONFIG", config.as_os_str()), good);
    // The same, traced: each call is named with what it asked of the token. A trace that cannot be is told of, once.
    let trace = folder.path().join("walk.trace");
    let walk = |trace: &Path| {
        let mut program = Command::new(&program);
        let output = program.env("UKEY_SKF_TARGETS", "sim;sim").env("UKEY_TRACE", trace).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(walk(&trace), "");
    let table = Recording::read(&trace).unwrap().table(&Filter::default());
    for function in
        ["SKF_SetLabel", "SKF_ChangePIN", "SKF_WriteFile", "SKF_ImportCertificate", "SKF_MacFinal"]
    {
        assert!(table.contains(&format!("  [{function}]\n")), "{function} in {table}");
    }
    let told = walk(Path::new("/nowhere/walk.trace"));
    assert_eq!(
        told.matches("libukey_skf: no trace: /nowhere/walk.trace cannot be written").count(),
        1,
        "{told}"
    );
    std::fs::write(&config, "targets = ['elsewhere']").unwrap();
    let (succeeded, text) = run("UKEY_SKF_CONFIG", config.as_os_str());
    let told = "skf.toml: entry 1 of 1: \"elsewhere\" is no target";
    assert!(
        !succeeded && text.matches(told).count() == 2,
        "by UKEY_LastError, and once to everybody: {text}"
    );
}

/// Each function succeeds in it, and is refused: once each at least. Those that a token cannot do are refused in two
/// ways.
#[test]
fn no_function_is_left_out_of_the_program() {
    let text = std::fs::read_to_string(format!("{FOLDER}/tests/c/walk.c")).unwrap();
    let groups = STANDARD.iter().chain(EXTENSIONS).flat_map(|(_, parts)| parts.iter());
    for function in groups.flat_map(|part| part.iter()) {
        let name = function.name;
        if name == "SKF_CancelWaitForDevEvent" {
            assert!(text.contains("OK(SKF_CancelWaitForDevEvent())"), "it has nothing to refuse");
            continue;
        }
        let good = text.matches(&format!("OK({name}(")).count();
        let refused =
            text.matches(&format!("IS({name}(")).count() + text.matches(&format!("HOLDS({name}(")).count();
        let is_never_done = name.contains("RSA") || ["SKF_ECCDecrypt", "SKF_PrvKeyDecrypt"].contains(&name);
        let has_both = if is_never_done { refused >= 2 } else { good >= 1 && refused >= 1 };
        assert!(has_both, "{name}: {good} good, {refused} refused");
    }
}
