//! What requests carry, taken apart; what does not fit is refused as a problem.

use crate::{
    api::ProblemType,
    problem::{Refusal, refuse},
};
use axum::{
    extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Query, Request, rejection::*},
    http::{HeaderValue, StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;
use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

/// The bearer token, if there is one.
pub(super) struct Bearer(pub Option<String>);

impl<S: Sync> FromRequestParts<S> for Bearer {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let Some(value) = parts.headers.get(header::AUTHORIZATION) else { return Ok(Self(None)) };
        bearer(value).map(|token| Self(Some(token.to_owned()))).ok_or_else(|| refuse(ProblemType::Unauthorised))
    }
}

/// The token of an `Authorization` header (RFC 6750 2.1); the scheme's case does not count (RFC 9110 11.1).
pub(crate) fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Where a request comes from, if the server was told to say.
pub(crate) struct Peer(pub Option<IpAddr>);

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(peer.map(|ConnectInfo(address)| address.ip())))
    }
}

/// The client's own name for a request that it may send again (`Idempotency-Key`).
pub(crate) struct Repeatable(pub(crate) Option<String>);

impl<S: Sync> FromRequestParts<S> for Repeatable {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let key = value.to_str().ok().filter(|key| (1..=128).contains(&key.len()));
        key.map(|key| Self(Some(key.to_owned()))).ok_or_else(|| refuse(ProblemType::MalformedRequest))
    }
}

/// A JSON body.
pub(super) struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let json = axum::Json::<T>::from_request(request, state).await;
        json.map(|axum::Json(body)| Self(body)).map_err(|rejection| match rejection {
            JsonRejection::MissingJsonContentType(_) => refuse(ProblemType::UnsupportedMediaType)
                .detail("`Content-Type: application/json` is expected.", "请求内容类型应为 application/json。"),
            JsonRejection::BytesRejection(rejection) => unread(&rejection),
            other => refuse(ProblemType::MalformedBody).detail(other.body_text(), "请求内容不是约定的 JSON。"),
        })
    }
}

/// A body that is a file.
pub(super) struct File(pub axum::body::Bytes);

impl<S: Send + Sync> FromRequest<S> for File {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        axum::body::Bytes::from_request(request, state).await.map(Self).map_err(|rejection| unread(&rejection))
    }
}

fn unread(rejection: &BytesRejection) -> Refusal {
    let large = rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
    refuse(if large { ProblemType::TooLarge } else { ProblemType::MalformedBody })
}

/// The named parts of the path.
pub(super) struct Names<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Names<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(names)| Self(names)).map_err(|_| refuse(ProblemType::MalformedRequest))
    }
}

/// The parameters after `?`.
pub(super) struct Search<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Search<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(search)| Self(search)).map_err(|rejection| {
            refuse(ProblemType::MalformedRequest).detail(rejection.body_text(), "请求参数无法识别。")
        })
    }
}
