//! Each part of the machine, judged.

use std::path::Path;

use ukey_device::configured;
use ukey_device::link::skf::NEEDED;

use super::facts::{
    Content, Devices, Facts, Folder, Library, Line, Listener, Reader, StateFile, StrayChanges,
};
use super::library::{FUNCTIONS, USES};
use super::{Finding, State, Text, variables};

/// The target of the board's image.
pub(super) const RUST_TARGET: &str = "thumbv7em-none-eabihf";

/// Everything that can be said of the machine.
pub(crate) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut all = vec![rust_target(facts), emulator(facts)];
    all.extend(images(facts));
    all.extend([feature(facts), pcscd(facts), permission(facts)]);
    all.extend(readers(facts));
    all.push(virtual_reader(facts));
    all.extend(facts.lines.iter().map(|line| serial(line, facts)));
    if facts.lines.is_empty() {
        all.push(Finding::not_needed("serial", "this machine has no serial line", "本机没有串口"));
    }
    all.push(runtime(facts));
    all.extend(facts.states.iter().map(state));
    all.extend(facts.strays.iter().map(stray));
    all.extend(facts.libraries.iter().map(library));
    all.extend(facts.variables.iter().filter_map(|(name, value)| variables::fault(name, value)));
    all.extend(facts.devices.as_ref().map(devices));
    all.extend([font(facts), program(facts, "pdftotext"), program(facts, "openssl")]);
    all
}

/// The command that installs a package of Debian's.
fn install(facts: &Facts, package: &str) -> String {
    match (facts.debian, facts.root) {
        (true, true) => format!("apt-get install {package}"),
        (true, false) => format!("sudo apt-get install {package}"),
        (false, _) => format!("install the package that Debian calls {package}"),
    }
}

fn as_root(facts: &Facts, command: &str) -> String {
    if facts.root { command.to_owned() } else { format!("sudo {command}") }
}

pub(super) fn rust_target(facts: &Facts) -> Finding {
    let check = "rust-target";
    match &facts.rust_targets {
        None => Finding::missing(
            check,
            "there is no Rust toolchain to build the images of the boards with",
            "没有用于构建开发板固件的Rust工具链",
        )
        .by("curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"),
        Some(targets) if targets.iter().any(|target| target == RUST_TARGET) => {
            Finding::ok(check, format!("{RUST_TARGET} is installed"), format!("已安装{RUST_TARGET}"))
        }
        Some(_) => Finding::missing(
            check,
            format!("the Rust toolchain lacks {RUST_TARGET}, which the images of the boards are built for"),
            format!("Rust工具链缺少开发板固件所需的{RUST_TARGET}"),
        )
        .by(format!("rustup target add {RUST_TARGET}")),
    }
}

pub(super) fn emulator(facts: &Facts) -> Finding {
    let check = "qemu";
    match facts.programs.get("qemu-system-arm") {
        Some(path) => found(check, path),
        None => Finding::missing(
            check,
            "qemu-system-arm is not installed; targets qemu:BOARD need it",
            "未安装qemu-system-arm，目标qemu:BOARD需要它",
        )
        .by(install(facts, "qemu-system-arm")),
    }
}

fn found(check: &str, path: &Path) -> Finding {
    let path = path.display().to_string();
    Finding::ok(check, path.clone(), path)
}

pub(super) fn images(facts: &Facts) -> impl Iterator<Item = Finding> {
    facts.images.iter().map(|image| {
        let (check, path) = (format!("board-image:{}", image.board), image.path.display());
        if image.built {
            Finding::ok(check, path.to_string(), path.to_string())
        } else {
            let (en, zh) = (format!("there is no image at {path}"), format!("{path}处没有固件"));
            Finding::missing(check, en, zh).by("ukey board build")
        }
    })
}

pub(super) fn feature(facts: &Facts) -> Finding {
    let check = "pcsc-feature";
    if facts.pcsc.built {
        Finding::ok(check, "this build speaks PC/SC", "本程序支持PC/SC")
    } else {
        Finding::missing(
            check,
            "this build speaks no PC/SC; targets pcsc:READER need it (Debian: libpcsclite-dev)",
            "本程序未包含PC/SC支持，目标pcsc:READER需要它（Debian：libpcsclite-dev）",
        )
        .by("cargo install --locked --path host/cli --features pcsc")
    }
}

