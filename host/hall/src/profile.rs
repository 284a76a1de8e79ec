//! The CA profile: what differs from one authority to another, as TOML.
//!
//! Guarantees: a profile that is taken is whole and consistent; one that is not is refused with the key at fault.
//! Refuses to know: how the rules are applied.

use crate::{
    api::{IdentityWay, OrderKind, Paper, PinRule, ProfileView, SubjectKind, WizardView},
    clock::Calendar,
};
use serde::Deserialize;

mod change;
mod codes;
mod enrol;
mod key;
mod login;
mod notice;
mod payment;
mod portal;
mod query;
mod reissue;
mod renew;
mod revoke;
mod seal;
mod supervision;
mod unlock;
mod upload;
mod wizard;
mod wording;

pub use change::Change;
pub use codes::{CodeRule, Codes};
pub use enrol::Enrol;
pub use key::Key;
pub use login::Login;
pub use notice::Notice;
pub use payment::{Invoice, Payment};
pub use portal::{Link, Portal, Question};
pub use query::Query;
pub use reissue::Reissue;
pub use renew::{Renew, RenewSteps};
pub use revoke::Revoke;
pub use seal::{Seal, SealListing};
pub use supervision::Authority;
pub use unlock::Unlock;
pub use upload::Upload;
pub use wizard::{EnrolShape, Wizard};
pub use wording::Wording;

/// Why a profile is refused.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The text is not TOML, a key is missing, unknown or of the wrong type.
    #[error("the CA profile cannot be read: {0}")]
    Text(#[from] toml::de::Error),
    /// A value makes no sense.
    #[error("the CA profile's key `{key}` {reason}")]
    Value {
        /// The key, dotted.
        key: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// There is no built-in profile of that name.
    #[error("there is no built-in CA profile `{0}` (there are: {names})", names = BUILT_IN.map(|(name, _)| name).join(", "))]
    Unknown(String),
}

const BUILT_IN: [(&str, &str); 5] = [
    ("qinghe", include_str!("../profiles/qinghe.toml")),
    ("luming", include_str!("../profiles/luming.toml")),
    ("yunshan", include_str!("../profiles/yunshan.toml")),
    ("baihe", include_str!("../profiles/baihe.toml")),
    ("songtao", include_str!("../profiles/songtao.toml")),
];

/// A CA profile.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Short name.
    pub profile: String,
    /// Name of the authority.
    pub name: String,
    /// Hotline.
    pub hotline: String,
    /// 渠道; the first is the default.
    pub channels: Vec<String>,
    /// Enrolment.
    pub enrol: Enrol,
    /// Working days.
    #[serde(default)]
    pub calendar: Calendar,
    /// Codes.
    pub codes: Codes,
    /// Login.
    pub login: Login,
    /// User PINs.
    pub pin: PinRule,
    /// What a key is filled with.
    pub key: Key,
    /// Unlocking.
    pub unlock: Unlock,
    /// Renewal and repair.
    pub renew: Renew,
    /// Information change.
    pub change: Change,
    /// Reissue of a lost key.
    pub reissue: Reissue,
    /// Revocation.
    pub revoke: Revoke,
    /// Electronic seals.
    pub seal: Seal,
    /// The wizard of enrolments, with `enrol.shape = "wizard"`.
    #[serde(default)]
    pub wizard: Option<Wizard>,
    /// The portal's pages.
    pub portal: Portal,
    /// Notices of expiry.
    pub notice: Notice,
    /// The supervising authorities that may have an account.
    #[serde(default)]
    pub authorities: Vec<Authority>,
    /// The query by two fields.
    #[serde(default)]
    pub query: Query,
    /// Payment.
    pub payment: Payment,
    /// E-invoices.
    pub invoice: Invoice,
    /// Uploads.
    pub upload: Upload,
    /// Texts of messages.
    pub wording: Wording,
}

/// Refuses a profile unless this holds of a key.
fn rule(good: bool, key: &'static str, reason: &'static str) -> Result<(), ProfileError> {
    if good { Ok(()) } else { Err(ProfileError::Value { key, reason }) }
}

