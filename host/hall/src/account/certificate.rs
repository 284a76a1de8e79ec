//! Issued certificates and keys on record.
//!
//! Guarantees: what was issued stays; administrator PIN and device key of a key open only for its serial number.

use crate::{
    api::{CertificateStanding, CertificateStatus, CertificateView, EnrolForm, ProblemType, RevocationReason, Subject},
    order::record::{moment, read_word, word},
    problem::{Answer, Refusal, refuse},
    rights::{Caller, Right, demand},
    turn::Turn,
};
use jiff::Timestamp;
use crate::sql::{self, Row};
use ukey_pki::Certificate;
use zeroize::Zeroizing;

/// An issued pair of certificates.
pub(crate) struct Issued {
    /// Serial number of the sign certificate.
    pub serial: String,
    /// Serial number of the encryption certificate.
    pub encryption_serial: String,
    /// Whom it names.
    pub subject: Subject,
    /// 渠道.
    pub channel: String,
    /// The key's serial number.
    pub device_serial: String,
    /// The phone given at enrolment.
    pub contact_phone: String,
    /// The form it was issued for.
    pub form: EnrolForm,
    /// First moment of validity.
    pub not_before: Timestamp,
    /// Last moment of validity.
    pub not_after: Timestamp,
    /// The sign certificate, DER.
    pub sign_der: Vec<u8>,
    /// The encryption certificate, DER.
    pub encryption_der: Vec<u8>,
    /// How often it was unlocked.
    pub unlocks: u32,
    /// The order it was issued for.
    pub order: String,
    /// When the key had it for sure; a pair that never got there does not count.
    pub confirmed_at: Option<Timestamp>,
    /// Serial number of the sign certificate that took its place.
    pub replaced_by: Option<String>,
}

impl Issued {
    /// The sign certificate.
    pub(crate) fn certificate(&self) -> Answer<Certificate> {
        Certificate::from_der(&self.sign_der).map_err(Refusal::internal)
    }

    fn read(row: &Row) -> Answer<Self> {
        Ok(Self {
            serial: row.try_get("serial")?,
            encryption_serial: row.try_get("encryption_serial")?,
            subject: Subject {
                kind: read_word(row.try_get("subject_kind")?)?,
                number: row.try_get("subject_number")?,
                name: row.try_get("subject_name")?,
            },
            channel: row.try_get("channel")?,
            device_serial: row.try_get("device_serial")?,
            contact_phone: row.try_get("contact_phone")?,
            form: serde_json::from_str(row.try_get("form")?)?,
            not_before: moment(row.try_get("not_before")?),
            not_after: moment(row.try_get("not_after")?),
            sign_der: row.try_get("certificate")?,
            encryption_der: row.try_get("encryption_certificate")?,
            unlocks: row.try_get::<i64>("unlocks")?.try_into().unwrap_or(u32::MAX),
            order: row.try_get("order_id")?,
            confirmed_at: row.try_get::<Option<i64>>("confirmed_at")?.map(moment),
            replaced_by: row.try_get("replaced_by")?,
        })
    }
}

/// What the vault holds of a key.
pub(crate) struct IssuedKey {
    /// Name of the application.
    pub application: String,
    /// Name of the container.
    pub container: String,
    /// Administrator PIN.
    pub admin_pin: Zeroizing<Vec<u8>>,
}

/// A key whose certificates were just issued.
pub(crate) struct NewKey<'a> {
    /// Serial number of the key.
    pub device_serial: &'a str,
    /// Serial number of the sign certificate.
    pub certificate_serial: &'a str,
    /// Name of the application.
    pub application: &'a str,
    /// Name of the container.
    pub container: &'a str,
    /// Administrator PIN.
    pub admin_pin: &'a [u8],
    /// Device authentication key.
    pub device_key: &'a [u8],
}

/// The caller's certificates (A-04, V-04).
pub(crate) async fn mine(turn: &mut Turn<'_>) -> Answer<Vec<CertificateView>> {
    demand(&turn.caller, Right::OwnPages)?;
    let mut views = Vec::new();
    for issued in turn.own_certificates().await? {
        views.push(view(turn, issued).await?);
    }
    Ok(views)
}

/// A pair as it is shown to its holder.
pub(crate) async fn view(turn: &mut Turn<'_>, issued: Issued) -> Answer<CertificateView> {
    let standing = turn.standing(&issued).await?;
    Ok(CertificateView {
        serial: issued.serial,
        encryption_serial: issued.encryption_serial,
        name: issued.subject.name,
        channel: issued.channel,
        device_serial: issued.device_serial,
        not_before: issued.not_before,
        not_after: issued.not_after,
        standing,
        certificate: issued.sign_der.into(),
        encryption_certificate: issued.encryption_der.into(),
    })
}

