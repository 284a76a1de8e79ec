//! The boards: what QEMU is told of each, and where its image is.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::process::{QEMU, no_emulator};
use crate::link::LinkError;

/// A board that the token is built for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Board {
    /// ARM MPS2 with a Cortex-M4F; memory as NOR flash.
    #[default]
    Mps2An386,
    /// Aspeed AST1030 with a Cortex-M4F; an SPI NOR chip.
    Ast1030Evb,
}

impl Board {
    /// All boards.
    pub const ALL: [Board; 2] = [Board::Mps2An386, Board::Ast1030Evb];

    /// Its name, as QEMU has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Board::Mps2An386 => "mps2-an386",
            Board::Ast1030Evb => "ast1030-evb",
        }
    }

    /// The board of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Board> {
        Self::ALL.into_iter().find(|board| board.name() == name)
    }

    pub(crate) fn names() -> String {
        Self::ALL.map(Board::name).join(", ")
    }

    /// Bytes of the file that is its flash: those of the PSRAM, of the chip.
    pub(super) const fn flash_size(self) -> u64 {
        match self {
            Board::Mps2An386 => 16 * 1024 * 1024,
            Board::Ast1030Evb => 4 * 1024 * 1024,
        }
    }

    /// What tells QEMU of the board and its flash.
    pub(super) fn arguments(self, flash: &Path) -> Vec<String> {
        // A comma would end the path.
        let flash = flash.to_string_lossy().replace(',', ",,");
        let arguments = match self {
            Board::Mps2An386 => [
                "-machine".to_owned(),
                "mps2-an386,memory-backend=ram".to_owned(),
                "-object".to_owned(),
                format!("memory-backend-file,id=ram,size=16M,mem-path={flash},share=on"),
            ],
            Board::Ast1030Evb => [
                "-machine".to_owned(),
                "ast1030-evb".to_owned(),
                "-drive".to_owned(),
                format!("file={flash},if=mtd,format=raw"),
            ],
        };
        arguments.into()
    }

    /// The image, where it should be: in `UKEY_BOARD_IMAGE_DIR`, else where cargo builds it.
    #[must_use]
    pub fn image(self) -> PathBuf {
        let built = |target: PathBuf| target.join("thumbv7em-none-eabihf/release");
        let folder = env::var_os("UKEY_BOARD_IMAGE_DIR").map(PathBuf::from).unwrap_or_else(|| {
            let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../firmware-sim/board/target");
            built(env::var_os("CARGO_TARGET_DIR").map_or(sources, PathBuf::from))
        });
        folder.join(self.name())
    }

    /// The image that says what each command costs, where it should be: beside the folder of [`Board::image`].
    #[must_use]
    pub fn measuring_image(self) -> PathBuf {
        let image = self.image();
        let beside = image.parent().and_then(Path::parent).map(|folders| folders.join("measure"));
        beside.unwrap_or_default().join(self.name())
    }

    /// Whether everything is there to emulate it.
    ///
    /// # Errors
    /// [`LinkError::NoImage`], [`LinkError::NoEmulator`].
    pub fn check(self) -> Result<(), LinkError> {
        let path = self.image();
        if !path.is_file() {
            return Err(LinkError::NoImage { board: self.name(), path });
        }
        let version =
            Command::new(QEMU).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.map(drop).map_err(no_emulator)
    }
}

impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
