//! Key agreement in both roles.

use ukey_apdu::Status;
use ukey_apdu::command::KeyUse;

use super::super::command::Command;
use super::super::words::*;
use super::Model;

/// An agreement that waits for its responder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Agreement {
    pub handle: u32,
    pub container: (Name, Name),
    pub identity: Identity,
}

/// A party has a name of 1 to 32 bytes.
fn named(identity: Identity) -> Result<(), Status> {
    (identity < LONG_IDENTITY).then_some(()).ok_or(Status::WRONG_DATA)
}

impl Peer {
    fn check(self) -> Result<(), Status> {
        match self {
            Peer::Right(identity) => named(identity),
            Peer::KeyOffCurve | Peer::TemporaryOffCurve | Peer::Cancelling => Ok(()),
        }
    }

    fn agree(self) -> Result<(), Status> {
        match self {
            Peer::Right(_) => Ok(()),
            Peer::KeyOffCurve | Peer::TemporaryOffCurve => Err(Status::AGREEMENT_DATA_FAILED),
            Peer::Cancelling => Err(Status::AGREEMENT_KEY_FAILED),
        }
    }
}

impl Model {
    /// The handle by which the host calls an agreement, there or not.
    pub fn agreement_handle(&self, agreement: usize) -> u32 {
        self.ids.agreements.get(&agreement).copied().unwrap_or(0x0BAD_0BAD)
    }

    /// Its container, where the user has it open, and it has an encryption pair.
    fn party(&mut self, (application, name): (Name, Name)) -> Result<(Name, Name), Status> {
        let at = self.container(application, name)?;
        self.user(at.0)?;
        self.container_mut(at).pairs[KeyUse::Encrypt as usize].ok_or(Status::NO_KEY_PAIR)?;
        Ok(at)
    }

    pub(super) fn apply_to_agreements(&mut self, command: &Command, given: Given) -> Result<Answer, Status> {
        match *command {
            Command::BeginAgreement(agreement, called, identity, sm4) => {
                let container = self.party(called)?;
                named(identity)?;
                sm4.then_some(()).ok_or(Status::UNSUPPORTED_KEY_ALGORITHM)?;
                let handle = given.agreement;
                let waiting = &mut self.session.agreements;
                assert!(waiting.iter().all(|other| other.handle != handle), "a handle of two agreements");
                if waiting.len() == MOST_AGREEMENTS {
                    waiting.pop_front();
                }
                waiting.push_back(Agreement { handle, container, identity });
                self.ids.agreements.insert(agreement, handle);
                self.agreements_begun += 1;
                Ok(Answer::Nothing)
            }
            Command::AnswerAgreement(key, called, identity, peer, sm4) => {
                let container = self.party(called)?;
                peer.check()?;
                named(identity)?;
                sm4.then_some(()).ok_or(Status::UNSUPPORTED_KEY_ALGORITHM)?;
                peer.agree()?;
                self.add(key, Some(called), Some(container), given.key, given.id)
            }
            Command::EndAgreement(key, called, agreement, peer) => {
                let container = self.party(called)?;
                peer.check()?;
                let handle = self.agreement_handle(agreement);
                let waiting = &mut self.session.agreements;
                let at =
                    waiting.iter().position(|other| (other.handle, other.container) == (handle, container));
                // It works once, whatever comes of it.
                waiting.remove(at.ok_or(Status::NO_SUCH_KEY)?);
                peer.agree()?;
                self.add(key, Some(called), Some(container), given.key, given.id)
            }
            _ => unreachable!("a command about agreements"),
        }
    }
}
