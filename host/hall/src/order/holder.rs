//! 证件号码查询: the certificates of a number, for whoever has the phone on record.
//!
//! Guarantees: as in the order query, the answer is the same whether the number has certificates or not; the code goes to
//! the phone of the newest certificate, and only that phone's certificates are shown.

use super::query;
use crate::{
    account::certificate::{self, Issued},
    api::{CodeEntry, HeldCertificates, ProblemType, QueryOpened, QueryRequest},
    code::Purpose,
    problem::{Answer, refuse, refuse_field},
    rights::{Caller, Right, demand},
    turn::Turn,
};

/// 发送验证码.
pub(crate) async fn open(turn: &mut Turn<'_>, mut request: QueryRequest) -> Answer<QueryOpened> {
    query::demand_plausible(turn, &mut request)?;
    let issued = turn.issued_to(&request.number).await?;
    let phone = issued.into_iter().find(|issued| issued.subject.kind == request.kind).map(|issued| issued.contact_phone);
    query::send(turn, Purpose::Holder, request, phone).await
}

/// 确定: the certificates, and a token to go on with one of them.
pub(crate) async fn result(turn: &mut Turn<'_>, name: &str, entry: CodeEntry) -> Answer<HeldCertificates> {
    let query::Query { kind, number, phone } = query::check(turn, Purpose::Holder, name, entry).await?;
    let mut certificates = Vec::new();
    for issued in turn.issued_to(&number).await? {
        if issued.subject.kind == kind && issued.contact_phone == phone {
            certificates.push(certificate::view(turn, issued).await?);
        }
    }
    let minutes = turn.hall.profile().login.session_minutes;
    let (token, expires_at) = turn.grant(&Caller::Holder { kind, number, phone }, minutes).await?;
    Ok(HeldCertificates { token, expires_at, certificates })
}

impl Turn<'_> {
    /// The certificate of the caller with this serial number; another's is not found.
    pub(crate) async fn own_certificate(&mut self, serial: &str) -> Answer<Issued> {
        demand(&self.caller, Right::OwnCertificates)?;
        let serial = serial
            .trim()
            .parse::<ukey_pki::Serial>()
            .map_err(|_| refuse_field("serial", "not a serial number", "证书序列号格式不正确"))?
            .to_string();
        let issued = self.issued(&serial).await?.ok_or_else(|| refuse(ProblemType::NotFound))?;
        let own = match &self.caller {
            Caller::Holder { kind, number, phone } => {
                (*kind, number, phone) == (issued.subject.kind, &issued.subject.number, &issued.contact_phone)
            }
            Caller::Certificate { number, .. } => *number == issued.subject.number,
            _ => false,
        };
        if own { Ok(issued) } else { Err(refuse(ProblemType::NotFound)) }
    }
}
