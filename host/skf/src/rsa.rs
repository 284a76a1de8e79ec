//! RSA (GM/T 0016-2012 clause 7.6, and what clients look for beside it). Tokens have none so far: every function looks
//! at its handle and its pointers, and answers SAR_NOTSUPPORTYETERR.

use crate::abi::exports;
use crate::abi::pointer::{Buffer, In, Out};
use crate::abi::types::{BYTE, DEVHANDLE, HANDLE, HCONTAINER, RSAPRIVATEKEYBLOB, RSAPUBLICKEYBLOB, ULONG};
use crate::sar::{Result, Sar};

exports! {
    /// Makes an RSA sign pair.
    fn SKF_GenRSAKeyPair(hContainer: HCONTAINER, ulBitsLen: ULONG, pBlob: Out<RSAPUBLICKEYBLOB>) {
        hContainer.container()?;
        pBlob.place()?;
        if !matches!(ulBitsLen, 1024 | 2048) {
            return Err(Sar::RSAMODULUSLENERR.into());
        }
        unsupported()
    }

    /// Imports an RSA encryption pair.
    fn SKF_ImportRSAKeyPair(
        hContainer: HCONTAINER,
        ulSymAlgId: ULONG,
        pbWrappedKey: In<BYTE>,
        ulWrappedKeyLen: ULONG,
        pbEncryptedData: In<BYTE>,
        ulEncryptedDataLen: ULONG,
    ) {
        hContainer.container()?;
        let _ = ulSymAlgId;
        pbWrappedKey.bytes(ulWrappedKeyLen)?;
        pbEncryptedData.bytes(ulEncryptedDataLen)?;
        unsupported()
    }

    /// Signs with an RSA sign pair.
    fn SKF_RSASignData(
        hContainer: HCONTAINER,
        pbData: In<BYTE>,
        ulDataLen: ULONG,
        pbSignature: Out<BYTE>,
        pulSignLen: Out<ULONG>,
    ) {
        hContainer.container()?;
        pbData.bytes(ulDataLen)?;
        Buffer::new(pbSignature, pulSignLen)?;
        unsupported()
    }

    /// Verifies an RSA signature.
    fn SKF_RSAVerify(
        hDev: DEVHANDLE,
        pRSAPubKeyBlob: In<RSAPUBLICKEYBLOB>,
        pbData: In<BYTE>,
        ulDataLen: ULONG,
        pbSignature: In<BYTE>,
        ulSignLen: ULONG,
    ) {
        hDev.device()?;
        pRSAPubKeyBlob.value()?;
        pbData.bytes(ulDataLen)?;
        pbSignature.bytes(ulSignLen)?;
        unsupported()
    }

    /// Makes a session key and seals it for an RSA public key.
    fn SKF_RSAExportSessionKey(
        hContainer: HCONTAINER,
        ulAlgId: ULONG,
        pPubKey: In<RSAPUBLICKEYBLOB>,
        pbData: Out<BYTE>,
        pulDataLen: Out<ULONG>,
        phSessionKey: Out<HANDLE>,
    ) {
        hContainer.container()?;
        let _ = ulAlgId;
        pPubKey.value()?;
        Buffer::new(pbData, pulDataLen)?;
        phSessionKey.place()?;
        unsupported()
    }
}

fn unsupported() -> Result {
    Err(Sar::NOTSUPPORTYETERR.into())
}

/// Functions of older editions and other libraries that clients look for.
pub(crate) mod extensions {
    use super::{
        BYTE, Buffer, DEVHANDLE, In, Out, RSAPRIVATEKEYBLOB, RSAPUBLICKEYBLOB, Sar, ULONG, exports,
        unsupported,
    };

    exports! {
        /// Makes an RSA pair for use outside.
        fn SKF_GenExtRSAKey(hDev: DEVHANDLE, ulBitsLen: ULONG, pBlob: Out<RSAPRIVATEKEYBLOB>) {
            hDev.device()?;
            pBlob.place()?;
            if !matches!(ulBitsLen, 1024 | 2048) {
                return Err(Sar::RSAMODULUSLENERR.into());
            }
            unsupported()
        }

        /// Computes with an RSA public key from outside.
        fn SKF_ExtRSAPubKeyOperation(
            hDev: DEVHANDLE,
            pRSAPubKeyBlob: In<RSAPUBLICKEYBLOB>,
            pbInput: In<BYTE>,
            ulInputLen: ULONG,
            pbOutput: Out<BYTE>,
            pulOutputLen: Out<ULONG>,
        ) {
            hDev.device()?;
            pRSAPubKeyBlob.value()?;
            pbInput.bytes(ulInputLen)?;
            Buffer::new(pbOutput, pulOutputLen)?;
            unsupported()
        }

        /// Computes with an RSA private key from outside.
        fn SKF_ExtRSAPriKeyOperation(
            hDev: DEVHANDLE,
            pRSAPriKeyBlob: In<RSAPRIVATEKEYBLOB>,
            pbInput: In<BYTE>,
            ulInputLen: ULONG,
            pbOutput: Out<BYTE>,
            pulOutputLen: Out<ULONG>,
        ) {
            hDev.device()?;
            pRSAPriKeyBlob.value()?;
            pbInput.bytes(ulInputLen)?;
            Buffer::new(pbOutput, pulOutputLen)?;
            unsupported()
        }
    }
}
