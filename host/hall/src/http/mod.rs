//! The hall's doors: HTTP in, the turns inside, JSON or a problem out.
//!
//! Guarantees: every handler is one turn; bodies are limited; unknown paths and methods are problems too; what is
//! served is described at `/api/openapi.json`.

#[macro_use]
mod handler;
mod accounts;
mod assistant;
mod certificates;
mod desks;
pub(crate) mod extract;
mod notices;
mod orders;
mod portal;
mod rewrites;
mod seals;
mod sim;
mod unlocks;

use crate::{api::ProblemType, hall::Hall, problem::refuse};
use axum::{
    Json, Router,
    body::to_bytes,
    extract::{DefaultBodyLimit, Request},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use utoipa::{
    OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;

/// Largest JSON body, bytes: a certificate request in hexadecimal is far below.
const JSON_LIMIT: usize = 64 * 1024;

/// Largest body that is read at all, bytes; what a handler takes is less.
const READ_LIMIT: usize = 64 * 1024 * 1024;

#[derive(OpenApi)]
#[openapi(modifiers(&Bearer), security((), ("bearer" = [])), info(
    title = "ukey hall",
    description = "The certificate authority's online service hall (证书网上服务大厅). Refusals are RFC 9457 problems."
))]
struct Description;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        description.components.get_or_insert_default().add_security_scheme("bearer", scheme);
    }
}

/// The whole interface.
pub(crate) fn router(hall: Hall) -> Router {
    let mut routes = OpenApiRouter::with_openapi(Description::openapi())
        .merge(accounts::routes())
        .merge(assistant::routes())
        .merge(orders::routes(&hall))
        .merge(unlocks::routes())
        .merge(rewrites::routes())
        .merge(desks::routes())
        .merge(certificates::routes())
        .merge(notices::routes())
        .merge(portal::routes())
        .merge(seals::routes());
    if hall.config().simulation {
        routes = routes.merge(sim::routes());
    }
    let (router, description) = routes.split_for_parts();
    router
        .merge(crate::portal::routes())
        .route("/api/openapi.json", get(|| async move { Json(description) }))
        .fallback(|| async { refuse(ProblemType::NotFound) })
        .method_not_allowed_fallback(|| async { refuse(ProblemType::MethodNotAllowed) })
        .layer(DefaultBodyLimit::max(JSON_LIMIT))
        .layer(middleware::from_fn(read_whole))
        .with_state(hall)
}

/// Reads a request to its end before it is answered. A server that answers earlier and closes the connection resets it
/// under a client that still writes, or that writes its next request there.
async fn read_whole(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match to_bytes(body, READ_LIMIT).await {
        Ok(body) => next.run(Request::from_parts(parts, body.into())).await,
        Err(_) => refuse(ProblemType::TooLarge).into_response(),
    }
}
