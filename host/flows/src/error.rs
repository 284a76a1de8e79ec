//! What keeps a flow from going on.

use std::fmt;

use ukey_hall::api::Problem;
use ukey_pki::seal::{SealError, StampError};

use crate::assistant::machine::MachineError;

/// A rule of the assistant itself, broken before anything was sent or spent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// A new PIN has the wrong length.
    #[error("the new PIN must have {min} to {max} characters")]
    PinLength {
        /// Fewest characters.
        min: u8,
        /// Most characters.
        max: u8,
    },
    /// A new PIN has characters that are not allowed.
    #[error("the new PIN may only have {}", if *digits_only { "digits" } else { "printable ASCII characters" })]
    PinCharacters {
        /// Digits only.
        digits_only: bool,
    },
    /// The two entries of the new PIN differ.
    #[error("the two entries of the new PIN differ")]
    PinsDiffer,
    /// No key is plugged in.
    #[error("no key is plugged in")]
    NoKey,
    /// More than one key is plugged in (R-05, N-22).
    #[error("{count} keys are plugged in; leave only one")]
    SeveralKeys {
        /// How many.
        count: usize,
    },
    /// There is no certificate in the key.
    #[error("there is no certificate in the key")]
    NoCertificate,
    /// What is in a certificate's place cannot be read.
    #[error("the certificate in the key cannot be read")]
    UnreadableCertificate,
    /// The PIN is locked, and this needs it (F-04).
    #[error("the PIN is locked; recover it first")]
    RecoverFirst,
    /// The key's driver is not installed (L-08).
    #[error("the key's driver is not installed")]
    NoDriver,
    /// An older assistant is still installed (G-05).
    #[error("the assistant {installed} is still installed; remove it first")]
    OldVersion {
        /// Its version.
        installed: String,
    },
    /// The control is not the one to install now.
    #[error("the controls are installed in their order; number {due} is due")]
    ControlOrder {
        /// The one to install now.
        due: u8,
    },
    /// The control is still inside its archive.
    #[error("the control was not unzipped")]
    NotUnzipped,
    /// A link leads to another hall than the assistant's.
    #[error("the link is of another hall: {hall}")]
    OtherHall {
        /// Its address.
        hall: String,
    },
    /// A link is about another certificate than that of the key in hand.
    #[error("the business is not that of the certificate in the key, {owner}")]
    OtherCertificate {
        /// Whom the certificate in the key names.
        owner: String,
    },
    /// A link is about an order that waits for nothing any more.
    #[error("the business is finished")]
    Finished,
    /// No container of the key has a sign key pair.
    #[error("there is no sign key in the key")]
    NoKeyPair,
    /// There are several certificates in the key, and none was chosen (R-11, AMB-24).
    #[error("there are {count} certificates in the key; choose one")]
    ChooseCertificate {
        /// How many.
        count: usize,
    },
    /// The chosen certificate is not in the key.
    #[error("the certificate {expected} is not in this key")]
    AnotherCertificate {
        /// Serial number of the chosen certificate.
        expected: String,
    },
    /// The key in hand is not the one that the flow began with.
    #[error("another key is plugged in: {found} instead of {expected}")]
    AnotherKey {
        /// Serial number of the flow's key.
        expected: String,
        /// Serial number of the key in hand.
        found: String,
    },
    /// The new key is not blank.
    #[error("the key is not blank: it holds the application {application}")]
    NotBlank {
        /// The application.
        application: String,
    },
    /// What was written to the key reads back differently.
    #[error("what was written to the key reads back differently: {what}")]
    ReadBack {
        /// What was compared.
        what: Part,
    },
    /// The key has no room for a seal; those it holds are untouched (F-23).
    #[error(
        "the key has no room for the seal: it needs {needed} bytes and a file of its own, {free} bytes are free; delete a seal that is not needed first"
    )]
    NoRoom {
        /// Bytes that are needed.
        needed: u32,
        /// Bytes that are free.
        free: u32,
    },
    /// The key holds as many seals as its directory can name; those are untouched.
    #[error("the key holds {most} seals already, and cannot hold more; delete one that is not needed first")]
    TooManySeals {
        /// How many it can hold.
        most: usize,
    },
    /// There is no seal at this place of the key's directory.
    #[error("the key has no seal number {place}")]
    NoSeal {
        /// The place, from 1.
        place: usize,
    },
    /// The step is not due yet.
    #[error("this is not the step to take now: {due}")]
    NotDue {
        /// What is due.
        due: Due,
    },
}

/// What is written into a key and read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A certificate.
    Certificate,
    /// The public key of a key pair.
    PublicKey,
    /// An electronic seal.
    Seal,
    /// The directory of the electronic seals.
    SealDirectory,
}

impl Part {
    /// Its name in English and in Chinese.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Part::Certificate => ("certificate", "证书"),
            Part::PublicKey => ("public key", "公钥"),
            Part::Seal => ("seal", "印章"),
            Part::SealDirectory => ("directory of seals", "印章目录"),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.names().0)
    }
}

