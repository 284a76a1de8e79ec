//! Refusals inside the hall and on the way out (RFC 9457).
//!
//! Guarantees: nothing but a [`Problem`] leaves the hall when something is refused; what failed inside is logged and
//! not shown.

use crate::sql;
use crate::api::{FieldFault, OrderState, Problem, ProblemType};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// What a request comes to.
pub(crate) type Answer<T> = Result<T, Refusal>;

/// A refusal; usually everything the request wrote is taken back.
#[derive(Debug)]
pub struct Refusal {
    /// What is told.
    pub problem: Box<Problem>,
    /// What was written stands, e.g. a counted wrong code.
    pub keep: bool,
}

/// A refusal of this kind.
pub(crate) fn refuse(kind: ProblemType) -> Refusal {
    Refusal { problem: Box::new(Problem::new(kind)), keep: false }
}

/// A refusal for faults in a form, if there are any.
pub(crate) fn refuse_faults(faults: Vec<FieldFault>) -> Answer<()> {
    if faults.is_empty() { Ok(()) } else { Err(refuse(ProblemType::InvalidFields).fields(faults)) }
}

/// A refusal for one faulty field.
pub(crate) fn refuse_field(field: &str, detail: &str, detail_zh: &str) -> Refusal {
    let fault = FieldFault { field: field.into(), detail: detail.into(), detail_zh: detail_zh.into() };
    refuse(ProblemType::InvalidFields).fields(vec![fault])
}

impl Refusal {
    /// Says more.
    pub fn detail(mut self, english: impl Into<String>, chinese: impl Into<String>) -> Self {
        self.problem.detail = english.into();
        self.problem.detail_zh = chinese.into();
        self
    }

    /// What was written stands.
    pub fn keep(mut self) -> Self {
        self.keep = true;
        self
    }

    /// Tells the tries that remain.
    pub fn tries_left(mut self, tries: u32) -> Self {
        self.problem.tries_left = Some(tries);
        self
    }

    /// Tells the seconds to wait.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.problem.retry_after = Some(seconds);
        self
    }

    /// Tells the order's state.
    pub fn state(mut self, state: OrderState) -> Self {
        self.problem.state = Some(state);
        self
    }

    /// Tells the faulty fields.
    pub fn fields(mut self, fields: Vec<FieldFault>) -> Self {
        // A field's name is English; a Chinese fault names its field itself.
        let names: Vec<_> = fields.iter().map(|fault| fault.field.as_str()).collect();
        let faults: Vec<_> = fields.iter().map(|fault| fault.detail_zh.as_str()).collect();
        self.problem.detail = format!("{}: {}", self.problem.title, names.join(", "));
        self.problem.detail_zh = format!("{}：{}", self.problem.title_zh, faults.join("、"));
        self.problem.fields = fields;
        self
    }

    /// Something inside failed: logged here, not told.
    pub fn internal(cause: impl core::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed inside the hall");
        refuse(ProblemType::Internal)
    }
}

impl From<sql::Error> for Refusal {
    fn from(error: sql::Error) -> Self {
        if error.is_unique_violation() {
            return refuse(ProblemType::Conflict);
        }
        Self::internal(error)
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}

impl From<crate::vault::DoesNotOpen> for Refusal {
    fn from(error: crate::vault::DoesNotOpen) -> Self {
        Self::internal(error)
    }
}

impl From<crate::gateway::Unavailable> for Refusal {
    fn from(error: crate::gateway::Unavailable) -> Self {
        if error.simulated {
            tracing::debug!(%error, "a simulated service was told not to answer");
        } else {
            tracing::warn!(%error, "an outside service did not answer");
        }
        refuse(ProblemType::ProviderUnavailable)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.problem.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::{IdentityCheck, IdentityOutcome, NextOutcome},
        gateway::{Claim, Identity, Unavailable, simulated::World},
    };
    use std::sync::{Arc, Mutex};
    use tracing::{Event, Level, Metadata, Subscriber, span};

    /// The levels of what was logged.
    #[derive(Clone, Default)]
    struct Levels(Arc<Mutex<Vec<Level>>>);

    impl Subscriber for Levels {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }

        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

        fn event(&self, event: &Event<'_>) {
            self.0.lock().unwrap().push(*event.metadata().level());
        }

        fn enter(&self, _: &span::Id) {}

        fn exit(&self, _: &span::Id) {}
    }

    fn logged(error: Unavailable) -> Vec<Level> {
        let levels = Levels::default();
        let refusal = tracing::subscriber::with_default(levels.clone(), || Refusal::from(error));
        assert_eq!(refusal.problem.kind, ProblemType::ProviderUnavailable);
        levels.0.lock().unwrap().clone()
    }

    #[test]
    fn only_a_service_outside_is_warned_of() {
        let world = World::default();
        world.expect(NextOutcome { way: None, outcome: IdentityOutcome::Unavailable });
        let claim = Claim { name: "张三".into(), number: "110105199003070017".into() };
        let check = IdentityCheck::HolderPhone { phone: "13700003333".into() };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let simulated = runtime.block_on(world.check(&claim, &check)).unwrap_err();
        assert_eq!(logged(simulated), [Level::DEBUG]);
        assert_eq!(logged(Unavailable { service: "post", simulated: false }), [Level::WARN]);
    }

    #[test]
    fn the_chinese_words_name_no_field_of_the_interface() {
        let refusal = refuse_field("serial", "not a serial number", "证书序列号格式不正确");
        assert_eq!(refusal.problem.detail, "Invalid fields: serial");
        assert_eq!(refusal.problem.detail_zh, "填写内容有误：证书序列号格式不正确");
        let missing = |paper: &str, zh: &str| FieldFault {
            field: paper.into(),
            detail: "missing".into(),
            detail_zh: zh.into(),
        };
        let two = vec![missing("id-card", "请上传身份证"), missing("application", "请上传申请表")];
        let refusal = refuse(ProblemType::PaperMissing).fields(two);
        assert!(refusal.problem.detail.ends_with(": id-card, application"));
        assert!(refusal.problem.detail_zh.ends_with("：请上传身份证、请上传申请表"));
    }
}
