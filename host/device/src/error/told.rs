//! What people are told of an error besides its text: what happened, in Chinese, and what to do next, in both languages.

use ukey_apdu::command::PinType;
use ukey_apdu::{Ins, Status};

use super::{Error, ErrorKind};
use crate::link::skf::sar::Sar;

impl Error {
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

/// Whether a command leaves one more session key in the token.
const fn makes_session_key(ins: Ins) -> bool {
    matches!(ins, Ins::EccExportSessionKey | Ins::ImportSessionKey | Ins::ImportSymmKey)
}
