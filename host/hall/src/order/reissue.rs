//! Reissue of a lost or damaged key: what sets it apart from an enrolment.
//!
//! Guarantees: one open order for each certificate; name and number of the unit or person, and of who stands behind it,
//! stay those of the certificate, since they are what the identity check asks about; the old certificate is
//! suspended from the consent on, and comes back if the order ends without a new one; it is revoked for good once the new
//! one is issued (AMB-19).

use super::{
    record::{Details, NewOrder, Record},
    view,
};
use crate::{
    account::certificate::Issued,
    api::{
        CertificateStanding, EnrolForm, FieldFault, OrderKind, Placed, ProblemType, ReissueGuide, ReissueReason,
        ReissueRequest, ReissueView, RevocationReason, SubjectKind,
    },
    clock,
    problem::{Answer, Refusal, refuse},
    turn::Turn,
};
use jiff::Timestamp;

/// 办理说明.
pub(crate) fn guide(turn: &Turn<'_>) -> ReissueGuide {
    let profile = turn.hall.profile();
    let rules = &profile.reissue;
    let hotline = profile.hotline.clone();
    ReissueGuide {
        unit_fee_fen: rules.unit_fee_fen,
        person_fee_fen: rules.person_fee_fen,
        remittance_account: rules.unit_prepaid.then(|| rules.remittance_account.clone()),
        unit_review_working_days: rules.unit_review_working_days,
        person_review_working_days: rules.person_review_working_days,
        unit_papers: rules.unit_papers.clone(),
        person_papers: rules.person_papers.clone(),
        agreements: profile.payment.agreements.clone(),
        phone_lost: format!(
            "If the phone on record is lost as well, have the papers at hand and call {hotline}: the call centre checks \
             them and has the phone changed."
        ),
        phone_lost_zh: format!("预留的手机号也无法使用的，请备齐证件资料并致电{hotline}，由客服中心核对资料、变更手机号后再办理。"),
        hotline,
    }
}

/// 补办: places the order, or takes up the open one. Tells whether it is new.
pub(crate) async fn open(turn: &mut Turn<'_>, request: ReissueRequest) -> Answer<(bool, Placed)> {
    let issued = turn.own_certificate(&request.serial).await?;
    let profile = turn.hall.profile();
    if !request.agreed {
        let names = profile.payment.agreements.join("》《");
        return Err(refuse(ProblemType::AgreementRequired)
            .detail("Read and accept the agreements first.", format!("请阅读并同意《{names}》。")));
    }
    let open_key = format!("reissue/{}", issued.serial);
    let (new, record) = match turn.open_order(&open_key).await? {
        Some(record) if record.details.reissue == Some(request.reason) => (false, record),
        Some(record) => return Err(other_reason(&record)),
        None => (true, place(turn, issued, request.reason, open_key).await?),
    };
    let token = turn.grant_order(&record.id).await?;
    Ok((new, Placed { token, order: view::order(turn, &record).await? }))
}

fn other_reason(record: &Record) -> Refusal {
    let reason = record.details.reissue.map_or("", ReissueReason::zh);
    refuse(ProblemType::Conflict).detail(
        "There is an open order with another reason; cancel that one first.",
        format!("该证书已有补办订单，原因为{reason}；如需更改原因，请先取消原订单。"),
    )
}

async fn place(turn: &mut Turn<'_>, issued: Issued, reason: ReissueReason, open_key: String) -> Answer<Record> {
    turn.demand_not_revoked(&issued.serial).await?;
    if turn.standing(&issued).await? == CertificateStanding::Expired {
        return Err(refuse(ProblemType::CertificateExpired));
    }
    let order = NewOrder {
        kind: OrderKind::Reissue,
        price_fen: turn.hall.profile().fee_fen(OrderKind::Reissue, issued.subject.kind, &issued.channel),
        subject: issued.subject,
        contact_phone: issued.contact_phone,
        channel: issued.channel,
        certificate_serial: Some(issued.serial),
        // The key that will be made is another one.
        device_serial: None,
        open_key: Some(open_key),
        details: Details { form: Some(issued.form), reissue: Some(reason), ..Details::default() },
    };
    turn.place(order).await
}

