//! The people and the unit of the scenarios. All are invented; numbers carry valid check characters.

use ukey_flows::api::{
    Contact, EnrolForm, IdentityCheck, IdentityWay, InvoiceForm, PersonForm, UnitForm, UnitRegistration,
};

pub(crate) const UNIT: &str = "示例科技有限公司";
pub(crate) const UNIT_CODE: &str = "91000000MA0000001R";

/// 经办人张三; its first seven digits are what the assistant shows.
pub(crate) const HANDLER_PHONE: &str = "19900000001";
pub(crate) const HANDLER_MAIL: &str = "zhangsan@example.com";
/// 法定代表人李四.
pub(crate) const LEGAL_PHONE: &str = "19900000002";
/// 张三 as the holder of a personal certificate.
pub(crate) const HOLDER_PHONE: &str = "19900000003";
/// 李四 as the holder of a personal certificate.
pub(crate) const OTHER_PHONE: &str = "19900000004";
pub(crate) const INVOICE_PHONE: &str = "19900000005";
pub(crate) const INVOICE_MAIL: &str = "invoice@example.com";
/// 对公账号.
pub(crate) const ACCOUNT: &str = "1234567890123456";

const ZHANG_ID: &str = "110105199003070017";
const LI_ID: &str = "110105198501010020";
const CARD: &str = "6200000000000000001";

/// Who holds a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Holder {
    /// 示例科技有限公司.
    Unit,
    /// 张三.
    Zhang,
    /// 李四.
    Li,
}

impl Holder {
    /// The name in the certificate.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Holder::Unit => UNIT,
            Holder::Zhang => "张三",
            Holder::Li => "李四",
        }
    }

    /// Credit code or identity number.
    pub(crate) fn number(self) -> &'static str {
        match self {
            Holder::Unit => UNIT_CODE,
            Holder::Zhang => ZHANG_ID,
            Holder::Li => LI_ID,
        }
    }

    /// The phone on record: the handler's or the holder's.
    pub(crate) fn phone(self) -> &'static str {
        match self {
            Holder::Unit => HANDLER_PHONE,
            Holder::Zhang => HOLDER_PHONE,
            Holder::Li => OTHER_PHONE,
        }
    }

    /// The form, filled truthfully.
    pub(crate) fn form(self) -> EnrolForm {
        match self {
            Holder::Unit => EnrolForm::Unit(UnitForm {
                name: UNIT.into(),
                credit_code: UNIT_CODE.into(),
                legal_person: "李四".into(),
                legal_person_id: LI_ID.into(),
                handler: contact("张三", ZHANG_ID, HANDLER_PHONE, HANDLER_MAIL),
                address: "示例市示例路1号".into(),
                registration: None,
            }),
            Holder::Zhang | Holder::Li => EnrolForm::Person(PersonForm {
                holder: contact(self.name(), self.number(), self.phone(), "holder@example.com"),
                address: "示例市示例路2号".into(),
            }),
        }
    }

    /// The form as the wizard wants it.
    pub(crate) fn wizard_form(self) -> EnrolForm {
        let mut form = self.form();
        if let EnrolForm::Unit(unit) = &mut form {
            unit.registration = Some(UnitRegistration {
                kind: "企业".into(),
                region: "示例市".into(),
                address: "示例市注册路3号".into(),
                postcode: "000001".into(),
            });
        }
        form
    }

    /// The first way of an identity check for this holder.
    pub(crate) fn first_way(self) -> IdentityWay {
        match self {
            Holder::Unit => IdentityWay::LegalPersonPhone,
            Holder::Zhang | Holder::Li => IdentityWay::HolderPhone,
        }
    }

    /// An identity check with true data.
    pub(crate) fn check(self, way: IdentityWay) -> IdentityCheck {
        let (phone, card) = (self.phone().to_owned(), CARD.to_owned());
        match way {
            IdentityWay::LegalPersonPhone => IdentityCheck::LegalPersonPhone { phone: LEGAL_PHONE.into() },
            IdentityWay::LegalPersonBankCard => {
                IdentityCheck::LegalPersonBankCard { card, phone: LEGAL_PHONE.into() }
            }
            IdentityWay::CompanyRemittance => {
                IdentityCheck::CompanyRemittance { bank: "示例银行".into(), account: ACCOUNT.into() }
            }
            IdentityWay::HolderPhone => IdentityCheck::HolderPhone { phone },
            IdentityWay::HolderBankCard => IdentityCheck::HolderBankCard { card, phone },
        }
    }
}

fn contact(name: &str, id_number: &str, phone: &str, email: &str) -> Contact {
    Contact { name: name.into(), id_number: id_number.into(), phone: phone.into(), email: email.into() }
}

/// Where the check's way sends a password or an authorisation code.
pub(crate) fn recipient(check: &IdentityCheck) -> &str {
    match check {
        IdentityCheck::LegalPersonPhone { phone }
        | IdentityCheck::LegalPersonBankCard { phone, .. }
        | IdentityCheck::HolderPhone { phone }
        | IdentityCheck::HolderBankCard { phone, .. } => phone,
        IdentityCheck::CompanyRemittance { account, .. } => account,
    }
}

/// The e-invoice form of the unit.
pub(crate) fn invoice() -> InvoiceForm {
    InvoiceForm {
        title: UNIT.into(),
        tax_number: UNIT_CODE.into(),
        phone: INVOICE_PHONE.into(),
        email: INVOICE_MAIL.into(),
        bank: None,
        address: None,
    }
}
