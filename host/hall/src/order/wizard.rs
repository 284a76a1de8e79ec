//! The four-step wizard of an enrolment (E-20 to E-25): form, application form, attachments, submission.
//!
//! Guarantees: only an enrolment goes this way; only a logged-in account applies, and only once the agreement was
//! accepted (G-09); one application of an account is open at a time; nothing is submitted unless every attachment is
//! there; an application form that was signed is of the very form that is submitted.

use crate::sql;
use super::{
    enrol,
    record::{Details, NewOrder, Record, word},
    state::Event,
    view,
};
use crate::{
    api::{EnrolForm, Order, OrderKind, OrderState, Paper, Placed, ProblemType, ServiceView, WizardStart},
    checks::{self, Faults},
    clock,
    document,
    problem::{Answer, Refusal, refuse, refuse_faults},
    profile::EnrolShape,
    rights::{Caller, Right, demand},
    turn::Turn,
};

/// The steps in the words of the page (N-20).
pub(crate) const STEPS: [&str; 4] = ["经办人信息", "制作申请表", "上传电子文件", "提交服务申请"];

/// Whether the hall's enrolments go by the wizard.
pub(crate) fn is_shape(turn: &Turn<'_>) -> bool {
    turn.hall.profile().enrol.shape == EnrolShape::Wizard
}

/// Whether an order is one of the wizard's.
pub(crate) fn takes(turn: &Turn<'_>, record: &Record) -> bool {
    is_shape(turn) && matches!(record.kind, OrderKind::EnrolUnit | OrderKind::EnrolPerson)
}

fn demand_shape(turn: &Turn<'_>) -> Answer<()> {
    if is_shape(turn) {
        return Ok(());
    }
    Err(refuse(ProblemType::NotFound).detail("This hall has no application wizard.", "本机构不通过申办向导办理。"))
}

/// Step 1: the agreement and the form (E-21). The same form again takes up the same order. Tells whether it is new.
pub(crate) async fn start(turn: &mut Turn<'_>, start: WizardStart) -> Answer<(bool, Placed)> {
    demand_shape(turn)?;
    demand(&turn.caller, Right::PlaceOrder)?;
    let number = turn.caller.number().ok_or_else(|| refuse(ProblemType::Unauthorised))?.to_owned();
    turn.demand_certificate_login().await?;
    if !start.agreed {
        let name = &turn.hall.profile().portal.agreement;
        return Err(refuse(ProblemType::AgreementRequired)
            .detail("Read and accept the agreement first.", format!("请阅读并接受《{name}》。")));
    }
    let form = checked(turn, start.form)?;
    demand_own(&number, &form)?;
    // By account, since a number is what anybody may claim.
    let open_key = match &turn.caller {
        Caller::Account { account, .. } => format!("wizard/account/{account}"),
        _ => format!("wizard/number/{number}"),
    };
    let (new, record) = match turn.open_order(&open_key).await? {
        Some(record) if record.details.form.as_ref() == Some(&form) => (false, record),
        Some(record) => return Err(other_form(&record)),
        None => (true, place(turn, form, open_key).await?),
    };
    let token = turn.grant_order(&record.id).await?;
    Ok((new, Placed { token, order: view::order(turn, &record).await? }))
}

fn other_form(open: &Record) -> Refusal {
    refuse(ProblemType::OtherOrderOpen).state(open.state).detail(
        format!("An application with other data is open: {}; amend or cancel that one.", open.id),
        format!("您有未完成的新办申请{}，请继续办理、修改或先取消。", open.id),
    )
}

async fn place(turn: &mut Turn<'_>, form: EnrolForm, open_key: String) -> Answer<Record> {
    let profile = turn.hall.profile();
    let (subject, channel) = (enrol::subject(&form), profile.channels[0].clone());
    let kind = match form {
        EnrolForm::Unit(_) => OrderKind::EnrolUnit,
        EnrolForm::Person(_) => OrderKind::EnrolPerson,
    };
    let order = NewOrder {
        kind,
        price_fen: profile.fee_fen(kind, subject.kind, &channel),
        subject,
        contact_phone: enrol::contact(&form).phone.clone(),
        channel,
        certificate_serial: None,
        device_serial: None,
        open_key: Some(open_key),
        details: Details { form: Some(form), ..Details::default() },
    };
    turn.place(order).await
}

