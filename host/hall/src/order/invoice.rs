//! E-invoices (I-02 to I-07, I-10).
//!
//! Guarantees: the form can be changed until the order is paid; an invoice is issued once, for what was paid, within the
//! profile's working days; its page says for ever what was issued.

use super::record::{Record, moment};
use crate::{
    api::{Invoice, InvoiceForm, MessageKind, OrderState, Payment, PaymentState, ProblemType},
    checks::{self, Faults},
    clock,
    document::{self, InvoicePaper},
    gateway::InvoiceData,
    outbox::{Attached, NewMessage, fill},
    problem::{Answer, refuse, refuse_faults},
    rights::Right,
    turn::Turn,
};
use crate::sql::{self, Row};

/// Whether the form may be changed: until the order is paid, which for a remittance is when it is submitted.
fn is_editable(record: &Record, payment: Option<&Payment>) -> bool {
    let before_payment = matches!(
        record.state,
        OrderState::Draft
            | OrderState::Identified
            | OrderState::Confirmed
            | OrderState::Submitted
            | OrderState::Unpaid
            | OrderState::Returned
    );
    before_payment && payment.is_none_or(|payment| payment.state != PaymentState::Paid)
}

/// Saves the form (I-05, I-06).
pub(crate) async fn save(turn: &mut Turn<'_>, id: &str, mut form: InvoiceForm) -> Answer<Invoice> {
    let record = turn.own_order(id, Right::UseOwnOrder).await?;
    if !is_editable(&record, turn.payment(&record.id).await?.as_ref()) {
        return Err(record.wrong_state());
    }
    for text in [&mut form.title, &mut form.tax_number, &mut form.phone, &mut form.email] {
        *text = text.trim().to_owned();
    }
    refuse_faults(faults(&form))?;
    super::reissue::demand_same_title(&record, &form.title)?;
    sql::query(
        "INSERT INTO invoices (order_id, form) VALUES ($1, $2) \
         ON CONFLICT (order_id) DO UPDATE SET form = excluded.form",
    )
    .bind(&record.id)
    .bind(serde_json::to_string(&form)?)
    .execute(turn.db())
    .await?;
    turn.invoice(&record).await?.ok_or_else(|| refuse(ProblemType::NotFound))
}

/// The invoice of an order.
pub(crate) async fn read(turn: &mut Turn<'_>, id: &str) -> Answer<Invoice> {
    let record = turn.own_order(id, Right::WholeOrder).await?;
    turn.invoice(&record).await?.ok_or_else(|| refuse(ProblemType::NotFound))
}

/// The document, PDF.
pub(crate) async fn document(turn: &mut Turn<'_>, id: &str) -> Answer<Vec<u8>> {
    let record = turn.readable_order(id).await?;
    let row = sql::query("SELECT document FROM invoices WHERE order_id = $1")
        .bind(&record.id)
        .fetch_optional(turn.db())
        .await?;
    let row = row.ok_or_else(|| refuse(ProblemType::NotFound))?;
    let paper: Option<String> = row.try_get("document")?;
    let paper = paper.ok_or_else(|| refuse(ProblemType::InvoiceNotIssued))?;
    document::invoice(turn.hall.typeface()?, &serde_json::from_str(&paper)?)
}

/// The orders whose invoices are due.
pub(crate) async fn due(turn: &mut Turn<'_>) -> Answer<Vec<String>> {
    let due = sql::query(
        "SELECT order_id FROM invoices WHERE issued_at IS NULL AND due_at <= $1 ORDER BY due_at, order_id",
    )
    .bind(turn.now.as_second())
    .fetch_all(turn.db())
    .await?;
    due.iter().map(|row| Ok(row.try_get("order_id")?)).collect()
}

