//! Rules of renewal and repair (R).

use super::{ProfileError, rule};
use serde::Deserialize;

/// Rules of renewal and repair.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renew {
    /// How it goes.
    pub steps: RenewSteps,
    /// Days before expiry from which on renewal is open: fewer days than this must be left. Absent: always
    /// (AMB-23).
    #[serde(default)]
    pub window_days: Option<u32>,
    /// Days after expiry until which renewal needs no review. Absent: always.
    #[serde(default)]
    pub expired_days: Option<u32>,
    /// Whether the key makes a new sign key pair; else the old one is certified again (AMB-15).
    pub new_keys: bool,
    /// Years that a renewal adds (N-11).
    pub years: u8,
    /// Fee of a unit, fen.
    pub unit_fee_fen: u32,
    /// Fee of a person, fen.
    pub person_fee_fen: u32,
    /// Working days of the review of a certificate long expired, or of changed data.
    pub review_working_days: u32,
    /// Hours until relying systems know a renewed certificate.
    pub propagation_hours: u32,
}

/// How a renewal goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RenewSteps {
    /// Order page, payment, download.
    Order,
    /// 读取CA证书信息, 获取短信验证, 初始化证书, 执行延期 or 执行修复.
    Portal,
}

impl Renew {
    pub(super) fn check(&self) -> Result<(), ProfileError> {
        rule((1..=10).contains(&self.years), "renew.years", "is not within 1 to 10")?;
        rule(self.window_days != Some(0), "renew.window_days", "is zero")?;
        let free = self.unit_fee_fen == 0 && self.person_fee_fen == 0;
        rule(self.steps == RenewSteps::Order || free, "renew.unit_fee_fen", "is asked for, but the portal's steps have no payment")
    }
}
