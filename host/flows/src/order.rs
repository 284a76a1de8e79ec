//! An order in its applicant's hand: what can be done with it at the hall, of whatever kind it is.
//!
//! Guarantees: what was last seen of the order is kept, and never goes further than what the hall answered.
//! Refuses to know: the order of the steps, which each flow knows of its own kind; and the key.

use ukey_hall::api::{
    CodeSent, EnrolForm, IdentityCheck, Invoice, InvoiceForm, Order, Paper, PaperReceipt, Payment,
    PaymentRequest, Placed, QueriedOrder, Secret,
};

use crate::{Client, FlowError};

/// The doors of a flow to its order, which lies in its field `$hand`; `resume` too where a query finds such orders
/// (G-12).
macro_rules! order_in_hand {
    ($flow:ident, $hand:tt) => {
        impl $flow {
            /// The order.
            #[must_use]
            pub fn in_hand(&self) -> &$crate::OrderInHand {
                &self.$hand
            }

            /// The order, to go on with it.
            pub fn in_hand_mut(&mut self) -> &mut $crate::OrderInHand {
                &mut self.$hand
            }
        }
    };
    ($flow:ident, $hand:tt, resume) => {
        $crate::order::order_in_hand!($flow, $hand);

        impl $flow {
            /// Goes on with an order that a query found (G-12).
            #[must_use]
            pub fn resume(client: &$crate::Client, found: ::ukey_hall::api::QueriedOrder) -> Self {
                Self($crate::OrderInHand::found(client, found))
            }
        }
    };
}

pub(crate) use order_in_hand;

/// An order and the token that gives the right to go on with it.
#[derive(Clone, Debug)]
pub struct OrderInHand {
    client: Client,
    token: Secret,
    order: Order,
}

impl OrderInHand {
    /// An order that was placed or taken up.
    #[must_use]
    pub fn new(client: &Client, placed: Placed) -> Self {
        Self { client: client.clone(), token: placed.token, order: placed.order }
    }

    /// An order that a query found (G-12).
    #[must_use]
    pub fn found(client: &Client, found: QueriedOrder) -> Self {
        Self { client: client.clone(), token: found.token, order: found.order }
    }

    /// The hall it is at.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The order as last seen.
    #[must_use]
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// The order's bearer token.
    #[must_use]
    pub fn token(&self) -> &Secret {
        &self.token
    }

    /// Does something with the order that the hall answers with the order.
    pub(crate) fn go(
        &mut self,
        call: impl FnOnce(&Client, &str, &Secret) -> Result<Order, FlowError>,
    ) -> Result<(), FlowError> {
        self.order = call(&self.client, &self.order.id, &self.token)?;
        Ok(())
    }

    /// Does something with the order that the hall answers with something else.
    pub(crate) fn ask<T>(
        &self,
        call: impl FnOnce(&Client, &str, &Secret) -> Result<T, FlowError>,
    ) -> Result<T, FlowError> {
        call(&self.client, &self.order.id, &self.token)
    }

    /// Looks at the order again.
    pub fn refresh(&mut self) -> Result<&Order, FlowError> {
        self.go(Client::order)?;
        Ok(&self.order)
    }

    /// 返回修改: the form anew.
    pub fn amend(&mut self, form: &EnrolForm) -> Result<(), FlowError> {
        self.go(|client, order, token| client.amend(order, token, form))
    }

    /// Has the identity checked.
    pub fn check_identity(&mut self, check: &IdentityCheck) -> Result<(), FlowError> {
        self.go(|client, order, token| client.check_identity(order, token, check))
    }

    /// 确认订单.
    pub fn confirm(&mut self) -> Result<(), FlowError> {
        self.go(Client::confirm_order)
    }

    /// Every paper that the order wants.
    pub fn papers(&self) -> impl Iterator<Item = Paper> + '_ {
        self.order.papers.iter().map(|paper| paper.paper)
    }

    /// The papers that are still missing.
    pub fn missing_papers(&self) -> impl Iterator<Item = Paper> + '_ {
        self.order.papers.iter().filter(|paper| paper.received.is_none()).map(|paper| paper.paper)
    }

    /// Uploads a paper.
    pub fn upload(&mut self, paper: Paper, file: &[u8]) -> Result<PaperReceipt, FlowError> {
        let receipt = self.ask(|client, order, token| client.upload(order, token, paper, file))?;
        self.refresh()?;
        Ok(receipt)
    }

    /// 确认申请: the consent code goes to the handler, where one is wanted.
    pub fn submit(&mut self) -> Result<(), FlowError> {
        self.go(Client::submit)
    }

    /// Asks for the consent code again.
    pub fn resend_consent(&self) -> Result<CodeSent, FlowError> {
        self.ask(Client::consent_code)
    }

    /// 签名验证.
    pub fn consent(&mut self, code: &str) -> Result<(), FlowError> {
        self.go(|client, order, token| client.consent(order, token, code))
    }

    /// Saves the e-invoice form (I-03 to I-06).
    pub fn save_invoice(&mut self, form: &InvoiceForm) -> Result<Invoice, FlowError> {
        let invoice = self.ask(|client, order, token| client.save_invoice(order, token, form))?;
        self.refresh()?;
        Ok(invoice)
    }

    /// The document of the e-invoice, once it was issued.
    pub fn invoice_document(&self) -> Result<Vec<u8>, FlowError> {
        self.ask(Client::invoice_document)
    }

    /// 提交并支付: opens a payment at the provider's page.
    pub fn pay(&self, way: &str, agreed: bool) -> Result<Payment, FlowError> {
        let request = PaymentRequest { way: way.to_owned(), agreed };
        self.ask(|client, order, token| client.open_payment(order, token, &request))
    }

    /// 签收: the posted key has arrived.
    pub fn receive(&mut self) -> Result<(), FlowError> {
        self.go(Client::received)
    }

    /// Cancels the order; what was paid goes back.
    pub fn cancel(&mut self) -> Result<(), FlowError> {
        self.go(Client::cancel)
    }
}
