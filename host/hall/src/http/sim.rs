//! The simulated outside world, for people and tests. Only in a hall with simulation on.

use super::extract::{Bearer, Body, Names, Search};
use crate::{
    api::{
        ClockAdvance, ClockView, Invoice, MessageKind, NextOutcome, NextRegistry, OutboxMessage, Parcel, PaymentAct,
        PaymentCallback, Problem, ProblemType,
    },
    clock,
    hall::Hall,
    order::payment,
    problem::{Answer, refuse, refuse_field},
    store,
};
use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<Hall> {
    OpenApiRouter::new()
        .routes(routes!(outbox))
        .routes(routes!(read_clock))
        .routes(routes!(advance_clock))
        .routes(routes!(act_on_payment))
        .routes(routes!(set_identity))
        .routes(routes!(set_registry))
        .routes(routes!(parcels))
        .routes(routes!(invoice))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct OutboxSearch {
    recipient: Option<String>,
    kind: Option<MessageKind>,
}

/// The messages that left, oldest first.
#[utoipa::path(
    get, path = "/_sim/outbox", params(OutboxSearch),
    responses(
        (status = 200, body = Vec<OutboxMessage>),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn outbox(
    State(hall): State<Hall>,
    Search(search): Search<OutboxSearch>,
) -> Answer<Json<Vec<OutboxMessage>>> {
    let mut turn = hall.turn(None).await?;
    let found = turn.messages(search.recipient.as_deref(), search.kind).await;
    turn.end(found).await.map(Json)
}

/// The clock.
#[utoipa::path(get, path = "/_sim/clock", responses((status = 200, body = ClockView)))]
async fn read_clock(State(hall): State<Hall>) -> Json<ClockView> {
    Json(ClockView { now: hall.clock().now() })
}

/// The clock stops here: certificates of a later time could not be written.
fn last_moment() -> jiff::Timestamp {
    jiff::Timestamp::constant(4_102_416_000, 0)
}

/// Moves the clock forward; due jobs run before the answer.
#[utoipa::path(
    post, path = "/_sim/clock", request_body = ClockAdvance,
    responses(
        (status = 200, body = ClockView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn advance_clock(
    State(hall): State<Hall>,
    Body(advance): Body<ClockAdvance>,
) -> Answer<Json<ClockView>> {
    let mut turn = hall.turn(None).await?;
    let to = match (advance.seconds, advance.to) {
        (Some(seconds), None) => clock::after(turn.now, seconds),
        (None, Some(to)) => to,
        _ => return Err(refuse_field("seconds", "either `seconds` or `to`", "请填写前进秒数或目标时间之一")),
    };
    if to > last_moment() {
        return Err(refuse_field("to", "beyond the year 2099", "不能晚于2099年"));
    }
    if !hall.clock().is_virtual() {
        return Err(refuse(ProblemType::ClockBackwards)
            .detail("This hall runs on the computer's clock, which cannot be moved.", "本服务使用系统时钟，不能调整。"));
    }
    if !hall.clock().advance_to(to) {
        return Err(refuse(ProblemType::ClockBackwards));
    }
    let seen = store::set_meta(turn.db(), "clock", &to.as_second().to_string()).await;
    turn.end(seen.map_err(Into::into)).await?;
    hall.run_due_jobs().await;
    Ok(Json(ClockView { now: hall.clock().now() }))
}

/// Pays, or leaves the provider's page; the provider then calls back.
#[utoipa::path(
    post, path = "/_sim/payments/{id}", request_body = PaymentAct, params(("id" = String, Path)),
    responses(
        (status = 204),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn act_on_payment(
    State(hall): State<Hall>,
    Names((id,)): Names<(String,)>,
    Body(act): Body<PaymentAct>,
) -> Answer<StatusCode> {
    let mut turn = hall.turn(None).await?;
    let payment = turn.payment_by_id(&id).await;
    let payment = turn.end(payment).await?;
    let callback = PaymentCallback {
        reference: format!("SIM{}", &payment.id[1..]),
        payment: payment.id,
        outcome: act.outcome,
        amount_fen: payment.amount_fen,
    };
    let body = serde_json::to_vec(&callback)?;
    let signature = hall.callback_signature(&body);
    let mut turn = hall.turn(None).await?;
    let done = payment::callback(&mut turn, Some(&signature), &body).await;
    turn.end(done).await.map(|()| StatusCode::NO_CONTENT)
}

/// Sets the identity provider's next answer.
#[utoipa::path(
    post, path = "/_sim/identity", request_body = NextOutcome,
    responses(
        (status = 204),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn set_identity(State(hall): State<Hall>, Body(next): Body<NextOutcome>) -> Answer<StatusCode> {
    hall.world().ok_or_else(|| refuse(ProblemType::NotFound))?.expect(next);
    Ok(StatusCode::NO_CONTENT)
}

/// Sets the registry's next answer.
#[utoipa::path(
    post, path = "/_sim/registry", request_body = NextRegistry,
    responses(
        (status = 204),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn set_registry(State(hall): State<Hall>, Body(next): Body<NextRegistry>) -> Answer<StatusCode> {
    hall.world().ok_or_else(|| refuse(ProblemType::NotFound))?.expect_registry(next.outcome);
    Ok(StatusCode::NO_CONTENT)
}

handler! {
    /// The parcels, oldest first.
    parcels: get "/_sim/parcels", () => 200 Vec<Parcel>,
    |turn| turn.parcels()
}

/// The invoice of an order.
#[utoipa::path(
    get, path = "/_sim/invoices/{order}", params(("order" = String, Path)),
    responses(
        (status = 200, body = Invoice),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn invoice(
    State(hall): State<Hall>,
    Bearer(bearer): Bearer,
    Names((order,)): Names<(String,)>,
) -> Answer<Json<Invoice>> {
    let mut turn = hall.turn(bearer.as_deref()).await?;
    let found = async {
        let record = turn.order(&order).await?;
        turn.invoice(&record).await?.ok_or_else(|| refuse(ProblemType::NotFound))
    }
    .await;
    turn.end(found).await.map(Json)
}
