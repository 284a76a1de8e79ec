//! 在线新办 (E-01 to E-13, P-01 to P-05): an order from the form to the posted key.

use ukey_hall::api::{EnrolForm, Enrolment, OrderState};

use crate::order::order_in_hand;
use crate::{Client, FlowError, OrderInHand};

/// What an enrolment waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// An identity check.
    CheckIdentity,
    /// 确认订单 or 返回修改.
    Confirm,
    /// Papers, then 确认申请.
    UploadPapers,
    /// 签名验证: the handler's code.
    Consent,
    /// The payment.
    Pay,
    /// The authority: review, production, post.
    Wait,
    /// To be corrected and submitted again.
    Correct,
    /// The posted key: receive it.
    Receive,
    /// Nothing any more.
    Done,
}

impl Step {
    /// What an order in this state waits for, on the way to a key that is made for it.
    pub(crate) fn of(state: OrderState) -> Self {
        match state {
            OrderState::Draft => Step::CheckIdentity,
            OrderState::Identified => Step::Confirm,
            OrderState::Confirmed => Step::UploadPapers,
            OrderState::Submitted => Step::Consent,
            OrderState::Unpaid => Step::Pay,
            OrderState::InReview | OrderState::Passed | OrderState::InProduction | OrderState::Issued => {
                Step::Wait
            }
            OrderState::Returned => Step::Correct,
            OrderState::Posted => Step::Receive,
            _ => Step::Done,
        }
    }
}

/// An enrolment as its applicant holds it; the steps themselves are the order's ([`OrderInHand`]). The certificate
/// password will take the way of the identity check that passed.
#[derive(Clone, Debug)]
pub struct Enrolling(OrderInHand);

order_in_hand!(Enrolling, 0, resume);

impl Enrolling {
    /// Places the order.
    ///
    /// # Errors
    /// The hall's refusal, which names the fields at fault.
    pub fn place(client: &Client, form: EnrolForm) -> Result<Self, FlowError> {
        Self::place_in(client, None, form)
    }

    /// Places the order in a channel (渠道); without one, in the hall's first.
    ///
    /// # Errors
    /// As [`Enrolling::place`].
    pub fn place_in(client: &Client, channel: Option<&str>, form: EnrolForm) -> Result<Self, FlowError> {
        let placed = client.enrol(&Enrolment { channel: channel.map(str::to_owned), form }, None)?;
        Ok(Self(OrderInHand::new(client, placed)))
    }

    /// What is to be done next.
    #[must_use]
    pub fn step(&self) -> Step {
        Step::of(self.0.order().state)
    }
}
