//! What the flows promise to whoever is cut off, holds two keys, or has two certificates in one: against the hall, over
//! a line that fails.

use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use ukey_device::{Device, Dialect, KeyUse, Options, PinType, Target};
use ukey_flows::{
    FlowError, Rule,
    api::{Decision, OrderKind, OrderState, ProblemType, RevocationReason},
    change::Changing,
    key::MyCertificate,
    login::login,
    pin, reinstall,
    renew::{self, Renewing},
    revoke::{self, Revoking},
    seal::Sealing,
    unlock::{self, Unlocking},
};

use super::{Stage, fits, typed};
use crate::{
    office::{Lost, Office},
    people::Holder,
};

const PIN: &str = "Mima-2026";
const NEW_PIN: &str = "Xin-2027";

/// A unit with its key, at the hall of a profile.
fn holder_at(profile: &str) -> (Runtime, Stage) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let office = runtime.block_on(Office::open(profile, 3)).unwrap();
    let mut stage = Stage::simulated(3);
    stage.enter(office);
    stage.hold_key(Holder::Unit, None, PIN).unwrap();
    (runtime, stage)
}

/// … whose certificate runs out soon.
fn near_the_end() -> (Runtime, Stage, String) {
    let (runtime, mut stage) = holder_at("qinghe");
    let old = serial(&mut stage);
    stage.wait(700 * 24 * 3600);
    (runtime, stage, old)
}

fn serial(stage: &mut Stage) -> String {
    MyCertificate::read(&stage.device()).unwrap().serial()
}

fn rule<T>(done: Result<T, FlowError>) -> Rule {
    match done {
        Err(FlowError::Rule(rule)) => rule,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it went on"),
    }
}

fn refusal<T>(done: Result<T, FlowError>) -> ProblemType {
    match done {
        Err(FlowError::Hall(problem)) => problem.kind,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it went on"),
    }
}

fn unlocks(stage: &mut Stage, pin: &str) -> Vec<OrderState> {
    let (client, device) = (stage.client(), stage.device());
    let session = login(&client, &device, &typed(pin)).unwrap();
    let orders = client.my_orders(&session.token).unwrap().into_iter();
    orders.filter(|order| order.kind == OrderKind::Unlock).map(|order| order.state).collect()
}

/// A container more, with this for a sign certificate.
fn put_certificate(stage: &mut Stage, container: &str, der: &[u8]) {
    let device = stage.device();
    let application = MyCertificate::read(&device).unwrap().open_application(&device).unwrap();
    application.verify_pin(PinType::User, &typed(PIN)).unwrap();
    let container = application.create_container(container).unwrap();
    container.generate_key_pair().unwrap();
    container.import_certificate(KeyUse::Sign, der).unwrap();
    application.clear_secure_state().unwrap();
}

#[test]
fn every_flow_wants_exactly_one_key() {
    let (_runtime, mut stage) = holder_at("qinghe");
    let (client, pin) = (stage.client(), typed(PIN));
    let alone = stage.attached();
    stage.add_blank_key().unwrap();
    let both = stage.attached();
    assert_eq!((alone.len(), both.len()), (1, 2));
    let several = Rule::SeveralKeys { count: 2 };
    let session = login(&client, &stage.device(), &pin).unwrap();
    let serial = serial(&mut stage);
    let begin = Revoking::begin(&client, &session.token, &serial, RevocationReason::Superseded);
    let mut revoking = begin.unwrap();
    for (known, expected) in [(&both[..], &several), (&[], &Rule::NoKey)] {
        let known: &[Arc<Device>] = known;
        assert_eq!(&rule(Renewing::begin(&client, known, &pin, None)), expected);
        assert_eq!(&rule(Renewing::begin_for(&client, known, &pin, None, &serial)), expected);
        assert_eq!(&rule(Changing::begin(&client, known, &pin)), expected);
        assert_eq!(&rule(Unlocking::begin(&client, known, None)), expected);
        assert_eq!(&rule(Sealing::begin(&client, known, &pin)), expected);
        assert_eq!(&rule(reinstall::reinstall(&client, known, &pin)), expected);
        assert_eq!(&rule(revoking.sign(known, &pin)), expected);
    }
    // A business that was begun goes on with its own key alone.
    let mut changing = Changing::begin(&client, &alone, &pin).unwrap();
    assert_eq!(rule(changing.write(&both, &pin)), several);
    let mut unlocking = Unlocking::begin(&client, &alone, None).unwrap();
    assert_eq!(rule(unlocking.reset_pin(&both, NEW_PIN, NEW_PIN)), several);
    assert_eq!(rule(unlocking.unblock(&both)), several);
    revoking.sign(&alone, &pin).unwrap();
    assert_eq!(revoking.step(), revoke::Step::Confirm);
}

