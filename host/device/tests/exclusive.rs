//! One token, several programs: while one holds it, the others are told so, and nothing they ask for happens.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{APPLICATION, BEHIND_LIBRARY, USER, behind_library, issue, log_in, pin, seeded};
use ukey_device::{Device, ErrorKind, Hand, LinkError, Options, Pin, PinType, Place, Result, Simulator};

const AT_ONCE: Duration = Duration::ZERO;

/// A token that several programs can be connected to.
struct Token {
    connect: Box<dyn Fn() -> Result<Device>>,
    hand: Arc<dyn Hand>,
}

/// Such a token, with an application, and two programs that use it. These tests are those of `ukey-skf` too, where it is
/// behind the library.
fn shared() -> (Token, Device, Device) {
    let connect: Box<dyn Fn() -> Result<Device>> = if BEHIND_LIBRARY {
        let target = behind_library();
        Box::new(move || target.connect(&Options::default()))
    } else {
        let simulator = Simulator::fresh(&seeded(1)).unwrap();
        Box::new(move || Device::connect(&simulator))
    };
    let (one, two) = (connect().unwrap(), connect().unwrap());
    issue(&one, USER, common::ADMIN);
    let hand = one.hand().unwrap();
    (Token { connect, hand }, one, two)
}

fn wrong() -> Pin {
    pin("00000000")
}

#[test]
fn what_another_program_holds_is_refused_and_untouched() {
    let (token, one, two) = shared();
    let application = two.open_application(APPLICATION).unwrap();
    one.lock(AT_ONCE).unwrap();
    let written = || one.simulator().map(|simulator| simulator.flash_operations());
    let before = written();
    for error in [
        two.info().unwrap_err(),
        application.verify_pin(PinType::User, &wrong()).unwrap_err(),
        two.reconnect().unwrap_err(),
        two.lock(AT_ONCE).unwrap_err(),
        two.unlock().unwrap_err(),
        (token.connect)().unwrap_err(),
    ] {
        assert!(error.is_busy() && error.is_unreachable() && !error.is_removed(), "{error}");
        assert!(error.to_string().contains("in use by another program"), "{error}");
        assert!(error.message_zh().contains("正被其他程序占用"), "{}", error.message_zh());
        assert_eq!(error.help_zh(), Some("请退出正在使用该UKey的其他程序后重试"));
    }
    assert_eq!(written(), before);
    // Its holder goes on.
    one.info().unwrap();
    if let Some(simulator) = one.simulator() {
        let refused = simulator.link().unwrap().transmit(&[]).unwrap_err();
        assert!(matches!(refused, LinkError::Busy { .. }), "{refused}");
    }

    one.unlock().unwrap();
    let error = log_in(&two).verify_pin(PinType::User, &wrong()).unwrap_err();
    assert_eq!(error.tries_left(), Some(9), "the try while it was held was not spent: {error}");
}

#[test]
fn taken_twice_it_is_given_back_twice() {
    let (_key, one, two) = shared();
    one.lock(AT_ONCE).unwrap();
    one.lock(AT_ONCE).unwrap();
    one.unlock().unwrap();
    assert!(two.info().unwrap_err().is_busy());
    one.unlock().unwrap();
    two.info().unwrap();
    // Once more than it was taken: nothing happens.
    one.unlock().unwrap();
    two.lock(AT_ONCE).unwrap();
    assert!(one.info().unwrap_err().is_busy());
}

#[test]
fn it_is_held_as_long_as_the_guard_lives() {
    let (_key, one, two) = shared();
    {
        let _held = one.exclusive(AT_ONCE).unwrap();
        assert!(two.info().unwrap_err().is_busy());
        assert!(two.exclusive(AT_ONCE).is_err());
        drop(one.exclusive(AT_ONCE).unwrap());
        assert!(two.info().unwrap_err().is_busy(), "the outer guard lives on");
    }
    two.info().unwrap();

    one.lock(AT_ONCE).unwrap();
    drop(one.exclusive(AT_ONCE).unwrap());
    assert!(two.info().unwrap_err().is_busy(), "what was taken before the guard stays taken");
}

#[test]
fn it_ends_with_the_power_of_the_token() {
    let (_key, one, two) = shared();
    let held = one.exclusive(AT_ONCE).unwrap();
    one.reconnect().unwrap();
    two.reconnect().unwrap();
    two.info().unwrap();
    // The guard of before gives nothing back that was taken since.
    one.reconnect().unwrap();
    one.lock(AT_ONCE).unwrap();
    drop(held);
    assert!(two.reconnect().unwrap_err().is_busy());
}

#[test]
fn a_program_that_ends_and_a_key_that_is_pulled_hold_nothing() {
    let (token, one, two) = shared();
    one.lock(AT_ONCE).unwrap();
    drop(one);
    two.info().unwrap();

    two.lock(AT_ONCE).unwrap();
    token.hand.unplug();
    assert!(two.unlock().unwrap_err().is_removed() && two.lock(AT_ONCE).unwrap_err().is_removed());
    token.hand.plug_in().unwrap();
    let three = (token.connect)().unwrap();
    three.info().unwrap();
    let error = two.info().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Link(LinkError::Removed)), "{error}");
}

#[test]
fn one_that_waits_gets_it_when_it_is_given_back() {
    let (token, one, two) = shared();
    let long = Duration::from_secs(60);
    let waited = |free: &dyn Fn()| {
        one.lock(AT_ONCE).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| two.lock(long));
            free();
            waiting.join().unwrap()
        })
    };
    waited(&|| one.unlock().unwrap()).unwrap();
    two.unlock().unwrap();
    // Pulled by hand, and pulled inside a command.
    assert!(waited(&|| token.hand.unplug()).unwrap_err().is_removed());
    token.hand.plug_in().unwrap();
    two.reconnect().unwrap();
    one.reconnect().unwrap();
    let error = two.lock(AT_ONCE).unwrap_err();
    assert!(error.is_removed(), "the reset of the other took its token: {error}");
    two.reconnect().unwrap();
    let (one, two) = (two, (token.connect)().unwrap());
    one.lock(AT_ONCE).unwrap();
    let error = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| two.lock(long));
        token.hand.unplug_after(0);
        assert!(one.info().unwrap_err().is_removed());
        waiting.join().unwrap().unwrap_err()
    });
    assert!(error.is_removed(), "{error}");
}
