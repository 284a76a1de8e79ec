//! 签章变更 (Z): an order about one seal of a key, from the choice of the change to the key that shows what it holds.
//!
//! Guarantees: whoever places one is logged in by the very key; one change of a seal is open at a time, and taken up
//! again when it is asked for again; the seal lists the certificate that is in the key when it is made, and is the same
//! however often it is asked for; the old seal counts until the key itself has signed that it holds the new one.
//! Refuses to know: how the key keeps its seals.
//!
//! A certificate that takes another's place is followed by an order for each seal that lists the old one
//! ([`follow`]): free, without review, since picture and holder are known (Z-11, AMB-20).

use super::{
    payment,
    record::{Details, NewOrder, Record},
    state::{self, Event},
    view,
};
use crate::{
    account::certificate::Issued,
    api::{
        Order, OrderKind, OrderState, Paper, Placed, ProblemType, SealAnswer, SealChangeKind, SealChangeRequest,
        SealChangeView, SealsView, SealsWritten, seals_message,
    },
    checks,
    problem::{Answer, Refusal, refuse, refuse_field},
    rights::{Caller, Right, demand},
    seal::{MadeSeal, Status, maker::NewSeal, rules},
    signature::verify_signature,
    turn::Turn,
    vault::sm3,
};
use serde::{Deserialize, Serialize};

/// Digits of an esID.
const ID_DIGITS: usize = 13;
/// Most seals that a key tells of.
const MOST_TOLD: usize = 16;

/// What a seal change is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SealPlan {
    /// What.
    pub change: SealChangeKind,
    /// The seal to be changed, as it was when the order was placed.
    pub seal: Option<String>,
    /// The name of the seal.
    pub name: String,
    /// Whether it came by 采集印章 on the portal.
    pub collected: bool,
    /// The seal that was made.
    pub made: Option<String>,
}

/// The own part of the order, as it is shown.
pub(crate) fn view(record: &Record) -> Option<SealChangeView> {
    let plan = record.details.seal.as_ref()?;
    Some(SealChangeView {
        change: plan.change,
        change_zh: plan.change.zh().into(),
        seal: plan.seal.clone(),
        name: plan.name.clone(),
        device_serial: record.device_serial.clone().unwrap_or_default(),
        collected: plan.collected,
    })
}

/// The certificate of the key that is logged in.
async fn holder(turn: &mut Turn<'_>) -> Answer<Issued> {
    demand(&turn.caller, Right::OwnPages)?;
    let Caller::Certificate { serial, .. } = turn.caller.clone() else {
        return Err(refuse(ProblemType::CertificateLoginRequired)
            .detail("Log in with the key whose seals are to change.", "请插入UKey并使用证书登录后办理签章变更"));
    };
    turn.demand_not_revoked(&serial).await?;
    turn.issued(&serial).await?.ok_or_else(|| refuse(ProblemType::Unauthorised))
}

/// The seals of the key that is logged in, and the changes under way (Z-02, Z-06).
pub(crate) async fn mine(turn: &mut Turn<'_>) -> Answer<SealsView> {
    let issued = holder(turn).await?;
    let seals = turn.seals_in(&issued.device_serial).await?;
    let mut orders = Vec::new();
    let mut records = turn.orders_of_subject(issued.subject.kind, &issued.subject.number).await?;
    records.reverse();
    for record in records {
        let here = record.device_serial.as_ref() == Some(&issued.device_serial);
        if record.kind == OrderKind::SealChange && here && !state::is_final(record.state) {
            orders.push(view::order(turn, &record).await?);
        }
    }
    let seals = seals.iter().map(|seal| seal.view(&issued.serial)).collect();
    Ok(SealsView { seals, orders, most: turn.hall.profile().seal.most })
}

