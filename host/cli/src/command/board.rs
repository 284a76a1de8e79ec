//! `ukey board`: the token as a Cortex-M image. `report` says what it costs, and whether that is within the budgets.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use serde_json::{Value, json};
use ukey_device::measure::{self, Cost, MeasureError, Report};
use ukey_device::{Board, image};

use crate::failure::{Failure, Result};
use crate::options::Format;
use crate::output;

/// The token as a Cortex-M image.
#[derive(clap::Args, Debug)]
pub(crate) struct BoardCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Build the images of both boards with cargo, and fill their digests in: the token then tests its own firmware.
    Build,
    /// Count what the image takes: flash, RAM, the instructions and stack of every command; exactly, in QEMU.
    Report(BoardReport),
}

/// Count what the image takes, and compare it with what it may take.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Exit codes: 0 every budget is kept, 1 one is passed, 2 usage, 5 no image or no QEMU."
)]
struct BoardReport {
    /// The board: mps2-an386, ast1030-evb
    #[arg(long, value_name = "NAME", default_value_t, value_parser = board)]
    board: Board,
    /// Build the images first
    #[arg(long)]
    build: bool,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn board(name: &str) -> Result<Board, String> {
    Board::named(name).ok_or_else(|| {
        let names = Board::ALL.map(Board::name).join(", ");
        format!("there is no board of that name; there are {names}\n没有这种开发板，可用的有{names}")
    })
}

impl BoardCommand {
    pub(crate) fn run(self) -> Result<ExitCode> {
        match self.action {
            Action::Build => {
                build_images()?;
                Ok(ExitCode::SUCCESS)
            }
            Action::Report(report) => report.run(),
        }
    }
}

impl BoardReport {
    fn run(self) -> Result<ExitCode> {
        if self.build {
            build_images()?;
        }
        self.board.check()?;
        let report = measure::run(self.board).map_err(|error| match error {
            MeasureError::Device(error) => Failure::from(error),
            MeasureError::BadImage { .. } | MeasureError::NoFigure { .. } => Failure::usage(
                error.to_string(),
                "build the images: ukey board build",
                "固件映像无法测量；请用 ukey board build 重新构建",
            ),
            other => Failure::internal(other),
        })?;
        output::result(&match self.format {
            Format::Text => text(&report),
            Format::Json => format!("{:#}\n", json(&report)),
        });
        Ok(if report.is_kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Builds every image, and fills its digest in.
fn build_images() -> Result<()> {
    build(&["--profile", "release"])?;
    build(&["--profile", "measure", "--features", "measure"])?;
    for path in Board::ALL.into_iter().flat_map(|board| [board.image(), board.measuring_image()]) {
        let advice = "UKEY_BOARD_IMAGE_DIR names another folder than the one that cargo builds in";
        let chinese = || {
            format!("无法写入固件映像{}的摘要；UKEY_BOARD_IMAGE_DIR指定的不是cargo的构建目录", path.display())
        };
        image::seal(&path).map_err(|error| Failure::usage(error.to_string(), advice, chinese()))?;
        output::say(&format!("built {}", path.display()));
    }
    Ok(())
}

/// Lets cargo build both boards' images in the board's folder.
fn build(arguments: &[&str]) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../firmware-sim/board");
    let mut cargo = Command::new("cargo");
    // Results are for standard output alone.
    cargo.args(["build", "--locked"]).args(arguments).current_dir(&folder).stdout(Stdio::null());
    let status = cargo.status().map_err(|source| Failure::Read { path: folder.clone(), source })?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::usage(
            format!("the image was not built in {}", folder.display()),
            "the target is installed by: rustup target add thumbv7em-none-eabihf",
            format!(
                "{}中的固件映像未能构建；请先安装目标：rustup target add thumbv7em-none-eabihf",
                folder.display()
            ),
        ))
    }
}

/// A number with a comma between its thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let places = digits.len();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (places - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn title(cost: &Cost) -> String {
    let form = if cost.form.is_empty() { String::new() } else { format!(", {}", cost.form) };
    format!("{}{form}", cost.name())
}

/// Tables that are read in a terminal and as Markdown.
fn text(report: &Report) -> String {
    let Report { board, image, costs, not_covered } = report;
    let mut text = format!(
        "# The token on {board}\n\n\
         Flash {} bytes: {} code, {} constants, {} first values. RAM {} bytes of variables",
        grouped(image.flash()),
        grouped(image.text),
        grouped(image.rodata),
        grouped(image.data),
        grouped(image.ram()),
    );
    // Writing to a text cannot fail.
    if let Some(deepest) = report.deepest() {
        let _ =
            write!(text, ", {} of stack at the deepest ({})", grouped(deepest.stack.into()), title(&deepest));
    }
    text += ".\n\n| budget                               |     figure |      limit |      |\n\
             |--------------------------------------|-----------:|-----------:|------|\n";
    for budget in report.budgets() {
        let (figure, limit) = (grouped(budget.figure), grouped(budget.limit));
        let verdict = if budget.is_kept() { "kept" } else { "OVER" };
        let _ = writeln!(text, "| {:<36} | {figure:>10} | {limit:>10} | {verdict} |", budget.what);
    }
    text += "\n| command                                              | instructions |  stack |\n\
             |------------------------------------------------------|-------------:|-------:|\n";
    for cost in costs {
        let (instructions, stack) = (grouped(cost.instructions), grouped(cost.stack.into()));
        let _ = writeln!(text, "| {:<52} | {instructions:>12} | {stack:>6} |", title(cost));
    }
    if !not_covered.is_empty() {
        let names: Vec<_> = not_covered.iter().map(|ins| ins.name()).collect();
        let _ =
            writeln!(text, "\nNot measured, which counts as a budget that is passed: {}", names.join(", "));
    }
    text
}

/// Version 1 of the layout: fields are added, never changed.
fn json(report: &Report) -> Value {
    let Report { board, image, costs, not_covered } = report;
    let budgets = report.budgets().into_iter().map(|budget| {
        json!({
            "what": budget.what,
            "figure": budget.figure,
            "limit": budget.limit,
            "unit": budget.unit,
            "kept": budget.is_kept(),
        })
    });
    let cost = |cost: &Cost| {
        json!({
            "command": cost.name(),
            "form": cost.form,
            "instructions": cost.instructions,
            "stack": cost.stack,
        })
    };
    json!({
        "version": 1,
        "board": board.name(),
        "image": { "text": image.text, "rodata": image.rodata, "data": image.data, "bss": image.bss },
        "deepest": report.deepest().as_ref().map(cost),
        "budgets": budgets.collect::<Vec<_>>(),
        "costs": costs.iter().map(cost).collect::<Vec<_>>(),
        "not_covered": not_covered.iter().map(|ins| ins.name()).collect::<Vec<_>>(),
    })
}
