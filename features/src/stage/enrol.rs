//! An enrolment in strides: what the applicant and the desks do on the way to a key.

use ukey_device::Device;
use ukey_flows::{
    FlowError,
    api::{Decision, IdentityWay, Paper, ReviewDecision},
    enrol::Enrolling,
    production::ProductionDesk,
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
        self.in_hand().consent(&code)
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
        let made = desk.make(&order, device);
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

    /// The whole of an enrolment, and a PIN of the holder's own.
    pub(crate) fn hold_key(
        &mut self,
        holder: Holder,
        channel: Option<&str>,
        new_pin: &str,
    ) -> Result<(), FlowError> {
        self.go_to_payment(holder, channel)?;
        self.pay()?;
        self.decide(Decision::Pass, None)?;
        let blank = self.take_blank_key()?;
        self.make_key(&blank)?;
        self.receive()?;
        self.change_pin(new_pin, new_pin)
    }
}
