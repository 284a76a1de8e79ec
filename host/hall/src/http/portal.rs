//! The portal as data: what its pages say, the wizard, the own services, data and notices, the supervising authority.

use crate::{
    account::{notice, password, supervision},
    api::{AccountChange, CodeSent, Me, NoticeView, Order, OrderSummary, PhoneEntry, PortalView, ServiceView, WizardStart},
    hall::Hall,
    order::wizard,
    portal,
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<Hall> {
    OpenApiRouter::new()
        .routes(routes!(view))
        .routes(routes!(start))
        .routes(routes!(submit))
        .routes(routes!(services))
        .routes(routes!(notices))
        .routes(routes!(phone_code))
        .routes(routes!(change_me))
        .routes(routes!(supervised))
}

handler! {
    /// What the portal's pages say (G).
    view: get "/api/portal", () => 200 PortalView,
    |turn| async { Ok(portal::view(turn.hall)) }
}

handler! {
    /// The wizard's first step: agreement and form (E-21, G-09).
    start: post "/api/wizards", body: WizardStart => placed,
    |turn| wizard::start(turn, body)
}

handler! {
    /// The wizard's last step (E-24).
    submit: post "/api/wizards/{id}/submit", (id "id" String) => 200 Order,
    |turn| wizard::submit(turn, &id)
}

handler! {
    /// What the account is offered (E-20).
    services: get "/api/me/services", () => 200 Vec<ServiceView>,
    |turn| wizard::services(turn)
}

handler! {
    /// 通知消息 (R-12, V-05).
    notices: get "/api/me/notices", () => 200 Vec<NoticeView>,
    |turn| notice::mine(turn)
}

handler! {
    /// 获取短信验证码 of the own new phone (L-07).
    phone_code: post "/api/me/phone/code", (), body: PhoneEntry => 202 CodeSent,
    |turn| password::phone_code(turn, body)
}

handler! {
    /// 用户信息 (L-07).
    change_me: put "/api/me", (), body: AccountChange => 200 Me,
    |turn| password::change_data(turn, body)
}

handler! {
    /// The applications of a supervising authority's area (AMB-05).
    supervised: get "/api/supervision/orders", () => 200 Vec<OrderSummary>,
    |turn| supervision::orders(turn)
}
