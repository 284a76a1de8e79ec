//! MACs with a session key (GM/T 0016-2012 clause 7.6): the last block of CBC, over whole blocks.

use std::sync::Arc;

use ukey_device::SGD_SM4_MAC;

use crate::abi::exports;
use crate::abi::pointer::{Buffer, In, Out};
use crate::abi::types::{BLOCKCIPHERPARAM, BYTE, HANDLE, ULONG};
use crate::cipher::parameters;
use crate::connection::Connection;
use crate::handle::{self, InDevice, Object};
use crate::sar::{Result, Sar};
use crate::session_key::SessionKey;

/// Bytes of a MAC.
const SIZE: usize = 16;
/// The cipher of an algorithm, without its mode (GM/T 0006).
const CIPHER: ULONG = 0xFFFF_FF00;

exports! {
    /// Begins a MAC. A key has one at a time.
    fn SKF_MacInit(hKey: HANDLE, pMacParam: In<BLOCKCIPHERPARAM>, phMac: Out<HANDLE>) {
        let key = hKey.session_key()?;
        let place = phMac.place()?;
        let given = pMacParam.value()?;
        // The MAC is a mode of its own, whatever mode the key was made for.
        let is_sm4 = key.algorithm & CIPHER == SGD_SM4_MAC & CIPHER;
        let algorithm = if is_sm4 { SGD_SM4_MAC } else { key.algorithm };
        key.did(key.get().mac_init(&parameters(algorithm, &given)?))?;
        let device = key.device_handle();
        place.put(handle::add(Object::Mac(Arc::new(Mac(Arc::clone(&key)))), device)?);
        Ok(())
    }

    /// The MAC of a message, in one.
    fn SKF_Mac(hMac: HANDLE, pbData: In<BYTE>, ulDataLen: ULONG, pbMacData: Out<BYTE>, pulMacLen: Out<ULONG>) {
        let mac = hMac.mac()?;
        let data = pbData.bytes(ulDataLen)?;
        whole_blocks(data)?;
        mac.out(Buffer::new(pbMacData, pulMacLen)?, |key| key.get().mac(data))
    }

    /// A part of the message.
    fn SKF_MacUpdate(hMac: HANDLE, pbData: In<BYTE>, ulDataLen: ULONG) {
        let mac = hMac.mac()?;
        mac.0.did(mac.0.get().mac_update(pbData.bytes(ulDataLen)?))
    }

    /// The MAC of the parts.
    fn SKF_MacFinal(hMac: HANDLE, pbMacData: Out<BYTE>, pulMacDataLen: Out<ULONG>) {
        let mac = hMac.mac()?;
        mac.out(Buffer::new(pbMacData, pulMacDataLen)?, |key| key.get().mac_final())
    }
}

fn whole_blocks(data: &[u8]) -> Result {
    if data.len().is_multiple_of(SIZE) { Ok(()) } else { Err(Sar::INDATALENERR.into()) }
}

/// What a MAC's handle stands for.
pub(crate) struct Mac(Arc<SessionKey>);

impl InDevice for Mac {
    fn connection(&self) -> &Arc<Connection> {
        self.0.connection()
    }

    fn check(&self) -> Result {
        self.0.check()
    }
}

impl Mac {
    /// Puts the MAC out, where there is room for it.
    fn out(&self, out: Buffer, make: impl FnOnce(&SessionKey) -> ukey_device::Result<[u8; SIZE]>) -> Result {
        if out.fits(SIZE)? {
            return out.fill(&self.0.did(make(&self.0))?);
        }
        Ok(())
    }
}
