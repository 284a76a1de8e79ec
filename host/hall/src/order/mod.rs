//! Orders: what they are, how they move, what belongs to them.

pub(crate) mod answer;
pub(crate) mod attachment;
pub(crate) mod change;
pub(crate) mod download;
pub(crate) mod enrol;
pub(crate) mod identity;
pub(crate) mod invoice;
pub(crate) mod papers;
pub(crate) mod payment;
pub(crate) mod holder;
pub(crate) mod query;
pub(crate) mod record;
pub(crate) mod reissue;
pub(crate) mod revoke;
pub(crate) mod reinstall;
pub(crate) mod renew;
pub(crate) mod rewrite;
pub(crate) mod seal;
pub mod state;
pub(crate) mod status;
pub(crate) mod steps;
pub(crate) mod unlock;
pub(crate) mod verification;
pub(crate) mod view;
pub(crate) mod wizard;
