//! Digests (GM/T 0016-2012 clause 7.6). A token has one at a time: the older handle answers SAR_HASHOBJERR when a
//! second digest was begun.

use std::sync::Arc;

use self_cell::self_cell;
use ukey_device::{Digest as OnDevice, DigestAlgorithm, Signer};

use crate::abi::exports;
use crate::abi::pointer::{Buffer, In, Out};
use crate::abi::types::{BYTE, DEVHANDLE, ECCPUBLICKEYBLOB, HANDLE, SGD_SHA1, SGD_SHA256, SGD_SM3, ULONG};
use crate::connection::Connection;
use crate::handle::{self, InDevice, Object};
use crate::sar::{Result, Sar};

exports! {
    /// Begins a digest. With SM3, a public key and an identity: that of an SM2 signature.
    fn SKF_DigestInit(
        hDev: DEVHANDLE,
        ulAlgID: ULONG,
        pPubKey: In<ECCPUBLICKEYBLOB>,
        pucID: In<BYTE>,
        ulIDLen: ULONG,
        phHash: Out<HANDLE>,
    ) {
        let device = hDev.device()?;
        let place = phHash.place()?;
        let algorithm = match ulAlgID {
            SGD_SM3 => DigestAlgorithm::Sm3,
            SGD_SHA1 => DigestAlgorithm::Sha1,
            SGD_SHA256 => DigestAlgorithm::Sha256,
            _ => return Err(Sar::NOTSUPPORTYETERR.into()),
        };
        // The identity counts with SM3 only; other algorithms have no signer.
        let with_signer = algorithm == DigestAlgorithm::Sm3 && ulIDLen != 0;
        let public_key = if with_signer { Some(pPubKey.value()?.key()?) } else { None };
        let id = if with_signer { pucID.bytes(ulIDLen)? } else { &[] };
        let signer = public_key.map(|public_key| Signer { public_key, id });
        let cell = Cell::try_new(Arc::clone(&device), |device| {
            device.did(device.device()?.digest_init(algorithm, signer))
        })?;
        let digest = Digest { cell, size: algorithm.size() };
        place.put(handle::add(Object::Digest(Arc::new(digest)), hDev)?);
        Ok(())
    }

    /// The digest of a message, in one.
    fn SKF_Digest(
        hHash: HANDLE,
        pbData: In<BYTE>,
        ulDataLen: ULONG,
        pbHashData: Out<BYTE>,
        pulHashLen: Out<ULONG>,
    ) {
        let digest = hHash.digest()?;
        let data = pbData.bytes(ulDataLen)?;
        digest.out(Buffer::new(pbHashData, pulHashLen)?, |digest| digest.digest(data))
    }

    /// A part of the message.
    fn SKF_DigestUpdate(hHash: HANDLE, pbData: In<BYTE>, ulDataLen: ULONG) {
        let digest = hHash.digest()?;
        digest.did(digest.cell.borrow_dependent().update(pbData.bytes(ulDataLen)?))
    }

    /// The digest of the parts.
    fn SKF_DigestFinal(hHash: HANDLE, pHashData: Out<BYTE>, pulHashLen: Out<ULONG>) {
        let digest = hHash.digest()?;
        digest.out(Buffer::new(pHashData, pulHashLen)?, |digest| digest.finish())
    }
}

self_cell! {
    struct Cell {
        owner: Arc<Connection>,
        #[covariant]
        dependent: OnDevice,
    }
}

/// What a digest's handle stands for.
pub(crate) struct Digest {
    cell: Cell,
    size: usize,
}

impl InDevice for Digest {
    fn connection(&self) -> &Arc<Connection> {
        self.cell.borrow_owner()
    }
}

impl Digest {
    fn did<T>(&self, result: ukey_device::Result<T>) -> Result<T> {
        self.cell.borrow_owner().did(result)
    }

    /// Puts the digest out, where there is room for it.
    fn out(&self, out: Buffer, make: impl FnOnce(&OnDevice<'_>) -> ukey_device::Result<Vec<u8>>) -> Result {
        if out.fits(self.size)? {
            return out.fill(&self.did(make(self.cell.borrow_dependent()))?);
        }
        Ok(())
    }
}
