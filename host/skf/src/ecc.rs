//! SM2 (GM/T 0016-2012 clause 7.6).

use ukey_device::{EnvelopedKeyPair, SignInput};
use zeroize::Zeroizing;

use crate::abi::blob::{cipher, put_cipher, with_cipher};
use crate::abi::exports;
use crate::abi::pointer::{Buffer, In, Out, fill_exactly};
use crate::abi::types::{
    BOOL, BYTE, DEVHANDLE, ECCCIPHERBLOB, ECCPRIVATEKEYBLOB, ECCPUBLICKEYBLOB, ECCSIGNATUREBLOB,
    ENVELOPEDKEYBLOB, HCONTAINER, SGD_SM2, SGD_SM2_1, ULONG,
};
use crate::connection::Connection;
use crate::container::key_use;
use crate::sar::{Result, Sar};

/// Bytes of an ENVELOPEDKEYBLOB in front of its public key, and of its ECCCIPHERBLOB.
const FRONT: usize = 12 + 64;
const FRONT_OF_CIPHER: usize = FRONT + size_of::<ECCPUBLICKEYBLOB>();

exports! {
    /// Random bytes. The first 16 are also the challenge of the next SKF_DevAuth, filled with zeros where they are fewer.
    fn SKF_GenRandom(hDev: DEVHANDLE, pbRandom: Out<BYTE>, ulRandomLen: ULONG) {
        let device = hDev.device()?;
        pbRandom.place()?;
        let count = usize::try_from(ulRandomLen).map_err(|_| Sar::INDATALENERR)?;
        if !(1..=LONGEST_RANDOM).contains(&count) {
            return Err(Sar::INDATALENERR.into());
        }
        let live = device.live()?;
        let mut known = live.authentication();
        let random = Zeroizing::new(device.did(live.device.random(count))?);
        known.challenge = Zeroizing::default();
        known.challenge.iter_mut().zip(random.iter()).for_each(|(cell, byte)| *cell = *byte);
        fill_exactly(pbRandom, &random)
    }

    /// Makes the sign pair of a container, or makes it anew. Wants the user PIN.
    fn SKF_GenECCKeyPair(hContainer: HCONTAINER, ulAlgId: ULONG, pBlob: Out<ECCPUBLICKEYBLOB>) {
        let container = hContainer.container()?;
        let place = pBlob.place()?;
        if !matches!(ulAlgId, SGD_SM2 | SGD_SM2_1) {
            return Err(Sar::NOTSUPPORTYETERR.into());
        }
        place.put(ECCPUBLICKEYBLOB::from(&container.did(container.get().generate_key_pair())?));
        Ok(())
    }

    /// Imports the encryption pair of a container, enveloped for its sign pair. Wants the user PIN.
    fn SKF_ImportECCKeyPair(hContainer: HCONTAINER, pEnvelopedKeyBlob: In<ENVELOPEDKEYBLOB>) {
        let container = hContainer.container()?;
        let bytes = with_cipher(&pEnvelopedKeyBlob, |blob| blob.ECCCipherBlob.CipherLen)?;
        let blob = pEnvelopedKeyBlob.value()?;
        if { blob.ulBits } != 256 {
            return Err(Sar::INDATAERR.into());
        }
        let encrypted = blob.cbEncryptedPriKey;
        // The first half alone where the second is empty.
        let (front, back) = encrypted.split_at(32);
        let is_half = back.iter().all(|byte| *byte == 0);
        container.did(container.get().import_key_pair(&EnvelopedKeyPair {
            version: blob.Version,
            algorithm: blob.ulSymmAlgID,
            encrypted_private_key: if is_half { front } else { &encrypted },
            public_key: { blob.PubKey }.key()?,
            wrapped_key: cipher(bytes.get(FRONT_OF_CIPHER..).unwrap_or_default())?,
        }))
    }

    /// Signs a digest e of 32 bytes with the sign pair. Wants the user PIN.
    fn SKF_ECCSignData(
        hContainer: HCONTAINER,
        pbDigest: In<BYTE>,
        ulDigestLen: ULONG,
        pSignature: Out<ECCSIGNATUREBLOB>,
    ) {
        let container = hContainer.container()?;
        let place = pSignature.place()?;
        let digest = digest(&pbDigest, ulDigestLen)?;
        place.put(ECCSIGNATUREBLOB::from(&container.did(container.get().sign_digest(&digest))?));
        Ok(())
    }

    /// Whether a signature is that of a digest e of 32 bytes.
    fn SKF_ECCVerify(
        hDev: DEVHANDLE,
        pECCPubKeyBlob: In<ECCPUBLICKEYBLOB>,
        pbData: In<BYTE>,
        ulDataLen: ULONG,
        pSignature: In<ECCSIGNATUREBLOB>,
    ) {
        verify(&*hDev.device()?, pECCPubKeyBlob, (pbData, ulDataLen), pSignature)
    }

    /// Encrypts for a public key from outside. There has to be room for 164 bytes and the plaintext.
    fn SKF_ExtECCEncrypt(
        hDev: DEVHANDLE,
        pECCPubKeyBlob: In<ECCPUBLICKEYBLOB>,
        pbPlainText: In<BYTE>,
        ulPlainTextLen: ULONG,
        pCipherText: Out<ECCCIPHERBLOB>,
    ) {
        let device = hDev.device()?;
        let place = pCipherText.place()?;
        let key = pECCPubKeyBlob.value()?.key()?;
        let plaintext = pbPlainText.bytes(ulPlainTextLen)?;
        if plaintext.is_empty() {
            return Err(Sar::INDATALENERR.into());
        }
        put_cipher(place, &device.did(device.device()?.encrypt(&key, plaintext))?)
    }

    /// The public key of the sign pair (TRUE) or of the encryption pair: an ECCPUBLICKEYBLOB.
    fn SKF_ExportPublicKey(hContainer: HCONTAINER, bSignFlag: BOOL, pbBlob: Out<BYTE>, pulBlobLen: Out<ULONG>) {
        let container = hContainer.container()?;
        let buffer = Buffer::new(pbBlob, pulBlobLen)?;
        let key = container.did(container.get().public_key(key_use(bSignFlag)))?;
        buffer.fill(&ECCPUBLICKEYBLOB::from(&key).to_bytes())
    }
}

