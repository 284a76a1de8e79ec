//! 查询服务 (V-03): the state of an application by any two of its fields.

use super::{OrderKind, OrderState};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What is known of an application; at least two fields, blank ones do not count.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct StatusQuery {
    /// Order number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// Name of the unit or person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Credit code or identity number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The phone of the handler or holder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// An application, as much as is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ApplicationStatus {
    /// Kind.
    pub kind: OrderKind,
    /// Kind, in Chinese.
    pub kind_zh: String,
    /// State.
    pub state: OrderState,
    /// State, in Chinese.
    pub state_zh: String,
    /// The business date of its last change.
    #[cfg_attr(feature = "server", schema(value_type = String, format = Date))]
    pub date: Date,
}
