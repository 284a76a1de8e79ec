//! The portal's pages in a browser's way: cookies and forms, and the wizard's refusals.
#![cfg(feature = "server")]

mod support;

use support::*;
use ukey_hall::api::*;

const FORM: &str = "application/x-www-form-urlencoded";

fn register(bench: &Bench, name: &str) -> Secret {
    let registration = Registration {
        kind: AccountKind::Enterprise,
        account: "example01".into(),
        name: name.into(),
        number: UNIT_CODE.into(),
        phone: HANDLER_PHONE.into(),
    };
    bench.post("/api/accounts", "", &registration).read::<Registered>();
    bench.code(HANDLER_PHONE)
}

fn page(bench: &Bench, path: &str, cookie: &str) -> (u16, String) {
    let reply = bench.raw("GET", path, &[("cookie", cookie)], Vec::new());
    assert_eq!(reply.kind, "text/html; charset=utf-8", "{path}");
    (reply.status, String::from_utf8(reply.body).unwrap())
}

fn session(bench: &Bench, password: &Secret) -> Session {
    let login = PasswordLogin { account: "example01".into(), password: password.clone() };
    bench.post("/api/sessions/password", "", &login).read()
}

#[test]
fn a_browser_logs_in_by_a_form_and_sees_its_own_pages() {
    let bench = Bench::new("qinghe");
    let password = register(&bench, "<script>alert(1)</script>示例");
    let form = format!("account=example01&password={}", password.reveal());
    let wrong =
        bench.raw("POST", "/login", &[("content-type", FORM)], b"account=example01&password=no".to_vec());
    assert_eq!(wrong.status, 401);
    assert!(String::from_utf8(wrong.body).unwrap().contains("账号或密码错误"));
    let (status, text) = page(&bench, "/me", "");
    assert!(status == 401 && text.contains("请先登录"), "{status}: {text}");

    // The client follows the way back to the home page by itself; a browser keeps the cookie.
    assert_eq!(bench.raw("POST", "/login", &[("content-type", FORM)], form.into_bytes()).status, 200);
    let session = session(&bench, &password);
    let cookie = format!("other=1; ukey_session={}", session.token.reveal());
    let (_, home) = page(&bench, "/", &cookie);
    assert!(home.contains("138****1111") && !home.contains("您好!请登录"), "{home}");
    let placed = bench.post(
        "/api/enrolments",
        session.token.reveal(),
        &Enrolment {
            channel: None,
            form: EnrolForm::Unit(UnitForm { name: "<script>alert(1)</script>".into(), ..unit_form() }),
        },
    );
    let placed: Placed = placed.read();
    let (_, mine) = page(&bench, "/me", &cookie);
    assert!(mine.contains(&placed.order.id) && mine.contains("草稿"), "{mine}");
    let (_, payment) = page(&bench, &format!("/orders/{}/payment", placed.order.id), &cookie);
    for text in [&mine, &payment] {
        assert!(!text.contains("<script>") && text.contains("alert(1)"), "{text}");
    }
    // Nobody else sees the payment page; a box that was not ticked goes nowhere.
    let path = format!("/orders/{}/payment", placed.order.id);
    assert_eq!(page(&bench, &path, "").0, 401);
    let unpaid = bench.unpaid(unit(), legal_phone());
    let path = format!("/orders/{}/payment", unpaid.order.id);
    let bearer = format!("Bearer {}", token(&unpaid));
    let headers = [("content-type", FORM), ("authorization", bearer.as_str())];
    let refused = bench.raw("POST", &path, &headers, b"way=alipay".to_vec());
    assert_eq!(refused.status, 422);
    assert!(String::from_utf8(refused.body).unwrap().contains("请阅读并同意"));
    assert!(bench.order(&unpaid).payment.is_none());
    drop(bench.raw("POST", &path, &headers, b"way=alipay&agreed=yes".to_vec()));
    assert_eq!(bench.order(&unpaid).payment.unwrap().state, PaymentState::Open);
    // Logged out, the cookie is nobody's.
    drop(bench.raw("POST", "/logout", &[("cookie", &cookie)], Vec::new()));
    assert!(page(&bench, "/", &cookie).1.contains("您好!请登录"));
}

#[test]
fn a_payment_page_names_the_agreements_of_its_service() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    let session: Session = bench.login(&key).read();
    let change = SealChangeRequest { change: SealChangeKind::Add, seal: None, name: None };
    let placed: Placed = bench.post("/api/seals/changes", session.token.reveal(), &change).read();
    // The scheme's case does not count, here as at the other doors.
    for scheme in ["Bearer", "bearer"] {
        let bearer = format!("{scheme} {}", token(&placed));
        let path = format!("/orders/{}/payment", placed.order.id);
        let reply = bench.raw("GET", &path, &[("authorization", bearer.as_str())], Vec::new());
        let text = String::from_utf8(reply.body).unwrap();
        assert_eq!(reply.status, 200, "{scheme}: {text}");
        assert!(text.contains("我已阅读并同意《在线缴费协议》《电子认证证书服务条款》"), "{text}");
    }
}

