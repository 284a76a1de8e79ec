//! The C interface of GM/T 0016-2012: its structures, the words of a device in them, and its functions as a caller has
//! them.

pub mod blob;
pub(crate) mod functions;
pub(crate) mod room;
pub mod types;
