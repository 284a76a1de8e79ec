//! The key that a target names, where it is one and the same for all scenarios of a run.
//!
//! Guarantees: before the first scenario it was the key that the user meant, blank, or everything on it was given up
//! with its serial number; its device authentication key was proved once, so that a wrong one costs one try and not one
//! a scenario; each scenario finds it blank, and the run leaves it so, with its own device authentication key. A run that
//! was killed leaves in a file what the next one needs for that. It refuses to know what scenarios do.

use std::{
    env, fmt, fs, io,
    path::{Path, PathBuf},
};

use ukey_device::{
    Device, DeviceInfo, DeviceKey, DialectChoice, ErrorKind, LinkError, Options, Target, UnknownTarget,
    guard, running,
};
use ukey_flows::production::FACTORY_DEVICE_KEY;

use crate::{
    runner::{RunOptions, Standing, TargetError},
    stage::Waiting,
};

/// The environment variable with the target's device authentication key.
const DEVICE_KEY: &str = "UKEY_DEVICE_KEY";

/// A target with what is needed to take it.
#[derive(Clone)]
pub(crate) struct Claim {
    pub(crate) target: Target,
    pub(crate) options: Options,
    /// The serial number that the user named.
    pub(crate) named: Option<String>,
    /// The serial number of the key that the run took.
    pub(crate) device: Option<String>,
    pub(crate) device_key_file: Option<PathBuf>,
}

/// Whose hand the key is in that a target names, as far as that is known before it is touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InHandOf {
    /// This process: it is simulated there.
    Process,
    /// Another program: it is emulated, or a running token of this user is at that very place.
    Program,
    /// A person, for all that is known. A run looks closer.
    Person,
}

impl InHandOf {
    pub(crate) fn key_at(target: &Target) -> Self {
        match target {
            Target::Sim | Target::SimFile(_) => Self::Process,
            Target::Qemu { .. } => Self::Program,
            Target::Tcp { .. } | Target::Unix(_) | Target::Serial { .. } if runs_at(target) => Self::Program,
            _ => Self::Person,
        }
    }
}

/// Whether a running token of this user is listed at that place.
fn runs_at(target: &Target) -> bool {
    let place = |target: &Target| match target {
        // One of many names.
        Target::Unix(path) | Target::Serial { path, .. } => fs::canonicalize(path).ok(),
        target => Some(target.to_string().into()),
    };
    let Some(wanted) = place(target) else { return false };
    let running = running::instances().unwrap_or_default();
    let mut places = running.iter().flat_map(|instance| &instance.tokens).flat_map(|token| &token.targets);
    places.any(|listed| place(listed).as_ref() == Some(&wanted))
}

/// Looks at the target of a run, and takes it.
pub(crate) fn begin(run: &RunOptions) -> Result<Standing, TargetError> {
    let Some(claim) = of(run)? else { return Ok(Standing::fresh()) };
    let unreachable = |error: ukey_device::Error| TargetError::Unreachable(with_help(&error));
    let device = claim.connect().map_err(unreachable)?;
    let info = device.info().map_err(unreachable)?;
    let serial_number = info.serial_number.clone();
    if let Some(named) = claim.named.as_ref().filter(|named| **named != serial_number) {
        return Err(refused(
            format!("this is the key {serial_number}, not {named}; nothing ran"),
            format!(
                "plug in the key that was named, or name this one with --serial\n这是UKey {serial_number}，不是{named}，没有运行任何场景；请插入指定的UKey，或用 --serial 指定这一把"
            ),
        ));
    }
    let allowed = run.allow_destructive && claim.named.is_some();
    if allowed {
        device.allow_destructive(&serial_number).map_err(unreachable)?;
    }
    let own = claim.device_key()?;
    device.keep_device_keys(&claim.kept_file(&info)?);
    let held = device.applications().map_err(unreachable)?;
    let unproved = |error: ukey_device::Error| device_key_unproved(&serial_number, &error);
    if let Some(name) = held.first().filter(|_| !allowed)
        && !device.holds_kept_device_key().map_err(unproved)?
    {
        return Err(refused(
            format!("the key {serial_number} is not blank: it holds the application “{name}”"),
            format!(
                "scenarios make their key of a blank one and erase it: take a blank key, or give up all that is on this \
                 one with --allow-destructive --serial {serial_number}\n\
                 UKey {serial_number}不是空白的，其中有应用“{name}”；场景会发行并清空UKey：请用空白UKey，或用 \
                 --allow-destructive --serial {serial_number} 放弃其全部内容"
            ),
        ));
    }
    device.make_blank(&own).map_err(unproved)?;
    let refuse = (!allowed && !device.is_ours()).then(|| {
        format!(
            "it locks or destroys, and {} is a real key; allow it with --allow-destructive --serial {serial_number}\
             （会锁死或毁坏真实UKey，可用上述参数放行）",
            claim.target
        )
    });
    Ok(Standing { fresh: false, device: Some(serial_number), refuse_destructive: refuse })
}

