//! Key agreement in both roles, by the encryption key pairs of containers. What an initiator waits for is kept in RAM
//! until the responder's answer uses it, once; a new one takes the place of the oldest.

use ukey_apdu::command::{
    AgreedKey, AgreedKeyId, AgreementData, AgreementHandle, GenerateAgreementDataAndKeyWithEcc,
    GenerateAgreementDataWithEcc, GenerateKeyWithEcc, MAX_PARTY_ID, Party,
};
use ukey_apdu::mac::BLOCK;
use ukey_apdu::status::Status;
use ukey_apdu::wire::Writer;

use crate::gate::{KeyHolder, KeyRight, OpenContainer, UserRight};
use crate::object::{AppSlot, ContainerSlot, KeyPairRecord, Text};
use crate::platform::Platform;
use crate::session_key;
use crate::sm2::{self, AgreementError, Own, Role};
use crate::token::Run;

/// Most agreements that wait for their responder.
const AGREEMENTS: usize = 4;

/// The agreements that were begun here.
#[cfg_attr(feature = "sim", derive(Clone))]
#[derive(Default)]
pub(crate) struct Agreements {
    places: [Option<Agreement>; AGREEMENTS],
    last: u32,
}

/// An agreement that waits for its responder.
#[cfg_attr(feature = "sim", derive(Clone))]
struct Agreement {
    handle: AgreementHandle,
    container: OpenContainer,
    algorithm: u32,
    id: Text<MAX_PARTY_ID>,
    temporary: KeyPairRecord,
}

impl core::fmt::Debug for Agreements {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let handles = self.places.iter().flatten().map(|agreement| agreement.handle);
        f.debug_list().entries(handles).finish()
    }
}

impl Agreements {
    /// Keeps one in a free place, or in that of the oldest.
    fn add(
        &mut self,
        container: OpenContainer,
        algorithm: u32,
        id: Text<MAX_PARTY_ID>,
        temporary: KeyPairRecord,
    ) -> AgreementHandle {
        self.last = self.last.wrapping_add(1);
        let handle = AgreementHandle(self.last);
        let place =
            self.places.iter_mut().min_by_key(|place| place.as_ref().map(|agreement| agreement.handle.0));
        if let Some(place) = place {
            *place = Some(Agreement { handle, container, algorithm, id, temporary });
        }
        handle
    }

    /// Gives `work` the container's agreement of this handle, which then is gone; `6A9F` where there is none.
    fn use_up<T>(
        &mut self,
        container: OpenContainer,
        handle: AgreementHandle,
        work: impl FnOnce(&Agreement) -> T,
    ) -> Result<T, Status> {
        for place in &mut self.places {
            if let Some(agreement) = place
                && (agreement.handle, agreement.container) == (handle, container)
            {
                let result = work(agreement);
                *place = None;
                return Ok(result);
            }
        }
        Err(Status::NO_SUCH_KEY)
    }

    /// Drops those of a deleted container.
    pub(crate) fn forget_container(&mut self, app: AppSlot, container: ContainerSlot) {
        self.forget(|slots| slots == (app, container));
    }

    /// Drops those of a deleted application.
    pub(crate) fn forget_application(&mut self, app: AppSlot) {
        self.forget(|(of, _)| of == app);
    }

    fn forget(&mut self, which: impl Fn((AppSlot, ContainerSlot)) -> bool) {
        for place in &mut self.places {
            if place.as_ref().is_some_and(|agreement| which(agreement.container.slots())) {
                *place = None;
            }
        }
    }
}

fn agree(own: Own<'_>, peer: &Party<'_>) -> Result<sm2::Agreed, Status> {
    sm2::agree(own, peer).map_err(|error| match error {
        AgreementError::Data => Status::AGREEMENT_DATA_FAILED,
        AgreementError::Infinity => Status::AGREEMENT_KEY_FAILED,
    })
}

impl<P: Platform> Run<'_, P> {
    /// Begins an agreement. That the container has an encryption key pair is found out now, not at the end.
    pub(crate) fn begin_agreement(
        &mut self,
        container: OpenContainer,
        _: UserRight,
        _: &KeyPairRecord,
        command: &GenerateAgreementDataWithEcc<'_>,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        session_key::supported(command.algorithm)?;
        let id = Text::from_slice(command.id).map_err(|_| Status::WRONG_DATA)?;
        let temporary = self.chance.draw(|rng| sm2::generate(rng))?;
        let temporary_key = temporary.public_key();
        let handle = self.core.agreements.add(container, command.algorithm, id, temporary);
        Ok(AgreementData { temporary_key, handle }.write(out)?)
    }

    /// Answers an initiator.
    pub(crate) fn answer_agreement(
        &mut self,
        container: OpenContainer,
        _: KeyRight,
        key: &KeyPairRecord,
        command: &GenerateAgreementDataAndKeyWithEcc<'_>,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        session_key::supported(command.algorithm)?;
        let temporary = self.chance.draw(|rng| sm2::generate(rng))?;
        let own = Own { role: Role::Responder, key, temporary: &temporary, id: command.id };
        let agreed = agree(own, &command.initiator)?.key::<BLOCK>();
        let id = self.core.session_keys.add(KeyHolder::Container(container), command.algorithm, &agreed)?;
        Ok(AgreedKey { temporary_key: temporary.public_key(), key: AgreedKeyId(id) }.write(out)?)
    }

    /// Ends an agreement that was begun here.
    pub(crate) fn end_agreement(
        &mut self,
        container: OpenContainer,
        _: KeyRight,
        key: &KeyPairRecord,
        command: &GenerateKeyWithEcc<'_>,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let (algorithm, agreed) = self.core.agreements.use_up(container, command.handle, |agreement| {
            let Agreement { algorithm, temporary, id, .. } = agreement;
            let own = Own { role: Role::Initiator, key, temporary, id };
            (*algorithm, agree(own, &command.responder))
        })?;
        let key = agreed?.key();
        let id = self.core.session_keys.add(KeyHolder::Container(container), algorithm, &key)?;
        Ok(AgreedKeyId(id).write(out)?)
    }
}
