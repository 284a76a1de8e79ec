//! The words that stand in steps for things: each kind is one parameter, written `{kind}`.

use std::str::FromStr;

use jiff::{Timestamp, civil::Date, tz};
use ukey_flows::{
    api::{
        AccountKind, IdentityOutcome, IdentityWay, OrderState, Paper, ReissueReason, RevocationReason,
        SealChangeKind,
    },
    assistant::machine::Part,
    unlock::Step,
};

use crate::people::{
    ACCOUNT, HANDLER_MAIL, HANDLER_PHONE, HOLDER_PHONE, Holder, INVOICE_MAIL, INVOICE_PHONE, LEGAL_PHONE,
};
use crate::pictures;

/// A parameter whose values are listed.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident($type:ty), $parameter:literal: $first:literal = $first_value:expr
        $(, $word:literal = $value:expr)* $(,)?;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name(pub(crate) $type);

        impl $name {
            /// Each word with what it stands for.
            pub(crate) const WORDS: &[(&str, $type)] = &[($first, $first_value) $(, ($word, $value))*];
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let known = Self::WORDS.iter().find(|(word, _)| *word == text);
                known.map(|(_, value)| Self(*value)).ok_or_else(|| format!("{text} is no {}", $parameter))
            }
        }

        impl cucumber::Parameter for $name {
            const REGEX: &'static str = concat!($first $(, "|", $word)*);
            const NAME: &'static str = $parameter;
        }
    )*};
}

