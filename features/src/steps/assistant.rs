//! 证书助手: its windows, 环境检测, installation, the way between page and assistant; another program at the key.

use cucumber::{gherkin::Step, given, then, when};
use jiff::SignedDuration;
use ukey_device::KeyUse;
use ukey_flows::{
    FlowError,
    assistant::{
        environment::{self, Item},
        handover,
        install::{self, Answer},
        machine::{Browser, BrowserFault, BrowserKind, Machine, Part},
        page::Entry,
        status::Version,
    },
    unlock::Step as Due,
};

use crate::{
    judge::judge,
    stage::Stage,
    words::{Component, Whose},
    world::UkeyWorld,
};

fn version(text: &str) -> Version {
    text.parse().expect("a version")
}

// ---- 状态栏与分栏 ----

#[given(expr = "已安装证书助手{string}，服务厅提供{string}")]
fn versions(world: &mut UkeyWorld, installed: String, offered: String) {
    let mut stage = world.stage();
    let assistant = stage.assistant();
    assistant.machine.set_assistant(Some(&version(&installed))).expect("the assistant is installed");
    assistant.offered = version(&offered);
}

#[when("打开证书助手")]
async fn open(world: &mut UkeyWorld) {
    world.attempt(Stage::open_assistant).await;
}

#[when("重新启动证书助手")]
async fn restart(world: &mut UkeyWorld) {
    world.attempt(Stage::restart_assistant).await;
}

#[then(expr = "分栏依次为{string}")]
fn tabs(world: &mut UkeyWorld, expected: String) {
    world.success();
    let tabs = world.stage().assistant().tabs.join("、");
    judge(tabs, expected, "分栏");
}

#[then(expr = "状态栏左侧为{string}")]
fn left_of_bar(world: &mut UkeyWorld, expected: String) {
    world.success();
    let left = world.stage().assistant().bar.0.clone();
    judge(left, expected, "状态栏左侧");
}

#[then("状态栏左侧写明UKey正被其他程序占用")]
fn occupied_in_bar(world: &mut UkeyWorld) {
    world.success();
    let mut stage = world.stage();
    let serial = stage.key_number();
    let left = stage.assistant().bar.0.clone();
    judge(left, format!("电子钥匙 UKey {serial}正被其他程序占用"), "状态栏左侧");
}

#[then(expr = "状态栏右侧为{string}")]
fn right_of_bar(world: &mut UkeyWorld, expected: String) {
    world.success();
    let right = world.stage().assistant().bar.1.clone();
    judge(right, expected, "状态栏右侧");
}

// ---- 我的证书 ----

#[when("在证书助手中打开我的证书")]
#[when("点击刷新界面")]
async fn open_page(world: &mut UkeyWorld) {
    world.attempt(Stage::open_page).await;
}

#[then("页面逐行显示：")]
fn page_lines(world: &mut UkeyWorld, step: &Step) {
    world.success();
    let mut stage = world.stage();
    let serial = stage.certificates.last().cloned().unwrap_or_default();
    let key = stage.key_number();
    let page = stage.assistant().page.as_ref().expect("当 在证书助手中打开我的证书");
    let lines: Vec<_> = page.lines().into_iter().map(|(name, value)| format!("{name}：{value}")).collect();
    let rows = &step.table.as_ref().expect("a table of lines").rows;
    let expected: Vec<_> = rows
        .iter()
        .map(|row| row.join("：").replace("[签发的序列号]", &serial).replace("[UKey序列号]", &key))
        .collect();
    judge(lines, expected, "我的证书");
}

#[then(expr = "快捷入口依次为{string}")]
fn entries(world: &mut UkeyWorld, expected: String) {
    world.success();
    judge(Entry::ALL.map(Entry::zh).join("、"), expected, "快捷入口");
}

#[then(expr = "可用的快捷入口为{string}")]
fn enabled(world: &mut UkeyWorld, expected: String) {
    world.success();
    let mut stage = world.stage();
    let page = stage.assistant().page.as_ref().expect("当 在证书助手中打开我的证书");
    let enabled = Entry::ALL.into_iter().filter(|entry| entry.enabled(page).is_ok());
    let names: Vec<_> = enabled.map(Entry::zh).collect();
    judge(if names.is_empty() { "无".to_owned() } else { names.join("、") }, expected, "可用的快捷入口");
}

