//! 找回密码 (U-01 to U-34): a locked key is unlocked online.
//!
//! The hall keeps the order by certificate, so the flow is taken up wherever it stopped: [`Unlocking::begin`] finds it,
//! [`Unlocking::step`] says what is next. The key is unlocked in two moves: [`Unlocking::unblock`] sets a one-time PIN
//! that the hall made, [`Unlocking::reset_pin`] goes on at once and changes it, on the key, to the one the holder typed.
//! The hall forgets the one-time PIN only when the key itself has signed that it works; until then both can be repeated.

use std::borrow::Borrow;

use ukey_device::{Device, Pin, PinType, SealedPinBuf};
use ukey_hall::api::{
    CardChallenge, CodeSent, Confirmation, Hex, IdentityCheck, Lane, OrderKind, OrderState, PhoneEntry,
    PinRule, Placed, Sealing, UnlockRequest, UnlockView, unlock_message,
};

use crate::error::Due;
use crate::key::{self, MyCertificate};
use crate::order::order_in_hand;
use crate::{Client, FlowError, OrderInHand, Rule, login, pin};

/// What an unlock waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The fee.
    Pay,
    /// The identity check of a first unlock.
    CheckIdentity,
    /// Verification in one of the open lanes.
    Verify,
    /// The authorisation code.
    EnterAuthorisation,
    /// The call centre: call and read the unlock code out, then 认证.
    CallCentre,
    /// The new PIN.
    ResetPin,
    /// Nothing any more: the PIN was reset.
    Done,
    /// Nothing any more: the order was cancelled.
    Cancelled,
}

impl Step {
    /// The assistant's line on the screen of this step.
    #[must_use]
    pub fn prompt_zh(self) -> &'static str {
        match self {
            Step::Pay => "请先支付解锁费用",
            Step::CheckIdentity => "首次解锁需要进行身份验证",
            Step::Verify => "请您补全办理证书时提供的手机号,并根据手机号获取短信验证码解锁",
            Step::EnterAuthorisation => "请输入解锁授权码",
            Step::CallCentre => "请先联系客服中心认证解锁码!",
            Step::ResetPin => "请直接重置用户口令",
            Step::Done => "您的密码已重置,谢谢使用!",
            Step::Cancelled => "订单已取消",
        }
    }
}

/// The message on the screen after the SMS code was right (U-13).
pub const SMS_PASSED_ZH: &str = "验证短信通过,请直接重置用户口令";
/// The message after the call centre approved (U-24).
pub const CODE_APPROVED_ZH: &str = "解锁码认证通过,请输入新口令!";

/// What stands in the box of the unlock code where none is wanted (U-13).
pub const NO_CODE_ZH: &str = "无需输入解锁码";

/// A PIN that the hall made and the key has, until it is changed.
struct OneTime {
    pin: Pin,
    application: String,
    container: String,
    nonce: Hex,
}

/// An unlock as the assistant holds it.
pub struct Unlocking {
    hand: OrderInHand,
    mine: MyCertificate,
    rule: PinRule,
}

impl std::fmt::Debug for Unlocking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unlocking")
            .field("order", &self.hand.order().id)
            .field("state", &self.hand.order().state)
            .finish_non_exhaustive()
    }
}

order_in_hand!(Unlocking, hand);

