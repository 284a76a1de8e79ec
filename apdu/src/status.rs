//! Status words: the two bytes that end every answer, and what they mean (GM/T 0017-2012, status tables).

use core::fmt;

/// A status word, SW1 in the high byte. Inside a token it **is** the error type.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub u16);

macro_rules! status_words {
    ($($name:ident = $word:literal, $en:literal, $zh:literal;)+) => {
        impl Status {
            $(#[doc = concat!("`", stringify!($word), "`: ", $en, ".")]
            pub const $name: Status = Status($word);)+

            fn row(self) -> Option<(&'static str, &'static str)> {
                match self.0 {
                    $($word => Some(($en, $zh)),)+
                    _ => None,
                }
            }
        }
    };
}

status_words! {
    OK = 0x9000, "success", "成功";
    MEMORY_UNCHANGED = 0x6400, "execution error, memory unchanged", "执行出错，存储未改变";
    MEMORY_FAILURE = 0x6581, "writing the memory failed", "存储写入失败";
    WRONG_LENGTH = 0x6700, "wrong length", "长度错误";
    NO_SECURE_MESSAGING = 0x6882, "secure messaging unsupported here, or missing", "安全报文不支持或缺失";
    NOT_ALLOWED = 0x6900, "command not allowed", "命令不允许";
    SECURITY_NOT_SATISFIED = 0x6982, "security status not satisfied: log in first", "安全状态不满足，请先登录";
    LOCKED = 0x6983, "authentication locked", "认证已锁死";
    CONDITIONS_NOT_SATISFIED = 0x6985, "conditions of use not satisfied", "使用条件不满足";
    WRONG_MAC = 0x6988, "the MAC is wrong", "安全报文的MAC错误";
    APPLICATION_NOT_OPEN = 0x698A, "the application is not open", "应用未打开";
    WRONG_DATA = 0x6A80, "wrong data", "数据错误";
    UNSUPPORTED = 0x6A81, "function not supported", "功能不支持";
    NO_SPACE = 0x6A84, "no space", "空间不足";
    WRONG_P1P2 = 0x6A86, "wrong P1 or P2", "P1或P2错误";
    NO_SUCH_APPLICATION = 0x6A88, "no open application has this id", "应用不存在";
    APPLICATION_EXISTS = 0x6A89, "the application already exists", "应用已存在";
    APPLICATION_ALREADY_OPEN = 0x6A8A, "the application is already open", "应用已打开";
    NO_SUCH_APPLICATION_NAME = 0x6A8B, "no application has this name", "应用名称不存在";
    NO_SYMMETRIC_KEY = 0x6A8C, "there is no such session key", "会话密钥不存在";
    OTHER_APPLICATION_OPEN = 0x6A90, "another application is open", "已打开其他应用";
    NO_SUCH_CONTAINER_NAME = 0x6A91, "no container has this name", "容器名称不存在";
    FILE_EXISTS = 0x6A92, "the file already exists", "文件已存在";
    NO_SUCH_FILE = 0x6A93, "no file has this name", "文件不存在";
    NO_SUCH_CONTAINER = 0x6A94, "no open container has this id", "容器不存在";
    NO_KEY_PAIR = 0x6A95, "there is no key pair of that kind", "没有该类型的密钥对";
    NO_CERTIFICATE = 0x6A96, "there is no certificate of that kind", "没有该类型的证书";
    WRITE_FAILED = 0x6A97, "writing the data failed", "写数据失败";
    PUBLIC_KEY_OPERATION_FAILED = 0x6A98, "signature verification or public-key operation failed", "验签或公钥运算失败";
    UNSUPPORTED_KEY_ALGORITHM = 0x6A99, "session-key algorithm not supported", "会话密钥算法不支持";
    ENCRYPTION_FAILED = 0x6A9A, "asymmetric encryption failed", "非对称加密失败";
    DECRYPTION_FAILED = 0x6A9B, "asymmetric decryption failed", "非对称解密失败";
    SIGNING_FAILED = 0x6A9C, "signing failed", "签名失败";
    UNSUPPORTED_DIGEST = 0x6A9D, "digest algorithm not supported", "摘要算法不支持";
    MORE_DATA = 0x6A9E, "more data: repeat the command", "还有数据，请重发命令";
    NO_SUCH_KEY = 0x6A9F, "the referenced key was not found", "引用的密钥不存在";
    WRONG_OFFSET = 0x6B00, "wrong offset", "偏移错误";
    AGREEMENT_DATA_FAILED = 0x6B01, "the data of a key agreement are wrong", "密钥协商数据错误";
    AGREEMENT_KEY_FAILED = 0x6B02, "no key comes of this agreement", "协商密钥失败";
    WRONG_LE = 0x6C00, "wrong Le", "Le错误";
    UNKNOWN_INS = 0x6D00, "unknown instruction", "未知指令";
    UNKNOWN_CLA = 0x6E00, "unknown class", "未知指令类别";
    CONTAINER_EXISTS = 0x6E02, "the container already exists", "容器已存在";
    INTERNAL = 0x6F00, "no precise diagnosis", "未知错误";
}

