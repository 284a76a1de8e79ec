//! Orders that rewrite the key in hand, and 证书重装.

use super::{Client, Result, segment};
use ukey_hall::api::{
    CodeEntry, CodeSent, Download, Initialisation, IssueAnswer, KeyProof, Order, Placed, Reinstallation,
    Secret, Written,
};

fn path(order: &str, rest: &str) -> String {
    format!("/api/orders/{}{rest}", segment(order))
}

impl Client {
    /// Opens or takes up the one open renewal of a certificate; an expired one may want an account's session (L-10).
    pub fn open_renewal(&self, proof: &KeyProof, session: Option<&Secret>) -> Result<Placed> {
        self.post("/api/renewals", session, proof)
    }

    /// Opens or takes up the one open change of a certificate.
    pub fn open_change(&self, proof: &KeyProof, session: Option<&Secret>) -> Result<Placed> {
        self.post("/api/changes", session, proof)
    }

    /// 获取短信验证.
    pub fn rewrite_code(&self, order: &str, token: &Secret) -> Result<CodeSent> {
        self.post_nothing(&path(order, "/code"), Some(token))
    }

    /// 短信验证码 typed in.
    pub fn verify_rewrite_code(&self, order: &str, token: &Secret, code: &str) -> Result<Order> {
        self.post(&path(order, "/code/verify"), Some(token), &CodeEntry { code: code.into() })
    }

    /// 初始化证书 is done.
    pub fn initialised(&self, order: &str, token: &Secret, device_serial: &str) -> Result<Order> {
        let told = Initialisation { device_serial: device_serial.to_owned() };
        self.post(&path(order, "/initialised"), Some(token), &told)
    }

    /// The certificates for the key's request.
    pub fn download(&self, order: &str, token: &Secret, download: &Download) -> Result<IssueAnswer> {
        self.post(&path(order, "/download"), Some(token), download)
    }

    /// The certificates are in the key.
    pub fn written(&self, order: &str, token: &Secret, written: &Written) -> Result<Order> {
        self.post(&path(order, "/written"), Some(token), written)
    }

    /// The certificates last issued for a key.
    pub fn reinstallation(&self, reinstallation: &Reinstallation) -> Result<IssueAnswer> {
        self.post("/api/reinstallations", None, reinstallation)
    }
}
