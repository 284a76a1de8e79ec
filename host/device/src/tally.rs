//! What was asked of a key that costs something, counted by the commands and the status words on the wire: whoever
//! sent them, and whatever the link is.

use ukey_apdu::command::PinType;
use ukey_apdu::envelope::Cla;
use ukey_apdu::{Ins, Status};

/// A secret was wrong, and nobody says how many tries are left.
pub(crate) const UNCOUNTED: Status = Status(0x6300);

/// Counts since the device was connected. Of a command that was refused only the tries count.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Tally {
    /// Envelopes.
    pub exchanges: u64,
    /// Tries of user PINs.
    pub user_pin: Tries,
    /// Tries of administrator PINs.
    pub administrator_pin: Tries,
    /// Tries of the device authentication key.
    pub device_key: Tries,
    /// How often the device authentication key was changed.
    pub device_keys: u64,
    /// Key pairs that the token generated.
    pub key_pairs: u64,
    /// Key pairs that were imported.
    pub imported_key_pairs: u64,
    /// Applications created.
    pub applications: u64,
    /// Applications deleted.
    pub deleted_applications: u64,
    /// Containers created.
    pub containers: u64,
    /// Containers deleted.
    pub deleted_containers: u64,
    /// Files created.
    pub files: u64,
    /// Files deleted.
    pub deleted_files: u64,
    /// Pieces written into files.
    pub file_writes: u64,
    /// Certificates written.
    pub certificates: u64,
}

/// Tries of one kind of secret.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Tries {
    /// Wrong ones, and those of a locked secret.
    pub wrong: u64,
    /// The least number that a refusal left: 0 where it was locked.
    pub least_left: Option<u8>,
}

impl Tries {
    fn count(&mut self, status: Status) {
        let left = if status == Status::LOCKED { Some(0) } else { status.remaining() };
        if left.is_some() || status == UNCOUNTED {
            self.wrong += 1;
            self.least_left = self.least_left.into_iter().chain(left).min();
        }
    }
}

/// What an envelope asks for, and its P2: of any class, and however long, for a token may take what the standard does
/// not. Pieces of a chain ask for nothing before the last.
pub(crate) fn asks_for(envelope: &[u8]) -> Option<(Ins, u8)> {
    let &[cla, ins, _, p2, ..] = envelope else { return None };
    let is_piece = Cla::from_byte(cla).is_ok_and(|cla| cla.chained);
    Ins::from_byte(ins).filter(|_| !is_piece).map(|ins| (ins, p2))
}

impl Tally {
    /// Whether a secret was locked.
    #[must_use]
    pub fn locked(&self) -> bool {
        [self.user_pin, self.administrator_pin, self.device_key]
            .iter()
            .any(|tries| tries.least_left == Some(0))
    }

    /// Counts an exchange; `answer` is empty where none came.
    pub(crate) fn count(&mut self, command: &[u8], answer: &[u8]) {
        self.exchanges += 1;
        let (Some((ins, p2)), Some(word)) = (asks_for(command), answer.last_chunk::<2>()) else { return };
        let status = Status(u16::from_be_bytes(*word));
        match ins {
            Ins::DevAuth => self.device_key.count(status),
            Ins::UnblockPin => self.administrator_pin.count(status),
            Ins::VerifyPin | Ins::ChangePin if p2 == PinType::Administrator as u8 => {
                self.administrator_pin.count(status);
            }
            Ins::VerifyPin | Ins::ChangePin => self.user_pin.count(status),
            ins if status.is_ok() => {
                if let Some(counter) = self.counter(ins) {
                    *counter += 1;
                }
            }
            _ => {}
        }
    }

    fn counter(&mut self, ins: Ins) -> Option<&mut u64> {
        Some(match ins {
            Ins::ChangeDevAuthKey => &mut self.device_keys,
            Ins::GenEccKeyPair | Ins::GenRsaKeyPair => &mut self.key_pairs,
            Ins::ImportEccKeyPair | Ins::ImportRsaKeyPair => &mut self.imported_key_pairs,
            Ins::CreateApplication => &mut self.applications,
            Ins::DeleteApplication => &mut self.deleted_applications,
            Ins::CreateContainer => &mut self.containers,
            Ins::DeleteContainer => &mut self.deleted_containers,
            Ins::CreateFile => &mut self.files,
            Ins::DeleteFile => &mut self.deleted_files,
            Ins::WriteFile => &mut self.file_writes,
            Ins::ImportCertificate => &mut self.certificates,
            _ => return None,
        })
    }
}
