//! The pages themselves.

use super::{ENROL, SERVICES, handout, session::Visitor};
use crate::{
    account::notice,
    api::{
        ApplicationStatus, Fee, Handout, Invoice, Me, NoticeView, Order, OrderSummary, PaymentRequest, PaymentState,
        PortalView, ProblemType, RevocationNotices, StatusQuery,
    },
    hall::Hall,
    http::extract::Peer,
    order::{payment, status, view},
    problem::{Answer, Refusal, refuse},
    profile::Question,
    revocation::{self, notice::Search},
};
use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;

const STYLE: &str = include_str!("../../templates/portal/style.css");

pub(super) fn routes() -> Router<Hall> {
    Router::new()
        .route("/", get(home))
        .route("/services", get(services))
        .route("/downloads", get(downloads))
        .route("/downloads/{name}", get(download))
        .route("/agreement", get(agreement))
        .route("/questions", get(questions))
        .route("/contact", get(contact))
        .route("/status", get(status_form).post(status_answer))
        .route("/revocations", get(revocations))
        .route("/me", get(mine))
        .route("/orders/{id}/payment", get(payment_page).post(pay))
        .route("/style.css", get(|| async { ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE) }))
}

/// What every page shows: the authority, its hotline, who is logged in.
struct Frame {
    title: String,
    authority: String,
    hotline: String,
    me: Option<Me>,
    view: PortalView,
}

impl Frame {
    fn new(hall: &Hall, title: &str, me: Option<Me>) -> Self {
        let profile = hall.profile();
        Self {
            title: title.into(),
            authority: profile.name.clone(),
            hotline: profile.hotline.clone(),
            me,
            view: super::view(hall),
        }
    }

    async fn of(hall: &Hall, title: &str, visitor: &Visitor) -> Self {
        Self::new(hall, title, visitor.me(hall).await)
    }

    /// The login state (G-01, G-06): one's own phone number, else the name.
    fn who(&self) -> Option<&str> {
        self.me.as_ref().map(|me| me.phone.as_deref().unwrap_or(&me.name))
    }
}

/// A page that was made, or the refusal.
fn shown(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => Refusal::internal(error).into_response(),
    }
}

/// The page of a refusal, in Chinese.
pub(super) fn refused(hall: &Hall, refusal: Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let page = RefusalPage { frame: Frame::new(hall, "办理提示", None), detail: refusal.problem.detail_zh };
    (status, shown(&page)).into_response()
}

fn page(hall: &Hall, answer: Answer<Response>) -> Response {
    answer.unwrap_or_else(|refusal| refused(hall, refusal))
}

#[derive(Template)]
#[template(path = "portal/refusal.html")]
struct RefusalPage {
    frame: Frame,
    detail: String,
}

#[derive(Template)]
#[template(path = "portal/home.html")]
struct Home {
    frame: Frame,
}

async fn home(State(hall): State<Hall>, visitor: Visitor) -> Response {
    shown(&Home { frame: Frame::of(&hall, "首页", &visitor).await })
}

#[derive(Template)]
#[template(path = "portal/services.html")]
struct Services {
    frame: Frame,
    count: usize,
    /// 数字证书申办须知, where a wizard leads through the enrolment (E-21).
    notice: Option<String>,
    /// The forms to fill in by hand (E-02).
    templates: Vec<Handout>,
}

async fn services(State(hall): State<Hall>, visitor: Visitor) -> Response {
    shown(&Services {
        frame: Frame::of(&hall, "自助服务", &visitor).await,
        count: SERVICES.len(),
        notice: hall.profile().wizard.as_ref().map(|wizard| wizard.notice.clone()),
        templates: handout::templates(),
    })
}

#[derive(Template)]
#[template(path = "portal/contact.html")]
struct Contact {
    frame: Frame,
}

async fn contact(State(hall): State<Hall>, visitor: Visitor) -> Response {
    shown(&Contact { frame: Frame::of(&hall, "联系我们", &visitor).await })
}

#[derive(Template)]
#[template(path = "portal/status.html")]
struct StatusPage {
    frame: Frame,
    found: Vec<ApplicationStatus>,
}

async fn status_form(State(hall): State<Hall>, visitor: Visitor) -> Response {
    shown(&StatusPage { frame: Frame::of(&hall, "查询服务", &visitor).await, found: Vec::new() })
}

/// 查询服务 (V-03): what was found, below the form. What is typed stays out of the address.
async fn status_answer(
    State(hall): State<Hall>,
    visitor: Visitor,
    Peer(caller): Peer,
    Form(asked): Form<StatusQuery>,
) -> Response {
    let frame = Frame::of(&hall, "查询服务", &visitor).await;
    let answer = async {
        let mut turn = hall.turn(None).await?;
        turn.peer = caller;
        let found = status::ask(&mut turn, asked).await;
        let found = turn.end(found).await?;
        Ok(shown(&StatusPage { frame, found }))
    };
    page(&hall, answer.await)
}

#[derive(Template)]
#[template(path = "portal/revocations.html")]
struct Revocations {
    frame: Frame,
    found: RevocationNotices,
}

