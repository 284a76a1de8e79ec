//! The certificate authority inside the hall, and the pair of certificates for a key.
//!
//! Guarantees: the authority's keys rest sealed in the database; only a request that proves possession of its key is
//! answered; the subject is the order's, never the request's; the encryption key pair is made here and leaves only in
//! its envelope.

use crate::{
    api::{AuthorityView, EnrolForm, Hex, ProblemType},
    chance::Chance,
    clock,
    hall::OpenError,
    problem::{Answer, Refusal, refuse},
    profile::Profile,
    store,
    vault::Vault,
};
use jiff::{Timestamp, ToSpan, civil::Date};
use serde::{Deserialize, Serialize};
use crate::sql::Connection;
use ukey_pki::{
    Authority, Certificate, Crl, CsrResponse, EndEntity, EnvelopedKey, Identity, KeyPair, Name, PrivateKeyForm, Request,
    Revoked, Validity,
};

/// Root and issuing authority.
pub struct Issuer {
    root: Authority,
    issuing: Authority,
    /// Where certificates say that the revocation list is.
    list_address: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    root: Hex,
    root_key: Hex,
    issuing: Hex,
    issuing_key: Hex,
}

const META: &str = "authority";

/// A pair of certificates.
pub struct Pair {
    /// The sign certificate.
    pub sign: Certificate,
    /// The encryption certificate.
    pub encryption: Certificate,
    /// CSRResponse (GM/T 0092), DER.
    pub response: Vec<u8>,
}

impl Issuer {
    /// The authority of this database; made at its first opening.
    pub(crate) async fn open(
        db: &mut Connection,
        vault: &Vault,
        chance: &mut Chance,
        profile: &Profile,
        now: Timestamp,
    ) -> Result<Self, OpenError> {
        let list_address = profile.revoke.list_address.clone();
        if let Some(stored) = store::meta(db, META).await? {
            let stored: Stored = serde_json::from_str(&stored).map_err(|_| OpenError::Damaged)?;
            return Ok(Self { list_address, ..Self::restore(vault, &stored)? });
        }
        let made = Self::make(chance, &profile.name, now).map_err(|error| OpenError::Authority(error.to_string()))?;
        let mut seal = |place: &str, key: &KeyPair| Hex(vault.seal(chance, place, &key.to_bytes()[..]));
        let stored = Stored {
            root: made.root.certificate().der().into(),
            root_key: seal("authority/root", made.root.key()),
            issuing: made.issuing.certificate().der().into(),
            issuing_key: seal("authority/issuing", made.issuing.key()),
        };
        let stored = serde_json::to_string(&stored).map_err(|_| OpenError::Damaged)?;
        store::set_meta(db, META, &stored).await?;
        Ok(Self { list_address, ..made })
    }

    fn make(chance: &mut Chance, name: &str, now: Timestamp) -> Result<Self, Box<dyn core::error::Error>> {
        let validity = |years: i64| Validity::new(now, now.checked_add((years * 365 * 24).hours())?).map_err(Box::<dyn core::error::Error>::from);
        let subject = |suffix: &str| {
            Name::builder().country("CN").organization(name).common_name(format!("{name}{suffix}")).build()
        };
        let key = KeyPair::generate(chance);
        let root = Authority::root(&subject("根证书")?, validity(30)?, key, chance)?;
        let key = KeyPair::generate(chance);
        let issuing = root.issuing(&subject("签发证书")?, validity(20)?, key, chance)?;
        Ok(Self { root, issuing, list_address: None })
    }

