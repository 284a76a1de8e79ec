//! The types of GM/T 0016-2012 clause 6: those of [`ukey_device`], which calls such libraries, and our handles.

pub use ukey_device::link::skf::abi::types::*;

pub use super::pointer::Handle as HANDLE;
/// A connected device.
pub type DEVHANDLE = HANDLE;
/// An open application.
pub type HAPPLICATION = HANDLE;
/// An open container.
pub type HCONTAINER = HANDLE;
