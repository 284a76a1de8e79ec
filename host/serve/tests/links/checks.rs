//! What every link promises.

use std::time::Duration;

use ukey_apdu::Ins;
use ukey_apdu::frame::MAX_COMMAND;
use ukey_device::link::framed::Limits;
use ukey_device::{Device, Error, ErrorKind, LinkError, PinType, Status};

use crate::common::{ADMIN, APPLICATION, USER, issue, log_in, pin, pull_inside};
use crate::proxy::Act;
use crate::ways::{Disturbed, Second, Skipped, Way};

type Check = fn(&dyn Way) -> Result<(), Skipped>;

/// The contract.
pub(crate) const CHECKS: &[(&str, Check)] = &[
    ("a reset ends rights and ids", a_reset_ends_rights_and_ids),
    ("a client leaves its data and no right", a_client_leaves_its_data_and_no_right),
    ("a key that is pulled is removed until it is back", a_pulled_key_is_removed_until_it_is_back),
    ("a key is pulled between two commands", a_key_is_pulled_between_two_commands),
    ("a key is pulled inside a command", a_key_is_pulled_inside_a_command),
    ("the line is cut around a command", the_line_is_cut_around_a_command),
    ("what is lost or spoilt is carried out once", what_is_lost_or_spoilt_is_carried_out_once),
    ("an answer comes late", an_answer_comes_late),
    ("an answer comes too late", an_answer_comes_too_late),
    ("an answer comes twice", an_answer_comes_twice),
    ("what is no frame is counted and left out", what_is_no_frame_is_counted_and_left_out),
    ("a frame is too long", a_frame_is_too_long),
    ("an envelope is too long", an_envelope_is_too_long),
    ("there are two clients", there_are_two_clients),
    ("what serves the token is started again", what_serves_the_token_is_started_again),
];

/// A client of a token with an application and container "A".
fn issued(way: &dyn Way) -> Device {
    let device = way.connect().unwrap();
    issue(&device, USER, ADMIN);
    log_in(&device).create_container("A").unwrap();
    device.reconnect().unwrap();
    device
}

fn containers(device: &Device) -> Vec<String> {
    device.open_application(APPLICATION).unwrap().containers().unwrap()
}

fn tries_left(device: &Device) -> u8 {
    device.open_application(APPLICATION).unwrap().pin_info(PinType::User).unwrap().remaining
}

/// Spends a try of the PIN; gives those that the token says are left.
fn try_a_wrong_pin(device: &Device) -> Result<u8, Error> {
    let application = device.open_application(APPLICATION)?;
    let error = application.verify_pin(PinType::User, &pin("00000000")).unwrap_err();
    error.tries_left().ok_or(error)
}

/// The key is gone, or nobody knows: never an answer, and never a refusal of the token.
fn is_lost(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Link(LinkError::Removed | LinkError::NoAnswer))
}

fn assert_no_right(device: &Device) {
    let error = device.open_application(APPLICATION).unwrap().create_container("B").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotLoggedIn), "{error}");
}

fn a_reset_ends_rights_and_ids(way: &dyn Way) -> Result<(), Skipped> {
    let device = issued(way);
    let application = log_in(&device);
    let container = application.open_container("A").unwrap();
    device.reconnect().unwrap();
    for error in [container.info().unwrap_err(), application.containers().unwrap_err()] {
        assert!(matches!(error.kind(), ErrorKind::Stale), "{error}");
    }
    assert_no_right(&device);
    assert_eq!(containers(&device), ["A"]);
    log_in(&device).create_container("B").unwrap();
    Ok(())
}

fn a_client_leaves_its_data_and_no_right(way: &dyn Way) -> Result<(), Skipped> {
    let device = issued(way);
    log_in(&device);
    drop(device);
    let device = connected(&|| way.connect());
    if way.second() == Second::Refused {
        assert_no_right(&device);
    }
    assert_eq!(containers(&device), ["A"]);
    Ok(())
}

