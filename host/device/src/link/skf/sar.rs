//! The codes that the functions of GM/T 0016 answer (annex A), each once: its name, its number, what it says in English
//! and Chinese; and what a token would have answered in its place.

use std::fmt;

use ukey_apdu::Status;

use super::abi::types::ULONG;

/// A SAR code, of the standard's or of a vendor's own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Sar(pub ULONG);

macro_rules! codes {
    ($($name:ident = $code:literal, $english:literal, $chinese:literal;)+) => {
        impl Sar {
            $(#[doc = $english]
            pub const $name: Sar = Sar($code);)+

            fn row(self) -> Option<(&'static str, &'static str, &'static str)> {
                match self {
                    $(Sar::$name => Some((stringify!($name), $english, $chinese)),)+
                    _ => None,
                }
            }
        }

        /// Every code: its name behind `SAR_`, its value, what it says.
        pub const CODES: &[(&str, ULONG, &str)] = &[$((stringify!($name), $code, $english),)+];
    };
}

codes! {
    OK = 0x0000_0000, "Success.", "成功";
    FAIL = 0x0A00_0001, "Failure.", "失败";
    UNKNOWNERR = 0x0A00_0002, "Unknown error.", "未知错误";
    NOTSUPPORTYETERR = 0x0A00_0003, "Not supported.", "不支持";
    FILEERR = 0x0A00_0004, "File operation failed.", "文件操作错误";
    INVALIDHANDLEERR = 0x0A00_0005, "Invalid handle.", "无效的句柄";
    INVALIDPARAMERR = 0x0A00_0006, "Invalid parameter.", "无效的参数";
    READFILEERR = 0x0A00_0007, "Reading a file failed.", "读文件错误";
    WRITEFILEERR = 0x0A00_0008, "Writing a file failed.", "写文件错误";
    NAMELENERR = 0x0A00_0009, "Wrong length of a name.", "名称长度错误";
    KEYUSAGEERR = 0x0A00_000A, "Wrong use of a key.", "密钥用途错误";
    MODULUSLENERR = 0x0A00_000B, "Wrong length of a modulus.", "模的长度错误";
    NOTINITIALIZEERR = 0x0A00_000C, "Not initialised.", "未初始化";
    OBJERR = 0x0A00_000D, "Wrong object.", "对象错误";
    MEMORYERR = 0x0A00_000E, "Memory error.", "内存错误";
    TIMEOUTERR = 0x0A00_000F, "Time is up.", "超时";
    INDATALENERR = 0x0A00_0010, "Wrong length of the input.", "输入数据长度错误";
    INDATAERR = 0x0A00_0011, "Wrong input.", "输入数据错误";
    GENRANDERR = 0x0A00_0012, "No random bytes.", "生成随机数错误";
    HASHOBJERR = 0x0A00_0013, "Wrong digest object.", "杂凑对象错误";
    HASHERR = 0x0A00_0014, "Digest failed.", "杂凑运算错误";
    GENRSAKEYERR = 0x0A00_0015, "No RSA key pair was made.", "产生RSA密钥错误";
    RSAMODULUSLENERR = 0x0A00_0016, "Wrong length of an RSA modulus.", "RSA密钥模长错误";
    CSPIMPRTPUBKEYERR = 0x0A00_0017, "Importing a public key failed.", "导入公钥错误";
    RSAENCERR = 0x0A00_0018, "Public-key encryption failed.", "公钥加密错误";
    RSADECERR = 0x0A00_0019, "Private-key decryption failed.", "私钥解密错误";
    HASHNOTEQUALERR = 0x0A00_001A, "The signature is not that of these data.", "杂凑值不相等，验签未通过";
    KEYNOTFOUNTERR = 0x0A00_001B, "No such key.", "未发现密钥";
    CERTNOTFOUNTERR = 0x0A00_001C, "No such certificate.", "未发现证书";
    NOTEXPORTERR = 0x0A00_001D, "The object cannot be exported.", "对象不可导出";
    DECRYPTPADERR = 0x0A00_001E, "Wrong padding.", "解密填充错误";
    MACLENERR = 0x0A00_001F, "Wrong length of a MAC.", "MAC长度错误";
    BUFFER_TOO_SMALL = 0x0A00_0020, "The buffer is too small.", "缓冲区不足";
    KEYINFOTYPEERR = 0x0A00_0021, "Wrong kind of key information.", "密钥类型错误";
    NOT_EVENTERR = 0x0A00_0022, "No event.", "无事件";
    DEVICE_REMOVED = 0x0A00_0023, "The device was removed.", "设备已移除";
    PIN_INCORRECT = 0x0A00_0024, "The PIN is wrong.", "PIN不正确";
    PIN_LOCKED = 0x0A00_0025, "The PIN is locked.", "PIN已锁死";
    PIN_INVALID = 0x0A00_0026, "The PIN is invalid.", "PIN无效";
    PIN_LEN_RANGE = 0x0A00_0027, "Wrong length of a PIN.", "PIN长度错误";
    USER_ALREADY_LOGGED_IN = 0x0A00_0028, "The user is logged in already.", "用户已登录";
    USER_PIN_NOT_INITIALIZED = 0x0A00_0029, "The user PIN was never set.", "用户口令未初始化";
    USER_TYPE_INVALID = 0x0A00_002A, "Wrong type of PIN.", "PIN类型错误";
    APPLICATION_NAME_INVALID = 0x0A00_002B, "Invalid name of an application.", "应用名称无效";
    APPLICATION_EXISTS = 0x0A00_002C, "The application exists.", "应用已存在";
    USER_NOT_LOGGED_IN = 0x0A00_002D, "A right is missing: log in first.", "用户未登录";
    APPLICATION_NOT_EXISTS = 0x0A00_002E, "No such application, or it is not open.", "应用不存在或未打开";
    FILE_ALREADY_EXIST = 0x0A00_002F, "The file exists.", "文件已存在";
    NO_ROOM = 0x0A00_0030, "No space.", "空间不足";
    FILE_NOT_EXIST = 0x0A00_0031, "No such file.", "文件不存在";
    REACH_MAX_CONTAINER_COUNT = 0x0A00_0032, "As many containers as are allowed.", "容器数已达上限";
}

