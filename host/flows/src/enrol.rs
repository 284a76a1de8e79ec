//! 在线新办 (E-01 to E-13, P-01 to P-05): an order from the form to the posted key.

use ukey_hall::api::{
    CodeSent, EnrolForm, Enrolment, IdentityCheck, Invoice, InvoiceForm, Order, OrderState, Paper,
    PaperReceipt, Payment, PaymentRequest, QueriedOrder, Secret,
};

use crate::{Client, FlowError};

/// What an enrolment waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// An identity check.
    CheckIdentity,
    /// 确认订单 or 返回修改.
    Confirm,
    /// Papers, then 确认申请.
    UploadPapers,
    /// 签名验证: the handler's code.
    Consent,
    /// The payment.
    Pay,
    /// The authority: review, production, post.
    Wait,
    /// To be corrected and submitted again.
    Correct,
    /// The posted key: receive it.
    Receive,
    /// Nothing any more.
    Done,
}

/// An enrolment as its applicant holds it.
#[derive(Clone, Debug)]
pub struct Enrolling {
    client: Client,
    token: Secret,
    order: Order,
}

impl Enrolling {
    /// Places the order.
    ///
    /// # Errors
    /// The hall's refusal, which names the fields at fault.
    pub fn place(client: &Client, form: EnrolForm) -> Result<Self, FlowError> {
        Self::place_in(client, None, form)
    }

    /// Places the order in a channel (渠道); without one, in the hall's first.
    ///
    /// # Errors
    /// As [`Enrolling::place`].
    pub fn place_in(client: &Client, channel: Option<&str>, form: EnrolForm) -> Result<Self, FlowError> {
        let placed = client.enrol(&Enrolment { channel: channel.map(str::to_owned), form }, None)?;
        Ok(Self { client: client.clone(), token: placed.token, order: placed.order })
    }

    /// Goes on with an order that a query found (G-12).
    #[must_use]
    pub fn resume(client: &Client, found: QueriedOrder) -> Self {
        Self { client: client.clone(), token: found.token, order: found.order }
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

    /// Looks at the order again.
    pub fn refresh(&mut self) -> Result<&Order, FlowError> {
        self.order = self.client.order(&self.order.id, &self.token)?;
        Ok(&self.order)
    }

    /// What is to be done next.
    #[must_use]
    pub fn step(&self) -> Step {
        match self.order.state {
            OrderState::Draft => Step::CheckIdentity,
            OrderState::Identified => Step::Confirm,
            OrderState::Confirmed => Step::UploadPapers,
            OrderState::Submitted => Step::Consent,
            OrderState::Unpaid => Step::Pay,
            OrderState::InReview | OrderState::Passed | OrderState::InProduction | OrderState::Issued => {
                Step::Wait
            }
            OrderState::Returned => Step::Correct,
            OrderState::Posted => Step::Receive,
            _ => Step::Done,
        }
    }

    /// Has the identity checked; the certificate password will take the same way.
    pub fn check_identity(&mut self, check: &IdentityCheck) -> Result<(), FlowError> {
        self.order = self.client.check_identity(&self.order.id, &self.token, check)?;
        Ok(())
    }

    /// 返回修改: the form anew.
    pub fn amend(&mut self, form: &EnrolForm) -> Result<(), FlowError> {
        self.order = self.client.amend(&self.order.id, &self.token, form)?;
        Ok(())
    }

    /// 确认订单.
    pub fn confirm(&mut self) -> Result<(), FlowError> {
        self.order = self.client.confirm_order(&self.order.id, &self.token)?;
        Ok(())
    }

    /// Uploads a paper.
    pub fn upload(&mut self, paper: Paper, file: &[u8]) -> Result<PaperReceipt, FlowError> {
        let receipt = self.client.upload(&self.order.id, &self.token, paper, file)?;
        self.refresh()?;
        Ok(receipt)
    }

    /// The papers that are still missing.
    #[must_use]
    pub fn missing_papers(&self) -> Vec<Paper> {
        self.order.papers.iter().filter(|paper| paper.received.is_none()).map(|paper| paper.paper).collect()
    }

    /// 确认申请: the consent code goes to the handler.
    pub fn submit(&mut self) -> Result<(), FlowError> {
        self.order = self.client.submit(&self.order.id, &self.token)?;
        Ok(())
    }

    /// Asks for the consent code again.
    pub fn resend_consent(&mut self) -> Result<CodeSent, FlowError> {
        self.client.consent_code(&self.order.id, &self.token)
    }

    /// 签名验证.
    pub fn consent(&mut self, code: &str) -> Result<(), FlowError> {
        self.order = self.client.consent(&self.order.id, &self.token, code)?;
        Ok(())
    }

    /// Saves the e-invoice form.
    pub fn save_invoice(&mut self, form: &InvoiceForm) -> Result<Invoice, FlowError> {
        let invoice = self.client.save_invoice(&self.order.id, &self.token, form)?;
        self.refresh()?;
        Ok(invoice)
    }

    /// 提交并支付: opens a payment at the provider's page.
    pub fn pay(&mut self, way: &str, agreed: bool) -> Result<Payment, FlowError> {
        let request = PaymentRequest { way: way.to_owned(), agreed };
        self.client.open_payment(&self.order.id, &self.token, &request)
    }

    /// 签收: the key has arrived.
    pub fn receive(&mut self) -> Result<(), FlowError> {
        self.order = self.client.received(&self.order.id, &self.token)?;
        Ok(())
    }

    /// Cancels the order.
    pub fn cancel(&mut self) -> Result<(), FlowError> {
        self.order = self.client.cancel(&self.order.id, &self.token)?;
        Ok(())
    }
}