/// The holder's last unlock, if it is completed and the key takes this PIN.
fn finished(client: &Client, device: &Device, pin: &Pin) -> Result<Option<OrderInHand>, FlowError> {
    let session = match login::login(client, device, pin) {
        Ok(session) => session,
        // A wrong PIN; or a certificate that logs nobody in and may be unlocked all the same.
        Err(FlowError::Key(error)) if error.tries_left().is_some() => return Ok(None),
        Err(FlowError::Hall(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let orders = client.my_orders(&session.token)?;
    let last = orders
        .into_iter()
        .filter(|order| order.kind == OrderKind::Unlock)
        .max_by_key(|order| order.created_at);
    let Some(last) = last.filter(|order| order.state == OrderState::Completed) else { return Ok(None) };
    let order = client.order(&last.id, &session.token)?;
    Ok(Some(OrderInHand::new(client, Placed { token: session.token, order })))
}

impl Unlocking {
    /// 我的证书 - 找回密码: opens the unlock of the key's certificate, or takes it up where it stopped.
    ///
    /// Who was cut off at the very end cannot know whether the key has the PIN that they typed. They type it here too:
    /// where the key takes it and the hall's last unlock of the holder is completed, that one is shown as
    /// [`Step::Done`], and no other is opened and charged for. A wrong one costs a try, and is not tried on the last.
    ///
    /// # Errors
    /// [`Rule::NoKey`], [`Rule::SeveralKeys`], an empty key; the hall's refusal of a foreign or revoked
    /// certificate.
    pub fn begin<D: Borrow<Device>>(
        client: &Client,
        known: &[D],
        entry: Option<&Pin>,
    ) -> Result<Self, FlowError> {
        let device = key::only_one(known)?.borrow();
        let mine = MyCertificate::read(device)?;
        let rule = client.profile()?.pin;
        if let Some(pin) = entry.filter(|_| mine.tries_left > 1)
            && let Some(hand) = finished(client, device, pin)?
        {
            return Ok(Self { hand, mine, rule });
        }
        let placed = client.open_unlock(&UnlockRequest {
            certificate: Some(mine.sign.der().into()),
            serial: None,
            device_serial: mine.device_serial.clone(),
        })?;
        Ok(Self { hand: OrderInHand::new(client, placed), mine, rule })
    }

    /// The unlock's part of the order.
    pub fn view(&self) -> Result<&UnlockView, FlowError> {
        self.hand
            .order()
            .unlock
            .as_ref()
            .ok_or(FlowError::Answer("the order is no unlock", "该订单不是解锁订单"))
    }

    /// What is to be done next.
    #[must_use]
    pub fn step(&self) -> Step {
        match self.hand.order().state {
            OrderState::Unpaid => Step::Pay,
            OrderState::IdentityWanted => Step::CheckIdentity,
            OrderState::Authorising => Step::EnterAuthorisation,
            OrderState::PapersSubmitted | OrderState::PapersApproved => Step::CallCentre,
            OrderState::Verified => Step::ResetPin,
            OrderState::Completed => Step::Done,
            OrderState::Cancelled => Step::Cancelled,
            // Papers that were refused leave every lane open.
            _ => Step::Verify,
        }
    }

    /// The assistant's line on the screen of this step.
    #[must_use]
    pub fn prompt_zh(&self) -> &'static str {
        let asks_for_completion =
            self.hand.order().unlock.as_ref().is_none_or(|unlock| unlock.phone_completion);
        match self.step() {
            Step::Verify if !asks_for_completion => "请根据办理证书时提供的手机号获取短信验证码解锁",
            step => step.prompt_zh(),
        }
    }

    /// The lanes that are open now.
    #[must_use]
    pub fn lanes(&self) -> &[Lane] {
        self.hand.order().unlock.as_ref().map_or(&[], |unlock| &unlock.lanes)
    }

    // ---- verification ----

    /// 获取短信验证码 (U-12): with the completed number where the hall shows only its beginning.
    pub fn send_code(&self, phone: Option<&str>) -> Result<CodeSent, FlowError> {
        let entry = PhoneEntry { phone: phone.map(str::to_owned) };
        self.hand.ask(|client, order, token| client.unlock_code(order, token, &entry))
    }

    /// Types the SMS code (U-13).
    pub fn enter_code(&mut self, code: &str) -> Result<(), FlowError> {
        self.hand.go(|client, order, token| client.verify_unlock_code(order, token, code))
    }

    /// 其他验证方式 or the first unlock (U-31, U-33): an identity check; the authorisation code is sent.
    pub fn check_identity(&mut self, check: &IdentityCheck) -> Result<CodeSent, FlowError> {
        let sent = self.hand.ask(|client, order, token| client.unlock_identity(order, token, check))?;
        self.hand.refresh()?;
        Ok(sent)
    }

    /// Types the authorisation code.
    pub fn enter_authorisation(&mut self, code: &str) -> Result<(), FlowError> {
        self.hand.go(|client, order, token| client.unlock_authorisation(order, token, code))
    }

    /// 确认上传 (U-21): the unlock code comes (U-22).
    pub fn send_papers(&mut self) -> Result<(), FlowError> {
        self.hand.go(Client::send_unlock_papers)
    }

    /// The 6-digit unlock code to read to the call centre.
    #[must_use]
    pub fn unlock_code(&self) -> Option<&str> {
        let code = self.hand.order().unlock.as_ref()?.unlock_code.as_ref()?;
        Some(code.code.reveal())
    }

    /// 认证 (U-24): passes once the call centre has approved.
    pub fn authenticate(&mut self, code: &str) -> Result<(), FlowError> {
        self.hand.go(|client, order, token| client.authenticate_unlock(order, token, code))
    }

    /// What stands in the box of the unlock code (U-13, U-22): the code that waits for its approval, else that none is
    /// wanted.
    #[must_use]
    pub fn code_box_zh(&self) -> &str {
        self.unlock_code().unwrap_or(NO_CODE_ZH)
    }

    /// What stands beside the box of the new PIN (N-02).
    #[must_use]
    pub fn pin_hint_zh(&self) -> String {
        format!("({}-{}位密码)", self.rule.min, self.rule.max)
    }

    // ---- the key ----

    /// The new PIN of two entries, if they will do.
    pub fn check_entries(&self, entry: &str, again: &str) -> Result<Pin, FlowError> {
        pin::new_pin(&self.rule, entry, again)
    }

    /// Unblocks the key: its challenge goes to the hall, the hall's cryptogram to the key. The key then has a one-time PIN,
    /// which [`Unlocking::reset_pin`] replaces; this alone is half of the way.
    pub fn unblock<D: Borrow<Device>>(&self, known: &[D]) -> Result<(), FlowError> {
        let device = key::the_one(known, &self.mine.device_serial)?;
        let _alone = key::alone(device)?;
        self.set_one_time(device).map(drop)
    }

    /// 确认 (U-13, U-25): unblocks the key and changes the one-time PIN to the holder's, on the key; then the key signs
    /// for the hall that it works. Can be repeated until it is done.
    ///
    /// # Errors
    /// A [`Rule`] for entries that will not do, before anything is spent; [`Rule::AnotherKey`]; a pulled key; a wrong PIN
    /// where an earlier one turns out to be set and confirmed; [`Rule::Finished`] where that was known.
    pub fn reset_pin<D: Borrow<Device>>(
        &mut self,
        known: &[D],
        entry: &str,
        again: &str,
    ) -> Result<(), FlowError> {
        let new = self.check_entries(entry, again)?;
        if self.step() == Step::Done {
            return Err(Rule::Finished.into());
        }
        self.hand.refresh()?;
        let device = key::the_one(known, &self.mine.device_serial)?;
        match self.step() {
            Step::ResetPin => {}
            // The answer to the confirmation was lost: the key has the PIN that was typed then.
            Step::Done => return key::as_user(&self.mine.open_application(device)?, &new, || Ok(())),
            _ => return Err(Rule::NotDue { due: Due::Verification }.into()),
        }
        let _alone = key::alone(device)?;
        let one_time = self.set_one_time(device)?;
        let application = device.open_application(&one_time.application)?;
        application.change_pin(PinType::User, &one_time.pin, &new)?;
        let signature = key::as_user(&application, &new, || {
            let container = application.open_container(&one_time.container)?;
            key::sign(&container, &unlock_message(&self.hand.order().id, &one_time.nonce))
        })?;
        let confirmation = Confirmation { signature: signature.into() };
        self.hand.go(|client, order, token| client.confirm_unlock(order, token, &confirmation))
    }

    fn set_one_time(&self, device: &Device) -> Result<OneTime, FlowError> {
        let application = device.open_application(&self.mine.application)?;
        let challenge = application.challenge()?;
        let sealing = application.sealing();
        let sealing = Sealing {
            switches: sealing.switches.map(|(switch, value)| (switch.to_owned(), value.to_owned())).into(),
            application_id: Hex(sealing.application_id.to_vec()),
        };
        let challenge = CardChallenge { challenge: Hex(challenge.to_vec()), sealing: Some(sealing) };
        let answer = self.hand.ask(|client, order, token| client.unblock(order, token, &challenge))?;
        let mac = answer
            .mac
            .0
            .as_slice()
            .try_into()
            .map_err(|_| FlowError::Answer("the MAC", "解锁指令的校验码"))?;
        let sealed = SealedPinBuf::new(&answer.cryptogram.0, mac)
            .map_err(|_| FlowError::Answer("the cryptogram", "解锁密文"))?;
        application.unblock_remote(&sealed)?;
        let pin = Pin::new(answer.one_time_pin.reveal().as_bytes());
        Ok(OneTime {
            pin: pin.map_err(|_| FlowError::Answer("the one-time PIN", "一次性口令"))?,
            application: answer.application,
            container: answer.container,
            nonce: answer.nonce,
        })
    }
}