fn a_pulled_key_is_removed_until_it_is_back(way: &dyn Way) -> Result<(), Skipped> {
    let device = issued(way);
    let hand = way.hand(&device);
    let container = log_in(&device).open_container("A").unwrap();
    hand.unplug();
    for error in [container.info().unwrap_err(), device.info().unwrap_err(), device.reconnect().unwrap_err()]
    {
        assert!(error.is_removed(), "{error}");
    }
    if let Err(error) = way.connect() {
        assert!(error.is_removed() || error.is_busy(), "{error}");
    }
    hand.plug_in().unwrap();
    hand.plug_in().unwrap();
    let error = device.info().unwrap_err();
    assert!(error.is_removed(), "nobody goes on without noticing: {error}");
    device.reconnect().unwrap();
    assert!(matches!(container.info().unwrap_err().kind(), ErrorKind::Stale));
    assert_no_right(&device);
    assert_eq!(containers(&device), ["A"]);
    Ok(())
}

fn a_key_is_pulled_between_two_commands(way: &dyn Way) -> Result<(), Skipped> {
    let device = issued(way);
    let hand = way.hand(&device);
    for after in 0..4_usize {
        let application = log_in(&device);
        hand.unplug_after(after as u64);
        let created: Vec<String> = (0..8)
            .map(|number| format!("{after} {number}"))
            .map_while(|name| match application.create_container(&name) {
                Ok(_) => Some(name),
                Err(error) => {
                    assert!(error.is_removed(), "{error}");
                    None
                }
            })
            .collect();
        assert_eq!(created.len(), after);
        hand.plug_in().unwrap();
        device.reconnect().unwrap();
        let application = log_in(&device);
        for name in application.containers().unwrap() {
            assert!(name == "A" || created.contains(&name), "{name} was not answered");
        }
        for name in &created {
            application.delete_container(name).unwrap();
        }
    }
    Ok(())
}

fn a_key_is_pulled_inside_a_command(way: &dyn Way) -> Result<(), Skipped> {
    let device = issued(way);
    let hand = way.hand(&device);
    for round in 0..4_u32 {
        let name = format!("container {round}");
        let application = log_in(&device);
        let created = pull_inside(&*hand, round, || {
            application.create_container(&name).and_then(|container| container.generate_key_pair())
        });
        if let Err(error) = &created {
            assert!(is_lost(error), "{error}");
        }
        hand.plug_in().unwrap();
        device.reconnect().unwrap();
        let application = log_in(&device);
        let found = application.containers().unwrap().contains(&name);
        assert!(found || created.is_err(), "what was answered is there");
        if found {
            application.delete_container(&name).unwrap();
        }
    }
    Ok(())
}

/// A patient client behind a peer that disturbs.
fn disturbed(way: &dyn Way) -> Result<(Disturbed, Device), Skipped> {
    drop(issued(way));
    through_proxy(way, PATIENT)
}

/// As often as it takes: a busy machine is no silent token.
const PATIENT: Limits = Limits { silence: Duration::from_millis(200), tries: 300 };

fn through_proxy(way: &dyn Way, limits: Limits) -> Result<(Disturbed, Device), Skipped> {
    let disturbed = way.disturbed(limits)?;
    let device = connected(&*disturbed.connect);
    Ok((disturbed, device))
}

/// On a busy machine a client of little patience may need more than one try, and what serves the token a moment to see
/// that the one before has ended.
fn connected(connect: &dyn Fn() -> ukey_device::Result<Device>) -> Device {
    for _ in 0..200 {
        match connect() {
            Ok(device) => return device,
            Err(error) => assert!(is_lost(&error) || error.is_busy(), "{error}"),
        }
    }
    panic!("it stays busy, or silent");
}

