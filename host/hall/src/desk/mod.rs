//! The desks behind the hall.

pub(crate) mod call;
pub(crate) mod production;
pub(crate) mod review;
