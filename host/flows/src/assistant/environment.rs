//! 环境检测 and 环境修复: whether this computer and this key are fit for the hall.

use std::borrow::Borrow;

use jiff::{SignedDuration, tz};
use serde::{Deserialize, Serialize};
use ukey_device::Device;
use ukey_hall::api::HallTime;

use super::label::Label;
use super::machine::{BrowserKind, Files, Machine, MachineError, Part};
use crate::key::only_one;
use crate::{Client, FlowError, Rule};

/// The line above the items.
pub const TITLE_ZH: &str = "一键检测数字证书使用环境,安全无忧使用!";
/// The line beside items where something is wrong.
pub const REPAIR_ZH: &str = "若出现错误请点击环境修复";
/// Where the hall explains what to do when the browser asks for controls again and again.
pub const BROWSER_HELP_ZH: &str = "参见首页-常见问题-“浏览器弹出需要安装控件解决方法”";

/// What is looked at, from top to bottom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Item {
    /// 操作系统.
    System,
    /// 浏览器 (G-10).
    Browser,
    /// 本地时间, against the hall's clock.
    Clock,
    /// 网络状态: whether the hall is reached.
    Network,
    /// 浏览器设置.
    BrowserSettings,
    /// 驱动 (L-08).
    Driver,
    /// 证书控件.
    Controls,
    /// 密钥容器 and their labels.
    Containers,
}

impl Item {
    /// All, in their order.
    pub const ALL: [Item; 8] = [
        Item::System,
        Item::Browser,
        Item::Clock,
        Item::Network,
        Item::BrowserSettings,
        Item::Driver,
        Item::Controls,
        Item::Containers,
    ];

    /// Its name.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Item::System => "操作系统",
            Item::Browser => "浏览器",
            Item::Clock => "本地时间",
            Item::Network => "网络状态",
            Item::BrowserSettings => "浏览器设置",
            Item::Driver => "驱动",
            Item::Controls => "证书控件",
            Item::Containers => "密钥容器",
        }
    }
}

/// What a hall needs of a computer. It differs from hall to hall (AMB-13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Kinds of browsers that work.
    pub browsers: Vec<BrowserKind>,
    /// How far the clock may be off.
    pub clock: SignedDuration,
}

impl Default for Needs {
    fn default() -> Self {
        Self { browsers: vec![BrowserKind::Chrome], clock: SignedDuration::from_mins(5) }
    }
}

/// How an item stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Nothing is wrong.
    Good,
    /// Something is.
    Faulty,
    /// It cannot be known now.
    Unknown,
}

/// An item with what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The item.
    pub item: Item,
    /// How it stands.
    pub state: State,
    /// The line beside its name.
    pub text_zh: String,
    /// 查看详情: line by line.
    pub details: Vec<String>,
}

/// The outcome of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// One for each item, in the order of [`Item::ALL`].
    pub findings: Vec<Finding>,
}

impl Report {
    /// What was found of an item.
    #[must_use]
    pub fn of(&self, item: Item) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.item == item)
    }

    /// The items where something is wrong.
    pub fn faults(&self) -> impl Iterator<Item = Item> {
        self.findings.iter().filter(|finding| finding.state == State::Faulty).map(|finding| finding.item)
    }
}

/// 重新检测: looks at everything; changes nothing.
pub fn check<D: Borrow<Device>>(
    machine: &dyn Machine,
    client: &Client,
    known: &[D],
    needs: &Needs,
) -> Report {
    let time = client.hall_time();
    let find = |item| {
        let (state, text_zh, details) = match item {
            Item::System => (State::Good, machine.system(), Vec::new()),
            Item::Browser => browser(machine, needs),
            Item::Clock => clock(machine, time.as_ref().ok(), needs),
            Item::Network => match &time {
                Ok(_) => (State::Good, "在线".to_owned(), Vec::new()),
                Err(error) => (State::Faulty, "离线".to_owned(), vec![error.message_zh()]),
            },
            Item::BrowserSettings => settings(machine),
            Item::Driver => parts(machine, &[Part::Driver], "文件已损坏,需要修复文件数"),
            Item::Controls => parts(machine, &Part::controls().collect::<Vec<_>>(), "存在问题,需要修复数"),
            Item::Containers => containers(machine, client, known),
        };
        Finding { item, state, text_zh, details }
    };
    Report { findings: Item::ALL.map(find).into() }
}

/// What came of the repair of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// The item.
    pub item: Item,
    /// Why it was not repaired, if so.
    pub outcome: Result<(), MachineError>,
}

impl Repair {
    /// The line that tells it.
    #[must_use]
    pub fn text_zh(&self) -> String {
        match &self.outcome {
            Ok(()) => format!("{}已修复", self.item.zh()),
            Err(error) => format!("{}修复失败：{}", self.item.zh(), error.message_zh()),
        }
    }
}