/// Places a change, or takes up the open one. Tells whether it is new.
pub(crate) async fn place(turn: &mut Turn<'_>, request: SealChangeRequest, collected: bool) -> Answer<(bool, Placed)> {
    let issued = holder(turn).await?;
    if collected && !request.change.wants_picture() {
        return Err(refuse_field("change", "a collection brings a picture", "采集印章须上传印章图片"));
    }
    let held = turn.seals_in(&issued.device_serial).await?;
    let seal = target(&request, &held)?;
    let name = request.name.as_deref().map(str::trim).or(seal.map(|seal| seal.name.as_str()));
    let name = name.unwrap_or(&issued.subject.name).to_owned();
    if !checks::is_text(&name, 50) {
        return Err(refuse_field("name", "blank or longer than 50 characters", "印章名称应为1至50字"));
    }
    let open_key = match (request.change, seal) {
        (SealChangeKind::Remake, Some(seal)) => remake_key(seal),
        (_, Some(seal)) => format!("seal/change/{}", seal.id),
        (_, None) => format!("seal/add/{}", issued.device_serial),
    };
    if let Some(record) = turn.open_order(&open_key).await? {
        let same = record.details.seal.as_ref().is_some_and(|plan| plan.change == request.change);
        if !same {
            return Err(refuse(ProblemType::SealChangeOpen).state(record.state));
        }
        return Ok((false, placed(turn, record).await?));
    }
    match (request.change, seal) {
        (SealChangeKind::Add, _) if held.len() >= usize::from(turn.hall.profile().seal.most) => {
            return Err(refuse(ProblemType::SealLimit));
        }
        (SealChangeKind::Remake, Some(seal)) if seal.certificate_serial == issued.serial => {
            return Err(refuse_field("seal", "lists this certificate", "该印章已对应当前证书，无需重制"));
        }
        _ => {}
    }
    let plan = SealPlan { change: request.change, seal: seal.map(|seal| seal.id.clone()), name, collected, made: None };
    let mut record = open(turn, &issued, plan, open_key).await?;
    match request.change {
        SealChangeKind::Remake => {
            let actor = turn.caller.actor();
            turn.advance(&mut record, Event::RemakeOrdered, &actor).await?;
        }
        // There is nothing to fill in.
        SealChangeKind::Delete => {
            submit(turn, &mut record).await?;
        }
        SealChangeKind::Add | SealChangeKind::Replace => {}
    }
    Ok((true, placed(turn, record).await?))
}

async fn placed(turn: &mut Turn<'_>, record: Record) -> Answer<Placed> {
    let token = turn.grant_order(&record.id).await?;
    Ok(Placed { token, order: view::order(turn, &record).await? })
}

/// The seal that a request is about; another key's seal is not found.
fn target<'s>(request: &SealChangeRequest, held: &'s [MadeSeal]) -> Answer<Option<&'s MadeSeal>> {
    match (request.change, &request.seal) {
        (SealChangeKind::Add, None) => Ok(None),
        (SealChangeKind::Add, Some(_)) => Err(refuse_field("seal", "not wanted for a new seal", "新增印章时不能指定原印章")),
        (_, None) => Err(refuse_field("seal", "missing", "请选择要变更的印章")),
        (_, Some(id)) => held.iter().find(|seal| seal.id == *id).map(Some).ok_or_else(|| {
            refuse(ProblemType::NotFound).detail("There is no such seal in this key.", "UKey内没有该印章")
        }),
    }
}

fn remake_key(seal: &MadeSeal) -> String {
    format!("seal/remake/{}", seal.id)
}

async fn open(turn: &mut Turn<'_>, issued: &Issued, plan: SealPlan, open_key: String) -> Answer<Record> {
    let price_fen = match plan.change {
        SealChangeKind::Add | SealChangeKind::Replace => {
            turn.hall.profile().fee_fen(OrderKind::SealChange, issued.subject.kind, &issued.channel)
        }
        SealChangeKind::Delete | SealChangeKind::Remake => 0,
    };
    turn.place(NewOrder {
        kind: OrderKind::SealChange,
        subject: issued.subject.clone(),
        contact_phone: issued.contact_phone.clone(),
        channel: issued.channel.clone(),
        price_fen,
        certificate_serial: Some(issued.serial.clone()),
        device_serial: Some(issued.device_serial.clone()),
        open_key: Some(open_key),
        details: Details { seal: Some(plan), ..Details::default() },
    })
    .await
}