/// How a certificate stands, and where in its key it lies.
pub(crate) async fn status(turn: &mut Turn<'_>, serial: &str) -> Answer<CertificateStatus> {
    let issued = turn.issued(serial).await?.ok_or_else(|| refuse(ProblemType::NotFound))?;
    let standing = turn.standing(&issued).await?;
    let key = turn.issued_key(&issued.device_serial, &issued.serial).await?;
    Ok(CertificateStatus {
        serial: issued.serial,
        channel: issued.channel,
        standing,
        device_serial: issued.device_serial,
        application: key.application,
        container: key.container,
    })
}

impl Turn<'_> {
    /// The pairs that the caller may see, newest first. An account's number is what anybody may claim; what it has shown
    /// is its phone, where the password went. So it sees the certificates of that number whose contact has that phone.
    pub(crate) async fn own_certificates(&mut self) -> Answer<Vec<Issued>> {
        match self.caller.clone() {
            Caller::Certificate { number, .. } => self.issued_to(&number).await,
            Caller::Account { account, number, .. } => {
                let phone = self.phone_of(&account).await?;
                let mut issued = self.issued_to(&number).await?;
                issued.retain(|issued| issued.contact_phone == phone);
                Ok(issued)
            }
            _ => Err(refuse(ProblemType::Forbidden)),
        }
    }

    /// The pair with this sign certificate, if it was issued here.
    pub(crate) async fn issued(&mut self, serial: &str) -> Answer<Option<Issued>> {
        let row = sql::query("SELECT * FROM certificates WHERE serial = $1")
            .bind(serial)
            .fetch_optional(self.db())
            .await?;
        row.as_ref().map(Issued::read).transpose()
    }

    /// The pairs issued to a number that are in their keys, newest first.
    pub(crate) async fn issued_to(&mut self, number: &str) -> Answer<Vec<Issued>> {
        let rows = sql::query(
            "SELECT * FROM certificates WHERE subject_number = $1 AND confirmed_at IS NOT NULL \
             ORDER BY not_before DESC, serial",
        )
            .bind(number)
            .fetch_all(self.db())
            .await?;
        rows.iter().map(Issued::read).collect()
    }

    /// The pairs that are in this key, newest first.
    pub(crate) async fn issued_into(&mut self, device_serial: &str) -> Answer<Vec<Issued>> {
        let rows = sql::query(
            "SELECT * FROM certificates WHERE device_serial = $1 AND confirmed_at IS NOT NULL \
             ORDER BY not_before DESC, confirmed_at DESC, serial",
        )
        .bind(device_serial)
        .fetch_all(self.db())
        .await?;
        rows.iter().map(Issued::read).collect()
    }

    /// The pairs that run out within this time and that no other took the place of, those that end first first.
    pub(crate) async fn expiring(&mut self, from: Timestamp, until: Timestamp) -> Answer<Vec<Issued>> {
        let rows = sql::query(
            "SELECT * FROM certificates WHERE not_after >= $1 AND not_after < $2 AND replaced_by IS NULL \
             ORDER BY not_after, serial",
        )
        .bind(from.as_second())
        .bind(until.as_second())
        .fetch_all(self.db())
        .await?;
        rows.iter().map(Issued::read).collect()
    }

    /// Records an issued pair.
    pub(crate) async fn record_issued(&mut self, issued: &Issued) -> Answer<()> {
        sql::query(
            "INSERT INTO certificates (serial, encryption_serial, order_id, subject_kind, subject_number, subject_name, \
             channel, device_serial, contact_phone, form, not_before, not_after, certificate, encryption_certificate, \
             unlocks, confirmed_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        )
        .bind(&issued.serial)
        .bind(&issued.encryption_serial)
        .bind(&issued.order)
        .bind(word(issued.subject.kind)?)
        .bind(&issued.subject.number)
        .bind(&issued.subject.name)
        .bind(&issued.channel)
        .bind(&issued.device_serial)
        .bind(&issued.contact_phone)
        .bind(serde_json::to_string(&issued.form)?)
        .bind(issued.not_before.as_second())
        .bind(issued.not_after.as_second())
        .bind(&issued.sign_der)
        .bind(&issued.encryption_der)
        .bind(i64::from(issued.unlocks))
        .bind(issued.confirmed_at.map(Timestamp::as_second))
        .execute(self.db())
        .await?;
        let actor = self.caller.actor();
        let order = format!("order/{}", issued.order);
        self.audit(&actor, &format!("certificate/{}", issued.serial), "issued", &order).await
    }

    /// Puts a key's secrets into the vault.
    pub(crate) async fn record_key(&mut self, key: NewKey<'_>) -> Answer<()> {
        let vault = self.hall.vault();
        let admin_pin = vault.seal(&mut self.chance, &admin_place(key.device_serial), key.admin_pin);
        let device_key = vault.seal(&mut self.chance, &device_place(key.device_serial), key.device_key);
        sql::query(
            "INSERT INTO issued_keys (device_serial, certificate_serial, application, container, admin_pin, device_key, \
             created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(key.device_serial)
        .bind(key.certificate_serial)
        .bind(key.application)
        .bind(key.container)
        .bind(admin_pin)
        .bind(device_key)
        .bind(self.now.as_second())
        .execute(self.db())
        .await?;
        Ok(())
    }

    /// What the vault holds of a key.
    pub(crate) async fn issued_key(&mut self, device_serial: &str, certificate: &str) -> Answer<IssuedKey> {
        let row = sql::query(
            "SELECT application, container, admin_pin FROM issued_keys \
             WHERE device_serial = $1 AND certificate_serial = $2",
        )
        .bind(device_serial)
        .bind(certificate)
        .fetch_optional(self.db())
        .await?;
        let row = row.ok_or_else(|| refuse(ProblemType::KeyUnknown))?;
        let admin_pin: Vec<u8> = row.try_get("admin_pin")?;
        Ok(IssuedKey {
            application: row.try_get("application")?,
            container: row.try_get("container")?,
            admin_pin: self.hall.vault().open(&admin_place(device_serial), &admin_pin)?,
        })
    }

    /// Puts what the vault holds of a key under its next certificate too, in this container: a key that is locked
    /// before it has shown to hold the certificate can be unlocked all the same.
    pub(crate) async fn hand_on_key(&mut self, old: &Issued, new: &Issued, container: &str) -> Answer<()> {
        sql::query(
            "INSERT INTO issued_keys (device_serial, certificate_serial, application, container, admin_pin, device_key, \
             created_at) SELECT device_serial, $1, application, $2, admin_pin, device_key, $3 FROM issued_keys \
             WHERE device_serial = $4 AND certificate_serial = $5",
        )
        .bind(&new.serial)
        .bind(container)
        .bind(self.now.as_second())
        .bind(&old.device_serial)
        .bind(&old.serial)
        .execute(self.db())
        .await?;
        Ok(())
    }

    /// The old pair gives way to one that its key has shown to hold.
    pub(crate) async fn replace_issued(&mut self, old: &Issued, new: &Issued) -> Answer<()> {
        sql::query("UPDATE certificates SET replaced_by = $1 WHERE serial = $2")
            .bind(&new.serial)
            .bind(&old.serial)
            .execute(self.db())
            .await?;
        sql::query("UPDATE certificates SET confirmed_at = $1 WHERE serial = $2")
            .bind(self.now.as_second())
            .bind(&new.serial)
            .execute(self.db())
            .await?;
        let actor = self.caller.actor();
        let old = format!("certificate/{}", old.serial);
        self.audit(&actor, &format!("certificate/{}", new.serial), "confirmed", &old).await
    }

    /// Counts an unlock of a certificate.
    pub(crate) async fn count_unlock(&mut self, serial: &str) -> Answer<()> {
        sql::query("UPDATE certificates SET unlocks = unlocks + 1 WHERE serial = $1")
            .bind(serial)
            .execute(self.db())
            .await?;
        Ok(())
    }

    /// How a certificate stands now.
    pub(crate) async fn standing(&mut self, issued: &Issued) -> Answer<CertificateStanding> {
        Ok(if let Some(reason) = self.revocation(&issued.serial).await? {
            match reason {
                RevocationReason::CertificateHold => CertificateStanding::Suspended,
                _ => CertificateStanding::Revoked,
            }
        } else if self.now < issued.not_before {
            CertificateStanding::NotYetValid
        } else if self.now > issued.not_after {
            CertificateStanding::Expired
        } else {
            CertificateStanding::Valid
        })
    }

    /// Whether a number has a valid certificate.
    pub(crate) async fn has_valid_certificate(&mut self, number: &str) -> Answer<bool> {
        for issued in self.issued_to(number).await? {
            if self.standing(&issued).await? == CertificateStanding::Valid {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn admin_place(device_serial: &str) -> String {
    format!("key/{device_serial}/admin-pin")
}

fn device_place(device_serial: &str) -> String {
    format!("key/{device_serial}/device-key")
}
