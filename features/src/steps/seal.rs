//! 签章变更, 采集印章, and stamping in a business system.

use cucumber::{gherkin::Step, given, then, when};
use ukey_flows::{
    api::{Decision, SealChangeKind},
    key::MyCertificate,
    login::login,
    seal,
};

use crate::{
    judge::judge,
    stage::{Stage, typed},
    words::{SealChange, SealPicture, State},
    world::UkeyWorld,
};

// ---- 签章变更 ----

#[given("已点击签章变更")]
#[when("点击签章变更")]
#[when("再次点击签章变更")]
async fn click(world: &mut UkeyWorld) {
    world.attempt(Stage::click_seal_change).await;
}

#[given("选择变更类型新增，点击下一步")]
#[when("选择变更类型新增，点击下一步")]
async fn add(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.choose_change(SealChangeKind::Add, None, None)).await;
}

#[when(expr = "选择变更类型新增，印章名称为{string}，点击下一步")]
async fn add_named(world: &mut UkeyWorld, name: String) {
    world.attempt(move |stage| stage.choose_change(SealChangeKind::Add, None, Some(&name))).await;
}

#[when(expr = "对第{int}个印章选择变更类型{sealchange}，点击下一步")]
async fn choose(world: &mut UkeyWorld, place: usize, kind: SealChange) {
    world.attempt(move |stage| stage.choose_change(kind.0, Some(place), None)).await;
}

#[given(expr = "上传印章图片{sealpicture}，点击下一步")]
#[when(expr = "上传印章图片{sealpicture}，点击下一步")]
async fn submit(world: &mut UkeyWorld, picture: SealPicture) {
    world.attempt(move |stage| stage.submit_picture(&picture.0)).await;
}

#[when("不上传印章图片，点击下一步")]
async fn submit_nothing(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.in_hand().submit()).await;
}

#[when(expr = "在电子印章中点击采集印章，上传印章图片{sealpicture}")]
async fn collect(world: &mut UkeyWorld, picture: SealPicture) {
    world.attempt(move |stage| stage.collect_seal(&picture.0)).await;
}

#[given("新增印章的申请已到审核")]
async fn in_review(world: &mut UkeyWorld) {
    world.must(|stage| stage.apply_for_seal(None)).await;
}

#[given("新增印章的申请已审核通过")]
async fn passed(world: &mut UkeyWorld) {
    world
        .must(|stage| {
            stage.apply_for_seal(None)?;
            stage.decide(Decision::Pass, None)
        })
        .await;
}

#[given(expr = "UKey内已有{int}个电子印章")]
async fn held(world: &mut UkeyWorld, count: usize) {
    const NAMES: [&str; 3] = ["公章", "财务专用章", "合同专用章"];
    world.must(move |stage| NAMES.iter().take(count).try_for_each(|name| stage.gain_seal(Some(name)))).await;
}

#[then(expr = "变更的印章写明为{sealchange}")]
async fn kind(world: &mut UkeyWorld, change: SealChange) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    judge(order.seal.map(|seal| seal.change_zh), Some(change.0.zh().to_owned()), "变更类型");
}

#[then("签章变更的应付总额为零，没有支付页面")]
async fn free(world: &mut UkeyWorld) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    judge(order.fee.total_fen, 0, "应付总额（分）");
    judge(order.payment.map(|payment| payment.state), None, "支付");
}

#[then(expr = "审核员看到的印章图片为{sealpicture}")]
async fn seen(world: &mut UkeyWorld, picture: SealPicture) {
    let seen = world
        .must(|stage| {
            let order = stage.order().id.clone();
            stage.client().paper_file(&order, &"desk-review".into(), ukey_flows::api::Paper::SealPicture)
        })
        .await;
    assert!(seen == picture.0, "审核员看到的是另一张图片（{}字节）", seen.len());
}

// ---- 个人中心 ----

#[then("个人中心显示：")]
async fn own_orders(world: &mut UkeyWorld, step: &Step) {
    world.success();
    let orders = world
        .must(|stage| {
            let (client, device, pin) = (stage.client(), stage.device(), stage.key().pin.clone());
            let session = login(&client, &device, &typed(&pin))?;
            client.my_orders(&session.token)
        })
        .await;
    let shown: Vec<_> =
        orders.iter().map(|order| format!("{} {}", order.kind.zh(), order.state_zh)).collect();
    let rows = &step.table.as_ref().expect("a table of orders").rows;
    let expected: Vec<_> = rows.iter().map(|row| row.join(" ")).collect();
    judge(shown, expected, "个人中心");
}

// ---- the key ----

#[then(expr = "UKey内有{int}个电子印章")]
async fn count(world: &mut UkeyWorld, expected: usize) {
    let (line, read) =
        world.must(|stage| Ok((seal::count(&stage.device())?, stage.held_seals().len()))).await;
    judge(seal::count_zh(line), seal::count_zh(expected), "我的证书");
    judge(read, expected, "能打开的印章");
}

#[then(expr = "第{int}个印章的名称为{string}")]
async fn name(world: &mut UkeyWorld, place: usize, expected: String) {
    let held = world.on_stage(|stage| stage.held_seals()).await;
    let seal = held[place - 1].seal.as_ref().expect("a seal that can be read");
    judge(seal.name(), expected.as_str(), "印章名称");
}

#[then(expr = "第{int}个印章的图片为{sealpicture}")]
async fn picture(world: &mut UkeyWorld, place: usize, expected: SealPicture) {
    let held = world.on_stage(|stage| stage.held_seals()).await;
    let seal = held[place - 1].seal.as_ref().expect("a seal that can be read");
    assert!(seal.picture().data() == expected.0, "印章的图片是另一张");
}

