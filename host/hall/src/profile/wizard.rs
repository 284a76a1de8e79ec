//! Rules of the four-step wizard of an enrolment (E-20 to E-25).

use super::{ProfileError, rule};
use crate::api::Paper;
use serde::Deserialize;

/// How a new certificate is applied for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnrolShape {
    /// Form, identity check, confirmation, papers, consent by code, payment (E-01 to E-10).
    #[default]
    Order,
    /// Agreement, form, application form, attachments, submission, by a logged-in account (E-20 to E-25).
    Wizard,
}

/// Rules of the wizard.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wizard {
    /// 数字证书申办须知, read before the form.
    pub notice: String,
    /// What is to be said in the 承诺视频; `{name}` is who applies (AMB-11).
    pub spoken: String,
    /// Largest video, bytes.
    pub video_max_bytes: u64,
    /// Attachments of a unit.
    pub unit_papers: Vec<Paper>,
    /// Attachments of a person.
    pub person_papers: Vec<Paper>,
}

impl Wizard {
    pub(super) fn check(&self) -> Result<(), ProfileError> {
        for papers in [&self.unit_papers, &self.person_papers] {
            let signed = papers.contains(&Paper::SignedApplication);
            rule(signed, "wizard.unit_papers", "or wizard.person_papers lacks `signed-application`")?;
        }
        rule(!self.spoken.trim().is_empty(), "wizard.spoken", "is blank")?;
        rule((1..=64 * 1024 * 1024).contains(&self.video_max_bytes), "wizard.video_max_bytes", "is not within 1 to 64 MiB")
    }
}