/// What has to be done before a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The verification of an unlock.
    Verification,
    /// The SMS code of a renewal.
    SmsCode,
    /// What comes before the new certificates: payment, review, 初始化证书.
    Preparation,
    /// The review.
    Review,
    /// A state of the order in which the hall takes the key's signature.
    SignatureWanted,
}

impl Due {
    /// The words in English and in Chinese.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Due::Verification => ("the verification comes first", "请先完成验证"),
            Due::SmsCode => ("the SMS code comes first", "请先获取并输入短信验证码"),
            Due::Preparation => {
                ("nothing may be written into the key yet", "尚不能写入UKey，请先完成前面的步骤")
            }
            Due::Review => ("the review has not passed", "审核尚未通过"),
            Due::SignatureWanted => {
                ("the hall takes no signature for this order now", "该订单现在不需要UKey签名")
            }
        }
    }
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words().0)
    }
}

impl Rule {
    /// The rule in Chinese, as the assistant shows it.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            Rule::PinLength { min, max } => format!("新密码须为{min}-{max}位"),
            Rule::PinCharacters { digits_only: true } => "新密码只能为数字".into(),
            Rule::PinCharacters { digits_only: false } => "新密码只能为可见的英文字符".into(),
            Rule::PinsDiffer => "两次输入的新密码不一致".into(),
            Rule::NoKey => "请插入UKey".into(),
            Rule::SeveralKeys { count } => format!("插着{count}个UKey，请只插一个"),
            Rule::NoCertificate => "证书介质中没有证书".into(),
            Rule::UnreadableCertificate => "证书无法识别".into(),
            Rule::RecoverFirst => "用户口令已锁死，请先找回密码".into(),
            Rule::NoDriver => "未安装UKey驱动，请到“服务支持”下载安装".into(),
            Rule::OldVersion { installed } => format!("请先卸载老版本证书助手{installed}"),
            Rule::ControlOrder { due } => format!("请按1、2、3、4的顺序安装控件，现在应安装第{due}个"),
            Rule::NotUnzipped => "请先解压，再安装控件".into(),
            Rule::OtherHall { hall } => format!("链接来自另一个服务厅：{hall}"),
            Rule::OtherCertificate { owner } => format!("页面上的业务不属于插着的证书：{owner}"),
            Rule::Finished => "该业务已办结，请从证书助手重新办理".into(),
            Rule::NoKeyPair => "证书介质中没有密钥".into(),
            Rule::ChooseCertificate { count } => format!("证书介质中有{count}张证书，请选择要办理的证书"),
            Rule::AnotherCertificate { .. } => "所选证书不在插入的证书介质中".into(),
            Rule::AnotherKey { expected, found } => {
                format!("插入的不是办理业务的证书介质：应为{expected}，实为{found}")
            }
            Rule::NotBlank { application } => format!("证书介质不是空白的，已有应用{application}"),
            Rule::ReadBack { what } => format!("写入证书介质后回读不一致：{}", what.names().1),
            Rule::NoRoom { needed, free } => {
                format!("UKey空间不足，印章无法写入：需要{needed}字节，可用{free}字节，请先删除不用的印章")
            }
            Rule::TooManySeals { most } => format!("UKey最多存放{most}个电子印章，已存满"),
            Rule::NoSeal { place } => format!("UKey内没有第{place}个电子印章"),
            Rule::NotDue { due } => format!("当前步骤不能进行此操作：{}", due.words().1),
        }
    }

    /// What to do next, in English and in Chinese, where the message does not say it.
    fn advice(&self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Rule::NoKey => ("plug the key in and try again", "请插入UKey后重试"),
            Rule::NoCertificate | Rule::NoKeyPair => {
                ("plug in the key that was issued to you", "请插入本人或本单位已领用的UKey")
            }
            Rule::UnreadableCertificate => {
                ("have the certificate written again (证书重装)", "请在证书助手中点击证书重装")
            }
            Rule::AnotherCertificate { .. } | Rule::OtherCertificate { .. } | Rule::AnotherKey { .. } => {
                ("plug in the key of this business and try again", "请换插办理该业务的UKey后重试")
            }
            Rule::NotBlank { .. } => ("take a blank key", "请换一把空白UKey"),
            Rule::ReadBack { .. } => (
                "try again; if it happens again, the key is worn out: apply for another",
                "请重试；如再次出现，UKey可能已损坏，请办理补办",
            ),
            Rule::TooManySeals { .. } => (
                "delete a seal that is not needed (签章变更), then try again",
                "请先在签章变更中删除不用的印章",
            ),
            _ => return None,
        })
    }
}