/// The seals that list a certificate are ordered to be made again for the one that took its place (Z-11). A remake
/// that is open already goes over to it, and to its key.
pub(crate) async fn follow(turn: &mut Turn<'_>, old: &str, new: &Issued) -> Answer<()> {
    for seal in turn.seals_listing(old).await? {
        let open_key = remake_key(&seal);
        if let Some(mut record) = turn.open_order(&open_key).await? {
            record.certificate_serial = Some(new.serial.clone());
            record.device_serial = Some(new.device_serial.clone());
            turn.save(&mut record).await?;
            continue;
        }
        let plan = SealPlan {
            change: SealChangeKind::Remake,
            seal: Some(seal.id),
            name: seal.name,
            collected: false,
            made: None,
        };
        let mut record = open(turn, new, plan, open_key).await?;
        turn.advance(&mut record, Event::RemakeOrdered, "hall").await?;
    }
    Ok(())
}

/// What was returned is open again.
pub(crate) async fn amended(turn: &mut Turn<'_>, record: &mut Record) -> Answer<()> {
    let actor = turn.caller.actor();
    turn.advance(record, Event::FormAmended, &actor).await.map(drop)
}

/// 下一步 (Z-04, Z-05): the picture is there; what costs nothing waits for its review at once. A returned change is
/// open again once another picture was sent; one that has no picture, at once.
pub(crate) async fn submit(turn: &mut Turn<'_>, record: &mut Record) -> Answer<()> {
    if matches!(record.state, OrderState::Unpaid | OrderState::InReview) {
        return Ok(());
    }
    let wants_picture = record.details.seal.as_ref().is_none_or(|plan| plan.change.wants_picture());
    if record.state == OrderState::Returned && !wants_picture {
        amended(turn, record).await?;
    }
    record.demand_state(&[OrderState::Draft])?;
    turn.demand_papers(record).await?;
    let actor = turn.caller.actor();
    turn.advance(record, Event::ApplicationSubmitted, &actor).await?;
    turn.skip_payment_if_none(record).await
}

/// What follows the payment: a review, unless the profile trusts what the portal collects (Z-10).
pub(crate) async fn begin_review(turn: &mut Turn<'_>, record: &mut Record) -> Answer<()> {
    let collected = record.details.seal.as_ref().is_some_and(|plan| plan.collected);
    if collected && turn.hall.profile().seal.collect_without_review {
        return turn.advance(record, Event::ReviewPassed, "hall").await.map(drop);
    }
    payment::begin_review(turn, record).await
}

async fn own_change(turn: &mut Turn<'_>, id: &str) -> Answer<(Record, SealPlan)> {
    let record = turn.own_order(id, Right::UseOwnOrder).await?;
    let plan = record.details.seal.clone().ok_or_else(|| refuse(ProblemType::NotFound))?;
    Ok((record, plan))
}

/// What the key is to write and to drop (Z-08).
pub(crate) async fn make(turn: &mut Turn<'_>, id: &str) -> Answer<SealAnswer> {
    let (mut record, mut plan) = own_change(turn, id).await?;
    record.demand_state(&[OrderState::Ready, OrderState::Issued])?;
    let issued = current(turn, &record).await?;
    let old = newest(turn, plan.seal.as_deref()).await?;
    let made = match (plan.change, &plan.made) {
        (SealChangeKind::Delete, _) => None,
        (_, Some(made)) => {
            let made = turn.seal(made).await?.ok_or_else(|| Refusal::internal("an order without its seal"))?;
            if made.certificate_serial == issued.serial {
                Some(made)
            } else {
                // Made for a certificate that gave way before the key had the seal.
                turn.move_seal(&made.id, Status::Deleted, None).await?;
                Some(new_seal(turn, &record, &plan, &issued, old.as_ref()).await?)
            }
        }
        (_, None) => Some(new_seal(turn, &record, &plan, &issued, old.as_ref()).await?),
    };
    plan.made = made.as_ref().map(|made| made.id.clone());
    record.details.seal = Some(plan);
    record.certificate_serial = Some(issued.serial);
    record.device_serial = Some(issued.device_serial);
    let actor = turn.caller.actor();
    if !turn.advance(&mut record, Event::SealMade, &actor).await? {
        turn.save(&mut record).await?;
    }
    Ok(SealAnswer { seal: made.map(|made| made.der.into()), replaces: old.map(|old| old.id) })
}

