//! Orders and their history in the database.
//!
//! Guarantees: a state changes only through [`Turn::advance`], which asks the state machine and writes the history; two
//! writers of one order cannot both win.

use super::{
    seal::SealPlan,
    state::{self, Event},
};
use crate::{
    api::{
        EnrolForm, IdentityWay, MessageKind, OrderKind, OrderState, ProblemType, ReissueReason, RevocationReason, Subject,
        SubjectKind,
    },
    problem::{Answer, refuse},
    rights::{Caller, Right, demand},
    turn::Turn,
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use crate::sql::{self, Row};

/// What only some orders have.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Details {
    /// The form of an enrolment.
    #[serde(default)]
    pub form: Option<EnrolForm>,
    /// The identity check that passed; it tells where the certificate password goes.
    #[serde(default)]
    pub identity: Option<Proven>,
    /// The consent by code: SM3 of the form and when (AMB-08).
    #[serde(default)]
    pub consent: Option<Consent>,
    /// The last day for the review's result.
    #[serde(default)]
    pub review_due: Option<Date>,
    /// Who decided last.
    #[serde(default)]
    pub decided_by: Option<String>,
    /// Why it was returned or refused.
    #[serde(default)]
    pub reason: Option<String>,
    /// Until when a verification holds.
    #[serde(default)]
    pub verified_until: Option<Timestamp>,
    /// Serial number of the sign certificate that takes the place of the order's.
    #[serde(default)]
    pub new_serial: Option<String>,
    /// Why the key is reissued.
    #[serde(default)]
    pub reissue: Option<ReissueReason>,
    /// What is asked for with a revocation.
    #[serde(default)]
    pub revocation: Option<Revocation>,
    /// Whether an order that rewrites a key is to be reviewed (R-04, AMB-14, AMB-21).
    #[serde(default)]
    pub reviewed: bool,
    /// What a seal change is about.
    #[serde(default)]
    pub seal: Option<SealPlan>,
    /// Until when the unlock code holds.
    #[serde(default)]
    pub unlock_code_until: Option<Timestamp>,
    /// The digest of the token that had the unlock code made.
    #[serde(default)]
    pub unlock_code_by: Option<String>,
}

/// What is asked for with a revocation.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Revocation {
    /// Why.
    pub reason: RevocationReason,
    /// Whether it was confirmed the first time.
    pub confirmed: bool,
}

/// What is kept of an identity check that passed: no card number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Proven {
    /// The way.
    pub way: IdentityWay,
    /// How the password or authorisation code travels.
    pub kind: MessageKind,
    /// Phone or account number.
    pub recipient: String,
}

/// Kept as evidence of the handler's consent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Consent {
    /// SM3 of the form.
    pub digest: String,
    /// The phone that got the code.
    pub phone: String,
    /// When.
    pub at: Timestamp,
}

/// An order.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Order number.
    pub id: String,
    /// Kind.
    pub kind: OrderKind,
    /// State.
    pub state: OrderState,
    version: i64,
    /// Whom it is for.
    pub subject: Subject,
    /// The phone of the handler or holder.
    pub contact_phone: String,
    /// 渠道.
    pub channel: String,
    /// Price, fen.
    pub price_fen: u32,
    /// The account that placed it.
    pub account: Option<String>,
    /// The sign certificate.
    pub certificate_serial: Option<String>,
    /// The key.
    pub device_serial: Option<String>,
    /// What only some orders have.
    pub details: Details,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// An order to be placed.
pub(crate) struct NewOrder {
    /// Kind.
    pub kind: OrderKind,
    /// Whom it is for.
    pub subject: Subject,
    /// The phone of the handler or holder.
    pub contact_phone: String,
    /// 渠道.
    pub channel: String,
    /// Price, fen.
    pub price_fen: u32,
    /// The sign certificate, if it is about one.
    pub certificate_serial: Option<String>,
    /// The key, if it is about one.
    pub device_serial: Option<String>,
    /// What may exist once while the order is open.
    pub open_key: Option<String>,
    /// What only some orders have.
    pub details: Details,
}

/// The name of a closed value in the database: its name in JSON.
pub(crate) fn word<T: Serialize>(value: T) -> Answer<String> {
    match serde_json::to_value(value)? {
        serde_json::Value::String(word) => Ok(word),
        _ => Err(crate::problem::Refusal::internal("a value of the database is not a word")),
    }
}

/// The closed value of a name in the database.
pub(crate) fn read_word<T: DeserializeOwned>(word: String) -> Answer<T> {
    Ok(serde_json::from_value(serde_json::Value::String(word))?)
}

/// A moment from the database.
pub(crate) fn moment(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or_default()
}

