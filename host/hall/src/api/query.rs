//! The order query (V-06, V-07, G-12).

use super::{Order, Secret, SubjectKind};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Order query: choose 单位/个人, type the number (V-06).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct QueryRequest {
    /// Unit or person.
    pub kind: SubjectKind,
    /// Credit code or identity number.
    pub number: String,
}

/// A query waits for its code; the answer is the same whether there are orders or not.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct QueryOpened {
    /// Name of the query, for `/api/queries/{id}/result`.
    pub query: String,
    /// How many digits the code has.
    pub length: u8,
    /// When the code runs out.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
    /// Seconds until another may be asked for.
    pub retry_after: u64,
}

/// An order found by a query, with a fresh token to go on with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct QueriedOrder {
    /// Bearer token of this order.
    pub token: Secret,
    /// The order.
    pub order: Order,
}
