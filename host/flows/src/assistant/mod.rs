//! 证书助手: the program that a holder has on the computer: what its windows show, what its buttons start.
//!
//! Guarantees: what is shown was read from the key, the computer or the hall, and what could not be read is said so;
//! a button that cannot work tells why. No PIN is needed to look.
//!
//! Refuses to know: how a window is drawn, and what a flow does once it is begun.
//!
//! | module | subject |
//! |---|---|
//! | [`page`] | 我的证书 and its quick entries (A-05) |
//! | [`label`] | 证书标签: whether the containers hold what they were made for (R-14) |
//! | [`status`] | the status bar; versions of the program (A-01) |
//! | [`machine`] | the computer, as the assistant sees it |
//! | [`this_machine`], [`simulated`] | this computer; one whose faults are chosen |
//! | [`environment`] | 环境检测 and 环境修复 (A-02, A-03) |
//! | [`install`] | the assistant itself, the driver and the controls, in their order (G-05, R-13) |
//! | [`entrance`] | the login page (L-01, L-08, L-11) |
//! | [`handover`] | the hall's pages and the assistant move each other on (A-07) |

pub mod entrance;
pub mod environment;
pub mod handover;
pub mod install;
pub mod label;
pub mod machine;
pub mod page;
pub mod simulated;
pub mod status;
pub mod this_machine;

/// The tabs of the assistant (N-28).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tab {
    /// 我的证书.
    MyCertificate,
    /// 环境检测.
    Environment,
    /// 证书下载.
    Download,
    /// 办事大厅.
    Hall,
    /// 客服中心.
    CallCentre,
}

impl Tab {
    /// All, as they stand from left to right.
    pub const ALL: [Tab; 5] =
        [Tab::MyCertificate, Tab::Environment, Tab::Download, Tab::Hall, Tab::CallCentre];

    /// Its name.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Tab::MyCertificate => "我的证书",
            Tab::Environment => "环境检测",
            Tab::Download => "证书下载",
            Tab::Hall => "办事大厅",
            Tab::CallCentre => "客服中心",
        }
    }
}