/// An account applies for itself alone.
fn demand_own(number: &str, form: &EnrolForm) -> Answer<()> {
    let mut faults = Faults::default();
    let own = enrol::subject(form).number == number;
    faults.unless(own, "number", "not the number of the account", "证件号码与登录账号的不一致");
    refuse_faults(faults.0)
}

/// The form as the wizard wants it: as of an order, and for a unit its registration too.
fn checked(turn: &Turn<'_>, mut form: EnrolForm) -> Answer<EnrolForm> {
    if let EnrolForm::Unit(unit) = &mut form {
        unit.registration.get_or_insert_default();
    }
    let form = enrol::trimmed(form);
    refuse_faults(enrol::faults(&form, clock::date(turn.now)))?;
    Ok(form)
}

/// 返回修改 in the wizard: a signed application form of the form before is worth nothing now.
pub(crate) async fn amended(turn: &mut Turn<'_>, record: &Record, form: EnrolForm) -> Answer<EnrolForm> {
    let form = checked(turn, form)?;
    demand_own(&record.subject.number, &form)?;
    if record.details.form.as_ref() != Some(&form) {
        sql::query("DELETE FROM papers WHERE order_id = $1 AND paper = $2")
            .bind(&record.id)
            .bind(word(Paper::SignedApplication)?)
            .execute(turn.db())
            .await?;
    }
    Ok(form)
}

/// Step 2 (E-22): the application form, PDF. In the wizard its making opens the attachments.
pub(crate) async fn application(turn: &mut Turn<'_>, id: &str) -> Answer<Vec<u8>> {
    let mut record = turn.readable_order(id).await?;
    let form = document::application(turn.hall.typeface()?, &turn.hall.profile().name, &record)?;
    let makes = takes(turn, &record) && matches!(record.state, OrderState::Draft | OrderState::Returned);
    if makes && demand(&turn.caller, Right::UseOwnOrder).is_ok() {
        let actor = turn.caller.actor();
        turn.advance(&mut record, Event::ApplicationMade, &actor).await?;
    }
    Ok(form)
}

/// Step 4 (E-24): everything is complete; the review begins once nothing is left to pay.
pub(crate) async fn submit(turn: &mut Turn<'_>, id: &str) -> Answer<Order> {
    demand_shape(turn)?;
    let mut record = turn.own_order(id, Right::UseOwnOrder).await?;
    if !takes(turn, &record) {
        return Err(refuse(ProblemType::NotFound));
    }
    if matches!(record.state, OrderState::Unpaid | OrderState::InReview) {
        return view::order(turn, &record).await;
    }
    record.demand_state(&[OrderState::Confirmed])?;
    turn.demand_papers(&record).await?;
    let actor = turn.caller.actor();
    turn.advance(&mut record, Event::WizardFinished, &actor).await?;
    turn.skip_payment_if_none(&mut record).await?;
    view::order(turn, &record).await
}

/// What an account is offered: before anything was approved, only 新办 (E-20).
pub(crate) async fn services(turn: &mut Turn<'_>) -> Answer<Vec<ServiceView>> {
    demand(&turn.caller, Right::OwnPages)?;
    let number = turn.caller.number().ok_or_else(|| refuse(ProblemType::Forbidden))?.to_owned();
    let certified = !turn.own_certificates().await?.is_empty();
    let orders = demand(&turn.caller, Right::PlaceOrder).is_ok();
    let enrol = if checks::is_credit_code(&number) { OrderKind::EnrolUnit } else { OrderKind::EnrolPerson };
    let offered = [
        (enrol, "新办", orders),
        (OrderKind::Change, "变更", orders && certified),
        (OrderKind::Renew, "续订", orders && certified),
        (OrderKind::Revoke, "注销", orders && certified),
    ];
    Ok(offered
        .into_iter()
        .map(|(kind, title, enabled)| ServiceView { kind, title: title.into(), enabled })
        .collect())
}
