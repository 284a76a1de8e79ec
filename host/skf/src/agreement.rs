//! Key agreement (GM/T 0016-2012 clause 7.6): the containers' encryption pairs, and a temporary pair on each side.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use self_cell::self_cell;
use ukey_device::{Agreement as OnDevice, EccPublicKey, Party};

use crate::abi::exports;
use crate::abi::pointer::{In, Out};
use crate::abi::types::{BYTE, ECCPUBLICKEYBLOB, HANDLE, HCONTAINER, ULONG};
use crate::connection::Connection;
use crate::container::Container;
use crate::handle::{self, InDevice, Object};
use crate::sar::{Result, Sar};
use crate::session_key::SessionKey;

/// Longest identity, in bytes.
const LONGEST_ID: ULONG = 32;

exports! {
    /// Begins an agreement as its sponsor: the temporary public key for the other side. Wants the user PIN.
    fn SKF_GenerateAgreementDataWithECC(
        hContainer: HCONTAINER,
        ulAlgId: ULONG,
        pTempECCPubKeyBlob: Out<ECCPUBLICKEYBLOB>,
        pbID: In<BYTE>,
        ulIDLen: ULONG,
        phAgreementHandle: Out<HANDLE>,
    ) {
        let container = hContainer.container()?;
        let (temporary, place) = (pTempECCPubKeyBlob.place()?, phAgreementHandle.place()?);
        let id = identity(&pbID, ulIDLen)?;
        let device = container.application().handle;
        let cell =
            Cell::try_new(Arc::clone(&container), |container| {
                container.did(container.get().begin_agreement(ulAlgId, id))
            })?;
        let key = *cell.borrow_dependent().temporary_key();
        let agreement = Agreement { cell, algorithm: ulAlgId, is_done: AtomicBool::new(false) };
        let handle = handle::add(Object::Agreement(Arc::new(agreement)), device)?;
        temporary.put(ECCPUBLICKEYBLOB::from(&key));
        place.put(handle);
        Ok(())
    }

    /// Answers another's agreement: the own temporary public key for the other side, and the session key. Wants the
    /// user PIN.
    fn SKF_GenerateAgreementDataAndKeyWithECC(
        hContainer: HCONTAINER,
        ulAlgId: ULONG,
        pSponsorECCPubKeyBlob: In<ECCPUBLICKEYBLOB>,
        pSponsorTempECCPubKeyBlob: In<ECCPUBLICKEYBLOB>,
        pTempECCPubKeyBlob: Out<ECCPUBLICKEYBLOB>,
        pbID: In<BYTE>,
        ulIDLen: ULONG,
        pbSponsorID: In<BYTE>,
        ulSponsorIDLen: ULONG,
        phKeyHandle: Out<HANDLE>,
    ) {
        let container = hContainer.container()?;
        let (temporary, place) = (pTempECCPubKeyBlob.place()?, phKeyHandle.place()?);
        let sponsor = Party {
            public_key: pSponsorECCPubKeyBlob.value()?.key()?,
            temporary_key: pSponsorTempECCPubKeyBlob.value()?.key()?,
            id: identity(&pbSponsorID, ulSponsorIDLen)?,
        };
        let id = identity(&pbID, ulIDLen)?;
        let mut own: Option<EccPublicKey> = None;
        let key = SessionKey::of_container(Arc::clone(&container), ulAlgId, |container| {
            let (made, key) = container.did(container.get().answer_agreement(ulAlgId, &sponsor, id))?;
            own = Some(made);
            Ok(key)
        })?;
        let handle = key.add()?;
        temporary.put(ECCPUBLICKEYBLOB::from(&own.ok_or(Sar::FAIL)?));
        place.put(handle);
        Ok(())
    }

    /// Ends an agreement as its sponsor: the session key. An agreement ends once, and is closed by SKF_CloseHandle.
    fn SKF_GenerateKeyWithECC(
        hAgreementHandle: HANDLE,
        pECCPubKeyBlob: In<ECCPUBLICKEYBLOB>,
        pTempECCPubKeyBlob: In<ECCPUBLICKEYBLOB>,
        pbID: In<BYTE>,
        ulIDLen: ULONG,
        phKeyHandle: Out<HANDLE>,
    ) {
        let agreement = hAgreementHandle.agreement()?;
        let place = phKeyHandle.place()?;
        let responder = Party {
            public_key: pECCPubKeyBlob.value()?.key()?,
            temporary_key: pTempECCPubKeyBlob.value()?.key()?,
            id: identity(&pbID, ulIDLen)?,
        };
        if agreement.is_done.swap(true, Ordering::SeqCst) {
            return Err(Sar::KEYNOTFOUNTERR.into());
        }
        let device = agreement.cell.borrow_owner().application().handle;
        let algorithm = agreement.algorithm;
        let key = SessionKey::of_agreement(Arc::clone(&agreement), device, algorithm, |agreement| {
            agreement.connection().did(agreement.cell.borrow_dependent().clone().finish(&responder))
        })?;
        place.put(key.add()?);
        Ok(())
    }
}

/// An identity of 1 to 32 bytes.
fn identity(id: &In<BYTE>, length: ULONG) -> Result<&[u8]> {
    let bytes = id.bytes(length)?;
    if (1..=LONGEST_ID).contains(&length) { Ok(bytes) } else { Err(Sar::INDATALENERR.into()) }
}

self_cell! {
    struct Cell {
        owner: Arc<Container>,
        #[covariant]
        dependent: OnDevice,
    }
}

/// What an agreement's handle stands for.
pub(crate) struct Agreement {
    cell: Cell,
    /// Algorithm of the key that is agreed on.
    algorithm: ULONG,
    is_done: AtomicBool,
}

impl InDevice for Agreement {
    fn connection(&self) -> &Arc<Connection> {
        self.cell.borrow_owner().connection()
    }

    fn check(&self) -> Result {
        self.cell.borrow_owner().check()
    }
}
