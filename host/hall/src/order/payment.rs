//! Payment (U-05 to U-11, E-09).
//!
//! Guarantees: an order has one open payment at the most and is paid once; a callback is taken only with the provider's
//! signature and the right amount; a replayed one changes nothing; what was paid for an order that came to nothing is
//! given back by the provider, and a remittance, which no provider can give back, is on record as owed.

use super::{
    record::{Record, moment, read_word, word},
    reissue, renew,
    state::Event,
    seal, unlock,
};
use crate::{
    api::{
        Fee, OrderKind, OrderState, Paper, Payment, PaymentCallback, PaymentOutcome, PaymentRequest, PaymentState,
        ProblemType,
    },
    problem::{Answer, refuse},
    rights::Right,
    turn::Turn,
    vault::mac,
};
use crate::sql::{self, Row};
use subtle::ConstantTimeEq;

/// The name of the payment provider in histories.
const PROVIDER: &str = "payment provider";
/// The way of what was remitted to the authority's account.
const REMITTANCE: &str = "remittance";

/// What an order costs.
pub(crate) fn fee(record: &Record) -> Fee {
    let name = &record.subject.name;
    let item = match record.kind {
        OrderKind::EnrolUnit | OrderKind::EnrolPerson => format!("证书【{name}】新办费用"),
        OrderKind::Unlock => format!("证书【{name}】解锁费用"),
        kind => format!("证书【{name}】{}费用", kind.zh()),
    };
    // U-06 shows 优惠金额; no authority of the manuals grants any.
    Fee { item, price_fen: record.price_fen, discount_fen: 0, total_fen: record.price_fen }
}

