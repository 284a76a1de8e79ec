//! What goes wrong with a token, in a form that people can act upon: what was asked, of what, the token's word, and
//! the next step. No error holds a PIN, a key or the bytes of a command.

use std::fmt;

use ukey_apdu::command::PinType;
use ukey_apdu::{Ins, Status};

use crate::link::LinkError;
use crate::link::skf::Call;
use crate::link::skf::sar::Sar;

/// What device, application and container answer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A command that did not succeed. Match on [`Error::kind`]; show the error itself and [`Error::help`].
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    about: About,
    status: Option<Status>,
}

/// The kind of an error: what callers distinguish.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The PIN was wrong, and can be tried again (`63CX`).
    #[error("the {pin} is wrong, {}", tries(*tries_left))]
    WrongPin {
        /// Whose PIN.
        pin: PinType,
        /// Tries left, at least 1; 15 stands for 15 or more.
        tries_left: u8,
    },
    /// The PIN is locked (`6983`), or this wrong try locked it (`63C0`).
    #[error("the {pin} is locked")]
    Locked {
        /// Whose PIN.
        pin: PinType,
    },
    /// The device authentication key was wrong, and can be tried again (`63CX`).
    #[error("the device authentication key is wrong, {}", counted(*tries_left))]
    WrongDeviceKey {
        /// Tries left, at least 1; `None` where nobody tells: GM/T 0016 has no way to.
        tries_left: Option<u8>,
    },
    /// The device authentication key is locked for ever.
    #[error("the device authentication key is locked")]
    DeviceKeyLocked,
    /// One try is left, and on a key that is not ours the last one is never spent: nothing was sent.
    #[error("1 try of the {} is left, and the last one is not spent on a real key", secret(*pin))]
    LastTry {
        /// Whose PIN; none for the device authentication key.
        pin: Option<PinType>,
    },
    /// It is another key than the one that was named by its serial number.
    #[error("this is the key {found}, not the one that was named")]
    AnotherKey {
        /// Its serial number.
        found: String,
    },
    /// A right is missing: a PIN, or the device authentication (`6982`).
    #[error("the token wants proof of a right first")]
    NotLoggedIn,
    /// There is no application of that name, or it is not open (`6A8B`, `6A88`, `698A`).
    #[error("there is no such application")]
    NoSuchApplication,
    /// An application of that name exists (`6A89`).
    #[error("the application exists already")]
    ApplicationExists,
    /// There is no container of that name, or it is not open (`6A91`, `6A94`).
    #[error("there is no such container")]
    NoSuchContainer,
    /// A container of that name exists (`6E02`).
    #[error("the container exists already")]
    ContainerExists,
    /// The container has no key pair of that kind (`6A95`).
    #[error("there is no key pair of that kind")]
    NoKeyPair,
    /// The container has no certificate of that kind (`6A96`).
    #[error("there is no certificate of that kind")]
    NoCertificate,
    /// There is no file of that name (`6A93`).
    #[error("there is no such file")]
    NoSuchFile,
    /// A file of that name exists (`6A92`).
    #[error("the file exists already")]
    FileExists,
    /// That lies beyond the end of the file (`6B00`); nothing was written.
    #[error("that lies beyond the end of the file")]
    BeyondFile,
    /// The token has no such session key, or the agreement's handle is dead (`6A8C`, `6A9F`).
    #[error("there is no such session key")]
    NoSuchKey,
    /// A step of an encryption, a decryption, a MAC or a digest that has not been begun, or cannot come now (`6985`).
    #[error("the operation has not been begun")]
    NotBegun,
    /// Another digest was begun since; a token has one.
    #[error("another digest has been begun since")]
    Replaced,
    /// The data have a length that is not taken (`6700`): not whole blocks, or too many.
    #[error("the data have a length that the token does not take")]
    WrongLength,
    /// No space, or as many objects as are allowed (`6A84`).
    #[error("the token has no space for it")]
    NoSpace,
    /// The token does not know the command (`6D00`, `6E00`, `6A81`).
    #[error("the token does not support this")]
    Unsupported,
    /// The handle was opened before the token lost power; its ids are dead.
    #[error("it was opened before the key lost power")]
    Stale,
    /// More data than a command carries.
    #[error("the data are too long for one command")]
    TooLong,
    /// The answer does not follow its layout, or does not end.
    #[error("the token's answer does not make sense")]
    BadAnswer,
    /// Any other status word.
    #[error("the token refused")]
    Refused,
    /// The token was not reached.
    #[error(transparent)]
    Link(LinkError),
}

