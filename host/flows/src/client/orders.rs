//! Orders: form, identity, papers, consent, payment, invoice.

use super::{Client, Result, paper_name, segment};
use ukey_hall::api::{
    CodeEntry, CodeSent, EnrolForm, Enrolment, IdentityCheck, Invoice, InvoiceForm, Order, Paper,
    PaperReceipt, Payment, PaymentRequest, Placed, Secret,
};

fn path(order: &str, rest: &str) -> String {
    format!("/api/orders/{}{rest}", segment(order))
}

impl Client {
    /// Places an enrolment.
    pub fn enrol(&self, enrolment: &Enrolment, session: Option<&Secret>) -> Result<Placed> {
        self.post("/api/enrolments", session, enrolment)
    }

    /// Reads an order.
    pub fn order(&self, order: &str, token: &Secret) -> Result<Order> {
        self.get(&path(order, ""), Some(token))
    }

    /// 返回修改.
    pub fn amend(&self, order: &str, token: &Secret, form: &EnrolForm) -> Result<Order> {
        self.put(&path(order, "/form"), Some(token), form)
    }

    /// Has the identity checked in one of the ways.
    pub fn check_identity(&self, order: &str, token: &Secret, check: &IdentityCheck) -> Result<Order> {
        self.post(&path(order, "/identity"), Some(token), check)
    }

    /// 确认订单.
    pub fn confirm_order(&self, order: &str, token: &Secret) -> Result<Order> {
        self.post_nothing(&path(order, "/confirm"), Some(token))
    }

    /// Uploads a paper.
    pub fn upload(&self, order: &str, token: &Secret, paper: Paper, file: &[u8]) -> Result<PaperReceipt> {
        self.put_bytes(&path(order, &format!("/papers/{}", paper_name(paper))), Some(token), file)
    }

    /// The file of a paper, for the order's owner or a desk.
    pub fn paper_file(&self, order: &str, token: &Secret, paper: Paper) -> Result<Vec<u8>> {
        self.get_bytes(&path(order, &format!("/papers/{}", paper_name(paper))), Some(token))
    }

    /// 确认申请: the consent code goes to the handler.
    pub fn submit(&self, order: &str, token: &Secret) -> Result<Order> {
        self.post_nothing(&path(order, "/submit"), Some(token))
    }

    /// Sends the consent code again.
    pub fn consent_code(&self, order: &str, token: &Secret) -> Result<CodeSent> {
        self.post_nothing(&path(order, "/consent/code"), Some(token))
    }

    /// 签名验证.
    pub fn consent(&self, order: &str, token: &Secret, code: &str) -> Result<Order> {
        self.post(&path(order, "/consent"), Some(token), &CodeEntry { code: code.into() })
    }

    /// 提交并支付: opens a payment at the provider.
    pub fn open_payment(&self, order: &str, token: &Secret, request: &PaymentRequest) -> Result<Payment> {
        self.post(&path(order, "/payment"), Some(token), request)
    }

    /// The latest payment.
    pub fn payment(&self, order: &str, token: &Secret) -> Result<Payment> {
        self.get(&path(order, "/payment"), Some(token))
    }

    /// Saves the e-invoice form.
    pub fn save_invoice(&self, order: &str, token: &Secret, form: &InvoiceForm) -> Result<Invoice> {
        self.put(&path(order, "/invoice"), Some(token), form)
    }

    /// The e-invoice.
    pub fn invoice(&self, order: &str, token: &Secret) -> Result<Invoice> {
        self.get(&path(order, "/invoice"), Some(token))
    }

    /// The e-invoice's document.
    pub fn invoice_document(&self, order: &str, token: &Secret) -> Result<Vec<u8>> {
        self.get_bytes(&path(order, "/invoice/document"), Some(token))
    }

    /// 申请表: the filled application form, PDF.
    pub fn application(&self, order: &str, token: &Secret) -> Result<Vec<u8>> {
        self.get_bytes(&path(order, "/application"), Some(token))
    }

    /// 签收.
    pub fn received(&self, order: &str, token: &Secret) -> Result<Order> {
        self.post_nothing(&path(order, "/received"), Some(token))
    }

    /// Cancels an order.
    pub fn cancel(&self, order: &str, token: &Secret) -> Result<Order> {
        self.post_nothing(&path(order, "/cancel"), Some(token))
    }
}
