//! 查询服务 (V-03): the state of an application by any two of its fields.
//!
//! Guarantees: kind, state and date are told, nothing else; an unknown value, a wrong combination and an application
//! whose identity was never checked are answered alike; misses are counted for the caller and for every value, known or
//! not, until no more are answered that day.

use super::{query::is_proven, record::Record};
use crate::{
    api::{ApplicationStatus, ProblemType, StatusQuery},
    checks, clock,
    problem::{Answer, refuse},
    turn::Turn,
    vault::sm3,
};

/// The fields that have to be given.
const NEEDED: usize = 2;
/// Longest value of a field, characters.
const LONGEST: usize = 100;

/// The applications that have all the given values.
pub(crate) async fn ask(turn: &mut Turn<'_>, query: StatusQuery) -> Answer<Vec<ApplicationStatus>> {
    let given = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let fields = [
        ("order", given(query.order)),
        ("name", given(query.name)),
        ("number", given(query.number)),
        ("phone", given(query.phone)),
    ];
    let values: Vec<_> = fields.iter().filter_map(|(field, value)| Some((*field, value.as_deref()?))).collect();
    if values.len() < NEEDED {
        return Err(refuse(ProblemType::QueryTooShort));
    }
    let counters: Vec<_> = values.iter().map(|(field, value)| format!("status/{field}/{}", sm3(value.as_bytes()))).collect();
    let limit = turn.hall.profile().query.misses_per_value;
    for counter in &counters {
        turn.demand_below(counter, limit).await?;
    }
    turn.demand_few_misses("status").await?;
    let plausible = values.iter().all(|(_, value)| checks::is_text(value, LONGEST));
    let [(_, order), (_, name), (_, number), (_, phone)] = &fields;
    let found = match plausible {
        true => turn.orders_with(order.as_deref(), name.as_deref(), number.as_deref(), phone.as_deref()).await?,
        false => Vec::new(),
    };
    let told: Vec<_> = found.iter().filter(|record| is_proven(record)).map(status).collect();
    if told.is_empty() {
        for counter in counters.iter().chain([&turn.misses("status")]) {
            turn.count_today(counter).await?;
        }
        return Err(refuse(ProblemType::NotFound)
            .detail("No application has all of these.", "没有查询到符合条件的申请，请核对填写的内容。")
            .keep());
    }
    Ok(told)
}

fn status(record: &Record) -> ApplicationStatus {
    ApplicationStatus {
        kind: record.kind,
        kind_zh: record.kind.zh().into(),
        state: record.state,
        state_zh: record.state.zh().into(),
        date: clock::date(record.updated_at),
    }
}
