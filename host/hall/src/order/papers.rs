//! Papers of an order (E-07, U-20).
//!
//! Guarantees: a paper is a whole file in a listed format, told by its content; a new one replaces the old one.

use super::{
    attachment::{self, Told},
    record::{Record, read_word, word},
    seal,
};
use crate::{
    api::{FieldFault, OrderKind, OrderState, Paper, PaperReceipt, PaperView, ProblemType},
    problem::{Answer, Refusal, refuse},
    profile::Profile,
    rights::Right,
    turn::Turn,
    vault::sm3,
};
use crate::sql;

/// Takes a paper.
pub(crate) async fn upload(turn: &mut Turn<'_>, id: &str, paper: Paper, content: &[u8]) -> Answer<PaperReceipt> {
    let mut record = turn.own_order(id, Right::UseOwnOrder).await?;
    let profile = turn.hall.profile();
    if !wanted(turn, &record).contains(&paper) {
        return Err(refuse(ProblemType::NotFound).detail("This order has no such paper.", "订单不需要该资料。"));
    }
    record.demand_state(match record.kind {
        OrderKind::Unlock => &[OrderState::Verifying, OrderState::PapersRefused],
        OrderKind::SealChange => &[OrderState::Draft, OrderState::Returned],
        _ => &[OrderState::Confirmed],
    })?;
    let format = match record.kind {
        OrderKind::SealChange => crate::seal::rules::check(&profile.seal, content)?,
        _ => checked(profile, paper, content)?,
    };
    let receipt =
        PaperReceipt { paper, format: format.into(), size: content.len() as u64, sm3: sm3(content) };
    sql::query(
        "INSERT INTO papers (order_id, paper, format, size, sm3, content) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (order_id, paper) DO UPDATE SET format = excluded.format, size = excluded.size, \
         sm3 = excluded.sm3, content = excluded.content",
    )
    .bind(&record.id)
    .bind(word(paper)?)
    .bind(format)
    .bind(content.len() as i64)
    .bind(&receipt.sm3)
    .bind(content)
    .execute(turn.db())
    .await?;
    if record.kind == OrderKind::SealChange {
        seal::amended(turn, &mut record).await?;
    }
    Ok(receipt)
}

fn wrong_format(paper: Paper) -> Refusal {
    match paper {
        Paper::CommitmentVideo => {
            refuse(ProblemType::PaperFormat).detail("The video must be an MP4 file.", "承诺视频应为MP4格式")
        }
        Paper::SignedApplication => refuse(ProblemType::PaperFormat)
            .detail("The application form must be a PDF or a picture.", "申请表应为PDF或图片格式"),
        _ => refuse(ProblemType::PaperFormat),
    }
}

/// The media type of a file that is whole and in a format that the paper may have.
fn checked(profile: &Profile, paper: Paper, content: &[u8]) -> Answer<&'static str> {
    let wizard = profile.wizard.as_ref().filter(|_| paper == Paper::CommitmentVideo);
    let most = wizard.map_or(profile.upload.max_bytes, |wizard| wizard.video_max_bytes);
    if content.len() as u64 > most {
        return Err(refuse(ProblemType::TooLarge));
    }
    let listed = |format: &str| match paper {
        Paper::CommitmentVideo => format == attachment::MP4,
        Paper::SignedApplication if format == attachment::PDF => true,
        _ => profile.upload.formats.iter().any(|known| known == format),
    };
    match attachment::told(content) {
        _ if content.is_empty() => Err(refuse(ProblemType::PaperEmpty)),
        Told::Whole(format) | Told::Cut(format) | Told::Damaged(format) if !listed(format) => {
            Err(wrong_format(paper))
        }
        Told::Cut(_) => Err(refuse(ProblemType::PaperTruncated)),
        Told::Damaged(_) => Err(refuse(ProblemType::PaperDamaged)),
        Told::Unknown => Err(wrong_format(paper)),
        Told::Whole(format) => Ok(format),
    }
}

/// The papers that an order wants.
fn wanted<'h>(turn: &Turn<'h>, record: &Record) -> &'h [Paper] {
    match &record.details.seal {
        Some(plan) if !plan.change.wants_picture() => &[],
        // What its holder does alone wants no papers.
        _ if record.kind.rewrites_key() && !record.details.reviewed => &[],
        _ => turn.hall.profile().papers(record.kind, record.subject.kind),
    }
}

/// The file of a paper, for the order's owner or a desk: media type and content.
pub(crate) async fn read(turn: &mut Turn<'_>, id: &str, paper: Paper) -> Answer<(String, Vec<u8>)> {
    let record = turn.readable_order(id).await?;
    turn.paper(&record.id, paper).await
}

impl Turn<'_> {
    /// A paper of an order: media type and content.
    pub(crate) async fn paper(&mut self, order: &str, paper: Paper) -> Answer<(String, Vec<u8>)> {
        let row = sql::query("SELECT format, content FROM papers WHERE order_id = $1 AND paper = $2")
            .bind(order)
            .bind(word(paper)?)
            .fetch_optional(self.db())
            .await?;
        let row = row.ok_or_else(|| refuse(ProblemType::NotFound))?;
        Ok((row.try_get("format")?, row.try_get("content")?))
    }

    /// The papers that an order wants, with those received.
    pub(crate) async fn papers(&mut self, record: &Record) -> Answer<Vec<PaperView>> {
        let rows = sql::query("SELECT paper, format, size, sm3 FROM papers WHERE order_id = $1")
            .bind(&record.id)
            .fetch_all(self.db())
            .await?;
        let mut received = Vec::new();
        for row in rows {
            received.push(PaperReceipt {
                paper: read_word(row.try_get("paper")?)?,
                format: row.try_get("format")?,
                size: row.try_get::<i64>("size")?.unsigned_abs(),
                sm3: row.try_get("sm3")?,
            });
        }
        let wanted = wanted(self, record);
        Ok(wanted
            .iter()
            .map(|&paper| PaperView { paper, received: received.iter().find(|r| r.paper == paper).cloned() })
            .collect())
    }

    /// Refuses unless every wanted paper was received.
    pub(crate) async fn demand_papers(&mut self, record: &Record) -> Answer<()> {
        let papers = self.papers(record).await?;
        let missing: Vec<FieldFault> = papers
            .iter()
            .filter(|paper| paper.received.is_none())
            .map(|paper| {
                let detail_zh = format!("请上传{}", paper.paper.zh());
                Ok(FieldFault { field: word(paper.paper)?, detail: "missing".into(), detail_zh })
            })
            .collect::<Answer<_>>()?;
        if missing.is_empty() { Ok(()) } else { Err(refuse(ProblemType::PaperMissing).fields(missing)) }
    }
}
