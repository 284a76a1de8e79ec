//! Certificates whose key is lost or no longer wanted, in strides: query, reissue, revocation, what is published.

use jiff::Timestamp;
use ukey_flows::{
    FlowError,
    api::{Decision, QueryRequest, ReissueReason, RevocationReason, SubjectKind},
    key::MyCertificate,
    query::Query,
    reissue::Reissuing,
    revoke::Revoking,
};
use ukey_pki::{Certificate, Crl, Revoked};

use super::{Business, Stage, typed};
use crate::people::Holder;

/// What a holder is asked for.
pub(crate) fn request(holder: Holder, number: &str) -> QueryRequest {
    let kind = if holder == Holder::Unit { SubjectKind::Unit } else { SubjectKind::Person };
    QueryRequest { kind, number: number.to_owned() }
}

impl Stage {
    /// 证件号码, 查询, 发送验证码.
    pub(crate) fn ask_for_certificates(&mut self, holder: Holder, number: &str) -> Result<(), FlowError> {
        self.certificate_query = Some(Query::of_certificates(&self.client(), &request(holder, number))?);
        Ok(())
    }

    /// 确定, with this code.
    pub(crate) fn enter_certificate_code(&mut self, code: &str) -> Result<(), FlowError> {
        let query = self.certificate_query.as_ref().expect("a certificate query is open");
        self.held = Some(query.certificates(code)?);
        Ok(())
    }

    /// The whole query.
    pub(crate) fn find_certificates(&mut self, holder: Holder) -> Result<(), FlowError> {
        self.holder = holder;
        self.ask_for_certificates(holder, holder.number())?;
        let code = self.code(holder.phone(), "holder", 0);
        self.enter_certificate_code(&code)
    }

    /// 补办 of one of the certificates found, by its place from 1; the newest is the first.
    pub(crate) fn begin_reissue(
        &mut self,
        place: usize,
        reason: ReissueReason,
        agreed: bool,
    ) -> Result<(), FlowError> {
        let held = self.held.as_ref().expect("certificates were found");
        let serial = held.certificates.get(place - 1).expect("a certificate at this place").serial.clone();
        let reissuing = Reissuing::begin(&self.client(), held, &serial, reason, agreed)?;
        self.business = Some(Business::Reissue(reissuing));
        self.payment = None;
        Ok(())
    }

    /// From the query to 签名验证.
    pub(crate) fn apply_for_reissue(
        &mut self,
        holder: Holder,
        reason: ReissueReason,
    ) -> Result<(), FlowError> {
        self.find_certificates(holder)?;
        self.begin_reissue(1, reason, true)?;
        self.identify(holder.first_way())?;
        self.in_hand().confirm()?;
        self.upload_all()?;
        self.in_hand().submit()?;
        self.consent()
    }

    pub(crate) fn revoking(&mut self) -> &mut Revoking {
        match &mut self.business {
            Some(Business::Revoke(revoking)) => revoking,
            _ => panic!("there is no revocation under way"),
        }
    }

    /// 注销 of the certificate in the key, logged in with it.
    pub(crate) fn begin_revocation(&mut self, reason: RevocationReason) -> Result<(), FlowError> {
        let serial = MyCertificate::read(&self.device())?.serial();
        let session = self.session.as_ref().expect("a session").token.clone();
        let revoking = Revoking::begin(&self.client(), &session, &serial, reason)?;
        self.business = Some(Business::Revoke(revoking));
        Ok(())
    }

    /// 注销 of the newest certificate found by number and code.
    pub(crate) fn begin_revocation_without_key(&mut self, reason: RevocationReason) -> Result<(), FlowError> {
        let held = self.held.as_ref().expect("certificates were found");
        let serial = held.certificates.first().expect("a certificate").serial.clone();
        let revoking = Revoking::begin(&self.client(), &held.token, &serial, reason)?;
        self.business = Some(Business::Revoke(revoking));
        Ok(())
    }

    pub(crate) fn sign_revocation(&mut self, pin: &str) -> Result<(), FlowError> {
        let known = self.attached();
        self.revoking().sign(&known, &typed(pin))
    }

    /// The whole revocation, by the key's signature.
    pub(crate) fn revoke_by_key(&mut self, reason: RevocationReason) -> Result<(), FlowError> {
        let pin = self.key().pin.clone();
        let (client, device) = (self.client(), self.device());
        self.session = Some(ukey_flows::login::login(&client, &device, &typed(&pin))?);
        self.begin_revocation(reason)?;
        self.sign_revocation(&pin)?;
        self.revoking().confirm()?;
        self.revoking().confirm_again()
    }

    /// The entry of the key's certificates in the present revocation list, which must be the authority's and fresh.
    pub(crate) fn listed(&mut self) -> Result<Option<Revoked>, FlowError> {
        let client = self.client();
        let list = Crl::from_der(&client.crl()?)?;
        list.verify(&Certificate::from_der(&client.authority()?.chain[0].0)?)?;
        let now: Timestamp = client.clock()?.now;
        assert!(list.is_current(now), "吊销列表已过期");
        let mine = MyCertificate::read(&self.device())?;
        let entry = list.find(mine.sign.serial()).cloned();
        let encryption = mine.encryption.as_ref().and_then(|certificate| list.find(certificate.serial()));
        assert_eq!(entry.is_some(), encryption.is_some(), "签名证书与加密证书应同时列入");
        Ok(entry)
    }

    /// Passes, makes the new key of a blank one, receives it.
    pub(crate) fn finish_reissue(&mut self) -> Result<(), FlowError> {
        self.decide(Decision::Pass, None)?;
        let blank = self.take_blank_key()?;
        self.make_key(&blank)?;
        self.receive()
    }
}
