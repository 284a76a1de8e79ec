//! `ukey sim reset --target TARGET`: a token that is there is made a developer's by its own commands: an emulated one, or
//! a simulated one that runs. A real key is left alone.

use ukey_device::Target;

use super::Confirm;
use crate::developer;
use crate::failure::{Failure, Result};
use crate::options::Token;
use crate::output;

/// Deletes what is on the token, and makes it a developer's unless it is to be as from the factory.
pub(super) fn reset(
    token: &Token,
    policies: &[String],
    factory: bool,
    seed: Option<u64>,
    confirm: &Confirm,
) -> Result<()> {
    let target = token.target();
    if let Target::Qemu { board, flash: None } = &target {
        return Err(Failure::usage(
            format!("the token at {target} is a new one each time"),
            format!("name a file for its flash, it is made: --target qemu:{board}=FILE"),
            format!("{target}每次都是新UKey；请指定闪存文件，不存在时自动创建：--target qemu:{board}=FILE"),
        ));
    }
    if !policies.is_empty() {
        return Err(Failure::usage(
            format!("the token at {target} is there, with policies of its own"),
            "leave --policy out; a new token with policies: `ukey sim reset --state FILE`",
            format!("{target}已有其策略；请去掉 --policy，新建带策略的UKey请用 ukey sim reset --state FILE"),
        ));
    }
    let device = token.connect()?;
    if !device.is_ours() {
        return Err(Failure::usage(
            format!("the key at {target} is not simulated on this machine, and was not touched"),
            "a real key is for `ukey test`, and first `ukey test --dry-run`",
            format!(
                "{target}不是本机的模拟UKey，未被改动；真实UKey请先用 ukey test --dry-run，再用 ukey test"
            ),
        ));
    }
    let serial_number = device.info()?.serial_number;
    if !device.applications()?.is_empty() {
        confirm.lose(&target, &format!("the token {serial_number}"))?;
    }
    let summary = if factory {
        developer::make_blank(&device)?;
        developer::factory_summary()
    } else {
        let policy = developer::survey(&device)?;
        developer::make_blank(&device)?;
        developer::equip(&device, &policy, seed)?;
        developer::summary(&policy)
    };
    output::result(&format!("target             {target}\nserial number      {serial_number}\n{summary}"));
    Ok(())
}