/// 环境修复: tries to put right what a check found wrong, item by item. One that fails keeps no other from being tried;
/// check again afterwards.
pub fn repair(machine: &mut dyn Machine, client: &Client, report: &Report) -> Vec<Repair> {
    let mut repair = |item| match item {
        Item::Clock => match client.hall_time() {
            Ok(time) => machine.set_clock(time.now),
            Err(error) => Err(MachineError::System(error.message_zh())),
        },
        Item::BrowserSettings => machine.set_browser(),
        Item::Driver => machine.put(Part::Driver),
        Item::Controls => Part::controls().try_for_each(|part| {
            let whole =
                machine.files(part).is_none_or(|files| files.to_repair() == 0 && files.is_installed());
            if whole { Ok(()) } else { machine.put(part) }
        }),
        Item::System | Item::Browser | Item::Network | Item::Containers => Err(MachineError::ByHand),
    };
    report.faults().map(|item| Repair { item, outcome: repair(item) }).collect()
}

/// Whether a key can be reached from this computer at all (L-08).
///
/// # Errors
/// [`Rule::NoDriver`].
pub fn demand_driver(machine: &dyn Machine) -> Result<(), Rule> {
    if machine.files(Part::Driver).is_none_or(|files| files.is_installed()) {
        Ok(())
    } else {
        Err(Rule::NoDriver)
    }
}

type Found = (State, String, Vec<String>);

fn browser(machine: &dyn Machine, needs: &Needs) -> Found {
    let Some(browser) = machine.browser() else {
        return (State::Unknown, "无法得知".to_owned(), Vec::new());
    };
    let text = format!("{} {}", browser.kind, browser.version);
    if needs.browsers.contains(&browser.kind) {
        return (State::Good, text, Vec::new());
    }
    let wanted: Vec<_> = needs.browsers.iter().map(BrowserKind::to_string).collect();
    (State::Faulty, text, vec![format!("请改用{}浏览器", wanted.join("或"))])
}

fn clock(machine: &dyn Machine, time: Option<&HallTime>, needs: &Needs) -> Found {
    let here = machine.now();
    let text = here.to_zoned(tz::TimeZone::fixed(tz::offset(8))).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let Some(there) = time else {
        return (State::Unknown, text, vec!["无法与服务厅的时间核对".to_owned()]);
    };
    let ahead = here.duration_since(there.now);
    if ahead.abs() <= needs.clock {
        return (State::Good, text, Vec::new());
    }
    let word = if ahead.is_negative() { "慢" } else { "快" };
    let minutes = ahead.abs().as_mins();
    (State::Faulty, text, vec![format!("比服务厅的时间{word}{minutes}分钟，请校准")])
}

fn settings(machine: &dyn Machine) -> Found {
    let faults = machine.browser_faults();
    if faults.is_empty() {
        return (State::Good, "正常".to_owned(), Vec::new());
    }
    let mut details: Vec<_> = faults.iter().map(|fault| fault.zh().to_owned()).collect();
    details.push(BROWSER_HELP_ZH.to_owned());
    (State::Faulty, format!("存在问题,需要修复数: {}", faults.len()), details)
}

fn parts(machine: &dyn Machine, parts: &[Part], damaged_zh: &str) -> Found {
    let needed: Vec<Files> = parts.iter().filter_map(|part| machine.files(*part)).collect();
    if needed.is_empty() {
        return (State::Good, "无需安装".to_owned(), Vec::new());
    }
    let missing = needed.iter().flat_map(|files| &files.missing).map(|name| format!("{name} 缺失"));
    let damaged = needed.iter().flat_map(|files| &files.damaged).map(|name| format!("{name} 已损坏"));
    let details: Vec<_> = missing.chain(damaged).collect();
    if !needed.iter().any(Files::is_installed) {
        (State::Faulty, "未安装,请到“服务支持”下载".to_owned(), details)
    } else if details.is_empty() {
        (State::Good, "正常".to_owned(), Vec::new())
    } else {
        (State::Faulty, format!("{damaged_zh}: {}", details.len()), details)
    }
}

fn containers<D: Borrow<Device>>(machine: &dyn Machine, client: &Client, known: &[D]) -> Found {
    let read = || -> Result<Vec<Label>, FlowError> {
        demand_driver(machine)?;
        let mut labels = Label::read_all(only_one(known)?.borrow())?;
        for label in &mut labels {
            let status = label.serial.as_ref().map(|serial| client.certificate_status(serial));
            // A hall that is away, or did not issue it, has nothing to compare with.
            if let Some(Ok(status)) = status {
                label.compare(&status);
            }
        }
        Ok(labels)
    };
    match read() {
        Err(FlowError::Rule(rule @ Rule::NoKey)) => (State::Unknown, rule.message_zh(), Vec::new()),
        Err(error) => (State::Faulty, error.message_zh(), Vec::new()),
        Ok(labels) if labels.is_empty() => (State::Faulty, Rule::NoCertificate.message_zh(), Vec::new()),
        Ok(labels) => {
            let details: Vec<_> = labels.iter().map(Label::text_zh).collect();
            match labels.iter().filter(|label| !label.faults.is_empty()).count() {
                0 => (State::Good, "正常".to_owned(), details),
                count => (State::Faulty, format!("证书标签异常: {count}"), details),
            }
        }
    }
}

/// What the assistant keeps from one start to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// 启动时自动检测.
    pub check_at_start: bool,
}

impl Settings {
    /// What the assistant does as it starts: the check, where it is wanted.
    #[must_use]
    pub fn at_start(&self, check: impl FnOnce() -> Report) -> Option<Report> {
        self.check_at_start.then(check)
    }
}