/// Issues the invoice of an order, unless that was done meanwhile.
pub(crate) async fn issue(turn: &mut Turn<'_>, order: &str) -> Answer<()> {
    let record = turn.order(order).await?;
    let invoice = turn.invoice(&record).await?.filter(|invoice| invoice.issued_at.is_none());
    let Some(invoice) = invoice else { return Ok(()) };
    let profile = turn.hall.profile();
    let data = InvoiceData {
        order: record.id.clone(),
        form: invoice.form.clone(),
        item: super::payment::fee(&record).item,
        amount_fen: record.price_fen,
        seller: profile.invoice.seller.clone(),
        seller_tax_number: profile.invoice.seller_tax_number.clone(),
        date: clock::date(turn.now).to_string(),
    };
    let issued = turn.hall.gateways().invoices.issue(&data).await?;
    let paper = InvoicePaper { number: issued.number.clone(), issued_at: turn.now, data };
    sql::query("UPDATE invoices SET number = $1, document = $2, issued_at = $3 WHERE order_id = $4")
        .bind(&issued.number)
        .bind(serde_json::to_string(&paper)?)
        .bind(turn.now.as_second())
        .bind(&record.id)
        .execute(turn.db())
        .await?;
    turn.audit("hall", &format!("invoice/{}", issued.number), "issued", &format!("order/{order}")).await?;
    let text = fill(&turn.hall.profile().wording.invoice, &[("order", &record.id)]);
    let message = |kind, recipient, text| NewMessage { kind, recipient, topic: "invoice", text, code: None, order: Some(order) };
    turn.send(message(MessageKind::Sms, &invoice.form.phone, text.clone())).await?;
    // Without a font the mail goes without its file; the page can be fetched once there is one.
    let attached = match turn.hall.font() {
        Some(face) => Some(Attached {
            name: format!("{}.pdf", issued.number),
            format: "application/pdf".into(),
            content: document::invoice(face, &paper)?.into(),
        }),
        None => None,
    };
    let text = format!("{text}\n发票号码：{}", issued.number);
    turn.send_with(message(MessageKind::Mail, &invoice.form.email, text), attached).await
}

fn faults(form: &InvoiceForm) -> Vec<crate::api::FieldFault> {
    let mut faults = Faults::default();
    let tax = |number: &str| {
        (15..=20).contains(&number.len())
            && number.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
    };
    let short = |text: &Option<String>| text.as_ref().is_none_or(|text| checks::is_text(text, 100));
    faults.unless(checks::is_text(&form.title, 100), "title", "missing or too long", "请填写开票名称");
    faults.unless(tax(&form.tax_number), "tax_number", "not a taxpayer number", "开票税号格式不正确");
    faults.unless(checks::is_mobile(&form.phone), "phone", "not a mobile number", "手机号格式不正确");
    faults.unless(checks::is_mail(&form.email), "email", "not a mail address", "邮箱格式不正确");
    faults.unless(short(&form.bank), "bank", "blank or too long", "开户行信息不正确");
    faults.unless(short(&form.address), "address", "blank or too long", "单位地址信息不正确");
    faults.0
}

impl Turn<'_> {
    /// The invoice of an order, if a form was saved.
    pub(crate) async fn invoice(&mut self, record: &Record) -> Answer<Option<Invoice>> {
        let row = sql::query("SELECT * FROM invoices WHERE order_id = $1")
            .bind(&record.id)
            .fetch_optional(self.db())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let payment = self.payment(&record.id).await?;
        let read = |row: &Row| -> Answer<Invoice> {
            let due_at: Option<i64> = row.try_get("due_at")?;
            Ok(Invoice {
                form: serde_json::from_str(row.try_get("form")?)?,
                editable: is_editable(record, payment.as_ref()),
                due_at: due_at.map(moment),
                number: row.try_get("number")?,
                issued_at: row.try_get::<Option<i64>>("issued_at")?.map(moment),
            })
        };
        read(&row).map(Some)
    }

    /// Once paid, the invoice will be issued when it is due.
    pub(crate) async fn schedule_invoice(&mut self, record: &Record) -> Answer<()> {
        if record.price_fen == 0 {
            return Ok(());
        }
        let profile = self.hall.profile();
        let due = profile.calendar.due(self.now, profile.invoice.working_days);
        sql::query("UPDATE invoices SET due_at = $1 WHERE order_id = $2 AND due_at IS NULL")
            .bind(due.as_second())
            .bind(&record.id)
            .execute(self.db())
            .await?;
        Ok(())
    }
}
