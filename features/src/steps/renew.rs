//! 证书延期, 证书修复, 信息变更, 证书重装.

use cucumber::{given, then, when};
use jiff::{Span, civil::Date};
use ukey_flows::{
    api::{CertificateStanding, IdentityOutcome, Secret},
    key::MyCertificate,
    renew::Wipe,
};

use super::enrol::set;
use crate::{
    judge::judge,
    stage::{Stage, typed, wrong},
    words::{Verdict, Whose, shanghai},
    world::UkeyWorld,
};

// ---- time ----

#[given(expr = "证书距到期还有{int}天")]
#[when(expr = "证书距到期还有{int}天")]
async fn days_left(world: &mut UkeyWorld, days: i64) {
    world.on_stage(move |stage| stage.come_to_days_left(days)).await;
}

#[given(expr = "证书已过期{int}天")]
#[when(expr = "证书已过期{int}天")]
async fn days_over(world: &mut UkeyWorld, days: i64) {
    world.on_stage(move |stage| stage.come_to_days_left(-days)).await;
}

// ---- 证书更新 ----

#[given("已点击证书更新，输入口令")]
#[when("点击证书更新，输入口令")]
#[when("重新打开证书助手，再次点击证书更新")]
async fn begin(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let pin = stage.key().pin.clone();
            if stage.old.is_none() {
                stage.note_old();
            }
            stage.begin_renewal(&pin)
        })
        .await;
}

#[when(expr = "点击证书更新，输入口令{string}")]
async fn begin_with(world: &mut UkeyWorld, pin: String) {
    world.attempt(move |stage| stage.begin_renewal(&pin)).await;
}

#[when("在证书列表中选择UKey里的证书，点击延期")]
async fn begin_for_mine(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            stage.note_old();
            let session = stage.session.as_ref().expect("a session").token.clone();
            let listed = stage.client().my_certificates(&session)?;
            let mine = MyCertificate::read(&stage.device())?.serial();
            let chosen =
                listed.into_iter().find(|view| view.serial == mine).expect("the certificate is listed");
            stage.begin_renewal_of(&chosen.serial)
        })
        .await;
}

#[when(expr = "在证书列表中选择{holder}的证书，点击延期")]
async fn begin_for_other(world: &mut UkeyWorld, holder: Whose) {
    world
        .attempt(move |stage| {
            let other = &stage.keys[stage.place_of(holder.0)].device;
            let serial = MyCertificate::read(other)?.serial();
            stage.begin_renewal_of(&serial)
        })
        .await;
}

#[given("证书延期已办到下载")]
async fn ready(world: &mut UkeyWorld) {
    world
        .must(|stage| {
            stage.note_old();
            stage.ready_renewal()
        })
        .await;
}

#[given("证书延期已完成")]
async fn renewed(world: &mut UkeyWorld) {
    world
        .must(|stage| {
            stage.note_old();
            stage.ready_renewal()?;
            stage.write_certificate()
        })
        .await;
}

#[when("下载证书到UKey")]
#[when("点击执行延期")]
#[when("点击执行修复")]
async fn write(world: &mut UkeyWorld) {
    world.attempt(Stage::write_certificate).await;
}

#[then("仍是同一个延期订单")]
fn same_order(world: &mut UkeyWorld) {
    world.success();
    let stage = world.stage();
    judge(stage.order_before.as_deref(), Some(stage.order().id.as_str()), "延期订单");
}

#[then("订单页的信息与旧证书一致")]
async fn prefilled(world: &mut UkeyWorld) {
    world.success();
    let (shown, held) = world.on_stage(|stage| (stage.refreshed().form, stage.true_form(stage.holder))).await;
    assert!(shown.as_ref() == Some(&held), "订单页的信息与办证时的不同");
}

#[when(expr = "在订单页把{word}改为{string}")]
#[when(expr = "把{word}变更为{string}")]
async fn edit(world: &mut UkeyWorld, field: String, value: String) {
    world.attempt(move |stage| stage.edit(|form| set(form, &field, value))).await;
}

#[then("订单需人工审核")]
async fn reviewed(world: &mut UkeyWorld) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    judge(order.rewrite.expect("a renewal or change").reviewed, true, "人工审核");
}