impl Record {
    fn read(row: &Row) -> Answer<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            kind: read_word(row.try_get("kind")?)?,
            state: read_word(row.try_get("state")?)?,
            version: row.try_get("version")?,
            subject: Subject {
                kind: read_word(row.try_get("subject_kind")?)?,
                number: row.try_get("subject_number")?,
                name: row.try_get("subject_name")?,
            },
            contact_phone: row.try_get("contact_phone")?,
            channel: row.try_get("channel")?,
            price_fen: row.try_get::<i64>("price_fen")?.try_into().unwrap_or_default(),
            account: row.try_get("account")?,
            certificate_serial: row.try_get("certificate_serial")?,
            device_serial: row.try_get("device_serial")?,
            details: serde_json::from_str(row.try_get("details")?)?,
            created_at: moment(row.try_get("created_at")?),
            updated_at: moment(row.try_get("updated_at")?),
        })
    }

    /// The refusal of something that this state does not allow.
    pub(crate) fn wrong_state(&self) -> crate::problem::Refusal {
        let (name, zh) = (word(self.state).unwrap_or_default(), self.state.zh());
        refuse(ProblemType::WrongState)
            .state(self.state)
            .detail(format!("The order is `{name}`."), format!("订单当前状态为“{zh}”。"))
    }

    /// Refuses unless the order is in one of these states.
    pub(crate) fn demand_state(&self, allowed: &[OrderState]) -> Answer<()> {
        if allowed.contains(&self.state) { Ok(()) } else { Err(self.wrong_state()) }
    }

    /// Refuses another key than the order's (N-22).
    pub(crate) fn demand_device(&self, device_serial: &str) -> Answer<()> {
        if self.device_serial.as_deref() == Some(device_serial.trim()) {
            Ok(())
        } else {
            Err(refuse(ProblemType::DeviceMismatch))
        }
    }

    /// The form, for an enrolment.
    pub(crate) fn form(&self) -> Answer<&EnrolForm> {
        self.details.form.as_ref().ok_or_else(|| refuse(ProblemType::WrongState).state(self.state))
    }
}