/// The service of smart card readers: ours as a client, and the one into which a virtual reader is put.
pub(super) fn pcscd(facts: &Facts) -> Finding {
    let check = "pcscd";
    let pcsc = &facts.pcsc;
    let socket = pcsc.socket.display();
    let start = if facts.systemd { "systemctl start pcscd.socket" } else { "pcscd" };
    let restart = if facts.systemd { "systemctl restart pcscd.socket pcscd" } else { "pcscd" };
    let installed = facts.programs.contains_key("pcscd");
    match (&pcsc.listener, pcsc.process) {
        (Listener::Answers, _) => {
            Finding::ok(check, format!("listens at {socket}"), format!("正在{socket}监听"))
        }
        (Listener::Denied, _) => Finding::broken(
            check,
            format!("this user may not connect to {socket}"),
            format!("当前用户无权连接{socket}"),
        )
        .by(as_root(facts, &format!("chmod a+rw {socket}"))),
        (Listener::Failed(word), _) => {
            let (en, zh) = (
                format!("connecting to {socket} failed: {word}"),
                format!("连接{socket}失败：{word}"),
            );
            Finding::broken(check, en, zh).by(as_root(facts, restart))
        }
        (Listener::Absent | Listener::Gone, _) if !installed => Finding::missing(
            check,
            "pcscd is not installed; smart card readers, real and virtual, need it",
            "未安装pcscd，真实或虚拟的读卡器都需要它",
        )
        .by(install(facts, "pcscd")),
        // In a container, or in another namespace: it is none of this one's.
        (Listener::Absent, Some(process)) if pcsc.socket.as_os_str() == super::probe::PCSCD_SOCKET => Finding::broken(
            check,
            format!("pcscd is not running here: there is no {socket}; process {process} is one of elsewhere"),
            format!("pcscd未在此运行：{socket}不存在；进程{process}属于别处"),
        )
        .by(as_root(facts, start)),
        (Listener::Absent, Some(process)) => Finding::broken(
            check,
            format!("pcscd runs (PID {process}), but not at {socket}; PCSCLITE_CSOCK_NAME says where it is looked for"),
            format!("pcscd在运行（PID {process}），但不在{socket}；由PCSCLITE_CSOCK_NAME指定位置"),
        )
        .by("unset PCSCLITE_CSOCK_NAME"),
        (Listener::Absent, None) => Finding::broken(
            check,
            format!("pcscd is installed and not running: there is no {socket}"),
            format!("pcscd已安装但未运行：{socket}不存在"),
        )
        .by(as_root(facts, start)),
        (Listener::Gone, _) => Finding::broken(
            check,
            format!("pcscd is not running any more: nobody listens at {socket}"),
            format!("pcscd已停止：{socket}无人监听"),
        )
        .by(as_root(facts, restart)),
    }
}

/// Whether pcscd lets this user in.
pub(super) fn permission(facts: &Facts) -> Finding {
    let check = "pcsc-permission";
    match &facts.pcsc.readers {
        None => Finding::not_needed(check, "pcscd was not asked", "未询问pcscd"),
        Some(Ok(readers)) => {
            let count = readers.len();
            Finding::ok(
                check,
                format!("pcscd answers: {count} readers"),
                format!("pcscd应答：{count}个读卡器"),
            )
        }
        Some(Err(word)) if facts.pcsc.polkit && !facts.root => Finding::broken(
            check,
            format!("pcscd refuses this user; polkit decides who may use it: {}", word.en),
            format!("pcscd拒绝当前用户，由polkit决定：{}", word.zh),
        )
        .by("pkexec tee /etc/polkit-1/rules.d/50-pcsc.rules <<< 'polkit.addRule(function(a, s) { if \
             (/^org.debian.pcsc-lite/.test(a.id) && s.active) return \"yes\"; });'"),
        Some(Err(word)) => Finding::broken(
            check,
            format!("pcscd does not answer: {}", word.en),
            format!("pcscd没有应答：{}", word.zh),
        )
        .by(as_root(facts, if facts.systemd { "systemctl restart pcscd" } else { "pcscd" })),
    }
}

