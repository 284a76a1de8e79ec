//! Unlock orders.

use super::{Client, Result, segment};
use ukey_hall::api::{
    CardChallenge, CodeEntry, CodeSent, Confirmation, IdentityCheck, Order, PhoneEntry, Placed, Secret,
    UnblockAnswer, UnlockRequest,
};

fn path(order: &str, rest: &str) -> String {
    format!("/api/unlocks/{}{rest}", segment(order))
}

impl Client {
    /// Opens or takes up the one open unlock order of a certificate.
    pub fn open_unlock(&self, request: &UnlockRequest) -> Result<Placed> {
        self.post("/api/unlocks", None, request)
    }

    /// 获取短信验证码.
    pub fn unlock_code(&self, order: &str, token: &Secret, entry: &PhoneEntry) -> Result<CodeSent> {
        self.post(&path(order, "/code"), Some(token), entry)
    }

    /// 短信验证码 typed in.
    pub fn verify_unlock_code(&self, order: &str, token: &Secret, code: &str) -> Result<Order> {
        self.post(&path(order, "/code/verify"), Some(token), &CodeEntry { code: code.into() })
    }

    /// Identity check: the authorisation code is sent.
    pub fn unlock_identity(&self, order: &str, token: &Secret, check: &IdentityCheck) -> Result<CodeSent> {
        self.post(&path(order, "/identity"), Some(token), check)
    }

    /// 解锁授权码 typed in.
    pub fn unlock_authorisation(&self, order: &str, token: &Secret, code: &str) -> Result<Order> {
        self.post(&path(order, "/authorisation"), Some(token), &CodeEntry { code: code.into() })
    }

    /// 确认上传: the papers are complete; the unlock code comes.
    pub fn send_unlock_papers(&self, order: &str, token: &Secret) -> Result<Order> {
        self.post_nothing(&path(order, "/papers"), Some(token))
    }

    /// 认证: whether the call centre has approved the unlock code.
    pub fn authenticate_unlock(&self, order: &str, token: &Secret, code: &str) -> Result<Order> {
        self.post(&path(order, "/authenticate"), Some(token), &CodeEntry { code: code.into() })
    }

    /// What UnblockPin needs for the key's challenge.
    pub fn unblock(&self, order: &str, token: &Secret, challenge: &CardChallenge) -> Result<UnblockAnswer> {
        self.post(&path(order, "/cryptogram"), Some(token), challenge)
    }

    /// Proves that the key works again.
    pub fn confirm_unlock(&self, order: &str, token: &Secret, confirmation: &Confirmation) -> Result<Order> {
        self.post(&path(order, "/confirm"), Some(token), confirmation)
    }
}
