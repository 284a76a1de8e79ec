//! `ukey pin`: the two PINs of an application.

use std::path::{Path, PathBuf};

use serde_json::json;
use ukey_device::{Application, Device, Dialect, PinInfo, PinType};

use crate::failure::{Failure, Result};
use crate::options::{Format, Token};
use crate::output;
use crate::secret::PinSource;

/// The PINs of an application.
#[derive(clap::Args, Debug)]
pub(crate) struct Pin {
    /// The application; may be left out where the token has only one
    #[arg(long, global = true, value_name = "NAME")]
    application: Option<String>,
    /// Let the last try of a PIN be spent, which locks it where it is wrong; needs --serial
    #[arg(long, global = true, requires = "serial")]
    allow_destructive: bool,
    /// The serial number of the key that is meant
    #[arg(long, global = true, value_name = "NUMBER")]
    serial: Option<String>,
    #[command(flatten)]
    token: Token,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Show the tries that are left; costs none.
    Status {
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Try a PIN (UKEY_PIN; with --admin UKEY_ADMIN_PIN).
    Verify(Whose),
    /// Replace a PIN by a new one (UKEY_NEW_PIN); the old one proves the right.
    Change {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        new: New,
    },
    /// Unlock the user PIN and set a new one (UKEY_NEW_PIN); the administrator PIN (UKEY_ADMIN_PIN) proves the right.
    Unblock {
        /// Read the administrator PIN from the first line of a file
        #[arg(long, value_name = "FILE")]
        admin_pin_file: Option<PathBuf>,
        #[command(flatten)]
        new: New,
    },
}

#[derive(clap::Args, Debug)]
struct Whose {
    /// The administrator PIN instead of the user PIN
    #[arg(long)]
    admin: bool,
    /// Read the PIN from the first line of a file
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
}

#[derive(clap::Args, Debug)]
struct New {
    /// Read the new PIN from the first line of a file
    #[arg(long, value_name = "FILE")]
    new_pin_file: Option<PathBuf>,
}

impl Whose {
    fn pin_type(&self) -> PinType {
        if self.admin { PinType::Administrator } else { PinType::User }
    }

    fn get(&self) -> Result<ukey_device::Pin> {
        let file = ("--pin-file", self.pin_file.as_deref());
        match self.pin_type() {
            PinType::User => {
                PinSource { name: "user PIN", name_zh: "用户口令", file, variable: "UKEY_PIN" }.get()
            }
            PinType::Administrator => administrator(file).get(),
        }
    }
}

fn administrator<'a>(file: (&'a str, Option<&'a Path>)) -> PinSource<'a> {
    PinSource { name: "administrator PIN", name_zh: "管理员口令", file, variable: "UKEY_ADMIN_PIN" }
}

impl New {
    fn get(&self) -> Result<ukey_device::Pin> {
        let file = ("--new-pin-file", self.new_pin_file.as_deref());
        PinSource { name: "new PIN", name_zh: "新口令", file, variable: "UKEY_NEW_PIN" }.get_new()
    }
}

impl Pin {
    /// Carries it out.
    pub(crate) fn run(self) -> Result<()> {
        let device = self.token.connect()?;
        if !matches!(self.verb, Verb::Status { .. }) {
            demand_known_protection(&device)?;
        }
        if let Some(serial_number) = self.serial.as_ref().filter(|_| self.allow_destructive) {
            device.allow_destructive(serial_number)?;
        }
        let application = self.open(&device)?;
        match self.verb {
            Verb::Status { format } => status(&application, format),
            Verb::Verify(whose) => {
                application.verify_pin(whose.pin_type(), &whose.get()?)?;
                output::say(&format!("The {} is right.", whose.pin_type()));
                Ok(())
            }
            Verb::Change { whose, new } => {
                let changed = application.change_pin(whose.pin_type(), &whose.get()?, &new.get()?);
                changed.map_err(Failure::of_new_pin)?;
                output::say(&format!("The {} was changed.", whose.pin_type()));
                Ok(())
            }
            Verb::Unblock { admin_pin_file, new } => {
                let admin = administrator(("--admin-pin-file", admin_pin_file.as_deref())).get()?;
                application.unblock_pin(&admin, &new.get()?).map_err(Failure::of_new_pin)?;
                output::say("The user PIN was unlocked and set anew.");
                Ok(())
            }
        }
    }

    fn open<'d>(&self, device: &'d Device) -> Result<Application<'d>> {
        if let Some(name) = &self.application {
            return Ok(device.open_application(name)?);
        }
        match device.applications()?.as_slice() {
            [only] => Ok(device.open_application(only)?),
            [] => Err(Failure::usage(
                "the token has no application, and so no PIN",
                "make a developer's token of it, where it is simulated: `ukey sim reset`, of the same --target",
                "UKey中没有应用，也就没有口令；若为模拟UKey，可用 ukey sim reset（目标相同）将其变为开发用UKey",
            )),
            several => {
                let help = format!("name one with --application: {}", several.join(", "));
                let chinese = format!("UKey中有多个应用；请用 --application 指定：{}", several.join("、"));
                Err(Failure::usage("the token has several applications", help, chinese))
            }
        }
    }
}

/// A PIN that is protected otherwise than the token expects costs a try, and no harmless probe can tell how it is: where
/// several dialects fit what was seen, somebody has to say which it is.
fn demand_known_protection(device: &Device) -> Result<()> {
    let Some([first, others @ ..]) = device.found().map(|found| found.candidates.as_slice()) else {
        return Ok(());
    };
    let protection =
        |dialect: &Dialect| (Dialect::SEALING.map(|switch| dialect.get(switch)), dialect.challenge_block);
    if others.iter().all(|other| protection(other) == protection(first)) {
        return Ok(());
    }
    let names: Vec<_> =
        device.found().iter().flat_map(|found| &found.candidates).map(|one| one.name.as_str()).collect();
    Err(Failure::usage(
        format!(
            "how this token wants PINs protected cannot be told without a try: {} look alike",
            names.join(", ")
        ),
        "name its dialect: --dialect NAME (`ukey dialect list`)",
        "不经尝试无法判断该UKey如何保护口令；请用 --dialect 指明方言，猜错会消耗一次重试机会",
    ))
}

fn status(application: &Application<'_>, format: Format) -> Result<()> {
    let user = application.pin_info(PinType::User)?;
    let administrator = application.pin_info(PinType::Administrator)?;
    output::result(&match format {
        Format::Text => format!("user PIN           {user}\nadministrator PIN  {administrator}\n"),
        Format::Json => {
            let name = application.name();
            let (user, administrator) = (pin_json(user), pin_json(administrator));
            format!(
                "{:#}\n",
                json!({ "version": 1, "application": name, "user": user, "administrator": administrator })
            )
        }
    });
    Ok(())
}

/// A retry count as programs read it.
pub(super) fn pin_json(info: PinInfo) -> serde_json::Value {
    json!({ "max_retries": info.max_retries, "remaining": info.remaining, "is_default": info.is_default })
}
