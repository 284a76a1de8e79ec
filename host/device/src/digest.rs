//! Digests that the token makes, one at a time.

use ukey_apdu::Ins;
use ukey_apdu::command::{
    Data, Digest as DigestAll, DigestAlgorithm, DigestFinal, DigestInit, DigestUpdate, Signer,
};

use crate::device::Device;
use crate::error::{About, ErrorKind, Result};
use crate::wire::Wire;

/// A digest under way. A token has one: the next [`Device::digest_init`] replaces it, and this one is
/// [`ErrorKind::Replaced`] then.
#[derive(Debug)]
pub struct Digest<'d> {
    device: &'d Device,
    session: u64,
    number: u64,
}

impl Device {
    /// Begins a digest; with a signer, which only SM3 takes, that of an SM2 signature: SM3(Z ‖ message).
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for an algorithm that the token has not; [`ErrorKind::Refused`] for a signer
    /// without an identity, or with another algorithm.
    pub fn digest_init(&self, algorithm: DigestAlgorithm, signer: Option<Signer<'_>>) -> Result<Digest<'_>> {
        let mut wire = self.wire();
        wire.send(&DigestInit { algorithm, signer }, About::default(), drop)?;
        wire.digests += 1;
        Ok(Digest { device: self, session: wire.session(), number: wire.digests })
    }
}

impl Digest<'_> {
    /// The digest of a message, in one.
    ///
    /// # Errors
    /// [`ErrorKind::NotBegun`] where the digest has ended, or a part has come already; [`ErrorKind::Replaced`].
    pub fn digest(&self, data: &[u8]) -> Result<Vec<u8>> {
        if data.len() <= self.at_once() {
            return self.with(Ins::Digest, |wire, about| {
                wire.send(&DigestAll { data: Data(data) }, about, |value| value.0.to_vec())
            });
        }
        self.update(data)?;
        self.finish()
    }

    /// A part of the message.
    ///
    /// # Errors
    /// As [`Digest::digest`].
    pub fn update(&self, data: &[u8]) -> Result<()> {
        let nothing = data.is_empty().then_some(data);
        let mut parts = data.chunks(self.at_once()).chain(nothing);
        parts.try_for_each(|part| {
            self.with(Ins::DigestUpdate, |wire, about| {
                wire.send(&DigestUpdate { data: Data(part) }, about, drop)
            })
        })
    }

    /// The digest of the parts.
    ///
    /// # Errors
    /// As [`Digest::digest`].
    pub fn finish(&self) -> Result<Vec<u8>> {
        self.with(Ins::DigestFinal, |wire, about| {
            wire.send(&DigestFinal { data: Data(&[]) }, about, |value| value.0.to_vec())
        })
    }

    fn at_once(&self) -> usize {
        self.device.wire().max_data().max(1)
    }

    fn with<T>(&self, ins: Ins, run: impl FnOnce(&mut Wire, About) -> Result<T>) -> Result<T> {
        self.device.in_session(self.session, About::default(), ins, |wire, about| {
            if wire.digests != self.number {
                return Err(About { ins: Some(ins), ..about }.error(ErrorKind::Replaced));
            }
            run(wire, about)
        })
    }
}
