//! 证书延期 and 证书修复: by order, or by the portal's ordered steps.
//!
//! Guarantees: as [`OrderInHand`]; [`Renewing::begin`] finds the renewal of the key in hand wherever it stopped, and
//! [`Renewing::step`] says what is next. Only where 初始化证书 has emptied the key is there nothing left in it to sign
//! with: then the order query finds the order (G-12), and [`Renewing::resume`] goes on.

use std::borrow::Borrow;

use ukey_device::{Device, Pin};
use ukey_hall::api::{CodeSent, OrderKind, OrderState, RewriteView, Secret, renewal_message};

use crate::error::Due;
use crate::key;
use crate::order::order_in_hand;
use crate::rewrite::{self, Opening};
use crate::{Client, FlowError, OrderInHand, Rule};

/// The message on the screen when 初始化证书, 执行延期 or 执行修复 is done.
pub const EXECUTED_ZH: &str = "执行成功";
/// The message on the screen when the new certificate is in the key.
pub const DOWNLOADED_ZH: &str = "证书下载成功";

/// What the page reminds of as long as the business goes on.
pub const KEEP_IN_ZH: &str = "证书更新时请插入需要更新的key（只插一个），在更新业务结束前，请不要拔掉key。";

/// What a renewal waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// 确认订单, after editing the page if need be.
    Confirm,
    /// An identity check: the renewal is reviewed.
    CheckIdentity,
    /// Papers, then 确认申请.
    UploadPapers,
    /// 签名验证.
    Consent,
    /// The payment.
    Pay,
    /// The review.
    Wait,
    /// To be corrected and confirmed again.
    Correct,
    /// 获取短信验证.
    Verify,
    /// 初始化证书.
    Initialise,
    /// The new certificate is to be written: 下载证书, 执行延期 or 执行修复.
    Write,
    /// Nothing any more, but what [`Renewing::write`] may have left to tidy.
    Done,
    /// Nothing any more: cancelled or refused.
    Over,
}

/// What 初始化证书 erases (AMB-09).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wipe {
    /// The containers of this certificate; seals and other containers stay.
    Container,
    /// Every container and every file of the application; its PINs stay.
    Application,
}

/// How a renewal is opened.
const RENEWAL: Opening = Opening {
    kinds: &[OrderKind::Renew, OrderKind::Repair],
    message: renewal_message,
    call: Client::open_renewal,
};

/// A renewal or repair as the assistant holds it.
#[derive(Clone, Debug)]
pub struct Renewing(OrderInHand);

order_in_hand!(Renewing, 0, resume);

impl Renewing {
    /// 证书更新 with the PIN: opens the renewal of the key's certificate, or takes it up where it stopped. The
    /// session is wanted where an expired certificate is repaired (L-10).
    ///
    /// # Errors
    /// [`Rule::NoKey`], [`Rule::SeveralKeys`], [`Rule::ChooseCertificate`]; a wrong or locked PIN, an empty key;
    /// the hall's refusal of a certificate that is too young, revoked, or has another order open.
    pub fn begin<D: Borrow<Device>>(
        client: &Client,
        known: &[D],
        pin: &Pin,
        session: Option<&Secret>,
    ) -> Result<Self, FlowError> {
        let device = key::only_one(known)?.borrow();
        Ok(Self(rewrite::open(client, device, pin, session, None, &RENEWAL)?))
    }

    /// 续订 of a chosen certificate, which must be one in the key, or have given way to one that is: then it is
    /// [`Step::Done`], and no other renewal begins because the answer to the last one was lost.
    ///
    /// # Errors
    /// [`Rule::AnotherCertificate`]; as [`Renewing::begin`].
    pub fn begin_for<D: Borrow<Device>>(
        client: &Client,
        known: &[D],
        pin: &Pin,
        session: Option<&Secret>,
        serial: &str,
    ) -> Result<Self, FlowError> {
        let device = key::only_one(known)?.borrow();
        Ok(Self(rewrite::open(client, device, pin, session, Some(serial), &RENEWAL)?))
    }

    /// The renewal's part of the order.
    pub fn view(&self) -> Result<&RewriteView, FlowError> {
        rewrite::view(&self.0)
    }

    /// What is to be done next.
    #[must_use]
    pub fn step(&self) -> Step {
        let (portal, reviewed) =
            self.0.order().rewrite.as_ref().map_or((false, false), |view| (view.portal, view.reviewed));
        match self.0.order().state {
            OrderState::Draft if reviewed => Step::CheckIdentity,
            OrderState::Draft if portal => Step::Verify,
            OrderState::Draft | OrderState::Identified => Step::Confirm,
            OrderState::Confirmed => Step::UploadPapers,
            OrderState::Submitted => Step::Consent,
            OrderState::Unpaid => Step::Pay,
            OrderState::InReview => Step::Wait,
            OrderState::Returned => Step::Correct,
            OrderState::Verified => Step::Initialise,
            OrderState::Ready | OrderState::Initialised | OrderState::Issued => Step::Write,
            OrderState::Completed => Step::Done,
            _ => Step::Over,
        }
    }

    // ---- the portal's steps (R-17, R-22) ----

    /// 获取短信验证: a code goes to the phone on record.
    pub fn send_code(&self) -> Result<CodeSent, FlowError> {
        self.0.ask(Client::rewrite_code)
    }

    /// Types the code.
    pub fn enter_code(&mut self, code: &str) -> Result<(), FlowError> {
        self.0.go(|client, order, token| client.verify_rewrite_code(order, token, code))
    }

    /// 初始化证书: the old container goes, since the hall knows the order and the code was right. The screen must say
    /// [`EXECUTED_ZH`] before 执行延期. Can be repeated.
    ///
    /// # Errors
    /// [`Rule::NotDue`] before the code, and nothing is erased; [`Rule::AnotherKey`]; a wrong PIN or a pulled key.
    pub fn initialise<D: Borrow<Device>>(
        &mut self,
        known: &[D],
        pin: &Pin,
        wipe: Wipe,
    ) -> Result<(), FlowError> {
        self.0.refresh()?;
        let view = self.view()?.clone();
        let device = key::the_one(known, &view.device_serial)?;
        match self.step() {
            Step::Initialise => {}
            Step::Write if view.portal => return Ok(()),
            _ => return Err(Rule::NotDue { due: Due::SmsCode }.into()),
        }
        let application = device.open_application(&view.application)?;
        key::as_user(&application, pin, || {
            let own = [rewrite::sibling(&view.container), view.container.clone()];
            for name in application.containers()? {
                if wipe == Wipe::Application || own.contains(&name) {
                    application.delete_container(&name)?;
                }
            }
            if wipe == Wipe::Application {
                for name in application.files()? {
                    application.delete_file(&name)?;
                }
            }
            Ok(())
        })?;
        self.0.go(|client, order, token| client.initialised(order, token, &view.device_serial))
    }

    // ---- the key ----

    /// 下载证书, 执行延期 or 执行修复: the new pair is written, read back and confirmed, then the old one deleted. Can be
    /// repeated until it is done, and after.
    ///
    /// # Errors
    /// [`Rule::NotDue`] before payment, review or 初始化证书; [`Rule::AnotherKey`]; a wrong PIN, a pulled key, no space.
    pub fn write<D: Borrow<Device>>(&mut self, known: &[D], pin: &Pin) -> Result<(), FlowError> {
        rewrite::write(&mut self.0, known, pin)
    }
}
