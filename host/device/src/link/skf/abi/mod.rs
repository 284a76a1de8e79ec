//! The C interface of GM/T 0016-2012: its structures, and the words of a device in them.

pub mod blob;
pub mod types;
