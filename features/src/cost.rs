//! What a scenario costs the key that its target names, measured on a simulated one.

use serde::{Deserialize, Serialize};
use ukey_device::{Tally, Tries};

use crate::stage::Needs;

/// The name of the fact that holds a [`Cost`] as JSON, in a run that measures.
pub(crate) const COST: &str = "cost";

/// What was asked of the first key of a scenario, its being made blank again included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cost {
    pub(crate) user_pin: Spent,
    pub(crate) administrator_pin: Spent,
    pub(crate) device_key: Spent,
    pub(crate) device_keys_changed: u64,
    pub(crate) key_pairs_generated: u64,
    pub(crate) key_pairs_imported: u64,
    pub(crate) applications_created: u64,
    pub(crate) applications_deleted: u64,
    pub(crate) containers_created: u64,
    pub(crate) containers_deleted: u64,
    pub(crate) files_created: u64,
    pub(crate) files_deleted: u64,
    pub(crate) file_writes: u64,
    pub(crate) certificates_written: u64,
    pub(crate) exchanges: u64,
    /// A step pulled it.
    pub(crate) pulled: bool,
    /// A step wanted the simulated key itself.
    pub(crate) simulated: bool,
}

/// Wrong tries of one kind of secret.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spent {
    /// Wrong ones.
    pub(crate) wrong: u64,
    /// The least number that was left; none where no try was wrong.
    pub(crate) least_left: Option<u8>,
}

impl Spent {
    fn of(tries: Tries) -> Self {
        Self { wrong: tries.wrong, least_left: tries.least_left }
    }

    fn add(&mut self, other: Self) {
        self.wrong += other.wrong;
        self.least_left = self.least_left.into_iter().chain(other.least_left).min();
    }
}

impl Cost {
    pub(crate) fn of(tally: &Tally, needs: Needs) -> Self {
        Self {
            user_pin: Spent::of(tally.user_pin),
            administrator_pin: Spent::of(tally.administrator_pin),
            device_key: Spent::of(tally.device_key),
            device_keys_changed: tally.device_keys,
            key_pairs_generated: tally.key_pairs,
            key_pairs_imported: tally.imported_key_pairs,
            applications_created: tally.applications,
            applications_deleted: tally.deleted_applications,
            containers_created: tally.containers,
            containers_deleted: tally.deleted_containers,
            files_created: tally.files,
            files_deleted: tally.deleted_files,
            file_writes: tally.file_writes,
            certificates_written: tally.certificates,
            exchanges: tally.exchanges,
            pulled: needs.hand,
            simulated: needs.simulator,
        }
    }

    /// Whether it locks a secret.
    pub(crate) fn locks(&self) -> bool {
        self.tries().iter().any(|(_, spent)| spent.least_left == Some(0))
    }

    /// The secrets with what was spent of them.
    pub(crate) fn tries(&self) -> [(&'static str, Spent); 3] {
        [
            ("user PIN", self.user_pin),
            ("administrator PIN", self.administrator_pin),
            ("device key", self.device_key),
        ]
    }

    /// What was made and unmade, in the order of the table.
    pub(crate) fn counts(&self) -> [(&'static str, u64); 12] {
        [
            ("device keys changed", self.device_keys_changed),
            ("key pairs generated", self.key_pairs_generated),
            ("key pairs imported", self.key_pairs_imported),
            ("applications created", self.applications_created),
            ("applications deleted", self.applications_deleted),
            ("containers created", self.containers_created),
            ("containers deleted", self.containers_deleted),
            ("files created", self.files_created),
            ("files deleted", self.files_deleted),
            ("file writes", self.file_writes),
            ("certificates written", self.certificates_written),
            ("exchanges", self.exchanges),
        ]
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.user_pin.add(other.user_pin);
        self.administrator_pin.add(other.administrator_pin);
        self.device_key.add(other.device_key);
        self.device_keys_changed += other.device_keys_changed;
        self.key_pairs_generated += other.key_pairs_generated;
        self.key_pairs_imported += other.key_pairs_imported;
        self.applications_created += other.applications_created;
        self.applications_deleted += other.applications_deleted;
        self.containers_created += other.containers_created;
        self.containers_deleted += other.containers_deleted;
        self.files_created += other.files_created;
        self.files_deleted += other.files_deleted;
        self.file_writes += other.file_writes;
        self.certificates_written += other.certificates_written;
        self.exchanges += other.exchanges;
        self.pulled |= other.pulled;
        self.simulated |= other.simulated;
    }
}
