//! What the portal's pages say (G).

use super::{ProfileError, rule};
use serde::{Deserialize, Serialize};

/// What the portal's pages say.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Portal {
    /// The menus of the home page (G-01, G-08, N-17).
    pub menus: Vec<Link>,
    /// Name of the agreement to accept before a new certificate is applied for (G-09).
    pub agreement: String,
    /// Its paragraphs.
    pub agreement_text: Vec<String>,
    /// Which browser to use (G-10, AMB-13).
    pub browser_advice: String,
    /// What to do about other authorities' controls (G-11).
    pub control_advice: String,
    /// The controls to install, in order (N-16); none where the assistant does it all.
    #[serde(default)]
    pub controls: Vec<String>,
    /// 常见问题.
    #[serde(default)]
    pub questions: Vec<Question>,
    /// What an e-invoice is, where it is downloaded, where its authenticity is checked (I-07).
    pub invoice_links: Vec<Link>,
}

/// A question and its answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The question.
    pub question: String,
    /// The answer.
    pub answer: String,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Its words.
    pub title: String,
    /// Where it leads: `https://…` or a path of this hall.
    pub address: String,
}

impl Portal {
    pub(super) fn check(&self) -> Result<(), ProfileError> {
        rule(!self.menus.is_empty(), "portal.menus", "names none")?;
        rule(!self.agreement.trim().is_empty(), "portal.agreement", "is blank")?;
        rule(!self.agreement_text.is_empty(), "portal.agreement_text", "has no paragraph")?;
        let safe = |link: &Link| link.address.starts_with("https://") || link.address.starts_with('/');
        rule(self.menus.iter().all(safe), "portal.menus", "leads to what is no page")?;
        rule(self.invoice_links.iter().all(safe), "portal.invoice_links", "leads to what is no page")
    }
}