/// Why a key is not made blank: whoever has its device authentication key can do something about it.
fn device_key_unproved(serial_number: &str, error: &ukey_device::Error) -> TargetError {
    let (english, chinese) = match error.kind() {
        ErrorKind::WrongDeviceKey { .. } => (
            "give its device authentication key with --device-key-file FILE".to_owned(),
            "请用 --device-key-file 文件 给出其设备认证密钥".to_owned(),
        ),
        ErrorKind::LastTry { .. } => (
            format!(
                "make sure that --device-key-file FILE holds the right one; only its owner spends the last try, with \
                 --allow-destructive --serial {serial_number}"
            ),
            format!(
                "请先确认 --device-key-file 文件中的密钥正确；最后一次机会只能由其所有者用 --allow-destructive --serial {serial_number} 放行"
            ),
        ),
        ErrorKind::DeviceKeyLocked => (
            "its device authentication key is locked for ever: take another key, and ask the maker about this one".to_owned(),
            "其设备认证密钥已永久锁定：请换用另一把UKey，这一把请联系厂商".to_owned(),
        ),
        _ => return TargetError::Unreachable(with_help(error)),
    };
    refused(
        format!("the key {serial_number} cannot be made blank: {error}"),
        format!(
            "{english}; no scenario ran\n无法清空UKey {serial_number}：{}；{chinese}，没有运行任何场景",
            error.message_zh()
        ),
    )
}

/// Leaves the target blank.
pub(crate) fn end(run: &RunOptions, standing: &Standing) -> Result<(), String> {
    match of(run) {
        Ok(Some(claim)) => {
            let named = claim.named.clone().filter(|_| run.allow_destructive);
            Claim { device: standing.device.clone(), named, ..claim }
                .blank()
                .map(drop)
                .map_err(|error| with_help(&error))
        }
        _ => Ok(()),
    }
}

/// The target of a run, where it is one key for all scenarios.
fn of(run: &RunOptions) -> Result<Option<Claim>, TargetError> {
    let unreachable = |error: &dyn fmt::Display| TargetError::Unreachable(error.to_string());
    let target: Target =
        run.target.parse().map_err(|error: UnknownTarget| unreachable(&both(&error, &error.message_zh())))?;
    if target.is_fresh() {
        return Ok(None);
    }
    let dialect = run.dialect.as_deref().map(str::parse::<DialectChoice>).transpose();
    let dialect = dialect.map_err(|error| {
        let help =
            format!("name one of `ukey dialect list`\n{}；可用 ukey dialect list 查看", error.message_zh());
        refused(error.to_string(), help)
    })?;
    Ok(Some(Claim {
        target,
        options: Options { dialect, seed: run.seed },
        named: run.device_serial.clone(),
        device: None,
        device_key_file: run.device_key_file.clone(),
    }))
}

