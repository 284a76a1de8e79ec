//! 订单查询 (V-06, V-07, G-12).
//!
//! Guarantees: the answer to a query is the same whether there are orders or not, and so are its limits; the code goes
//! to the phone of the latest order whose identity was checked, and only that phone's orders are shown, so that an order
//! placed under somebody else's number opens nothing.

use super::{record::Record, unlock, view};
use crate::{
    api::{CodeEntry, OrderKind, ProblemType, QueriedOrder, QueryOpened, QueryRequest, SubjectKind},
    checks,
    code::Purpose,
    outbox::{NewMessage, fill},
    problem::{Answer, refuse, refuse_field},
    turn::Turn,
};
use serde::{Deserialize, Serialize};

/// What a query's name holds, sealed.
#[derive(Serialize, Deserialize)]
struct Query {
    kind: SubjectKind,
    number: String,
    phone: String,
}

/// Stands for the phone of nobody; as long as a real one, so that the sealed name tells nothing.
const NOBODY: &str = "00000000000";

const PLACE: &str = "query";

/// 发送验证码.
pub(crate) async fn open(turn: &mut Turn<'_>, request: QueryRequest) -> Answer<QueryOpened> {
    let number = request.number.trim().to_owned();
    let plausible = match request.kind {
        SubjectKind::Unit => checks::is_credit_code(&number),
        SubjectKind::Person => checks::is_identity_number(&number),
    };
    if !plausible {
        return Err(refuse_field("number", "not a number of this kind", "证件号码不正确"));
    }
    let records = turn.orders_of_subject(request.kind, &number).await?;
    let phone = records.iter().find(|record| is_proven(record)).map(|record| record.contact_phone.clone());
    let scope = scope(request.kind, &number)?;
    let code = turn.new_code(Purpose::Query, &scope, &scope).await?;
    if let Some(phone) = &phone {
        turn.send(NewMessage {
            kind: crate::api::MessageKind::Sms,
            recipient: phone,
            topic: Purpose::Query.name(),
            text: fill(&turn.hall.profile().wording.code, &[("code", &code.code)]),
            code: Some(&code.code),
            order: None,
        })
        .await?;
    }
    let query = Query { kind: request.kind, number, phone: phone.unwrap_or_else(|| NOBODY.into()) };
    let name = turn.hall.vault().seal(&mut turn.chance, PLACE, &serde_json::to_vec(&query)?);
    Ok(QueryOpened {
        query: hex::encode(name),
        length: code.rule.length,
        expires_at: code.expires_at,
        retry_after: code.rule.resend_seconds,
    })
}

/// 确认: the orders, each with a fresh token.
pub(crate) async fn result(turn: &mut Turn<'_>, name: &str, entry: CodeEntry) -> Answer<Vec<QueriedOrder>> {
    let not_found = || refuse(ProblemType::NotFound);
    let sealed = hex::decode(name).map_err(|_| not_found())?;
    let plain = turn.hall.vault().open(PLACE, &sealed).map_err(|_| not_found())?;
    let query: Query = serde_json::from_slice(&plain)?;
    let scope = scope(query.kind, &query.number)?;
    turn.check_code(Purpose::Query, &scope, entry.code.reveal(), false).await?;
    let mut found = Vec::new();
    for mut record in turn.orders_of_subject(query.kind, &query.number).await? {
        if record.contact_phone != query.phone || !is_proven(&record) {
            continue;
        }
        unlock::refresh(turn, &mut record).await?;
        let token = turn.grant_order(&record.id).await?;
        found.push(QueriedOrder { token, order: view::order(turn, &record).await? });
    }
    Ok(found)
}

/// Whether whoever placed an order has shown to be who they claim.
fn is_proven(record: &Record) -> bool {
    record.kind == OrderKind::Unlock || record.details.identity.is_some()
}

fn scope(kind: SubjectKind, number: &str) -> Answer<String> {
    Ok(format!("{}/{number}", super::record::word(kind)?))
}
