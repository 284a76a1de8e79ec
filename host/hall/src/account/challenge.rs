//! Login by certificate (L-01, L-11), and who is logged in.
//!
//! Guarantees: a challenge is good once and for its lifetime; the certificate is one of this authority's, valid on the
//! hall's clock, not revoked, and on record; the signature is by its key, over this hall's name and this challenge.

use crate::sql;
use crate::{
    account::password,
    api::{
        AccountKind, CertificateLogin, Hex, LoginChallenge, LoginWay, Me, ProblemType, Session, SubjectKind,
        login_message,
    },
    clock,
    problem::{Answer, refuse},
    rights::Caller,
    signature::verify_signature,
    turn::Turn,
};
use ukey_pki::Certificate;

use super::certificate::Issued;

/// Gives a challenge.
pub(crate) async fn open(turn: &mut Turn<'_>) -> Answer<LoginChallenge> {
    let nonce = Hex(turn.chance.bytes::<32>().to_vec());
    let expires_at = clock::after(turn.now, turn.hall.profile().login.challenge_seconds);
    sql::query("DELETE FROM challenges WHERE expires_at <= $1")
        .bind(turn.now.as_second())
        .execute(turn.db())
        .await?;
    sql::query("INSERT INTO challenges (nonce, expires_at) VALUES ($1, $2)")
        .bind(nonce.to_string())
        .bind(expires_at.as_second())
        .execute(turn.db())
        .await?;
    Ok(LoginChallenge { hall: turn.hall.profile().name.clone(), nonce, expires_at })
}

/// Logs in. Right or wrong, the challenge is used.
pub(crate) async fn login(turn: &mut Turn<'_>, login: CertificateLogin) -> Answer<Session> {
    use_up(turn, &login.nonce).await?;
    session(turn, login).await.map_err(|refusal| refusal.keep())
}

/// Takes a challenge that lives; nobody else can. Whoever answers wrongly after that must keep it used up.
pub(crate) async fn use_up(turn: &mut Turn<'_>, nonce: &Hex) -> Answer<()> {
    let used = sql::query("DELETE FROM challenges WHERE nonce = $1 AND expires_at > $2")
        .bind(nonce.to_string())
        .bind(turn.now.as_second())
        .execute(turn.db())
        .await?;
    if used == 1 { Ok(()) } else { Err(refuse(ProblemType::ChallengeExpired)) }
}

/// The pair on record of a sign certificate: the very certificate that was issued, not another one with its number.
pub(crate) async fn on_record(turn: &mut Turn<'_>, der: &Hex) -> Answer<(Certificate, Issued)> {
    let certificate = Certificate::from_der(&der.0).map_err(|_| refuse(ProblemType::MalformedCertificate))?;
    turn.hall.authority().demand_own(&certificate)?;
    let issued = turn.issued(&certificate.serial().to_string()).await?;
    let issued = issued.filter(|issued| certificate.der() == issued.sign_der);
    Ok((certificate, issued.ok_or_else(|| refuse(ProblemType::UntrustedCertificate))?))
}

async fn session(turn: &mut Turn<'_>, login: CertificateLogin) -> Answer<Session> {
    let (certificate, issued) = on_record(turn, &login.certificate).await?;
    let serial = issued.serial.clone();
    if turn.now < certificate.not_before() {
        return Err(refuse(ProblemType::CertificateNotYetValid));
    }
    if turn.now > certificate.not_after() {
        return Err(refuse(ProblemType::CertificateExpired));
    }
    turn.demand_not_revoked(&serial).await?;
    if issued.confirmed_at.is_none() {
        return Err(refuse(ProblemType::CertificateUnconfirmed));
    }
    let message = login_message(&turn.hall.profile().name, &serial, &login.nonce);
    verify_signature(&certificate, &message, &login.signature)?;
    let holder = Caller::Certificate { serial, number: issued.subject.number.clone() };
    let (token, expires_at) = turn.grant(&holder, turn.hall.profile().login.session_minutes).await?;
    Ok(Session { token, expires_at, me: me(issued) })
}

fn me(issued: Issued) -> Me {
    Me {
        way: LoginWay::Certificate,
        kind: match issued.subject.kind {
            SubjectKind::Unit => AccountKind::Enterprise,
            SubjectKind::Person => AccountKind::Personal,
        },
        account: None,
        phone: None,
        name: issued.subject.name,
        number: issued.subject.number,
        certificate_serial: Some(issued.serial),
    }
}

/// Who is logged in.
pub(crate) async fn who(turn: &mut Turn<'_>) -> Answer<Me> {
    match turn.known()?.clone() {
        Caller::Account { account, .. } => password::who(turn, &account).await,
        Caller::Certificate { serial, .. } => {
            Ok(me(turn.issued(&serial).await?.ok_or_else(|| refuse(ProblemType::Unauthorised))?))
        }
        _ => Err(refuse(ProblemType::Forbidden)),
    }
}
