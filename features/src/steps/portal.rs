//! 平台: pages, downloads, account data, the supervising authority.

use cucumber::{gherkin::Step, given, then, when};
use ukey_flows::api::{AccountChange, AccountKind, PortalView, Registration};

use crate::{judge::judge, pdf, people::HANDLER_PHONE, world::UkeyWorld};

async fn portal(world: &mut UkeyWorld) -> PortalView {
    world.must(|stage| stage.client().portal()).await
}

#[when(expr = "打开页面{string}")]
async fn open(world: &mut UkeyWorld, path: String) {
    world
        .attempt(move |stage| {
            stage.document = None;
            stage.document = Some(stage.client().page(&path, stage.visitor().as_ref())?);
            Ok(())
        })
        .await;
}

#[when("打开缴费页")]
async fn open_payment_page(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let (order, token) = (stage.order().id.clone(), stage.in_hand().token().clone());
            stage.document = None;
            stage.document = Some(stage.client().page(&format!("/orders/{order}/payment"), Some(&token))?);
            Ok(())
        })
        .await;
}

fn page(world: &mut UkeyWorld) -> String {
    world.success();
    String::from_utf8(world.stage().document.clone().expect("a page")).expect("a page is text")
}

#[then("页面写明：")]
fn page_says(world: &mut UkeyWorld, step: &Step) {
    let text = page(world);
    for part in step.table.as_ref().expect("a table of texts").rows.iter().flatten() {
        assert!(text.contains(part.as_str()), "页面上没有{part}：\n{text}");
    }
}

#[then(expr = "页面标题为{string}")]
fn page_title(world: &mut UkeyWorld, title: String) {
    let text = page(world);
    let shown = text.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
    judge(shown, Some(title.as_str()), "页面标题");
}

#[then(expr = "页面没有{string}")]
fn page_lacks(world: &mut UkeyWorld, part: String) {
    let text = page(world);
    assert!(!text.contains(&part), "页面上不应有{part}：\n{text}");
}

/// The links in the page's menu: title and address.
fn menu(world: &mut UkeyWorld) -> Vec<(String, String)> {
    let text = page(world);
    let list = text.split("<nav><ul>").nth(1).and_then(|rest| rest.split("</ul>").next()).expect("a menu");
    let item = |item: &str| {
        let (address, rest) = item.split_once("\">").expect("a link");
        (rest.split('<').next().unwrap_or_default().to_owned(), address.to_owned())
    };
    list.split("<a href=\"").skip(1).map(item).collect()
}

#[then(expr = "首页菜单为{string}")]
fn home_menus(world: &mut UkeyWorld, menus: String) {
    let titles: Vec<_> = menu(world).into_iter().map(|(title, _)| title).collect();
    judge(titles.join("、"), menus, "菜单");
}

#[when(expr = "点击菜单{string}")]
async fn follow_menu(world: &mut UkeyWorld, title: String) {
    let found = menu(world).into_iter().find(|(known, _)| *known == title);
    let (_, path) = found.unwrap_or_else(|| panic!("页面上没有菜单{title}"));
    world
        .attempt(move |stage| {
            stage.document = None;
            stage.document = Some(stage.client().page(&path, stage.visitor().as_ref())?);
            Ok(())
        })
        .await;
}

#[then(expr = "支付页面列出{int}家银行：{string}")]
fn banks(world: &mut UkeyWorld, count: usize, names: String) {
    let text = page(world);
    let list = text.split("<ul class=\"banks\">").nth(1).and_then(|rest| rest.split("</ul>").next());
    let banks: Vec<_> =
        list.unwrap_or_default().split("<li>").skip(1).map(|item| item.trim_end_matches("</li>")).collect();
    judge(banks.len(), count, "银行的家数");
    judge(banks.join("、"), names, "银行");
}

#[then(expr = "自助服务共有{int}个入口：{string}")]
async fn services(world: &mut UkeyWorld, count: usize, names: String) {
    let services = portal(world).await.services;
    judge(services.len(), count, "入口的个数");
    let titles: Vec<_> = services.iter().map(|service| service.title.as_str()).collect();
    judge(titles.join("、"), names, "入口");
}

#[then(expr = "服务{string}先提供{string}")]
async fn offers_first(world: &mut UkeyWorld, title: String, first: String) {
    let services = portal(world).await.services;
    let service = services.iter().find(|service| service.title == title).expect("a service of that name");
    judge(service.first.join("、"), first, "先提供的");
}

