//! The scenario's own hall: the real one, served over HTTP on this machine, with a line that can fail.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::Request,
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tokio::net::TcpListener;
use ukey_flows::Client;
use ukey_hall::{Config, Hall, Profile};

/// What the line does to one request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lost {
    /// It does not reach the hall.
    Request,
    /// The hall does it, and nobody hears of it.
    Answer,
}

/// The line between the assistant and the hall: loses one request to a path that ends so, or begins so where that ends
/// with `/`.
#[derive(Clone, Default, Debug)]
pub(crate) struct Line(Arc<Mutex<Option<(String, Lost)>>>);

impl Line {
    /// Loses the next request to such a path.
    pub(crate) fn lose(&self, path: &str, what: Lost) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((path.to_owned(), what));
    }

    fn fate(&self, path: &str) -> Option<Lost> {
        let fits = |part: &str| path.ends_with(part) || (part.ends_with('/') && path.starts_with(part));
        let mut planned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        planned.take_if(|(part, _)| fits(part)).map(|(_, what)| what)
    }

    async fn carry(self, request: Request, next: Next) -> Response {
        let lost = self.fate(request.uri().path());
        carry(request, next, lost).await
    }
}

/// Carries a request to the hall and its answer back, or loses one of them.
pub(crate) async fn carry(request: Request, next: Next, lost: Option<Lost>) -> Response {
    match lost {
        None => next.run(request).await,
        Some(Lost::Request) => broken(),
        Some(Lost::Answer) => {
            drop(next.run(request).await);
            broken()
        }
    }
}

/// What the assistant hears over a broken line.
pub(crate) fn broken() -> Response {
    StatusCode::BAD_GATEWAY.into_response()
}

/// Serves a hall on this machine, until the runtime ends; every request takes the way through `carry`.
///
/// # Errors
/// The operating system's, where it has no port.
pub(crate) async fn serve<C, F>(hall: &Hall, carry: C) -> io::Result<Client>
where
    C: Fn(Request, Next) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = hall.router().layer(middleware::from_fn(carry));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(Client::new(&format!("http://{address}")))
}

/// An open hall, and a client for it. It is served until the scenario's runtime ends.
#[derive(Clone, Debug)]
pub(crate) struct Office {
    pub(crate) client: Client,
    pub(crate) line: Line,
}

impl Office {
    /// Opens the hall of a profile; everything random in it follows from the seed.
    pub(crate) async fn open(profile: &str, seed: u64) -> Result<Self, Box<dyn std::error::Error>> {
        Ok(Self::of(&Hall::open(Config::simulated(Profile::built_in(profile)?, seed)).await?).await?)
    }

    /// Serves a hall that is open.
    pub(crate) async fn of(hall: &Hall) -> io::Result<Self> {
        let line = Line::default();
        let carrier = line.clone();
        let client = serve(hall, move |request, next| carrier.clone().carry(request, next)).await?;
        Ok(Self { client, line })
    }
}
