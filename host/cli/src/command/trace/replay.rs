//! `ukey trace replay`: which secrets a recorded session needs, what it costs, and how it came out.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;
use ukey_device::trace::replay::{Given, Need, NoReplay, Plan};

use super::{end, read};
use crate::failure::{Failure, Result};
use crate::options::{Format, Token};
use crate::output;
use crate::secret::PinSource;

/// A session, and the token that it is replayed to.
#[derive(clap::Args, Debug)]
pub(super) struct Replay {
    /// The trace
    file: PathBuf,
    /// Which connection of the trace, by its number, where it has several
    #[arg(long, value_name = "N")]
    connection: Option<usize>,
    #[command(flatten)]
    token: Token,
    #[command(flatten)]
    secrets: SecretFiles,
    /// Say what is needed and what it costs, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Let it change a token that is not simulated; needs --serial
    #[arg(long, requires = "serial")]
    allow_destructive: bool,
    /// The serial number of the token that may be changed
    #[arg(long, value_name = "NUMBER")]
    serial: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Where the new token's secrets come from; the environment and a prompt are the other places.
#[derive(clap::Args, Debug)]
struct SecretFiles {
    /// Read the user PIN from the first line of a file (UKEY_PIN)
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
    /// Read the administrator PIN from a file (UKEY_ADMIN_PIN)
    #[arg(long, value_name = "FILE")]
    admin_pin_file: Option<PathBuf>,
    /// Read the user PIN that is set from a file (UKEY_NEW_PIN)
    #[arg(long, value_name = "FILE")]
    new_pin_file: Option<PathBuf>,
    /// Read the administrator PIN that is set from a file (UKEY_NEW_ADMIN_PIN)
    #[arg(long, value_name = "FILE")]
    new_admin_pin_file: Option<PathBuf>,
    /// Read the device authentication key from a file (UKEY_DEVICE_KEY)
    #[arg(long, value_name = "FILE")]
    device_key_file: Option<PathBuf>,
    /// Read the device authentication key that is set from a file (UKEY_NEW_DEVICE_KEY)
    #[arg(long, value_name = "FILE")]
    new_device_key_file: Option<PathBuf>,
}

impl SecretFiles {
    fn source(&self, need: Need) -> (&'static str, Option<&Path>, &'static str) {
        let (option, file, variable) = match need {
            Need::UserPin => ("--pin-file", &self.pin_file, "UKEY_PIN"),
            Need::AdministratorPin => ("--admin-pin-file", &self.admin_pin_file, "UKEY_ADMIN_PIN"),
            Need::NewUserPin => ("--new-pin-file", &self.new_pin_file, "UKEY_NEW_PIN"),
            Need::NewAdministratorPin => {
                ("--new-admin-pin-file", &self.new_admin_pin_file, "UKEY_NEW_ADMIN_PIN")
            }
            Need::DeviceKey => ("--device-key-file", &self.device_key_file, "UKEY_DEVICE_KEY"),
            Need::NewDeviceKey => ("--new-device-key-file", &self.new_device_key_file, "UKEY_NEW_DEVICE_KEY"),
        };
        (option, file.as_deref(), variable)
    }

    /// Every secret that a plan needs.
    fn gather(&self, plan: &Plan) -> Result<Given> {
        let mut given = Given::default();
        for &need in plan.needs() {
            let (option, file, variable) = self.source(need);
            let name = need.to_string();
            let source = PinSource { name: &name, name_zh: name_zh(need), file: (option, file), variable };
            match need {
                Need::DeviceKey | Need::NewDeviceKey => drop(given.keys.insert(need, source.get_key()?)),
                Need::NewUserPin | Need::NewAdministratorPin => {
                    given.pins.insert(need, source.get_new()?);
                }
                Need::UserPin | Need::AdministratorPin => drop(given.pins.insert(need, source.get()?)),
            }
        }
        Ok(given)
    }
}

/// What people call it in Chinese.
fn name_zh(need: Need) -> &'static str {
    match need {
        Need::UserPin => "用户口令",
        Need::AdministratorPin => "管理员口令",
        Need::NewUserPin => "新用户口令",
        Need::NewAdministratorPin => "新管理员口令",
        Need::DeviceKey => "设备认证密钥",
        Need::NewDeviceKey => "新设备认证密钥",
    }
}

impl Replay {
    pub(super) fn run(self) -> Result<ExitCode> {
        let recording = read(&self.file)?;
        let plan = Plan::new(&recording, self.connection).map_err(no_replay)?;
        // It is told before anything is sent that the end of the session is missing.
        let whole = end(&self.file, recording.cut_off);
        if self.dry_run {
            output::result(&self.preview(&plan));
            return Ok(whole);
        }
        let given = self.secrets.gather(&plan)?;
        let device = self.token.connect()?;
        if let Some(serial) = self.serial.as_ref().filter(|_| self.allow_destructive) {
            device.allow_destructive(serial)?;
        }
        let report = plan.run(&device, &given).map_err(no_replay)?;
        output::result(&match self.format {
            Format::Text => report.table(),
            Format::Json => format!("{:#}\n", report.json()),
        });
        Ok(if report.is_same() { whole } else { ExitCode::FAILURE })
    }

    /// What would be needed, and what it would cost.
    fn preview(&self, plan: &Plan) -> String {
        let needs = plan.needs().iter().map(|need| (need, self.secrets.source(*need)));
        match self.format {
            Format::Text => {
                let needs: String = needs
                    .map(|(need, (option, _, variable))| {
                        format!("needs     the {need}: {option} or {variable}\n")
                    })
                    .collect();
                format!("commands  {}\n{needs}costs     {}\n", plan.commands(), plan.cost())
            }
            Format::Json => {
                let needs: Vec<_> = needs
                    .map(|(need, (option, _, variable))| {
                        json!({ "name": need.to_string(), "option": option, "variable": variable })
                    })
                    .collect();
                let tries: Vec<_> = (plan.cost().tries.iter())
                    .map(|(need, count)| json!({ "secret": need.to_string(), "tries": count }))
                    .collect();
                let (commands, lasting) = (plan.commands(), &plan.cost().lasting);
                let preview = json!({ "version": 1, "commands": commands, "needs": needs, "tries": tries, "lasting": lasting });
                format!("{preview:#}\n")
            }
        }
    }
}

fn no_replay(error: NoReplay) -> Failure {
    let (help, chinese) = match error {
        NoReplay::Device(error) => return error.into(),
        NoReplay::Nothing { connection, connections } => (
            "see `ukey trace show`",
            format!("跟踪文件的第{connection}个连接没有命令，共有{connections}个；可用 ukey trace show 查看"),
        ),
        NoReplay::Several { connections } => (
            "choose one with --connection N; `ukey trace show` numbers them",
            format!(
                "跟踪文件中有{connections}个连接；请用 --connection N 选择一个，编号见 ukey trace show"
            ),
        ),
        NoReplay::Missing { need } => {
            ("nothing was sent", format!("需要{}；未发送任何命令", name_zh(need)))
        }
        NoReplay::Refused { .. } => (
            "nothing was sent; if that is wanted, give --allow-destructive --serial NUMBER",
            "这是他人的UKey，重放会消耗次数或改变内容，未发送任何命令；确需执行请加 --allow-destructive --serial 序列号"
                .to_owned(),
        ),
    };
    Failure::usage(error.to_string(), help, chinese)
}
