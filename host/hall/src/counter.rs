//! Counters that end by themselves: wrong passwords, wrong phone numbers, codes of a day.
//!
//! Guarantees: a counter is zero again once its moment has come; their names are short, and tell nothing of what was
//! typed where it may be anything.

use crate::{
    api::ProblemType,
    clock,
    problem::{Answer, refuse},
    turn::Turn,
};
use jiff::Timestamp;
use crate::sql;

/// A counter as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counter {
    /// How many.
    pub count: u32,
    /// Seconds until it is zero again; 0 when it is.
    pub seconds_left: u64,
}

impl Turn<'_> {
    /// Reads a counter.
    pub(crate) async fn counter(&mut self, name: &str) -> Answer<Counter> {
        let now = self.now.as_second();
        let row = sql::query("SELECT count, until_at FROM counters WHERE name = $1 AND until_at > $2")
            .bind(name)
            .bind(now)
            .fetch_optional(self.db())
            .await?;
        let Some(row) = row else { return Ok(Counter { count: 0, seconds_left: 0 }) };
        let until: i64 = row.try_get("until_at")?;
        let count: i64 = row.try_get("count")?;
        Ok(Counter { count: count.try_into().unwrap_or(u32::MAX), seconds_left: until.abs_diff(now) })
    }

    /// Counts one more; the counter then ends at `until`.
    pub(crate) async fn count(&mut self, name: &str, until: Timestamp) -> Answer<Counter> {
        let before = self.counter(name).await?;
        let count = before.count.saturating_add(1);
        sql::query(
            "INSERT INTO counters (name, count, until_at) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET count = excluded.count, until_at = excluded.until_at",
        )
        .bind(name)
        .bind(i64::from(count))
        .bind(until.as_second())
        .execute(self.db())
        .await?;
        Ok(Counter { count, seconds_left: until.as_second().abs_diff(self.now.as_second()) })
    }

    /// Counts one more; the counter ends with the day.
    pub(crate) async fn count_today(&mut self, name: &str) -> Answer<Counter> {
        let tomorrow = clock::after(self.now, clock::until_tomorrow(self.now));
        self.count(name, tomorrow).await
    }

    /// Refuses once a counter has reached its limit; tells when it ends.
    pub(crate) async fn demand_below(&mut self, name: &str, limit: u32) -> Answer<()> {
        let counter = self.counter(name).await?;
        if counter.count < limit {
            return Ok(());
        }
        Err(refuse(ProblemType::TooManyAttempts).retry_after(counter.seconds_left))
    }

    /// The name of the counter of somebody's misses, by where the request comes from.
    pub(crate) fn misses(&self, what: &str) -> String {
        let peer = self.peer.map_or_else(|| "unknown".to_owned(), |peer| peer.to_string());
        format!("{what}/from/{peer}")
    }

    /// Refuses whoever has missed too often today, by where the request comes from.
    pub(crate) async fn demand_few_misses(&mut self, what: &str) -> Answer<()> {
        let limit = self.hall.profile().query.misses_per_caller;
        self.demand_below(&self.misses(what), limit).await
    }

    /// Sets a counter to zero.
    pub(crate) async fn clear_counter(&mut self, name: &str) -> Answer<()> {
        sql::query("DELETE FROM counters WHERE name = $1").bind(name).execute(self.db()).await?;
        Ok(())
    }
}
