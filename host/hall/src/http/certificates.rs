//! Certificates whose key is not in hand or no longer wanted: query by number, reissue, revocation.

use crate::{
    api::{
        ApplicationStatus, CodeEntry, CodeSent, HeldCertificates, IdentityCheck, Order, QueryOpened,
        QueryRequest, ReissueGuide, ReissueRequest, RevocationConfirmation, RevocationRequest, RevocationSignature,
        StatusQuery,
    },
    hall::Hall,
    order::{holder, reissue, revoke, status},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<Hall> {
    OpenApiRouter::new()
        .routes(routes!(application_status))
        .routes(routes!(open_certificate_query))
        .routes(routes!(certificate_query_result))
        .routes(routes!(guide))
        .routes(routes!(reissue_one))
        .routes(routes!(revoke_one))
        .routes(routes!(sign_revocation))
        .routes(routes!(identify_for_revocation))
        .routes(routes!(revocation_code))
        .routes(routes!(verify_revocation_code))
        .routes(routes!(confirm_revocation))
}

handler! {
    /// 查询服务 (V-03).
    application_status: post "/api/status-queries", (), query: StatusQuery => 200 Vec<ApplicationStatus>,
    |turn| status::ask(turn, query)
}

handler! {
    /// 证件号码查询: 发送验证码.
    open_certificate_query: post "/api/certificate-queries", (), body: QueryRequest => 202 QueryOpened,
    |turn| holder::open(turn, body)
}

handler! {
    /// 证件号码查询: 确定.
    certificate_query_result: post "/api/certificate-queries/{id}/result", (id "id" String), body: CodeEntry
        => 200 HeldCertificates,
    |turn| holder::result(turn, &id, body)
}

handler! {
    /// 办理说明 of a reissue.
    guide: get "/api/reissues/guide", () => 200 ReissueGuide,
    |turn| async { Ok(reissue::guide(turn)) }
}

handler! {
    /// 补办.
    reissue_one: post "/api/reissues", request: ReissueRequest => placed,
    |turn| reissue::open(turn, request)
}

handler! {
    /// 注销 (V-01): chooses the certificate.
    revoke_one: post "/api/revocations", request: RevocationRequest => placed,
    |turn| revoke::open(turn, request)
}

handler! {
    /// The certificate's own key signed the request.
    sign_revocation: post "/api/revocations/{id}/signature", (id "id" String), body: RevocationSignature => 200 Order,
    |turn| revoke::sign(turn, &id, body)
}

handler! {
    /// The identity check; the code goes to the phone on record.
    identify_for_revocation: post "/api/revocations/{id}/identity", (id "id" String), body: IdentityCheck => 202 CodeSent,
    |turn| revoke::identify(turn, &id, body)
}

handler! {
    /// The code again.
    revocation_code: post "/api/revocations/{id}/code", (id "id" String) => 202 CodeSent,
    |turn| revoke::code(turn, &id)
}

handler! {
    /// The code is typed.
    verify_revocation_code: post "/api/revocations/{id}/code/verify", (id "id" String), body: CodeEntry => 200 Order,
    |turn| revoke::verify(turn, &id, body)
}

handler! {
    /// 确认注销, twice; the second time is for good.
    confirm_revocation: post "/api/revocations/{id}/confirm", (id "id" String), body: RevocationConfirmation => 200 Order,
    |turn| revoke::confirm(turn, &id, body)
}