impl Sar {
    /// Its name in the standard, `SAR_` in front; `None` for one of the vendor's own.
    #[must_use]
    pub fn name(self) -> Option<String> {
        self.row().map(|(name, ..)| format!("SAR_{name}"))
    }

    /// What it says, in English.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.row().map_or("A code of the vendor's own.", |(_, english, _)| english)
    }

    /// What it says, in Chinese.
    #[must_use]
    pub fn meaning_zh(self) -> &'static str {
        self.row().map_or("厂商自定义的错误码", |(.., chinese)| chinese)
    }

    /// What a token answers in its place. There is no published table; this one goes back the way of `libukey_skf`'s.
    /// Codes that several refusals share become the plainest; who knows more of the command says more.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Sar::OK => Status::OK,
            Sar::PIN_INCORRECT => Status(0x6300),
            Sar::PIN_LOCKED => Status::LOCKED,
            Sar::USER_NOT_LOGGED_IN | Sar::USER_PIN_NOT_INITIALIZED | Sar::NOTEXPORTERR => {
                Status::SECURITY_NOT_SATISFIED
            }
            Sar::INDATALENERR | Sar::MODULUSLENERR | Sar::RSAMODULUSLENERR | Sar::MACLENERR => {
                Status::WRONG_LENGTH
            }
            Sar::INDATAERR
            | Sar::DECRYPTPADERR
            | Sar::PIN_LEN_RANGE
            | Sar::PIN_INVALID
            | Sar::NAMELENERR
            | Sar::APPLICATION_NAME_INVALID => Status::WRONG_DATA,
            Sar::INVALIDPARAMERR | Sar::USER_TYPE_INVALID | Sar::KEYINFOTYPEERR => Status::WRONG_P1P2,
            Sar::NOTSUPPORTYETERR => Status::UNSUPPORTED,
            Sar::NO_ROOM | Sar::REACH_MAX_CONTAINER_COUNT | Sar::MEMORYERR => Status::NO_SPACE,
            Sar::APPLICATION_NOT_EXISTS => Status::NO_SUCH_APPLICATION_NAME,
            Sar::APPLICATION_EXISTS => Status::APPLICATION_EXISTS,
            Sar::FILE_ALREADY_EXIST => Status::FILE_EXISTS,
            Sar::FILE_NOT_EXIST => Status::NO_SUCH_FILE,
            Sar::KEYNOTFOUNTERR => Status::NO_KEY_PAIR,
            Sar::CERTNOTFOUNTERR => Status::NO_CERTIFICATE,
            Sar::WRITEFILEERR => Status::WRITE_FAILED,
            Sar::HASHNOTEQUALERR => Status::PUBLIC_KEY_OPERATION_FAILED,
            Sar::RSAENCERR | Sar::CSPIMPRTPUBKEYERR => Status::ENCRYPTION_FAILED,
            Sar::RSADECERR => Status::DECRYPTION_FAILED,
            Sar::NOTINITIALIZEERR | Sar::HASHOBJERR | Sar::OBJERR | Sar::KEYUSAGEERR => {
                Status::CONDITIONS_NOT_SATISFIED
            }
            _ => Status::INTERNAL,
        }
    }
}

/// `0x0A000024 SAR_PIN_INCORRECT`.
impl fmt::Display for Sar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:08X}", self.0)?;
        match self.row() {
            Some((name, ..)) => write!(f, " SAR_{name}"),
            None => f.write_str(" of the vendor's own"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_tells_its_name_and_what_it_says() {
        assert_eq!(Sar::PIN_INCORRECT.to_string(), "0x0A000024 SAR_PIN_INCORRECT");
        assert_eq!(
            (Sar::PIN_LOCKED.meaning(), Sar::PIN_LOCKED.meaning_zh()),
            ("The PIN is locked.", "PIN已锁死")
        );
        let own = Sar(0x0B00_0001);
        assert_eq!(own.to_string(), "0x0B000001 of the vendor's own");
        assert_eq!((own.name(), own.status()), (None, Status::INTERNAL));
    }

    #[test]
    fn the_codes_are_those_of_annex_a_in_their_order() {
        let expected = (1..=0x32_u32).map(|code| 0x0A00_0000 + code);
        assert!(CODES.iter().skip(1).map(|(_, code, _)| *code).eq(expected));
        assert_eq!(CODES.first().map(|(name, code, _)| (*name, *code)), Some(("OK", 0)));
    }
}
