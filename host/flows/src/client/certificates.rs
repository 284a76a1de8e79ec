//! Certificates whose key is not in hand or no longer wanted: query, reissue, revocation, what is published of it.

use super::{Client, Result, segment};
use ukey_hall::api::{
    ApplicationStatus, CodeEntry, CodeSent, HeldCertificates, IdentityCheck, Order, Placed, QueryOpened,
    QueryRequest, ReissueGuide, ReissueRequest, RevocationConfirmation, RevocationNotices, RevocationRequest,
    RevocationSignature, Secret, StatusQuery,
};

fn path(order: &str, rest: &str) -> String {
    format!("/api/revocations/{}{rest}", segment(order))
}

impl Client {
    /// 查询服务: the state of an application by any two of its fields (V-03).
    pub fn application_status(&self, query: &StatusQuery) -> Result<Vec<ApplicationStatus>> {
        self.post("/api/status-queries", None, query)
    }

    /// 证件号码查询: a code goes to the phone on record of the number's certificates.
    pub fn query_certificates(&self, request: &QueryRequest) -> Result<QueryOpened> {
        self.post("/api/certificate-queries", None, request)
    }

    /// The certificates of a query, and a token to go on with one of them.
    pub fn queried_certificates(&self, query: &str, code: &str) -> Result<HeldCertificates> {
        let path = format!("/api/certificate-queries/{}/result", segment(query));
        self.post(&path, None, &CodeEntry { code: code.into() })
    }

    /// 办理说明 of a reissue.
    pub fn reissue_guide(&self) -> Result<ReissueGuide> {
        self.get("/api/reissues/guide", None)
    }

    /// 补办 of one certificate.
    pub fn reissue(&self, holder: &Secret, request: &ReissueRequest) -> Result<Placed> {
        self.post("/api/reissues", Some(holder), request)
    }

    /// 注销 of one certificate (V-01).
    pub fn revoke(&self, holder: &Secret, request: &RevocationRequest) -> Result<Placed> {
        self.post("/api/revocations", Some(holder), request)
    }

    /// The certificate's own key signed the request.
    pub fn sign_revocation(&self, order: &str, token: &Secret, told: &RevocationSignature) -> Result<Order> {
        self.post(&path(order, "/signature"), Some(token), told)
    }

    /// The identity check; the code goes to the phone on record.
    pub fn revocation_identity(
        &self,
        order: &str,
        token: &Secret,
        check: &IdentityCheck,
    ) -> Result<CodeSent> {
        self.post(&path(order, "/identity"), Some(token), check)
    }

    /// The code again.
    pub fn revocation_code(&self, order: &str, token: &Secret) -> Result<CodeSent> {
        self.post_nothing(&path(order, "/code"), Some(token))
    }

    /// The code typed in.
    pub fn verify_revocation_code(&self, order: &str, token: &Secret, code: &str) -> Result<Order> {
        self.post(&path(order, "/code/verify"), Some(token), &CodeEntry { code: code.into() })
    }

    /// 确认注销; `again` the second time, which is for good.
    pub fn confirm_revocation(&self, order: &str, token: &Secret, again: bool) -> Result<Order> {
        self.post(&path(order, "/confirm"), Some(token), &RevocationConfirmation { again })
    }

    /// The present revocation list, DER.
    pub fn crl(&self) -> Result<Vec<u8>> {
        self.get_bytes("/api/authority/crl", None)
    }

    /// 注销公告 (V-02): a page; of one serial number or name, if named.
    pub fn revocation_notices(
        &self,
        page: u64,
        serial: Option<&str>,
        name: Option<&str>,
    ) -> Result<RevocationNotices> {
        let narrowed = [("serial", serial), ("name", name)].into_iter();
        let rest: String =
            narrowed.filter_map(|(key, value)| Some(format!("&{key}={}", segment(value?)))).collect();
        self.get(&format!("/api/notices/revocations?page={page}{rest}"), None)
    }
}