/// 注销公告 (V-02).
async fn revocations(State(hall): State<Hall>, visitor: Visitor, Query(search): Query<Search>) -> Response {
    let frame = Frame::of(&hall, "注销公告", &visitor).await;
    let answer = async {
        let mut turn = hall.turn(None).await?;
        let found = revocation::notice::search(&mut turn, search).await;
        let found = turn.end(found).await?;
        Ok(shown(&Revocations { frame, found }))
    };
    page(&hall, answer.await)
}

#[derive(Template)]
#[template(path = "portal/downloads.html")]
struct Downloads {
    frame: Frame,
}

async fn downloads(State(hall): State<Hall>, visitor: Visitor) -> Response {
    shown(&Downloads { frame: Frame::of(&hall, "下载中心", &visitor).await })
}

async fn download(State(hall): State<Hall>, Path(name): Path<String>) -> Answer<Response> {
    let (format, content) = handout::file(&hall, &name)?;
    Ok(([(header::CONTENT_TYPE, format)], content).into_response())
}

#[derive(Template)]
#[template(path = "portal/agreement.html")]
struct Agreement {
    frame: Frame,
}

async fn agreement(State(hall): State<Hall>, visitor: Visitor) -> Response {
    shown(&Agreement { frame: Frame::of(&hall, "服务协议", &visitor).await })
}

#[derive(Template)]
#[template(path = "portal/questions.html")]
struct Questions {
    frame: Frame,
    questions: Vec<Question>,
}

async fn questions(State(hall): State<Hall>, visitor: Visitor) -> Response {
    let frame = Frame::of(&hall, "常见问题", &visitor).await;
    shown(&Questions { frame, questions: hall.profile().portal.questions.clone() })
}

#[derive(Template)]
#[template(path = "portal/me.html")]
struct Mine {
    frame: Frame,
    orders: Vec<OrderSummary>,
    notices: Vec<NoticeView>,
}

async fn mine(State(hall): State<Hall>, visitor: Visitor) -> Response {
    let frame = Frame::of(&hall, "个人中心", &visitor).await;
    let answer = async {
        let mut turn = hall.turn(visitor.0.as_deref()).await?;
        let found = async { Ok((view::mine(&mut turn).await?, notice::mine(&mut turn).await?)) }.await;
        let (orders, notices) = turn.end(found).await?;
        Ok(shown(&Mine { frame, orders, notices }))
    };
    page(&hall, answer.await)
}

#[derive(Template)]
#[template(path = "portal/payment.html")]
struct PaymentPage {
    frame: Frame,
    order: String,
    fee: Fee,
    invoice: Option<Invoice>,
    ways: Vec<String>,
    /// Those that the way by bank leads to (N-30).
    banks: Vec<String>,
    agreements: Vec<String>,
    invoice_days: u32,
    /// Whether it is paid already.
    paid: bool,
    /// Whether a key is posted when all is done (E-10).
    makes_key: bool,
}

impl PaymentPage {
    fn yuan(fen: &u32) -> String {
        format!("{}.{:02}", fen / 100, fen % 100)
    }

    /// A way of payment as people call it.
    fn way_zh(way: &str) -> &str {
        match way {
            "alipay" => "支付宝",
            "wechat" => "微信支付",
            "bank" => "个人网银",
            other => other,
        }
    }
}

async fn read(hall: &Hall, visitor: &Visitor, id: &str) -> Answer<Order> {
    let mut turn = hall.turn(visitor.0.as_deref()).await?;
    let order = view::read(&mut turn, id).await;
    turn.end(order).await
}

/// The payment page, titled by its service (G-07).
async fn payment_page(State(hall): State<Hall>, visitor: Visitor, Path(id): Path<String>) -> Response {
    let answer = async {
        let order = read(&hall, &visitor, &id).await?;
        let title = format!("支付中心-{}", order.kind.service_zh());
        let (rules, invoices) = (&hall.profile().payment, &hall.profile().invoice);
        let paid = order.payment.as_ref().is_some_and(|payment| payment.state == PaymentState::Paid);
        Ok(shown(&PaymentPage {
            frame: Frame::of(&hall, &title, &visitor).await,
            order: order.id,
            fee: order.fee,
            invoice: order.invoice,
            ways: rules.ways.clone(),
            banks: rules.banks.clone(),
            agreements: hall.profile().agreements(order.kind).to_vec(),
            invoice_days: invoices.working_days,
            paid,
            makes_key: order.kind.makes_key(),
        }))
    };
    page(&hall, answer.await)
}

#[derive(Deserialize)]
struct Chosen {
    way: String,
    /// What a ticked box sends.
    agreed: Option<String>,
}

/// 提交并支付.
async fn pay(
    State(hall): State<Hall>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(chosen): Form<Chosen>,
) -> Response {
    let answer = async {
        let mut turn = hall.turn(visitor.0.as_deref()).await?;
        let request = PaymentRequest { way: chosen.way, agreed: chosen.agreed.is_some() };
        let done = payment::open(&mut turn, &id, request).await;
        let payment = turn.end(done).await?;
        if payment.page.is_empty() {
            return Err(refuse(ProblemType::ProviderUnavailable));
        }
        Ok(Redirect::to(&payment.page).into_response())
    };
    page(&hall, answer.await)
}
