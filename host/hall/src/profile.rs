//! The CA profile: what differs from one authority to another, as TOML.
//!
//! Guarantees: a profile that is taken is whole and consistent; one that is not is refused with the key at fault.
//! Refuses to know: how the rules are applied.

use crate::{
    api::{IdentityWay, Lane, OrderKind, Paper, PinRule, ProfileView, SubjectKind, WizardView},
    clock::Calendar,
};
use serde::Deserialize;
use ukey_pki::seal::PictureFormat;

mod change;
mod notice;
mod portal;
mod query;
mod reissue;
mod renew;
mod revoke;
mod seal;
mod supervision;
mod wizard;

pub use change::Change;
pub use notice::Notice;
pub use portal::{Link, Portal, Question};
pub use query::Query;
pub use reissue::Reissue;
pub use renew::{Renew, RenewSteps};
pub use revoke::Revoke;
pub use seal::{Seal, SealListing};
pub use supervision::Authority;
pub use wizard::{EnrolShape, Wizard};

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

/// Rules of enrolment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    /// How a new certificate is applied for.
    #[serde(default)]
    pub shape: EnrolShape,
    /// Fee of a unit certificate, fen.
    pub unit_fee_fen: u32,
    /// Fee of a personal certificate, fen.
    pub person_fee_fen: u32,
    /// Validity, days.
    pub validity_days: u32,
    /// Working days of the review.
    pub review_working_days: u32,
    /// Identity ways of a unit.
    pub unit_identity: Vec<IdentityWay>,
    /// Identity ways of a person.
    pub person_identity: Vec<IdentityWay>,
    /// Papers of a unit.
    pub unit_papers: Vec<Paper>,
    /// Papers of a person.
    pub person_papers: Vec<Paper>,
    /// Failed identity checks a day for one unit or person.
    pub identity_tries: u32,
    /// Whether an order may be placed without an account.
    pub anonymous: bool,
}

/// Rules of the codes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Codes {
    /// Codes by SMS: consent, query, unlock.
    pub sms: CodeRule,
    /// 解锁授权码.
    pub authorisation: CodeRule,
    /// 解锁码 that is read to the call centre.
    pub unlock: CodeRule,
}

/// Rule of one sort of code.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeRule {
    /// Digits.
    pub length: u8,
    /// Lifetime, seconds.
    pub lifetime_seconds: u64,
    /// Seconds before another may be asked for.
    pub resend_seconds: u64,
    /// Tries.
    pub tries: u32,
    /// Codes a day for one recipient.
    pub per_day: u32,
}

/// Rules of login.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Lifetime of a session, minutes.
    pub session_minutes: u64,
    /// Lifetime of an order's token, minutes.
    pub order_minutes: u64,
    /// Lifetime of a login challenge, seconds.
    pub challenge_seconds: u64,
    /// Wrong passwords in a row before an account waits.
    pub password_tries: u32,
    /// How long it waits, minutes.
    pub lock_minutes: u64,
}

/// What a key is filled with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Name of the application.
    pub application: String,
    /// Name of the container.
    pub container: String,
    /// Tries of the administrator PIN.
    pub admin_tries: u8,
    /// Digits of the initial user PIN.
    pub initial_pin_length: u8,
}

/// Rules of unlocking.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unlock {
    /// Lanes.
    pub lanes: Vec<Lane>,
    /// Fee in fen, one for each of `channels`.
    pub fee_fen: Vec<u32>,
    /// Whether the user completes the phone number; else the code goes there at once.
    pub phone_completion: bool,
    /// Leading digits that are shown.
    pub shown_digits: u8,
    /// Wrong completions before the phone lane waits until the next day.
    pub phone_tries: u32,
    /// Whether the first unlock of a certificate needs an identity check.
    pub first_needs_identity: bool,
    /// How long a verification holds, minutes.
    pub verified_minutes: u64,
    /// Papers of a unit.
    pub unit_papers: Vec<Paper>,
    /// Papers of a person.
    pub person_papers: Vec<Paper>,
}

/// Rules of payment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payment {
    /// Ways.
    pub ways: Vec<String>,
    /// The banks that the way `bank` leads to (N-30).
    #[serde(default)]
    pub banks: Vec<String>,
    /// Agreements to accept.
    pub agreements: Vec<String>,
}

/// Rules of e-invoices.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invoice {
    /// Working days until it is issued.
    pub working_days: u32,
    /// Name of the seller.
    pub seller: String,
    /// Tax number of the seller.
    pub seller_tax_number: String,
}

/// Rules of uploads.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    /// Media types.
    pub formats: Vec<String>,
    /// Largest file, bytes.
    pub max_bytes: u64,
}