    fn restore(vault: &Vault, stored: &Stored) -> Result<Self, OpenError> {
        let part = |place: &str, key: &Hex, certificate: &Hex| {
            let key = vault.open(place, &key.0).map_err(|_| OpenError::WrongMasterKey)?;
            let key = key.as_slice().try_into().ok().and_then(|key| KeyPair::from_bytes(key).ok());
            let certificate = Certificate::from_der(&certificate.0).ok();
            let (key, certificate) = key.zip(certificate).ok_or(OpenError::Damaged)?;
            Authority::from_parts(key, certificate).map_err(|_| OpenError::Damaged)
        };
        Ok(Self {
            root: part("authority/root", &stored.root_key, &stored.root)?,
            issuing: part("authority/issuing", &stored.issuing_key, &stored.issuing)?,
            list_address: None,
        })
    }

    /// The certificates that others check against.
    pub fn view(&self) -> AuthorityView {
        let der = |authority: &Authority| Hex::from(authority.certificate().der());
        AuthorityView { chain: vec![der(&self.issuing), der(&self.root)] }
    }

    /// The certificate that issues all others.
    pub fn issuing_certificate(&self) -> &Certificate {
        self.issuing.certificate()
    }

    /// Issues the certificate of the unit that makes seals, for as long as the authority itself may issue.
    pub(crate) fn issue_seal_maker(
        &self,
        chance: &mut Chance,
        name: &str,
        key: &KeyPair,
        now: Timestamp,
    ) -> Result<Certificate, Box<dyn core::error::Error>> {
        let subject = Name::builder().country("CN").organization(name).common_name(format!("{name}电子印章")).build()?;
        let unit = self.holder(subject, Validity::new(now, self.issuing.certificate().not_after())?);
        Ok(self.issuing.issue_seal_maker(&unit, key.public_key(), chance)?)
    }

    fn holder(&self, subject: Name, validity: Validity) -> EndEntity {
        let holder = EndEntity::new(subject, validity);
        match &self.list_address {
            Some(address) => holder.crl_address(address),
            None => holder,
        }
    }

    /// Refuses a certificate that this authority did not issue. Times and revocation are not looked at.
    pub fn demand_own(&self, certificate: &Certificate) -> Answer<()> {
        certificate
            .verify_issued_by(self.issuing.certificate())
            .map_err(|_| refuse(ProblemType::UntrustedCertificate))
    }

    /// A revocation list of the issuing authority.
    pub fn revocation_list(
        &self,
        number: u64,
        this_update: Timestamp,
        next_update: Timestamp,
        revoked: Vec<Revoked>,
    ) -> Answer<Crl> {
        Crl::build(&self.issuing, number, this_update, next_update, revoked).map_err(Refusal::internal)
    }

    /// Answers a certificate request with a pair for the holder of this form. An encryption key pair that the key
    /// holds already may be kept, by its envelope; else a new one is made.
    pub fn issue(
        &self,
        chance: &mut Chance,
        form: &EnrolForm,
        request: &Request,
        validity: Validity,
        kept: Option<EnvelopedKey>,
    ) -> Answer<Pair> {
        let (subject, identity) = subject(form)?;
        let holder = self.holder(subject, validity).identity(identity);
        let sign_key = request.public_key();
        let sign = self.issuing.issue_sign(&holder, sign_key, chance).map_err(Refusal::internal)?;
        let envelope = kept.unwrap_or_else(|| {
            let pair = KeyPair::generate(chance);
            // The longer form, since a host can cut the shorter one out of it.
            EnvelopedKey::seal(&pair, &sign_key, PrivateKeyForm::Bytes64, chance)
        });
        let encryption =
            self.issuing.issue_encrypt(&holder, envelope.public_key(), chance).map_err(Refusal::internal)?;
        let response = CsrResponse::double(sign.clone(), envelope, encryption.clone())
            .and_then(|response| response.to_der())
            .map_err(Refusal::internal)?;
        Ok(Pair { sign, encryption, response })
    }
}

/// Reads a certificate request whose key signed it.
pub(crate) fn request(der: &[u8]) -> Answer<Request> {
    let bad = |error: ukey_pki::Error| {
        refuse(ProblemType::BadRequest).detail(format!("The certificate request is refused: {error}"), "证书请求无效")
    };
    let request = Request::from_der(der).map_err(bad)?;
    request.verify().map_err(bad)?;
    Ok(request)
}

