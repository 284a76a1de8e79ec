//! Judging what a scenario obtained: what was expected and what was obtained are told apart, in Chinese.

use std::fmt::Display;

use jiff::{
    Timestamp,
    civil::{Date, Time},
};
use ukey_flows::{
    api::{CertificateStanding, Lane, LoginWay, OrderState, PasswordWay, PaymentState},
    unlock::Step,
};

use crate::words::{Next, shanghai};

/// A value as a judgement tells it.
pub(crate) trait Told {
    /// The value in Chinese words, a number, or a quoted text.
    fn told(&self) -> String;
}

/// Judges that what was obtained is what was expected.
///
/// # Panics
/// At the caller's place when it is not: `订单状态：应为已取消，实为已完成`.
#[track_caller]
pub(crate) fn judge<G: Told + PartialEq<E>, E: Told>(got: G, expected: E, what: &str) {
    if got != expected {
        differ(&got, &expected, what);
    }
}

#[track_caller]
fn differ(got: &dyn Told, expected: &dyn Told, what: &str) -> ! {
    panic!("{what}：应为{}，实为{}", expected.told(), got.told())
}

/// Values that are told as they are displayed.
macro_rules! displayed {
    ($($type:ty),*) => {$(
        impl Told for $type {
            fn told(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

displayed!(u8, u32, u64, usize, i64, Date, Time);

fn quoted(text: &dyn Display) -> String {
    format!("“{text}”")
}

impl Told for str {
    fn told(&self) -> String {
        quoted(&self)
    }
}

impl Told for String {
    fn told(&self) -> String {
        quoted(self)
    }
}

impl<T: Told + ?Sized> Told for &T {
    fn told(&self) -> String {
        (**self).told()
    }
}

impl<T: Told> Told for Option<T> {
    fn told(&self) -> String {
        self.as_ref().map_or_else(|| "无".to_owned(), Told::told)
    }
}

impl<T: Told> Told for [T] {
    fn told(&self) -> String {
        match self {
            [] => "无".to_owned(),
            all => all.iter().map(Told::told).collect::<Vec<_>>().join("、"),
        }
    }
}

impl<T: Told> Told for Vec<T> {
    fn told(&self) -> String {
        self.as_slice().told()
    }
}

impl<T: Told, const N: usize> Told for [T; N] {
    fn told(&self) -> String {
        self.as_slice().told()
    }
}

impl Told for bool {
    fn told(&self) -> String {
        if *self { "是" } else { "否" }.to_owned()
    }
}

impl Told for Timestamp {
    fn told(&self) -> String {
        self.to_zoned(shanghai()).strftime("%Y年%-m月%-d日%H:%M:%S").to_string()
    }
}

impl Told for OrderState {
    fn told(&self) -> String {
        self.zh().to_owned()
    }
}

impl Told for Step {
    fn told(&self) -> String {
        let word = Next::WORDS.iter().find(|(_, step)| step == self).map(|(word, _)| *word);
        word.unwrap_or_else(|| self.prompt_zh()).to_owned()
    }
}

impl Told for PaymentState {
    fn told(&self) -> String {
        match self {
            Self::Open => "待支付",
            Self::Paid => "已支付",
            Self::Cancelled => "已取消",
            Self::Refunded => "已退回",
            Self::Owed => "待退回",
        }
        .to_owned()
    }
}

impl Told for PasswordWay {
    fn told(&self) -> String {
        match self {
            Self::Sms { phone } => format!("短信（手机{phone}）"),
            Self::RemittanceNote { account } => format!("收款附言（账号{account}）"),
        }
    }
}

impl Told for LoginWay {
    fn told(&self) -> String {
        match self {
            Self::Password => "账号和密码",
            Self::Certificate => "证书",
        }
        .to_owned()
    }
}

impl Told for CertificateStanding {
    fn told(&self) -> String {
        match self {
            Self::NotYetValid => "尚未生效",
            Self::Valid => "有效",
            Self::Expired => "已过期",
            Self::Revoked => "已注销",
            Self::Suspended => "已暂停使用",
        }
        .to_owned()
    }
}

impl Told for Lane {
    fn told(&self) -> String {
        match self {
            Self::Sms => "短信",
            Self::Identity => "身份验证",
            Self::Papers => "上传资料",
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(judgement: impl FnOnce() + std::panic::UnwindSafe) -> String {
        *std::panic::catch_unwind(judgement).expect_err("a judgement that fails").downcast().expect("a text")
    }

    #[test]
    fn what_is_equal_passes() {
        judge(OrderState::Completed, OrderState::Completed, "订单状态");
        judge(String::from("一"), "一", "提示");
        judge(None::<u8>, None, "次数");
    }

    #[test]
    fn expected_and_obtained_are_told_apart() {
        assert_eq!(
            text(|| judge(OrderState::Completed, OrderState::Cancelled, "订单状态")),
            "订单状态：应为已取消，实为已完成"
        );
        assert_eq!(text(|| judge("一", "二", "提示")), "提示：应为“二”，实为“一”");
        assert_eq!(text(|| judge(None, Some(9_u8), "次数")), "次数：应为9，实为无");
        assert_eq!(
            text(|| judge(vec![Lane::Sms, Lane::Papers], [Lane::Identity], "方式")),
            "方式：应为身份验证，实为短信、上传资料"
        );
        assert_eq!(
            text(|| judge(Step::Cancelled, Step::Pay, "下一步")),
            "下一步：应为支付解锁费用，实为订单已取消"
        );
    }
}
