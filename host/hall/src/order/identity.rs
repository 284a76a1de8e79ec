//! Identity checks in one of the profile's ways (E-03 to E-05, P-02, P-03, U-31).
//!
//! Guarantees: only a way that the profile offers for this subject is tried; names and numbers are those on record.

use super::{
    record::{Proven, Record},
    wizard,
};
use crate::{
    api::{EnrolForm, IdentityCheck, IdentityWay, MessageKind, PasswordWay, ProblemType, SubjectKind},
    checks::{self, Faults},
    gateway::{Claim, Verdict},
    problem::{Answer, refuse, refuse_faults},
    turn::Turn,
};

/// Checks who applies; `form` is what is on record. Failed checks are counted for the unit or person, and for where they
/// come from: another order, which costs nothing to place, gives no new tries.
pub(crate) async fn check(
    turn: &mut Turn<'_>,
    record: &Record,
    form: &EnrolForm,
    check: &IdentityCheck,
) -> Answer<Proven> {
    let profile = turn.hall.profile();
    if !profile.identity_ways(record.subject.kind).contains(&check.way()) {
        return Err(refuse(ProblemType::IdentityWayUnavailable));
    }
    refuse_faults(faults(check))?;
    let counter = format!("identity/{}", record.subject.number);
    let limit = profile.enrol.identity_tries;
    turn.demand_below(&counter, limit).await?;
    turn.demand_few_misses("identity").await?;
    let verdict = turn.hall.gateways().identity.check(&claim(form, check.way()), check).await?;
    let (english, chinese) = match verdict {
        Verdict::Match => return Ok(proven(check)),
        Verdict::Mismatch => (
            "Name, number and the given phone, card or account do not belong together.",
            "姓名、证件号码与所填手机号、银行卡或账户不一致，请核对后重试。",
        ),
        Verdict::Bounced => (
            "The remittance came back; check the account or take another way.",
            "对公账户打款失败（已退汇），请核对账户信息或选择其他认证方式。",
        ),
    };
    turn.count_today(&turn.misses("identity")).await?;
    let left = limit.saturating_sub(turn.count_today(&counter).await?.count);
    Err(refuse(ProblemType::IdentityFailed).detail(english, chinese).tries_left(left).keep())
}

fn faults(check: &IdentityCheck) -> Vec<crate::api::FieldFault> {
    let mut faults = Faults::default();
    let mut phone = |phone: &str| {
        faults.unless(checks::is_mobile(phone), "phone", "not a mobile number", "手机号格式不正确");
    };
    match check {
        IdentityCheck::LegalPersonPhone { phone: number } | IdentityCheck::HolderPhone { phone: number } => phone(number),
        IdentityCheck::LegalPersonBankCard { card, phone: number }
        | IdentityCheck::HolderBankCard { card, phone: number } => {
            phone(number);
            faults.unless(checks::is_digits(card, 16..=19), "card", "not a card number", "银行卡号格式不正确");
        }
        IdentityCheck::CompanyRemittance { bank, account } => {
            faults.unless(checks::is_text(bank, 100), "bank", "missing or too long", "请填写开户银行");
            faults.unless(checks::is_digits(account, 8..=32), "account", "not an account number", "银行账号格式不正确");
        }
    }
    faults.0
}

fn claim(form: &EnrolForm, way: IdentityWay) -> Claim {
    match (form, way) {
        (EnrolForm::Unit(unit), IdentityWay::CompanyRemittance) => {
            Claim { name: unit.name.clone(), number: unit.credit_code.clone() }
        }
        (EnrolForm::Unit(unit), _) => {
            Claim { name: unit.legal_person.clone(), number: unit.legal_person_id.clone() }
        }
        (EnrolForm::Person(person), _) => {
            Claim { name: person.holder.name.clone(), number: person.holder.id_number.clone() }
        }
    }
}

/// What is kept of a check that passed: its way, and where that way sends the password or authorisation code.
fn proven(check: &IdentityCheck) -> Proven {
    let (kind, recipient) = match check {
        IdentityCheck::LegalPersonPhone { phone }
        | IdentityCheck::LegalPersonBankCard { phone, .. }
        | IdentityCheck::HolderPhone { phone }
        | IdentityCheck::HolderBankCard { phone, .. } => (MessageKind::Sms, phone),
        IdentityCheck::CompanyRemittance { account, .. } => (MessageKind::Remittance, account),
    };
    Proven { way: check.way(), kind, recipient: recipient.clone() }
}

/// How the certificate password travels: as the identity check that passed; in the wizard, whose review sees the
/// papers, to the contact's phone.
pub(crate) fn carrier(turn: &Turn<'_>, record: &Record) -> Option<(MessageKind, String)> {
    match &record.details.identity {
        Some(proven) => Some((proven.kind, proven.recipient.clone())),
        None => wizard::takes(turn, record).then(|| (MessageKind::Sms, record.contact_phone.clone())),
    }
}

/// How the certificate password is obtained, masked (I-10).
pub(crate) fn password_way((kind, recipient): (MessageKind, String)) -> PasswordWay {
    let recipient = checks::masked(&recipient);
    match kind {
        MessageKind::Remittance => PasswordWay::RemittanceNote { account: recipient },
        MessageKind::Sms | MessageKind::Mail => PasswordWay::Sms { phone: recipient },
    }
}

/// Unit or person, by the form.
pub(crate) fn subject_kind(form: &EnrolForm) -> SubjectKind {
    match form {
        EnrolForm::Unit(_) => SubjectKind::Unit,
        EnrolForm::Person(_) => SubjectKind::Person,
    }
}
