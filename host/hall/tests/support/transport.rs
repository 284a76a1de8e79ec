//! The hall on its socket, a client for it, its clock and its outbox.

use serde::{Serialize, de::DeserializeOwned};
use ukey_hall::{Config, Hall, OpenError, Profile, api::*};

pub struct Bench {
    runtime: tokio::runtime::Runtime,
    pub hall: Hall,
    base: String,
    agent: ureq::Agent,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
}

pub struct Reply {
    pub status: u16,
    pub kind: String,
    pub body: Vec<u8>,
}

impl Reply {
    #[track_caller]
    pub fn read<T: DeserializeOwned>(&self) -> T {
        assert!(
            (200..300).contains(&self.status),
            "{}: {}",
            self.status,
            String::from_utf8_lossy(&self.body)
        );
        serde_json::from_slice(&self.body).unwrap()
    }

    #[track_caller]
    pub fn done(&self) {
        assert_eq!(self.status, 204, "{}", String::from_utf8_lossy(&self.body));
    }

    /// The refusal; its status, content type and words must hang together.
    #[track_caller]
    pub fn refused(&self, kind: ProblemType) -> Problem {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.kind, "application/problem+json", "{}: {text}", self.status);
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.kind, kind, "{text}");
        assert_eq!((problem.status, self.status), (kind.status(), kind.status()));
        assert!(!problem.detail.is_empty() && !problem.detail_zh.is_empty());
        problem
    }
}

impl Bench {
    pub fn new(profile: &str) -> Self {
        Self::with(Config::simulated(Profile::built_in(profile).unwrap(), 20_260_302))
    }

    pub fn with(config: Config) -> Self {
        Self::serve(Hall::open(config))
    }

    /// Opens a hall and serves it, on one runtime.
    pub fn serve(hall: impl Future<Output = Result<Hall, OpenError>>) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (hall, listener) = runtime.block_on(async {
            (hall.await.unwrap(), tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap())
        });
        let address = listener.local_addr().unwrap();
        let served = hall.clone();
        runtime.spawn(async move {
            served.serve(listener, async { drop(stopped.await) }).await.unwrap();
        });
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Self { runtime, hall, base: format!("http://{address}"), agent, stop: Some(stop) }
    }

    /// Runs something of tokio's.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Reply {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = self.agent.run(request.body(body).unwrap()).unwrap();
        let kind =
            response.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap()).to_owned();
        let body = response.body_mut().with_config().limit(1 << 26).read_to_vec().unwrap();
        Reply { status: response.status().as_u16(), kind, body }
    }

    fn send(&self, method: &str, path: &str, token: &str, kind: Option<&str>, body: Vec<u8>) -> Reply {
        let bearer = format!("Bearer {token}");
        let mut headers = Vec::new();
        if !token.is_empty() {
            headers.push(("authorization", bearer.as_str()));
        }
        headers.extend(kind.map(|kind| ("content-type", kind)));
        self.raw(method, path, &headers, body)
    }

    pub fn get(&self, path: &str, token: &str) -> Reply {
        self.send("GET", path, token, None, Vec::new())
    }

    pub fn post(&self, path: &str, token: &str, body: &impl Serialize) -> Reply {
        self.send("POST", path, token, Some("application/json"), serde_json::to_vec(body).unwrap())
    }

    /// A POST without a body.
    pub fn press(&self, path: &str, token: &str) -> Reply {
        self.send("POST", path, token, None, Vec::new())
    }

    pub fn put(&self, path: &str, token: &str, body: &impl Serialize) -> Reply {
        self.send("PUT", path, token, Some("application/json"), serde_json::to_vec(body).unwrap())
    }

    pub fn upload(&self, path: &str, token: &str, body: &[u8]) -> Reply {
        self.send("PUT", path, token, Some("application/octet-stream"), body.to_vec())
    }

    pub fn delete(&self, path: &str, token: &str) -> Reply {
        self.send("DELETE", path, token, None, Vec::new())
    }

    pub fn outbox(&self, recipient: &str) -> Vec<OutboxMessage> {
        self.get(&format!("/_sim/outbox?recipient={recipient}"), "").read()
    }

    /// The latest code or password that was sent there.
    #[track_caller]
    pub fn code(&self, recipient: &str) -> Secret {
        let messages = self.outbox(recipient);
        Secret(messages.iter().rev().find_map(|message| message.code.clone()).expect("a code was sent"))
    }

    /// Moves the clock.
    pub fn wait(&self, seconds: u64) {
        self.post("/_sim/clock", "", &ClockAdvance { seconds: Some(seconds), to: None }).read::<ClockView>();
    }

    /// Moves the clock to a moment of Shanghai.
    pub fn come_to(&self, moment: &str) {
        let to = Some(format!("{moment}+08:00").parse().unwrap());
        self.post("/_sim/clock", "", &ClockAdvance { seconds: None, to }).read::<ClockView>();
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        // The files of a database are read, copied or opened again after this.
        self.runtime.block_on(self.hall.close());
    }
}
