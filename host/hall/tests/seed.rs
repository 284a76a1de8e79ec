//! The same seed and the same requests give the same values; a hall goes on where it stopped.
#![cfg(feature = "server")]

mod support;

use support::*;
use ukey_hall::{Config, Hall, MasterKey, OpenError, Profile, api::*};

fn config(seed: u64) -> Config {
    Config::simulated(Profile::built_in("qinghe").unwrap(), seed)
}

/// Everything that a run shows.
fn run(seed: u64) -> Vec<String> {
    let bench = Bench::with(config(seed));
    let key = bench.unit_key();
    let placed = bench.verified_by_sms(&key, HANDLER_PHONE);
    let answer: UnblockAnswer = bench.unblock(&placed, [1; 8]).read();
    let session: Session = bench.login(&key).read();
    let mut shown: Vec<String> = bench
        .get("/_sim/outbox", "")
        .read::<Vec<OutboxMessage>>()
        .into_iter()
        .map(|message| message.text)
        .collect();
    shown.push(format!("{:?}", bench.order(&placed)));
    shown.push(answer.one_time_pin.reveal().into());
    shown.push(answer.nonce.to_string());
    shown.push(session.token.reveal().into());
    shown.push(key.serial.clone());
    shown.push(key.person.admin_pin.reveal().into());
    shown.push(Hex(key.response.to_der().unwrap()).to_string());
    shown
}

#[test]
fn a_seed_repeats_a_run() {
    let first = run(5);
    assert_eq!(first, run(5));
    let other = run(6);
    assert!(
        first.iter().zip(&other).filter(|(a, b)| a == b).count() <= 1,
        "only a message without numbers may agree"
    );
}

fn file(folder: &tempfile::TempDir) -> Config {
    let path = folder.path().join("hall.db");
    Config { database: format!("sqlite:{}", path.display()), ..config(5) }
}

#[test]
fn a_hall_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let (key, before, chain, order) = {
        let bench = Bench::with(file(&folder));
        let key = bench.unit_key();
        bench.wait(3600);
        let placed: Placed = bench.open_unlock(&key).read();
        let clock: ClockView = bench.get("/_sim/clock", "").read();
        (key, clock, bench.get("/api/authority/certificates", "").read::<AuthorityView>(), placed)
    };
    let bench = Bench::with(file(&folder));
    assert_eq!(bench.get("/_sim/clock", "").read::<ClockView>(), before, "the clock does not fall back");
    assert_eq!(bench.get("/api/authority/certificates", "").read::<AuthorityView>(), chain);
    let again: Placed = bench.open_unlock(&key).read();
    assert_eq!(again.order.id, order.order.id);
    assert_ne!(again.token, order.token, "no value comes twice");
    bench.get(&at(&order, ""), token(&order)).read::<Order>();
    // The vault still opens.
    let placed = bench.verified_by_sms(&key, HANDLER_PHONE);
    let answer: UnblockAnswer = bench.unblock(&placed, [1; 8]).read();
    assert_eq!(key.unblocked(&answer, [1; 8]).as_deref(), Some(answer.one_time_pin.reveal()));
}

#[test]
fn another_master_key_is_refused_and_nothing_secret_is_plain() {
    let folder = tempfile::tempdir().unwrap();
    let (admin, secrets) = {
        let bench = Bench::with(file(&folder));
        let key = bench.unit_key();
        let placed = bench.verified_by_sms(&key, HANDLER_PHONE);
        let answer: UnblockAnswer = bench.unblock(&placed, [1; 8]).read();
        let secrets = [
            key.person.user_pin.reveal().to_owned(),
            key.person.device_key.reveal().to_owned(),
            answer.one_time_pin.reveal().to_owned(),
            placed.token.reveal().to_owned(),
            answer.nonce.to_string(),
        ];
        (key.person.admin_pin.reveal().to_owned(), secrets)
    };
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(holds(UNIT_CODE.as_bytes()), "the files are the database");
    for secret in secrets.iter().chain([&admin]) {
        assert!(!holds(secret.as_bytes()));
        if let Ok(Hex(raw)) = secret.parse::<Hex>()
            && raw.len() >= 16
        {
            assert!(!holds(&raw));
        }
    }
    let wrong = Config { master_key: MasterKey::new([1; 32]), ..file(&folder) };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let refused = runtime.block_on(Hall::open(wrong)).unwrap_err();
    assert!(matches!(refused, OpenError::WrongMasterKey), "{refused}");
    runtime.block_on(Hall::open(file(&folder))).unwrap();
}

#[test]
fn a_database_stays_with_its_profile() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let open = |profile| {
        let config = Config { profile: Profile::built_in(profile).unwrap(), ..file(&folder) };
        runtime.block_on(Hall::open(config))
    };
    open("luming").unwrap();
    let refused = open("qinghe").unwrap_err();
    assert!(
        matches!(&refused, OpenError::OtherProfile { made, given } if made == "luming" && given == "qinghe"),
        "{refused}"
    );
    open("luming").unwrap();
}
