//! Information change (C-01 to C-05, AMB-21).
//!
//! Guarantees: nothing changes before the code that went to the phone on record; contact data are changed at once and
//! the certificate stays; a name or a legal person is asked of the registry or reviewed with papers, as the profile
//! says, and gives a new certificate that ends when the old one would.
//! Refuses to know: how the certificate gets into the key (see `download`), who the registry is.

use crate::sql;
use super::{
    enrol, payment,
    record::Record,
    rewrite::{self, Found, renames},
    state::Event,
};
use crate::{
    account::certificate::Issued,
    api::{EnrolForm, KeyProof, OrderKind, OrderState, Placed, ProblemType, change_message},
    clock,
    gateway::{RegistryClaim, Verdict},
    problem::{Answer, refuse, refuse_field},
    turn::Turn,
};

/// 信息变更 (C-02): opens the change of the key's certificate, or takes it up where it stopped. Tells whether it is new.
pub(crate) async fn open(turn: &mut Turn<'_>, proof: KeyProof) -> Answer<(bool, Placed)> {
    match rewrite::find(turn, &proof, change_message, &[OrderKind::Change]).await? {
        Found::Order(record) => Ok((false, rewrite::placed(turn, *record).await?)),
        Found::Certificate(issued) => {
            if turn.now > issued.not_after {
                return Err(refuse(ProblemType::CertificateExpired));
            }
            let record = rewrite::place(turn, OrderKind::Change, *issued, false).await?;
            Ok((true, rewrite::placed(turn, record).await?))
        }
    }
}

/// Edits what changed (C-03, C-05). What was verified before must be verified again.
pub(crate) async fn amend(turn: &mut Turn<'_>, record: &mut Record, form: EnrolForm) -> Answer<()> {
    let old = rewrite::old(turn, record).await?;
    rewrite::demand_same_subject(turn, &old, &form)?;
    if record.details.form.as_ref() == Some(&form) {
        return Ok(());
    }
    record.details.form = Some(form);
    record.details.reviewed = false;
    record.details.verified_until = None;
    let actor = turn.caller.actor();
    if !turn.advance(record, Event::FormAmended, &actor).await? {
        turn.save(record).await?;
    }
    Ok(())
}

/// 下一步 or 修改 (C-03), after the code.
pub(crate) async fn confirm(turn: &mut Turn<'_>, record: &mut Record) -> Answer<()> {
    if matches!(record.state, OrderState::Completed | OrderState::Ready | OrderState::Confirmed) {
        return Ok(());
    }
    if record.state == OrderState::Returned {
        // Only the papers were wrong: the data were verified with the application that came back.
        record.details.reviewed = true;
        turn.advance(record, Event::OrderConfirmed, "applicant").await?;
        return Ok(());
    }
    record.demand_state(&[OrderState::Verified])?;
    let old = rewrite::old(turn, record).await?;
    let form = record.form()?.clone();
    if form == old.form {
        return Err(refuse_field("form", "nothing changed", "没有需要变更的信息"));
    }
    let actor = turn.caller.actor();
    record.details.verified_until = None;
    let event = if !renames(&old.form, &form) {
        turn.change_contact(&old, &form).await?;
        Event::ContactChanged
    } else if turn.hall.profile().change.review {
        record.details.reviewed = true;
        Event::OrderConfirmed
    } else {
        ask_registry(turn, &old, &form).await?;
        Event::RegistryConfirmed
    };
    turn.advance(record, event, &actor).await?;
    Ok(())
}

/// 确认申请: the papers are complete; the review begins.
pub(crate) async fn submit(turn: &mut Turn<'_>, record: &mut Record) -> Answer<()> {
    record.demand_state(&[OrderState::Confirmed, OrderState::InReview])?;
    turn.demand_papers(record).await?;
    let actor = turn.caller.actor();
    if turn.advance(record, Event::ApplicationSubmitted, &actor).await? {
        payment::begin_review(turn, record).await?;
    }
    Ok(())
}

async fn ask_registry(turn: &mut Turn<'_>, old: &Issued, form: &EnrolForm) -> Answer<()> {
    let counter = format!("registry/{}", old.serial);
    let limit = turn.hall.profile().enrol.identity_tries;
    let before = turn.counter(&counter).await?;
    if before.count >= limit {
        return Err(refuse(ProblemType::TooManyAttempts).retry_after(before.seconds_left));
    }
    if turn.hall.gateways().registry.check(&claim(form)).await? == Verdict::Match {
        return Ok(());
    }
    let tomorrow = clock::after(turn.now, clock::until_tomorrow(turn.now));
    let left = limit.saturating_sub(turn.count(&counter, tomorrow).await?.count);
    Err(refuse(ProblemType::RegistryMismatch).tries_left(left).keep())
}

fn claim(form: &EnrolForm) -> RegistryClaim {
    let subject = enrol::subject(form);
    let legal_person = match form {
        EnrolForm::Unit(unit) => Some((unit.legal_person.clone(), unit.legal_person_id.clone())),
        EnrolForm::Person(_) => None,
    };
    RegistryClaim { name: subject.name, number: subject.number, legal_person }
}

impl Turn<'_> {
    /// Sets what is on record of a certificate's holder besides the certificate itself.
    async fn change_contact(&mut self, issued: &Issued, form: &EnrolForm) -> Answer<()> {
        sql::query("UPDATE certificates SET form = $1, contact_phone = $2 WHERE serial = $3")
            .bind(serde_json::to_string(form)?)
            .bind(&enrol::contact(form).phone)
            .bind(&issued.serial)
            .execute(self.db())
            .await?;
        let actor = self.caller.actor();
        self.audit(&actor, &format!("certificate/{}", issued.serial), "contact-changed", "").await
    }
}
