//! Electronic seals, and the business systems that check stamps.

use crate::{
    api::{
        Order, SealAnswer, SealChangeRequest, SealsView, SealsWritten, StampCheck, StampVerdict,
        StampingRequest, StampingRight,
    },
    hall::Hall,
    order::seal,
    seal::stamping,
};
use axum::extract::DefaultBodyLimit;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Largest body with a stamp, bytes: a seal of 48 KiB in hexadecimal, with certificates.
const STAMP_LIMIT: usize = 128 * 1024;

pub(super) fn routes() -> OpenApiRouter<Hall> {
    let verify = OpenApiRouter::new().routes(routes!(verify)).layer(DefaultBodyLimit::max(STAMP_LIMIT));
    OpenApiRouter::new()
        .routes(routes!(mine))
        .routes(routes!(change))
        .routes(routes!(collect))
        .routes(routes!(make))
        .routes(routes!(confirm))
        .routes(routes!(permission))
        .merge(verify)
}

handler! {
    /// The seals of the key that is logged in, and the changes under way (Z-02, Z-06).
    mine: get "/api/seals", () => 200 SealsView,
    |turn| seal::mine(turn)
}

handler! {
    /// 签章变更: 选择变更类型 (Z-03); the same change again takes up the open order.
    change: post "/api/seals/changes", request: SealChangeRequest => placed,
    |turn| seal::place(turn, request, false)
}

handler! {
    /// 采集印章 on the portal (Z-10, R-21).
    collect: post "/api/seals/collections", request: SealChangeRequest => placed,
    |turn| seal::place(turn, request, true)
}

handler! {
    /// What the key is to write and to drop (Z-08); the same however often it is asked for.
    make: post "/api/seals/changes/{id}/seal", (id "id" String) => 200 SealAnswer,
    |turn| seal::make(turn, &id)
}

handler! {
    /// The key tells, signed, which seals it holds now.
    confirm: post "/api/seals/changes/{id}/confirm", (id "id" String), body: SealsWritten => 200 Order,
    |turn| seal::confirm(turn, &id, body)
}

handler! {
    /// Whether the holder of a certificate may stamp.
    permission: post "/api/stamping/permission", (), body: StampingRequest => 200 StampingRight,
    |turn| stamping::permission(turn, &body)
}

handler! {
    /// Whether a stamp is good.
    verify: post "/api/stamping/verify", (), body: StampCheck => 200 StampVerdict,
    |turn| stamping::verify(turn, &body)
}
