//! Unlocking.

use crate::{
    api::{
        CardChallenge, CodeEntry, CodeSent, Confirmation, IdentityCheck, Order, PhoneEntry, UnblockAnswer, UnlockRequest,
    },
    hall::Hall,
    order::unlock,
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<Hall> {
    OpenApiRouter::new()
        .routes(routes!(open))
        .routes(routes!(code))
        .routes(routes!(verify))
        .routes(routes!(identify))
        .routes(routes!(authorise))
        .routes(routes!(send_papers))
        .routes(routes!(authenticate))
        .routes(routes!(unblock))
        .routes(routes!(confirm))
}

handler! {
    /// 找回密码 (U-04, U-11): opens the certificate's unlock order, or takes it up again.
    open: post "/api/unlocks", request: UnlockRequest => placed,
    |turn| unlock::open(turn, request)
}

handler! {
    /// 获取短信验证码 (U-12, U-30).
    code: post "/api/unlocks/{id}/code", (id "id" String), body: PhoneEntry => 202 CodeSent,
    |turn| unlock::code(turn, &id, body)
}

handler! {
    /// 确认 (U-12).
    verify: post "/api/unlocks/{id}/code/verify", (id "id" String), body: CodeEntry => 200 Order,
    |turn| unlock::verify(turn, &id, body)
}

handler! {
    /// 其他验证方式 or the first unlock (U-31, U-33).
    identify: post "/api/unlocks/{id}/identity", (id "id" String), body: IdentityCheck => 202 CodeSent,
    |turn| unlock::identify(turn, &id, body)
}

handler! {
    /// 解锁授权码 (U-31).
    authorise: post "/api/unlocks/{id}/authorisation", (id "id" String), body: CodeEntry => 200 Order,
    |turn| unlock::authorise(turn, &id, body)
}

handler! {
    /// 确认上传 (U-20 to U-22): the unlock code to read to the call centre.
    send_papers: post "/api/unlocks/{id}/papers", (id "id" String) => 200 Order,
    |turn| unlock::send_papers(turn, &id)
}

handler! {
    /// 认证 (U-24).
    authenticate: post "/api/unlocks/{id}/authenticate", (id "id" String), body: CodeEntry => 200 Order,
    |turn| unlock::authenticate(turn, &id, body)
}

handler! {
    /// What UnblockPin needs, for the key's challenge.
    unblock: post "/api/unlocks/{id}/cryptogram", (id "id" String), body: CardChallenge => 200 UnblockAnswer,
    |turn| unlock::unblock(turn, &id, body)
}

handler! {
    /// The key works again.
    confirm: post "/api/unlocks/{id}/confirm", (id "id" String), body: Confirmation => 200 Order,
    |turn| unlock::confirm(turn, &id, body)
}
