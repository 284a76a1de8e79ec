//! 查询 by number and code: orders (V-06), and certificates whose key is lost.
//!
//! The hall answers alike whether it knows the number or not; what is found comes with tokens to go on with it.

use ukey_hall::api::{HeldCertificates, QueriedOrder, QueryOpened, QueryRequest};

use crate::{Client, FlowError};

/// A query that waits for its code.
#[derive(Clone, Debug)]
pub struct Query {
    client: Client,
    opened: QueryOpened,
}

impl Query {
    /// 订单查询, 发送验证码: the code goes to the phone on record.
    ///
    /// # Errors
    /// A number that cannot be one; codes asked for too often.
    pub fn of_orders(client: &Client, request: &QueryRequest) -> Result<Self, FlowError> {
        Ok(Self { client: client.clone(), opened: client.query_orders(request)? })
    }

    /// 证件号码查询 of a reissue or revocation, 发送验证码.
    ///
    /// # Errors
    /// As [`Query::of_orders`].
    pub fn of_certificates(client: &Client, request: &QueryRequest) -> Result<Self, FlowError> {
        Ok(Self { client: client.clone(), opened: client.query_certificates(request)? })
    }

    /// How long the code holds, and when another may be asked for.
    #[must_use]
    pub fn opened(&self) -> &QueryOpened {
        &self.opened
    }

    /// 确认: the orders.
    pub fn orders(&self, code: &str) -> Result<Vec<QueriedOrder>, FlowError> {
        self.client.queried_orders(&self.opened.query, code)
    }

    /// 确定: the certificates.
    pub fn certificates(&self, code: &str) -> Result<HeldCertificates, FlowError> {
        self.client.queried_certificates(&self.opened.query, code)
    }
}
