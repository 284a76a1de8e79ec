//! 证书重装: the certificates that were last issued for a key are written into it once more.
//!
//! Guarantees: only the key itself gets them, shown by a signature with the very sign key that they are for; nothing is
//! issued. Refuses to know: why they are wanted again.

use crate::{
    account::challenge,
    api::{IssueAnswer, ProblemType, Reinstallation, reinstallation_message},
    problem::{Answer, Refusal, refuse, refuse_field},
    signature::verify_by,
    turn::Turn,
};
use ukey_pki::PublicKey;

/// The answer that was given when the key's certificates were issued. Right or wrong, the challenge is used.
pub(crate) async fn again(turn: &mut Turn<'_>, told: Reinstallation) -> Answer<IssueAnswer> {
    challenge::use_up(turn, &told.nonce).await?;
    proved(turn, told).await.map_err(Refusal::keep)
}

async fn proved(turn: &mut Turn<'_>, told: Reinstallation) -> Answer<IssueAnswer> {
    let wrong = || refuse_field("public_key", "no point of the curve", "公钥格式不正确");
    let (x, y) = told.public_key.0.split_first_chunk().ok_or_else(wrong)?;
    let key = PublicKey::from_coordinates(x, y.try_into().map_err(|_| wrong())?).map_err(|_| wrong())?;
    let message = reinstallation_message(&turn.hall.profile().name, &told.device_serial, &told.nonce);
    verify_by(&key, &message, &told.signature)?;
    for issued in turn.issued_into(&told.device_serial).await? {
        if issued.certificate()?.public_key().map_err(Refusal::internal)? != key {
            continue;
        }
        turn.demand_not_revoked(&issued.serial).await?;
        let answered = turn.answered(&issued.order).await?.filter(|answered| answered.answer.serial == issued.serial);
        return answered.map(|answered| answered.answer).ok_or_else(|| Refusal::internal("a certificate without its answer"));
    }
    Err(refuse(ProblemType::KeyUnknown))
}
