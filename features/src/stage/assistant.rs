//! The assistant at work: the computer that it runs on, what its windows show, and another program beside it.

use std::{borrow::Borrow, sync::Arc, time::Duration};

use ukey_device::Device;
use ukey_flows::{
    FlowError,
    assistant::{
        Tab,
        entrance::Entrance,
        environment::{self, Needs, Repair, Report, Settings},
        handover::{self, Link, ReturnPage},
        machine::{BrowserKind, Machine, Part},
        page::Page,
        simulated::SimulatedMachine,
        status::{self, Version, VersionState},
    },
    pin,
};

use super::{Business, Stage, typed};

/// The assistant that is installed at first.
const INSTALLED: &str = "2.0.1911.100";

/// The assistant, and the computer that it runs on.
pub(crate) struct Assistant {
    pub(crate) machine: SimulatedMachine,
    pub(crate) needs: Needs,
    /// The version that the hall offers.
    pub(crate) offered: Version,
    /// The version that was downloaded.
    pub(crate) downloaded: Option<Version>,
    pub(crate) settings: Settings,
    pub(crate) report: Option<Report>,
    pub(crate) repairs: Vec<Repair>,
    pub(crate) page: Option<Page>,
    /// The status bar, left and right.
    pub(crate) bar: (String, String),
    pub(crate) tabs: Vec<&'static str>,
    /// The link that the page in the browser had.
    pub(crate) link: Option<Link>,
    /// A program of somebody else that has the key for itself.
    other: Option<Device>,
}

impl Stage {
    /// The assistant; it is installed on a computer without faults.
    pub(crate) fn assistant(&mut self) -> &mut Assistant {
        let client = self.client();
        self.assistant.get_or_insert_with(|| {
            let time = move || client.clock().expect("the hall's clock").now;
            let installed: Version = INSTALLED.parse().expect("a version");
            Box::new(Assistant {
                machine: SimulatedMachine::new(time, Some(installed.clone())),
                needs: Needs::default(),
                offered: installed,
                downloaded: None,
                settings: Settings::default(),
                report: None,
                repairs: Vec::new(),
                page: None,
                bar: (String::new(), String::new()),
                tabs: Vec::new(),
                link: None,
                other: None,
            })
        })
    }

    // ---- another program ----

    /// A program of another authority takes the key for itself.
    pub(crate) fn occupy_key(&mut self) -> Result<(), FlowError> {
        let device = self.device();
        let simulator = self.simulator_of(&device);
        let other = Device::connect(&simulator)?;
        other.lock(Duration::ZERO)?;
        self.assistant().other = Some(other);
        Ok(())
    }

    /// That program ends.
    pub(crate) fn free_key(&mut self) {
        self.assistant().other.take().expect("another program that holds the key");
    }

    // ---- windows ----

    /// Starts the assistant, or looks at its window again.
    pub(crate) fn open_assistant(&mut self) -> Result<(), FlowError> {
        let attached = self.attached();
        let left = status::key_line_zh(&devices(&attached))?;
        let assistant = self.assistant();
        let installed = assistant.machine.assistant();
        let right = installed.map(|installed| VersionState::of(&installed, &assistant.offered).text_zh());
        assistant.bar = (left, right.unwrap_or_default());
        assistant.tabs = Tab::ALL.map(Tab::zh).into();
        Ok(())
    }

    /// Ends the assistant and starts it again: what it shows is gone, what it keeps is not.
    pub(crate) fn restart_assistant(&mut self) -> Result<(), FlowError> {
        let kept = serde_json::to_string(&self.assistant().settings).expect("settings");
        let settings: Settings = serde_json::from_str(&kept).expect("settings");
        let assistant = self.assistant();
        (assistant.report, assistant.repairs) = (None, Vec::new());
        let report = settings.at_start(|| self.check());
        let assistant = self.assistant();
        (assistant.report, assistant.settings) = (report, settings);
        self.open_assistant()
    }

    /// 我的证书, and 刷新界面.
    pub(crate) fn open_page(&mut self) -> Result<(), FlowError> {
        self.assistant().page = None;
        let page = Page::read(&self.client(), &self.device())?;
        self.assistant().page = Some(page);
        Ok(())
    }

    fn check(&mut self) -> Report {
        let (client, attached) = (self.client(), self.attached());
        let assistant = self.assistant();
        environment::check(&assistant.machine, &client, &devices(&attached), &assistant.needs)
    }

    /// 重新检测.
    pub(crate) fn check_environment(&mut self) {
        let report = self.check();
        self.assistant().report = Some(report);
    }

    /// 环境修复, and a look at what it did.
    pub(crate) fn repair_environment(&mut self) {
        let client = self.client();
        let assistant = self.assistant();
        let report = assistant.report.take().expect("当 点击重新检测");
        assistant.repairs = environment::repair(&mut assistant.machine, &client, &report);
        self.check_environment();
    }

    pub(crate) fn remove_controls(&mut self) {
        Part::controls().for_each(|part| self.assistant().machine.remove(part));
    }

    pub(crate) fn want_browser(&mut self, kind: BrowserKind) {
        self.assistant().needs.browsers = vec![kind];
    }

    // ---- the hall's pages ----

    /// The login page: the name of the certificate is there by itself.
    pub(crate) fn open_entrance(&mut self) -> Result<(), FlowError> {
        let attached = self.attached();
        let name = Entrance::open(&self.assistant().machine, &devices(&attached))?.name();
        self.shown = name;
        Ok(())
    }

    /// 登录 on that page.
    pub(crate) fn enter_by_key(&mut self, pin: &str) -> Result<(), FlowError> {
        let (client, attached) = (self.client(), self.attached());
        self.session = None;
        let devices = devices(&attached);
        let entrance = Entrance::open(&self.assistant().machine, &devices)?;
        let session = entrance.login(&client, &typed(pin))?;
        self.session = Some(session);
        Ok(())
    }

    /// The page that the browser shows for the order at hand.
    pub(crate) fn return_page(&mut self) -> Option<ReturnPage> {
        let (client, order) = (self.client(), self.refreshed());
        let page = ReturnPage::of(&client, &order);
        self.assistant().link = page.as_ref().map(|page| page.link.clone());
        page
    }

    /// 快速打开证书助手.
    pub(crate) fn follow_link(&mut self) -> Result<(), FlowError> {
        let link = self.assistant().link.clone().expect("a page with 快速打开证书助手");
        // As it travels from the browser to the assistant.
        let link: Link = link.to_string().parse().expect("a link");
        let (client, attached) = (self.client(), self.attached());
        let unlocking = handover::resume(&client, &devices(&attached), &link)?;
        self.take_up(Business::Unlock(Box::new(unlocking)));
        Ok(())
    }

    // ---- what is in the key ----

    /// Does something in the key's own container, with the holder's right.
    pub(crate) fn in_container(
        &mut self,
        work: impl FnOnce(&ukey_device::Application<'_>, &ukey_device::Container<'_>) -> Result<(), FlowError>,
    ) -> Result<(), FlowError> {
        let (device, pin) = (self.device(), self.key().pin.clone());
        let mine = ukey_flows::key::MyCertificate::read(&device)?;
        pin::check(&device, &typed(&pin))?;
        let application = mine.open_application(&device)?;
        application.verify_pin(ukey_device::PinType::User, &typed(&pin))?;
        let container = application.open_container(&mine.container)?;
        work(&application, &container)?;
        Ok(application.clear_secure_state()?)
    }
}

fn devices(attached: &[Arc<Device>]) -> Vec<&Device> {
    attached.iter().map(Borrow::borrow).collect()
}