/// Why a flow does not go on. What was done stays done; the flow can be taken up again.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The key refused, or was pulled.
    #[error(transparent)]
    Key(#[from] ukey_device::Error),
    /// The hall refused.
    #[error("the hall refuses: {0}")]
    Hall(Box<Problem>),
    /// The hall was not reached, or answered nonsense.
    #[error("the hall does not answer: {0}")]
    Unreachable(String),
    /// Certificates or requests that do not fit.
    #[error(transparent)]
    Certificate(#[from] ukey_pki::Error),
    /// Something that was received cannot be used.
    #[error("what was received cannot be used: {0}")]
    Answer(
        /// What it is, in English.
        &'static str,
        /// The same in Chinese.
        &'static str,
    ),
    /// The computer refused.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The key may not stamp so.
    #[error("the key does not stamp: {0}")]
    Stamp(Box<StampError>),
    /// A rule of the assistant.
    #[error(transparent)]
    Rule(#[from] Rule),
}

impl FlowError {
    /// The hall's refusal, if it is one.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            FlowError::Hall(problem) => Some(problem),
            _ => None,
        }
    }

    /// The message in Chinese, as the assistant shows it.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            FlowError::Key(error) => error.message_zh(),
            FlowError::Hall(problem) if problem.fields.is_empty() => problem.detail_zh.clone(),
            FlowError::Hall(problem) => {
                let faults: Vec<_> = problem.fields.iter().map(|fault| fault.detail_zh.as_str()).collect();
                format!("{}：{}", problem.title_zh, faults.join("、"))
            }
            FlowError::Unreachable(_) => "无法连接网上服务厅，请检查网络".into(),
            FlowError::Certificate(_) => "证书无法识别".into(),
            FlowError::Stamp(error) => match **error {
                // In the words of the business systems.
                StampError::SignerNotInSeal(_) => "该用户没有分配印章权限".into(),
                StampError::Seal(SealError::Expired { .. }) => "印章已过期".into(),
                StampError::SignerPeriod { .. } => "证书不在有效期内".into(),
                _ => "无法签章".into(),
            },
            FlowError::Answer(_, what) => format!("收到的数据无法使用：{what}"),
            FlowError::Machine(error) => error.message_zh(),
            FlowError::Rule(rule) => rule.message_zh(),
        }
    }

    /// What to do next, where there is something to do.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        match self {
            FlowError::Key(error) => error.help(),
            error => error.advice().map(|(english, _)| english),
        }
    }

    /// What to do next, in Chinese.
    #[must_use]
    pub fn help_zh(&self) -> Option<&'static str> {
        match self {
            FlowError::Key(error) => error.help_zh(),
            error => error.advice().map(|(_, chinese)| chinese),
        }
    }

    /// English, Chinese; a key has its own.
    fn advice(&self) -> Option<(&'static str, &'static str)> {
        match self {
            FlowError::Unreachable(_) => Some((
                "check the network, then begin again: the hall has kept what was done",
                "请检查网络后重新办理，已办的步骤不会丢失",
            )),
            FlowError::Certificate(_) => Rule::UnreadableCertificate.advice(),
            FlowError::Answer(..) => Some((
                "begin again; if it happens again, call the hall",
                "请重新办理；如再次出现，请联系客服中心",
            )),
            FlowError::Rule(rule) => rule.advice(),
            // A hall says in its refusal what to do; a computer and a stamp in their message.
            FlowError::Key(_) | FlowError::Hall(_) | FlowError::Machine(_) | FlowError::Stamp(_) => None,
        }
    }
}

impl From<Problem> for FlowError {
    fn from(problem: Problem) -> Self {
        FlowError::Hall(Box::new(problem))
    }
}

impl From<ureq::Error> for FlowError {
    fn from(error: ureq::Error) -> Self {
        FlowError::Unreachable(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chinese words without English ones in them.
    fn is_chinese(text: &str) -> bool {
        let latin = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
        !text.is_ascii() && latin.into_iter().all(|word| ["UKey", "KiB"].contains(&word))
    }

    #[test]
    fn chinese_messages_tell_the_cause_too() {
        let told = |rule: Rule| FlowError::from(rule).message_zh();
        let mut seen = std::collections::BTreeSet::new();
        for due in [Due::Verification, Due::SmsCode, Due::Preparation, Due::Review, Due::SignatureWanted] {
            let message = told(Rule::NotDue { due });
            assert!(message.starts_with("当前步骤不能进行此操作：") && is_chinese(&message), "{message}");
            assert!(seen.insert(message), "{due:?} says what another says");
        }
        for what in [Part::Certificate, Part::PublicKey, Part::Seal, Part::SealDirectory] {
            let message = told(Rule::ReadBack { what });
            assert!(is_chinese(&message) && seen.insert(message.clone()), "{message}");
        }
        let answer = FlowError::Answer("the cryptogram", "解锁密文");
        assert_eq!(answer.message_zh(), "收到的数据无法使用：解锁密文");
        assert_eq!(answer.to_string(), "what was received cannot be used: the cryptogram");
    }

    #[test]
    fn who_can_do_something_is_told_what() {
        let offline = FlowError::Unreachable("reset".into());
        assert_eq!(offline.help_zh(), Some("请检查网络后重新办理，已办的步骤不会丢失"));
        assert!(offline.help().is_some_and(|help| help.is_ascii()));
        let rule = FlowError::from(Rule::NoKey);
        assert_eq!(
            (rule.help(), rule.help_zh()),
            (Some("plug the key in and try again"), Some("请插入UKey后重试"))
        );
        assert_eq!(FlowError::from(Rule::PinsDiffer).help_zh(), None, "the message says it");
    }
}
