//! 信息变更 (C-01 to C-05): contact data at once; a name or a legal person by the registry or a review, with a new
//! certificate.

use std::borrow::Borrow;

use ukey_device::{Device, Pin};
use ukey_hall::api::{CodeSent, OrderKind, OrderState, change_message};

use crate::order::order_in_hand;
use crate::rewrite::{self, Opening};
use crate::{Client, FlowError, OrderInHand, key};

/// The line on the page where nothing is reviewed (C-01).
pub const NO_PAPERS_ZH: &str = "无需提交资料，足不出户即可自助完成";
/// The line on the page of a change that is reviewed (C-05).
pub const REVIEWED_ZH: &str = "该变更需人工审核，请按要求上传资料";

/// What a change waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The new data, then 获取短信验证 and the code.
    Edit,
    /// 下一步 (a unit) or 修改 (a person).
    Confirm,
    /// Papers, then 确认申请.
    UploadPapers,
    /// The review.
    Wait,
    /// To be corrected and confirmed again.
    Correct,
    /// The new certificate is to be written.
    Write,
    /// Nothing any more.
    Done,
    /// Nothing any more: cancelled or refused.
    Over,
}

/// How a change is opened.
const CHANGE: Opening =
    Opening { kinds: &[OrderKind::Change], message: change_message, call: Client::open_change };

/// A change as the assistant holds it: its form is edited by [`OrderInHand::amend`], sent by [`OrderInHand::confirm`].
#[derive(Clone, Debug)]
pub struct Changing(OrderInHand);

order_in_hand!(Changing, 0, resume);

impl Changing {
    /// 信息变更 with the PIN (C-02): opens the change of the key's certificate, or takes it up where it stopped.
    ///
    /// # Errors
    /// A wrong or locked PIN, a pulled or empty key; the hall's refusal of an expired or revoked certificate, or of one
    /// that has another order open.
    pub fn begin<D: Borrow<Device>>(client: &Client, known: &[D], pin: &Pin) -> Result<Self, FlowError> {
        let device = key::only_one(known)?.borrow();
        Ok(Self(rewrite::open(client, device, pin, None, None, &CHANGE)?))
    }

    /// The same for a chosen certificate, as [`Renewing::begin_for`](crate::renew::Renewing::begin_for).
    ///
    /// # Errors
    /// [`Rule::AnotherCertificate`](crate::Rule::AnotherCertificate); as [`Changing::begin`].
    pub fn begin_for<D: Borrow<Device>>(
        client: &Client,
        known: &[D],
        pin: &Pin,
        serial: &str,
    ) -> Result<Self, FlowError> {
        let device = key::only_one(known)?.borrow();
        Ok(Self(rewrite::open(client, device, pin, None, Some(serial), &CHANGE)?))
    }

    /// What is to be done next.
    #[must_use]
    pub fn step(&self) -> Step {
        match self.0.order().state {
            OrderState::Draft => Step::Edit,
            OrderState::Verified => Step::Confirm,
            OrderState::Confirmed => Step::UploadPapers,
            OrderState::InReview => Step::Wait,
            OrderState::Returned => Step::Correct,
            OrderState::Ready | OrderState::Issued => Step::Write,
            OrderState::Completed => Step::Done,
            _ => Step::Over,
        }
    }

    /// The line on the page: whether papers are wanted.
    #[must_use]
    pub fn prompt_zh(&self) -> &'static str {
        let reviewed = self.0.order().rewrite.as_ref().is_some_and(|view| view.reviewed);
        if reviewed { REVIEWED_ZH } else { NO_PAPERS_ZH }
    }

    /// 获取短信验证: a code goes to the phone on record, not to the one just typed.
    pub fn send_code(&self) -> Result<CodeSent, FlowError> {
        self.0.ask(Client::rewrite_code)
    }

    /// Types the code.
    pub fn enter_code(&mut self, code: &str) -> Result<(), FlowError> {
        self.0.go(|client, order, token| client.verify_rewrite_code(order, token, code))
    }

    /// 下载证书: as [`Renewing::write`](crate::renew::Renewing::write).
    pub fn write<D: Borrow<Device>>(&mut self, known: &[D], pin: &Pin) -> Result<(), FlowError> {
        rewrite::write(&mut self.0, known, pin)
    }
}
