//! Renewal and repair of the certificate in the key in hand (R-01 to, AMB-12, AMB-14).
//!
//! Guarantees: one open order for each certificate; days are those of the calendar of Asia/Shanghai; who places or takes
//! up an order has the key and its PIN, shown by a signature; a certificate that expired long ago, or a changed name, is
//! reviewed before anything is issued; the portal's steps are taken in their order.
//! Refuses to know: how the certificates get into the key (see `download`).

use super::{
    enrol,
    record::{Details, Record},
    rewrite::{self, Found, own_rewrite, renames},
    state::Event,
    view,
};
use crate::{
    account::certificate::Issued,
    api::{
        CodeEntry, CodeSent, EnrolForm, Initialisation, KeyProof, MessageKind, Order, OrderKind, OrderState, Placed,
        ProblemType, renewal_message,
    },
    clock,
    code::Purpose,
    outbox::{NewMessage, fill},
    problem::{Answer, Refusal, refuse},
    profile::{Renew, RenewSteps},
    rights::Caller,
    turn::Turn,
};
use jiff::Timestamp;

/// How a certificate may be renewed at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Not yet: this many days too early.
    TooEarly(u32),
    /// By the holder alone.
    SelfService,
    /// With a review.
    Reviewed,
}

/// The lane at a moment, for a certificate that ends at another (R-01, AMB-12).
pub(crate) fn lane(rules: &Renew, now: Timestamp, not_after: Timestamp) -> Lane {
    let days = |from, to| clock::date(to).since(clock::date(from)).map_or(0, |span| span.get_days());
    if now > not_after {
        // The first day on which it is over counts as one even if it ended on the same calendar day.
        let over = u32::try_from(days(not_after, now)).unwrap_or(0).max(1);
        let reviewed = rules.expired_days.is_some_and(|most| over > most);
        return if reviewed { Lane::Reviewed } else { Lane::SelfService };
    }
    let left = u32::try_from(days(now, not_after)).unwrap_or(0);
    match rules.window_days {
        Some(window) if left >= window => Lane::TooEarly(left - window + 1),
        _ => Lane::SelfService,
    }
}

/// 证书更新: opens the renewal of the key's certificate, or takes it up where it stopped. Tells
/// whether it is new.
pub(crate) async fn open(turn: &mut Turn<'_>, proof: KeyProof) -> Answer<(bool, Placed)> {
    match rewrite::find(turn, &proof, renewal_message, &[OrderKind::Renew, OrderKind::Repair]).await? {
        Found::Order(record) => Ok((false, rewrite::placed(turn, *record).await?)),
        Found::Certificate(issued) => {
            let record = place(turn, *issued).await?;
            Ok((true, rewrite::placed(turn, record).await?))
        }
    }
}

async fn place(turn: &mut Turn<'_>, issued: Issued) -> Answer<Record> {
    let rules = &turn.hall.profile().renew;
    let expired = turn.now > issued.not_after;
    let kind = if rules.steps == RenewSteps::Portal && expired { OrderKind::Repair } else { OrderKind::Renew };
    if kind == OrderKind::Repair {
        demand_account(turn, &issued)?;
    }
    let reviewed = match lane(rules, turn.now, issued.not_after) {
        Lane::TooEarly(days) => return Err(too_early(rules, days)),
        Lane::SelfService => false,
        Lane::Reviewed => true,
    };
    rewrite::place(turn, kind, issued, reviewed).await
}

fn too_early(rules: &Renew, days: u32) -> Refusal {
    let window = rules.window_days.unwrap_or_default();
    refuse(ProblemType::RenewTooEarly).detail(
        format!("Renewal opens when fewer than {window} days are left; come back in {days} days."),
        format!("距证书到期不足{window}天方可办理，请{days}天后再来。"),
    )
}

/// An expired certificate logs nobody in: its holder comes with account and password (L-10).
fn demand_account(turn: &Turn<'_>, issued: &Issued) -> Answer<()> {
    match &turn.caller {
        Caller::Account { number, .. } if *number == issued.subject.number => Ok(()),
        Caller::Account { .. } => Err(refuse(ProblemType::NotFound)),
        _ => Err(refuse(ProblemType::Unauthorised)
            .detail("The certificate has expired: log in with account and password.", "证书已过期，请用账号和密码登录后办理。")),
    }
}

/// Changes the order page. Other data in the certificate's name are reviewed (AMB-14).
pub(crate) async fn amend(turn: &mut Turn<'_>, record: &mut Record, form: EnrolForm) -> Answer<()> {
    let old = rewrite::old(turn, record).await?;
    rewrite::demand_same_subject(turn, &old, &form)?;
    if record.details.form.as_ref() == Some(&form) {
        return Ok(());
    }
    let late = lane(&turn.hall.profile().renew, turn.now, old.not_after) == Lane::Reviewed;
    record.details = Details {
        reviewed: late || renames(&old.form, &form),
        reason: record.details.reason.take(),
        ..Details::default()
    };
    record.contact_phone = enrol::contact(&form).phone.clone();
    record.details.form = Some(form);
    let actor = turn.caller.actor();
    if !turn.advance(record, Event::FormAmended, &actor).await? {
        turn.save(record).await?;
    }
    Ok(())
}