impl Status {
    /// `63CX`: verification failed, `tries_left` tries remain (at most 15 can be told).
    #[must_use]
    pub const fn tries_left(tries_left: u8) -> Status {
        Status(0x63C0 | if tries_left > 15 { 15 } else { tries_left as u16 })
    }

    /// The X of `63CX`.
    #[must_use]
    pub const fn remaining(self) -> Option<u8> {
        let [high, low] = self.0.to_be_bytes();
        if high == 0x63 && low & 0xF0 == 0xC0 { Some(low & 0x0F) } else { None }
    }

    /// Whether the command succeeded in full.
    #[must_use]
    pub const fn is_ok(self) -> bool {
        self.0 == 0x9000
    }

    /// Whether it is one of the words of this table, or `63CX`.
    #[must_use]
    pub fn is_known(self) -> bool {
        self.row().is_some() || self.remaining().is_some()
    }

    /// SW1 and SW2.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }

    /// What the word means, in English.
    #[must_use]
    pub fn meaning(self) -> Meaning {
        Meaning { status: self, chinese: false }
    }

    /// What the word means, in Chinese.
    #[must_use]
    pub fn meaning_zh(self) -> Meaning {
        Meaning { status: self, chinese: true }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

/// The word and its meaning: `6982 security status not satisfied: log in first`.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X} {}", self.0, self.meaning())
    }
}

impl core::error::Error for Status {}

/// The text of a status word in one language.
#[derive(Clone, Copy, Debug)]
pub struct Meaning {
    status: Status,
    chinese: bool,
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(tries) = self.status.remaining() {
            return match (self.chinese, tries) {
                (true, 0) => f.write_str("口令错误，已锁死"),
                (true, n) => write!(f, "口令错误，剩余{n}次"),
                (false, 0) => f.write_str("verification failed, now locked"),
                (false, 1) => f.write_str("verification failed, 1 try left"),
                (false, n) => write!(f, "verification failed, {n} tries left"),
            };
        }
        let (en, zh) =
            self.status.row().unwrap_or(("status word not in the standard's table", "标准之外的状态字"));
        f.write_str(if self.chinese { zh } else { en })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counting_word_tells_the_tries() {
        assert_eq!(Status::tries_left(9).to_string(), "63C9 verification failed, 9 tries left");
        assert_eq!(Status::tries_left(0).meaning_zh().to_string(), "口令错误，已锁死");
        assert_eq!(Status(0x63C7).remaining(), Some(7));
        assert_eq!(Status(0x6300).remaining(), None);
        assert_eq!(Status::tries_left(200), Status(0x63CF));
    }

    #[test]
    fn a_foreign_word_is_said_to_be_one() {
        assert!(!Status(0x1234).is_known() && Status(0x63C5).is_known() && Status::LOCKED.is_known());
        assert_eq!(Status(0x1234).to_string(), "1234 status word not in the standard's table");
    }
}