#[then(expr = "其余快捷入口的提示为{string}")]
fn why_not(world: &mut UkeyWorld, expected: String) {
    let mut stage = world.stage();
    let page = stage.assistant().page.as_ref().expect("当 在证书助手中打开我的证书");
    let reasons: Vec<_> = Entry::ALL.into_iter().filter_map(|entry| entry.enabled(page).err()).collect();
    assert!(!reasons.is_empty(), "快捷入口都可用");
    for reason in reasons {
        judge(reason.message_zh(), expected.as_str(), "不可用的原因");
    }
}

#[given("UKey内的签名证书已损坏")]
async fn damaged_certificate(world: &mut UkeyWorld) {
    world
        .must(|stage| {
            stage.in_container(|_, container| {
                let mut der = container.export_certificate(KeyUse::Sign)?.expect("a certificate");
                der.truncate(der.len() / 2);
                Ok(container.import_certificate(KeyUse::Sign, &der)?)
            })
        })
        .await;
}

#[given("UKey内加密证书的位置上写的是签名证书")]
async fn misplaced_certificate(world: &mut UkeyWorld) {
    world
        .must(|stage| {
            stage.in_container(|_, container| {
                let der = container.export_certificate(KeyUse::Sign)?.expect("a certificate");
                Ok(container.import_certificate(KeyUse::Encrypt, &der)?)
            })
        })
        .await;
}

#[given(expr = "UKey内的证书被复制到另一个容器{string}")]
async fn copied_certificate(world: &mut UkeyWorld, name: String) {
    world
        .must(move |stage| {
            stage.in_container(|application, container| {
                let other = application.create_container(&name)?;
                other.generate_key_pair()?;
                let der = container.export_certificate(KeyUse::Sign)?.expect("a certificate");
                Ok(other.import_certificate(KeyUse::Sign, &der)?)
            })
        })
        .await;
}

// ---- 环境检测 ----

#[given(expr = "电脑的{component}有{int}个文件损坏")]
fn damaged_files(world: &mut UkeyWorld, part: Component, files: usize) {
    world.stage().assistant().machine.damage(part.0, files);
}

#[given(expr = "电脑没有安装{component}")]
fn missing_part(world: &mut UkeyWorld, part: Component) {
    world.stage().assistant().machine.remove(part.0);
}

#[given("电脑没有安装证书控件")]
fn missing_controls(world: &mut UkeyWorld) {
    world.stage().remove_controls();
}

#[given(expr = "{component}的安装包已丢失")]
fn lost_package(world: &mut UkeyWorld, part: Component) {
    world.stage().assistant().machine.lose_package(part.0);
}

#[given("证书助手没有管理员权限")]
fn no_rights(world: &mut UkeyWorld) {
    world.stage().assistant().machine.no_rights = true;
}

#[when("以管理员身份运行证书助手")]
fn with_rights(world: &mut UkeyWorld) {
    world.stage().assistant().machine.no_rights = false;
}

#[given(expr = "电脑的时间快了{int}分钟")]
fn clock_ahead(world: &mut UkeyWorld, minutes: i64) {
    world.stage().assistant().machine.ahead = SignedDuration::from_mins(minutes);
}

#[given(expr = "电脑的时间慢了{int}分钟")]
fn clock_behind(world: &mut UkeyWorld, minutes: i64) {
    world.stage().assistant().machine.ahead = SignedDuration::from_mins(-minutes);
}

#[given(expr = "电脑的浏览器是IE {string}")]
fn internet_explorer(world: &mut UkeyWorld, version: String) {
    let browser = Browser { kind: BrowserKind::InternetExplorer, version };
    world.stage().assistant().machine.browser = Some(browser);
}

#[given("服务厅只支持IE浏览器")]
fn wants_internet_explorer(world: &mut UkeyWorld) {
    world.stage().want_browser(BrowserKind::InternetExplorer);
}

#[given("浏览器禁止运行控件，并拦截弹出窗口")]
fn browser_settings(world: &mut UkeyWorld) {
    let faults = [BrowserFault::ControlsBlocked, BrowserFault::PopupsBlocked];
    world.stage().assistant().machine.browser_faults.extend(faults);
}

#[then(expr = "环境检测页写着{string}和{string}")]
fn check_page(_world: &mut UkeyWorld, title: String, repair: String) {
    judge(environment::TITLE_ZH, title.as_str(), "环境检测的标题");
    judge(environment::REPAIR_ZH, repair.as_str(), "修复的提示");
}

#[when("点击重新检测")]
async fn check(world: &mut UkeyWorld) {
    world.on_stage(Stage::check_environment).await;
}

#[when("点击环境修复")]
async fn repair(world: &mut UkeyWorld) {
    world.on_stage(Stage::repair_environment).await;
}

