//! A token behind its maker's SKF library (GM/T 0016).

pub mod abi;
mod call;
pub mod sar;

pub use call::Call;
