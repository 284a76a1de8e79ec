//! Renewal, repair, change, reinstallation: the key in hand is rewritten.

use crate::{
    api::{
        CodeEntry, CodeSent, Download, Initialisation, IssueAnswer, KeyProof, Order, Reinstallation, Written,
    },
    hall::Hall,
    order::{change, download, reinstall, renew},
};
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

handler! {
    /// 证书更新: opens the order of the key's certificate, or takes it up again.
    renew: post "/api/renewals", proof: KeyProof => placed,
    |turn| renew::open(turn, proof)
}

handler! {
    /// 信息变更 (C-02): opens the order of the key's certificate, or takes it up again.
    change: post "/api/changes", proof: KeyProof => placed,
    |turn| change::open(turn, proof)
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
