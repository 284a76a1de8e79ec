//! Profile, accounts, sessions, own certificates, order query.

use super::{Client, Result, segment};
use ukey_hall::api::{
    AuthorityView, CertificateLogin, CertificateStatus, CertificateView, CodeEntry, HallTime, LoginChallenge,
    Me, OrderSummary, PasswordChange, PasswordLogin, ProfileView, QueriedOrder, QueryOpened, QueryRequest,
    Registered, Registration, Secret, Session,
};

impl Client {
    /// What the hall tells about itself.
    pub fn profile(&self) -> Result<ProfileView> {
        self.get("/api/profile", None)
    }

    /// The authority's certificates, the issuing one first.
    pub fn authority(&self) -> Result<AuthorityView> {
        self.get("/api/authority/certificates", None)
    }

    /// The hall's time.
    pub fn hall_time(&self) -> Result<HallTime> {
        self.get("/api/time", None)
    }

    /// How a certificate of this hall stands.
    pub fn certificate_status(&self, serial: &str) -> Result<CertificateStatus> {
        self.get(&format!("/api/certificates/{}", segment(serial)), None)
    }

    /// Registers an account; its password goes to the phone.
    pub fn register(&self, registration: &Registration) -> Result<Registered> {
        self.post("/api/accounts", None, registration)
    }

    /// Logs in by account and password.
    pub fn login_by_password(&self, login: &PasswordLogin) -> Result<Session> {
        self.post("/api/sessions/password", None, login)
    }

    /// A challenge for a certificate login.
    pub fn login_challenge(&self) -> Result<LoginChallenge> {
        self.post_nothing("/api/sessions/challenges", None)
    }

    /// Logs in by certificate.
    pub fn login_by_certificate(&self, login: &CertificateLogin) -> Result<Session> {
        self.post("/api/sessions/certificate", None, login)
    }

    /// Ends a session.
    pub fn log_out(&self, session: &Secret) -> Result<()> {
        self.delete("/api/sessions/current", Some(session))
    }

    /// Who is logged in.
    pub fn me(&self, session: &Secret) -> Result<Me> {
        self.get("/api/me", Some(session))
    }

    /// Changes the account password.
    pub fn change_password(&self, session: &Secret, change: &PasswordChange) -> Result<()> {
        let request = self.with_token(self.agent.put(self.url("/api/me/password")), Some(session));
        super::refused(request.send_json(change)?).map(drop)
    }

    /// The certificates of who is logged in.
    pub fn my_certificates(&self, session: &Secret) -> Result<Vec<CertificateView>> {
        self.get("/api/me/certificates", Some(session))
    }

    /// The orders of who is logged in.
    pub fn my_orders(&self, session: &Secret) -> Result<Vec<OrderSummary>> {
        self.get("/api/me/orders", Some(session))
    }

    /// 订单查询: a code goes to the handler's phone.
    pub fn query_orders(&self, request: &QueryRequest) -> Result<QueryOpened> {
        self.post("/api/queries", None, request)
    }

    /// The orders of a query, each with a fresh token.
    pub fn queried_orders(&self, query: &str, code: &str) -> Result<Vec<QueriedOrder>> {
        let path = format!("/api/queries/{}/result", segment(query));
        self.post(&path, None, &CodeEntry { code: code.into() })
    }
}
