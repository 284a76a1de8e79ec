//! 找回密码 (U-01 to U-34): a locked key is unlocked online.
//!
//! The hall keeps the order by certificate, so the flow is taken up wherever it stopped: [`Unlocking::begin`] finds it,
//! [`Unlocking::step`] says what is next. The key is unlocked in two moves: [`Unlocking::unblock`] sets a one-time PIN
//! that the hall made, [`Unlocking::reset_pin`] goes on at once and changes it, on the key, to the one the holder typed.
//! The hall forgets the one-time PIN only when the key itself has signed that it works; until then both can be repeated.

use ukey_device::{Device, Pin, PinType, SealedPinBuf};
use ukey_hall::api::{
    CardChallenge, CodeSent, Confirmation, Hex, IdentityCheck, Invoice, InvoiceForm, Lane, Order, OrderState,
    Paper, PaperReceipt, Payment, PaymentRequest, PhoneEntry, PinRule, Secret, UnlockRequest, UnlockView,
    unlock_message,
};

use crate::key::{self, MyCertificate};
use crate::{Client, FlowError, Rule, pin};

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

/// A PIN that the hall made and the key has, until it is changed.
struct OneTime {
    pin: Pin,
    application: String,
    container: String,
    nonce: Hex,
}

/// An unlock as the assistant holds it.
pub struct Unlocking {
    client: Client,
    token: Secret,
    order: Order,
    mine: MyCertificate,
    rule: PinRule,
}

impl std::fmt::Debug for Unlocking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unlocking")
            .field("order", &self.order.id)
            .field("state", &self.order.state)
            .finish_non_exhaustive()
    }
}

impl Unlocking {
    /// 我的证书 - 找回密码: opens the unlock of the key's certificate, or takes it up where it stopped.
    ///
    /// # Errors
    /// A pulled or empty key; the hall's refusal of a foreign or revoked certificate.
    pub fn begin(client: &Client, device: &Device) -> Result<Self, FlowError> {
        let mine = MyCertificate::read(device)?;
        let rule = client.profile()?.pin;
        let placed = client.open_unlock(&UnlockRequest {
            certificate: Some(mine.sign.der().into()),
            serial: None,
            device_serial: mine.device_serial.clone(),
        })?;
        Ok(Self { client: client.clone(), token: placed.token, order: placed.order, mine, rule })
    }

    /// The order as last seen.
    #[must_use]
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// The order's bearer token.
    #[must_use]
    pub fn token(&self) -> &Secret {
        &self.token
    }

    /// The unlock's part of the order.
    pub fn view(&self) -> Result<&UnlockView, FlowError> {
        self.order.unlock.as_ref().ok_or(FlowError::Answer("the order is no unlock"))
    }

    /// Looks at the order again.
    pub fn refresh(&mut self) -> Result<&Order, FlowError> {
        self.order = self.client.order(&self.order.id, &self.token)?;
        Ok(&self.order)
    }