#[test]
fn an_unlock_whose_last_answer_was_lost_is_done_and_not_paid_for_again() {
    let lost_at_last = || {
        let (runtime, mut stage) = holder_at("qinghe");
        stage.lock_key();
        stage.verify_by_sms().unwrap();
        stage.office().line.lose("/confirm", Lost::Answer);
        assert!(matches!(stage.reset_pin(NEW_PIN, NEW_PIN), Err(FlowError::Unreachable(_))));
        (runtime, stage)
    };
    // Another PIN than the one in the key is not taken for it.
    let (_runtime, mut stage) = lost_at_last();
    let error = stage.reset_pin("Bieren-1", "Bieren-1").unwrap_err();
    assert!(matches!(&error, FlowError::Key(error) if error.tries_left() == Some(9)), "{error}");

    // The assistant that is still there finds out.
    let (_runtime, mut stage) = lost_at_last();
    let order = stage.order().id.clone();
    stage.reset_pin(NEW_PIN, NEW_PIN).unwrap();
    assert_eq!(stage.unlocking().step(), unlock::Step::Done);
    assert_eq!(rule(stage.reset_pin(NEW_PIN, NEW_PIN)), Rule::Finished);

    // One that was started again does too.
    stage.begin_unlock_again(NEW_PIN).unwrap();
    assert_eq!((stage.unlocking().step(), &stage.order().id), (unlock::Step::Done, &order));
    assert_eq!(unlocks(&mut stage, NEW_PIN), [OrderState::Completed]);

    // Who forgot the PIN once more begins another.
    stage.begin_unlock_again("Bieren-1").unwrap();
    assert_eq!(stage.unlocking().step(), unlock::Step::Pay);
    assert_eq!(unlocks(&mut stage, NEW_PIN).len(), 2);
}

#[test]
fn the_last_try_is_not_spent_on_a_guess() {
    let (_runtime, mut stage) = holder_at("qinghe");
    let device = stage.device();
    let left = || MyCertificate::read(&device).unwrap().tries_left;
    while left() > 1 {
        pin::check(&device, &typed("Bieren-1")).unwrap_err();
    }
    stage.begin_unlock_again("Bieren-1").unwrap();
    assert_eq!(left(), 1);
}

#[test]
fn a_renewal_whose_last_answer_was_lost_is_taken_up_by_the_old_serial_number() {
    let (_runtime, mut stage, old) = near_the_end();
    stage.begin_renewal_of(&old).unwrap();
    stage.in_hand().confirm().unwrap();
    stage.pay().unwrap();
    let order = stage.order().id.clone();
    stage.office().line.lose("/written", Lost::Answer);
    assert!(matches!(stage.write_certificate(), Err(FlowError::Unreachable(_))));
    // The key holds both, and once it is tidied the new one only: it is the same order, and it is done.
    for certificates in [2, 1] {
        assert_eq!(MyCertificate::all(&stage.device()).unwrap().len(), certificates);
        stage.begin_renewal_of(&old).unwrap();
        assert_eq!((stage.renewing().step(), &stage.order().id), (renew::Step::Done, &order));
        stage.write_certificate().unwrap();
    }
    let new = serial(&mut stage);
    assert!(new != old);
    // The new one is too young, and another key's certificate is not here: no try is spent on finding out.
    assert_eq!(refusal(stage.begin_renewal_of(&new)), ProblemType::RenewTooEarly);
    stage.key().pin = "Bieren-1".into();
    let expected = "0A".to_owned();
    assert_eq!(rule(stage.begin_renewal_of(&expected)), Rule::AnotherCertificate { expected });
    assert_eq!(MyCertificate::read(&stage.device()).unwrap().tries_left, 10);
}

