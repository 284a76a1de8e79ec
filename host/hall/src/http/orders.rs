//! Enrolment, papers, payment, invoice.

use super::extract::{Bearer, Body, File, Names, Repeatable};
use crate::{
    api::{
        CodeEntry, CodeSent, EnrolForm, Enrolment, IdentityCheck, Invoice, InvoiceForm, Order, Paper, PaperReceipt,
        Payment, PaymentCallback, PaymentRequest, Placed, Problem, ProblemType,
    },
    hall::Hall,
    order::{enrol, invoice, papers, payment, record::read_word, steps, view, wizard},
    problem::{Answer, refuse},
};
use axum::{
    Json,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The media type of the documents.
const PDF: &str = "application/pdf";

/// The header with the payment provider's signature.
pub(super) const SIGNATURE: &str = "x-signature";

pub(super) fn routes(hall: &Hall) -> OpenApiRouter<Hall> {
    let profile = hall.profile();
    let video = profile.wizard.as_ref().map_or(0, |wizard| wizard.video_max_bytes);
    let limit = usize::try_from(profile.upload.max_bytes.max(video)).unwrap_or(usize::MAX);
    let upload = OpenApiRouter::new().routes(routes!(upload)).layer(DefaultBodyLimit::max(limit));
    OpenApiRouter::new()
        .routes(routes!(enrol))
        .routes(routes!(read))
        .routes(routes!(amend))
        .routes(routes!(identify))
        .routes(routes!(confirm))
        .merge(upload)
        .routes(routes!(paper))
        .routes(routes!(submit))
        .routes(routes!(consent_code))
        .routes(routes!(consent))
        .routes(routes!(pay))
        .routes(routes!(read_payment))
        .routes(routes!(save_invoice))
        .routes(routes!(read_invoice))
        .routes(routes!(invoice_document))
        .routes(routes!(application))
        .routes(routes!(received))
        .routes(routes!(cancel))
        .routes(routes!(payment_callback))
}

/// 在线新办: the form (E-02, P-01).
#[utoipa::path(
    post, path = "/api/enrolments", request_body = Enrolment,
    params(("idempotency-key" = Option<String>, Header, description = "makes the request repeatable")),
    responses(
        (status = 201, body = Placed),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn enrol(
    State(hall): State<Hall>,
    Bearer(bearer): Bearer,
    Repeatable(key): Repeatable,
    Body(body): Body<Enrolment>,
) -> Answer<(StatusCode, Json<Placed>)> {
    let mut turn = hall.turn(bearer.as_deref()).await?;
    let done = enrol::place(&mut turn, body, key.as_deref()).await;
    turn.end(done).await.map(|placed| (StatusCode::CREATED, Json(placed)))
}

handler! {
    /// An order.
    read: get "/api/orders/{id}", (id "id" String) => 200 Order,
    |turn| view::read(turn, &id)
}

handler! {
    /// 返回修改 (E-06).
    amend: put "/api/orders/{id}/form", (id "id" String), body: EnrolForm => 200 Order,
    |turn| steps::amend(turn, &id, body)
}

handler! {
    /// The identity check (E-03 to E-05, P-02, P-03).
    identify: post "/api/orders/{id}/identity", (id "id" String), body: IdentityCheck => 200 Order,
    |turn| steps::identify(turn, &id, body)
}

handler! {
    /// 确认订单 (E-06).
    confirm: post "/api/orders/{id}/confirm", (id "id" String) => 200 Order,
    |turn| steps::confirm(turn, &id)
}

handler! {
    /// 确认申请 (E-07, E-08): the consent code goes to the handler.
    submit: post "/api/orders/{id}/submit", (id "id" String) => 200 Order,
    |turn| steps::submit(turn, &id)
}

handler! {
    /// The consent code again.
    consent_code: post "/api/orders/{id}/consent/code", (id "id" String) => 202 CodeSent,
    |turn| enrol::consent_code(turn, &id)
}

handler! {
    /// 签名验证 (E-08).
    consent: post "/api/orders/{id}/consent", (id "id" String), body: CodeEntry => 200 Order,
    |turn| enrol::consent(turn, &id, body)
}

handler! {
    /// 提交并支付 (E-09, U-08).
    pay: post "/api/orders/{id}/payment", (id "id" String), body: PaymentRequest => 201 Payment,
    |turn| payment::open(turn, &id, body)
}

handler! {
    /// The payment.
    read_payment: get "/api/orders/{id}/payment", (id "id" String) => 200 Payment,
    |turn| payment::read(turn, &id)
}

handler! {
    /// 电子发票信息 (I-03 to I-06).
    save_invoice: put "/api/orders/{id}/invoice", (id "id" String), body: InvoiceForm => 200 Invoice,
    |turn| invoice::save(turn, &id, body)
}

handler! {
    /// The invoice.
    read_invoice: get "/api/orders/{id}/invoice", (id "id" String) => 200 Invoice,
    |turn| invoice::read(turn, &id)
}

handler! {
    /// 签收 (E-13).
    received: post "/api/orders/{id}/received", (id "id" String) => 200 Order,
    |turn| enrol::received(turn, &id)
}

handler! {
    /// 取消; what was paid goes back.
    cancel: post "/api/orders/{id}/cancel", (id "id" String) => 200 Order,
    |turn| steps::cancel(turn, &id)
}

fn known(paper: String) -> Answer<Paper> {
    read_word(paper).map_err(|_| refuse(ProblemType::NotFound))
}

/// A paper: the picture itself, told by its content.
#[utoipa::path(
    put, path = "/api/orders/{id}/papers/{paper}",
    params(("id" = String, Path), ("paper" = Paper, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, body = PaperReceipt),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn upload(
    State(hall): State<Hall>,
    Bearer(bearer): Bearer,
    Names((id, paper)): Names<(String, String)>,
    File(content): File,
) -> Answer<Json<PaperReceipt>> {
    let paper = known(paper)?;
    let mut turn = hall.turn(bearer.as_deref()).await?;
    let done = papers::upload(&mut turn, &id, paper, &content).await;
    turn.end(done).await.map(Json)
}

/// The file of a paper.
#[utoipa::path(
    get, path = "/api/orders/{id}/papers/{paper}",
    params(("id" = String, Path), ("paper" = Paper, Path)),
    responses(
        (status = 200, body = Vec<u8>, content_type = "image/*"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn paper(
    State(hall): State<Hall>,
    Bearer(bearer): Bearer,
    Names((id, paper)): Names<(String, String)>,
) -> Answer<impl IntoResponse> {
    let paper = known(paper)?;
    let mut turn = hall.turn(bearer.as_deref()).await?;
    let done = papers::read(&mut turn, &id, paper).await;
    let (format, content) = turn.end(done).await?;
    Ok(([(header::CONTENT_TYPE, format)], content))
}

/// The invoice document.
#[utoipa::path(
    get, path = "/api/orders/{id}/invoice/document", params(("id" = String, Path)),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/pdf"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn invoice_document(
    State(hall): State<Hall>,
    Bearer(bearer): Bearer,
    Names((id,)): Names<(String,)>,
) -> Answer<impl IntoResponse> {
    let mut turn = hall.turn(bearer.as_deref()).await?;
    let done = invoice::document(&mut turn, &id).await;
    let document = turn.end(done).await?;
    Ok(([(header::CONTENT_TYPE, PDF)], document))
}

/// 制作申请表 (E-22): the filled form.
#[utoipa::path(
    get, path = "/api/orders/{id}/application", params(("id" = String, Path)),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/pdf"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn application(
    State(hall): State<Hall>,
    Bearer(bearer): Bearer,
    Names((id,)): Names<(String,)>,
) -> Answer<impl IntoResponse> {
    let mut turn = hall.turn(bearer.as_deref()).await?;
    let done = wizard::application(&mut turn, &id).await;
    let document = turn.end(done).await?;
    Ok(([(header::CONTENT_TYPE, PDF)], document))
}

/// What the payment provider tells; signed in `X-Signature`.
#[utoipa::path(
    post, path = "/api/callbacks/payment", request_body = PaymentCallback,
    params(("x-signature" = String, Header, description = "HMAC-SM3 of the body, hexadecimal")),
    responses(
        (status = 204),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn payment_callback(
    State(hall): State<Hall>,
    headers: HeaderMap,
    File(body): File,
) -> Answer<StatusCode> {
    let signature = headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
    let mut turn = hall.turn(None).await?;
    let done = payment::callback(&mut turn, signature, &body).await;
    turn.end(done).await.map(|()| StatusCode::NO_CONTENT)
}