fn the_line_is_cut_around_a_command(way: &dyn Way) -> Result<(), Skipped> {
    drop(issued(way));
    for (act, tries) in [(Act::CutBeforeCommand, 10), (Act::CutBeforeAnswer, 9)] {
        let (disturbed, device) = through_proxy(way, PATIENT)?;
        let application = device.open_application(APPLICATION).unwrap();
        disturbed.proxy.plan(Ins::VerifyPin, act);
        let error = application.verify_pin(PinType::User, &pin("00000000")).unwrap_err();
        assert!(is_lost(&error), "{act:?}: {error}");
        assert!(device.info().unwrap_err().is_removed());
        drop((device, disturbed));
        let device = connected(&|| way.connect());
        assert_eq!(tries_left(&device), tries, "{act:?}");
    }
    Ok(())
}

fn what_is_lost_or_spoilt_is_carried_out_once(way: &dyn Way) -> Result<(), Skipped> {
    let (disturbed, device) = disturbed(way)?;
    let acts = [Act::LoseCommand, Act::SpoilCommand, Act::DoubleCommand, Act::LoseAnswer, Act::SpoilAnswer];
    for (act, left) in acts.into_iter().zip((5..10).rev()) {
        disturbed.proxy.plan(Ins::VerifyPin, act);
        assert_eq!(try_a_wrong_pin(&device).unwrap(), left, "{act:?}");
        assert_eq!(tries_left(&device), left, "{act:?}");
        assert!(disturbed.proxy.is_done(), "{act:?}");
    }
    Ok(())
}

fn an_answer_comes_late(way: &dyn Way) -> Result<(), Skipped> {
    let (disturbed, device) = disturbed(way)?;
    disturbed.proxy.plan(Ins::VerifyPin, Act::DelayAnswer);
    assert_eq!(try_a_wrong_pin(&device).unwrap(), 9);
    assert!(disturbed.proxy.passed().again > 0, "it was asked for again");
    // The second answer to the same command is none to the next.
    assert_eq!(tries_left(&device), 9);
    Ok(())
}

fn an_answer_comes_too_late(way: &dyn Way) -> Result<(), Skipped> {
    drop(issued(way));
    let (disturbed, device) = through_proxy(way, Limits { silence: Duration::from_millis(200), tries: 2 })?;
    let application = loop {
        // Its patience may end here too on a busy machine.
        match device.open_application(APPLICATION) {
            Ok(application) => break application,
            Err(error) => {
                assert!(is_lost(&error), "{error}");
                let _ = device.reconnect();
            }
        }
    };
    disturbed.proxy.plan(Ins::VerifyPin, Act::DelayAnswersUntilReset);
    let error = application.verify_pin(PinType::User, &pin("00000000")).unwrap_err();
    assert!(is_lost(&error), "{error}");
    if !disturbed.proxy.is_done() {
        return Err("the machine was too busy for the command".into());
    }
    let error = device.info().unwrap_err();
    assert!(error.is_removed(), "nobody knows what was carried out: {error}");
    // Now the late answers come, in front of everything else.
    while let Err(error) = device.reconnect() {
        assert!(is_lost(&error), "{error}");
    }
    drop((device, disturbed));
    let device = connected(&|| way.connect());
    assert_eq!(tries_left(&device), 9, "it was carried out once");
    Ok(())
}

fn an_answer_comes_twice(way: &dyn Way) -> Result<(), Skipped> {
    let (disturbed, device) = disturbed(way)?;
    for _ in 0..3 {
        disturbed.proxy.plan(Ins::GenRandom, Act::RepeatAnswerLater);
    }
    let random: Vec<_> = (0..4).map(|_| device.random(16).unwrap()).collect();
    for (index, one) in random.iter().enumerate() {
        assert!(!random[..index].contains(one), "an answer was taken twice");
    }
    assert!(disturbed.proxy.is_done());
    Ok(())
}