/// Random bytes of one call, at most.
const LONGEST_RANDOM: usize = 1 << 20;

/// A digest e.
fn digest(bytes: &In<BYTE>, length: ULONG) -> Result<[u8; 32]> {
    Ok(bytes.bytes(length)?.try_into().map_err(|_| Sar::INDATALENERR)?)
}

fn verify(
    device: &Connection,
    key: In<ECCPUBLICKEYBLOB>,
    (data, length): (In<BYTE>, ULONG),
    signature: In<ECCSIGNATUREBLOB>,
) -> Result {
    let key = key.value()?.key()?;
    let (digest, signature) = (digest(&data, length)?, signature.value()?.signature()?);
    let is_right = device.did(device.device()?.verify(&key, SignInput::Digest(digest), &signature))?;
    if is_right { Ok(()) } else { Err(Sar::HASHNOTEQUALERR.into()) }
}

/// Functions of older editions and other libraries that clients look for.
pub(crate) mod extensions {
    use super::{
        BYTE, Buffer, DEVHANDLE, ECCCIPHERBLOB, ECCPRIVATEKEYBLOB, ECCPUBLICKEYBLOB, ECCSIGNATUREBLOB,
        HCONTAINER, In, Out, Sar, ULONG, Zeroizing, cipher, digest, exports, verify, with_cipher,
    };

    exports! {
        /// Decrypts with a private key from outside.
        fn SKF_ExtECCDecrypt(
            hDev: DEVHANDLE,
            pECCPriKeyBlob: In<ECCPRIVATEKEYBLOB>,
            pCipherText: In<ECCCIPHERBLOB>,
            pbPlainText: Out<BYTE>,
            pulPlainTextLen: Out<ULONG>,
        ) {
            let device = hDev.device()?;
            let buffer = Buffer::new(pbPlainText, pulPlainTextLen)?;
            let key = Zeroizing::new(pECCPriKeyBlob.value()?.key()?);
            let ciphertext = cipher(with_cipher(&pCipherText, |blob| blob.CipherLen)?)?;
            if buffer.fits(ciphertext.cipher.len())? {
                return buffer.fill(&device.did(device.device()?.decrypt(&key, &ciphertext))?);
            }
            Ok(())
        }

        /// Decrypts with the encryption pair of a container. No command of GM/T 0017 does: SAR_NOTSUPPORTYETERR.
        /// Libraries disagree on its parameters, so none but the first is looked at.
        fn SKF_ECCDecrypt(
            hContainer: HCONTAINER,
            pCipherText: In<ECCCIPHERBLOB>,
            pbPlainText: Out<BYTE>,
            pulPlainTextLen: Out<ULONG>,
        ) {
            let (_, _, _) = (pCipherText, pbPlainText, pulPlainTextLen);
            hContainer.container()?;
            Err(Sar::NOTSUPPORTYETERR.into())
        }

        /// The same with a pair of one's choice, and the same answer.
        fn SKF_PrvKeyDecrypt(
            hContainer: HCONTAINER,
            ulType: ULONG,
            pCipherText: In<ECCCIPHERBLOB>,
            pbData: Out<BYTE>,
            pulDataLen: Out<ULONG>,
        ) {
            let (_, _, _, _) = (ulType, pCipherText, pbData, pulDataLen);
            hContainer.container()?;
            Err(Sar::NOTSUPPORTYETERR.into())
        }

        /// Signs a digest e of 32 bytes with a private key from outside.
        fn SKF_ExtECCSign(
            hDev: DEVHANDLE,
            pECCPriKeyBlob: In<ECCPRIVATEKEYBLOB>,
            pbData: In<BYTE>,
            ulDataLen: ULONG,
            pSignature: Out<ECCSIGNATUREBLOB>,
        ) {
            let device = hDev.device()?;
            let place = pSignature.place()?;
            let key = Zeroizing::new(pECCPriKeyBlob.value()?.key()?);
            let digest = digest(&pbData, ulDataLen)?;
            place.put(ECCSIGNATUREBLOB::from(&device.did(device.device()?.sign(&key, &digest))?));
            Ok(())
        }

        /// The same as SKF_ECCVerify.
        fn SKF_ExtECCVerify(
            hDev: DEVHANDLE,
            pECCPubKeyBlob: In<ECCPUBLICKEYBLOB>,
            pbData: In<BYTE>,
            ulDataLen: ULONG,
            pSignature: In<ECCSIGNATUREBLOB>,
        ) {
            verify(&*hDev.device()?, pECCPubKeyBlob, (pbData, ulDataLen), pSignature)
        }
    }
}