async fn new_seal(
    turn: &mut Turn<'_>,
    record: &Record,
    plan: &SealPlan,
    issued: &Issued,
    old: Option<&MadeSeal>,
) -> Answer<MadeSeal> {
    let picture = match (plan.change, old) {
        (SealChangeKind::Remake, Some(old)) => old.sized_picture()?,
        _ => rules::picture(&turn.hall.profile().seal, turn.paper(&record.id, Paper::SealPicture).await?.1)?,
    };
    let id = turn.chance.digits(ID_DIGITS);
    let new = NewSeal { order: &record.id, id, name: &plan.name, holder: issued, picture };
    let made = turn.hall.seal_maker().make(&turn.hall.profile().seal, new, turn.now)?;
    turn.record_seal(&made, &record.subject).await?;
    Ok(made)
}

/// The certificate that is in the key by now.
async fn current(turn: &mut Turn<'_>, record: &Record) -> Answer<Issued> {
    let mut serial = record.certificate_serial.clone().unwrap_or_default();
    let issued = loop {
        let issued = turn.issued(&serial).await?;
        let issued = issued.ok_or_else(|| Refusal::internal("an order without its certificate"))?;
        match &issued.replaced_by {
            Some(next) => serial.clone_from(next),
            None => break issued,
        }
    };
    turn.demand_not_revoked(&issued.serial).await?;
    if turn.now > issued.not_after { Err(refuse(ProblemType::CertificateExpired)) } else { Ok(issued) }
}

/// The seal that an order is about, or what took its place since; one that was deleted since is refused.
async fn newest(turn: &mut Turn<'_>, id: Option<&str>) -> Answer<Option<MadeSeal>> {
    let Some(id) = id else { return Ok(None) };
    let mut seal = turn.seal(id).await?;
    while let Some(next) = seal.as_ref().and_then(|seal| seal.replaced_by.clone()) {
        seal = turn.seal(&next).await?;
    }
    match seal {
        Some(seal) if seal.status == Status::Held => Ok(Some(seal)),
        _ => Err(refuse(ProblemType::SealWithdrawn)),
    }
}

/// The key shows which seals it holds: from now on the new one counts.
pub(crate) async fn confirm(turn: &mut Turn<'_>, id: &str, told: SealsWritten) -> Answer<Order> {
    let (mut record, plan) = own_change(turn, id).await?;
    if record.state == OrderState::Completed {
        return view::order(turn, &record).await;
    }
    record.demand_state(&[OrderState::Issued])?;
    if told.seals.len() > MOST_TOLD {
        return Err(refuse_field("seals", "more than 16", "印章数量过多"));
    }
    let issued = current(turn, &record).await?;
    verify_signature(&issued.certificate()?, &seals_message(&record.id, &told.seals), &told.signature)?;
    let made = match &plan.made {
        Some(made) => turn.seal(made).await?,
        None => None,
    };
    let old = newest(turn, plan.seal.as_deref()).await?;
    let holds = |seal: &MadeSeal| told.seals.iter().any(|digest| digest.to_string() == sm3(&seal.der));
    let written = made.as_ref().is_none_or(|made| made.certificate_serial == issued.serial && holds(made));
    if !written || old.as_ref().is_some_and(holds) {
        return Err(refuse(ProblemType::SealNotWritten));
    }
    if let Some(old) = &old {
        let status = if made.is_some() { Status::Replaced } else { Status::Deleted };
        turn.move_seal(&old.id, status, made.as_ref().map(|made| made.id.as_str())).await?;
    }
    if let Some(made) = &made {
        turn.move_seal(&made.id, Status::Held, None).await?;
    }
    let actor = turn.caller.actor();
    turn.advance(&mut record, Event::KeyConfirmed, &actor).await?;
    view::order(turn, &record).await
}
