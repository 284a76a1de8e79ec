//! The e-invoice as a page (I-02, I-10).

use super::{font::Typeface, sheet::Sheet, yuan};
use crate::{gateway::InvoiceData, problem::Answer};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What an issued invoice says: kept with the order, so that its page is the same for ever.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct InvoicePaper {
    /// Its number.
    pub number: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// What it is for.
    pub data: InvoiceData,
}

/// The page of an issued invoice.
pub(crate) fn invoice(face: &Typeface, paper: &InvoicePaper) -> Answer<Vec<u8>> {
    let InvoicePaper { number, issued_at, data } = paper;
    let mut sheet = Sheet::new(face, "电子发票（普通发票）", *issued_at)?;
    sheet.row("发票号码", number);
    sheet.row("开票日期", &data.date);
    sheet.row("订单编号", &data.order);
    sheet.heading("购买方信息");
    sheet.row("名称", &data.form.title);
    sheet.row("纳税人识别号", &data.form.tax_number);
    for (label, value) in [("开户行及账号", &data.form.bank), ("地址、电话", &data.form.address)] {
        if let Some(value) = value {
            sheet.row(label, value);
        }
    }
    sheet.heading("销售方信息");
    sheet.row("名称", &data.seller);
    sheet.row("纳税人识别号", &data.seller_tax_number);
    sheet.heading("项目");
    sheet.row("项目名称", &data.item);
    sheet.row("数量", "1");
    sheet.row("金额（元）", &yuan(data.amount_fen));
    sheet.row("价税合计（元）", &yuan(data.amount_fen));
    sheet.space(8.0);
    sheet.paragraph("本发票由模拟的开票服务开具，不作报销凭证。");
    sheet.finish()
}
