//! The device itself.

use ukey_apdu::Status;

use super::super::command::Command;
use super::super::words::*;
use super::{Model, Pin};

/// P2 of a device authentication by SM1, which the token does not have.
const SM1: u8 = 1;

impl Model {
    pub(super) fn apply_to_device(&mut self, command: &Command) -> Result<Answer, Status> {
        match *command {
            Command::SetLabel(label) if label >= LONG_LABEL => return Err(Status::WRONG_DATA),
            Command::SetLabel(label) => self.durable.label = Some(label),
            Command::GetDevInfo => {
                let label = self.durable.label.unwrap_or(FACTORY_LABEL);
                return Ok(Answer::Device(label, self.durable.free_space()));
            }
            Command::GenRandom(length) => {
                (1..=ANSWER_BLOCK).contains(&length).then_some(()).ok_or(Status::WRONG_LE)?;
                self.session.challenge = length >= 8;
                return Ok(Answer::Random(length.into()));
            }
            Command::DevAuth(_, SM1) => return Err(Status::UNSUPPORTED),
            Command::DevAuth(proof, _) => {
                let live = std::mem::take(&mut self.session.challenge);
                let mut key = Pin::new(self.durable.device_key, DEVICE_TRIES, false);
                key.left = self.durable.device_tries;
                let result = key.attempt(live, proof.secret);
                self.durable.device_tries = key.left;
                if result.is_ok() || result.is_err_and(|status| status.remaining().is_some()) {
                    self.session.device = result.is_ok();
                }
                result?;
            }
            Command::ChangeDevAuthKey(proof, algorithm, new) => {
                Self::right(self.session.device)?;
                (algorithm != SM1).then_some(()).ok_or(Status::UNSUPPORTED)?;
                let live = std::mem::take(&mut self.session.challenge);
                live.then_some(()).ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
                // The right stays; the key is changed and no try is counted.
                (proof.secret == self.durable.device_key).then_some(()).ok_or(Status::WRONG_MAC)?;
                self.durable.device_key = new;
            }
            _ => unreachable!("a command about the device"),
        }
        Ok(Answer::Nothing)
    }
}
