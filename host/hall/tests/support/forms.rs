//! Who applies, and what they fill in.

use ukey_hall::api::*;

pub const UNIT_CODE: &str = "91000000MA0000001R";
pub const HANDLER_PHONE: &str = "13800001111";
pub const LEGAL_PHONE: &str = "13900002222";
pub const HOLDER_PHONE: &str = "13700003333";
pub const HOLDER_ID: &str = "110105199003070017";

pub fn unit_form() -> UnitForm {
    UnitForm {
        name: "示例科技有限公司".into(),
        credit_code: UNIT_CODE.into(),
        legal_person: "李四".into(),
        legal_person_id: "110105198501010020".into(),
        handler: Contact {
            name: "张三".into(),
            id_number: HOLDER_ID.into(),
            phone: HANDLER_PHONE.into(),
            email: "zhangsan@example.com".into(),
        },
        address: "示例市示例路1号".into(),
        registration: None,
    }
}

pub fn unit() -> EnrolForm {
    EnrolForm::Unit(unit_form())
}

pub fn person() -> EnrolForm {
    EnrolForm::Person(PersonForm {
        holder: Contact {
            name: "张三".into(),
            id_number: HOLDER_ID.into(),
            phone: HOLDER_PHONE.into(),
            email: "zhangsan@example.com".into(),
        },
        address: "示例市示例路2号".into(),
    })
}

pub fn legal_phone() -> IdentityCheck {
    IdentityCheck::LegalPersonPhone { phone: LEGAL_PHONE.into() }
}

pub fn holder_phone() -> IdentityCheck {
    IdentityCheck::HolderPhone { phone: HOLDER_PHONE.into() }
}

pub fn invoice_form() -> InvoiceForm {
    InvoiceForm {
        title: "示例科技有限公司".into(),
        tax_number: UNIT_CODE.into(),
        phone: HANDLER_PHONE.into(),
        email: "fapiao@example.com".into(),
        bank: None,
        address: None,
    }
}
