//! No command is forgotten: the sessions that are tried give each command that tokens speak, and each succeeds.

use std::collections::BTreeMap;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use proptest_state_machine::ReferenceStateMachine;
use ukey_apdu::command::SPOKEN;
use ukey_apdu::{Ins, Status};

use super::specification::Model;
use super::steps::{Step, Steps, given};

/// How often each command was answered with which status word, as the model says, in so many sessions.
fn answered(sessions: usize) -> BTreeMap<u8, BTreeMap<u16, usize>> {
    let mut runner = TestRunner::deterministic();
    let mut counts: BTreeMap<u8, BTreeMap<u16, usize>> = BTreeMap::new();
    for _ in 0..sessions {
        let mut model = Steps::<false>::init_state().new_tree(&mut runner).unwrap().current();
        for _ in 0..250 {
            let step = Steps::<false>::transitions(&model).new_tree(&mut runner).unwrap().current();
            if let Step::Send(command, manner) = &step {
                let told: &mut Model = &mut model.clone();
                let answer = told.hear(command, *manner, given(&model, command));
                if let Some(ins) = command.ins() {
                    let word = answer.err().unwrap_or(Status::OK).0;
                    *counts.entry(ins as u8).or_default().entry(word).or_default() += 1;
                }
            }
            model = Steps::<false>::apply(model, &step);
        }
    }
    counts
}

#[test]
fn every_command_that_tokens_speak_is_tried_and_succeeds_and_is_refused() {
    let counts = answered(100);
    for ins in SPOKEN {
        let Some(words) = counts.get(&(*ins as u8)) else { panic!("{} is not in the model", ins.name()) };
        let right = words.get(&Status::OK.0).copied().unwrap_or_default();
        assert!(right >= 10, "{} succeeded {right} times: {words:X?}", ins.name());
        assert!(words.len() >= 2, "{} is never refused: {words:X?}", ins.name());
    }
    assert_eq!(counts.len(), SPOKEN.len(), "and no other");

    let of = &counts[&(Ins::GenerateKeyWithEcc as u8)];
    for status in [
        Status::NO_SUCH_KEY,
        Status::AGREEMENT_DATA_FAILED,
        Status::AGREEMENT_KEY_FAILED,
        Status::NO_KEY_PAIR,
        Status::WRONG_DATA,
        Status::SECURITY_NOT_SATISFIED,
        Status::NO_SUCH_CONTAINER,
        Status::NO_SUCH_APPLICATION,
    ] {
        assert!(of.contains_key(&status.0), "an agreement never ends in {status}: {of:X?}");
    }
}