#[then("订单无需人工审核，也无需资料")]
async fn not_reviewed(world: &mut UkeyWorld) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    judge(order.rewrite.expect("a renewal or change").reviewed, false, "人工审核");
    judge(order.papers.len(), 0, "所需资料的份数");
}

// ---- 获取短信验证, 初始化证书 ----

#[when("获取短信验证")]
async fn ask(world: &mut UkeyWorld) {
    world.attempt(Stage::ask_for_rewrite_code).await;
}

#[given("短信验证码已核对")]
#[when("获取短信验证并输入收到的验证码")]
async fn verified(world: &mut UkeyWorld) {
    world.must(Stage::verify_rewrite).await;
}

#[when("输入收到的短信验证码")]
async fn enter(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let code = stage.code(stage.holder.phone(), "rewrite", 0);
            stage.enter_rewrite_code(&code)
        })
        .await;
}

#[when("输入错误的短信验证码")]
async fn enter_wrong(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let code = wrong(&stage.code(stage.holder.phone(), "rewrite", 0));
            stage.enter_rewrite_code(&code)
        })
        .await;
}

#[given("已初始化证书")]
#[when("点击初始化证书")]
async fn initialise(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.initialise(Wipe::Container)).await;
}

#[when("点击初始化证书，清空整个应用")]
async fn initialise_all(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.initialise(Wipe::Application)).await;
}

#[when("从订单查询继续办理延期")]
#[when("从订单查询继续办理变更")]
async fn resume(world: &mut UkeyWorld) {
    world.attempt(Stage::resume_rewriting).await;
}

#[then(expr = "UKey里另有容器{string}")]
async fn other_container(world: &mut UkeyWorld, name: String) {
    assert!(containers(world).await.contains(&name), "UKey里没有容器{name}");
}

#[then(expr = "UKey里没有容器{string}")]
async fn no_container(world: &mut UkeyWorld, name: String) {
    assert!(!containers(world).await.contains(&name), "UKey里还有容器{name}");
}

async fn containers(world: &mut UkeyWorld) -> Vec<String> {
    world
        .must(|stage| {
            let device = stage.device();
            let names = device.applications()?;
            let application = device.open_application(names.first().expect("an application"))?;
            Ok(application.containers()?)
        })
        .await
}

#[given(expr = "UKey里另建了容器{string}")]
async fn make_container(world: &mut UkeyWorld, name: String) {
    world
        .must(move |stage| {
            let (device, pin) = (stage.device(), stage.key().pin.clone());
            let application = MyCertificate::read(&device)?.open_application(&device)?;
            application.verify_pin(ukey_device::PinType::User, &typed(&pin))?;
            application.create_container(&name)?;
            Ok(application.clear_secure_state()?)
        })
        .await;
}

// ---- what became of it ----

#[then(expr = "UKey里有{int}张证书")]
async fn certificates(world: &mut UkeyWorld, count: usize) {
    let all = world.must(|stage| MyCertificate::all(&stage.device())).await;
    judge(all.len(), count, "UKey里证书的张数");
}

#[then(expr = "UKey里完整的证书有{int}对")]
async fn whole_pairs(world: &mut UkeyWorld, count: usize) {
    let whole = world.must(Stage::whole_pairs).await;
    judge(whole.len(), count, "UKey里完整的证书");
}

#[then("UKey里的证书还是旧证书")]
async fn still_old(world: &mut UkeyWorld) {
    let (old, whole) =
        world.must(|stage| Ok((stage.old.as_ref().expect("旧证书").serial(), stage.whole_pairs()?))).await;
    judge(whole.iter().map(MyCertificate::serial).collect::<Vec<_>>(), vec![old], "UKey里完整的证书");
}

#[then("UKey里的证书是新证书")]
async fn new_one(world: &mut UkeyWorld) {
    let (order, mine) =
        world.must(|stage| Ok((stage.refreshed(), MyCertificate::read(&stage.device())?))).await;
    judge(Some(mine.serial()), order.new_certificate_serial, "UKey里的证书");
    let whole = world.must(Stage::whole_pairs).await;
    assert!(whole.iter().any(|whole| whole.serial() == mine.serial()), "UKey里的新证书不完整");
}

fn last(mine: &MyCertificate) -> Date {
    mine.sign.not_after().to_zoned(shanghai()).date()
}

