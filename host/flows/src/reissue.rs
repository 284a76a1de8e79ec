//! 丢失补办: a new key for a lost or damaged one.
//!
//! It begins with a certificate that a [`Query`](crate::query::Query) found, since there is no key to show; once placed
//! the order goes the way of an enrolment, whose [`Step`]s it shares.

use ukey_hall::api::{HeldCertificates, ReissueReason, ReissueRequest};

use crate::order::order_in_hand;
use crate::{Client, FlowError, OrderInHand, enrol::Step};

/// The message on the screen after 签名验证.
pub const APPLIED_ZH: &str = "申请成功";

/// A reissue as its applicant holds it; the steps themselves are the order's ([`OrderInHand`]).
#[derive(Clone, Debug)]
pub struct Reissuing(OrderInHand);

order_in_hand!(Reissuing, 0, resume);

impl Reissuing {
    /// 补办 of one of the certificates found, 我已阅读并同意 ticked or not. Takes up the order that is open for it.
    ///
    /// # Errors
    /// The hall's refusal: not agreed, revoked, expired, open with another reason.
    pub fn begin(
        client: &Client,
        held: &HeldCertificates,
        serial: &str,
        reason: ReissueReason,
        agreed: bool,
    ) -> Result<Self, FlowError> {
        let request = ReissueRequest { serial: serial.to_owned(), reason, agreed };
        Ok(Self(OrderInHand::new(client, client.reissue(&held.token, &request)?)))
    }

    /// What is to be done next.
    #[must_use]
    pub fn step(&self) -> Step {
        Step::of(self.0.order().state)
    }
}