fn subject(form: &EnrolForm) -> Answer<(Name, Identity)> {
    let (name, identity) = match form {
        EnrolForm::Unit(unit) => (
            Name::builder().country("CN").organization(&unit.name).common_name(&unit.name),
            Identity::CreditCode(unit.credit_code.clone()),
        ),
        EnrolForm::Person(person) => (
            Name::builder().country("CN").common_name(&person.holder.name),
            Identity::IdCard(person.holder.id_number.clone()),
        ),
    };
    Ok((name.build().map_err(Refusal::internal)?, identity))
}

/// From now to the end of the last of so many business days.
pub(crate) fn validity(now: Timestamp, days: u32) -> Answer<Validity> {
    let last = clock::date(now).checked_add((i64::from(days) - 1).days()).map_err(Refusal::internal)?;
    until_end_of(now, last)
}

/// The validity of a renewed certificate, from now on: the old end and so many years, or, after the old end, so many
/// years from today. A year after 29 February ends on 28 February (AMB-12).
pub(crate) fn renewed_validity(now: Timestamp, old_end: Timestamp, years: u8) -> Answer<Validity> {
    let years = i64::from(years).years();
    if now <= old_end {
        let end = old_end.to_zoned(clock::shanghai()).checked_add(years).map_err(Refusal::internal)?;
        return Validity::new(now, end.timestamp()).map_err(Refusal::internal);
    }
    let today = clock::date(now);
    let day = today.checked_add(years).map_err(Refusal::internal)?;
    // 29 February was cut to 28 February, which is the last day already.
    let last = if day.day() == today.day() { day.yesterday().map_err(Refusal::internal)? } else { day };
    until_end_of(now, last)
}

fn until_end_of(now: Timestamp, last: Date) -> Answer<Validity> {
    let end = last.at(23, 59, 59, 0).to_zoned(clock::shanghai()).map_err(Refusal::internal)?.timestamp();
    Validity::new(now, end).map_err(Refusal::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noon of a day in Shanghai.
    fn noon(day: &str) -> Timestamp {
        format!("{day}T12:00:00+08:00").parse().unwrap()
    }

    /// The last second of a day in Shanghai.
    fn end(day: &str) -> Timestamp {
        format!("{day}T23:59:59+08:00").parse().unwrap()
    }

    #[test]
    fn a_renewal_adds_years_to_the_old_end_or_to_the_moment_of_download() {
        for (now, old_end, years, new_end) in [
            // Not expired: the old end and a year, however early or late.
            ("2026-12-01", "2027-02-28", 1, "2028-02-28"),
            ("2027-12-01", "2028-02-29", 1, "2029-02-28"),
            ("2027-12-01", "2028-02-29", 4, "2032-02-29"),
            ("2028-02-29", "2028-02-29", 1, "2029-02-28"),
            // Expired: a year less a day from today.
            ("2027-03-01", "2027-02-28", 1, "2028-02-29"),
            ("2028-02-29", "2028-02-28", 1, "2029-02-28"),
            ("2028-03-01", "2027-12-31", 2, "2030-02-28"),
        ] {
            let validity = renewed_validity(noon(now), end(old_end), years).unwrap();
            assert_eq!(validity.not_before(), noon(now), "{now} {old_end}");
            assert_eq!(validity.not_after(), end(new_end), "{now} {old_end} +{years}");
        }
    }

    #[test]
    fn the_last_second_of_the_old_certificate_is_not_expired() {
        let old_end = end("2026-06-30");
        let at_end = renewed_validity(old_end, old_end, 1).unwrap();
        assert_eq!(at_end.not_after(), end("2027-06-30"));
        let after = renewed_validity(clock::after(old_end, 1), old_end, 1).unwrap();
        assert_eq!(after.not_after(), end("2027-06-30"), "1 July and a year less a day");
    }
}
