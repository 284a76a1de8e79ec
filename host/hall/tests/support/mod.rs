//! A hall on a real socket, a client for it, and people who go through its flows.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "every test takes what it needs")]

mod forms;
mod key;
pub mod pdf;
mod picture;
pub mod seals;
mod transport;
mod walks;

pub use forms::*;
pub use key::*;
pub use picture::*;
pub use transport::*;
pub use walks::*;