#[then(expr = "第{int}个印章由服务厅制作，符合{string}")]
async fn standard(world: &mut UkeyWorld, place: usize, edition: String) {
    use ukey_pki::{
        Certificate,
        seal::{SealVersion, Trust},
    };
    let (held, issuing, now) = world
        .must(|stage| {
            let issuing = stage.client().authority()?.chain.remove(0);
            Ok((stage.held_seals(), issuing, stage.client().clock()?.now))
        })
        .await;
    let seal = held[place - 1].seal.as_ref().expect("a seal that can be read");
    let issuing = [Certificate::from_der(&issuing.0).expect("a certificate")];
    seal.verify(&Trust::new(&issuing), now).expect("the seal is the hall's");
    let written = match seal.version() {
        SealVersion::V1 => "GM/T 0031-2014",
        SealVersion::V4 => "GB/T 38540-2020",
        SealVersion::V5 => "GM/T 0031-2025",
    };
    judge(written, edition.as_str(), "印章的标准");
}

async fn listed(world: &mut UkeyWorld) -> Vec<bool> {
    world
        .must(|stage| {
            let mine = MyCertificate::read(&stage.device())?;
            let lists = |held: seal::HeldSeal| held.seal.expect("a seal").lists(&mine.sign);
            Ok(stage.held_seals().into_iter().map(lists).collect())
        })
        .await
}

#[then("UKey内的印章都对应当前证书")]
async fn current(world: &mut UkeyWorld) {
    let listed = listed(world).await;
    assert!(!listed.is_empty() && listed.iter().all(|listed| *listed), "有印章不对应当前证书");
}

#[then("UKey内的印章仍对应旧证书")]
async fn outdated(world: &mut UkeyWorld) {
    let listed = listed(world).await;
    assert!(!listed.is_empty() && listed.iter().all(|listed| !listed), "有印章已对应当前证书");
}

#[given("UKey的空间已被其他文件占满")]
async fn full(world: &mut UkeyWorld) {
    world.must(Stage::fill_key).await;
}

#[when("删除占用空间的其他文件")]
async fn room_again(world: &mut UkeyWorld) {
    world.must(Stage::clear_other_files).await;
}

#[then(expr = "被拒绝，提示UKey空间不足")]
fn no_room(world: &mut UkeyWorld) {
    let shown = world.failure().message_zh();
    let fits =
        shown.starts_with("UKey空间不足，印章无法写入：需要") && shown.ends_with("字节，请先删除不用的印章");
    assert!(fits, "实为“{shown}”");
}

#[when("每次比前一次多交换一条命令就拔出UKey，插回后再次点击签章变更，直到写入")]
async fn pull_again_and_again(world: &mut UkeyWorld) {
    world.on_stage(|stage| stage.cuts = stage.cut_until_sealed(Stage::unplug_after)).await;
}

#[when("每次比前一次多写一次闪存就断电，上电后再次点击签章变更，直到写入")]
async fn cut_again_and_again(world: &mut UkeyWorld) {
    let cut = |stage: &mut Stage, count: u64| stage.cut_power_after(count, count);
    world.on_stage(move |stage| stage.cuts = stage.cut_until_sealed(cut)).await;
}

#[then("UKey内没有多余的印章文件")]
async fn nothing_left(world: &mut UkeyWorld) {
    let (files, seals) = world
        .must(|stage| {
            let device = stage.device();
            let files = MyCertificate::read(&device)?.open_application(&device)?.files()?;
            Ok((files, stage.held_seals().len()))
        })
        .await;
    judge(files.len(), seals + 1, "文件数（含目录）");
}

// ---- the business system ----

#[when("在业务系统中签章")]
async fn stamp(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.stamp(1, "合同")).await;
}

#[when(expr = "在业务系统中用第{int}个印章签章")]
async fn stamp_with(world: &mut UkeyWorld, place: usize) {
    world.attempt(move |stage| stage.stamp(place, "合同")).await;
}

#[when("业务系统再次核验这个签章")]
async fn check_again(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.check_stamp("合同")).await;
}

#[when("签章后的文件被修改，业务系统核验签章")]
async fn check_other(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.check_stamp("合同（改）")).await;
}

#[then(expr = "签章有效，印章为{string}，签章人为{string}")]
fn good(world: &mut UkeyWorld, name: String, signer: String) {
    world.success();
    let verdict = world.stage().verdict.clone().expect("a verdict");
    judge(verdict.name, name, "印章");
    judge(verdict.signer, signer, "签章人");
}

#[then(expr = "换证重制的订单为{state}，无需缴费和审核")]
async fn remake(world: &mut UkeyWorld, state: State) {
    world
        .must(move |stage| {
            let pin = typed(&stage.key().pin);
            let sealing = seal::Sealing::begin(&stage.client(), &stage.attached(), &pin)?;
            let remakes: Vec<_> = sealing
                .orders()
                .iter()
                .filter(|order| order.seal.as_ref().is_some_and(|seal| seal.change == SealChangeKind::Remake))
                .collect();
            assert!(!remakes.is_empty(), "没有换证重制的订单");
            for order in remakes {
                judge(order.state, state.0, "订单状态");
                judge(order.fee.total_fen, 0, "应付总额（分）");
                assert!(order.history.iter().all(|row| row.event != "review-passed"), "经过了审核");
            }
            Ok(())
        })
        .await;
}
