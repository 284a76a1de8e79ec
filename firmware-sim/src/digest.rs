//! Digests: one at a time, for anyone.

use sha1::Sha1;
use sha2::Sha256;
use sm3::{Digest as _, Sm3};
use ukey_apdu::command::{Digest, DigestAlgorithm, DigestFinal, DigestInit, DigestUpdate, DigestValue};
use ukey_apdu::status::Status;
use ukey_apdu::wire::{Overflow, Writer};

use crate::platform::Platform;
use crate::sm2;
use crate::token::Run;

/// The digest of a token: whatever DigestInit began last.
#[cfg_attr(feature = "sim", derive(Clone))]
#[derive(Debug, Default)]
pub(crate) struct DigestState(Option<Operation>);

#[derive(Clone, Debug)]
struct Operation {
    hash: Hash,
    /// Data have come.
    begun: bool,
}

#[derive(Clone, Debug)]
enum Hash {
    Sm3(Sm3),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Hash {
    fn new(algorithm: DigestAlgorithm) -> Self {
        match algorithm {
            DigestAlgorithm::Sm3 => Hash::Sm3(Sm3::new()),
            DigestAlgorithm::Sha1 => Hash::Sha1(Sha1::new()),
            DigestAlgorithm::Sha256 => Hash::Sha256(Sha256::new()),
        }
    }

    fn update(&mut self, data: &[u8]) {
        match self {
            Hash::Sm3(hash) => hash.update(data),
            Hash::Sha1(hash) => hash.update(data),
            Hash::Sha256(hash) => hash.update(data),
        }
    }

    fn put(self, out: &mut Writer<'_>) -> Result<(), Overflow> {
        match self {
            Hash::Sm3(hash) => DigestValue(&hash.finalize()).write(out),
            Hash::Sha1(hash) => DigestValue(&hash.finalize()).write(out),
            Hash::Sha256(hash) => DigestValue(&hash.finalize()).write(out),
        }
    }
}

impl DigestState {
    fn begin(&mut self, hash: Hash) {
        self.0 = Some(Operation { hash, begun: false });
    }

    /// The operation under way, or `6985`.
    fn under_way(&mut self) -> Result<&mut Operation, Status> {
        self.0.as_mut().ok_or(Status::CONDITIONS_NOT_SATISFIED)
    }

    /// Ends the operation after the last data.
    fn end(&mut self, data: &[u8], out: &mut Writer<'_>) -> Result<(), Status> {
        let mut operation = self.0.take().ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
        operation.hash.update(data);
        Ok(operation.hash.put(out)?)
    }
}

impl<P: Platform> Run<'_, P> {
    pub(crate) fn digest_init(&mut self, command: DigestInit<'_>) -> Result<(), Status> {
        let mut hash = Hash::new(command.algorithm);
        if let Some(signer) = command.signer {
            hash.update(&sm2::z(signer.id, &signer.public_key).map_err(|_| Status::WRONG_DATA)?);
        }
        self.core.digest.begin(hash);
        Ok(())
    }

    pub(crate) fn digest(&mut self, command: Digest<'_>, out: &mut Writer<'_>) -> Result<(), Status> {
        if self.core.digest.under_way()?.begun {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        self.core.digest.end(command.data.0, out)
    }

    pub(crate) fn digest_update(&mut self, command: DigestUpdate<'_>) -> Result<(), Status> {
        let operation = self.core.digest.under_way()?;
        operation.hash.update(command.data.0);
        operation.begun |= !command.data.0.is_empty();
        Ok(())
    }

    pub(crate) fn digest_final(
        &mut self,
        command: DigestFinal<'_>,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        self.core.digest.end(command.data.0, out)
    }
}
