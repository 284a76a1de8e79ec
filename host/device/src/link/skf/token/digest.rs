//! Digests: a token has one under way.

use ukey_apdu::Status;
use ukey_apdu::command::{
    Digest, DigestAlgorithm, DigestFinal, DigestInit, DigestUpdate, DigestValue, SGD_SHA1, SGD_SHA256,
    SGD_SM3, Signer,
};

use super::sm2::key_bytes;
use super::{Answer, NOTHING, Token};
use crate::link::skf::abi::functions::{Functions, HANDLE};
use crate::link::skf::abi::room::Room;

/// Longest digest, in bytes.
const LONGEST: usize = 64;

impl Token {
    pub(super) fn digest_init(&mut self, f: &Functions<'_>, command: &DigestInit<'_>) -> Answer {
        self.end_digest(f);
        self.digest = Some(self.begin_digest(f, command.algorithm, command.signer)?);
        NOTHING
    }

    fn begin_digest(
        &self,
        f: &Functions<'_>,
        algorithm: DigestAlgorithm,
        signer: Option<Signer<'_>>,
    ) -> Answer<HANDLE> {
        let algorithm = match algorithm {
            DigestAlgorithm::Sm3 => SGD_SM3,
            DigestAlgorithm::Sha1 => SGD_SHA1,
            DigestAlgorithm::Sha256 => SGD_SHA256,
        };
        let key = signer.map(|signer| key_bytes(&signer.public_key));
        let id = signer.map_or(&[][..], |signer| signer.id);
        let mut handle = Room::of_handle();
        f.SKF_DigestInit(self.device, algorithm, key.as_deref(), id, &mut handle)?;
        Ok(handle.handle())
    }

    /// The digest e of a message, for an SM2 signature. It takes the place of what was under way.
    pub(super) fn digest_of(
        &mut self,
        f: &Functions<'_>,
        signer: Signer<'_>,
        message: &[u8],
    ) -> Answer<[u8; 32]> {
        self.end_digest(f);
        let handle = self.begin_digest(f, DigestAlgorithm::Sm3, Some(signer))?;
        let mut room = Room::new(LONGEST);
        let made = f.SKF_Digest(handle, message, &mut room);
        let call = f.last_call();
        let _ = f.SKF_CloseHandle(handle);
        f.blame(call);
        made?;
        let value = room.filled().map_err(|garbage| f.garbage(garbage))?;
        Ok(value.try_into().map_err(|_| f.garbage(format!("gave a digest of {} bytes", value.len())))?)
    }

    fn end_digest(&mut self, f: &Functions<'_>) {
        if let Some(handle) = self.digest.take() {
            let call = f.last_call();
            let _ = f.SKF_CloseHandle(handle);
            f.blame(call);
        }
    }

    fn under_way(&self) -> Answer<HANDLE> {
        Ok(self.digest.ok_or(Status::CONDITIONS_NOT_SATISFIED)?)
    }

    pub(super) fn digest_all(&mut self, f: &Functions<'_>, command: &Digest<'_>) -> Answer {
        let handle = self.under_way()?;
        let mut room = Room::new(LONGEST);
        f.SKF_Digest(handle, command.data.0, &mut room)?;
        self.value(f, &room)
    }

    pub(super) fn digest_update(&mut self, f: &Functions<'_>, command: &DigestUpdate<'_>) -> Answer {
        f.SKF_DigestUpdate(self.under_way()?, command.data.0)?;
        NOTHING
    }

    pub(super) fn digest_final(&mut self, f: &Functions<'_>, command: &DigestFinal<'_>) -> Answer {
        let handle = self.under_way()?;
        if !command.data.0.is_empty() {
            f.SKF_DigestUpdate(handle, command.data.0)?;
        }
        let mut room = Room::new(LONGEST);
        f.SKF_DigestFinal(handle, &mut room)?;
        self.value(f, &room)
    }

    /// The digest that came out; it ends what was under way.
    fn value(&mut self, f: &Functions<'_>, room: &Room) -> Answer {
        let value = room.filled().map_err(|garbage| f.garbage(garbage))?;
        self.end_digest(f);
        self.encoded(value.len(), |writer| DigestValue(value).write(writer))
    }
}
