//! Key agreement: two tokens come to have the same session key, and nobody else has it.

use ukey_apdu::command::{
    AgreementHandle, EccPublicKey, GenerateAgreementDataAndKeyWithEcc, GenerateAgreementDataWithEcc,
    GenerateKeyWithEcc, Party,
};

use crate::container::Container;
use crate::error::Result;
use crate::session_key::SessionKey;

/// An agreement that a container began. Dropping it leaves what waits in the token to the end of the power, or until
/// newer ones take its place. It can be ended once; clones are the same agreement.
#[derive(Clone, Debug)]
pub struct Agreement<'d> {
    container: Container<'d>,
    handle: AgreementHandle,
    temporary_key: EccPublicKey,
}

impl<'d> Agreement<'d> {
    /// The temporary public key, for the responder.
    #[must_use]
    pub fn temporary_key(&self) -> &EccPublicKey {
        &self.temporary_key
    }

    /// Ends it with what the responder answered; wants the user PIN.
    ///
    /// # Errors
    /// [`ErrorKind::NotLoggedIn`](crate::ErrorKind::NotLoggedIn), [`ErrorKind::NoSpace`](crate::ErrorKind::NoSpace);
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) where the responder's keys are none.
    pub fn finish(self, responder: &Party<'_>) -> Result<SessionKey<'d>> {
        let (application, container) = self.container.ids();
        let command =
            GenerateKeyWithEcc { application, container, handle: self.handle, responder: *responder };
        let key = self.container.send(&command, |key| key.0)?;
        Ok(self.container.session_key(key))
    }
}

impl<'d> Container<'d> {
    /// Begins an agreement on a session key, under an identity of 1 to 32 bytes, with the encryption pair of this
    /// container; wants the user PIN.
    ///
    /// # Errors
    /// [`ErrorKind::NotLoggedIn`](crate::ErrorKind::NotLoggedIn), [`ErrorKind::NoKeyPair`](crate::ErrorKind::NoKeyPair);
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) for another algorithm than SM4's or a wrong identity.
    pub fn begin_agreement(&self, algorithm: u32, id: &[u8]) -> Result<Agreement<'d>> {
        let (application, container) = self.ids();
        let command = GenerateAgreementDataWithEcc { application, container, algorithm, id };
        let data = self.send(&command, |data| data)?;
        Ok(Agreement { container: self.clone(), handle: data.handle, temporary_key: data.temporary_key })
    }

    /// Answers another's agreement, under an identity of 1 to 32 bytes, with the encryption pair of this container:
    /// gives the temporary public key for the initiator, and the session key. Wants the user PIN.
    ///
    /// # Errors
    /// As [`Container::begin_agreement`]; [`ErrorKind::NoSpace`](crate::ErrorKind::NoSpace);
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) where the initiator's keys are none.
    pub fn answer_agreement(
        &self,
        algorithm: u32,
        initiator: &Party<'_>,
        id: &[u8],
    ) -> Result<(EccPublicKey, SessionKey<'d>)> {
        let (application, container) = self.ids();
        let command = GenerateAgreementDataAndKeyWithEcc {
            application,
            container,
            algorithm,
            initiator: *initiator,
            id,
        };
        let (temporary_key, key) = self.send(&command, |agreed| (agreed.temporary_key, agreed.key.0))?;
        Ok((temporary_key, self.session_key(key)))
    }
}
