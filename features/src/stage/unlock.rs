//! PINs and an unlock in strides: what the holder, the assistant and the call centre do on the way to a new PIN.

use ukey_device::{ErrorKind, PinType};
use ukey_flows::{
    FlowError, SIGNER_ID,
    api::{CallDecision, IdentityWay, OrderState},
    key::MyCertificate,
    pin,
    unlock::{SMS_PASSED_ZH, Unlocking},
};

use ukey_pki::sm2;

use super::{Business, Stage, typed};
use crate::people;

impl Stage {
    /// 修改密码, from the PIN that the holder knows.
    pub(crate) fn change_pin(&mut self, entry: &str, again: &str) -> Result<(), FlowError> {
        let (device, old) = (self.device(), self.key().pin.clone());
        let rule = self.client().profile()?.pin;
        pin::change(&device, &rule, &typed(&old), entry, again)?;
        self.key().pin = entry.to_owned();
        Ok(())
    }

    /// Signs with the sign key in the key, by this PIN; the certificate beside it verifies what was signed.
    pub(crate) fn sign_by(&mut self, pin: &str) -> Result<(), FlowError> {
        let device = self.device();
        let mine = MyCertificate::read(&device)?;
        let application = mine.open_application(&device)?;
        application.verify_pin(PinType::User, &typed(pin))?;
        let public_key = mine.sign.public_key()?;
        let digest = sm2::digest(&public_key, SIGNER_ID, "合同".as_bytes());
        let signature = application.open_container(&mine.container)?.sign_digest(&digest);
        application.clear_secure_state()?;
        let verified = sm2::verify_digest(&public_key, &digest, &signature?.to_bytes().into());
        assert!(verified.is_ok(), "签名与UKey里的证书不符");
        Ok(())
    }

    /// Wrong PINs until the key is locked; notes what each try tells.
    pub(crate) fn lock_key(&mut self) {
        let device = self.device();
        self.tries_told.clear();
        for number in 0..u8::MAX {
            let wrong = format!("wrong{number:03}");
            let error = pin::check(&device, &typed(&wrong)).expect_err("a wrong PIN");
            let FlowError::Key(error) = error else { panic!("{error}") };
            assert!(!matches!(error.kind(), ErrorKind::LastTry { .. }), "{error}");
            let left = error.tries_left().expect("a wrong PIN tells the tries left");
            self.tries_told.push(left);
            if left == 0 {
                return;
            }
        }
        panic!("the key does not lock");
    }

    /// 找回密码.
    pub(crate) fn begin_unlock(&mut self) -> Result<(), FlowError> {
        let unlocking = Unlocking::begin(&self.client(), &self.attached(), None)?;
        self.take_up(Business::Unlock(Box::new(unlocking)));
        Ok(())
    }

    /// 找回密码 once more, with the new PIN that was typed before: it may be in the key already.
    pub(crate) fn begin_unlock_again(&mut self, entry: &str) -> Result<(), FlowError> {
        let unlocking = Unlocking::begin(&self.client(), &self.attached(), Some(&typed(entry)))?;
        self.take_up(Business::Unlock(Box::new(unlocking)));
        Ok(())
    }

    /// 获取短信验证码 with the number on record.
    pub(crate) fn ask_for_code(&mut self) -> Result<(), FlowError> {
        let phone = self.holder.phone();
        self.sent = Some(self.unlocking().send_code(Some(phone))?);
        Ok(())
    }

    pub(crate) fn enter_code(&mut self) -> Result<(), FlowError> {
        let code = self.code(self.holder.phone(), "unlock", 0);
        self.unlocking().enter_code(&code)?;
        self.shown = SMS_PASSED_ZH.to_owned();
        Ok(())
    }

    /// From 找回密码 to a passed SMS check, paying if it costs.
    pub(crate) fn verify_by_sms(&mut self) -> Result<(), FlowError> {
        self.begin_unlock()?;
        if self.order().state == OrderState::Unpaid {
            self.pay()?;
        }
        self.ask_for_code()?;
        self.enter_code()
    }

    /// From 找回密码 to a passed authorisation code.
    pub(crate) fn verify_by_identity(&mut self, way: IdentityWay) -> Result<(), FlowError> {
        self.begin_unlock()?;
        self.unlock_identity(way)?;
        self.enter_authorisation()
    }

    pub(crate) fn unlock_identity(&mut self, way: IdentityWay) -> Result<(), FlowError> {
        let check = self.holder.check(way);
        self.sent = Some(self.unlocking().check_identity(&check)?);
        self.check = Some(check);
        Ok(())
    }

    /// 解锁授权码, where the way of the identity check sends it.
    pub(crate) fn authorisation(&self) -> String {
        let check = self.check.as_ref().expect("an identity check came before");
        self.code(people::recipient(check), "authorisation", 0)
    }

    pub(crate) fn enter_authorisation(&mut self) -> Result<(), FlowError> {
        let code = self.authorisation();
        self.unlocking().enter_authorisation(&code)
    }

    pub(crate) fn reset_pin(&mut self, entry: &str, again: &str) -> Result<(), FlowError> {
        let known = self.attached();
        self.unlocking().reset_pin(&known, entry, again)?;
        self.key().pin = entry.to_owned();
        self.shown = self.unlocking().prompt_zh().to_owned();
        Ok(())
    }

    /// 忘记手机号: the papers, up to the unlock code.
    pub(crate) fn send_papers(&mut self) -> Result<(), FlowError> {
        self.unlocking().send_papers()?;
        self.shown = self.unlocking().prompt_zh().to_owned();
        Ok(())
    }

    /// The unlock code on the screen.
    pub(crate) fn unlock_code(&mut self) -> String {
        self.unlocking().unlock_code().expect("an unlock code is on the screen").to_owned()
    }

    pub(crate) fn call(&mut self, code: &str, approve: bool, reason: Option<&str>) -> Result<(), FlowError> {
        let reason = reason.map(str::to_owned);
        let decision = CallDecision { code: code.into(), approve, reason };
        self.client().decide_call(&"desk-call-centre".into(), &decision).map(drop)
    }
}