/// 确认订单: what is not reviewed goes on to the payment.
pub(crate) async fn confirm(turn: &mut Turn<'_>, record: &mut Record) -> Answer<()> {
    if turn.hall.profile().renew.steps == RenewSteps::Portal && !record.details.reviewed {
        return Err(record.wrong_state());
    }
    demand_alone(turn, record).await?;
    if record.details.reviewed && record.details.identity.is_none() {
        return Err(identity_first(record));
    }
    let actor = turn.caller.actor();
    turn.advance(record, Event::OrderConfirmed, &actor).await?;
    turn.skip_payment_if_none(record).await
}

/// Refuses an order that its holder went on with alone once the day has come that makes it a matter for the review
/// whenever it was placed, confirmed or paid, nothing is paid or issued without one from that day on.
pub(crate) async fn demand_alone(turn: &mut Turn<'_>, record: &mut Record) -> Answer<()> {
    if record.details.reviewed || !matches!(record.kind, OrderKind::Renew | OrderKind::Repair) {
        return Ok(());
    }
    let old = rewrite::old(turn, record).await?;
    if lane(&turn.hall.profile().renew, turn.now, old.not_after) != Lane::Reviewed {
        return Ok(());
    }
    record.details.reviewed = true;
    if !turn.advance(record, Event::SelfServiceEnded, "hall").await? {
        turn.save(record).await?;
    }
    Err(identity_first(record))
}

fn identity_first(record: &Record) -> Refusal {
    refuse(ProblemType::IdentityRequired)
        .state(record.state)
        .detail("This renewal is reviewed: the identity check comes first.", "该订单需人工审核，请先进行身份核验。")
        .keep()
}

// ---- 读取CA证书信息, 获取短信验证, 初始化证书, 执行延期 or 执行修复 (R-17, R-22) ----

/// 获取短信验证: a code to the phone on record.
pub(crate) async fn code(turn: &mut Turn<'_>, id: &str) -> Answer<CodeSent> {
    let record = own_rewrite(turn, id).await?;
    let portal = turn.hall.profile().renew.steps == RenewSteps::Portal;
    if record.kind != OrderKind::Change && (!portal || record.details.reviewed) {
        return Err(record.wrong_state());
    }
    record.demand_state(&[OrderState::Draft])?;
    let phone = rewrite::old(turn, &record).await?.contact_phone;
    let code = turn.new_code(Purpose::Rewrite, &record.id, &phone).await?;
    turn.send(NewMessage {
        kind: MessageKind::Sms,
        recipient: &phone,
        topic: Purpose::Rewrite.name(),
        text: fill(&turn.hall.profile().wording.code, &[("code", &code.code)]),
        code: Some(&code.code),
        order: Some(&record.id),
    })
    .await?;
    Ok(code.sent(&phone))
}

/// The code is typed in; the verification holds for a while.
pub(crate) async fn verify(turn: &mut Turn<'_>, id: &str, entry: CodeEntry) -> Answer<Order> {
    let mut record = own_rewrite(turn, id).await?;
    if record.state != OrderState::Verified {
        record.demand_state(&[OrderState::Draft])?;
        turn.check_code(Purpose::Rewrite, &record.id, entry.code.reveal(), false).await?;
        let minutes = turn.hall.profile().unlock.verified_minutes;
        record.details.verified_until = Some(clock::after(turn.now, minutes.saturating_mul(60)));
        let actor = turn.caller.actor();
        turn.advance(&mut record, Event::CodeVerified, &actor).await?;
    }
    view::order(turn, &record).await
}

/// 初始化证书: the key says 执行成功.
pub(crate) async fn initialised(turn: &mut Turn<'_>, id: &str, told: Initialisation) -> Answer<Order> {
    let mut record = own_rewrite(turn, id).await?;
    if record.kind == OrderKind::Change {
        return Err(record.wrong_state());
    }
    record.demand_device(&told.device_serial)?;
    record.details.verified_until = None;
    let actor = turn.caller.actor();
    turn.advance(&mut record, Event::KeyInitialised, &actor).await?;
    view::order(turn, &record).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profile;

    fn at(moment: &str) -> Timestamp {
        format!("{moment}+08:00").parse().unwrap()
    }

    #[test]
    fn days_are_counted_by_the_calendar_of_shanghai() {
        let rules = Profile::built_in("luming").unwrap().renew;
        assert_eq!((rules.window_days, rules.expired_days), (Some(90), Some(365)));
        let end = at("2027-06-30T23:59:59");
        for (now, expected) in [
            ("2027-03-31T00:00:00", Lane::TooEarly(2)),
            // 90 days are left until midnight, whatever the hour.
            ("2027-04-01T00:00:00", Lane::TooEarly(1)),
            ("2027-04-01T23:59:59", Lane::TooEarly(1)),
            ("2027-04-02T00:00:00", Lane::SelfService),
            ("2027-06-30T23:59:59", Lane::SelfService),
            ("2027-07-01T00:00:00", Lane::SelfService),
            ("2028-06-29T23:59:59", Lane::SelfService),
            ("2028-06-30T00:00:00", Lane::Reviewed),
        ] {
            assert_eq!(lane(&rules, at(now), end), expected, "{now}");
        }
        let rules = Profile::built_in("songtao").unwrap().renew;
        assert_eq!(lane(&rules, at("2020-01-01T00:00:00"), end), Lane::SelfService, "no window");
        assert_eq!(lane(&rules, at("2040-01-01T00:00:00"), end), Lane::SelfService, "however long ago");
    }
}
