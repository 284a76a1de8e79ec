//! A hall on a real socket, a client for it, and people who go through its flows.

#![allow(dead_code, unreachable_pub, reason = "every test takes what it needs")]

pub mod pdf;

use serde::{Serialize, de::DeserializeOwned};
use ukey_apdu::{
    dialect::Dialect,
    pin::{Pin, PinKey, SealedPinBuf},
};
use ukey_hall::{Config, Hall, OpenError, Profile, api::*};
use ukey_pki::{Certificate, Crl, CsrResponse, KeyPair, Name, Request, RevocationReason, sm2};

pub const UNIT_CODE: &str = "91000000MA0000001R";
pub const HANDLER_PHONE: &str = "13800001111";
pub const LEGAL_PHONE: &str = "13900002222";
pub const HOLDER_PHONE: &str = "13700003333";
pub const HOLDER_ID: &str = "110105199003070017";
pub const GIF: &[u8] = b"GIF89a\x01\0\x01\0\0\0\0;padding;";

pub struct Bench {
    runtime: tokio::runtime::Runtime,
    pub hall: Hall,
    base: String,
    agent: ureq::Agent,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
}

pub struct Reply {
    pub status: u16,
    pub kind: String,
    pub body: Vec<u8>,
}

impl Reply {
    #[track_caller]
    pub fn read<T: DeserializeOwned>(&self) -> T {
        assert!(
            (200..300).contains(&self.status),
            "{}: {}",
            self.status,
            String::from_utf8_lossy(&self.body)
        );
        serde_json::from_slice(&self.body).unwrap()
    }

    #[track_caller]
    pub fn done(&self) {
        assert_eq!(self.status, 204, "{}", String::from_utf8_lossy(&self.body));
    }

    /// The refusal; its status, content type and words must hang together.
    #[track_caller]
    pub fn refused(&self, kind: ProblemType) -> Problem {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.kind, "application/problem+json", "{}: {text}", self.status);
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.kind, kind, "{text}");
        assert_eq!((problem.status, self.status), (kind.status(), kind.status()));
        assert!(!problem.detail.is_empty() && !problem.detail_zh.is_empty());
        problem
    }
}

impl Bench {
    pub fn new(profile: &str) -> Self {
        Self::with(Config::simulated(Profile::built_in(profile).unwrap(), 20_260_302))
    }

    pub fn with(config: Config) -> Self {
        Self::serve(Hall::open(config))
    }

    /// Opens a hall and serves it, on one runtime.
    pub fn serve(hall: impl Future<Output = Result<Hall, OpenError>>) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (hall, listener) = runtime.block_on(async {
            (hall.await.unwrap(), tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap())
        });
        let address = listener.local_addr().unwrap();
        let served = hall.clone();
        runtime.spawn(async move {
            served.serve(listener, async { drop(stopped.await) }).await.unwrap();
        });
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Self { runtime, hall, base: format!("http://{address}"), agent, stop: Some(stop) }
    }

    /// Runs something of tokio's.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Reply {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = self.agent.run(request.body(body).unwrap()).unwrap();
        let kind =
            response.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap()).to_owned();
        let body = response.body_mut().with_config().limit(1 << 26).read_to_vec().unwrap();
        Reply { status: response.status().as_u16(), kind, body }
    }

    fn send(&self, method: &str, path: &str, token: &str, kind: Option<&str>, body: Vec<u8>) -> Reply {
        let bearer = format!("Bearer {token}");
        let mut headers = Vec::new();
        if !token.is_empty() {
            headers.push(("authorization", bearer.as_str()));
        }
        headers.extend(kind.map(|kind| ("content-type", kind)));
        self.raw(method, path, &headers, body)
    }

    pub fn get(&self, path: &str, token: &str) -> Reply {
        self.send("GET", path, token, None, Vec::new())
    }

    pub fn post(&self, path: &str, token: &str, body: &impl Serialize) -> Reply {
        self.send("POST", path, token, Some("application/json"), serde_json::to_vec(body).unwrap())
    }

    /// A POST without a body.
    pub fn press(&self, path: &str, token: &str) -> Reply {
        self.send("POST", path, token, None, Vec::new())
    }

    pub fn put(&self, path: &str, token: &str, body: &impl Serialize) -> Reply {
        self.send("PUT", path, token, Some("application/json"), serde_json::to_vec(body).unwrap())
    }

    pub fn upload(&self, path: &str, token: &str, body: &[u8]) -> Reply {
        self.send("PUT", path, token, Some("application/octet-stream"), body.to_vec())
    }

    pub fn delete(&self, path: &str, token: &str) -> Reply {
        self.send("DELETE", path, token, None, Vec::new())
    }

    /// Moves the clock.
    pub fn wait(&self, seconds: u64) {
        self.post("/_sim/clock", "", &ClockAdvance { seconds: Some(seconds), to: None }).read::<ClockView>();
    }

    pub fn outbox(&self, recipient: &str) -> Vec<OutboxMessage> {
        self.get(&format!("/_sim/outbox?recipient={recipient}"), "").read()
    }

    /// The latest code or password that was sent there.
    #[track_caller]
    pub fn code(&self, recipient: &str) -> Secret {
        let messages = self.outbox(recipient);
        Secret(messages.iter().rev().find_map(|message| message.code.clone()).expect("a code was sent"))
    }

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
        self.post(&un(placed, "cryptogram"), token(placed), &CardChallenge { challenge })
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

    /// Moves the clock to a moment of Shanghai.
    pub fn come_to(&self, moment: &str) {
        let to = Some(format!("{moment}+08:00").parse().unwrap());
        self.post("/_sim/clock", "", &ClockAdvance { seconds: None, to }).read::<ClockView>();
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

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        // The files of a database are read, copied or opened again after this.
        self.runtime.block_on(self.hall.close());
    }
}

