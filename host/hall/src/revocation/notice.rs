//! 注销公告 (V-02): the public notice of revoked certificates.
//!
//! Guarantees: it tells what the revocation list tells and no more: a revocation is read here once it is listed, a
//! suspension never; names are masked in part, numbers, phones and addresses are not told.

use crate::{
    api::{RevocationNotice, RevocationNotices, RevocationReason},
    checks,
    order::record::{moment, read_word, word},
    problem::{Answer, refuse_field},
    turn::Turn,
};
use crate::sql;

/// Lines of a page.
const PAGE: u64 = 20;

/// What is looked for.
#[derive(Debug, Default, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    /// The page, from 1.
    page: Option<u64>,
    /// A whole serial number.
    serial: Option<String>,
    /// A whole name, as in the certificate.
    name: Option<String>,
}

/// A page of the notice.
pub(crate) async fn search(turn: &mut Turn<'_>, search: Search) -> Answer<RevocationNotices> {
    let page = search.page.unwrap_or(1);
    if page == 0 {
        return Err(refuse_field("page", "begins with 1", "页码从1开始"));
    }
    // What is left blank does not narrow the search.
    let given = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let (serial, name) = (given(search.serial).map(|serial| serial.to_ascii_uppercase()), given(search.name));
    if name.as_ref().is_some_and(|name| !checks::is_text(name, 100)) {
        return Err(refuse_field("name", "too long", "证书名称不正确"));
    }
    if serial.as_ref().is_some_and(|serial| serial.parse::<ukey_pki::Serial>().is_err()) {
        return Err(refuse_field("serial", "not a serial number", "证书序列号格式不正确"));
    }
    const FOUND: &str = "FROM revoked r JOIN certificates c ON c.serial = r.serial \
         WHERE r.listed IS NOT NULL AND r.reason <> $1 AND (r.serial = $2 OR $2 IS NULL) \
         AND (c.subject_name = $3 OR $3 IS NULL)";
    let hold = word(RevocationReason::CertificateHold)?;
    let count = format!("SELECT COUNT(*) AS total {FOUND}");
    let row = sql::query(&count)
        .bind(&hold)
        .bind(&serial)
        .bind(&name)
        .fetch_one(turn.db())
        .await?;
    let total = row.try_get::<i64>("total")?.unsigned_abs();
    let lines = format!(
        "SELECT r.serial, r.at, r.reason, c.subject_name, c.subject_kind {FOUND} \
         ORDER BY r.at DESC, r.serial LIMIT $4 OFFSET $5"
    );
    let offset = i64::try_from((page - 1).saturating_mul(PAGE)).unwrap_or(i64::MAX);
    let rows = sql::query(&lines)
        .bind(&hold)
        .bind(&serial)
        .bind(&name)
        .bind(PAGE as i64)
        .bind(offset)
        .fetch_all(turn.db())
        .await?;
    let read = |row: &sql::Row| -> Answer<RevocationNotice> {
        let reason: RevocationReason = read_word(row.try_get("reason")?)?;
        Ok(RevocationNotice {
            serial: row.try_get("serial")?,
            name: checks::masked_name(row.try_get("subject_name")?),
            at: moment(row.try_get("at")?),
            reason,
            reason_zh: reason.zh().into(),
        })
    };
    let notices = rows.iter().map(read).collect::<Answer<_>>()?;
    Ok(RevocationNotices { total, page, pages: total.div_ceil(PAGE).max(1), notices })
}
