//! Renewal, repair, change, reinstallation: the key in hand is rewritten.

use super::extract::{Bearer, Body};
use crate::{
    api::{
        CodeEntry, CodeSent, Download, Initialisation, IssueAnswer, KeyProof, Order, Placed, Problem, Reinstallation,
        Written,
    },
    hall::Hall,
    order::{change, download, reinstall, renew},
    problem::Answer,
};
use axum::{Json, extract::State, http::StatusCode};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<Hall> {
    OpenApiRouter::new()
        .routes(routes!(renew))
        .routes(routes!(change))
        .routes(routes!(code))
        .routes(routes!(verify))
        .routes(routes!(initialised))
        .routes(routes!(download))
        .routes(routes!(written))
        .routes(routes!(reinstall))
}

/// 证书更新: opens the order of the key's certificate, or takes it up again.
#[utoipa::path(
    post, path = "/api/renewals", request_body = KeyProof,
    responses(
        (status = 201, body = Placed), (status = 200, body = Placed),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn renew(
    State(hall): State<Hall>,
    Bearer(bearer): Bearer,
    Body(proof): Body<KeyProof>,
) -> Answer<(StatusCode, Json<Placed>)> {
    let mut turn = hall.turn(bearer.as_deref()).await?;
    let done = renew::open(&mut turn, proof).await;
    turn.end(done).await.map(placed)
}

/// 信息变更 (C-02): opens the order of the key's certificate, or takes it up again.
#[utoipa::path(
    post, path = "/api/changes", request_body = KeyProof,
    responses(
        (status = 201, body = Placed), (status = 200, body = Placed),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn change(
    State(hall): State<Hall>,
    Bearer(bearer): Bearer,
    Body(proof): Body<KeyProof>,
) -> Answer<(StatusCode, Json<Placed>)> {
    let mut turn = hall.turn(bearer.as_deref()).await?;
    let done = change::open(&mut turn, proof).await;
    turn.end(done).await.map(placed)
}

fn placed((new, placed): (bool, Placed)) -> (StatusCode, Json<Placed>) {
    (if new { StatusCode::CREATED } else { StatusCode::OK }, Json(placed))
}

handler! {
    /// 获取短信验证 (R-17, C-03).
    code: post "/api/orders/{id}/code", (id "id" String) => 202 CodeSent,
    |turn| renew::code(turn, &id)
}

handler! {
    /// The code (R-17, C-03).
    verify: post "/api/orders/{id}/code/verify", (id "id" String), body: CodeEntry => 200 Order,
    |turn| renew::verify(turn, &id, body)
}

handler! {
    /// 初始化证书 is done.
    initialised: post "/api/orders/{id}/initialised", (id "id" String), body: Initialisation => 200 Order,
    |turn| renew::initialised(turn, &id, body)
}

handler! {
    /// The new certificates, for the key's request (R-10, R-17, C-04).
    download: post "/api/orders/{id}/download", (id "id" String), body: Download => 200 IssueAnswer,
    |turn| download::issue(turn, &id, body)
}

handler! {
    /// The new certificates are in the key.
    written: post "/api/orders/{id}/written", (id "id" String), body: Written => 200 Order,
    |turn| download::confirm(turn, &id, body)
}

handler! {
    /// 证书重装.
    reinstall: post "/api/reinstallations", (), body: Reinstallation => 200 IssueAnswer,
    |turn| reinstall::again(turn, body)
}
