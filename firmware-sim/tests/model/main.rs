//! The firmware does what the specification says: random commands with right and wrong secrets, in envelopes of all
//! manners, restarts, and cuts of the power at random flash operations, against a model that is plain values.
//!
//! Every status word and answer is predicted; what is random in an answer is verified by another implementation. After a
//! cut the token is as before the command or as after it (a try may have been counted), as much room is free as then, and
//! the model goes on from there; so tries never rise without the right PIN, and no room is lost. A command that the sweep
//! does not cut never touches the flash.
//!
//! More sessions: `PROPTEST_CASES=2000 cargo test -p ukey-firmware --test model`.

#![allow(unreachable_pub, reason = "modules of a test")]

mod command;
mod coverage;
mod driver;
mod manner;
mod reference;
mod specification;
mod steps;
#[path = "../support/mod.rs"]
mod support;
mod words;

use command::Command;
use driver::{Cut, Driver};
use manner::Manner;
use proptest::test_runner::Config;
use proptest_state_machine::{StateMachineTest, prop_state_machine};
use specification::Model;
use steps::{Step, Steps};
use ukey_apdu::Status;
use ukey_firmware::sim::sweep;
use words::{Answer, Given};

/// So many sessions, where `PROPTEST_CASES` does not say otherwise.
fn sessions(count: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|count| count.parse().ok());
    Config::with_cases(asked.unwrap_or(count))
}

/// Whether the command may touch the flash: then the sweep cuts the power in it.
fn changes_something(command: &Command) -> bool {
    command.ins().is_some_and(|ins| sweep::commands().contains(&ins))
}

/// The token under test, and the model that predicts it.
struct Firmware<const CUTS: bool> {
    driver: Driver,
    model: Model,
}

impl<const CUTS: bool> Firmware<CUTS> {
    fn check(&mut self, command: &Command, manner: Manner, got: Result<(Answer, Given), Status>) {
        let given = got.as_ref().map_or_else(|_| Given::default(), |(_, given)| *given);
        let expected = self.model.hear(command, manner, given);
        assert_eq!(got.map(|(answer, _)| answer), expected, "{command:?}, {manner:?}");
    }

    fn restart(self, cut: Option<Cut>, candidates: &[Model]) -> Self {
        let mut driver = self.driver.restart(cut);
        let seen = driver.look(candidates);
        let as_seen = |model: &&Model| (model.durable.clone().visible(), model.durable.free_space()) == seen;
        let adopted = candidates.iter().find(as_seen);
        let adopted = adopted.unwrap_or_else(|| panic!("{seen:#?}\nis none of\n{candidates:#?}"));
        Self { driver, model: adopted.clone() }
    }
}

impl<const CUTS: bool> StateMachineTest for Firmware<CUTS> {
    type SystemUnderTest = Self;
    type Reference = Steps<CUTS>;

    fn init_test(model: &Model) -> Self {
        Self { driver: Driver::new(model.dialect), model: Model::new(model.dialect) }
    }

    fn apply(mut this: Self, _: &Model, step: Step) -> Self {
        match step {
            Step::Send(command, manner) => {
                let before = this.driver.flash_operations();
                let got = this.driver.send(&this.model, &command, manner);
                if !changes_something(&command) {
                    assert_eq!(this.driver.flash_operations(), before, "{command:?} touched the flash");
                }
                this.check(&command, manner, got);
            }
            Step::SendAndCut(command, cut, again) => {
                this.driver.cut(cut);
                let got = this.driver.send(&this.model, &command, Manner::Usual);
                if this.driver.was_cut() {
                    let candidates = this.model.after_cut(&command);
                    return this.restart(again, &candidates);
                }
                this.check(&command, Manner::Usual, got);
            }
            Step::Restart(cut) => {
                this.model.restart();
                let expected = [this.model.clone()];
                return this.restart(cut, &expected);
            }
        }
        this
    }

    fn teardown(mut this: Self, _: Model) {
        this.model.restart();
        let expected = [this.model.clone()];
        this.restart(None, &expected);
    }
}

prop_state_machine! {
    #![proptest_config(sessions(192))]
    #[test]
    fn the_firmware_is_as_the_model(sequential 80..200 => Firmware<true>);
}

prop_state_machine! {
    #![proptest_config(sessions(72))]
    #[test]
    fn a_long_session_is_as_the_model(sequential 150..300 => Firmware<false>);
}