words! {
    /// An authority: its profile.
    Authority(&'static str), "authority":
        "清禾数字证书认证中心" = "qinghe", "鹿鸣数字证书认证中心" = "luming", "云杉数字证书认证中心" = "yunshan",
        "白鹤数字证书认证中心" = "baihe", "松涛数字证书认证中心" = "songtao", "Qinghe" = "qinghe", "Luming" = "luming";

    /// Who holds a certificate.
    Whose(Holder), "holder":
        "示例科技有限公司" = Holder::Unit, "张三" = Holder::Zhang, "李四" = Holder::Li, "the unit" = Holder::Unit,
        "Zhang San" = Holder::Zhang;

    /// A state of an order.
    State(OrderState), "state":
        "草稿" = OrderState::Draft, "已核验" = OrderState::Identified, "待上传资料" = OrderState::Confirmed,
        "待签名验证" = OrderState::Submitted, "待支付" = OrderState::Unpaid, "待审核" = OrderState::InReview,
        "已退回" = OrderState::Returned, "已拒绝" = OrderState::Refused, "待制证" = OrderState::Passed,
        "制证中" = OrderState::InProduction, "已签发" = OrderState::Issued, "已寄送" = OrderState::Posted,
        "已签收" = OrderState::Received, "待身份验证" = OrderState::IdentityWanted,
        "待验证" = OrderState::Verifying, "待输入授权码" = OrderState::Authorising,
        "待客服认证" = OrderState::PapersSubmitted, "客服已认证" = OrderState::PapersApproved,
        "客服未通过" = OrderState::PapersRefused, "已验证" = OrderState::Verified,
        "已初始化" = OrderState::Initialised, "待下载" = OrderState::Ready,
        "已完成" = OrderState::Completed, "已取消" = OrderState::Cancelled,
        "completed" = OrderState::Completed, "refused" = OrderState::Refused;

    /// What the assistant shows next in an unlock.
    Next(Step), "next":
        "支付解锁费用" = Step::Pay, "身份验证" = Step::CheckIdentity, "验证手机号" = Step::Verify,
        "输入解锁授权码" = Step::EnterAuthorisation, "联系客服中心" = Step::CallCentre,
        "重置口令" = Step::ResetPin, "完成" = Step::Done;

    /// A way of an identity check.
    Way(IdentityWay), "way":
        "法人手机实名认证" = IdentityWay::LegalPersonPhone,
        "法人银行卡信息认证" = IdentityWay::LegalPersonBankCard,
        "企业对公账户打款认证" = IdentityWay::CompanyRemittance,
        "手机实名认证" = IdentityWay::HolderPhone,
        "银行卡信息认证" = IdentityWay::HolderBankCard,
        "the phone in the real name" = IdentityWay::HolderPhone;

    /// What the identity provider answers.
    Verdict(IdentityOutcome), "verdict":
        "信息不一致" = IdentityOutcome::Mismatch, "打款被退回" = IdentityOutcome::Bounced,
        "无应答" = IdentityOutcome::Unavailable;

    /// Where a message arrives.
    Recipient(&'static str), "recipient":
        "经办人的手机" = HANDLER_PHONE, "法定代表人的手机" = LEGAL_PHONE, "持有人的手机" = HOLDER_PHONE,
        "收票人的手机" = INVOICE_PHONE, "收票人的邮箱" = INVOICE_MAIL, "经办人的邮箱" = HANDLER_MAIL, "对公账户的收款附言" = ACCOUNT;

    /// A paper.
    Document(Paper), "paper":
        "营业执照" = Paper::BusinessLicence, "经办人证照复印件" = Paper::HandlerIdentity,
        "持有人身份证复印件" = Paper::HolderIdentity, "法人授权委托及诚信承诺书" = Paper::Authorisation,
        "签章后的申请表" = Paper::SignedApplication, "承诺视频" = Paper::CommitmentVideo, "付款凭证" = Paper::PaymentProof;

    /// A change of a seal.
    SealChange(SealChangeKind), "sealchange":
        "更换印模" = SealChangeKind::Replace, "新增" = SealChangeKind::Add, "删除" = SealChangeKind::Delete,
        "换证重制" = SealChangeKind::Remake;

    /// Why a key is reissued.
    Why(ReissueReason), "why":
        "遗失" = ReissueReason::Lost, "损坏" = ReissueReason::Damaged;

    /// Why a certificate is revoked.
    Reason(RevocationReason), "reason":
        "密钥泄露" = RevocationReason::KeyCompromise, "信息变更" = RevocationReason::AffiliationChanged,
        "已被替换" = RevocationReason::Superseded, "停止使用" = RevocationReason::CessationOfOperation,
        "暂停使用" = RevocationReason::CertificateHold;

    /// A way of payment.
    Channel(&'static str), "payway":
        "支付宝" = "alipay", "微信支付" = "wechat", "个人网银" = "bank";

    /// A kind of account.
    Account(AccountKind), "account":
        "企业账户" = AccountKind::Enterprise, "个人账户" = AccountKind::Personal,
        "主管部门账号" = AccountKind::Authority;

    /// What is installed on a computer.
    Component(Part), "component":
        "驱动" = Part::Driver, "第1个控件" = Part::Control(1), "第2个控件" = Part::Control(2),
        "第3个控件" = Part::Control(3), "第4个控件" = Part::Control(4);

    /// A request that can get lost: how its path ends, or begins.
    Call(&'static str), "call":
        "解锁结果" = "/confirm", "确认申请" = "/submit", "解锁数据" = "/cryptogram", "支付请求" = "/payment",
        "时间校对" = "/time", "证书状态查询" = "/api/certificates/",
        "下载请求" = "/download", "写入结果" = "/written", "初始化结果" = "/initialised",
        "印章请求" = "/seal", "印章写入结果" = "/confirm";
}

/// A stretch of time, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time(pub(crate) u64);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let count: u64 = digits.parse().map_err(|_| format!("{text} is no time"))?;
        let unit = match &text[digits.len()..] {
            "秒" => 1,
            "分钟" => 60,
            "小时" => 3_600,
            "天" => 86_400,
            _ => return Err(format!("{text} is no time")),
        };
        Ok(Self(count * unit))
    }
}

impl cucumber::Parameter for Time {
    const REGEX: &'static str = "\\d+(?:秒|分钟|小时|天)";
    const NAME: &'static str = "time";
}

/// The zone of all dates in scenarios.
pub(crate) fn shanghai() -> tz::TimeZone {
    tz::TimeZone::fixed(tz::offset(8))
}

/// A day: `2026年3月6日`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Day(pub(crate) Date);

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Moment(moment) = format!("{text}0时").parse()?;
        Ok(Self(moment.to_zoned(shanghai()).date()))
    }
}