impl Claim {
    /// The key, blank, for a scenario of a run that took it. What an interrupted scenario left is cleared away.
    pub(crate) fn blank(&self) -> Result<Waiting, ukey_device::Error> {
        let device = self.connect()?;
        let info = device.info()?;
        let serial_number = &info.serial_number;
        // The key that the run took was blank; of another one nobody knows that.
        if self.device.as_ref().is_some_and(|taken| taken != serial_number) {
            return Err(device.is_another_key());
        }
        if let Some(named) = &self.named {
            device.allow_destructive(named)?;
        }
        let kept = self.kept_file(&info).map_err(|error| io_error(&error))?;
        device.keep_device_keys(&kept);
        let blank_key = self.device_key().map_err(|error| io_error(&error))?;
        // Without an application and without a device key of a scenario there is nothing to clear away.
        if kept.exists() || !device.applications()?.is_empty() {
            device.make_blank(&blank_key)?;
            // Rights that the clearing proved are no scenario's.
            device.reconnect()?;
        }
        Ok(Waiting { device, blank_key })
    }

    /// Connects; a key that the last scenario pulled is plugged in. One that copies its number may be instead: it is a
    /// running token too, and loses nothing.
    fn connect(&self) -> Result<Device, ukey_device::Error> {
        let connected = self.target.connect(&self.options);
        match (&connected, self.device.as_deref().and_then(running::hand)) {
            (Err(error), Some(hand)) if error.is_removed() => {
                hand.plug_in()?;
                self.target.connect(&self.options)
            }
            _ => connected,
        }
    }

    /// Where device authentication keys that scenarios set are kept until the key has its own again.
    fn kept_file(&self, key: &DeviceInfo) -> Result<PathBuf, TargetError> {
        if let Target::SimFile(file) | Target::Qemu { flash: Some(file), .. } = &self.target {
            // Beside the token itself.
            let mut kept = file.clone().into_os_string();
            kept.push(".device-key");
            return Ok(kept.into());
        }
        let given = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = given("UKEY_STATE_DIR")
            .or_else(|| given("XDG_STATE_HOME").map(|folder| folder.join("ukey")))
            .or_else(|| given("HOME").map(|home| home.join(".local/state/ukey")));
        let help = "scenarios change the device authentication key, and it is kept there until it is put back: name a folder \
                with UKEY_STATE_DIR\n场景会修改设备认证密钥，恢复前须保存在文件夹中；请用环境变量UKEY_STATE_DIR指定";
        let folder = folder.ok_or_else(|| refused("there is no folder to keep device keys in", help))?;
        create_private(&folder)
            .map_err(|error| refused(format!("{} cannot be made: {error}", folder.display()), help))?;
        // Two keys have never one name: makers count their keys each for themselves.
        let plain = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        };
        let plain = |text: &str| text.bytes().map(plain).collect::<String>();
        Ok(folder.join(format!("device-key-{}-{}", plain(&key.manufacturer), plain(&key.serial_number))))
    }

    fn device_key(&self) -> Result<DeviceKey, TargetError> {
        let help = "its first line is the key: 16 characters, or 32 hexadecimal digits\n首行应为设备认证密钥：16个字符或32位十六进制数字";
        let (text, place) = match &self.device_key_file {
            Some(file) => {
                let text = fs::read_to_string(file);
                let unread = |error| refused(format!("{} cannot be read: {error}", file.display()), help);
                (text.map_err(unread)?, file.display().to_string())
            }
            None => match env::var(DEVICE_KEY) {
                Ok(text) => (text, DEVICE_KEY.to_owned()),
                Err(env::VarError::NotPresent) => return Ok(FACTORY_DEVICE_KEY),
                Err(error) => return Err(refused(format!("{DEVICE_KEY}: {error}"), help)),
            },
        };
        let key = text.lines().next().and_then(guard::device_key);
        key.ok_or_else(|| refused(format!("{place} holds no device authentication key"), help))
    }
}

/// A folder that only its owner enters.
fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn refused(message: impl Into<String>, help: impl Into<String>) -> TargetError {
    TargetError::Refused { message: message.into(), help: help.into() }
}

