//! Enrolment of a unit and of a person (E-01 to E-13, P-01 to P-05).

use serde::{Deserialize, Serialize};

/// A new enrolment.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Enrolment {
    /// 渠道; absent: the profile's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The form.
    pub form: EnrolForm,
}

/// The form of an enrolment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum EnrolForm {
    /// 单位.
    Unit(UnitForm),
    /// 个人.
    Person(PersonForm),
}

/// 单位证书申请信息.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct UnitForm {
    /// 单位名称.
    pub name: String,
    /// 统一社会信用代码, 18 characters, check character by GB 32100.
    pub credit_code: String,
    /// 法定代表人姓名.
    pub legal_person: String,
    /// 法定代表人身份证号, 18 characters, check character by GB 11643.
    pub legal_person_id: String,
    /// 经办人.
    pub handler: Contact,
    /// 通讯地址, where the key is posted (G-13).
    pub address: String,
    /// Where and how the unit is registered: in the wizard (E-21).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<UnitRegistration>,
}

/// Where and how a unit is registered (E-21).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct UnitRegistration {
    /// 单位类型.
    pub kind: String,
    /// 所属地区.
    pub region: String,
    /// 注册地址.
    pub address: String,
    /// 邮政编码, six digits.
    pub postcode: String,
}

/// 个人证书申请信息.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct PersonForm {
    /// 持有人.
    pub holder: Contact,
    /// 通讯地址.
    pub address: String,
}

/// A person who can be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Contact {
    /// 姓名.
    pub name: String,
    /// 身份证号.
    pub id_number: String,
    /// 手机号, 11 digits.
    pub phone: String,
    /// 电子邮箱.
    pub email: String,
}

/// A way to check who applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum IdentityWay {
    /// 法人手机实名认证.
    LegalPersonPhone,
    /// 法人银行卡信息认证.
    LegalPersonBankCard,
    /// 企业对公账户打款认证.
    CompanyRemittance,
    /// 手机实名认证.
    HolderPhone,
    /// 银行卡信息认证.
    HolderBankCard,
}

/// An identity check in one of the ways; names and identity numbers are those of the form or certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "way", rename_all = "kebab-case", deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum IdentityCheck {
    /// 法人手机实名认证: password to that phone.
    LegalPersonPhone {
        /// The legal person's real-name phone.
        phone: String,
    },
    /// 法人银行卡信息认证: password to the legal person's phone.
    LegalPersonBankCard {
        /// Card number, 16 to 19 digits.
        card: String,
        /// The legal person's phone.
        phone: String,
    },
    /// 企业对公账户打款认证: password in the note of the 1-cent receipt.
    CompanyRemittance {
        /// 开户银行.
        bank: String,
        /// 对公账号, 8 to 32 digits.
        account: String,
    },
    /// 手机实名认证 of the holder.
    HolderPhone {
        /// The holder's real-name phone.
        phone: String,
    },
    /// 银行卡信息认证 of the holder: password to the phone.
    HolderBankCard {
        /// Card number, 16 to 19 digits.
        card: String,
        /// The holder's phone.
        phone: String,
    },
}

impl IdentityCheck {
    /// Which way.
    pub fn way(&self) -> IdentityWay {
        match self {
            Self::LegalPersonPhone { .. } => IdentityWay::LegalPersonPhone,
            Self::LegalPersonBankCard { .. } => IdentityWay::LegalPersonBankCard,
            Self::CompanyRemittance { .. } => IdentityWay::CompanyRemittance,
            Self::HolderPhone { .. } => IdentityWay::HolderPhone,
            Self::HolderBankCard { .. } => IdentityWay::HolderBankCard,
        }
    }
}
