//! 缴费 and 电子发票.

use cucumber::{gherkin::Step, given, then, when};
use ukey_flows::{
    FlowError,
    api::{Invoice, InvoiceForm, Payment, PaymentOutcome, PaymentState},
};

use crate::{
    judge::judge,
    pdf, people,
    stage::Stage,
    words::{Channel, Moment, Money},
    world::UkeyWorld,
};

#[then(expr = "缴费项目为{string}，单价{money}，优惠金额{money}，应付总额{money}")]
async fn fee(world: &mut UkeyWorld, item: String, price: Money, discount: Money, total: Money) {
    let fee = world.on_stage(|stage| stage.refreshed()).await.fee;
    judge(fee.item, item, "缴费项目");
    judge(fee.price_fen, price.0, "单价（分）");
    judge(fee.discount_fen, discount.0, "优惠金额（分）");
    judge(fee.total_fen, total.0, "应付总额（分）");
}

#[given(expr = "勾选协议，选择{payway}，点击提交并支付")]
#[when(expr = "勾选协议，选择{payway}，点击提交并支付")]
async fn open(world: &mut UkeyWorld, payway: Channel) {
    world.attempt(move |stage| stage.open_payment(payway.0, true)).await;
}

#[when(expr = "不勾选协议，点击提交并支付")]
async fn open_without_agreement(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.open_payment("alipay", false)).await;
}

#[given("在支付页面完成支付")]
#[when("在支付页面完成支付")]
async fn pay(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.at_payment_page(PaymentOutcome::Paid)).await;
}

#[given("离开支付页面，没有支付")]
#[when("离开支付页面，没有支付")]
async fn leave(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.at_payment_page(PaymentOutcome::Cancelled)).await;
}

#[when("支付平台重复通知支付成功")]
async fn replay(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.at_payment_page(PaymentOutcome::Paid)).await;
}

async fn payment_state(world: &mut UkeyWorld, expected: PaymentState) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    judge(order.payment.map(|payment| payment.state), Some(expected), "支付状态");
}

#[then("缴费成功")]
async fn paid(world: &mut UkeyWorld) {
    world.success();
    payment_state(world, PaymentState::Paid).await;
}

#[then("已付费用已退回")]
async fn refunded(world: &mut UkeyWorld) {
    payment_state(world, PaymentState::Refunded).await;
}

#[then("支付已取消")]
async fn cancelled(world: &mut UkeyWorld) {
    payment_state(world, PaymentState::Cancelled).await;
}

#[then("两次得到的是同一笔支付")]
fn same_payment(world: &mut UkeyWorld) {
    world.success();
    let stage = world.stage();
    let id = |payment: &Option<Payment>| payment.as_ref().expect("提交并支付了两次").id.clone();
    judge(id(&stage.payment), id(&stage.payment_before), "支付");
}

#[then(expr = "订单记录里只有{int}次缴费")]
async fn paid_times(world: &mut UkeyWorld, times: usize) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    let count = order.history.iter().filter(|row| row.event == "paid").count();
    judge(count, times, "缴费次数");
}

// ---- 电子发票 ----

fn set(form: &mut InvoiceForm, field: &str, value: String) {
    match field {
        "开票名称" => form.title = value,
        "开票税号" => form.tax_number = value,
        "收票人手机" => form.phone = value,
        "收票人邮箱" => form.email = value,
        "开户行及账号" => form.bank = Some(value),
        "单位地址及电话" => form.address = Some(value),
        field => panic!("the invoice form has no field {field}"),
    }
}

#[given("填写电子发票信息并保存")]
#[when("填写电子发票信息并保存")]
async fn save(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.save_invoice(people::invoice())).await;
}

#[when(expr = "填写电子发票信息，其中{word}为{string}，并保存")]
async fn save_with(world: &mut UkeyWorld, field: String, value: String) {
    let mut form = people::invoice();
    set(&mut form, &field, value);
    world.attempt(move |stage| stage.save_invoice(form)).await;
}

#[when(expr = "修改发票信息，把{word}改为{string}")]
async fn edit(world: &mut UkeyWorld, field: String, value: String) {
    world
        .attempt(move |stage| {
            let mut form = stage.invoice.clone().expect("an invoice form was saved");
            set(&mut form, &field, value);
            stage.save_invoice(form)
        })
        .await;
}

