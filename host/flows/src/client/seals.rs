//! Seal changes, and what a business system asks about stamps.

use super::{Client, Result, segment};
use ukey_hall::api::{
    Order, Placed, SealAnswer, SealChangeRequest, SealsView, SealsWritten, Secret, StampCheck, StampVerdict,
    StampingRequest, StampingRight,
};

fn path(order: &str, rest: &str) -> String {
    format!("/api/seals/changes/{}{rest}", segment(order))
}

impl Client {
    /// The seals of the key that is logged in, and the changes under way.
    pub fn seals(&self, session: &Secret) -> Result<SealsView> {
        self.get("/api/seals", Some(session))
    }

    /// 选择变更类型: places a change, or takes up the open one.
    pub fn change_seal(&self, session: &Secret, request: &SealChangeRequest) -> Result<Placed> {
        self.post("/api/seals/changes", Some(session), request)
    }

    /// 采集印章 on the portal.
    pub fn collect_seal(&self, session: &Secret, request: &SealChangeRequest) -> Result<Placed> {
        self.post("/api/seals/collections", Some(session), request)
    }

    /// What the key is to write and to drop.
    pub fn made_seal(&self, order: &str, token: &Secret) -> Result<SealAnswer> {
        self.post_nothing(&path(order, "/seal"), Some(token))
    }

    /// Tells, signed by the key, which seals it holds.
    pub fn confirm_seals(&self, order: &str, token: &Secret, written: &SealsWritten) -> Result<Order> {
        self.post(&path(order, "/confirm"), Some(token), written)
    }

    /// Whether the holder of a certificate may stamp, as a business system asks.
    pub fn stamping_permission(&self, request: &StampingRequest) -> Result<StampingRight> {
        self.post("/api/stamping/permission", None, request)
    }

    /// Whether a stamp is good, as a business system asks.
    pub fn verify_stamp(&self, check: &StampCheck) -> Result<StampVerdict> {
        self.post("/api/stamping/verify", None, check)
    }
}
