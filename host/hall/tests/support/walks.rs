//! The ways through the hall, each on from the one before.

use super::{Bench, GIF, Key, Reply, csr, key_pair, legal_phone, sign, unit};
use serde::Serialize;
use ukey_hall::api::*;
use ukey_pki::{Certificate, Crl, CsrResponse, KeyPair, RevocationReason};

pub fn token(placed: &Placed) -> &str {
    placed.token.reveal()
}

/// A path of an order.
pub fn at(placed: &Placed, what: &str) -> String {
    format!("/api/orders/{}/{what}", placed.order.id).trim_end_matches('/').to_owned()
}

/// A path of an unlock order.
pub fn un(placed: &Placed, what: &str) -> String {
    format!("/api/unlocks/{}/{what}", placed.order.id)
}

pub fn contact_phone(order: &Order) -> String {
    match order.form.as_ref().unwrap() {
        EnrolForm::Unit(unit) => unit.handler.phone.clone(),
        EnrolForm::Person(person) => person.holder.phone.clone(),
    }
}

impl Bench {
    pub fn expect_identity(&self, outcome: IdentityOutcome) {
        self.post("/_sim/identity", "", &NextOutcome { way: None, outcome }).done();
    }

    pub fn pay(&self, payment: &Payment, outcome: PaymentOutcome) {
        self.post(&payment.page, "", &PaymentAct { outcome }).done();
    }

    pub fn open_payment(&self, order: &Placed) -> Payment {
        let request = PaymentRequest { way: "alipay".into(), agreed: true };
        self.post(&at(order, "payment"), token(order), &request).read()
    }

    pub fn order(&self, order: &Placed) -> Order {
        self.get(&at(order, ""), token(order)).read()
    }

    pub fn place(&self, form: EnrolForm) -> Placed {
        self.post("/api/enrolments", "", &Enrolment { channel: None, form }).read()
    }

    /// Form, identity check, confirmation.
    pub fn confirmed(&self, form: EnrolForm, check: IdentityCheck) -> Placed {
        let placed = self.place(form);
        self.post(&at(&placed, "identity"), token(&placed), &check).read::<Order>();
        self.press(&at(&placed, "confirm"), token(&placed)).read::<Order>();
        placed
    }

    pub fn upload_papers(&self, placed: &Placed) {
        for paper in &placed.order.papers {
            let name = serde_json::to_value(paper.paper).unwrap();
            let path = at(placed, &format!("papers/{}", name.as_str().unwrap()));
            self.upload(&path, token(placed), GIF).read::<PaperReceipt>();
        }
    }

    /// … papers, consent: the order waits for payment.
    pub fn unpaid(&self, form: EnrolForm, check: IdentityCheck) -> Placed {
        let placed = self.confirmed(form, check);
        self.upload_papers(&placed);
        self.press(&at(&placed, "submit"), token(&placed)).read::<Order>();
        let phone = contact_phone(&placed.order);
        let code = self.code(&phone);
        let order: Order = self.post(&at(&placed, "consent"), token(&placed), &CodeEntry { code }).read();
        assert_eq!(order.state, OrderState::Unpaid);
        placed
    }

    /// … payment: the order waits for the review.
    pub fn in_review(&self, form: EnrolForm, check: IdentityCheck) -> Placed {
        let placed = self.unpaid(form, check);
        let payment = self.open_payment(&placed);
        self.pay(&payment, PaymentOutcome::Paid);
        assert_eq!(self.order(&placed).state, OrderState::InReview);
        placed
    }

    pub fn decide(&self, placed: &Placed, decision: Decision, reason: Option<&str>) -> Reply {
        let told = ReviewDecision { decision, reason: reason.map(Into::into) };
        self.post(&format!("/api/desk/review/orders/{}/decision", placed.order.id), "desk-review", &told)
    }

    pub fn job(&self, placed: &Placed, what: &str, body: &impl Serialize) -> Reply {
        self.post(&format!("/api/desk/production/jobs/{}/{what}", placed.order.id), "desk-production", body)
    }

