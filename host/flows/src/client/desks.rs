//! The desks: review, call centre, production, audit.

use super::{Client, Result, segment};
use ukey_hall::api::{
    AuditPage, AuditVerification, CallDecision, CodeEntry, IssueAnswer, IssueRequest, Order, OrderSummary,
    Personalisation, ProductionFinish, ProductionJob, ProductionStart, ReviewDecision, Secret,
};

impl Client {
    /// The orders that wait for a review.
    pub fn reviews(&self, desk: &Secret) -> Result<Vec<OrderSummary>> {
        self.get("/api/desk/review/orders", Some(desk))
    }

    /// An order under review.
    pub fn review(&self, desk: &Secret, order: &str) -> Result<Order> {
        self.get(&format!("/api/desk/review/orders/{}", segment(order)), Some(desk))
    }

    /// A reviewer's decision.
    pub fn decide(&self, desk: &Secret, order: &str, decision: &ReviewDecision) -> Result<Order> {
        self.post(&format!("/api/desk/review/orders/{}/decision", segment(order)), Some(desk), decision)
    }

    /// The order of an unlock code that a caller reads out.
    pub fn call(&self, desk: &Secret, code: &str) -> Result<Order> {
        self.post("/api/desk/call/lookup", Some(desk), &CodeEntry { code: code.into() })
    }

    /// The call centre's decision.
    pub fn decide_call(&self, desk: &Secret, decision: &CallDecision) -> Result<Order> {
        self.post("/api/desk/call/decision", Some(desk), decision)
    }

    /// The keys to be made.
    pub fn jobs(&self, desk: &Secret) -> Result<Vec<ProductionJob>> {
        self.get("/api/desk/production/jobs", Some(desk))
    }

    /// Takes a blank key for a job.
    pub fn start_job(&self, desk: &Secret, order: &str, start: &ProductionStart) -> Result<Personalisation> {
        self.post(&format!("/api/desk/production/jobs/{}/start", segment(order)), Some(desk), start)
    }

    /// Has the certificate pair issued.
    pub fn issue(&self, desk: &Secret, order: &str, request: &IssueRequest) -> Result<IssueAnswer> {
        self.post(&format!("/api/desk/production/jobs/{}/issue", segment(order)), Some(desk), request)
    }

    /// The key is made.
    pub fn finish_job(&self, desk: &Secret, order: &str, finish: &ProductionFinish) -> Result<ProductionJob> {
        self.post(&format!("/api/desk/production/jobs/{}/finish", segment(order)), Some(desk), finish)
    }

    /// The rows of the audit log after a place.
    pub fn audit(&self, desk: &Secret, after: u64) -> Result<AuditPage> {
        self.get(&format!("/api/desk/audit?after={after}"), Some(desk))
    }

    /// Whether the audit log is as it was written.
    pub fn verify_audit(&self, desk: &Secret) -> Result<AuditVerification> {
        self.get("/api/desk/audit/verification", Some(desk))
    }
}