    /// What is to be done next.
    #[must_use]
    pub fn step(&self) -> Step {
        match self.order.state {
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
        let asks_for_completion = self.order.unlock.as_ref().is_none_or(|unlock| unlock.phone_completion);
        match self.step() {
            Step::Verify if !asks_for_completion => "请根据办理证书时提供的手机号获取短信验证码解锁",
            step => step.prompt_zh(),
        }
    }

    /// The lanes that are open now.
    #[must_use]
    pub fn lanes(&self) -> &[Lane] {
        self.order.unlock.as_ref().map_or(&[], |unlock| &unlock.lanes)
    }

    // ---- payment ----

    /// Saves the e-invoice form (U-07).
    pub fn save_invoice(&mut self, form: &InvoiceForm) -> Result<Invoice, FlowError> {
        let invoice = self.client.save_invoice(&self.order.id, &self.token, form)?;
        self.refresh()?;
        Ok(invoice)
    }

    /// 提交并支付 (U-08): opens a payment at the provider's page.
    pub fn pay(&mut self, way: &str, agreed: bool) -> Result<Payment, FlowError> {
        let request = PaymentRequest { way: way.to_owned(), agreed };
        self.client.open_payment(&self.order.id, &self.token, &request)
    }

    // ---- verification ----

    /// 获取短信验证码 (U-12): with the completed number where the hall shows only its beginning.
    pub fn send_code(&mut self, phone: Option<&str>) -> Result<CodeSent, FlowError> {
        let entry = PhoneEntry { phone: phone.map(str::to_owned) };
        self.client.unlock_code(&self.order.id, &self.token, &entry)
    }

    /// Types the SMS code (U-13).
    pub fn enter_code(&mut self, code: &str) -> Result<(), FlowError> {
        self.order = self.client.verify_unlock_code(&self.order.id, &self.token, code)?;
        Ok(())
    }

    /// 其他验证方式 or the first unlock (U-31, U-33): an identity check; the authorisation code is sent.
    pub fn check_identity(&mut self, check: &IdentityCheck) -> Result<CodeSent, FlowError> {
        let sent = self.client.unlock_identity(&self.order.id, &self.token, check)?;
        self.refresh()?;
        Ok(sent)
    }

    /// Types the authorisation code.
    pub fn enter_authorisation(&mut self, code: &str) -> Result<(), FlowError> {
        self.order = self.client.unlock_authorisation(&self.order.id, &self.token, code)?;
        Ok(())
    }

    /// 忘记手机号 (U-20): uploads one of the papers.
    pub fn upload(&mut self, paper: Paper, file: &[u8]) -> Result<PaperReceipt, FlowError> {
        let receipt = self.client.upload(&self.order.id, &self.token, paper, file)?;
        self.refresh()?;
        Ok(receipt)
    }

    /// 确认上传 (U-21): the unlock code comes (U-22).
    pub fn send_papers(&mut self) -> Result<(), FlowError> {
        self.order = self.client.send_unlock_papers(&self.order.id, &self.token)?;
        Ok(())
    }

    /// The 6-digit unlock code to read to the call centre.
    #[must_use]
    pub fn unlock_code(&self) -> Option<&str> {
        let code = self.order.unlock.as_ref()?.unlock_code.as_ref()?;
        Some(code.code.reveal())
    }

    /// 认证 (U-24): passes once the call centre has approved.
    pub fn authenticate(&mut self, code: &str) -> Result<(), FlowError> {
        self.order = self.client.authenticate_unlock(&self.order.id, &self.token, code)?;
        Ok(())
    }

    // ---- the key ----

    /// The new PIN of two entries, if they will do.
    pub fn check_entries(&self, entry: &str, again: &str) -> Result<Pin, FlowError> {
        pin::new_pin(&self.rule, entry, again)
    }

    /// Unblocks the key: its challenge goes to the hall, the hall's cryptogram to the key. The key then has a one-time PIN,
    /// which [`Unlocking::reset_pin`] replaces; this alone is half of the way.
    pub fn unblock(&mut self, device: &Device) -> Result<(), FlowError> {
        self.set_one_time(device).map(drop)
    }

    /// 确认 (U-13, U-25): unblocks the key and changes the one-time PIN to the holder's, on the key; then the key signs
    /// for the hall that it works. Can be repeated until it is done.
    ///
    /// # Errors
    /// A [`Rule`] for entries that will not do, before anything is spent; [`Rule::AnotherKey`]; a pulled key.
    pub fn reset_pin(&mut self, device: &Device, entry: &str, again: &str) -> Result<(), FlowError> {
        let new = self.check_entries(entry, again)?;
        if self.step() != Step::ResetPin {
            return Err(Rule::NotDue { due: "the verification comes first" }.into());
        }
        let one_time = self.set_one_time(device)?;
        let application = device.open_application(&one_time.application)?;
        application.change_pin(PinType::User, &one_time.pin, &new)?;
        let signature = key::as_user(&application, &new, || {
            let container = application.open_container(&one_time.container)?;
            key::sign(&container, &unlock_message(&self.order.id, &one_time.nonce))
        })?;
        let confirmation = Confirmation { signature: signature.into() };
        self.order = self.client.confirm_unlock(&self.order.id, &self.token, &confirmation)?;
        Ok(())
    }

    fn set_one_time(&mut self, device: &Device) -> Result<OneTime, FlowError> {
        let found = device.info()?.serial_number;
        if found != self.mine.device_serial {
            return Err(Rule::AnotherKey { expected: self.mine.device_serial.clone(), found }.into());
        }
        let application = device.open_application(&self.mine.application)?;
        let challenge = application.challenge()?;
        let answer = self.client.unblock(
            &self.order.id,
            &self.token,
            &CardChallenge { challenge: Hex(challenge.to_vec()) },
        )?;
        let mac = answer.mac.0.as_slice().try_into().map_err(|_| FlowError::Answer("the MAC"))?;
        let sealed =
            SealedPinBuf::new(&answer.cryptogram.0, mac).map_err(|_| FlowError::Answer("the cryptogram"))?;
        application.unblock_remote(&sealed)?;
        let pin = Pin::new(answer.one_time_pin.reveal().as_bytes());
        Ok(OneTime {
            pin: pin.map_err(|_| FlowError::Answer("the one-time PIN"))?,
            application: answer.application,
            container: answer.container,
            nonce: answer.nonce,
        })
    }
}