#[test]
fn the_chosen_one_of_two_certificates_is_renewed() {
    let (_runtime, mut stage, own) = near_the_end();
    stage.hold_key(Holder::Zhang, None, PIN).unwrap();
    let other = MyCertificate::read(&stage.device()).unwrap();
    stage.take_key_of(Holder::Unit);
    put_certificate(&mut stage, "OTHER", other.sign.der());
    put_certificate(&mut stage, "BROKEN", &[0x30, 0]);
    let all = MyCertificate::all(&stage.device()).unwrap();
    let held: Vec<_> = all.iter().map(MyCertificate::serial).collect();
    assert_eq!(held, [other.serial(), own.clone()], "the newest first, and the broken one is left out");

    // None is chosen: nobody guesses. The older as well as the newer can be.
    assert_eq!(rule(stage.begin_renewal(PIN)), Rule::ChooseCertificate { count: 2 });
    stage.begin_renewal_of(&own).unwrap();
    assert_eq!(stage.order().certificate_serial, Some(own));
    // The other's key pair is not here: its certificate is spoken for, and not the unit's instead.
    assert!(stage.begin_renewal_of(&other.serial()).is_err());
}

#[test]
fn the_old_certificate_serves_while_its_renewal_is_cut_off() {
    let (_runtime, mut stage) = holder_at("qinghe");
    stage.gain_seal(None).unwrap();
    stage.apply_for_seal(Some("合同专用章")).unwrap();
    stage.decide(Decision::Pass, None).unwrap();
    let old = serial(&mut stage);
    stage.wait(700 * 24 * 3600);
    stage.ready_renewal().unwrap();
    stage.office().line.lose("/written", Lost::Request);
    assert!(matches!(stage.write_certificate(), Err(FlowError::Unreachable(_))));
    assert_eq!(MyCertificate::all(&stage.device()).unwrap().len(), 2);
    assert!(serial(&mut stage) != old, "the newest is the one that the hall does not take yet");

    stage.stamp(1, "合同").unwrap();
    assert_eq!(stage.verdict.as_ref().unwrap().certificate_serial, old);
    stage.click_seal_change().unwrap();
    assert_eq!(stage.held_seals().len(), 2);
    let (client, known) = (stage.client(), stage.attached());
    let session = login(&client, &known[0], &typed(PIN)).unwrap();
    assert_eq!(session.me.certificate_serial.as_ref(), Some(&old));
    let mut revoking = Revoking::begin(&client, &session.token, &old, RevocationReason::Superseded).unwrap();
    revoking.sign(&known, &typed(PIN)).unwrap();
    assert_eq!(revoking.step(), revoke::Step::Confirm);

    stage.begin_renewal_of(&old).unwrap();
    stage.write_certificate().unwrap();
    assert!(serial(&mut stage) != old);
}

#[test]
fn keys_speak_the_dialect_that_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    for (asked, speaks) in [(None, "gm2012"), (Some("gm2012"), "gm2012"), (Some("gm3000"), "gm3000")] {
        let dialect = asked.map(|name| Dialect::named(name).unwrap().into());
        let mut stage = Stage::new(7, Target::Sim, dialect, None);
        // The first key is the target's, the second is simulated whatever the target is.
        for number in 1..=2 {
            let state = folder.path().join(format!("{asked:?}-{number}"));
            let key = stage.take_blank_key().unwrap();
            key.simulator().unwrap().save_as(&state, false).unwrap();
            for other in ["gm2012", "gm3000"] {
                let options = Options { dialect: Dialect::named(other).map(Into::into), seed: None };
                let connected = Target::SimFile(state.clone()).connect(&options).is_ok();
                assert_eq!(connected, other == speaks, "{asked:?}, {other}");
            }
        }
    }
}

#[test]
fn a_message_fits_as_a_whole() {
    for expected in ["甲乙丙", "甲…丙", "…乙…", "…", "…丙", "甲…", "甲…乙…丙"] {
        assert!(fits("甲乙丙", expected), "{expected}");
    }
    for expected in ["甲乙", "乙", "乙丙", "乙…", "…乙", "甲…丁…丙", "甲乙…乙丙", "甲…丙…乙…", ""]
    {
        assert!(!fits("甲乙丙", expected), "{expected}");
    }
}
