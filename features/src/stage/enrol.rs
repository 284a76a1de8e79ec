//! An enrolment in strides: what the applicant and the desks do on the way to a key.

use std::sync::Arc;

use ukey_device::Device;
use ukey_flows::{
    FlowError,
    api::{AccountKind, Decision, EnrolForm, IdentityWay, OrderState, Paper, ReviewDecision},
    enrol::Enrolling,
    production::ProductionDesk,
    reissue::APPLIED_ZH,
};

use super::{Business, GIF, Stage};
use crate::people::{self, Holder};

impl Stage {
    /// 填写申请信息, 下一步.
    pub(crate) fn place(&mut self, holder: Holder, channel: Option<&str>) -> Result<(), FlowError> {
        self.holder = holder;
        let form = self.form.clone().unwrap_or_else(|| holder.form());
        self.business = Some(Business::Enrol(Enrolling::place_in(&self.client(), channel, form)?));
        Ok(())
    }

    /// An identity check with true data.
    pub(crate) fn identify(&mut self, way: IdentityWay) -> Result<(), FlowError> {
        let check = self.holder.check(way);
        self.in_hand().check_identity(&check)?;
        self.check = Some(check);
        Ok(())
    }

    pub(crate) fn upload_all(&mut self) -> Result<(), FlowError> {
        let papers: Vec<Paper> = self.in_hand().papers().collect();
        papers.into_iter().try_for_each(|paper| self.upload(paper, GIF))
    }

    pub(crate) fn upload(&mut self, paper: Paper, file: &[u8]) -> Result<(), FlowError> {
        self.in_hand().upload(paper, file).map(drop)
    }

    /// 签名验证 with the code that came last.
    pub(crate) fn consent(&mut self) -> Result<(), FlowError> {
        let code = self.code(self.holder.phone(), "consent", 0);
        self.in_hand().consent(&code)?;
        if let Some(Business::Reissue(_)) = self.business {
            self.shown = APPLIED_ZH.to_owned();
        }
        Ok(())
    }

    /// From the form to the payment.
    pub(crate) fn go_to_payment(&mut self, holder: Holder, channel: Option<&str>) -> Result<(), FlowError> {
        self.place(holder, channel)?;
        self.identify(holder.first_way())?;
        self.in_hand().confirm()?;
        self.upload_all()?;
        self.in_hand().submit()?;
        self.consent()
    }

    /// An application that is complete, in the way of the authority: by order, or with an account by the wizard.
    pub(crate) fn apply(&mut self, holder: Holder, channel: Option<&str>) -> Result<(), FlowError> {
        if self.client().profile()?.wizard.is_none() {
            return self.go_to_payment(holder, channel);
        }
        let (kind, name) = match holder {
            Holder::Unit => (AccountKind::Enterprise, "unit"),
            Holder::Zhang => (AccountKind::Personal, "zhang"),
            Holder::Li => (AccountKind::Personal, "li"),
        };
        // Whoever is logged in stays so.
        let before = (self.session.take(), self.account.take());
        self.register(holder, kind, &format!("{name}-{}", self.keys.len()))?;
        self.log_in_by_account()?;
        let applied = self.wizard_to_payment(holder);
        (self.session, self.account) = before;
        applied
    }

    /// An application that waits for its review.
    pub(crate) fn apply_and_pay(&mut self, holder: Holder, channel: Option<&str>) -> Result<(), FlowError> {
        self.apply(holder, channel)?;
        if self.refreshed().state == OrderState::Unpaid {
            self.pay()?;
        }
        Ok(())
    }

    /// The form that a holder fills truthfully, as the authority wants it.
    pub(crate) fn true_form(&self, holder: Holder) -> EnrolForm {
        let wizard = self.client().profile().expect("the profile").wizard;
        if wizard.is_some() { holder.wizard_form() } else { holder.form() }
    }

    pub(crate) fn decide(&mut self, decision: Decision, reason: Option<&str>) -> Result<(), FlowError> {
        let order = self.in_hand().order().id.clone();
        let decision = ReviewDecision { decision, reason: reason.map(str::to_owned) };
        self.client().decide(&"desk-review".into(), &order, &decision)?;
        self.in_hand().refresh().map(drop)
    }

    /// The production desk makes the key of the order, of this blank one.
    pub(crate) fn make_key(&mut self, device: &Device) -> Result<(), FlowError> {
        let order = self.in_hand().order().id.clone();
        let desk = ProductionDesk::new(&self.client(), &"desk-production".into());
        let made = desk.of_blank_keys_with(self.blank_key(device)).make(&order, device);
        let order = self.in_hand().refresh()?;
        let serial = order.new_certificate_serial.clone().or(order.certificate_serial.clone());
        self.certificates.extend(serial.filter(|serial| !self.certificates.contains(serial)));
        made.map(drop)
    }

    /// 签收: the key is in the holder's hand, its PIN is the certificate password.
    pub(crate) fn receive(&mut self) -> Result<(), FlowError> {
        self.in_hand().receive()?;
        let holder = self.holder;
        let password = self.certificate_password();
        let key = self.key();
        (key.holder, key.pin) = (Some(holder), password);
        Ok(())
    }

    /// 证书密码, where the way of the identity check sends it.
    pub(crate) fn certificate_password(&self) -> String {
        // The wizard has no identity check: the password goes to the handler.
        let recipient = self.check.as_ref().map_or(self.holder.phone(), people::recipient);
        self.code(recipient, "password", 0)
    }

    /// The whole of an enrolment, up to a key with the PIN that it was personalised with.
    pub(crate) fn enrolled_key(
        &mut self,
        holder: Holder,
        channel: Option<&str>,
    ) -> Result<Arc<Device>, FlowError> {
        self.apply_and_pay(holder, channel)?;
        self.decide(Decision::Pass, None)?;
        let key = self.take_blank_key()?;
        self.make_key(&key)?;
        self.receive()?;
        Ok(key)
    }

    /// The whole of an enrolment, and a PIN of the holder's own.
    pub(crate) fn hold_key(
        &mut self,
        holder: Holder,
        channel: Option<&str>,
        new_pin: &str,
    ) -> Result<(), FlowError> {
        self.enrolled_key(holder, channel)?;
        self.change_pin(new_pin, new_pin)
    }
}
