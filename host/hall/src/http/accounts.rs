//! The hall itself, accounts, logins, the own pages.

use super::extract::{Bearer, Body};
use crate::{
    account::{certificate, challenge, password},
    api::{
        AuthorityView, CertificateLogin, CertificateView, CodeEntry, LoginChallenge, Me, OrderSummary, PasswordChange,
        PasswordLogin, Problem, ProblemType, ProfileView, QueriedOrder, QueryOpened, QueryRequest, Registered, Registration,
        Session,
    },
    hall::Hall,
    order::{query, view},
    problem::{Answer, refuse},
};
use axum::{extract::State, http::StatusCode};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<Hall> {
    OpenApiRouter::new()
        .routes(routes!(profile))
        .routes(routes!(authority))
        .routes(routes!(register))
        .routes(routes!(login_by_password))
        .routes(routes!(open_challenge))
        .routes(routes!(login_by_certificate))
        .routes(routes!(log_out))
        .routes(routes!(me))
        .routes(routes!(change_password))
        .routes(routes!(my_certificates))
        .routes(routes!(my_orders))
        .routes(routes!(open_query))
        .routes(routes!(query_result))
}

handler! {
    /// What the hall tells about itself.
    profile: get "/api/profile", () => 200 ProfileView,
    |turn| async { Ok(turn.hall.profile().view()) }
}

handler! {
    /// The authority's certificates.
    authority: get "/api/authority/certificates", () => 200 AuthorityView,
    |turn| async { Ok(turn.hall.authority().view()) }
}

handler! {
    /// 注册 (L-03 to L-05).
    register: post "/api/accounts", (), body: Registration => 201 Registered,
    |turn| password::register(turn, body)
}

handler! {
    /// 账号密码登录 (L-02).
    login_by_password: post "/api/sessions/password", (), body: PasswordLogin => 201 Session,
    |turn| password::login(turn, body)
}

handler! {
    /// A challenge for a login by certificate.
    open_challenge: post "/api/sessions/challenges", () => 201 LoginChallenge,
    |turn| challenge::open(turn)
}

handler! {
    /// 证书登录 (L-01, L-11).
    login_by_certificate: post "/api/sessions/certificate", (), body: CertificateLogin => 201 Session,
    |turn| challenge::login(turn, body)
}

handler! {
    /// Who is logged in.
    me: get "/api/me", () => 200 Me,
    |turn| challenge::who(turn)
}

handler! {
    /// 我的证书 (A-04, V-04).
    my_certificates: get "/api/me/certificates", () => 200 Vec<CertificateView>,
    |turn| certificate::mine(turn)
}

handler! {
    /// 个人中心 (G-06).
    my_orders: get "/api/me/orders", () => 200 Vec<OrderSummary>,
    |turn| view::mine(turn)
}

handler! {
    /// 订单查询: 发送验证码 (V-06).
    open_query: post "/api/queries", (), body: QueryRequest => 202 QueryOpened,
    |turn| query::open(turn, body)
}

handler! {
    /// 订单查询: 确认 (V-06, V-07).
    query_result: post "/api/queries/{id}/result", (id "id" String), body: CodeEntry => 200 Vec<QueriedOrder>,
    |turn| query::result(turn, &id, body)
}

/// Ends the session.
#[utoipa::path(
    delete, path = "/api/sessions/current",
    responses(
        (status = 204),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn log_out(State(hall): State<Hall>, Bearer(bearer): Bearer) -> Answer<StatusCode> {
    let token = bearer.ok_or_else(|| refuse(ProblemType::Unauthorised))?;
    let mut turn = hall.turn(Some(&token)).await?;
    let done = turn.revoke_token(&token).await;
    turn.end(done).await.map(|()| StatusCode::NO_CONTENT)
}

/// Changes the account password (L-07).
#[utoipa::path(
    put, path = "/api/me/password", request_body = PasswordChange,
    responses(
        (status = 204),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn change_password(
    State(hall): State<Hall>,
    Bearer(bearer): Bearer,
    Body(body): Body<PasswordChange>,
) -> Answer<StatusCode> {
    let mut turn = hall.turn(bearer.as_deref()).await?;
    let done = password::change(&mut turn, body).await;
    turn.end(done).await.map(|()| StatusCode::NO_CONTENT)
}