#[when("勾选启动时自动检测")]
fn check_at_start(world: &mut UkeyWorld) {
    world.stage().assistant().settings.check_at_start = true;
}

#[then("没有检测结果")]
fn no_report(world: &mut UkeyWorld) {
    world.success();
    assert!(world.stage().assistant().report.is_none(), "已经检测过");
}

#[then("检测结果为：")]
fn report(world: &mut UkeyWorld, step: &Step) {
    let mut stage = world.stage();
    let report = stage.assistant().report.as_ref().expect("当 点击重新检测");
    let row = |finding: &environment::Finding| format!("{}：{}", finding.item.zh(), finding.text_zh);
    let got: Vec<_> = report.findings.iter().map(row).collect();
    let rows = &step.table.as_ref().expect("a table of items").rows;
    judge(got, rows.iter().map(|row| row.join("：")).collect::<Vec<_>>(), "检测结果");
}

#[then(expr = "有问题的项目为{string}")]
fn faults(world: &mut UkeyWorld, expected: String) {
    let mut stage = world.stage();
    let report = stage.assistant().report.as_ref().expect("当 点击重新检测");
    let names: Vec<_> = report.faults().map(Item::zh).collect();
    judge(if names.is_empty() { "无".to_owned() } else { names.join("、") }, expected, "有问题的项目");
}

fn finding(world: &UkeyWorld, item: &str) -> (String, Vec<String>) {
    let mut stage = world.stage();
    let report = stage.assistant().report.as_ref().expect("当 点击重新检测");
    let found = report.findings.iter().find(|finding| finding.item.zh() == item);
    let found = found.unwrap_or_else(|| panic!("环境检测没有{item}这一项"));
    (found.text_zh.clone(), found.details.clone())
}

#[then(expr = "{string}一项显示{string}")]
fn item_text(world: &mut UkeyWorld, item: String, expected: String) {
    judge(finding(world, &item).0, expected, &item);
}

#[then(expr = "查看{string}的详情，有{int}行，第一行为{string}")]
fn item_details(world: &mut UkeyWorld, item: String, lines: usize, first: String) {
    let details = finding(world, &item).1;
    judge(details.len(), lines, "详情的行数");
    judge(details.first(), Some(&first), "详情的第一行");
}

#[then(expr = "查看{string}的详情，最后一行为{string}")]
fn last_detail(world: &mut UkeyWorld, item: String, last: String) {
    judge(finding(world, &item).1.last(), Some(&last), "详情的最后一行");
}

#[then(expr = "修复结果为{string}")]
fn repaired(world: &mut UkeyWorld, expected: String) {
    let mut stage = world.stage();
    let told: Vec<_> = stage.assistant().repairs.iter().map(environment::Repair::text_zh).collect();
    judge(told.join("；"), expected, "修复结果");
}

// ---- 安装 ----

fn download(stage: &mut Stage, answer: Answer) -> Result<(), FlowError> {
    let offered = stage.assistant().offered.clone();
    let mut asked = "";
    let downloaded = install::download(
        |question| {
            asked = question;
            answer
        },
        || Ok(offered),
    )?;
    stage.shown = asked.to_owned();
    stage.assistant().downloaded = downloaded;
    Ok(())
}

#[when("在下载中心下载证书助手，在提示中点击确定")]
async fn download_it(world: &mut UkeyWorld) {
    world.attempt(|stage| download(stage, Answer::Confirm)).await;
}

#[when("在下载中心下载证书助手，在提示中点击取消")]
async fn download_not(world: &mut UkeyWorld) {
    world.attempt(|stage| download(stage, Answer::Cancel)).await;
}

#[then("没有下载证书助手")]
fn not_downloaded(world: &mut UkeyWorld) {
    assert!(world.stage().assistant().downloaded.is_none(), "证书助手已下载");
}

#[when("安装下载的证书助手")]
async fn install_it(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let assistant = stage.assistant();
            let version = assistant.downloaded.clone().expect("an assistant that was downloaded");
            install::install_assistant(&mut assistant.machine, &version)
        })
        .await;
}

#[when("卸载老版本证书助手")]
async fn remove_old(world: &mut UkeyWorld) {
    world.attempt(|stage| Ok(stage.assistant().machine.set_assistant(None)?)).await;
}

#[when(expr = "解压并安装第{int}个控件")]
async fn install_control(world: &mut UkeyWorld, number: u8) {
    world.attempt(move |stage| install::install_control(&mut stage.assistant().machine, number, true)).await;
}

