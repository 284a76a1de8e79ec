//! The filled application form (E-22): to be printed, signed or stamped, and uploaded.
//!
//! Guarantees: every field of the form is on it, and the SM3 of the very form; it follows from the order alone.

use super::{font::Typeface, sheet::Sheet};
use crate::{
    api::{Contact, EnrolForm},
    order::{enrol, record::Record},
    problem::Answer,
};

/// The application form of an order.
pub(crate) fn application(face: &Typeface, authority: &str, record: &Record) -> Answer<Vec<u8>> {
    let form = record.form()?;
    let mut sheet = Sheet::new(face, "数字证书申请表", record.created_at)?;
    sheet.row("受理机构", authority);
    sheet.row("业务类型", record.kind.zh());
    sheet.row("申请编号", &record.id);
    sheet.row("申请日期", &crate::clock::date(record.created_at).to_string());
    match form {
        EnrolForm::Unit(unit) => {
            sheet.heading("单位信息");
            sheet.row("单位名称", &unit.name);
            sheet.row("统一社会信用代码", &unit.credit_code);
            if let Some(registration) = &unit.registration {
                sheet.row("单位类型", &registration.kind);
                sheet.row("所属地区", &registration.region);
                sheet.row("注册地址", &registration.address);
                sheet.row("邮政编码", &registration.postcode);
            }
            sheet.row("法定代表人", &unit.legal_person);
            sheet.row("法定代表人身份证号", &unit.legal_person_id);
            sheet.row("通讯地址", &unit.address);
            contact(&mut sheet, "经办人信息", &unit.handler);
        }
        EnrolForm::Person(person) => {
            contact(&mut sheet, "持有人信息", &person.holder);
            sheet.row("通讯地址", &person.address);
        }
    }
    sheet.heading("申请信息摘要（SM3）");
    sheet.paragraph(&enrol::digest(form)?);
    let signed = match form {
        EnrolForm::Unit(_) => ["申请单位声明：以上信息真实、准确，并同意数字证书服务协议。", "单位盖章：　　　　　　　　法定代表人签字：　　　　　　　　日期："],
        EnrolForm::Person(_) => ["申请人声明：以上信息真实、准确，并同意数字证书服务协议。", "申请人签字：　　　　　　　　日期："],
    };
    sheet.signature(&signed, 110.0);
    sheet.finish()
}

fn contact(sheet: &mut Sheet<'_>, heading: &str, contact: &Contact) {
    sheet.heading(heading);
    sheet.row("姓名", &contact.name);
    sheet.row("身份证号", &contact.id_number);
    sheet.row("手机号", &contact.phone);
    sheet.row("电子邮箱", &contact.email);
}
