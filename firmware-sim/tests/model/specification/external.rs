//! Keys that come in the command: anybody may, and nothing is kept.

use ukey_apdu::Status;

use super::super::command::Command;
use super::super::words::*;
use super::Model;

/// Bytes of a ciphertext beside what is encrypted: bits, X, Y, hash, length.
const CIPHERTEXT: usize = 104;

impl Model {
    pub(super) fn apply_to_external_keys(command: &Command) -> Result<Answer, Status> {
        match *command {
            Command::EccVerify(input, shown) => {
                input.check()?;
                let right = shown == Shown::Right;
                right.then_some(Answer::Nothing).ok_or(Status::PUBLIC_KEY_OPERATION_FAILED)
            }
            Command::ExtEccEncrypt(on_curve, length) => {
                (length > 0).then_some(()).ok_or(Status::WRONG_DATA)?;
                on_curve.then_some(()).ok_or(Status::ENCRYPTION_FAILED)?;
                (CIPHERTEXT + length <= BUFFER).then_some(()).ok_or(Status::WRONG_LENGTH)?;
                Ok(Answer::Content(message(length)))
            }
            Command::ExtEccDecrypt(ciphertext, length) => {
                (length > 0).then_some(()).ok_or(Status::WRONG_DATA)?;
                let right = ciphertext == Ciphertext::Right;
                right.then_some(Answer::Content(message(length))).ok_or(Status::DECRYPTION_FAILED)
            }
            Command::ExtEccSign(private) => match private {
                Private::Right => Ok(Answer::ExternalSignature),
                Private::Zero | Private::NoInverse | Private::TooLarge => Err(Status::WRONG_DATA),
            },
            _ => unreachable!("a command with a key from outside"),
        }
    }
}
