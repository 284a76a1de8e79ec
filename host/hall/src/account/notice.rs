//! 通知消息: a certificate runs out (R-12, V-05).
//!
//! Guarantees: for each of the profile's days one notice at the most, and one at a time: who was not told for long is
//! told what is true now; a revoked or replaced certificate is not told of.

use super::certificate::Issued;
use crate::{
    api::{CertificateStanding, MessageKind, NoticeView},
    clock::{after, date},
    order::record::moment,
    outbox::{NewMessage, fill},
    problem::Answer,
    rights::{Right, demand},
    turn::Turn,
};
use jiff::{Timestamp, Unit};
use crate::sql;

/// Days of the calendar from now until the certificate's last day.
fn days_left(now: Timestamp, issued: &Issued) -> i64 {
    let span = date(now).until((Unit::Day, date(issued.not_after)));
    span.map_or(i64::MAX, |span| i64::from(span.get_days()))
}

/// Sends what is due.
pub(crate) async fn send_due(turn: &mut Turn<'_>) -> Answer<()> {
    let rules = turn.hall.profile().notice.clone();
    let Some(&farthest) = rules.days_before.first() else { return Ok(()) };
    let now = turn.now;
    // A day more: calendar days begin before the hour of the certificate.
    let until = after(now, (u64::from(farthest) + 1) * 86_400);
    for issued in turn.expiring(now, until).await? {
        let left = days_left(now, &issued);
        let fits = |days: &&u32| left <= i64::from(**days);
        let Some(&days) = rules.days_before.iter().rev().find(fits) else { continue };
        if turn.standing(&issued).await? != CertificateStanding::Valid || turn.was_told(&issued.serial, days).await? {
            continue;
        }
        let (last, left) = (date(issued.not_after).to_string(), left.to_string());
        let values =
            [("name", issued.subject.name.as_str()), ("serial", &issued.serial), ("date", &last), ("days", &left)];
        let text = fill(&rules.text, &values);
        sql::query(
            "INSERT INTO notices (certificate_serial, days_before, subject_number, text, at) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&issued.serial)
        .bind(i64::from(days))
        .bind(&issued.subject.number)
        .bind(&text)
        .bind(now.as_second())
        .execute(turn.db())
        .await?;
        let recipient = &issued.contact_phone;
        turn.send(NewMessage { kind: MessageKind::Sms, recipient, topic: "notice", text, code: None, order: None })
            .await?;
    }
    Ok(())
}

/// The caller's notices, newest first.
pub(crate) async fn mine(turn: &mut Turn<'_>) -> Answer<Vec<NoticeView>> {
    demand(&turn.caller, Right::OwnPages)?;
    let Some(number) = turn.caller.number().map(str::to_owned) else { return Ok(Vec::new()) };
    let own: Vec<_> = turn.own_certificates().await?.into_iter().map(|issued| issued.serial).collect();
    let rows = sql::query("SELECT * FROM notices WHERE subject_number = $1 ORDER BY at DESC, certificate_serial, days_before")
        .bind(number)
        .fetch_all(turn.db())
        .await?;
    let mut notices = Vec::new();
    for row in rows {
        let notice = NoticeView {
            certificate_serial: row.try_get("certificate_serial")?,
            text: row.try_get("text")?,
            at: moment(row.try_get("at")?),
        };
        if own.contains(&notice.certificate_serial) {
            notices.push(notice);
        }
    }
    Ok(notices)
}

impl Turn<'_> {
    async fn was_told(&mut self, serial: &str, days: u32) -> Answer<bool> {
        // What was told nearer to the end needs no telling of before it.
        let row = sql::query("SELECT at FROM notices WHERE certificate_serial = $1 AND days_before <= $2")
            .bind(serial)
            .bind(i64::from(days))
            .fetch_optional(self.db())
            .await?;
        Ok(row.is_some())
    }
}
