//! Applications.

use std::collections::BTreeMap;

use ukey_apdu::Status;

use super::super::command::Command;
use super::super::words::*;
use super::{Application, Model, Pin};

impl Model {
    pub(super) fn apply_to_applications(&mut self, command: &Command, given: Id) -> Result<Answer, Status> {
        match *command {
            Command::CreateApplication { name, tries, user } => {
                Self::right(self.session.device)?;
                let most = u8::try_from(tries).ok().filter(|tries| (1..=15).contains(tries));
                let most = most.ok_or(Status::WRONG_DATA)?;
                Self::long_enough(user)?;
                if self.durable.applications.contains_key(&name) {
                    return Err(Status::APPLICATION_EXISTS);
                }
                // The administrator PIN is always number 0.
                let pins = [Pin::new(0, most, true), Pin::new(user, most, true)];
                self.durable
                    .applications
                    .insert(name, Application { pins, containers: BTreeMap::new(), files: BTreeMap::new() });
            }
            Command::OpenApplication(name) => {
                let exists = self.durable.applications.contains_key(&name);
                exists.then_some(()).ok_or(Status::NO_SUCH_APPLICATION_NAME)?;
                let (open, _) = self.session.open.entry(given).or_insert((name, BTreeMap::new()));
                assert_eq!(*open, name, "an id of two applications");
                self.ids.applications.insert(name, given);
            }
            Command::CloseApplication(name) => {
                self.application(name)?;
                self.session.open.remove(&self.application_id(name));
            }
            Command::DeleteApplication(name) => {
                Self::right(self.session.device)?;
                self.durable.applications.remove(&name).ok_or(Status::NO_SUCH_APPLICATION_NAME)?;
                self.session.users.remove(&name);
                self.session.administrators.remove(&name);
                self.session.open.retain(|_, (open, _)| *open != name);
                self.session.keys.retain(|_, key| key.holder.is_none_or(|(of, _)| of != name));
                self.session.agreements.retain(|agreement| agreement.container.0 != name);
            }
            Command::EnumApplication => {
                return Ok(Answer::Names(self.durable.applications.keys().copied().collect()));
            }
            _ => unreachable!("a command about applications"),
        }
        Ok(Answer::Nothing)
    }
}