#[then(expr = "新证书比旧证书晚{int}年到期")]
async fn later(world: &mut UkeyWorld, years: i64) {
    let (old, mine) = world
        .must(|stage| Ok((stage.old.clone().expect("旧证书"), MyCertificate::read(&stage.device())?)))
        .await;
    judge(last(&mine), last(&old).checked_add(Span::new().years(years)).expect("a day"), "新证书的到期日");
}

async fn keys(world: &mut UkeyWorld) -> [ukey_pki::PublicKey; 2] {
    let (old, mine) = world
        .must(|stage| Ok((stage.old.clone().expect("旧证书"), MyCertificate::read(&stage.device())?)))
        .await;
    assert!(old.serial() != mine.serial(), "UKey里的证书没有换");
    [old, mine].map(|mine| mine.sign.public_key().expect("a certificate for an SM2 key"))
}

#[then("新证书用的还是原来的密钥")]
async fn same_keys(world: &mut UkeyWorld) {
    let [old, new] = keys(world).await;
    assert!(old == new, "新证书用的是新密钥");
}

#[then("新证书用的是新密钥")]
async fn new_keys(world: &mut UkeyWorld) {
    let [old, new] = keys(world).await;
    assert!(old != new, "新证书用的还是原来的密钥");
}

#[then("新证书与旧证书同日到期")]
async fn same_end(world: &mut UkeyWorld) {
    let (old, mine) = world
        .must(|stage| Ok((stage.old.clone().expect("旧证书"), MyCertificate::read(&stage.device())?)))
        .await;
    assert!(old.serial() != mine.serial(), "UKey里的证书没有换");
    judge(last(&mine), last(&old), "新证书的到期日");
}

#[then(expr = "新证书从下载当天起{int}年有效")]
async fn from_today(world: &mut UkeyWorld, years: i64) {
    let (now, mine) =
        world.must(|stage| Ok((stage.client().clock()?.now, MyCertificate::read(&stage.device())?))).await;
    let today = now.to_zoned(shanghai()).date();
    judge(mine.sign.not_before().to_zoned(shanghai()).date(), today, "新证书的起始日");
    let years_later = today.checked_add(Span::new().years(years)).expect("a day");
    // A year after 29 February ends on 28 February (AMB-12).
    let cut = years_later.day() != today.day();
    let end = if cut { years_later } else { years_later.yesterday().expect("a day") };
    judge(last(&mine), end, "新证书的到期日");
}

/// Logs in: with the old certificate as long as it is valid, else with the one that came after it.
async fn old_stands(world: &mut UkeyWorld, expected: CertificateStanding) {
    let (standing, used, right) = world
        .must(move |stage| {
            let (client, device, pin) = (stage.client(), stage.device(), stage.key().pin.clone());
            let session = ukey_flows::login::login(&client, &device, &typed(&pin))?;
            let used = session.me.certificate_serial.clone();
            stage.session = Some(session);
            let old = stage.old.as_ref().expect("旧证书").serial();
            let right = match expected {
                CertificateStanding::Valid => old,
                _ => MyCertificate::read(&device)?.serial(),
            };
            Ok((stage.old_standing(), used, right))
        })
        .await;
    judge(standing, Some(expected), "旧证书的状态");
    judge(used, Some(right), "登录所用的证书");
}

#[then("用新证书可以登录，旧证书已注销")]
async fn old_revoked(world: &mut UkeyWorld) {
    old_stands(world, CertificateStanding::Revoked).await;
}

#[then("用新证书可以登录，旧证书只是过期")]
async fn old_expired(world: &mut UkeyWorld) {
    old_stands(world, CertificateStanding::Expired).await;
}

#[then("用旧证书仍可以登录")]
async fn old_valid(world: &mut UkeyWorld) {
    old_stands(world, CertificateStanding::Valid).await;
}

// ---- keys ----

#[given(expr = "同时还插着{holder}的UKey")]
#[when(expr = "同时还插着{holder}的UKey")]
fn beside(world: &mut UkeyWorld, holder: Whose) {
    world.stage().add_key_of(holder.0);
}

#[when(expr = "拔掉{holder}的UKey")]
fn not_beside(world: &mut UkeyWorld, holder: Whose) {
    world.stage().remove_key_of(holder.0);
}

