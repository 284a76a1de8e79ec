//! One request's turn at the hall.
//!
//! Guarantees: turns come one after the other, so that the same requests draw the same values; what a turn writes
//! stands as a whole or not at all; its messages leave only after it stands, and it waits for no other turn's.
//! Refuses to know: what the request is about.

use crate::{
    api::ProblemType,
    chance::Chance,
    hall::Hall,
    problem::{Answer, Refusal, refuse},
    rights::Caller,
};
use jiff::Timestamp;
use crate::sql::{Connection, Transaction};
use std::net::IpAddr;
use tokio::sync::MutexGuard;

/// A turn.
pub(crate) struct Turn<'a> {
    /// The hall.
    pub hall: &'a Hall,
    /// Everything random.
    pub chance: MutexGuard<'a, Chance>,
    /// The moment of this turn.
    pub now: Timestamp,
    /// Who asks.
    pub caller: Caller,
    /// The messages that were written.
    pub written: Vec<i64>,
    /// The digest of the token that the caller bears.
    pub token: Option<String>,
    /// Where the request comes from, if the server was told to say.
    pub peer: Option<IpAddr>,
    transaction: Transaction,
    drawn_from: Option<u128>,
}

impl Hall {
    /// Begins a turn for the bearer of this token, or for anybody.
    pub(crate) async fn turn(&self, bearer: Option<&str>) -> Answer<Turn<'_>> {
        let chance = self.chance().lock().await;
        let transaction = self.database().begin().await?;
        let drawn_from = chance.position();
        let now = self.clock().now();
        let mut turn = Turn {
            hall: self,
            chance,
            now,
            caller: Caller::Anonymous,
            token: None,
            peer: None,
            written: Vec::new(),
            transaction,
            drawn_from,
        };
        if let Some(token) = bearer {
            turn.caller = turn.bearer(token).await?;
        }
        Ok(turn)
    }
}

impl Turn<'_> {
    /// The database, inside this turn's transaction.
    pub(crate) fn db(&mut self) -> &mut Connection {
        &mut self.transaction
    }

    /// Ends the turn: what it wrote stands if the answer is good or says so.
    pub(crate) async fn end<T>(mut self, answer: Answer<T>) -> Answer<T> {
        let keep = answer.as_ref().map_or_else(|refusal| refusal.keep, |_| true);
        if !keep {
            return answer;
        }
        let position = self.chance.position();
        if let Some(position) = position.filter(|_| position != self.drawn_from) {
            crate::store::set_meta(&mut self.transaction, "chance", &position.to_string()).await?;
        }
        let hall = self.hall;
        self.transaction.commit().await?;
        drop(self.chance);
        hall.deliver(&self.written).await.map_err(Refusal::internal)?;
        answer
    }

    /// Demands a caller that is known.
    pub(crate) fn known(&self) -> Answer<&Caller> {
        if self.caller == Caller::Anonymous { Err(refuse(ProblemType::Unauthorised)) } else { Ok(&self.caller) }
    }
}