#[then(expr = "要按顺序安装的控件为{string}")]
async fn controls(world: &mut UkeyWorld, names: String) {
    judge(portal(world).await.controls.join("、"), names, "控件");
}

#[then(expr = "下载证书助手前提示{string}")]
async fn warning(world: &mut UkeyWorld, text: String) {
    judge(portal(world).await.assistant_warning, text, "下载前的提示");
}

#[then("下载中心有：")]
async fn downloads(world: &mut UkeyWorld, step: &Step) {
    let files = portal(world).await.downloads;
    for row in step.table.as_ref().expect("a table of files").rows.iter().skip(1) {
        let [section, title] = row.as_slice() else { panic!("two columns") };
        let found = files.iter().any(|file| file.section == *section && file.title == *title);
        assert!(found, "下载中心的{section}里没有{title}");
    }
}

#[when(expr = "从下载中心下载{string}")]
async fn download(world: &mut UkeyWorld, title: String) {
    world
        .attempt(move |stage| {
            let files = stage.client().portal()?.downloads;
            let file = files.iter().find(|file| file.title == title).expect("a file of that title");
            stage.document = Some(stage.client().page(&file.path, None)?);
            Ok(())
        })
        .await;
}

#[when(expr = "在自助服务的页面下载材料模板{string}")]
async fn download_template(world: &mut UkeyWorld, title: String) {
    world
        .attempt(move |stage| {
            stage.document = None;
            let page = String::from_utf8(stage.client().page("/services", None)?).expect("a page is text");
            let before = page.split(&format!("\">{title}</a>")).next().expect("text");
            let path = before.rsplit("href=\"").next().filter(|path| path.starts_with("/downloads/"));
            let path = path.unwrap_or_else(|| panic!("页面上没有{title}的链接"));
            stage.document = Some(stage.client().page(path, None)?);
            Ok(())
        })
        .await;
}

#[then(expr = "下载的文件写明{string}")]
async fn file_says(world: &mut UkeyWorld, part: String) {
    world.success();
    let text = world
        .on_stage(|stage| {
            let file = stage.document.clone().expect("a file");
            if file.starts_with(b"%PDF") { pdf::text(&file) } else { String::from_utf8(file).expect("text") }
        })
        .await;
    assert!(text.contains(&part), "文件里没有{part}：\n{text}");
}

// ---- 用户信息 ----

#[when(expr = "把用户信息中的{word}改为{string}")]
async fn change_data(world: &mut UkeyWorld, field: String, value: String) {
    world
        .attempt(move |stage| {
            let session = stage.visitor().expect("a session");
            let change = match field.as_str() {
                "名称" => AccountChange { name: Some(value), ..AccountChange::default() },
                "手机号" => {
                    stage.client().phone_code(&session, &value)?;
                    let code = Some(stage.code(&value, "phone", 0).into());
                    AccountChange { phone: Some(value), code, ..AccountChange::default() }
                }
                field => panic!("the account has no {field} to change"),
            };
            stage.client().change_me(&session, &change).map(drop)
        })
        .await;
}

#[then(expr = "用户信息为{string}，手机{string}")]
async fn data(world: &mut UkeyWorld, name: String, phone: String) {
    let me = world
        .must(|stage| {
            let session = stage.visitor().expect("a session");
            stage.client().me(&session)
        })
        .await;
    judge(me.name, name, "名称");
    judge(me.phone, Some(phone), "手机");
}

// ---- 主管部门 ----

#[given(expr = "主管部门{string}已注册，账号{string}")]
async fn authority(world: &mut UkeyWorld, number: String, account: String) {
    world
        .must(move |stage| {
            stage.client().register(&Registration {
                kind: AccountKind::Authority,
                account: account.clone(),
                name: "示例市主管部门".into(),
                number,
                phone: HANDLER_PHONE.into(),
            })?;
            stage.account = Some(account);
            Ok(())
        })
        .await;
}

#[when("主管部门取消这份申请")]
async fn cancel_supervised(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let (session, order) = (stage.visitor().expect("a session"), stage.order().id.clone());
            stage.client().cancel(&order, &session).map(drop)
        })
        .await;
}

#[when("查看辖区内的申请")]
async fn supervise(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let session = stage.visitor().expect("a session");
            let orders = stage.client().supervised(&session)?;
            let row =
                |order: &ukey_flows::api::OrderSummary| format!("{}{}", order.subject.name, order.state_zh);
            stage.shown = orders.iter().map(row).collect::<Vec<_>>().join("、");
            Ok(())
        })
        .await;
}