/// Texts of messages. `{code}`, `{name}`, `{reason}`, `{tracking}`, `{order}`, `{serial}` are filled in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    /// A code by SMS.
    pub code: String,
    /// The consent code, with the digest of the form in `{digest}`.
    pub consent: String,
    /// 解锁授权码.
    pub authorisation: String,
    /// Account and password.
    pub account: String,
    /// Review passed.
    pub passed: String,
    /// Review returned.
    pub returned: String,
    /// Review refused.
    pub refused: String,
    /// The certificate password, to a phone.
    pub password: String,
    /// The certificate password in the note of a remittance of `{amount}` yuan to the account of `{name}`.
    pub remittance: String,
    /// Key posted.
    pub posted: String,
    /// Invoice issued.
    pub invoice: String,
    /// Certificate revoked, with its number in `{serial}` and the reason in `{reason}`.
    pub revoked: String,
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
        let unit_way = |way: &IdentityWay| !matches!(way, IdentityWay::HolderPhone | IdentityWay::HolderBankCard);
        rule(!self.name.trim().is_empty(), "name", "is blank")?;
        rule(!self.channels.is_empty(), "channels", "names none")?;
        rule(!self.enrol.unit_identity.is_empty(), "enrol.unit_identity", "names none")?;
        rule(self.enrol.unit_identity.iter().all(unit_way), "enrol.unit_identity", "names a way for persons")?;
        rule(!self.enrol.person_identity.is_empty(), "enrol.person_identity", "names none")?;
        rule(!self.enrol.person_identity.iter().any(unit_way), "enrol.person_identity", "names a way for units")?;
        rule(self.enrol.identity_tries > 0, "enrol.identity_tries", "is zero")?;
        rule((1..=3660).contains(&self.enrol.validity_days), "enrol.validity_days", "is not within 1 to 3660")?;
        for (key, code) in [
            ("codes.sms", &self.codes.sms),
            ("codes.authorisation", &self.codes.authorisation),
            ("codes.unlock", &self.codes.unlock),
        ] {
            rule((4..=10).contains(&code.length), key, "has a length that is not within 4 to 10")?;
            rule(code.lifetime_seconds > 0, key, "has no lifetime")?;
            rule((1..=20).contains(&code.tries), key, "has tries that are not within 1 to 20")?;
            rule(code.per_day > 0, key, "allows none a day")?;
        }
        rule(self.login.session_minutes > 0, "login.session_minutes", "is zero")?;
        rule(self.login.order_minutes > 0, "login.order_minutes", "is zero")?;
        rule(self.login.challenge_seconds > 0, "login.challenge_seconds", "is zero")?;
        rule(self.login.password_tries > 0, "login.password_tries", "is zero")?;
        rule(self.pin.min >= 6, "pin.min", "is below 6 (GM/T 0016)")?;
        rule(self.pin.max <= 16 && self.pin.max >= self.pin.min, "pin.max", "is not within pin.min to 16")?;
        rule((1..=15).contains(&self.pin.tries), "pin.tries", "is not within 1 to 15")?;
        rule((1..=15).contains(&self.key.admin_tries), "key.admin_tries", "is not within 1 to 15")?;
        rule((1..=32).contains(&self.key.application.len()), "key.application", "is not 1 to 32 bytes long")?;
        rule((1..=64).contains(&self.key.container.len()), "key.container", "is not 1 to 64 bytes long")?;
        rule(
            (self.pin.min..=self.pin.max).contains(&self.key.initial_pin_length),
            "key.initial_pin_length",
            "does not keep the rule for PINs",
        )?;
        rule(!self.unlock.lanes.is_empty(), "unlock.lanes", "names none")?;
        rule(
            self.unlock.fee_fen.len() == self.channels.len(),
            "unlock.fee_fen",
            "does not have one fee for each of `channels`",
        )?;
        rule(
            !self.unlock.first_needs_identity || self.unlock.lanes.contains(&Lane::Identity),
            "unlock.first_needs_identity",
            "needs the lane `identity`",
        )?;
        rule((1..=10).contains(&self.unlock.shown_digits), "unlock.shown_digits", "is not within 1 to 10")?;
        rule(self.unlock.phone_tries > 0, "unlock.phone_tries", "is zero")?;
        rule(self.unlock.verified_minutes > 0, "unlock.verified_minutes", "is zero")?;
        rule(!self.unlock.unit_papers.is_empty(), "unlock.unit_papers", "names none")?;
        rule(!self.unlock.person_papers.is_empty(), "unlock.person_papers", "names none")?;
        rule(!self.payment.ways.is_empty(), "payment.ways", "names none")?;
        let by_bank = self.payment.ways.iter().any(|way| way == "bank");
        rule(by_bank != self.payment.banks.is_empty(), "payment.banks", "and the way `bank` do not go together")?;
        self.renew.check()?;
        self.change.check()?;
        self.reissue.check()?;
        self.revoke.check()?;
        self.seal.check(self.channels.len())?;
        self.notice.check()?;
        self.query.check()?;
        self.authorities.iter().try_for_each(Authority::check)?;
        rule(
            self.wizard.is_some() == (self.enrol.shape == EnrolShape::Wizard),
            "enrol.shape",
            "and the table `wizard` do not go together",
        )?;
        self.wizard.as_ref().map_or(Ok(()), Wizard::check)?;
        self.portal.check()?;
        rule(self.upload.max_bytes > 0, "upload.max_bytes", "is zero")?;
        rule(!self.upload.formats.is_empty(), "upload.formats", "names none")?;
        rule(
            self.upload.formats.iter().all(|format| PictureFormat::from_media_type(format).is_some()),
            "upload.formats",
            "names one that is not known",
        )?;
        rule(self.wording.code.contains("{code}"), "wording.code", "lacks {code}")?;
        rule(self.wording.consent.contains("{code}"), "wording.consent", "lacks {code}")?;
        rule(self.wording.authorisation.contains("{code}"), "wording.authorisation", "lacks {code}")?;
        rule(self.wording.password.contains("{code}"), "wording.password", "lacks {code}")?;
        rule(self.wording.remittance.contains("{code}"), "wording.remittance", "lacks {code}")?;
        rule(self.wording.account.contains("{code}"), "wording.account", "lacks {code}")
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