impl Turn<'_> {
    /// Places an order.
    pub(crate) async fn place(&mut self, new: NewOrder) -> Answer<Record> {
        let day = crate::clock::date(self.now).strftime("%Y%m%d").to_string();
        let id = format!("{day}{}", self.chance.digits(10));
        let account = match &self.caller {
            Caller::Account { account, .. } => Some(account.clone()),
            _ => None,
        };
        let record = Record {
            id,
            kind: new.kind,
            state: state::first(new.kind),
            version: 1,
            subject: new.subject,
            contact_phone: new.contact_phone,
            channel: new.channel,
            price_fen: new.price_fen,
            account,
            certificate_serial: new.certificate_serial,
            device_serial: new.device_serial,
            details: new.details,
            created_at: self.now,
            updated_at: self.now,
        };
        sql::query(
            "INSERT INTO orders (id, kind, state, version, subject_kind, subject_number, subject_name, \
             contact_phone, channel, price_fen, account, certificate_serial, device_serial, open_key, details, \
             created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)",
        )
        .bind(&record.id)
        .bind(word(record.kind)?)
        .bind(word(record.state)?)
        .bind(record.version)
        .bind(word(record.subject.kind)?)
        .bind(&record.subject.number)
        .bind(&record.subject.name)
        .bind(&record.contact_phone)
        .bind(&record.channel)
        .bind(i64::from(record.price_fen))
        .bind(&record.account)
        .bind(&record.certificate_serial)
        .bind(&record.device_serial)
        .bind(new.open_key)
        .bind(serde_json::to_string(&record.details)?)
        .bind(self.now.as_second())
        .execute(self.db())
        .await?;
        let actor = self.caller.actor();
        self.note(&record.id, "placed", None, record.state, &actor).await?;
        Ok(record)
    }

    /// Moves an order and writes its history; a repeated event changes nothing. Tells whether it moved.
    pub(crate) async fn advance(&mut self, record: &mut Record, event: Event, actor: &str) -> Answer<bool> {
        let to = state::next(record.kind, record.state, event).map_err(|_| record.wrong_state())?;
        if to == record.state {
            return Ok(false);
        }
        let from = core::mem::replace(&mut record.state, to);
        self.save(record).await?;
        self.note(&record.id, event.name(), Some(from), to, actor).await?;
        Ok(true)
    }

    /// Writes an order as it stands.
    pub(crate) async fn save(&mut self, record: &mut Record) -> Answer<()> {
        record.updated_at = self.now;
        let changed = sql::query(
            "UPDATE orders SET state = $1, version = version + 1, subject_number = $2, subject_name = $3, \
             contact_phone = $4, certificate_serial = $5, device_serial = $6, details = $7, updated_at = $8, \
             open_key = CASE WHEN $9 = 1 THEN NULL ELSE open_key END \
             WHERE id = $10 AND version = $11",
        )
        .bind(word(record.state)?)
        .bind(&record.subject.number)
        .bind(&record.subject.name)
        .bind(&record.contact_phone)
        .bind(&record.certificate_serial)
        .bind(&record.device_serial)
        .bind(serde_json::to_string(&record.details)?)
        .bind(self.now.as_second())
        .bind(i64::from(state::is_final(record.state)))
        .bind(&record.id)
        .bind(record.version)
        .execute(self.db())
        .await?;
        if changed != 1 {
            return Err(refuse(ProblemType::Conflict));
        }
        record.version += 1;
        Ok(())
    }

    async fn note(
        &mut self,
        order: &str,
        event: &str,
        from: Option<OrderState>,
        to: OrderState,
        actor: &str,
    ) -> Answer<()> {
        sql::query(
            "INSERT INTO history (order_id, place, at, event, from_state, to_state, actor) \
             SELECT $1, COUNT(*), $2, $3, $4, $5, $6 FROM history WHERE order_id = $1",
        )
        .bind(order)
        .bind(self.now.as_second())
        .bind(event)
        .bind(from.map(word).transpose()?)
        .bind(word(to)?)
        .bind(actor)
        .execute(self.db())
        .await?;
        let to = word(to)?;
        let detail = match from {
            Some(from) => format!("{} -> {to}", word(from)?),
            None => to,
        };
        self.audit(actor, &format!("order/{order}"), event, &detail).await
    }

    /// An order by its number.
    pub(crate) async fn order(&mut self, id: &str) -> Answer<Record> {
        let row = sql::query("SELECT * FROM orders WHERE id = $1").bind(id).fetch_optional(self.db()).await?;
        Record::read(&row.ok_or_else(|| refuse(ProblemType::NotFound))?)
    }

    /// An order that the caller may read or use; another's order is not found.
    pub(crate) async fn own_order(&mut self, id: &str, right: Right) -> Answer<Record> {
        demand(&self.caller, right)?;
        let record = self.order(id).await?;
        let own = match &self.caller {
            Caller::Order { id, .. } => *id == record.id,
            Caller::Account { account, .. } => record.account.as_ref() == Some(account),
            Caller::Certificate { number, .. } => record.subject.number == *number,
            Caller::Anonymous | Caller::Holder { .. } | Caller::Desk { .. } => false,
        };
        if !own {
            return Err(refuse(ProblemType::NotFound));
        }
        if right == Right::UseOwnOrder {
            self.demand_certificate_login().await?;
        }
        Ok(record)
    }

    /// An order to look at: any for a desk that reads every order, else the caller's own.
    pub(crate) async fn readable_order(&mut self, id: &str) -> Answer<Record> {
        match demand(&self.caller, Right::ReadAnyOrder) {
            Ok(()) => self.order(id).await,
            Err(_) => self.own_order(id, Right::WholeOrder).await,
        }
    }

    /// The open order with this key, if there is one.
    pub(crate) async fn open_order(&mut self, key: &str) -> Answer<Option<Record>> {
        let row =
            sql::query("SELECT * FROM orders WHERE open_key = $1").bind(key).fetch_optional(self.db()).await?;
        row.as_ref().map(Record::read).transpose()
    }

    /// The orders in these states, oldest first.
    pub(crate) async fn orders_in(&mut self, states: &[OrderState]) -> Answer<Vec<Record>> {
        let mut found = Vec::new();
        for state in states {
            let rows = sql::query("SELECT * FROM orders WHERE state = $1 ORDER BY created_at, id")
                .bind(word(*state)?)
                .fetch_all(self.db())
                .await?;
            found.extend(rows.iter().map(Record::read).collect::<Answer<Vec<_>>>()?);
        }
        found.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(found)
    }

    /// Every order, newest first.
    pub(crate) async fn all_orders(&mut self) -> Answer<Vec<Record>> {
        let rows = sql::query("SELECT * FROM orders ORDER BY created_at DESC, id DESC").fetch_all(self.db()).await?;
        rows.iter().map(Record::read).collect()
    }

    /// The orders for a subject, newest first.
    pub(crate) async fn orders_of_subject(&mut self, kind: SubjectKind, number: &str) -> Answer<Vec<Record>> {
        let rows = sql::query(
            "SELECT * FROM orders WHERE subject_kind = $1 AND subject_number = $2 ORDER BY created_at DESC, id DESC",
        )
        .bind(word(kind)?)
        .bind(number)
        .fetch_all(self.db())
        .await?;
        rows.iter().map(Record::read).collect()
    }

    /// The orders that have all of these values, the newest first, 20 at the most.
    pub(crate) async fn orders_with(
        &mut self,
        id: Option<&str>,
        name: Option<&str>,
        number: Option<&str>,
        phone: Option<&str>,
    ) -> Answer<Vec<Record>> {
        let rows = sql::query(
            "SELECT * FROM orders WHERE (id = $1 OR $1 IS NULL) AND (subject_name = $2 OR $2 IS NULL) \
             AND (subject_number = $3 OR $3 IS NULL) AND (contact_phone = $4 OR $4 IS NULL) \
             ORDER BY created_at DESC, id DESC LIMIT 20",
        )
        .bind(id)
        .bind(name)
        .bind(number)
        .bind(phone)
        .fetch_all(self.db())
        .await?;
        rows.iter().map(Record::read).collect()
    }

    /// The orders that an account placed, newest first.
    pub(crate) async fn orders_of_account(&mut self, account: &str) -> Answer<Vec<Record>> {
        let rows = sql::query("SELECT * FROM orders WHERE account = $1 ORDER BY created_at DESC, id DESC")
            .bind(account)
            .fetch_all(self.db())
            .await?;
        rows.iter().map(Record::read).collect()
    }
}
