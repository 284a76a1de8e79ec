//! What a hall is started with.

use crate::{
    clock::Clock,
    document::font::FontSource,
    profile::Profile,
    rights::DeskRole,
    vault::MasterKey,
};
use crate::api::Secret;

/// A desk and its bearer token.
#[derive(Clone, Debug)]
pub struct Desk {
    /// Name, shown in histories.
    pub name: String,
    /// What it does.
    pub role: DeskRole,
    /// The bearer token.
    pub token: Secret,
}

/// The cost of an account password's digest (argon2id).
#[derive(Clone, Copy, Debug)]
pub struct PasswordCost {
    /// Memory, KiB.
    pub memory_kib: u32,
    /// Passes.
    pub passes: u32,
}

impl PasswordCost {
    /// For a hall that people use: 19 MiB, 2 passes.
    pub const STRONG: Self = Self { memory_kib: 19 * 1024, passes: 2 };
    /// For simulated runs.
    pub const CHEAP: Self = Self { memory_kib: 64, passes: 1 };
}

/// What a hall is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The CA profile.
    pub profile: Profile,
    /// `sqlite::memory:` or `sqlite:FILE`.
    pub database: String,
    /// The key of everything secret in the database.
    pub master_key: MasterKey,
    /// The seed of everything random; `None`: the operating system's generator.
    pub seed: Option<u64>,
    /// The clock.
    pub clock: Clock,
    /// Whether `/_sim` answers. Without it the text of delivered messages is erased.
    pub simulation: bool,
    /// The desks.
    pub desks: Vec<Desk>,
    /// The cost of password digests.
    pub password_cost: PasswordCost,
    /// The Chinese font of the documents.
    pub font: FontSource,
}

impl Config {
    /// A simulated hall in memory: this profile, this seed, a virtual clock at 2026-03-02 09:00 in Shanghai (a
    /// Monday), `/_sim` on, one desk of each role whose token is `desk-` and the role's name.
    pub fn simulated(profile: Profile, seed: u64) -> Self {
        let start = jiff::Timestamp::from_second(1_772_413_200).expect("a moment of 2026");
        Self {
            profile,
            database: "sqlite::memory:".into(),
            master_key: MasterKey::new([0x5a; 32]),
            seed: Some(seed),
            clock: Clock::virtual_at(start),
            simulation: true,
            desks: DeskRole::ALL
                .iter()
                .map(|&role| Desk {
                    name: format!("{} desk", role.name()),
                    role,
                    token: Secret(format!("desk-{}", role.name())),
                })
                .collect(),
            password_cost: PasswordCost::CHEAP,
            font: FontSource::Usual,
        }
    }
}
