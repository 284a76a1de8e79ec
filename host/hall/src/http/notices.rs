//! What is published for everybody: the revocation list and 注销公告.

use super::extract::Search;
use crate::{
    api::{Problem, RevocationNotices},
    hall::Hall,
    problem::Answer,
    revocation::{list, notice},
};
use axum::{Json, extract::State, http::header, response::IntoResponse};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<Hall> {
    OpenApiRouter::new().routes(routes!(revocation_list)).routes(routes!(notices))
}

/// The revocation list, DER (RFC 5280 5; its media type by RFC 2585).
#[utoipa::path(
    get, path = "/api/authority/crl",
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/pkix-crl"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn revocation_list(State(hall): State<Hall>) -> Answer<impl IntoResponse> {
    let mut turn = hall.turn(None).await?;
    let present = list::present(&mut turn).await;
    let der = turn.end(present).await?;
    Ok(([(header::CONTENT_TYPE, "application/pkix-crl")], der))
}

/// 注销公告 (V-02).
#[utoipa::path(
    get, path = "/api/notices/revocations", params(notice::Search),
    responses(
        (status = 200, body = RevocationNotices),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn notices(State(hall): State<Hall>, Search(search): Search<notice::Search>) -> Answer<Json<RevocationNotices>> {
    let mut turn = hall.turn(None).await?;
    let found = notice::search(&mut turn, search).await;
    turn.end(found).await.map(Json)
}