/// What a run that began finds only where somebody took its files away.
fn io_error(error: &TargetError) -> ukey_device::Error {
    let reason = match error {
        TargetError::Unreachable(reason) | TargetError::Refused { message: reason, .. } => reason.clone(),
    };
    LinkError::NoStart { reason }.into()
}

/// What happened and what to do next, in English and Chinese.
pub(crate) fn with_help(error: &ukey_device::Error) -> String {
    match error.help().zip(error.help_zh()) {
        Some((help, help_zh)) => {
            both(&format!("{error}; {help}"), &format!("{}；{help_zh}", error.message_zh()))
        }
        None => both(error, &error.message_zh()),
    }
}

fn both(english: &dyn fmt::Display, chinese: &str) -> String {
    format!("{english}\n{chinese}")
}

#[cfg(test)]
mod tests {
    use ukey_device::Simulator;

    use super::*;

    /// A factory-new token in a file; its serial number.
    fn key(file: &Path, seed: u64) -> String {
        let simulator = Simulator::fresh(&Options { seed: Some(seed), ..Options::default() }).unwrap();
        simulator.save_as(file, false).unwrap();
        simulator.serial_number()
    }

    fn claim(file: &Path, taken: &str) -> Claim {
        let device = Some(taken.to_owned());
        let target = Target::SimFile(file.to_owned());
        Claim { target, options: Options::default(), named: None, device, device_key_file: None }
    }

    #[test]
    fn a_key_that_takes_the_others_place_between_two_scenarios_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let [place, other, away] = ["key", "other", "away"].map(|name| folder.path().join(name));
        let serial = key(&place, 1);
        let another = key(&other, 2);
        // Somebody's application is on the other one.
        {
            let device = Target::SimFile(other.clone()).connect(&Options::default()).unwrap();
            device.authenticate(&FACTORY_DEVICE_KEY).unwrap();
            let pin = |text: &[u8]| ukey_device::Pin::new(text).unwrap();
            let application = ukey_device::CreateApplication {
                name: b"MINE",
                admin_pin: pin(b"87654321"),
                admin_retries: 10,
                user_pin: pin(b"12345678"),
                user_retries: 10,
                create_file: ukey_device::Rights::USER,
                max_containers: 1,
                max_certificates: 1,
                max_files: 1,
            };
            device.create_application(&application).unwrap();
        }
        let claim = claim(&place, &serial);
        drop(claim.blank().unwrap());

        fs::rename(&place, &away).unwrap();
        fs::rename(&other, &place).unwrap();
        let before = fs::read(&place).unwrap();
        let refused = claim.blank().map(drop).unwrap_err();
        assert!(
            matches!(refused.kind(), ErrorKind::AnotherKey { found } if *found == another),
            "{refused}: {another}"
        );
        // Nor was it meant where the first was given up with all that is on it.
        let given_up = Claim { named: Some(serial), ..claim.clone() };
        assert!(matches!(given_up.blank().map(drop).unwrap_err().kind(), ErrorKind::AnotherKey { .. }));
        assert!(fs::read(&place).unwrap() == before, "nothing was written");

        // The run goes on where its own key is back.
        fs::rename(&place, &other).unwrap();
        fs::rename(&away, &place).unwrap();
        drop(claim.blank().unwrap());
    }

    #[test]
    fn whose_hand_a_key_is_in_is_told_by_its_place() {
        let at = |text: &str| InHandOf::key_at(&text.parse().unwrap());
        assert_eq!((at("sim"), at("sim:key.ukey")), (InHandOf::Process, InHandOf::Process));
        assert_eq!(at("qemu"), InHandOf::Program);
        for theirs in ["tcp:127.0.0.1:1", "unix:/no/such", "serial:/no/such", "pcsc:any", "skf:libany.so"] {
            assert_eq!(at(theirs), InHandOf::Person, "{theirs}");
        }
    }
}