fn counted(left: Option<u8>) -> String {
    left.map_or_else(|| "tries left are not told".to_owned(), tries)
}

fn tries(left: u8) -> String {
    if left == 1 { "1 try left".to_owned() } else { format!("{left} tries left") }
}

fn secret(pin: Option<PinType>) -> String {
    pin.map_or_else(|| "device authentication key".to_owned(), |pin| pin.to_string())
}

/// Whether a command goes on with what another began.
const fn is_step(ins: Ins) -> bool {
    matches!(
        ins,
        Ins::Encrypt
            | Ins::EncryptUpdate
            | Ins::EncryptFinal
            | Ins::Decrypt
            | Ins::DecryptUpdate
            | Ins::DecryptFinal
            | Ins::Digest
            | Ins::DigestUpdate
            | Ins::DigestFinal
            | Ins::Mac
            | Ins::MacUpdate
            | Ins::MacFinal
    )
}

/// Whether a command leaves one more session key in the token.
const fn makes_session_key(ins: Ins) -> bool {
    matches!(ins, Ins::EccExportSessionKey | Ins::ImportSessionKey | Ins::ImportSymmKey)
}

/// Which secret a command proves: what its `63CX` counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Proves {
    Pin(PinType),
    DeviceKey,
}

/// What a command was about.
#[derive(Clone, Default, Debug)]
pub(crate) struct About {
    pub(crate) ins: Option<Ins>,
    pub(crate) application: Option<String>,
    pub(crate) container: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) proves: Option<Proves>,
    /// The function of a vendor's library that decided.
    pub(crate) call: Option<Call>,
}

impl About {
    pub(crate) fn proves(self, proves: Proves) -> About {
        About { proves: Some(proves), ..self }
    }

    pub(crate) fn error(self, kind: ErrorKind) -> Error {
        Error(Box::new(Inner { kind, about: self, status: None }))
    }

    pub(crate) fn refused(self, status: Status) -> Error {
        let kind = ErrorKind::of(status, self.proves, self.ins);
        Error(Box::new(Inner { kind, about: self, status: Some(status) }))
    }
}

impl ErrorKind {
    fn of(status: Status, proves: Option<Proves>, ins: Option<Ins>) -> ErrorKind {
        match (proves, status.remaining(), status) {
            (Some(Proves::Pin(pin)), Some(0), _) | (Some(Proves::Pin(pin)), _, Status::LOCKED) => {
                ErrorKind::Locked { pin }
            }
            (Some(Proves::Pin(pin)), Some(tries_left), _) => ErrorKind::WrongPin { pin, tries_left },
            (Some(Proves::DeviceKey), Some(0), _) | (Some(Proves::DeviceKey), _, Status::LOCKED) => {
                ErrorKind::DeviceKeyLocked
            }
            (Some(Proves::DeviceKey), Some(tries_left), _) => {
                ErrorKind::WrongDeviceKey { tries_left: Some(tries_left) }
            }
            (Some(Proves::DeviceKey), _, Status(0x6300)) => ErrorKind::WrongDeviceKey { tries_left: None },
            (_, _, status) => match status {
                Status::SECURITY_NOT_SATISFIED => ErrorKind::NotLoggedIn,
                Status::NO_SUCH_APPLICATION
                | Status::NO_SUCH_APPLICATION_NAME
                | Status::APPLICATION_NOT_OPEN => ErrorKind::NoSuchApplication,
                Status::APPLICATION_EXISTS => ErrorKind::ApplicationExists,
                Status::NO_SUCH_CONTAINER | Status::NO_SUCH_CONTAINER_NAME => ErrorKind::NoSuchContainer,
                Status::CONTAINER_EXISTS => ErrorKind::ContainerExists,
                Status::NO_KEY_PAIR => ErrorKind::NoKeyPair,
                Status::NO_CERTIFICATE => ErrorKind::NoCertificate,
                Status::NO_SUCH_FILE => ErrorKind::NoSuchFile,
                Status::FILE_EXISTS => ErrorKind::FileExists,
                Status::WRONG_OFFSET => ErrorKind::BeyondFile,
                Status::NO_SYMMETRIC_KEY | Status::NO_SUCH_KEY => ErrorKind::NoSuchKey,
                Status::CONDITIONS_NOT_SATISFIED if ins.is_some_and(is_step) => ErrorKind::NotBegun,
                Status::WRONG_LENGTH => ErrorKind::WrongLength,
                Status::NO_SPACE => ErrorKind::NoSpace,
                Status::UNKNOWN_INS
                | Status::UNKNOWN_CLA
                | Status::UNSUPPORTED
                | Status::UNSUPPORTED_KEY_ALGORITHM
                | Status::UNSUPPORTED_DIGEST => ErrorKind::Unsupported,
                _ => ErrorKind::Refused,
            },
        }
    }
}