/// Refuses a form that would change what the certificate says of its holder.
pub(crate) fn demand_same_subject(record: &Record, form: &EnrolForm) -> Answer<()> {
    if record.kind != OrderKind::Reissue {
        return Ok(());
    }
    let asked = super::enrol::subject(form);
    let fixed = |field: &str, detail_zh: &str| FieldFault {
        field: field.into(),
        detail: "fixed by the certificate".into(),
        detail_zh: detail_zh.into(),
    };
    let mut faults = Vec::new();
    if asked.name != record.subject.name {
        faults.push(fixed("name", "名称以证书为准"));
    }
    if asked.number != record.subject.number {
        faults.push(fixed("number", "证件号码以证书为准"));
    }
    if let (EnrolForm::Unit(before), EnrolForm::Unit(asked)) = (record.form()?, form) {
        if asked.legal_person != before.legal_person {
            faults.push(fixed("legal_person", "法定代表人以证书登记的为准"));
        }
        if asked.legal_person_id != before.legal_person_id {
            faults.push(fixed("legal_person_id", "法定代表人身份证号以证书登记的为准"));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(refuse(ProblemType::FixedField).fields(faults)) }
}

/// Refuses an invoice title that is not the certificate's unit (X-07, I-09).
pub(crate) fn demand_same_title(record: &Record, title: &str) -> Answer<()> {
    let fixed = record.kind == OrderKind::Reissue && record.subject.kind == SubjectKind::Unit;
    if !fixed || title == record.subject.name {
        return Ok(());
    }
    let fault = FieldFault {
        field: "title".into(),
        detail: "fixed to the certificate's unit".into(),
        detail_zh: "开票名称固定为证书上的单位名称".into(),
    };
    Err(refuse(ProblemType::FixedField).fields(vec![fault]))
}

/// Whether the fee was to be remitted before the application.
pub(crate) fn is_prepaid(turn: &Turn<'_>, record: &Record) -> bool {
    record.kind == OrderKind::Reissue
        && record.subject.kind == SubjectKind::Unit
        && turn.hall.profile().reissue.unit_prepaid
}

/// The application is in: from now on nobody uses the old certificate.
pub(crate) async fn suspend(turn: &mut Turn<'_>, record: &Record) -> Answer<()> {
    match &record.certificate_serial {
        Some(serial) if record.kind == OrderKind::Reissue => {
            turn.revoke(serial, RevocationReason::CertificateHold, &record.id).await
        }
        _ => Ok(()),
    }
}

/// The order ended without a new key: the old certificate is good again.
pub(crate) async fn release(turn: &mut Turn<'_>, record: &Record) -> Answer<()> {
    match &record.certificate_serial {
        Some(serial) if record.kind == OrderKind::Reissue => turn.release(serial, &record.id).await,
        _ => Ok(()),
    }
}

/// The new certificate is issued: the old one is revoked.
pub(crate) async fn replace(turn: &mut Turn<'_>, record: &Record, new: &str) -> Answer<()> {
    let reason = match record.details.reissue {
        Some(ReissueReason::Damaged) => RevocationReason::Superseded,
        _ => RevocationReason::KeyCompromise,
    };
    let old = record.certificate_serial.as_deref().unwrap_or_default();
    turn.replace(old, new, reason, &record.id).await
}

/// Days of validity of a reissued certificate: what is left of the old one's. A fee for a key is not one for time.
pub(crate) async fn days_left(turn: &mut Turn<'_>, record: &Record) -> Answer<Option<u32>> {
    let Some(serial) = record.certificate_serial.clone().filter(|_| record.kind == OrderKind::Reissue) else {
        return Ok(None);
    };
    let end = turn.issued(&serial).await?.map_or(Timestamp::UNIX_EPOCH, |issued| issued.not_after);
    let days = (clock::date(clock::after(end, 1)) - clock::date(turn.now)).get_days();
    // One that ran out on the way is certified anew for the usual time.
    Ok(u32::try_from(days).ok().filter(|days| *days > 0))
}

/// The reissue's part of an order.
pub(crate) async fn view(turn: &mut Turn<'_>, record: &Record) -> Answer<Option<ReissueView>> {
    let Some(reason) = record.details.reissue else { return Ok(None) };
    let serial = record.certificate_serial.clone().unwrap_or_default();
    let rules = &turn.hall.profile().reissue;
    Ok(Some(ReissueView {
        reason,
        remittance_account: is_prepaid(turn, record).then(|| rules.remittance_account.clone()),
        suspended: turn.revocation(&serial).await? == Some(RevocationReason::CertificateHold),
    }))
}
