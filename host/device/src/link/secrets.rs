//! PINs and keys on their way to a side that takes them in clear, as the functions of GM/T 0016 do. Envelopes carry only
//! what was made of them.

use ukey_apdu::Status;
use ukey_apdu::command::{AppId, PinType};
use ukey_apdu::pin::{Challenge, DeviceKey, Pin, SealedPinBuf};

use super::LinkError;

/// What is to be done with a secret. It is erased when dropped, and prints nothing of it.
#[derive(Clone, Debug)]
pub enum Secret {
    /// Proves a PIN.
    VerifyPin {
        /// The application.
        application: AppId,
        /// Whose PIN.
        pin_type: PinType,
        /// The PIN.
        pin: Pin,
    },
    /// Replaces a PIN.
    ChangePin {
        /// The application.
        application: AppId,
        /// Whose PIN.
        pin_type: PinType,
        /// The PIN that it was.
        old: Pin,
        /// The PIN that it will be.
        new: Pin,
    },
    /// Sets a new user PIN.
    UnblockPin {
        /// The application.
        application: AppId,
        /// The administrator PIN.
        admin: Pin,
        /// The new user PIN.
        new: Pin,
    },
    /// Sets a new user PIN that another sealed for the token, over its [`Secrets::challenge`].
    UnblockRemote {
        /// The application.
        application: AppId,
        /// The new user PIN.
        sealed: SealedPinBuf,
    },
    /// Replaces the device authentication key, which was proved.
    ChangeDeviceKey {
        /// The key that it will be.
        new: DeviceKey,
    },
}

/// The part of a link that takes secrets in clear.
pub trait Secrets {
    /// Carries it out; the word that a token says.
    ///
    /// # Errors
    /// As [`Link::transmit`](super::Link::transmit).
    fn in_clear(&mut self, secret: Secret) -> Result<Status, LinkError>;

    /// The challenge of a remote unblocking, of the token itself; or the word of a refusal.
    ///
    /// # Errors
    /// As [`Link::transmit`](super::Link::transmit).
    fn challenge(&mut self) -> Result<Result<Challenge, Status>, LinkError>;
}
