//! Messages that leave the hall: one table, written in the turn, delivered after it.
//!
//! Guarantees: a message is written with what it tells about or not at all; its text is sealed; one that its provider
//! took is not given to it again; once delivered the text is erased, unless the hall is simulated.

use crate::{
    api::{MessageKind, OutboxMessage},
    hall::Hall,
    order::record::{moment, read_word, word},
    problem::{Answer, Refusal},
    turn::Turn,
};
pub(crate) use crate::api::Attached;
use serde::{Deserialize, Serialize};
use crate::sql;

/// A message to be written.
pub(crate) struct NewMessage<'a> {
    /// How it travels.
    pub kind: MessageKind,
    /// Phone, mailbox or account number.
    pub recipient: &'a str,
    /// What it is about.
    pub topic: &'a str,
    /// The text.
    pub text: String,
    /// The code or password inside.
    pub code: Option<&'a str>,
    /// The order.
    pub order: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    text: String,
    code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attached: Option<Attached>,
}

/// Fills `{name}` places of a text.
pub(crate) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

impl Turn<'_> {
    /// Writes a message.
    pub(crate) async fn send(&mut self, message: NewMessage<'_>) -> Answer<()> {
        self.send_with(message, None).await
    }

    /// Writes a message that may carry a file.
    pub(crate) async fn send_with(&mut self, message: NewMessage<'_>, attached: Option<Attached>) -> Answer<()> {
        let row = sql::query("SELECT COALESCE(MAX(id), 0) + 1 AS id FROM outbox").fetch_one(self.db()).await?;
        let id: i64 = row.try_get("id")?;
        let sealed = Sealed { text: message.text, code: message.code.map(Into::into), attached };
        let sealed =
            self.hall.vault().seal(&mut self.chance, &format!("outbox/{id}"), &serde_json::to_vec(&sealed)?);
        sql::query(
            "INSERT INTO outbox (id, kind, recipient, topic, sealed, order_id, at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(id)
        .bind(word(message.kind)?)
        .bind(message.recipient)
        .bind(message.topic)
        .bind(sealed)
        .bind(message.order)
        .bind(self.now.as_second())
        .execute(self.db())
        .await?;
        self.written.push(id);
        Ok(())
    }

    /// The messages, oldest first; those to a recipient and of a kind if named.
    pub(crate) async fn messages(
        &mut self,
        recipient: Option<&str>,
        kind: Option<MessageKind>,
    ) -> Answer<Vec<OutboxMessage>> {
        let rows = sql::query(
            "SELECT * FROM outbox WHERE (recipient = $1 OR $1 IS NULL) AND (kind = $2 OR $2 IS NULL) ORDER BY id",
        )
        .bind(recipient)
        .bind(kind.map(word).transpose()?)
        .fetch_all(self.db())
        .await?;
        rows.iter().map(|row| read(self.hall, row)).collect()
    }
}

fn read(hall: &Hall, row: &sql::Row) -> Answer<OutboxMessage> {
    let id: i64 = row.try_get("id")?;
    let sealed: Vec<u8> = row.try_get("sealed")?;
    let sealed: Sealed = if sealed.is_empty() {
        Sealed { text: String::new(), code: None, attached: None }
    } else {
        serde_json::from_slice(&hall.vault().open(&format!("outbox/{id}"), &sealed)?)?
    };
    Ok(OutboxMessage {
        id,
        kind: read_word(row.try_get("kind")?)?,
        recipient: row.try_get("recipient")?,
        topic: row.try_get("topic")?,
        text: sealed.text,
        code: sealed.code,
        attached: sealed.attached,
        order: row.try_get("order_id")?,
        at: moment(row.try_get("at")?),
    })
}

impl Hall {
    /// Delivers these messages, as far as they wait still. One that its provider does not take stays and is tried again
    /// with [`Self::deliver_due`].
    pub(crate) async fn deliver(&self, written: &[i64]) -> Result<(), sql::Error> {
        if written.is_empty() {
            return Ok(());
        }
        // One after the other: what leaves here is marked before anybody else looks for it.
        let _alone = self.deliveries().lock().await;
        for id in written {
            let mut db = self.database().connection().await?;
            let row = sql::query("SELECT * FROM outbox WHERE id = $1 AND delivered_at IS NULL")
                .bind(*id)
                .fetch_optional(&mut db)
                .await?;
            // A slow provider keeps nobody from the database.
            drop(db);
            let message = match row.map(|row| read(self, &row)).transpose() {
                Ok(Some(message)) => message,
                Ok(None) => continue,
                Err(Refusal { problem, .. }) => {
                    tracing::error!(%problem, "a message of the outbox cannot be read");
                    continue;
                }
            };
            if let Err(error) = self.gateways().messages.deliver(&message).await {
                tracing::warn!(id = message.id, %error, "a message was not delivered");
                continue;
            }
            let keep = i64::from(self.config().simulation);
            sql::query(
                "UPDATE outbox SET delivered_at = $1, sealed = CASE WHEN $2 = 1 THEN sealed ELSE $3 END WHERE id = $4",
            )
            .bind(self.clock().now().as_second())
            .bind(keep)
            .bind(Vec::<u8>::new())
            .bind(message.id)
            .execute(&mut *self.database().connection().await?)
            .await?;
        }
        Ok(())
    }

    /// Delivers what waits, of whatever turn.
    pub(crate) async fn deliver_due(&self) -> Result<(), sql::Error> {
        let waiting = sql::query("SELECT id FROM outbox WHERE delivered_at IS NULL ORDER BY id")
            .fetch_all(&mut *self.database().connection().await?)
            .await?;
        let waiting = waiting.iter().map(|row| row.try_get("id")).collect::<Result<Vec<_>, _>>()?;
        self.deliver(&waiting).await
    }
}
