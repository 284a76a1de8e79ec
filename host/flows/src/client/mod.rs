//! The hall's HTTP interface, call by call. A refusal is the hall's own [`Problem`].

mod certificates;
mod desks;
mod orders;
mod portal;
mod rewrites;
mod seals;
mod sim;
mod unlocks;

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use ukey_hall::api::{Problem, Secret};
use ureq::http::{Response, header};
use ureq::{Agent, Body};

use crate::FlowError;

/// Longest wait for each part of an exchange: connecting, sending, the answer's beginning, the rest of it.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// A client of one hall. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    agent: Agent,
}

/// A result of a call.
pub type Result<T> = std::result::Result<T, FlowError>;

impl Client {
    /// A client of the hall at this address, such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn new(base: &str) -> Self {
        // None on the whole: ureq would start a thread for every request, to look its host up in time.
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(TIME_LIMIT))
            .timeout_send_request(Some(TIME_LIMIT))
            .timeout_send_body(Some(TIME_LIMIT))
            .timeout_recv_response(Some(TIME_LIMIT))
            .timeout_recv_body(Some(TIME_LIMIT));
        Self { base: base.trim_end_matches('/').to_owned(), agent: config.build().new_agent() }
    }

    /// The hall's address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.base
    }

    fn get<R: DeserializeOwned>(&self, path: &str, token: Option<&Secret>) -> Result<R> {
        json(refused(self.with_token(self.agent.get(self.url(path)), token).call()?)?)
    }

    fn get_bytes(&self, path: &str, token: Option<&Secret>) -> Result<Vec<u8>> {
        let mut response = refused(self.with_token(self.agent.get(self.url(path)), token).call()?)?;
        Ok(response.body_mut().read_to_vec()?)
    }

    fn post<B: Serialize, R: DeserializeOwned>(
        &self,
        path: &str,
        token: Option<&Secret>,
        body: &B,
    ) -> Result<R> {
        json(refused(self.with_token(self.agent.post(self.url(path)), token).send_json(body)?)?)
    }

    fn post_nothing<R: DeserializeOwned>(&self, path: &str, token: Option<&Secret>) -> Result<R> {
        json(refused(self.with_token(self.agent.post(self.url(path)), token).send_empty()?)?)
    }

    fn post_for_nothing<B: Serialize>(&self, path: &str, token: Option<&Secret>, body: &B) -> Result<()> {
        refused(self.with_token(self.agent.post(self.url(path)), token).send_json(body)?).map(drop)
    }

    fn put<B: Serialize, R: DeserializeOwned>(
        &self,
        path: &str,
        token: Option<&Secret>,
        body: &B,
    ) -> Result<R> {
        json(refused(self.with_token(self.agent.put(self.url(path)), token).send_json(body)?)?)
    }

    fn put_bytes<R: DeserializeOwned>(&self, path: &str, token: Option<&Secret>, body: &[u8]) -> Result<R> {
        let request = self.agent.put(self.url(path)).header(header::CONTENT_TYPE, "application/octet-stream");
        json(refused(self.with_token(request, token).send(body)?)?)
    }

    fn delete(&self, path: &str, token: Option<&Secret>) -> Result<()> {
        refused(self.with_token(self.agent.delete(self.url(path)), token).call()?).map(drop)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn with_token<B>(
        &self,
        request: ureq::RequestBuilder<B>,
        token: Option<&Secret>,
    ) -> ureq::RequestBuilder<B> {
        match token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {}", token.reveal())),
            None => request,
        }
    }
}

/// An answer that is no success becomes the hall's problem.
fn refused(mut response: Response<Body>) -> Result<Response<Body>> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    match response.body_mut().read_json::<Problem>() {
        Ok(problem) => Err(problem.into()),
        Err(_) => Err(FlowError::Unreachable(format!("{status}"))),
    }
}

fn json<R: DeserializeOwned>(mut response: Response<Body>) -> Result<R> {
    Ok(response.body_mut().read_json()?)
}

/// A path segment: what users type may hold anything.
fn segment(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// The name of a paper in a path.
fn paper_name(paper: ukey_hall::api::Paper) -> String {
    serde_json::to_value(paper).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_cannot_leave_its_place() {
        assert_eq!(segment("../a b?c=1"), "..%2Fa%20b%3Fc%3D1");
        assert_eq!(paper_name(ukey_hall::api::Paper::BusinessLicence), "business-licence");
    }

    #[test]
    fn a_hall_that_is_not_there_is_said_so() {
        let error = Client::new("http://127.0.0.1:1").profile().unwrap_err();
        assert!(matches!(error, FlowError::Unreachable(_)), "{error}");
    }
}