fn what_is_no_frame_is_counted_and_left_out(way: &dyn Way) -> Result<(), Skipped> {
    let (disturbed, device) = disturbed(way)?;
    assert_eq!(device.bad_frames(), 0);
    for left in (5..10).rev() {
        disturbed.proxy.plan(Ins::VerifyPin, Act::Noise);
        assert_eq!(try_a_wrong_pin(&device).unwrap(), left);
        assert_eq!(tries_left(&device), left);
    }
    assert!(device.bad_frames() >= 10, "{}", device.bad_frames());
    assert!(disturbed.proxy.is_done());
    Ok(())
}

fn a_frame_is_too_long(way: &dyn Way) -> Result<(), Skipped> {
    let (disturbed, device) = disturbed(way)?;
    for (round, left) in (1..).zip((7..10).rev()) {
        disturbed.proxy.plan(Ins::VerifyPin, Act::LengthenCommand);
        assert_eq!(try_a_wrong_pin(&device).unwrap(), left, "carried out once");
        assert_eq!(tries_left(&device), left);
        // Both of them, whatever length they say.
        assert_eq!(disturbed.proxy.passed().too_long, 2 * round);
    }
    assert!(disturbed.proxy.is_done());
    Ok(())
}

fn an_envelope_is_too_long(way: &dyn Way) -> Result<(), Skipped> {
    let too_long = |device: &Device| {
        // Case 3 extended, of a length that fits it.
        let data = vec![0; MAX_COMMAND];
        let length = (data.len() as u16).to_be_bytes();
        device.transmit(&[&[0x80, Ins::SetLabel as u8, 0, 0, 0][..], &length, &data].concat())
    };
    let device = issued(way);
    let label = device.info().unwrap().label;
    match too_long(&device) {
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::Link(LinkError::TooLong { .. })), "{error}");
        }
        // Without frames it may reach the token: that refuses it, and shortens nothing.
        Ok(answer) => assert_ne!(answer, Status::OK.to_bytes()),
    }
    assert_eq!(device.info().unwrap().label, label);
    drop(device);

    let Ok(disturbed) = way.disturbed(Limits { silence: Duration::from_secs(60), tries: 1 }) else {
        return Ok(());
    };
    let device = connected(&*disturbed.connect);
    let before = disturbed.proxy.passed();
    let error = too_long(&device).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Link(LinkError::TooLong { .. })), "{error}");
    assert_eq!(disturbed.proxy.passed(), before, "nothing was sent");
    assert_eq!(device.info().unwrap().label, label);
    Ok(())
}

fn there_are_two_clients(way: &dyn Way) -> Result<(), Skipped> {
    let first = issued(way);
    let application = log_in(&first);
    if way.second() == Second::LetIn {
        let second = way.connect().unwrap();
        first.lock(Duration::ZERO).unwrap();
        assert!(second.info().unwrap_err().is_busy());
        application.create_container("B").unwrap();
        first.unlock().unwrap();
        assert_eq!(containers(&second), ["A", "B"]);
        return Ok(());
    }
    let error = way.connect().unwrap_err();
    let ErrorKind::Link(LinkError::Busy { holder, .. }) = error.kind() else { panic!("{error}") };
    if let Some(expected) = way.holder() {
        let holder = holder.as_deref().expect("a holder");
        assert!(holder.contains(&expected), "{holder}");
        assert!(error.to_string().contains(holder) && error.message_zh().contains(holder), "{error}");
    }
    // The first has all its rights and ids.
    application.create_container("B").unwrap();
    drop(first);
    assert_eq!(containers(&connected(&|| way.connect())), ["A", "B"]);
    Ok(())
}

fn what_serves_the_token_is_started_again(way: &dyn Way) -> Result<(), Skipped> {
    let device = issued(way);
    let container = log_in(&device).open_container("A").unwrap();
    way.restart()?;
    let error = container.info().unwrap_err();
    assert!(is_lost(&error), "{error}");
    device.reconnect().unwrap();
    assert!(matches!(container.info().unwrap_err().kind(), ErrorKind::Stale));
    assert_no_right(&device);
    assert_eq!(containers(&device), ["A"]);
    Ok(())
}