impl Profile {
    /// Reads a profile.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let profile: Self = toml::from_str(text)?;
        profile.check()?;
        Ok(profile)
    }

    /// A profile that ships with the hall, one for each sort of authority: `qinghe` (unlocking costs money, papers and
    /// a telephone call are its other lane), `luming` (everything by order, unlocking is free), `yunshan` (seals),
    /// `baihe` (a portal with accounts and a wizard), `songtao` (renewal and repair by ordered steps).
    pub fn built_in(name: &str) -> Result<Self, ProfileError> {
        let (_, text) = BUILT_IN
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| ProfileError::Unknown(name.into()))?;
        Self::parse(text)
    }

    /// The names of the profiles that ship.
    pub fn built_in_names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    fn check(&self) -> Result<(), ProfileError> {
        rule(!self.name.trim().is_empty(), "name", "is blank")?;
        rule(!self.channels.is_empty(), "channels", "names none")?;
        rule(self.pin.min >= 6, "pin.min", "is below 6 (GM/T 0016)")?;
        rule(self.pin.max <= 16 && self.pin.max >= self.pin.min, "pin.max", "is not within pin.min to 16")?;
        rule((1..=15).contains(&self.pin.tries), "pin.tries", "is not within 1 to 15")?;
        self.enrol.check(self.wizard.is_some())?;
        self.codes.check()?;
        self.login.check()?;
        self.key.check(&self.pin)?;
        self.unlock.check(self.channels.len())?;
        self.payment.check()?;
        self.renew.check()?;
        self.change.check()?;
        self.reissue.check()?;
        self.revoke.check()?;
        self.seal.check(self.channels.len())?;
        self.notice.check()?;
        self.query.check()?;
        self.authorities.iter().try_for_each(Authority::check)?;
        self.wizard.as_ref().map_or(Ok(()), Wizard::check)?;
        self.portal.check()?;
        self.upload.check()?;
        self.wording.check()
    }

    /// The fee of an order, fen.
    pub fn fee_fen(&self, kind: OrderKind, subject: SubjectKind, channel: &str) -> u32 {
        // A channel that was dropped from the profile costs what the default costs.
        let place = self.channels.iter().position(|known| known == channel).unwrap_or(0);
        let by_subject = |unit, person| if subject == SubjectKind::Unit { unit } else { person };
        match kind {
            OrderKind::EnrolUnit => self.enrol.unit_fee_fen,
            OrderKind::EnrolPerson => self.enrol.person_fee_fen,
            OrderKind::Unlock => self.unlock.fee_fen[place],
            OrderKind::Renew | OrderKind::Repair => by_subject(self.renew.unit_fee_fen, self.renew.person_fee_fen),
            OrderKind::Reissue => by_subject(self.reissue.unit_fee_fen, self.reissue.person_fee_fen),
            OrderKind::SealChange => self.seal.fee_fen[place],
            OrderKind::Change | OrderKind::Revoke => 0,
        }
    }

    /// Working days of an order's review.
    pub fn review_working_days(&self, kind: OrderKind, subject: SubjectKind) -> u32 {
        match (kind, subject) {
            (OrderKind::Reissue, SubjectKind::Unit) => self.reissue.unit_review_working_days,
            (OrderKind::Reissue, SubjectKind::Person) => self.reissue.person_review_working_days,
            (OrderKind::Renew | OrderKind::Repair, _) => self.renew.review_working_days,
            (OrderKind::Change, _) => self.change.review_working_days,
            (OrderKind::SealChange, _) => self.seal.review_working_days,
            _ => self.enrol.review_working_days,
        }
    }

    /// The identity ways of a unit or a person.
    pub fn identity_ways(&self, subject: SubjectKind) -> &[IdentityWay] {
        match subject {
            SubjectKind::Unit => &self.enrol.unit_identity,
            SubjectKind::Person => &self.enrol.person_identity,
        }
    }

    /// The papers of an order.
    pub fn papers(&self, kind: OrderKind, subject: SubjectKind) -> &[Paper] {
        let by_subject = |unit, person| if subject == SubjectKind::Unit { unit } else { person };
        match kind {
            OrderKind::EnrolUnit | OrderKind::EnrolPerson => match &self.wizard {
                Some(wizard) => by_subject(&wizard.unit_papers, &wizard.person_papers),
                None => by_subject(&self.enrol.unit_papers, &self.enrol.person_papers),
            },
            OrderKind::Unlock => by_subject(&self.unlock.unit_papers, &self.unlock.person_papers),
            // Whom the review does not know yet is shown by the same papers as at enrolment.
            OrderKind::Renew | OrderKind::Repair => by_subject(&self.enrol.unit_papers, &self.enrol.person_papers),
            OrderKind::Reissue => by_subject(&self.reissue.unit_papers, &self.reissue.person_papers),
            OrderKind::Change => by_subject(&self.change.unit_papers, &self.change.person_papers),
            OrderKind::SealChange => &[Paper::SealPicture],
            OrderKind::Revoke => &[],
        }
    }

    /// The agreements to accept before an order is paid (U-08, I-08).
    pub fn agreements(&self, kind: OrderKind) -> &[String] {
        match kind {
            OrderKind::SealChange if !self.seal.agreements.is_empty() => &self.seal.agreements,
            _ => &self.payment.agreements,
        }
    }

    /// What anybody may see.
    pub fn view(&self) -> ProfileView {
        ProfileView {
            profile: self.profile.clone(),
            name: self.name.clone(),
            hotline: self.hotline.clone(),
            channels: self.channels.clone(),
            enrol_unit_fee_fen: self.enrol.unit_fee_fen,
            enrol_person_fee_fen: self.enrol.person_fee_fen,
            validity_days: self.enrol.validity_days,
            review_working_days: self.enrol.review_working_days,
            unit_identity_ways: self.enrol.unit_identity.clone(),
            person_identity_ways: self.enrol.person_identity.clone(),
            unit_papers: self.enrol.unit_papers.clone(),
            person_papers: self.enrol.person_papers.clone(),
            upload_formats: self.upload.formats.clone(),
            upload_max_bytes: self.upload.max_bytes,
            unlock_lanes: self.unlock.lanes.clone(),
            payment_ways: self.payment.ways.clone(),
            agreements: self.payment.agreements.clone(),
            pin: self.pin,
            invoice_working_days: self.invoice.working_days,
            wizard: self.wizard.as_ref().map(|wizard| WizardView {
                notice: wizard.notice.clone(),
                spoken: wizard.spoken.clone(),
                video_max_bytes: wizard.video_max_bytes,
                unit_papers: wizard.unit_papers.clone(),
                person_papers: wizard.person_papers.clone(),
                steps: crate::order::wizard::STEPS.map(Into::into).to_vec(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_profiles_are_good() {
        for name in Profile::built_in_names() {
            assert_eq!(Profile::built_in(name).unwrap().profile, name);
        }
        assert!(Profile::built_in("nobody").unwrap_err().to_string().contains("qinghe"));
    }

    #[test]
    fn a_bad_profile_is_refused_with_its_key() {
        let good = BUILT_IN[0].1;
        for (from, to, key) in [
            ("unit_fee_fen = 20000", "unit_fee_fen = \"dear\"", "unit_fee_fen"),
            ("unit_fee_fen = 20000", "", "unit_fee_fen"),
            ("unit_fee_fen = 20000", "unit_fee_fen = 20000\nunit_tax = 1", "unit_tax"),
            ("initial_pin_length = 8", "initial_pin_length = 11", "key.initial_pin_length"),
            ("fee_fen = [3000, 0]", "fee_fen = [3000]", "unlock.fee_fen"),
            ("first_needs_identity = false", "first_needs_identity = true", "unlock.first_needs_identity"),
            ("\"image/bmp\", \"image/gif\"]", "\"image/tiff\"]", "upload.formats"),
            ("\"image/png\"", "\"image/tiff\"", "seal.formats"),
            ("validity_days = 730", "validity_days = 0", "enrol.validity_days"),
            ("list_hours = 24", "list_hours = 24\nlist_address = \"ftp://crl.example/api/authority/crl\"", "revoke.list_address"),
            ("list_hours = 24", "list_hours = 24\nlist_address = \"http://crl.example/list.crl\"", "revoke.list_address"),
            ("list_hours = 24", "list_hours = 24\nlist_address = \"http://示例/api/authority/crl\"", "revoke.list_address"),
            ("1111000000MB000018", "1111000000MB000019", "authorities.number"),
            ("1111000000MB000018", "11000000MB00000014", "authorities.number"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            let refusal = Profile::parse(&bad).unwrap_err().to_string();
            assert!(refusal.contains(key), "{key}: {refusal}");
        }
    }
}
