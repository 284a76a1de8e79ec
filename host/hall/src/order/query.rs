//! 订单查询 (V-06, V-07, G-12).
//!
//! Guarantees: the answer to a query is the same whether there are orders or not, and so are its limits; the code goes
//! to the phone of the latest order whose identity was checked, and only that phone's orders are shown, so that an order
//! placed under somebody else's number opens nothing.

use super::{record::Record, verification, view};
use crate::{
    api::{CodeEntry, OrderKind, OrderState, ProblemType, QueriedOrder, QueryOpened, QueryRequest, SubjectKind},
    checks, clock,
    code::Purpose,
    outbox::{NewMessage, fill},
    problem::{Answer, refuse, refuse_field},
    turn::Turn,
};
use serde::{Deserialize, Serialize};

/// What a query's name holds, sealed.
#[derive(Serialize, Deserialize)]
pub(crate) struct Query {
    /// Unit or person.
    pub kind: SubjectKind,
    /// Credit code or identity number.
    pub number: String,
    /// The phone on record; of nobody if there is none.
    pub phone: String,
}

/// Stands for the phone of nobody; as long as a real one, so that the sealed name tells nothing.
const NOBODY: &str = "00000000000";

/// 发送验证码.
pub(crate) async fn open(turn: &mut Turn<'_>, mut request: QueryRequest) -> Answer<QueryOpened> {
    demand_plausible(turn, &mut request)?;
    let records = turn.orders_of_subject(request.kind, &request.number).await?;
    let phone = records.iter().find(|record| is_proven(record)).map(|record| record.contact_phone.clone());
    send(turn, Purpose::Query, request, phone).await
}

/// Refuses a number that cannot be one of its kind.
pub(crate) fn demand_plausible(turn: &Turn<'_>, request: &mut QueryRequest) -> Answer<()> {
    request.number = request.number.trim().to_owned();
    let plausible = match request.kind {
        SubjectKind::Unit => checks::is_credit_code(&request.number),
        SubjectKind::Person => checks::is_identity_number(&request.number, clock::date(turn.now)),
    };
    if plausible { Ok(()) } else { Err(refuse_field("number", "not a number of this kind", "证件号码不正确")) }
}

/// Makes the code of a query. It goes to the phone on record, if there is one; the answer does not tell.
pub(crate) async fn send(
    turn: &mut Turn<'_>,
    purpose: Purpose,
    request: QueryRequest,
    phone: Option<String>,
) -> Answer<QueryOpened> {
    let scope = scope(request.kind, &request.number)?;
    let code = turn.new_code(purpose, &scope, &scope).await?;
    if let Some(phone) = &phone {
        turn.send(NewMessage {
            kind: crate::api::MessageKind::Sms,
            recipient: phone,
            topic: purpose.name(),
            text: fill(&turn.hall.profile().wording.code, &[("code", &code.code)]),
            code: Some(&code.code),
            order: None,
        })
        .await?;
    }
    let phone = phone.unwrap_or_else(|| NOBODY.into());
    let query = Query { kind: request.kind, number: request.number, phone };
    let name = turn.hall.vault().seal(&mut turn.chance, purpose.name(), &serde_json::to_vec(&query)?);
    Ok(QueryOpened {
        query: hex::encode(name),
        length: code.rule.length,
        expires_at: code.expires_at,
        retry_after: code.rule.resend_seconds,
    })
}

/// Opens a query's name and checks the code that was typed for it.
pub(crate) async fn check(turn: &mut Turn<'_>, purpose: Purpose, name: &str, entry: CodeEntry) -> Answer<Query> {
    let not_found = || refuse(ProblemType::NotFound);
    let sealed = hex::decode(name).map_err(|_| not_found())?;
    let plain = turn.hall.vault().open(purpose.name(), &sealed).map_err(|_| not_found())?;
    let query: Query = serde_json::from_slice(&plain)?;
    let scope = scope(query.kind, &query.number)?;
    turn.check_code(purpose, &scope, entry.code.reveal(), false).await?;
    Ok(query)
}

/// 确认: the orders, each with a fresh token.
pub(crate) async fn result(turn: &mut Turn<'_>, name: &str, entry: CodeEntry) -> Answer<Vec<QueriedOrder>> {
    let query = check(turn, Purpose::Query, name, entry).await?;
    let mut found = Vec::new();
    for mut record in turn.orders_of_subject(query.kind, &query.number).await? {
        if record.contact_phone != query.phone || !is_proven(&record) {
            continue;
        }
        verification::refresh(turn, &mut record).await?;
        let token = turn.grant_order(&record.id).await?;
        found.push(QueriedOrder { token, order: view::order(turn, &record).await? });
    }
    Ok(found)
}

/// Whether whoever placed an order has shown to be who they claim.
pub(crate) fn is_proven(record: &Record) -> bool {
    // These begin with a certificate on record, not with a form that anybody may fill.
    let of_certificate = matches!(record.kind, OrderKind::Unlock | OrderKind::Revoke | OrderKind::SealChange) || record.kind.rewrites_key();
    // The wizard's review is what shows it there.
    let made = [
        OrderState::Passed,
        OrderState::InProduction,
        OrderState::Issued,
        OrderState::Posted,
        OrderState::Received,
    ];
    of_certificate || record.details.identity.is_some() || made.contains(&record.state)
}

fn scope(kind: SubjectKind, number: &str) -> Answer<String> {
    Ok(format!("{}/{number}", super::record::word(kind)?))
}
