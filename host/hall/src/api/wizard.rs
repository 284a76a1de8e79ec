//! The four-step wizard of an enrolment (E-20 to E-25), and the services an account is offered.

use super::{EnrolForm, OrderKind, Paper};
use serde::{Deserialize, Serialize};

/// Step 1: the agreement is accepted (G-09) and the form filled.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct WizardStart {
    /// 我已阅读并接受上述条款.
    pub agreed: bool,
    /// The form.
    pub form: EnrolForm,
}

/// What the wizard wants, as anybody may see it before beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct WizardView {
    /// 数字证书申办须知.
    pub notice: String,
    /// What is to be said in the 承诺视频; `{name}` is who applies.
    pub spoken: String,
    /// Largest video, bytes.
    pub video_max_bytes: u64,
    /// Attachments of a unit.
    pub unit_papers: Vec<Paper>,
    /// Attachments of a person.
    pub person_papers: Vec<Paper>,
    /// The steps, in order (N-20).
    pub steps: Vec<String>,
}

/// A service that the portal offers to an account (E-20, R-11, C-05, V-01).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ServiceView {
    /// The kind of order.
    pub kind: OrderKind,
    /// Its name on the page: 新办, 变更, 续订, 注销.
    pub title: String,
    /// Whether it is offered.
    pub enabled: bool,
}
