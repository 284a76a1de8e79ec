//! The scenario's own hall: the real one, served over HTTP on this machine, with a line that can fail.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    extract::{ConnectInfo, Request, connect_info::Connected},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};
use ukey_flows::Client;
use ukey_hall::{Config, Hall, Profile};

/// What the line does to one request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lost {
    /// It does not reach the hall; whoever stands before the hall says so (502).
    Request,
    /// The hall does it, and the connection ends without an answer.
    Answer,
    /// The connection ends before the hall hears of it.
    Connection,
}

/// A connection to the hall. Once it is cut, nothing goes over it in either direction, and it is closed.
#[derive(Clone, Default, Debug)]
pub(crate) struct Cable(Arc<AtomicBool>);

impl Cable {
    /// The cable that a request came over.
    fn of(request: &Request) -> Option<Self> {
        request.extensions().get::<ConnectInfo<Self>>().map(|ConnectInfo(cable)| cable.clone())
    }

    fn whole(&self) -> io::Result<()> {
        if self.0.load(Ordering::SeqCst) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Connected<IncomingStream<'_, Cables>> for Cable {
    fn connect_info(stream: IncomingStream<'_, Cables>) -> Self {
        stream.io().cable.clone()
    }
}

/// The door of the hall, where each connection gets its cable.
struct Cables(TcpListener);

impl Listener for Cables {
    type Io = Wired;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wired, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        (Wired { stream, cable: Cable::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection on its cable.
struct Wired {
    stream: TcpStream,
    cable: Cable,
}

impl AsyncRead for Wired {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.cable.whole()?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wired {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.cable.whole()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.cable.whole()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
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
    let cable = Cable::of(&request);
    match lost {
        None => return next.run(request).await,
        Some(Lost::Request) => return StatusCode::BAD_GATEWAY.into_response(),
        Some(Lost::Answer) => drop(next.run(request).await),
        Some(Lost::Connection) => drop(request),
    }
    if let Some(Cable(cut)) = cable {
        cut.store(true, Ordering::SeqCst);
    }
    // It stays on this side of the cable.
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
    let service = router.into_make_service_with_connect_info::<Cable>();
    tokio::spawn(async move { axum::serve(Cables(listener), service).await });
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

#[cfg(test)]
mod tests {
    use super::*;
    use ukey_flows::FlowError;

    #[test]
    fn a_connection_that_is_cut_gives_no_answer_at_all() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let office = runtime.block_on(Office::open("qinghe", 3)).unwrap();
        let client = &office.client;
        client.profile().unwrap();
        for (lost, gateway) in [(Lost::Request, true), (Lost::Answer, false), (Lost::Connection, false)] {
            office.line.lose("/api/profile", lost);
            let Err(FlowError::Unreachable(reason)) = client.profile() else { panic!("{lost:?}") };
            assert_eq!(reason.contains("502"), gateway, "{lost:?}: {reason}");
            client.profile().unwrap();
        }
        // What was lost on its way back was done, what was lost on its way there was not.
        let now = || client.clock().unwrap().now;
        for (lost, done) in [(Lost::Request, false), (Lost::Connection, false), (Lost::Answer, true)] {
            let before = now();
            office.line.lose("/_sim/clock", lost);
            client.advance_clock(60).unwrap_err();
            assert_eq!(now() > before, done, "{lost:?}");
        }
    }
}
