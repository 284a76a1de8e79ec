//! Login on the pages: the session's token in a cookie.
//!
//! Guarantees: the cookie goes to this hall's own pages only and is not for scripts; a session that has run out is
//! nobody's.

use super::pages::refused;
use crate::{
    account::{challenge, password},
    api::{Me, PasswordLogin, Secret},
    hall::Hall,
    http::extract::bearer,
    problem::Answer,
};
use axum::{
    Form, Router,
    extract::{FromRequestParts, State},
    http::{HeaderMap, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use serde::Deserialize;
use std::convert::Infallible;

const COOKIE: &str = "ukey_session";

/// The token of whoever looks at a page: of a cookie, or a bearer token as the assistant sends it.
pub(super) struct Visitor(pub(super) Option<String>);

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let bearer = parts.headers.get(header::AUTHORIZATION).and_then(bearer);
        let cookies = parts.headers.get(header::COOKIE).and_then(|value| value.to_str().ok());
        let cookie = cookies.and_then(|all| {
            all.split(';').filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == COOKIE)
        });
        Ok(Self(bearer.or(cookie.map(|(_, value)| value)).map(str::to_owned)))
    }
}

impl Visitor {
    /// Who it is, if anybody is logged in.
    pub(super) async fn me(&self, hall: &Hall) -> Option<Me> {
        let mut turn = hall.turn(Some(self.0.as_deref()?)).await.ok()?;
        let me = challenge::who(&mut turn).await;
        turn.end(me).await.ok()
    }
}

pub(super) fn routes() -> Router<Hall> {
    Router::new().route("/login", post(log_in)).route("/logout", post(log_out))
}

#[derive(Deserialize)]
struct Entry {
    account: String,
    password: String,
}

async fn log_in(State(hall): State<Hall>, Form(entry): Form<Entry>) -> Response {
    let session = async {
        let mut turn = hall.turn(None).await?;
        let login = PasswordLogin { account: entry.account, password: Secret(entry.password) };
        let done = password::login(&mut turn, login).await;
        turn.end(done).await
    };
    match session.await {
        Ok(session) => with_cookie(session.token.reveal(), hall.profile().login.session_minutes * 60),
        Err(refusal) => refused(&hall, refusal),
    }
}

async fn log_out(State(hall): State<Hall>, Visitor(token): Visitor) -> Response {
    let done: Answer<()> = async {
        let Some(token) = token else { return Ok(()) };
        let mut turn = hall.turn(None).await?;
        let done = turn.revoke_token(&token).await;
        turn.end(done).await
    }
    .await;
    match done {
        Ok(()) => with_cookie("", 0),
        Err(refusal) => refused(&hall, refusal),
    }
}

fn with_cookie(token: &str, seconds: u64) -> Response {
    let cookie = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    let mut headers = HeaderMap::new();
    if let Ok(value) = cookie.parse() {
        headers.insert(header::SET_COOKIE, value);
    }
    (headers, Redirect::to("/")).into_response()
}