/// 提交并支付 (U-08, U-09): opens a payment, or answers the open one. Another way ends the open one.
pub(crate) async fn open(turn: &mut Turn<'_>, id: &str, request: PaymentRequest) -> Answer<Payment> {
    let mut record = turn.own_order(id, Right::UseOwnOrder).await?;
    record.demand_state(&[OrderState::Unpaid])?;
    renew::demand_alone(turn, &mut record).await?;
    let profile = turn.hall.profile();
    if !request.agreed {
        let names = profile.agreements(record.kind).join("》《");
        return Err(refuse(ProblemType::AgreementRequired)
            .detail("Read and accept the agreements first.", format!("请阅读并同意《{names}》。")));
    }
    if !profile.payment.ways.contains(&request.way) {
        return Err(refuse(ProblemType::PaymentWayUnavailable));
    }
    if let Some(payment) = turn.payment(&record.id).await?.filter(|payment| payment.state == PaymentState::Open) {
        if payment.way == request.way {
            return Ok(payment);
        }
        let actor = turn.caller.actor();
        turn.settle(&payment.id, PaymentState::Cancelled, None, &actor).await?;
    }
    let number = turn.chance.digits(12);
    let payment_id = format!("P{number}");
    let page = turn.hall.gateways().payments.open(&payment_id, &request.way, record.price_fen).await?;
    sql::query(
        "INSERT INTO payments (id, order_id, way, amount_fen, state, page, opened_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&payment_id)
    .bind(&record.id)
    .bind(&request.way)
    .bind(i64::from(record.price_fen))
    .bind(word(PaymentState::Open)?)
    .bind(page)
    .bind(turn.now.as_second())
    .execute(turn.db())
    .await?;
    let actor = turn.caller.actor();
    turn.note_payment(&payment_id, &record.id, PaymentState::Open, &actor).await?;
    turn.payment(&record.id).await?.ok_or_else(|| refuse(ProblemType::NotFound))
}

/// The latest payment of an order.
pub(crate) async fn read(turn: &mut Turn<'_>, id: &str) -> Answer<Payment> {
    let record = turn.own_order(id, Right::ReadOwnOrder).await?;
    turn.payment(&record.id).await?.ok_or_else(|| refuse(ProblemType::NotFound))
}

/// The signature of a callback: HMAC-SM3 of its body, hexadecimal.
pub(crate) fn signature(key: &[u8], body: &[u8]) -> String {
    hex::encode(mac(key, &[body]))
}

/// What the provider tells.
pub(crate) async fn callback(turn: &mut Turn<'_>, signed: Option<&str>, body: &[u8]) -> Answer<()> {
    let own = signature(turn.hall.vault().callback_key(), body);
    let signed = signed.unwrap_or_default().to_ascii_lowercase();
    if !bool::from(own.as_bytes().ct_eq(signed.as_bytes())) {
        return Err(refuse(ProblemType::ForgedCallback));
    }
    let told: PaymentCallback =
        serde_json::from_slice(body).map_err(|error| refuse(ProblemType::MalformedBody).detail(error.to_string(), "回调内容无法识别"))?;
    let row =
        sql::query("SELECT * FROM payments WHERE id = $1").bind(&told.payment).fetch_optional(turn.db()).await?;
    let payment = payment(&row.ok_or_else(|| refuse(ProblemType::NotFound))?)?;
    if told.amount_fen != payment.amount_fen {
        return Err(refuse(ProblemType::AmountMismatch));
    }
    match (payment.state, told.outcome) {
        (PaymentState::Open, PaymentOutcome::Cancelled) => {
            turn.settle(&payment.id, PaymentState::Cancelled, Some(&told.reference), PROVIDER).await
        }
        // A payment that was left here may have been paid there: money that came is never lost.
        (PaymentState::Open | PaymentState::Cancelled, PaymentOutcome::Paid) => {
            turn.settle(&payment.id, PaymentState::Paid, Some(&told.reference), PROVIDER).await?;
            let mut record = turn.order(&payment.order).await?;
            if record.state == OrderState::Unpaid {
                paid(turn, &mut record, Event::Paid, PROVIDER).await
            } else {
                give_back(turn, &payment, PROVIDER).await
            }
        }
        (PaymentState::Paid | PaymentState::Refunded | PaymentState::Owed, _) | (PaymentState::Cancelled, PaymentOutcome::Cancelled) => Ok(()),
    }
}

/// What follows once nothing is left to pay.
async fn paid(turn: &mut Turn<'_>, record: &mut Record, event: Event, actor: &str) -> Answer<()> {
    turn.advance(record, event, actor).await?;
    // A remittance is looked at by the review; its invoice waits for that.
    if !reissue::is_prepaid(turn, record) {
        turn.schedule_invoice(record).await?;
    }
    if record.kind == OrderKind::Unlock {
        return unlock::begin_verification(turn, record).await;
    }
    if record.state == OrderState::Ready && record.details.reviewed {
        turn.advance(record, Event::ReviewWanted, actor).await?;
    }
    if record.kind == OrderKind::SealChange {
        return seal::begin_review(turn, record).await;
    }
    if record.state == OrderState::InReview {
        begin_review(turn, record).await?;
    }
    Ok(())
}

/// Sets the last day for the review's result.
pub(crate) async fn begin_review(turn: &mut Turn<'_>, record: &mut Record) -> Answer<()> {
    let profile = turn.hall.profile();
    let days = profile.review_working_days(record.kind, record.subject.kind);
    let today = crate::clock::date(turn.now);
    record.details.review_due = Some(profile.calendar.working_days_after(today, days));
    turn.save(record).await
}

async fn give_back(turn: &mut Turn<'_>, payment: &Payment, actor: &str) -> Answer<()> {
    // Should the turn fail after this, it is asked for again by the same name: the provider gives back once.
    turn.hall.gateways().payments.refund(&payment.id, payment.amount_fen).await?;
    turn.settle(&payment.id, PaymentState::Refunded, None, actor).await
}

/// Puts on record that a remittance is to be given back, if there was one: an order that was submitted has its proof.
async fn owe(turn: &mut Turn<'_>, record: &Record, actor: &str) -> Answer<()> {
    let papers = turn.papers(record).await?;
    let remitted = papers.iter().any(|paper| paper.paper == Paper::PaymentProof && paper.received.is_some());
    if !remitted || record.price_fen == 0 {
        return Ok(());
    }
    let id = format!("R{}", record.id);
    sql::query(
        "INSERT INTO payments (id, order_id, way, amount_fen, state, page, opened_at) VALUES ($1, $2, $3, $4, $5, '', $6)",
    )
    .bind(&id)
    .bind(&record.id)
    .bind(REMITTANCE)
    .bind(i64::from(record.price_fen))
    .bind(word(PaymentState::Owed)?)
    .bind(turn.now.as_second())
    .execute(turn.db())
    .await?;
    turn.note_payment(&id, &record.id, PaymentState::Owed, actor).await
}

fn payment(row: &Row) -> Answer<Payment> {
    Ok(Payment {
        id: row.try_get("id")?,
        order: row.try_get("order_id")?,
        way: row.try_get("way")?,
        amount_fen: row.try_get::<i64>("amount_fen")?.try_into().unwrap_or_default(),
        state: read_word(row.try_get("state")?)?,
        page: row.try_get("page")?,
        opened_at: moment(row.try_get("opened_at")?),
        paid_at: row.try_get::<Option<i64>>("paid_at")?.map(moment),
    })
}

impl Turn<'_> {
    /// The payment of an order that counts: the paid one, else the latest.
    pub(crate) async fn payment(&mut self, order: &str) -> Answer<Option<Payment>> {
        let rows = sql::query("SELECT * FROM payments WHERE order_id = $1 ORDER BY opened_at, id")
            .bind(order)
            .fetch_all(self.db())
            .await?;
        let payments = rows.iter().map(payment).collect::<Answer<Vec<_>>>()?;
        // Several payments may have been opened within one second of a virtual clock.
        let rank = |payment: &Payment| match payment.state {
            PaymentState::Paid => 3,
            PaymentState::Open => 2,
            PaymentState::Refunded | PaymentState::Owed => 1,
            PaymentState::Cancelled => 0,
        };
        Ok(payments.into_iter().max_by_key(|payment| (rank(payment), payment.opened_at)))
    }

    /// A payment by its name.
    pub(crate) async fn payment_by_id(&mut self, id: &str) -> Answer<Payment> {
        let row = sql::query("SELECT * FROM payments WHERE id = $1").bind(id).fetch_optional(self.db()).await?;
        payment(&row.ok_or_else(|| refuse(ProblemType::NotFound))?)
    }

    async fn settle(&mut self, id: &str, state: PaymentState, reference: Option<&str>, actor: &str) -> Answer<()> {
        let paid_at = (state == PaymentState::Paid).then(|| self.now.as_second());
        sql::query(
            "UPDATE payments SET state = $1, reference = COALESCE($2, reference), paid_at = COALESCE($3, paid_at) \
             WHERE id = $4",
        )
        .bind(word(state)?)
        .bind(reference)
        .bind(paid_at)
        .bind(id)
        .execute(self.db())
        .await?;
        let order = self.payment_by_id(id).await?.order;
        self.note_payment(id, &order, state, actor).await
    }

    async fn note_payment(&mut self, id: &str, order: &str, state: PaymentState, actor: &str) -> Answer<()> {
        self.audit(actor, &format!("payment/{id}"), &word(state)?, &format!("order/{order}")).await
    }

    /// Goes on at once when there is nothing to pay or it was paid before.
    pub(crate) async fn skip_payment_if_none(&mut self, record: &mut Record) -> Answer<()> {
        let settled = self.payment(&record.id).await?.is_some_and(|payment| payment.state == PaymentState::Paid);
        let settled = settled || reissue::is_prepaid(self, record);
        if record.state == OrderState::Unpaid && (record.price_fen == 0 || settled) {
            paid(self, record, Event::NothingToPay, "hall").await?;
        }
        Ok(())
    }

    /// Gives back what was paid for an order or puts it on record as owed, and ends an open payment.
    pub(crate) async fn refund(&mut self, record: &Record) -> Answer<()> {
        // What was given back has no invoice, unless it is issued already.
        sql::query("UPDATE invoices SET due_at = NULL WHERE order_id = $1 AND issued_at IS NULL")
            .bind(&record.id)
            .execute(self.db())
            .await?;
        let actor = self.caller.actor();
        match self.payment(&record.id).await? {
            Some(payment) if payment.state == PaymentState::Paid => give_back(self, &payment, &actor).await,
            Some(payment) if payment.state == PaymentState::Open => {
                self.settle(&payment.id, PaymentState::Cancelled, None, &actor).await
            }
            None if reissue::is_prepaid(self, record) => owe(self, record, &actor).await,
            _ => Ok(()),
        }
    }
}
