//! The steps of a test, made at random: commands in their manners, cuts of the power, restarts.

mod anything;
mod further;

use proptest::prelude::*;
use proptest::sample::select;
use proptest_state_machine::ReferenceStateMachine;
use ukey_apdu::Dialect;

use super::command::Command;
use super::driver::Cut;
use super::manner::Manner;
use super::specification::Model;
use super::words::*;

#[derive(Clone, Debug)]
pub enum Step {
    Send(Command, Manner),
    SendAndCut(Command, Cut, Option<Cut>),
    Restart(Option<Cut>),
}

/// Makes the steps; the model that it goes along with is only to make them likely to get somewhere. Without cuts of the
/// power a session grows long, and with it what ends with the power.
pub struct Steps<const CUTS: bool>;

/// The dialects that tokens and their hosts speak: each session in one.
fn dialect() -> impl Strategy<Value = Dialect> {
    Just(Dialect::GM2012)
}

/// A command that is likely to mean something as the model stands.
pub fn command(model: &Model) -> BoxedStrategy<Command> {
    prop_oneof![
        8 => select(further::next(model)),
        8 => anything::any_command(model),
        2 => select(further::next_work(model)),
        2 => anything::any_work(model),
        2 => select(further::next_agreement(model)),
        2 => anything::any_agreement(model),
        1 => anything::any_external(),
    ]
    .boxed()
}

impl<const CUTS: bool> ReferenceStateMachine for Steps<CUTS> {
    type State = Model;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Model> {
        dialect().prop_map(Model::new).boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Step> {
        let command = command(model);
        let send = (command.clone(), anything::any_manner())
            .prop_map(|(command, manner)| Step::Send(command, manner))
            .boxed();
        if !CUTS {
            return send;
        }
        prop_oneof![
            40 => send,
            4 => (command, cut(40), proptest::option::weighted(0.3, cut(3)))
                .prop_map(|(command, cut, again)| Step::SendAndCut(command, cut, again)),
            1 => proptest::option::of(cut(3)).prop_map(Step::Restart),
        ]
        .boxed()
    }

    fn apply(mut model: Model, step: &Step) -> Model {
        match step {
            Step::Send(command, manner) => {
                let _ = model.hear(command, *manner, given(&model, command));
            }
            Step::SendAndCut(..) | Step::Restart(_) => model.restart(),
        }
        model
    }
}

/// What a token might choose.
pub fn given(model: &Model, command: &Command) -> Given {
    let id = match *command {
        Command::OpenApplication(name) => name,
        Command::CreateContainer(_, name) | Command::OpenContainer(_, name) => name,
        _ => model.keys_given.into(),
    };
    let id = 1 + u16::try_from(id).expect("a small number");
    Given { id, agreement: 1 + model.agreements_begun, ..Given::default() }
}

fn cut(operations: u64) -> impl Strategy<Value = Cut> {
    // Most commands take few operations, a long certificate takes many.
    let operation = prop_oneof![3 => 0..8_u64, 1 => 0..operations].prop_map(move |n| n.min(operations));
    (operation, any::<Option<u64>>()).prop_map(|(operation, tear)| Cut { operation, tear })
}