impl Error {
    /// What happened, to match on.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The token's status word, if it gave one.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.0.status
    }

    /// The command that failed, by its name in the standard.
    #[must_use]
    pub fn command(&self) -> Option<&'static str> {
        self.0.about.ins.map(Ins::name)
    }

    /// The function of a vendor's library that decided, and its code; `None` where none was called.
    #[must_use]
    pub fn call(&self) -> Option<&Call> {
        self.0.about.call.as_ref().filter(|call| call.sar != Some(Sar::OK))
    }

    /// The application it was about.
    #[must_use]
    pub fn application(&self) -> Option<&str> {
        self.0.about.application.as_deref()
    }

    /// The container it was about.
    #[must_use]
    pub fn container(&self) -> Option<&str> {
        self.0.about.container.as_deref()
    }

    /// The file it was about.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.0.about.file.as_deref()
    }

    /// Tries that are left for the secret that was wrong: 0 when it is locked.
    #[must_use]
    pub fn tries_left(&self) -> Option<u8> {
        match self.0.kind {
            ErrorKind::WrongPin { tries_left, .. } => Some(tries_left),
            ErrorKind::WrongDeviceKey { tries_left } => tries_left,
            ErrorKind::LastTry { .. } => Some(1),
            ErrorKind::Locked { .. } | ErrorKind::DeviceKeyLocked => Some(0),
            _ => None,
        }
    }

    /// Whether the token was not there: pulled, without power, or not reachable at all.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        match &self.0.kind {
            ErrorKind::Link(LinkError::Library(fault)) => fault.is_unreachable(),
            ErrorKind::Link(_) => true,
            _ => false,
        }
    }

    /// Whether the key was pulled or lost its power.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Link(LinkError::Removed))
    }

    /// Whether another program holds the token (G-11).
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Link(LinkError::Busy { .. }))
    }

    /// What to do next.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        self.advice().map(|(english, _)| english)
    }

    /// What to do next, in Chinese.
    #[must_use]
    pub fn help_zh(&self) -> Option<&'static str> {
        self.advice().map(|(_, chinese)| chinese)
    }

    /// What happened, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        let what: String = match &self.0.kind {
            ErrorKind::Stale => "UKey断电后原有句柄已失效".to_owned(),
            ErrorKind::TooLong => "数据过长".to_owned(),
            ErrorKind::BadAnswer => "UKey的应答无法识别".to_owned(),
            ErrorKind::Link(error) => error.message_zh(),
            ErrorKind::Locked { pin: PinType::User } => "用户口令已锁死".to_owned(),
            ErrorKind::Locked { pin: PinType::Administrator } => "管理员口令已锁死".to_owned(),
            ErrorKind::LastTry { pin } => {
                let secret = match pin {
                    Some(PinType::User) => "用户口令",
                    Some(PinType::Administrator) => "管理员口令",
                    None => "设备认证密钥",
                };
                format!("{secret}只剩最后1次机会，真实UKey不消耗最后一次，未发送")
            }
            ErrorKind::AnotherKey { found } => format!("插入的是UKey {found}，不是指定的那一把"),
            ErrorKind::NoSuchApplication => "应用不存在".to_owned(),
            ErrorKind::NoSuchContainer => "容器不存在".to_owned(),
            ErrorKind::BeyondFile => "超出文件末尾".to_owned(),
            ErrorKind::NotBegun => "运算尚未初始化".to_owned(),
            ErrorKind::Replaced => "已开始另一次摘要运算".to_owned(),
            ErrorKind::Refused if let Some(call) = self.call() => {
                let meaning = call.sar.map(Sar::meaning_zh).unwrap_or_default();
                format!("{}：{meaning}", call.function)
            }
            _ => self.0.status.map(|status| status.meaning_zh().to_string()).unwrap_or_default(),
        };
        let about = &self.0.about;
        let mut text = String::new();
        if let Some(application) = &about.application {
            text.push_str(&format!("应用“{application}”"));
        }
        if let Some(container) = &about.container {
            text.push_str(&format!("容器“{container}”"));
        }
        if let Some(file) = &about.file {
            text.push_str(&format!("文件“{file}”"));
        }
        if !text.is_empty() {
            text.push('：');
        }
        text + &what
    }

    fn advice(&self) -> Option<(&'static str, &'static str)> {
        Some(match &self.0.kind {
            ErrorKind::WrongPin { tries_left: 1, .. } => {
                ("the next wrong try locks it; stop if you are not sure", "再错一次即锁死，不确定请停止尝试")
            }
            ErrorKind::WrongPin { .. } | ErrorKind::WrongDeviceKey { .. } => {
                ("check it and try again; each wrong try costs one", "请核对后重试，每错一次减少一次机会")
            }
            ErrorKind::Locked { pin: PinType::User } => (
                "unlock it with the administrator PIN, or ask the service hall for the unlocking of the key",
                "请使用管理员口令解锁，或到办事大厅办理“解锁”",
            ),
            ErrorKind::Locked { pin: PinType::Administrator } => (
                "an administrator PIN cannot be unlocked: the key has to be initialised and its certificates reissued",
                "管理员口令无法解锁，需重新初始化UKey并补办证书",
            ),
            ErrorKind::DeviceKeyLocked => {
                ("the key can no longer be initialised: replace it", "UKey已无法初始化，请更换")
            }
            ErrorKind::LastTry { pin: Some(PinType::User) } => (
                "unblock it with the administrator PIN first; who is sure of the PIN allows it: --allow-destructive --serial NUMBER",
                "请先用管理员口令解锁；确信口令无误时可用 --allow-destructive --serial 序列号 放行",
            ),
            ErrorKind::LastTry { .. } => (
                "nothing restores its tries but the right secret; who is sure of it allows it: --allow-destructive --serial NUMBER",
                "只有正确的口令（密钥）才能恢复次数；确信无误时可用 --allow-destructive --serial 序列号 放行",
            ),
            ErrorKind::AnotherKey { .. } => (
                "plug in the key that was named, or name this one: `ukey info` tells its serial number",
                "请插入指定的UKey，或用 ukey info 查看序列号后重新指定",
            ),
            ErrorKind::NotLoggedIn if self.0.about.file.is_some() => (
                "verify the PIN whose holder may do this, the user's or the administrator's; some files are open to nobody",
                "请先验证有此权限的口令（用户或管理员）；有的文件不对任何人开放",
            ),
            ErrorKind::NotLoggedIn => (
                "verify the user PIN first; for creating or deleting an application, authenticate the device",
                "请先验证用户口令；创建或删除应用需先做设备认证",
            ),
            ErrorKind::NoSuchApplication => {
                ("list the applications: `ukey info`", "请用 ukey info 查看已有应用")
            }
            ErrorKind::NoSuchContainer => ("list the containers: `ukey info`", "请用 ukey info 查看已有容器"),
            ErrorKind::NoKeyPair => ("generate or import a key pair first", "请先生成或导入密钥对"),
            ErrorKind::NoCertificate => ("import the certificate first", "请先导入证书"),
            ErrorKind::NoSuchKey => (
                "make or import the session key again: it ends with its container and with the key's power",
                "请重新生成或导入会话密钥：删除容器或断电后会话密钥即失效",
            ),
            ErrorKind::NotBegun => (
                "begin it first; a part and the whole in one do not go together",
                "请先调用相应的Init；分段运算与单次运算不可混用",
            ),
            ErrorKind::Replaced => ("begin the digest again", "请重新开始摘要运算"),
            ErrorKind::WrongLength => (
                "give whole blocks of 16 bytes or use padding; give long data in parts",
                "请使用16字节的整数倍或选择填充；数据较长时请分段",
            ),
            ErrorKind::NoSpace if matches!(self.0.about.ins, Some(ins) if makes_session_key(ins)) => {
                ("destroy session keys that are no longer needed", "请销毁不再使用的会话密钥")
            }
            ErrorKind::NoSpace => {
                ("delete containers and files that are no longer needed", "请删除不再使用的容器和文件")
            }
            ErrorKind::NoSuchFile => ("list the application's files", "请查看该应用已有的文件"),
            ErrorKind::FileExists => ("write to it, or delete it first", "请直接写入该文件，或先将其删除"),
            ErrorKind::Stale => ("open the application and verify the PIN again", "请重新打开应用并验证口令"),
            ErrorKind::BadAnswer => (
                "the token may speak another dialect: try `--dialect`",
                "UKey可能使用另一种方言，请用 --dialect 指定",
            ),
            ErrorKind::Link(error) => return error.advice(),
            ErrorKind::Refused if self.0.status == Some(Status::MEMORY_UNCHANGED) => (
                "if it answers everything so, its self-test failed: pull it and plug it in again, and replace it if that does not help",
                "若所有命令均如此应答，说明UKey自检未通过：请拔下重插，仍不行请更换",
            ),
            ErrorKind::Refused
                if (self.0.about.ins, self.0.status)
                    == (Some(Ins::CreateApplication), Some(Status::CONDITIONS_NOT_SATISFIED)) =>
            {
                (
                    "change the device authentication key first: this token keeps the factory's from being used",
                    "请先修改设备认证密钥：该UKey不允许使用出厂密钥发行",
                )
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, about, status } = &*self.0;
        if let Some(application) = &about.application {
            write!(f, "application \"{application}\"")?;
            if let Some(container) = &about.container {
                write!(f, ", container \"{container}\"")?;
            }
            if let Some(file) = &about.file {
                write!(f, ", file \"{file}\"")?;
            }
            f.write_str(": ")?;
        }
        write!(f, "{kind}")?;
        if let (Some(ins), Some(call)) = (about.ins, self.call()) {
            return write!(f, " ({}: {call})", ins.name());
        }
        match (about.ins, status) {
            (Some(ins), Some(status)) => write!(f, " ({} answered {status})", ins.name()),
            (Some(ins), None) => write!(f, " ({})", ins.name()),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.kind {
            ErrorKind::Link(error) => std::error::Error::source(error),
            _ => None,
        }
    }
}

impl From<LinkError> for Error {
    fn from(error: LinkError) -> Self {
        About::default().error(ErrorKind::Link(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about() -> About {
        About {
            ins: Some(Ins::VerifyPin),
            application: Some("UKEY".to_owned()),
            container: None,
            file: None,
            proves: Some(Proves::Pin(PinType::User)),
            call: None,
        }
    }

    #[test]
    fn a_wrong_pin_tells_the_tries_in_both_languages() {
        let error = about().refused(Status::tries_left(1));
        let text = "application \"UKEY\": the user PIN is wrong, 1 try left \
                    (VerifyPin answered 63C1 verification failed, 1 try left)";
        assert_eq!(error.to_string(), text);
        assert_eq!(error.message_zh(), "应用“UKEY”：口令错误，剩余1次");
        assert_eq!((error.tries_left(), error.command()), (Some(1), Some("VerifyPin")));
        assert_eq!(error.help_zh(), Some("再错一次即锁死，不确定请停止尝试"));
    }

    #[test]
    fn the_last_wrong_try_and_every_later_one_are_locked() {
        for status in [Status::tries_left(0), Status::LOCKED] {
            let error = about().refused(status);
            assert!(matches!(error.kind(), ErrorKind::Locked { pin: PinType::User }), "{error}");
            assert_eq!(error.message_zh(), "应用“UKEY”：用户口令已锁死");
            let admin =
                About { proves: Some(Proves::Pin(PinType::Administrator)), ..about() }.refused(status);
            assert!(admin.help().unwrap().contains("cannot be unlocked"));
        }
    }

    #[test]
    fn a_count_means_a_secret_only_where_one_was_proved() {
        let error = About { proves: None, ..about() }.refused(Status::tries_left(3));
        assert!(matches!(error.kind(), ErrorKind::Refused) && error.tries_left().is_none(), "{error}");
        let error = About { proves: Some(Proves::DeviceKey), ..about() }.refused(Status::tries_left(3));
        assert!(matches!(error.kind(), ErrorKind::WrongDeviceKey { tries_left: Some(3) }), "{error}");
        assert!(matches!(about().refused(Status::WRONG_DATA).kind(), ErrorKind::Refused));
    }

    #[test]
    fn a_link_error_is_told_with_its_command() {
        let error =
            About { container: Some("A".to_owned()), ..about() }.error(ErrorKind::Link(LinkError::Removed));
        let text = "application \"UKEY\", container \"A\": the key has been removed (VerifyPin)";
        assert_eq!((error.to_string().as_str(), error.is_removed()), (text, true));
        assert_eq!(error.message_zh(), "应用“UKEY”容器“A”：UKey已拔出");
    }
}