#[when("每次比前一次多交换一条命令就拔出UKey，插回后重新办理，直到办完")]
async fn pull_everywhere(world: &mut UkeyWorld) {
    world.on_stage(|stage| stage.cuts = stage.cut_again_and_again(Stage::unplug_after)).await;
}

#[when("每次比前一次多写一次闪存就断电，上电后重新办理，直到办完")]
async fn cut_everywhere(world: &mut UkeyWorld) {
    let cut = |stage: &mut Stage, count: u64| stage.cut_power_after(count, count + 1);
    world.on_stage(move |stage| stage.cuts = stage.cut_again_and_again(cut)).await;
}

#[then(expr = "其间至少中断了{int}次")]
fn cuts(world: &mut UkeyWorld, least: u64) {
    let cuts = world.stage().cuts;
    assert!(cuts >= least, "其间中断的次数：应不少于{least}，实为{cuts}");
}

// ---- 账号 ----

#[when("用账号和短信收到的密码登录后，按证书卡号找到证书，点击修复")]
async fn repair(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            stage.note_old();
            let account = stage.account.clone().expect("an account");
            let password: Secret = stage.code(crate::people::HANDLER_PHONE, "account", 0).into();
            let login = ukey_flows::api::PasswordLogin { account, password };
            let session = stage.client().login_by_password(&login)?;
            let card = stage.device().info()?.serial_number;
            let listed = stage.client().my_certificates(&session.token)?;
            let found = listed.into_iter().find(|view| view.device_serial == card);
            let serial = found.expect("the card number is in the list").serial;
            stage.session = Some(session);
            stage.begin_renewal_of(&serial)
        })
        .await;
}

// ---- 信息变更 ----

#[given("已点击信息变更，输入口令")]
#[when("点击信息变更，输入口令")]
async fn change(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            if stage.old.is_none() {
                stage.note_old();
            }
            stage.begin_change()
        })
        .await;
}

#[given(expr = "登记机关将答复{verdict}")]
async fn registry(world: &mut UkeyWorld, verdict: Verdict) {
    let outcome: IdentityOutcome = verdict.0;
    world.must(move |stage| stage.client().next_registry(outcome)).await;
}

#[then(expr = "UKey里的证书所有者为{string}")]
async fn owner(world: &mut UkeyWorld, name: String) {
    let mine = world.must(|stage| MyCertificate::read(&stage.device())).await;
    judge(mine.owner(), name, "证书所有者");
}

#[then(expr = "变更验证码发到{string}，没有发到{string}")]
async fn code_goes_to(world: &mut UkeyWorld, there: String, not_there: String) {
    world.success();
    let counts = world
        .on_stage(move |stage| [there, not_there].map(|phone| stage.messages(&phone, "rewrite").len()))
        .await;
    assert!(counts[0] > 0, "预留的手机没有收到验证码");
    judge(counts[1], 0, "发到新手机的验证码");
}

// ---- 证书重装 ----

#[given("UKey里的证书丢失，密钥还在")]
async fn lose_certificate(world: &mut UkeyWorld) {
    world
        .must(|stage| {
            stage.note_old();
            let (device, pin) = (stage.device(), stage.key().pin.clone());
            let mine = MyCertificate::read(&device)?;
            let application = mine.open_application(&device)?;
            application.verify_pin(ukey_device::PinType::User, &typed(&pin))?;
            let container = application.open_container(&mine.container)?;
            // The certificate is overwritten: the host cannot delete one alone.
            container.import_certificate(ukey_device::KeyUse::Sign, &[0x30, 0x00])?;
            Ok(application.clear_secure_state()?)
        })
        .await;
}

#[given("UKey里的密钥已重新生成")]
async fn other_key(world: &mut UkeyWorld) {
    world
        .must(|stage| {
            let (device, pin) = (stage.device(), stage.key().pin.clone());
            let mine = MyCertificate::read(&device)?;
            let application = mine.open_application(&device)?;
            application.verify_pin(ukey_device::PinType::User, &typed(&pin))?;
            application.open_container(&mine.container)?.generate_key_pair()?;
            Ok(application.clear_secure_state()?)
        })
        .await;
}

#[when("点击证书重装，输入口令")]
async fn reinstall(world: &mut UkeyWorld) {
    world.attempt(Stage::reinstall).await;
}
