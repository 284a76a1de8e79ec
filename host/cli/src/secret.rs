//! Where PINs and keys come from: a file, the environment, a prompt; never an argument, which other users of the machine see.
//! And where secrets that this program makes are kept: in files that only their owner reads.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ukey_device::guard::device_key;
use ukey_device::{DeviceKey, Pin};
use zeroize::Zeroizing;

use crate::failure::{Failure, Result};

/// Where one PIN, or key, may come from, and how it is called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PinSource<'a> {
    /// What people call it.
    pub(crate) name: &'a str,
    /// What they call it in Chinese.
    pub(crate) name_zh: &'a str,
    /// The option that names a file, and its value.
    pub(crate) file: (&'a str, Option<&'a Path>),
    /// The environment variable.
    pub(crate) variable: &'a str,
}

impl PinSource<'_> {
    /// The PIN: from the file, else the variable, else a prompt.
    pub(crate) fn get(&self) -> Result<Pin> {
        match self.given()? {
            Some(text) => self.pin(&text),
            None => self.pin(&self.prompt(self.name)?),
        }
    }

    /// A PIN that is to be set: a prompt asks for it twice.
    pub(crate) fn get_new(&self) -> Result<Pin> {
        if let Some(text) = self.given()? {
            return self.pin(&text);
        }
        let text = self.prompt(self.name)?;
        if self.prompt(&format!("{} again", self.name))? != text {
            return Err(Failure::usage(
                "the two entries differ",
                "nothing was changed; start again",
                "两次输入不一致，未作更改；请重新开始",
            ));
        }
        self.pin(&text)
    }

    /// A device authentication key, from the same places: 16 ASCII characters, or 32 hexadecimal digits.
    pub(crate) fn get_key(&self) -> Result<DeviceKey> {
        let text = match self.given()? {
            Some(text) => text,
            None => self.prompt(self.name)?,
        };
        device_key(&text).ok_or_else(|| {
            let message =
                format!("the {} has neither 16 ASCII characters nor 32 hexadecimal digits", self.name);
            let chinese = format!("{}应为16个英文字符或32位十六进制数字；未发送任何命令", self.name_zh);
            Failure::usage(message, "nothing was sent", chinese)
        })
    }

    fn given(&self) -> Result<Option<Zeroizing<String>>> {
        if let (_, Some(path)) = self.file {
            let text = fs::read_to_string(path).map(Zeroizing::new);
            let text = text.map_err(|source| Failure::Read { path: path.to_owned(), source })?;
            return Ok(Some(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned())));
        }
        match std::env::var(self.variable) {
            Ok(text) => Ok(Some(Zeroizing::new(text))),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                let Self { name, name_zh, variable, .. } = self;
                let help = format!("set it to the {name}");
                let chinese = format!("环境变量{variable}不是文本；请设为{name_zh}");
                Err(Failure::usage(format!("{variable} is no text"), help, chinese))
            }
        }
    }

    fn prompt(&self, prompt: &str) -> Result<Zeroizing<String>> {
        let Self { name, name_zh, file: (option, _), variable } = self;
        let missing = || {
            let help = format!("give {option} FILE, set {variable}, or start it in a terminal");
            let chinese =
                format!("需要{name_zh}；请用 {option} 文件 或环境变量{variable}给出，或在终端中运行");
            Failure::usage(format!("the {name} is needed"), help, chinese)
        };
        if !io::stdin().is_terminal() {
            return Err(missing());
        }
        rpassword::prompt_password(format!("{prompt}: ")).map(Zeroizing::new).map_err(|_| missing())
    }

    fn pin(&self, text: &str) -> Result<Pin> {
        Pin::new(text.as_bytes()).map_err(|error| {
            let chinese = format!("{}不符合口令的格式；未发送任何命令", self.name_zh);
            Failure::usage(format!("the {} is no PIN: {error}", self.name), "nothing was sent", chinese)
        })
    }
}

/// Fresh random bytes of the operating system.
pub(crate) fn random() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(Failure::internal)?;
    Ok(bytes)
}

/// A fresh random number of the operating system.
pub(crate) fn random_number() -> Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(Failure::internal)?;
    Ok(u64::from_be_bytes(bytes))
}

/// Writes a secret to a new file that only its owner reads; `option` names another one where that is not possible.
pub(crate) fn save(file: &Path, text: &str, option: &str) -> Result<()> {
    let write = || {
        let mut handle = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
        writeln!(handle, "{text}")?;
        handle.sync_all()
    };
    write().map_err(|error: io::Error| Failure::unwritable(file, &error, option))
}
