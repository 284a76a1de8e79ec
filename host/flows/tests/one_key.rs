//! The rule of the one key: none, one, several, one that another program holds.

use std::time::Duration;

use ukey_device::{Device, Options, Target};
use ukey_flows::{FlowError, Rule, key::only_one};

fn key(seed: u64) -> Device {
    Target::Sim.connect(&Options { seed: Some(seed), ..Options::default() }).unwrap()
}

#[test]
fn exactly_one_key_may_be_plugged_in() {
    let rule = |known: &[&Device]| match only_one(known) {
        Err(FlowError::Rule(rule)) => rule,
        other => panic!("{other:?}"),
    };
    let (one, two) = (key(1), key(2));
    assert_eq!(rule(&[]), Rule::NoKey);
    assert_eq!(rule(&[&one, &two]), Rule::SeveralKeys { count: 2 });
    assert_eq!(rule(&[&one, &two]).message_zh(), "插着2个UKey，请只插一个");
    two.unplug().unwrap();
    assert!(std::ptr::eq(*only_one(&[&two, &one]).unwrap(), &one));
    one.unplug().unwrap();
    assert_eq!(rule(&[&one, &two]), Rule::NoKey);
}

#[test]
fn a_key_that_another_program_holds_is_there() {
    let one = key(1);
    let other = Device::connect(&one.simulator().unwrap()).unwrap();
    other.lock(Duration::ZERO).unwrap();
    let Err(FlowError::Key(error)) = only_one(&[&one]) else { panic!("a key that is held") };
    assert!(error.is_busy(), "{error}");
    other.unlock().unwrap();
    only_one(&[&one]).unwrap();
}