pub(super) fn readers(facts: &Facts) -> Vec<Finding> {
    let readers = facts.pcsc.readers.iter().flatten().flatten();
    readers
        .map(|Reader { name, exclusive, mute }| {
            let check = format!("reader:{name}");
            if *exclusive {
                let en = "a program has the card for itself; PC/SC does not tell which";
                let advice = Text::new("close the other program that uses it", "请退出正在使用它的其他程序");
                Finding::broken(check, en, "卡被某个程序独占，PC/SC不提供其名称").advised(Some(advice))
            } else if *mute {
                let advice = Text::new("pull the card and put it in again", "请拔出卡后重新插入");
                let en = "what is in it does not answer to power";
                Finding::broken(check, en, "其中的卡上电无应答").advised(Some(advice))
            } else {
                Finding::ok(check, "can be used", "可用")
            }
        })
        .collect()
}

/// The driver that makes a running simulated token a card in a reader.
pub(super) fn virtual_reader(facts: &Facts) -> Finding {
    let check = "vpcd";
    let pcsc = &facts.pcsc;
    let package = "vsmartcard-vpcd";
    let mend = || {
        if facts.debian {
            as_root(facts, &format!("apt-get install --reinstall {package}"))
        } else {
            install(facts, package)
        }
    };
    let absent = pcsc.configured.iter().find(|(_, _, there)| !there);
    let twice = pcsc.configured.iter().enumerate().find_map(|(index, (file, driver, _))| {
        let before = pcsc.configured.iter().take(index).find(|(_, other, _)| other == driver)?;
        Some((file, &before.0, driver))
    });
    match (absent, twice, &pcsc.driver, pcsc.configured.first()) {
        (Some((file, driver, _)), ..) => Finding::broken(
            check,
            format!("{} names {}, which is not there", file.display(), driver.display()),
            format!("{}指定的{}不存在", file.display(), driver.display()),
        )
        .by(mend()),
        // Its readers share one table: pcscd stops answering.
        (_, Some((file, before, driver)), ..) => Finding::broken(
            check,
            format!(
                "{} and {} name the same driver {}: pcscd hangs with it; each wants a copy of its own",
                before.display(),
                file.display(),
                driver.display()
            ),
            format!(
                "{}与{}指定了同一驱动{}，pcscd会挂起",
                before.display(),
                file.display(),
                driver.display()
            ),
        )
        .by(as_root(facts, &format!("cp {0} {0}.2", driver.display()))),
        (_, _, _, Some((file, driver, _))) => {
            let text = format!("{} ({})", driver.display(), file.display());
            Finding::ok(check, text.clone(), text)
        }
        (_, _, Some(driver), None) => Finding::broken(
            check,
            format!("{} is there, and no file of /etc/reader.conf.d names it", driver.display()),
            format!("{}存在，但/etc/reader.conf.d中没有文件指定它", driver.display()),
        )
        .by(mend()),
        (_, _, None, None) => Finding::missing(
            check,
            "the virtual reader is not installed; `ukey sim start --vpcd` needs it",
            "未安装虚拟读卡器，ukey sim start --vpcd 需要它",
        )
        .by(install(facts, package)),
    }
}

/// What is in the way of a simulated token in a reader.
pub(crate) fn virtual_reader_faults(facts: &Facts) -> Vec<Finding> {
    let parts = [virtual_reader(facts), pcscd(facts)];
    parts.into_iter().filter(|part| matches!(part.state, State::Missing | State::Broken)).collect()
}

pub(super) fn serial(line: &Line, facts: &Facts) -> Finding {
    let check = format!("serial:{}", line.path.display());
    if !line.allowed {
        let Line { group, .. } = line;
        if facts.groups.contains(group) {
            let (en, zh) =
                ("the group that may is this user's, and yet it may not", "所属组有权限，但仍无法访问");
            return Finding::broken(check, en, zh)
                .by(as_root(facts, &format!("chmod g+rw {}", line.path.display())));
        }
        return Finding::broken(
            check,
            format!("this user may not use it; members of the group {group} may"),
            format!("当前用户无权使用，{group}组的成员可以"),
        )
        .by(format!("sudo usermod --append --groups {group} $USER && newgrp {group}"));
    }
    match &line.holder {
        Some(holder) => Finding::ok(check, format!("in use by {holder}"), format!("正被{holder}占用")),
        None => Finding::ok(check, "can be used", "可用"),
    }
}

