//! 查询服务: the state of an application by any two of its fields.

use cucumber::{gherkin::Step, then, when};
use ukey_flows::api::StatusQuery;

use crate::{judge::judge, world::UkeyWorld};

/// Stands for the number of the order at hand.
const THIS_ORDER: &str = "本订单";

#[when("在查询服务中填写：")]
async fn ask(world: &mut UkeyWorld, step: &Step) {
    let rows = step.table.as_ref().expect("a table of fields").rows.clone();
    world
        .attempt(move |stage| {
            let mut query = StatusQuery::default();
            for row in rows.iter().skip(1) {
                let value = match row[1].as_str() {
                    THIS_ORDER => stage.order().id.clone(),
                    text => text.to_owned(),
                };
                let field = match row[0].as_str() {
                    "订单号" => &mut query.order,
                    "名称" => &mut query.name,
                    "证件号码" => &mut query.number,
                    "手机号" => &mut query.phone,
                    field => panic!("查询服务没有{field}这一项"),
                };
                *field = Some(value);
            }
            stage.statuses = stage.client().application_status(&query)?;
            Ok(())
        })
        .await;
}

#[when(expr = "在查询服务中用名称和{int}个不同的手机号各查一次")]
async fn guess(world: &mut UkeyWorld, times: u32) {
    world
        .must(move |stage| {
            for i in 0..times {
                let query = StatusQuery {
                    name: Some(crate::people::UNIT.into()),
                    phone: Some(format!("1399999{i:04}")),
                    ..StatusQuery::default()
                };
                stage.client().application_status(&query).expect_err("a phone that is nobody's");
            }
            Ok(())
        })
        .await;
}

#[then(expr = "查询服务只显示{string}")]
fn told(world: &mut UkeyWorld, expected: String) {
    world.success();
    let stage = world.stage();
    let row = |status: &ukey_flows::api::ApplicationStatus| {
        format!("{} {} {}", status.kind_zh, status.state_zh, status.date)
    };
    judge(stage.statuses.iter().map(row).collect::<Vec<_>>().join("、"), expected, "查询结果");
}
