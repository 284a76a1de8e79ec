//! Key pairs of open containers.

use ukey_apdu::Status;
use ukey_apdu::command::{KeyUse, SM2_BITS};

use super::super::command::Command;
use super::super::words::*;
use super::{Container, Model};

/// A pair takes the place of another, whose certificate goes with it.
fn replace(container: &mut Container, key_use: KeyUse, pair: Pair) {
    container.pairs[key_use as usize] = Some(pair);
    container.certificates[key_use as usize] = None;
}

/// Whether the token takes what this envelope holds.
fn envelope(kind: Envelope) -> Result<(), Status> {
    match kind {
        Envelope::Right | Envelope::Short => Ok(()),
        Envelope::OtherAlgorithm => Err(Status::UNSUPPORTED_KEY_ALGORITHM),
        Envelope::ForAnotherKey | Envelope::SpoiltHash | Envelope::OffCurve | Envelope::ShortKey => {
            Err(Status::DECRYPTION_FAILED)
        }
        Envelope::OtherPublicKey
        | Envelope::OtherVersion
        | Envelope::OddLength
        | Envelope::NoZeros
        | Envelope::Zero
        | Envelope::NoInverse => Err(Status::WRONG_DATA),
    }
}

impl Input {
    /// A signer has a name.
    pub(super) fn check(self) -> Result<(), Status> {
        let nameless = matches!(self, Input::Message(EMPTY_IDENTITY, _));
        if nameless { Err(Status::WRONG_DATA) } else { Ok(()) }
    }
}

impl Model {
    pub(super) fn apply_to_key_pairs(&mut self, command: &Command) -> Result<Answer, Status> {
        match *command {
            Command::GenEccKeyPair(application, name, bits) => {
                let at = self.container(application, name)?;
                self.user(at.0)?;
                (bits == SM2_BITS).then_some(()).ok_or(Status::WRONG_DATA)?;
                self.made += 1;
                let pair = Pair::Made(self.made);
                replace(self.container_mut(at), KeyUse::Sign, pair);
                Ok(Answer::PublicKey(pair))
            }
            Command::ImportEccKeyPair(application, name, kind, private) => {
                let at = self.container(application, name)?;
                self.user(at.0)?;
                self.container_mut(at).pairs[KeyUse::Sign as usize].ok_or(Status::NO_KEY_PAIR)?;
                envelope(kind)?;
                replace(self.container_mut(at), KeyUse::Encrypt, Pair::Brought(private));
                Ok(Answer::Nothing)
            }
            Command::EccSignData(application, name, input) => {
                let at = self.container(application, name)?;
                self.user(at.0)?;
                let pair = self.container_mut(at).pairs[KeyUse::Sign as usize].ok_or(Status::NO_KEY_PAIR)?;
                input.check().map(|()| Answer::Signature(pair))
            }
            Command::ExportPubKey(application, name, key_use) => {
                let at = self.container(application, name)?;
                let pair = self.container_mut(at).pairs[key_use as usize];
                pair.map(Answer::PublicKey).ok_or(Status::NO_KEY_PAIR)
            }
            _ => unreachable!("a command about key pairs"),
        }
    }
}