pub(super) fn runtime(facts: &Facts) -> Finding {
    let check = "runtime-folder";
    let path = facts.runtime.path.display();
    let another = "export UKEY_RUNTIME_DIR=$HOME/.ukey-run";
    match &facts.runtime.folder {
        Folder::Absent => Finding::ok(
            check,
            format!("{path} is made when a token is started"),
            format!("启动模拟UKey时创建{path}"),
        ),
        Folder::Own { alive, stale: 0 } => {
            Finding::ok(check, format!("{path}, {alive} running"), format!("{path}，{alive}个在运行"))
        }
        Folder::Own { alive, stale } => Finding::ok(
            check,
            format!("{path}, {alive} running; {stale} that ended are swept by the next who looks"),
            format!("{path}，{alive}个在运行；{stale}个已结束的记录将自动清除"),
        ),
        Folder::Open { mode } => Finding::broken(
            check,
            format!("others may use {path} (mode {mode:03o}): nothing is started there"),
            format!("其他用户可访问{path}（权限{mode:03o}），不会在其中启动"),
        )
        .by(format!("chmod 700 {path}")),
        Folder::Foreign => Finding::broken(
            check,
            format!("{path} is no folder of this user's"),
            format!("{path}不是当前用户的文件夹"),
        )
        .by(another),
        Folder::Unreadable(word) => Finding::broken(
            check,
            format!("{path} cannot be looked into: {word}"),
            format!("无法查看{path}：{word}"),
        )
        .by(another),
    }
}

pub(super) fn state(file: &StateFile) -> Finding {
    let check = format!("state:{}", file.path.display());
    match (&file.content, &file.holder) {
        (Err((reason, advice)), _) => Finding::broken(check, &reason.en, &reason.zh).advised(advice.clone()),
        (Ok(serial), None) => Finding::ok(check, format!("token {serial}"), format!("UKey {serial}")),
        (Ok(serial), Some(holder)) => Finding::ok(
            check,
            format!("token {serial}, in use by {holder}"),
            format!("UKey {serial}，正被{holder}占用"),
        ),
    }
}

fn stray(stray: &StrayChanges) -> Finding {
    let (path, file) = (stray.path.display(), stray.file.display());
    let (en, zh) = if stray.is_there {
        (
            format!(
                "{path} has nothing to do with {file}: another file is in its place since a program was killed"
            ),
            format!("{path}与{file}无关：程序被强行终止后，该文件已被替换"),
        )
    } else {
        (
            format!("{path} is what a killed program left of {file}, which is not there"),
            format!("{path}是程序被强行终止时留下的，而{file}已不在"),
        )
    };
    let advice = Text::new(
        "put the file back that it was left with, and open that; or remove it",
        "请放回原来的文件并打开一次，或将其删除",
    );
    Finding::broken(format!("changes:{file}"), en, zh).advised(Some(advice)).by(format!("rm {path}"))
}

pub(super) fn library(library: &Library) -> Finding {
    let path = library.path.display();
    let check = format!("library:{path}");
    let vendor =
        || Some(Text::new("ask the maker for a library for this machine", "请向厂商索取适用于本机的库"));
    match &library.content {
        Content::Absent => {
            Finding::missing(check, format!("there is no file {path}"), format!("文件{path}不存在"))
                .advised(Some(Text::new("name another file", "请指定其他文件")))
        }
        Content::Unreadable(word) => Finding::broken(
            check,
            format!("{path} cannot be read: {word}"),
            format!("无法读取{path}：{word}"),
        )
        .by(format!("chmod a+r {path}")),
        Content::NoLibrary => {
            Finding::broken(check, format!("{path} is no library"), format!("{path}不是库文件"))
                .advised(vendor())
        }
        Content::Foreign { its, ours } => Finding::broken(
            check,
            format!("{path} is for {its}, and this program is for {ours}"),
            format!("{path}适用于{its}，而本程序适用于{ours}"),
        )
        .advised(vendor()),
        Content::Exports(names) => {
            let lacks = |function: &&str| !names.iter().any(|name| name == *function);
            let lacking: Vec<_> = FUNCTIONS.iter().copied().filter(|function| lacks(function)).collect();
            let needed: Vec<_> = NEEDED.into_iter().filter(|function| lacks(function)).collect();
            if lacking.len() == FUNCTIONS.len() {
                Finding::broken(
                    check,
                    format!("{path} exports no function of GM/T 0016-2012: it is no SKF library"),
                    format!("{path}没有GM/T 0016-2012的函数，不是SKF库"),
                )
                .advised(vendor())
            } else if !needed.is_empty() {
                Finding::broken(
                    check,
                    format!("{path} cannot be used at all: no key is reached without {}", needed.join(", ")),
                    format!("{path}无法使用：缺少访问UKey必需的{}", needed.join("、")),
                )
                .advised(whole_library())
            } else {
                lacking_parts(check, &lacking)
            }
        }
    }
}