#[when(expr = "没有解压就安装第{int}个控件")]
async fn install_zipped(world: &mut UkeyWorld, number: u8) {
    world.attempt(move |stage| install::install_control(&mut stage.assistant().machine, number, false)).await;
}

#[then(expr = "已安装的控件为{string}")]
fn installed_controls(world: &mut UkeyWorld, expected: String) {
    let mut stage = world.stage();
    let machine = &stage.assistant().machine;
    let there = |part: &Part| machine.files(*part).is_some_and(|files| files.to_repair() == 0);
    let there: Vec<_> = Part::controls().filter(there).map(|part| part.to_string()).collect();
    judge(if there.is_empty() { "无".to_owned() } else { there.join("、") }, expected, "已安装的控件");
}

// ---- 插着几个UKey ----

#[given("又插入一把空白UKey")]
#[when("又插入一把空白UKey")]
async fn another_blank(world: &mut UkeyWorld) {
    world.must(Stage::add_blank_key).await;
}

#[given(expr = "又插入{holder}的UKey")]
#[when(expr = "又插入{holder}的UKey")]
fn another_key(world: &mut UkeyWorld, holder: Whose) {
    world.stage().add_key_of(holder.0);
}

#[when("拔出多插的UKey")]
fn leave_one(world: &mut UkeyWorld) {
    world.stage().leave_one_key();
}

// ---- 登录页 ----

#[when("打开登录页")]
async fn open_entrance(world: &mut UkeyWorld) {
    world.attempt(Stage::open_entrance).await;
}

#[then(expr = "登录页自动显示证书名称{string}")]
fn shown_name(world: &mut UkeyWorld, expected: String) {
    judge(world.success(), expected, "登录页的证书名称");
}

#[when(expr = "在登录页输入口令{string}，点击登录")]
async fn enter(world: &mut UkeyWorld, pin: String) {
    world.attempt(move |stage| stage.enter_by_key(&pin)).await;
}

// ---- 别的程序 ----

#[given("另一家CA的控件占用着UKey")]
#[when("另一家CA的控件占用UKey")]
async fn occupy(world: &mut UkeyWorld) {
    world.must(Stage::occupy_key).await;
}

#[when("退出另一家CA的控件")]
async fn free(world: &mut UkeyWorld) {
    world.on_stage(Stage::free_key).await;
}

#[then("提示UKey正被其他程序占用，并指引退出该程序")]
fn busy(world: &mut UkeyWorld) {
    let FlowError::Key(error) = world.failure() else {
        panic!("应为UKey被占用，实为{}", world.failure().message_zh())
    };
    assert!(error.is_busy(), "应为UKey被占用，实为{}（{error}）", error.message_zh());
    let text = error.message_zh();
    assert!(text.contains("正被其他程序占用"), "提示应含有“正被其他程序占用”，实为“{text}”");
    judge(error.help_zh(), Some("请退出正在使用该UKey的其他程序后重试"), "指引");
}

// ---- 页面与助手 ----

#[then(expr = "浏览器页面显示{string}，{string}")]
async fn return_page(world: &mut UkeyWorld, title: String, text: String) {
    world.success();
    let page = world.on_stage(Stage::return_page).await.expect("a page that leads back to the assistant");
    judge(page.title_zh, title.as_str(), "页面的标题");
    judge(page.text_zh, text.as_str(), "页面的文字");
}

#[then("浏览器页面没有快速打开证书助手")]
async fn no_return_page(world: &mut UkeyWorld) {
    let page = world.on_stage(Stage::return_page).await;
    assert!(page.is_none(), "页面有快速打开证书助手");
}

#[when("点击快速打开证书助手")]
async fn follow(world: &mut UkeyWorld) {
    world.attempt(Stage::follow_link).await;
}

#[when("点击快速打开证书助手，但证书助手没有跳转")]
fn lost_link(world: &mut UkeyWorld) {
    world.stage().assistant().link = None;
}

#[then("被拒绝，因为链接来自另一个服务厅")]
fn other_hall(world: &mut UkeyWorld) {
    let rule = world.failure();
    assert!(
        matches!(rule, FlowError::Rule(ukey_flows::Rule::OtherHall { .. })),
        "应为另一个服务厅的链接，实为{}",
        rule.message_zh()
    );
}

#[then(expr = "屏幕上一直提示{string}")]
async fn standing_hint(world: &mut UkeyWorld, expected: String) {
    let (step, authority): (Due, String) = world
        .must(|stage| {
            stage.refreshed();
            Ok((stage.unlocking().step(), stage.client().profile()?.name))
        })
        .await;
    judge(handover::hint_zh(step, &authority), expected, "温馨提示");
}