    /// The whole of an enrolment: a key in the holder's hand.
    pub fn enrolled(&self, form: EnrolForm, check: IdentityCheck, device: &str) -> Key {
        let placed = self.in_review(form, check);
        self.decide(&placed, Decision::Pass, None).read::<Order>();
        self.produced(&placed, device)
    }

    pub fn produced(&self, placed: &Placed, device: &str) -> Key {
        let person: Personalisation =
            self.job(placed, "start", &ProductionStart { device_serial: device.into() }).read();
        let pair = key_pair(device);
        let request = IssueRequest { device_serial: device.into(), request: csr(&pair).into() };
        let answer: IssueAnswer = self.job(placed, "issue", &request).read();
        let response = CsrResponse::from_der(&answer.response.0).unwrap();
        self.job(placed, "finish", &ProductionFinish { device_serial: device.into() })
            .read::<ProductionJob>();
        self.press(&at(placed, "received"), token(placed)).read::<Order>();
        Key { pair, serial: answer.serial, response, person, device: device.into() }
    }

    pub fn unit_key(&self) -> Key {
        self.enrolled(unit(), legal_phone(), "DEV0001")
    }

    pub fn open_unlock(&self, key: &Key) -> Reply {
        let request = UnlockRequest {
            certificate: Some(key.response.sign_certificate().der().into()),
            serial: None,
            device_serial: key.device.clone(),
        };
        self.post("/api/unlocks", "", &request)
    }

    /// An unlock order, verified by SMS.
    pub fn verified_by_sms(&self, key: &Key, phone: &str) -> Placed {
        let placed: Placed = self.open_unlock(key).read();
        if placed.order.state == OrderState::Unpaid {
            let payment = self.open_payment(&placed);
            self.pay(&payment, PaymentOutcome::Paid);
        }
        self.post(&un(&placed, "code"), token(&placed), &PhoneEntry { phone: Some(phone.into()) })
            .read::<CodeSent>();
        let code = self.code(phone);
        let order: Order = self.post(&un(&placed, "code/verify"), token(&placed), &CodeEntry { code }).read();
        assert_eq!(order.state, OrderState::Verified);
        placed
    }

    pub fn unblock(&self, placed: &Placed, challenge: [u8; 8]) -> Reply {
        let challenge = Hex(challenge.to_vec());
        self.post(&un(placed, "cryptogram"), token(placed), &CardChallenge { challenge, sealing: None })
    }

    pub fn confirm_unlock(&self, placed: &Placed, key: &Key, nonce: &Hex) -> Reply {
        let signature = key.sign(&unlock_message(&placed.order.id, nonce));
        self.post(&un(placed, "confirm"), token(placed), &Confirmation { signature })
    }

    /// 证件号码查询 with the code that came to the phone on record.
    pub fn held(&self, kind: SubjectKind, number: &str, phone: &str) -> HeldCertificates {
        let request = QueryRequest { kind, number: number.into() };
        let opened: QueryOpened = self.post("/api/certificate-queries", "", &request).read();
        let code = self.code(phone);
        self.post(&format!("/api/certificate-queries/{}/result", opened.query), "", &CodeEntry { code })
            .read()
    }

    pub fn reissue(&self, held: &HeldCertificates, serial: &str, reason: ReissueReason) -> Reply {
        let request = ReissueRequest { serial: serial.into(), reason, agreed: true };
        self.post("/api/reissues", held.token.reveal(), &request)
    }

    /// From the placed order to the consent.
    pub fn applied(&self, placed: &Placed, check: &IdentityCheck) -> Order {
        self.post(&at(placed, "identity"), token(placed), check).read::<Order>();
        self.press(&at(placed, "confirm"), token(placed)).read::<Order>();
        self.upload_papers(placed);
        self.press(&at(placed, "submit"), token(placed)).read::<Order>();
        let code = self.code(&contact_phone(&placed.order));
        self.post(&at(placed, "consent"), token(placed), &CodeEntry { code }).read()
    }

