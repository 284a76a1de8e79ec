//! Making a seal (GB/T 38540, GM/T 0031-2025).

use jiff::Timestamp;

use super::{
    MakeError, Picture, Seal, SealError, SealExtension, SealKind, SealVersion, SignerList, critical,
    encoding, trust,
};
use crate::{Certificate, Sm2Signer, Validity, signed::sign_part};

/// What a seal will say. Lengths are not bounded by the standard; 48 KiB in all fit a token's file.
#[derive(Debug, Clone)]
#[must_use]
pub struct SealDraft {
    /// Its own identifier (esID), ASCII.
    pub id: String,
    /// The identifier of the vendor (Vid), ASCII.
    pub vendor: String,
    /// Whose seal it is.
    pub kind: SealKind,
    /// Its name, as a rule that of the unit or person.
    pub name: String,
    /// Who may stamp with it; at least one.
    pub signers: SignerList,
    /// When it is made.
    pub made: Timestamp,
    /// When it may be used, both ends included.
    pub period: Validity,
    /// Its picture.
    pub picture: Picture,
    /// Its extensions, none critical: nobody would believe the seal.
    pub extensions: Vec<SealExtension>,
}

impl SealDraft {
    /// Makes the seal, signed once by the maker's key. The maker's certificate is checked first, as GM/T 0031-2025
    /// demands: its key usage, its validity at the time of making, its key.
    ///
    /// # Errors
    /// [`MakeError`].
    pub fn make<S: Sm2Signer>(
        &self,
        version: SealVersion,
        maker: &Certificate,
        signer: S,
    ) -> Result<Seal, MakeError<S::Error>> {
        let header_version = match version {
            SealVersion::V1 => return Err(MakeError::Version(version)),
            SealVersion::V4 => 4,
            SealVersion::V5 => 5,
        };
        self.check()?;
        if !trust::may_make_seals(maker) {
            return Err(MakeError::Seal(SealError::NotAMaker(maker.subject().to_string())));
        }
        trust::check_maker_period(maker, self.made).map_err(MakeError::Seal)?;
        self.check_believable().map_err(MakeError::Seal)?;
        let key = maker.public_key().map_err(|error| MakeError::Seal(SealError::MakerCertificate(error)))?;
        if key != signer.public_key() {
            return Err(MakeError::KeyMismatch);
        }
        let info = encoding::Info {
            header_version,
            vendor: self.vendor.clone(),
            id: self.id.clone(),
            kind: self.kind.code(),
            name: self.name.clone(),
            signers: self.signers.clone(),
            made: self.made,
            period: self.period,
            picture: self.picture.clone(),
            extensions: self.extensions.clone(),
        }
        .encode()?;
        let signature = sign_part(&info, signer)?;
        let [certificate, algorithm] = encoding::encode_signing(maker)?;
        let der = encoding::sequence(&[&info, &certificate, &algorithm, &signature]);
        Ok(Seal::from_der(&der).expect("a seal just written is readable"))
    }

    fn check<E: std::error::Error>(&self) -> Result<(), MakeError<E>> {
        for (what, text) in [("esID", &self.id), ("vendor", &self.vendor), ("name", &self.name)] {
            if text.is_empty() {
                return Err(MakeError::Missing(what));
            }
            if what != "name" && !text.is_ascii() {
                return Err(MakeError::Characters(what));
            }
        }
        if self.signers.is_empty() {
            return Err(MakeError::Missing("signer certificate"));
        }
        Ok(())
    }

    fn check_believable(&self) -> Result<(), SealError> {
        if self.made.as_second() > self.period.not_after().as_second() {
            return Err(SealError::Expired { end: self.period.not_after(), at: self.made });
        }
        critical(&self.extensions).map_or(Ok(()), |id| Err(SealError::CriticalExtension(id)))
    }
}