/// A key as a software pair, with what the desk wrote into it.
pub struct Key {
    pub pair: KeyPair,
    pub serial: String,
    pub response: CsrResponse,
    pub person: Personalisation,
    pub device: String,
}

impl Key {
    pub fn sign(&self, message: &[u8]) -> Hex {
        sign(&self.pair, message)
    }

    pub fn answer(&self, challenge: &LoginChallenge) -> CertificateLogin {
        CertificateLogin {
            nonce: challenge.nonce.clone(),
            certificate: self.response.sign_certificate().der().into(),
            signature: self.sign(&login_message(&challenge.hall, &self.serial, &challenge.nonce)),
        }
    }

    /// What the token does with an UnblockPin: the new user PIN, or nothing when the cryptogram is not for it.
    pub fn unblocked(&self, answer: &UnblockAnswer, challenge: [u8; 8]) -> Option<String> {
        let admin = Pin::new(self.person.admin_pin.reveal().as_bytes()).unwrap();
        let sealed =
            SealedPinBuf::new(&answer.cryptogram.0, answer.mac.0.as_slice().try_into().unwrap()).unwrap();
        let key = PinKey::derive(&Dialect::GM2012, &admin);
        let pin = key.open(&Dialect::GM2012, sealed.as_sealed(), &challenge, [0; 4], [0; 2])?;
        Some(String::from_utf8(pin.as_bytes().to_vec()).unwrap())
    }
}

pub fn sign(pair: &KeyPair, message: &[u8]) -> Hex {
    let e = sm2::digest(&pair.public_key(), sm2::DEFAULT_ID, message);
    Hex(pair.sign_digest(&e).unwrap().to_bytes().to_vec())
}

pub fn key_pair(name: &str) -> KeyPair {
    let mut secret = [7; 32];
    secret[..name.len()].copy_from_slice(name.as_bytes());
    KeyPair::from_bytes(&secret).unwrap()
}

pub fn csr(pair: &KeyPair) -> Vec<u8> {
    let name = Name::builder().country("CN").common_name("任意").build().unwrap();
    Request::build(&name, pair).unwrap().der().to_vec()
}

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

pub fn unit_form() -> UnitForm {
    UnitForm {
        name: "示例科技有限公司".into(),
        credit_code: UNIT_CODE.into(),
        legal_person: "李四".into(),
        legal_person_id: "110105198501010020".into(),
        handler: Contact {
            name: "张三".into(),
            id_number: HOLDER_ID.into(),
            phone: HANDLER_PHONE.into(),
            email: "zhangsan@example.com".into(),
        },
        address: "示例市示例路1号".into(),
        registration: None,
    }
}

pub fn unit() -> EnrolForm {
    EnrolForm::Unit(unit_form())
}

pub fn person() -> EnrolForm {
    EnrolForm::Person(PersonForm {
        holder: Contact {
            name: "张三".into(),
            id_number: HOLDER_ID.into(),
            phone: HOLDER_PHONE.into(),
            email: "zhangsan@example.com".into(),
        },
        address: "示例市示例路2号".into(),
    })
}

pub fn legal_phone() -> IdentityCheck {
    IdentityCheck::LegalPersonPhone { phone: LEGAL_PHONE.into() }
}

pub fn holder_phone() -> IdentityCheck {
    IdentityCheck::HolderPhone { phone: HOLDER_PHONE.into() }
}

pub fn invoice_form() -> InvoiceForm {
    InvoiceForm {
        title: "示例科技有限公司".into(),
        tax_number: UNIT_CODE.into(),
        phone: HANDLER_PHONE.into(),
        email: "fapiao@example.com".into(),
        bank: None,
        address: None,
    }
}