    /// The present revocation list, checked against the authority.
    pub fn list(&self) -> Crl {
        let reply = self.get("/api/authority/crl", "");
        assert_eq!((reply.status, reply.kind.as_str()), (200, "application/pkix-crl"));
        let list = Crl::from_der(&reply.body).unwrap();
        let chain: AuthorityView = self.get("/api/authority/certificates", "").read();
        list.verify(&Certificate::from_der(&chain.chain[0].0).unwrap()).unwrap();
        list
    }

    /// Why the list names both certificates of a key, or neither.
    pub fn listed(&self, key: &Key) -> Option<RevocationReason> {
        let list = self.list();
        let reason =
            |certificate: &Certificate| list.find(certificate.serial()).map(|entry| entry.reason.unwrap());
        let sign = reason(key.response.sign_certificate());
        assert_eq!(sign, reason(key.response.encryption_certificate().unwrap()), "one fate for a pair");
        sign
    }

    /// 证书更新: the key proves itself.
    pub fn open_renewal(&self, key: &Key, session: &str) -> Reply {
        self.prove(key, "/api/renewals", renewal_message, session)
    }

    /// 信息变更: the key proves itself.
    pub fn open_change(&self, key: &Key) -> Reply {
        self.prove(key, "/api/changes", change_message, "")
    }

    fn prove(&self, key: &Key, path: &str, message: fn(&str, &str, &Hex) -> Vec<u8>, session: &str) -> Reply {
        let challenge: LoginChallenge = self.press("/api/sessions/challenges", "").read();
        let signature = key.sign(&message(&challenge.hall, &key.device, &challenge.nonce));
        let certificate = key.response.sign_certificate().der().into();
        let proof =
            KeyProof { nonce: challenge.nonce, certificate, device_serial: key.device.clone(), signature };
        self.post(path, session, &proof)
    }

    pub fn download(&self, placed: &Placed, device: &str, pair: &KeyPair) -> Reply {
        let container = "CERT1.2".to_owned();
        let download = Download { device_serial: device.to_owned(), container, request: csr(pair).into() };
        self.post(&at(placed, "download"), token(placed), &download)
    }

    /// The new key tells what it read back.
    pub fn written(&self, placed: &Placed, pair: &KeyPair, answer: &IssueAnswer) -> Reply {
        let response = CsrResponse::from_der(&answer.response.0).unwrap();
        let serial = response.sign_certificate().serial().to_string();
        let encryption_serial = response.encryption_certificate().unwrap().serial().to_string();
        let signature = sign(pair, &written_message(&placed.order.id, &serial, &encryption_serial));
        self.post(&at(placed, "written"), token(placed), &Written { serial, encryption_serial, signature })
    }

    /// 下载证书 from end to end: the key as it is afterwards.
    pub fn rewritten(&self, placed: &Placed, key: &Key, name: &str) -> Key {
        let pair = key_pair(name);
        let answer: IssueAnswer = self.download(placed, &key.device, &pair).read();
        let done: Order = self.written(placed, &pair, &answer).read();
        assert_eq!(done.state, OrderState::Completed);
        let response = CsrResponse::from_der(&answer.response.0).unwrap();
        Key { pair, serial: answer.serial, response, person: key.person.clone(), device: key.device.clone() }
    }

    /// The code of an order that rewrites the key.
    pub fn verified(&self, placed: &Placed, phone: &str) -> Reply {
        self.press(&at(placed, "code"), token(placed)).read::<CodeSent>();
        let code = self.code(phone);
        self.post(&at(placed, "code/verify"), token(placed), &CodeEntry { code })
    }

    pub fn login(&self, key: &Key) -> Reply {
        let challenge: LoginChallenge = self.press("/api/sessions/challenges", "").read();
        self.post("/api/sessions/certificate", "", &key.answer(&challenge))
    }
}
