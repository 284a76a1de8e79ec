//! The hall's pages and the assistant move each other on: 快速打开证书助手 is a link that starts the assistant at
//! the business that the page was about. The state is kept by the hall, by certificate: the link names it and gives no
//! right to it, so one that is lost (F-11) or read by others costs nothing.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use ukey_device::Device;
use ukey_hall::api::{Order, OrderKind, OrderState, PaymentState};

use crate::key::{MyCertificate, only_one};
use crate::unlock::{Step, Unlocking};
use crate::{Client, FlowError, Rule};

/// How the links of the assistant begin.
const SCHEME: &str = "ukey-assistant";

/// A link from a page of the hall to the assistant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The hall's address.
    pub hall: String,
    /// The order that the page was about.
    pub order: String,
    /// Serial number of the certificate that it is for.
    pub certificate: String,
}

/// A text that is no link to the assistant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no link to the assistant")]
pub struct NotALink;

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}:{}/{}?hall={}", self.certificate, self.order, self.hall)
    }
}

impl FromStr for Link {
    type Err = NotALink;

    fn from_str(text: &str) -> Result<Self, NotALink> {
        let rest = text.strip_prefix(SCHEME).and_then(|rest| rest.strip_prefix(':')).ok_or(NotALink)?;
        let (path, hall) = rest.split_once("?hall=").ok_or(NotALink)?;
        let (certificate, order) = path.split_once('/').ok_or(NotALink)?;
        let name = |text: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            (!text.is_empty() && text.bytes().all(plain)).then(|| text.to_owned()).ok_or(NotALink)
        };
        if !(hall.starts_with("http://") || hall.starts_with("https://")) {
            return Err(NotALink);
        }
        Ok(Self { hall: hall.to_owned(), order: name(order)?, certificate: name(certificate)? })
    }
}

/// A page of the hall that sends its reader back to the assistant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnPage {
    /// Its title.
    pub title_zh: &'static str,
    /// Its text.
    pub text_zh: &'static str,
    /// Where the button 快速打开证书助手 leads.
    pub link: Link,
}

impl ReturnPage {
    /// The page that an order is at in the browser, where its next step is in the assistant (U-10, U-21).
    #[must_use]
    pub fn of(client: &Client, order: &Order) -> Option<Self> {
        let unlock = order.unlock.as_ref().filter(|_| order.kind == OrderKind::Unlock)?;
        let paid = order.payment.as_ref().is_some_and(|payment| payment.state == PaymentState::Paid);
        let (title_zh, text_zh) = match order.state {
            OrderState::PapersSubmitted => ("提交成功!", "您已成功提交!请在数字证书客户端继续操作。"),
            OrderState::Verifying if paid => ("缴费成功!", "您已成功缴费!请前往数字证书助手继续操作。"),
            _ => return None,
        };
        let link = Link {
            hall: client.address().to_owned(),
            order: order.id.clone(),
            certificate: unlock.certificate_serial.clone(),
        };
        Some(Self { title_zh, text_zh, link })
    }
}

/// Goes on in the assistant where the page left off.
///
/// # Errors
/// [`Rule::OtherHall`] for a page of a hall that this assistant is not for; the rule of the one key;
/// [`Rule::OtherCertificate`] where the key in hand is not the one that the page was about; [`Rule::Finished`] where the
/// order waits for nothing any more: another is not begun by a link.
pub fn resume<D: Borrow<Device>>(client: &Client, known: &[D], link: &Link) -> Result<Unlocking, FlowError> {
    if link.hall != client.address() {
        return Err(Rule::OtherHall { hall: link.hall.clone() }.into());
    }
    let device = only_one(known)?.borrow();
    let mine = MyCertificate::read(device)?;
    if mine.serial() != link.certificate {
        return Err(Rule::OtherCertificate { owner: mine.owner() }.into());
    }
    let unlocking = Unlocking::begin(client, known, None)?;
    let begun = unlocking.in_hand();
    if begun.order().id == link.order {
        return Ok(unlocking);
    }
    client.cancel(&begun.order().id, begun.token())?;
    Err(Rule::Finished.into())
}

/// The standing line of the screens of an unlock (U-12, U-15).
#[must_use]
pub fn hint_zh(step: Step, authority: &str) -> String {
    let hint = match step {
        Step::Verify => step.prompt_zh().to_owned() + "。",
        _ => format!("请牢记解锁后的密码,若您忘记请在线申请找回密码或联系{authority}客服中心。"),
    };
    format!("【温馨提示】：{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_says_where_to_go_on() {
        let link = Link {
            hall: "https://hall.example.com:8443".to_owned(),
            order: "UL-2026".to_owned(),
            certificate: "0A1B".to_owned(),
        };
        let text = link.to_string();
        assert_eq!(text, "ukey-assistant:0A1B/UL-2026?hall=https://hall.example.com:8443");
        assert_eq!(text.parse(), Ok(link));
    }

    #[test]
    fn what_is_no_link_opens_nothing() {
        for text in [
            "",
            "https://hall.example.com/",
            "ukey-assistant:0A1B/UL-1",
            "ukey-assistant:0A1B?hall=https://hall.example.com",
            "ukey-assistant:/UL-1?hall=https://hall.example.com",
            "ukey-assistant:0A1B/../x?hall=https://hall.example.com",
            "ukey-assistant:0A1B/UL-1?hall=file:///etc/passwd",
        ] {
            assert_eq!(text.parse::<Link>(), Err(NotALink), "{text}");
        }
    }
}