impl cucumber::Parameter for Day {
    const REGEX: &'static str = "\\d{4}年\\d{1,2}月\\d{1,2}日";
    const NAME: &'static str = "day";
}

/// A moment in Shanghai: `2026年3月6日10时`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<i16> =
            text.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect();
        let wrong = || format!("{text} is no moment");
        let &[year, month, day, hour] = parts.as_slice() else { return Err(wrong()) };
        let small = |number: i16| i8::try_from(number).map_err(|_| wrong());
        let date = Date::new(year, small(month)?, small(day)?).map_err(|_| wrong())?;
        let moment = date.at(small(hour)?, 0, 0, 0).to_zoned(shanghai());
        Ok(Self(moment.map_err(|_| wrong())?.timestamp()))
    }
}

impl cucumber::Parameter for Moment {
    const REGEX: &'static str = "\\d{4}年\\d{1,2}月\\d{1,2}日\\d{1,2}时";
    const NAME: &'static str = "moment";
}

/// An amount of money, in fen: `30.00元`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Money(pub(crate) u32);

impl FromStr for Money {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fen: String = text.chars().filter(char::is_ascii_digit).collect();
        fen.parse().map(Self).map_err(|_| format!("{text} is no amount"))
    }
}

impl cucumber::Parameter for Money {
    const REGEX: &'static str = "\\d+\\.\\d\\d元";
    const NAME: &'static str = "money";
}

/// A whole video, as small as it gets.
pub(crate) const MP4: &[u8] = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x08moov\0\0\0\x0cmdat\0\0\0\0";
/// The picture of a seal to upload: its whole content.
#[derive(Clone, Debug)]
pub(crate) struct SealPicture(pub(crate) Vec<u8>);

impl FromStr for SealPicture {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let good = crate::stage::seal::good_picture();
        Ok(Self(match text {
            "合格的png" => good,
            "另一张png" => pictures::ring(120, 40, true),
            "不透明的png" => pictures::ring(120, 58, false),
            "99像素的png" => pictures::ring(99, 48, true),
            "1001像素的png" => pictures::ring(1001, 500, true),
            "20481字节的png" => pictures::with_comment(&good, 20_481 - good.len() - 12),
            "不完整的png" => good[..good.len() - 6].to_vec(),
            "损坏的png" => good.iter().enumerate().map(|(n, byte)| byte ^ u8::from(n == 60)).collect(),
            "bmp" => pictures::bmp(60),
            "txt" => "公章".into(),
            "空文件" => Vec::new(),
            _ => return Err(format!("{text} is no picture")),
        }))
    }
}

impl cucumber::Parameter for SealPicture {
    const REGEX: &'static str = "合格的png|另一张png|不透明的png|99像素的png|1001像素的png|20481字节的png|不完整的png|损坏的png|bmp|txt|空文件";
    const NAME: &'static str = "sealpicture";
}

/// The kind of a file to upload: its whole content.
#[derive(Clone, Debug)]
pub(crate) struct File(pub(crate) Vec<u8>);

impl FromStr for File {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self(match text {
            "jpg" | "jpeg" => pictures::jpg(),
            "bmp" => pictures::bmp(2),
            "gif" => crate::stage::GIF.to_vec(),
            "png" => pictures::ring(120, 58, true),
            "pdf" => b"%PDF-1.7\n%%EOF\n".to_vec(),
            "不完整的pdf" => b"%PDF-1.7\n".to_vec(),
            "mp4" => MP4.to_vec(),
            "不完整的mp4" => MP4[..MP4.len() - 1].to_vec(),
            "过大的mp4" => [&8_388_609_u32.to_be_bytes()[..], b"ftyp", &vec![0; 8_388_601]].concat(),
            "txt" => "营业执照".into(),
            "不完整的jpg" => pictures::jpg().split_last_chunk::<2>().expect("it has an end").0.to_vec(),
            "空" => Vec::new(),
            _ => return Err(format!("{text} is no kind of file")),
        }))
    }
}

impl cucumber::Parameter for File {
    const REGEX: &'static str =
        "不完整的jpg|不完整的pdf|不完整的mp4|过大的mp4|pdf|mp4|jpg|jpeg|bmp|gif|png|txt|空";
    const NAME: &'static str = "file";
}