async fn invoice(world: &mut UkeyWorld) -> Invoice {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    order.invoice.expect("an invoice form was saved")
}

#[then("页面显示发票信息：")]
async fn summary(world: &mut UkeyWorld, step: &Step) {
    let form = invoice(world).await.form;
    for row in &step.table.as_ref().expect("a table of fields").rows {
        let [field, expected] = row.as_slice() else { panic!("two columns") };
        let shown = match field.as_str() {
            "开票名称" => form.title.as_str(),
            "开票税号" => &form.tax_number,
            "手机号码" => &form.phone,
            "邮箱账号" => &form.email,
            "开户行及账号" => form.bank.as_deref().unwrap_or_default(),
            "单位地址及电话" => form.address.as_deref().unwrap_or_default(),
            field => panic!("the summary has no field {field}"),
        };
        judge(shown, expected.as_str(), field);
    }
}

#[then("没有保存发票信息")]
async fn nothing_saved(world: &mut UkeyWorld) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    judge(order.invoice.map(|invoice| invoice.form.title), None::<String>, "发票信息");
}

#[then("发票信息可以修改")]
async fn editable(world: &mut UkeyWorld) {
    assert!(invoice(world).await.editable, "缴费前应可以修改");
}

#[then("发票信息不能再修改")]
async fn not_editable(world: &mut UkeyWorld) {
    assert!(!invoice(world).await.editable, "缴费后不应可以修改");
}

#[then(expr = "发票最迟在{moment}开具")]
async fn due(world: &mut UkeyWorld, moment: Moment) {
    judge(invoice(world).await.due_at, Some(moment.0), "开具期限");
}

#[then("发票尚未开具")]
async fn not_issued(world: &mut UkeyWorld) {
    let invoice = invoice(world).await;
    judge(invoice.issued_at, None, "开具时间");
    judge(invoice.number, None::<String>, "发票号码");
}

#[then("发票已开具")]
async fn issued(world: &mut UkeyWorld) {
    let invoice = invoice(world).await;
    assert!(invoice.issued_at.is_some(), "发票还没有开具");
    judge(invoice.number.map(|number| number.len()), Some(20), "发票号码的长度");
}

#[when("下载发票文件")]
async fn download(world: &mut UkeyWorld) {
    world
        .attempt(|stage: &mut Stage| -> Result<(), FlowError> {
            stage.document = Some(stage.in_hand().invoice_document()?);
            Ok(())
        })
        .await;
}

#[then(expr = "发票文件写明开票名称{string}、项目{string}、金额{money}")]
async fn document(world: &mut UkeyWorld, title: String, item: String, amount: Money) {
    world.success();
    let text = world.on_stage(|stage| pdf::text(stage.document.as_deref().expect("a document"))).await;
    let amount = format!("{}.{:02}", amount.0 / 100, amount.0 % 100);
    for part in [&title, &item, &amount] {
        assert!(text.contains(part.as_str()), "发票文件里没有{part}：\n{text}");
    }
}

#[then(expr = "收票人的邮箱收到写明发票号码、附有发票文件的邮件")]
async fn mailed(world: &mut UkeyWorld) {
    let mails = world.on_stage(|stage| stage.messages(people::INVOICE_MAIL, "invoice")).await;
    let [mail] = mails.as_slice() else { panic!("{} mails", mails.len()) };
    let number = invoice(world).await.number.expect("an invoice that was issued");
    assert!(mail.text.contains(&number), "邮件里没有发票号码：{}", mail.text);
    let file = mail.attached.clone().expect("the mail carries the file");
    let text = world.on_stage(move |_| pdf::text(&file.content.0)).await;
    assert!(text.contains(&number), "发票文件里没有发票号码：\n{text}");
}

#[then("收票人没有收到发票")]
async fn not_mailed(world: &mut UkeyWorld) {
    let count = world.on_stage(|stage| stage.messages(people::INVOICE_MAIL, "invoice").len()).await;
    judge(count, 0, "发票邮件的件数");
}
