//! How long a verification by code, signature or identity holds; the same for an order of every kind.
//!
//! Guarantees: what was verified holds until its moment and no longer, whoever looks at the order next.
//! Refuses to know: what there is to be verified.

use super::{record::Record, state::Event, unlock};
use crate::{
    api::{OrderKind, OrderState},
    problem::Answer,
    turn::Turn,
};

/// Lets a verification lapse whose time has come.
pub(crate) async fn refresh(turn: &mut Turn<'_>, record: &mut Record) -> Answer<()> {
    let until = record.details.verified_until;
    if record.state == OrderState::Verified && until.is_none_or(|until| turn.now >= until) {
        record.details.verified_until = None;
        if let Some(revocation) = &mut record.details.revocation {
            revocation.confirmed = false;
        }
        turn.advance(record, Event::VerificationLapsed, "hall").await?;
        if record.kind == OrderKind::Unlock {
            unlock::begin_verification(turn, record).await?;
        }
    }
    Ok(())
}
