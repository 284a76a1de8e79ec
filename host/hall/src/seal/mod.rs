//! Electronic seals: who makes them, what was made, and what business systems are told of them.
//!
//! Guarantees: a seal counts from the moment its key has shown to hold it until it is replaced or deleted; what was
//! made stays on record. Refuses to know: how a seal is ordered (see `order::seal`).

pub(crate) mod maker;
pub(crate) mod rules;
pub(crate) mod stamping;

use crate::{
    api::{SealView, Subject},
    order::record::{moment, word},
    problem::{Answer, Refusal},
    turn::Turn,
};
use jiff::Timestamp;
use crate::sql::{self, Row};
use ukey_pki::seal::{Picture, Seal};

/// Where a seal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Made; no key has shown to hold it yet.
    Made,
    /// In its key.
    Held,
    /// Another took its place.
    Replaced,
    /// Deleted.
    Deleted,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Held => "held",
            Self::Replaced => "replaced",
            Self::Deleted => "deleted",
        }
    }

    fn read(name: &str) -> Answer<Self> {
        let all = [Self::Made, Self::Held, Self::Replaced, Self::Deleted];
        let found = all.into_iter().find(|status| status.name() == name);
        found.ok_or_else(|| Refusal::internal("a seal's status is unknown"))
    }
}

/// A seal that was made.
#[derive(Clone)]
pub(crate) struct MadeSeal {
    /// esID.
    pub id: String,
    /// The order it was made for.
    pub order: String,
    /// The key.
    pub device_serial: String,
    /// Its name.
    pub name: String,
    /// The sign certificate it lists.
    pub certificate_serial: String,
    /// The picture.
    pub picture: Vec<u8>,
    /// SESeal, DER.
    pub der: Vec<u8>,
    /// Where it stands.
    pub status: Status,
    /// When it was made.
    pub made_at: Timestamp,
    /// Its last moment.
    pub not_after: Timestamp,
    /// The seal that took its place.
    pub replaced_by: Option<String>,
}

impl MadeSeal {
    fn read(row: &Row) -> Answer<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            order: row.try_get("order_id")?,
            device_serial: row.try_get("device_serial")?,
            name: row.try_get("name")?,
            certificate_serial: row.try_get("certificate_serial")?,
            picture: row.try_get("picture")?,
            der: row.try_get("der")?,
            status: Status::read(row.try_get("status")?)?,
            made_at: moment(row.try_get("made_at")?),
            not_after: moment(row.try_get("not_after")?),
            replaced_by: row.try_get("replaced_by")?,
        })
    }

    /// Its picture, in its size.
    pub(crate) fn sized_picture(&self) -> Answer<Picture> {
        Ok(Seal::from_der(&self.der).map_err(Refusal::internal)?.picture().clone())
    }

    /// As its holder sees it, with this certificate in the key.
    pub(crate) fn view(&self, certificate_serial: &str) -> SealView {
        SealView {
            id: self.id.clone(),
            name: self.name.clone(),
            certificate_serial: self.certificate_serial.clone(),
            current: self.certificate_serial == certificate_serial,
            made_at: self.made_at,
            not_after: self.not_after,
        }
    }
}

impl Turn<'_> {
    /// Records a seal.
    pub(crate) async fn record_seal(&mut self, seal: &MadeSeal, subject: &Subject) -> Answer<()> {
        sql::query(
            "INSERT INTO seals (id, order_id, subject_kind, subject_number, device_serial, name, certificate_serial, \
             picture, der, status, made_at, not_after) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(&seal.id)
        .bind(&seal.order)
        .bind(word(subject.kind)?)
        .bind(&subject.number)
        .bind(&seal.device_serial)
        .bind(&seal.name)
        .bind(&seal.certificate_serial)
        .bind(&seal.picture)
        .bind(&seal.der)
        .bind(seal.status.name())
        .bind(seal.made_at.as_second())
        .bind(seal.not_after.as_second())
        .execute(self.db())
        .await?;
        self.note_seal(&seal.id, seal.status, &format!("order/{}", seal.order)).await
    }

    /// Moves a seal on; another may take its place.
    pub(crate) async fn move_seal(&mut self, id: &str, status: Status, replaced_by: Option<&str>) -> Answer<()> {
        sql::query("UPDATE seals SET status = $1, replaced_by = $2 WHERE id = $3")
            .bind(status.name())
            .bind(replaced_by)
            .bind(id)
            .execute(self.db())
            .await?;
        let detail = replaced_by.map(|by| format!("seal/{by}")).unwrap_or_default();
        self.note_seal(id, status, &detail).await
    }

    async fn note_seal(&mut self, id: &str, status: Status, detail: &str) -> Answer<()> {
        let actor = self.caller.actor();
        self.audit(&actor, &format!("seal/{id}"), status.name(), detail).await
    }

    /// A seal by its esID.
    pub(crate) async fn seal(&mut self, id: &str) -> Answer<Option<MadeSeal>> {
        let row = sql::query("SELECT * FROM seals WHERE id = $1").bind(id).fetch_optional(self.db()).await?;
        row.as_ref().map(MadeSeal::read).transpose()
    }

    /// The seals that a key holds, oldest first.
    pub(crate) async fn seals_in(&mut self, device_serial: &str) -> Answer<Vec<MadeSeal>> {
        let found = "SELECT * FROM seals WHERE device_serial = $1 AND status = $2 ORDER BY made_at, id";
        self.held(found, device_serial).await
    }

    /// The seals in use that list a certificate, oldest first.
    pub(crate) async fn seals_listing(&mut self, certificate_serial: &str) -> Answer<Vec<MadeSeal>> {
        let found = "SELECT * FROM seals WHERE certificate_serial = $1 AND status = $2 ORDER BY made_at, id";
        self.held(found, certificate_serial).await
    }

    async fn held(&mut self, statement: &'static str, value: &str) -> Answer<Vec<MadeSeal>> {
        let query = sql::query(statement).bind(value).bind(Status::Held.name());
        query.fetch_all(self.db()).await?.iter().map(MadeSeal::read).collect()
    }
}