#[test]
fn every_page_of_every_profile_is_made() {
    for profile in ukey_hall::Profile::built_in_names() {
        let bench = Bench::new(profile);
        for path in [
            "/",
            "/services",
            "/downloads",
            "/agreement",
            "/questions",
            "/contact",
            "/status",
            "/revocations",
        ] {
            let (status, text) = page(&bench, path, "");
            assert_eq!(status, 200, "{profile}{path}");
            assert!(text.contains(&bench.hall.profile().name) && text.contains("</html>"), "{profile}{path}");
        }
        let menus = bench.get("/api/portal", "").read::<PortalView>().menus;
        assert_eq!(menus.len(), 4, "{profile}");
        let (_, home) = page(&bench, "/", "");
        for menu in menus {
            assert!(
                home.contains(&format!("<li><a href=\"{}\">{}</a></li>", menu.address, menu.title)),
                "{home}"
            );
            assert_eq!(page(&bench, &menu.address, "").0, 200, "{profile}: {}", menu.title);
        }
        assert_eq!(bench.get("/style.css", "").kind, "text/css; charset=utf-8");
    }
}

#[test]
fn the_state_of_an_application_is_asked_for_on_a_page() {
    let bench = Bench::new("qinghe");
    let placed = bench.unpaid(unit(), legal_phone());
    let ask = |form: String| {
        let reply = bench.raw("POST", "/status", &[("content-type", FORM)], form.into_bytes());
        (reply.status, String::from_utf8(reply.body).unwrap())
    };
    let (status, text) = ask(format!("order={}&name=&number=&phone={HANDLER_PHONE}", placed.order.id));
    assert!(status == 200 && text.contains("单位证书新办") && text.contains("待支付"), "{status}: {text}");
    assert!(!text.contains(HANDLER_PHONE), "what was typed is not shown again: {text}");
    let (status, text) = ask(format!("order={}&name=&number=&phone=", placed.order.id));
    assert!(status == 422 && text.contains("请至少填写两项查询内容"), "{status}: {text}");
    let (status, text) = ask(format!("order={}&phone=13800000000", placed.order.id));
    assert!(status == 404 && text.contains("没有查询到符合条件的申请"), "{status}: {text}");
    let (status, text) = page(&bench, "/revocations?serial=no%20serial", "");
    assert!(status == 422 && text.contains("证书序列号格式不正确"), "{status}: {text}");
}

#[test]
fn the_wizard_is_for_who_is_logged_in_and_for_itself() {
    let bench = Bench::new("baihe");
    let password = register(&bench, "示例科技有限公司");
    let start = |form| WizardStart { agreed: true, form };
    let registration = UnitRegistration {
        kind: "企业".into(),
        region: "示例市".into(),
        address: "示例市注册路3号".into(),
        postcode: "000001".into(),
    };
    let form = EnrolForm::Unit(UnitForm { registration: Some(registration), ..unit_form() });
    bench.post("/api/wizards", "", &start(form.clone())).refused(ProblemType::Unauthorised);
    let session = session(&bench, &password);
    let token = session.token.reveal();
    // The form of an order lacks the registration; a person is not this account.
    let problem = bench.post("/api/wizards", token, &start(unit())).refused(ProblemType::InvalidFields);
    assert_eq!(problem.fields.len(), 4);
    bench.post("/api/wizards", token, &start(person())).refused(ProblemType::InvalidFields);
    bench.post("/api/wizards", "desk-review", &start(form.clone())).refused(ProblemType::Forbidden);
    let reply = bench.post("/api/wizards", token, &start(form.clone()));
    assert_eq!(reply.status, 201);
    let placed: Placed = reply.read();
    // The same click again is the same order; other data are no second one.
    let again = bench.post("/api/wizards", token, &start(form.clone()));
    assert_eq!((again.status, again.read::<Placed>().order.id), (200, placed.order.id.clone()));
    let EnrolForm::Unit(mut other) = form.clone() else { unreachable!() };
    other.address = "示例市示例路9号".into();
    let other = start(EnrolForm::Unit(other));
    let problem = bench.post("/api/wizards", token, &other).refused(ProblemType::OtherOrderOpen);
    assert!(problem.detail_zh.contains(&placed.order.id));
    let submit = format!("/api/wizards/{}/submit", placed.order.id);
    bench.press(&submit, token).refused(ProblemType::WrongState);
    bench.press(&submit, "").refused(ProblemType::Unauthorised);
    // The moves of an order are not the wizard's.
    bench.press(&at(&placed, "confirm"), token).refused(ProblemType::WrongState);
    let listed: Vec<OrderSummary> = bench.get("/api/me/orders", token).read();
    let [listed] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!(listed.state, OrderState::Draft);
    // Once it is over there may be another.
    bench.press(&at(&placed, "cancel"), token).read::<Order>();
    assert_eq!(bench.post("/api/wizards", token, &start(form)).status, 201);
}
