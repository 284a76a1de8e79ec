//! The portal (平台): pages for people, and the same as data for the assistant (G, L-08, A-06).
//!
//! Guarantees: whatever was typed by anybody is escaped; no page needs a script; the pages do nothing that the JSON
//! interface does not do, by the same rights.
//! Refuses to know: how orders move.

mod handout;
mod pages;
mod session;

use crate::{
    api::{PortalLink, PortalView, ServiceEntry},
    hall::Hall,
    profile::Link,
};

/// The entry of an enrolment (E-01).
const ENROL: &str = "在线新办";

/// The self-service entries (N-27), and whether each needs the key.
const SERVICES: [(&str, bool); 5] =
    [(ENROL, false), ("在线延期", true), ("在线补办", false), ("签章变更", true), ("找回密码与证书查询", true)];

/// What a service that needs the key offers first (G-03).
const FIRST: [&str; 2] = ["下载并安装", "打开证书助手"];

/// What is asked before the assistant is downloaded (G-05).
const ASSISTANT_WARNING: &str = "安装前请务必先卸载老版本证书助手!";

/// What is warned of before an e-invoice form is saved (I-05).
const INVOICE_WARNING: &str = "请仔细核对开票信息，信息有误可能影响报销。";

/// The portal as data.
pub(crate) fn view(hall: &Hall) -> PortalView {
    let portal = &hall.profile().portal;
    let service = |(title, key): (&str, bool)| ServiceEntry {
        title: title.into(),
        first: if key { FIRST.map(Into::into).to_vec() } else { Vec::new() },
    };
    let links = |links: &[Link]| -> Vec<_> {
        links.iter().map(|link| PortalLink { title: link.title.clone(), address: link.address.clone() }).collect()
    };
    PortalView {
        menus: links(&portal.menus),
        services: SERVICES.map(service).to_vec(),
        downloads: handout::list(),
        assistant_warning: ASSISTANT_WARNING.into(),
        agreement: portal.agreement.clone(),
        agreement_text: portal.agreement_text.clone(),
        browser_advice: portal.browser_advice.clone(),
        control_advice: portal.control_advice.clone(),
        controls: portal.controls.clone(),
        invoice_links: links(&portal.invoice_links),
        invoice_warning: INVOICE_WARNING.into(),
    }
}

/// The pages, beside the JSON interface.
pub(crate) fn routes() -> axum::Router<Hall> {
    pages::routes().merge(session::routes())
}
