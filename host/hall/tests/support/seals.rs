//! The ways of a seal, from the choice of a change to a stamp that is checked.

use super::{Bench, Key, Reply, at, png, token};
use ukey_hall::api::*;
use ukey_pki::{
    Certificate,
    seal::{Seal, Stamp, StampDraft, data_hash},
};

pub const DOCUMENT: &[u8] = b"what is stamped";

pub fn good() -> Vec<u8> {
    png(400, 400, true)
}

pub fn session(bench: &Bench, key: &Key) -> Secret {
    bench.login(key).read::<Session>().token
}

pub fn request(change: SealChangeKind, seal: Option<&str>) -> SealChangeRequest {
    SealChangeRequest { change, seal: seal.map(Into::into), name: None }
}

pub fn ask(bench: &Bench, key: &Key, change: SealChangeKind, seal: Option<&str>) -> Reply {
    bench.post("/api/seals/changes", session(bench, key).reveal(), &request(change, seal))
}

pub fn picture(bench: &Bench, placed: &Placed, picture: &[u8]) -> Reply {
    bench.upload(&at(placed, "papers/seal-picture"), token(placed), picture)
}

pub fn submit(bench: &Bench, placed: &Placed) -> Order {
    bench.press(&at(placed, "submit"), token(placed)).read()
}

pub fn seals(bench: &Bench, key: &Key) -> SealsView {
    bench.get("/api/seals", session(bench, key).reveal()).read()
}

pub fn own(placed: &Placed, what: &str) -> String {
    format!("/api/seals/changes/{}/{what}", placed.order.id)
}

pub fn make(bench: &Bench, placed: &Placed) -> Reply {
    bench.press(&own(placed, "seal"), token(placed))
}

/// A key that holds these seals tells the hall so.
pub fn confirm(bench: &Bench, placed: &Placed, key: &Key, held: &[Vec<u8>]) -> Reply {
    let seals: Vec<_> = held.iter().map(|seal| Hex(data_hash(seal).to_vec())).collect();
    let signature = key.sign(&seals_message(&placed.order.id, &seals));
    bench.post(&own(placed, "confirm"), token(placed), &SealsWritten { seals, signature })
}

/// A change of the holder's, up to the review.
pub fn reviewed(bench: &Bench, key: &Key, change: SealChangeKind, seal: Option<&str>) -> Placed {
    let placed: Placed = ask(bench, key, change, seal).read();
    picture(bench, &placed, &good()).read::<PaperReceipt>();
    if submit(bench, &placed).state == OrderState::Unpaid {
        let payment = bench.open_payment(&placed);
        bench.pay(&payment, PaymentOutcome::Paid);
    }
    assert_eq!(bench.order(&placed).state, OrderState::InReview);
    placed
}

/// … passed and written: the seal.
pub fn written(bench: &Bench, placed: &Placed, key: &Key, beside: &[Vec<u8>]) -> Seal {
    if bench.order(placed).state == OrderState::InReview {
        bench.decide(placed, Decision::Pass, None).read::<Order>();
    }
    let der = make(bench, placed).read::<SealAnswer>().seal.unwrap().0;
    let order: Order = confirm(bench, placed, key, &[beside, std::slice::from_ref(&der)].concat()).read();
    assert_eq!(order.state, OrderState::Completed);
    Seal::from_der(&der).unwrap()
}

pub fn first_seal(bench: &Bench, key: &Key) -> Seal {
    let placed = reviewed(bench, key, SealChangeKind::Add, None);
    written(bench, &placed, key, &[])
}

pub fn authority(bench: &Bench) -> Vec<Certificate> {
    let view: AuthorityView = bench.get("/api/authority/certificates", "").read();
    vec![Certificate::from_der(&view.chain[0].0).unwrap()]
}

pub fn now(bench: &Bench) -> jiff::Timestamp {
    bench.get("/_sim/clock", "").read::<ClockView>().now
}

pub fn stamp(bench: &Bench, seal: &Seal, key: &Key) -> Stamp {
    let draft = StampDraft {
        seal,
        data_hash: data_hash(DOCUMENT),
        time: now(bench),
        property: "a.ofd".into(),
        extensions: Vec::new(),
    };
    draft.make(key.response.sign_certificate(), &key.pair).unwrap()
}

pub fn check(bench: &Bench, document: &[u8], stamp: &[u8]) -> Reply {
    let check = StampCheck { data_hash: Hex(data_hash(document).to_vec()), stamp: stamp.into() };
    bench.post("/api/stamping/verify", "", &check)
}

pub fn permission(bench: &Bench, certificate: &Certificate) -> Reply {
    bench.post("/api/stamping/permission", "", &StampingRequest { certificate: certificate.der().into() })
}
