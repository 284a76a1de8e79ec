//! Orders as they are shown.

use super::{
    enrol, identity, payment,
    record::{Record, moment, read_word},
    reissue, revoke, rewrite, seal, unlock, verification,
};
use crate::{
    api::{
        HistoryRow, Order, OrderKind, OrderState, OrderSummary, Parcel, Secret, UnlockCode,
        UnlockView,
    },
    problem::Answer,
    rights::{Caller, Right, demand},
    secret::SecretName,
    turn::Turn,
};
use crate::sql;

/// The order that the caller asks for.
pub(crate) async fn read(turn: &mut Turn<'_>, id: &str) -> Answer<Order> {
    let mut record = turn.own_order(id, Right::ReadOwnOrder).await?;
    verification::refresh(turn, &mut record).await?;
    order(turn, &record).await
}

/// The caller's orders.
pub(crate) async fn mine(turn: &mut Turn<'_>) -> Answer<Vec<OrderSummary>> {
    demand(&turn.caller, Right::OwnPages)?;
    let records = match turn.caller.clone() {
        Caller::Account { account, .. } => turn.orders_of_account(&account).await?,
        Caller::Certificate { serial, number } => {
            let kind = turn.issued(&serial).await?.map(|issued| issued.subject.kind);
            match kind {
                Some(kind) => turn.orders_of_subject(kind, &number).await?,
                None => Vec::new(),
            }
        }
        _ => Vec::new(),
    };
    Ok(records.iter().map(summary).collect())
}

/// An order in a list.
pub(crate) fn summary(record: &Record) -> OrderSummary {
    OrderSummary {
        id: record.id.clone(),
        kind: record.kind,
        state: record.state,
        state_zh: record.state.zh().into(),
        subject: record.subject.clone(),
        created_at: record.created_at,
    }
}

/// An order in full.
pub(crate) async fn order(turn: &mut Turn<'_>, record: &Record) -> Answer<Order> {
    let details = &record.details;
    let password_way = match record.kind.makes_key() {
        true => identity::carrier(turn, record).map(identity::password_way),
        false => None,
    };
    Ok(Order {
        id: record.id.clone(),
        kind: record.kind,
        state: record.state,
        state_zh: record.state.zh().into(),
        subject: record.subject.clone(),
        channel: record.channel.clone(),
        fee: payment::fee(record),
        created_at: record.created_at,
        updated_at: record.updated_at,
        form: details.form.clone(),
        form_digest: details.form.as_ref().map(enrol::digest).transpose()?,
        unlock: unlock_view(turn, record).await?,
        reissue: reissue::view(turn, record).await?,
        revocation: revoke::view(turn, record).await?,
        rewrite: rewrite::view(turn, record).await?,
        seal: seal::view(record),
        papers: turn.papers(record).await?,
        payment: turn.payment(&record.id).await?,
        invoice: turn.invoice(record).await?.filter(|_| !turn.caller.is_newcomer()),
        password_way,
        review_due: details.review_due,
        reason: details.reason.clone(),
        certificate_serial: record.certificate_serial.clone(),
        new_certificate_serial: details.new_serial.clone(),
        parcel: turn.parcel(&record.id).await?,
        history: turn.history(&record.id).await?,
    })
}

async fn unlock_view(turn: &mut Turn<'_>, record: &Record) -> Answer<Option<UnlockView>> {
    if record.kind != OrderKind::Unlock {
        return Ok(None);
    }
    let serial = record.certificate_serial.clone().unwrap_or_default();
    let unlocked_before = turn.issued(&serial).await?.map_or(0, |issued| issued.unlocks);
    let until = record.details.unlock_code_until.filter(|until| turn.now < *until);
    let shown = matches!(record.state, OrderState::PapersSubmitted | OrderState::PapersApproved);
    // Only who made it reads the code out; a desk hears it.
    let made = turn.token.is_some() && turn.token == record.details.unlock_code_by;
    let shown = shown && !matches!(turn.caller, Caller::Desk { .. }) && (made || !turn.caller.is_newcomer());
    let unlock_code = match until.filter(|_| shown) {
        Some(expires_at) => turn
            .secret_text(&record.id, SecretName::UnlockCode)
            .await?
            .map(|code| UnlockCode { code: Secret(code), expires_at }),
        None => None,
    };
    let lanes = unlock::lanes(turn, record.state);
    Ok(Some(UnlockView {
        certificate_serial: serial,
        device_serial: record.device_serial.clone().unwrap_or_default(),
        unlocked_before,
        identity_ways: if lanes.contains(&crate::api::Lane::Identity) {
            turn.hall.profile().identity_ways(record.subject.kind).to_vec()
        } else {
            Vec::new()
        },
        lanes,
        phone: unlock::shown_phone(turn, record),
        phone_completion: turn.hall.profile().unlock.phone_completion,
        unlock_code,
        verified_until: record.details.verified_until.filter(|_| record.state == OrderState::Verified),
    }))
}

impl Turn<'_> {
    /// Every change of an order's state.
    pub(crate) async fn history(&mut self, order: &str) -> Answer<Vec<HistoryRow>> {
        let rows = sql::query("SELECT * FROM history WHERE order_id = $1 ORDER BY place")
            .bind(order)
            .fetch_all(self.db())
            .await?;
        let read = |row: &sql::Row| -> Answer<HistoryRow> {
            Ok(HistoryRow {
                at: moment(row.try_get("at")?),
                event: row.try_get("event")?,
                from: row.try_get::<Option<String>>("from_state")?.map(read_word).transpose()?,
                to: read_word(row.try_get("to_state")?)?,
                actor: row.try_get("actor")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// The parcel of an order.
    pub(crate) async fn parcel(&mut self, order: &str) -> Answer<Option<Parcel>> {
        let row = sql::query("SELECT * FROM parcels WHERE order_id = $1").bind(order).fetch_optional(self.db()).await?;
        row.as_ref().map(parcel).transpose()
    }

    /// Every parcel, oldest first.
    pub(crate) async fn parcels(&mut self) -> Answer<Vec<Parcel>> {
        let rows =
            sql::query("SELECT * FROM parcels ORDER BY posted_at, order_id").fetch_all(self.db()).await?;
        rows.iter().map(parcel).collect()
    }
}

fn parcel(row: &sql::Row) -> Answer<Parcel> {
    Ok(Parcel {
        order: row.try_get("order_id")?,
        tracking: row.try_get("tracking")?,
        recipient: row.try_get("recipient")?,
        address: row.try_get("address")?,
        posted_at: moment(row.try_get("posted_at")?),
    })
}
