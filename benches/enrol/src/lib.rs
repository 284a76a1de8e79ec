//! A whole enrolment, through HTTP and APDUs, beside the SM2 operations it contains.
#![deny(unsafe_code)]

use std::hint::black_box;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sm2::SecretKey;
use sm2::dsa::signature::{Signer, Verifier};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm2::elliptic_curve::Generate;
use sm2::pke::DecryptingKey;
use tokio::net::TcpListener;
use ukey_device::{Options, Target};
use ukey_flows::api::{
    Contact, Decision, EnrolForm, IdentityCheck, PaymentOutcome, ReviewDecision, UnitForm,
};
use ukey_flows::{Client, FlowError, enrol::Enrolling, production::ProductionDesk};
use ukey_hall::{Config, Hall, Profile};

const LEGAL_PHONE: &str = "13900002222";
const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0\x3b";
const IDENTITY: &str = "1234567812345678";

/// A hall on a real socket of this process, and its client.
#[allow(missing_debug_implementations, reason = "a runtime has none that helps")]
pub struct EnrolBench {
    // Serves until this is dropped.
    _runtime: tokio::runtime::Runtime,
    client: Client,
    enrolled: u64,
}

impl EnrolBench {
    /// Opens the hall.
    ///
    /// # Panics
    /// When this machine has no socket to give.
    #[must_use]
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let profile = Profile::built_in("qinghe").expect("a profile that ships");
        let address = runtime.block_on(async {
            let hall = Hall::open(Config::simulated(profile, 1)).await.expect("a hall in memory");
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("its address");
            let router = hall.router();
            tokio::spawn(async move { axum::serve(listener, router).await });
            address
        });
        Self { _runtime: runtime, client: Client::new(&format!("http://{address}")), enrolled: 0 }
    }

    /// Enrols one unit, from the form to the received key.
    ///
    /// # Panics
    /// When it fails: then there is nothing to measure.
    pub fn enrol(&mut self) {
        self.enrolled += 1;
        self.run().expect("an enrolment");
    }

    fn run(&self) -> Result<(), FlowError> {
        let client = &self.client;
        // A phone gets only so many codes a day: each handler has an own one.
        let phone = format!("138{:08}", self.enrolled);
        let mut enrolling = Enrolling::place(client, form(&phone))?;
        let order = enrolling.in_hand_mut();
        order.check_identity(&IdentityCheck::LegalPersonPhone { phone: LEGAL_PHONE.into() })?;
        order.confirm()?;
        for paper in order.missing_papers().collect::<Vec<_>>() {
            order.upload(paper, GIF)?;
        }
        order.submit()?;
        let id = order.order().id.clone();
        let sent = client.outbox(Some(&phone))?;
        let code = sent
            .iter()
            .rev()
            .find(|message| message.topic == "consent")
            .and_then(|message| message.code.clone());
        order.consent(&code.expect("a consent code"))?;
        let payment = order.pay("alipay", true)?;
        client.at_payment_page(&payment.id, PaymentOutcome::Paid)?;
        let decision = ReviewDecision { decision: Decision::Pass, reason: None };
        client.decide(&"desk-review".into(), &id, &decision)?;
        let device = Target::Sim.connect(&Options { dialect: None, seed: Some(self.enrolled) })?;
        ProductionDesk::new(client, &"desk-production".into()).make(&id, &device)?;
        order.receive()
    }
}

impl Default for EnrolBench {
    fn default() -> Self {
        Self::new()
    }
}

fn form(phone: &str) -> EnrolForm {
    EnrolForm::Unit(UnitForm {
        name: "示例科技有限公司".into(),
        credit_code: "91000000MA0000001R".into(),
        legal_person: "李四".into(),
        legal_person_id: "110105198501010020".into(),
        handler: Contact {
            name: "张三".into(),
            id_number: "110105199003070017".into(),
            phone: phone.into(),
            email: "zhangsan@example.com".into(),
        },
        address: "示例市示例路1号".into(),
        registration: None,
    })
}

/// The SM2 operations of an enrolment, by the bare crate: the key makes its sign pair and signs the request, the hall
/// makes the encryption pair, signs two certificates and seals the envelope, and the key opens it and computes the
/// public key of the pair within. Whoever has a signature made verifies it before believing it, and the hall verifies
/// the request's once more.
#[allow(missing_debug_implementations, reason = "holds secrets")]
pub struct Sm2Operations {
    secret: SecretKey,
    signer: SigningKey,
    verifier: VerifyingKey,
    rng: ChaCha20Rng,
}

impl Sm2Operations {
    /// With a fixed seed.
    ///
    /// # Panics
    /// Never: the identity is short.
    #[must_use]
    pub fn new() -> Self {
        let mut rng = ChaCha20Rng::from_seed([3; 32]);
        let secret = SecretKey::generate_from_rng(&mut rng);
        let signer = SigningKey::new(IDENTITY, &secret).expect("a short identity");
        let verifier = signer.verifying_key().clone();
        Self { secret, signer, verifier, rng }
    }

    /// All of them, once.
    ///
    /// # Panics
    /// When the crate fails.
    pub fn run(&mut self) {
        const MESSAGE: &[u8] = &[0x30; 600];
        for _ in 0..2 {
            black_box(SecretKey::generate_from_rng(&mut self.rng));
        }
        let signatures: [Signature; 3] = std::array::from_fn(|_| self.signer.sign(black_box(MESSAGE)));
        for signature in signatures.iter().chain(signatures.first()) {
            self.verifier.verify(MESSAGE, signature).expect("its own signature");
        }
        let opener = DecryptingKey::new(self.secret.clone());
        let sealed = opener.encrypting_key().encrypt(&mut self.rng, &[7; 16]).expect("a ciphertext");
        black_box(opener.decrypt(&sealed).expect("the plaintext"));
        black_box(self.secret.public_key());
    }
}

impl Default for Sm2Operations {
    fn default() -> Self {
        Self::new()
    }
}