fn whole_library() -> Option<Text> {
    Some(Text::new(
        "ask the maker for a library with the functions of GM/T 0016-2012, clause 7",
        "请向厂商索取实现GM/T 0016-2012第7章接口的库",
    ))
}

/// The file that names the devices of `libukey_skf`.
fn devices(named: &Devices) -> Finding {
    let check = format!("skf-devices:{}", named.path.display());
    match &named.content {
        _ if named.is_overruled => Finding::not_needed(
            check,
            format!("{} names the devices instead", configured::TARGETS),
            format!("设备由{}指定", configured::TARGETS),
        ),
        Err((reason, advice)) => Finding::broken(check, &reason.en, &reason.zh).advised(Some(advice.clone())),
        Ok(targets) if targets.is_empty() => {
            Finding::ok(check, "the tokens that run on this machine", "本机正在运行的模拟UKey")
        }
        Ok(targets) => Finding::ok(check, targets.join(", "), targets.join("、")),
    }
}

/// A library that can be used, and lacks these functions.
fn lacking_parts(check: String, lacking: &[&str]) -> Finding {
    let all = FUNCTIONS.len();
    if lacking.is_empty() {
        return Finding::ok(
            check,
            format!("exports all {all} functions of GM/T 0016-2012"),
            format!("导出了GM/T 0016-2012的全部{all}个函数"),
        );
    }
    let (mut en, mut zh) = (Vec::new(), Vec::new());
    for (use_en, use_zh, functions) in USES {
        let wanted: Vec<_> =
            functions.iter().copied().filter(|function| lacking.contains(function)).collect();
        if !wanted.is_empty() {
            en.push(format!("{use_en} (no {})", wanted.join(", ")));
            zh.push(format!("{use_zh}（缺少{}）", wanted.join("、")));
        }
    }
    let count = lacking.len();
    if en.is_empty() {
        return Finding::ok(
            check,
            format!("lacks {count} of {all} functions, none of which ukey uses: {}", lacking.join(", ")),
            format!("缺少{all}个函数中的{count}个，均不为ukey所用：{}", lacking.join("、")),
        );
    }
    Finding::partial(
        check,
        format!("lacks {count} of {all} functions; with it one cannot {}", en.join("; ")),
        format!("缺少{all}个函数中的{count}个，因此无法：{}", zh.join("；")),
    )
    .advised(whole_library())
}

fn font(facts: &Facts) -> Finding {
    let check = "chinese-font";
    if facts.font {
        return Finding::ok(check, "documents can be made", "可生成文件");
    }
    Finding::missing(
        check,
        "there is no Chinese font; the hall makes no PDF documents without",
        "没有中文字体，服务厅无法生成PDF文件",
    )
    .by(install(facts, "fonts-wqy-microhei"))
}

/// A program that only some things ask for.
fn program(facts: &Facts, name: &'static str) -> Finding {
    let (check, package, en, zh) = match name {
        "pdftotext" => (
            "poppler",
            "poppler-utils",
            "pdftotext is not installed; scenarios read PDF documents back with it",
            "未安装pdftotext，场景用它读取PDF文件",
        ),
        _ => (
            "openssl",
            "openssl",
            "openssl is not installed; tests check certificates with it",
            "未安装openssl，测试用它核对证书",
        ),
    };
    match facts.programs.get(name) {
        Some(path) => found(check, path),
        None => Finding::new(check, State::Missing, en, zh).by(install(facts, package)),
    }
}
