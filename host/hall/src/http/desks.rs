//! The desks.

use crate::{
    api::{
        AuditPage, AuditVerification, CallDecision, CodeEntry, IssueAnswer, IssueRequest, Order, OrderSummary, Personalisation, ProductionFinish,
        Problem, ProductionJob, ProductionStart, ReviewDecision,
    },
    audit,
    desk::{call, production, review},
    hall::Hall,
    problem::Answer,
};
use super::extract::{Bearer, Search};
use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<Hall> {
    OpenApiRouter::new()
        .routes(routes!(waiting))
        .routes(routes!(read))
        .routes(routes!(decide))
        .routes(routes!(lookup))
        .routes(routes!(decide_unlock))
        .routes(routes!(jobs))
        .routes(routes!(start))
        .routes(routes!(issue))
        .routes(routes!(finish))
        .routes(routes!(audit_log))
        .routes(routes!(verify_audit_log))
}

handler! {
    /// 待审核.
    waiting: get "/api/desk/review/orders", () => 200 Vec<OrderSummary>,
    |turn| review::waiting(turn)
}

handler! {
    /// An order in full.
    read: get "/api/desk/review/orders/{id}", (id "id" String) => 200 Order,
    |turn| review::read(turn, &id)
}

handler! {
    /// 审核.
    decide: post "/api/desk/review/orders/{id}/decision", (id "id" String), body: ReviewDecision => 200 Order,
    |turn| review::decide(turn, &id, body)
}

handler! {
    /// The order whose unlock code was read out.
    lookup: post "/api/desk/call/lookup", (), body: CodeEntry => 200 Order,
    |turn| call::lookup(turn, body)
}

handler! {
    /// 客服认证 (U-23).
    decide_unlock: post "/api/desk/call/decision", (), body: CallDecision => 200 Order,
    |turn| call::decide(turn, body)
}

handler! {
    /// 待制证.
    jobs: get "/api/desk/production/jobs", () => 200 Vec<ProductionJob>,
    |turn| production::jobs(turn)
}

handler! {
    /// Takes a blank key.
    start: post "/api/desk/production/jobs/{id}/start", (id "id" String), body: ProductionStart => 200 Personalisation,
    |turn| production::start(turn, &id, body)
}

handler! {
    /// Answers the key's certificate request.
    issue: post "/api/desk/production/jobs/{id}/issue", (id "id" String), body: IssueRequest => 200 IssueAnswer,
    |turn| production::issue(turn, &id, body)
}

handler! {
    /// The key is made: it is posted.
    finish: post "/api/desk/production/jobs/{id}/finish", (id "id" String), body: ProductionFinish => 200 ProductionJob,
    |turn| production::finish(turn, &id, body)
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct After {
    /// Only rows after this place.
    after: Option<u64>,
}

/// 审计日志.
#[utoipa::path(
    get, path = "/api/desk/audit", params(After),
    responses(
        (status = 200, body = AuditPage),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn audit_log(
    State(hall): State<Hall>,
    Bearer(bearer): Bearer,
    Search(After { after }): Search<After>,
) -> Answer<Json<AuditPage>> {
    let mut turn = hall.turn(bearer.as_deref()).await?;
    let read = audit::read(&mut turn, after.unwrap_or(0)).await;
    turn.end(read).await.map(Json)
}

handler! {
    /// Whether the log is as it was written.
    verify_audit_log: get "/api/desk/audit/verification", () => 200 AuditVerification,
    |turn| audit::verify(turn)
}
