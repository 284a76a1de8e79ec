//! PINs.

use ukey_apdu::Status;
use ukey_apdu::command::{PinInfo, PinType};

use super::super::command::Command;
use super::super::words::*;
use super::{Model, Pin};

impl Model {
    pub(super) fn apply_to_access(&mut self, command: &Command) -> Result<Answer, Status> {
        match *command {
            Command::VerifyPin(name, kind, proof) => {
                let name = self.application(name)?;
                self.attempt(name, kind, proof)?;
                self.proved(kind).insert(name);
            }
            Command::ChangePin(name, kind, proof, new) => {
                let name = self.application(name)?;
                self.attempt(name, kind, proof)?;
                Self::long_enough(new)?;
                let pin = &mut self.application_mut(name).pins[kind as usize];
                *pin = Pin::new(new, pin.most, false);
            }
            Command::UnblockPin(name, proof, new) => {
                let name = self.application(name)?;
                self.attempt(name, PinType::Administrator, proof)?;
                Self::long_enough(new)?;
                let pin = &mut self.application_mut(name).pins[PinType::User as usize];
                *pin = Pin::new(new, pin.most, false);
                self.session.users.remove(&name);
            }
            Command::GetPinInfo(name, kind) => {
                let name = self.application(name)?;
                let Pin { most, left, is_default, .. } = self.application_mut(name).pins[kind as usize];
                return Ok(Answer::Pin(PinInfo { max_retries: most, remaining: left, is_default }));
            }
            Command::ClearSecureState(name) => {
                let name = self.application(name)?;
                self.session.users.remove(&name);
                self.session.administrators.remove(&name);
            }
            _ => unreachable!("a command about PINs"),
        }
        Ok(Answer::Nothing)
    }
}
