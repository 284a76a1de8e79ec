//! A command line that cannot be read: what clap says of it, and the same in Chinese.

use std::process::ExitCode;

use clap::error::{ContextKind, ErrorKind};

use crate::output;

/// Tells it; help and version, which are asked for in the same way, go to standard output.
pub(crate) fn tell(error: &clap::Error) -> ExitCode {
    // A reader that went away is no failure.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    output::say(&message_zh(error));
    2.into()
}

/// What is wrong, in Chinese.
fn message_zh(error: &clap::Error) -> String {
    let named = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let (argument, value) = (named(ContextKind::InvalidArg), named(ContextKind::InvalidValue));
    let what = match error.kind() {
        ErrorKind::InvalidValue if value.is_empty() => format!("参数{argument}缺少值"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => format!("参数{argument}的值“{value}”无效"),
        ErrorKind::UnknownArgument => format!("没有参数{argument}"),
        ErrorKind::InvalidSubcommand => format!("没有命令{}", named(ContextKind::InvalidSubcommand)),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            "缺少命令".to_owned()
        }
        ErrorKind::MissingRequiredArgument => format!("缺少参数{argument}"),
        ErrorKind::ArgumentConflict => {
            format!("参数{argument}与{}不能同时使用", named(ContextKind::PriorArg))
        }
        _ => "命令行有误".to_owned(),
    };
    format!("{what}；用法见 --help")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::message_zh;
    use crate::Arguments;

    #[test]
    fn what_clap_refuses_is_told_in_chinese() {
        for (line, told) in [
            ("ukey infos", "没有命令infos；"),
            ("ukey info --colour", "没有参数--colour；"),
            ("ukey info --target", "参数--target <TARGET>缺少值；"),
            ("ukey info --target nowhere", "的值“nowhere”无效；"),
            ("ukey test --shard 4/3", "的值“4/3”无效；"),
            ("ukey test --allow-destructive", "缺少参数--serial <NUMBER>；"),
            ("ukey test --list --coverage", "不能同时使用；"),
            ("ukey sim", "缺少命令；"),
        ] {
            let error = Arguments::try_parse_from(line.split(' ')).unwrap_err();
            let chinese = message_zh(&error);
            assert!(chinese.contains(told), "{line}: {chinese}");
        }
    }
}
