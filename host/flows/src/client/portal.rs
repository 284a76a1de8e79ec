//! Profile, accounts, sessions, own certificates, order query.

use super::{Client, Result, segment};
use ukey_hall::api::{
    AccountChange, AuthorityView, CertificateLogin, CertificateStatus, CertificateView, CodeEntry, CodeSent,
    HallTime, LoginChallenge, Me, NoticeView, Order, OrderSummary, PasswordChange, PasswordLogin, PhoneEntry,
    Placed, PortalView, ProfileView, QueriedOrder, QueryOpened, QueryRequest, Registered, Registration,
    Secret, ServiceView, Session, WizardStart,
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

    /// 获取短信验证码 of the account's new phone.
    pub fn phone_code(&self, session: &Secret, phone: &str) -> Result<CodeSent> {
        self.post("/api/me/phone/code", Some(session), &PhoneEntry { phone: Some(phone.into()) })
    }

    /// Changes the account's basic data.
    pub fn change_me(&self, session: &Secret, change: &AccountChange) -> Result<Me> {
        self.put("/api/me", Some(session), change)
    }

    /// What the portal's pages say.
    pub fn portal(&self) -> Result<PortalView> {
        self.get("/api/portal", None)
    }

    /// A page or a file of the portal, as a browser gets it.
    pub fn page(&self, path: &str, session: Option<&Secret>) -> Result<Vec<u8>> {
        self.get_bytes(path, session)
    }

    /// 通知消息.
    pub fn my_notices(&self, session: &Secret) -> Result<Vec<NoticeView>> {
        self.get("/api/me/notices", Some(session))
    }

    /// What the account is offered.
    pub fn my_services(&self, session: &Secret) -> Result<Vec<ServiceView>> {
        self.get("/api/me/services", Some(session))
    }

    /// The applications of a supervising authority's area.
    pub fn supervised(&self, session: &Secret) -> Result<Vec<OrderSummary>> {
        self.get("/api/supervision/orders", Some(session))
    }

    /// The wizard's first step.
    pub fn start_wizard(&self, session: &Secret, start: &WizardStart) -> Result<Placed> {
        self.post("/api/wizards", Some(session), start)
    }

    /// 提交服务申请: the wizard's last step.
    pub fn submit_wizard(&self, session: &Secret, order: &str) -> Result<Order> {
        self.post_nothing(&format!("/api/wizards/{}/submit", segment(order)), Some(session))
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
