//! What a person with an assistant program (证书助手) does: every flow, between a [`Device`](ukey_device::Device) and a
//! hall ([`Client`]).
//!
//! Guarantees: every flow can stop anywhere (key pulled, page closed, process killed) and is taken up again from what
//! the hall and the key know; an administrator PIN is never seen here, a holder's PIN never leaves here but for the
//! key; every refusal is a [`FlowError`] with words in English and Chinese.
//!
//! Refuses to know: how a key is reached, and how the hall decides.
//!
//! | module | flow |
//! |---|---|
//! | [`assistant`] | the program itself: its windows, its quick entries, the environment check (A) |
//! | [`client`] | the hall's HTTP interface, call by call |
//! | [`OrderInHand`] | what every order of a flow can do: form, identity, papers, consent, payment, invoice |
//! | [`key`] | 我的证书: what is in the key, and its signature |
//! | [`login`] | certificate login (L-01, L-11) |
//! | [`pin`] | 校验密码, 修改密码 (U-35), and the rule for PINs |
//! | [`enrol`] | 在线新办 of a unit and of a person (E, P) |
//! | [`production`] | the CA's desk that makes a key of a blank one (E-12) |
//! | [`query`] | 订单查询 and 证件号码查询 by number and code (V-06, X-02) |
//! | [`reissue`] | 丢失补办 (X) |
//! | [`revoke`] | 证书注销 (V-01) |
//! | [`wizard`] | 申办向导 (E-20 to E-25) |
//! | [`unlock`] | 找回密码 in all lanes (U) |
//! | [`renew`] | 证书延期 and 证书修复 of the key in hand (R) |
//! | [`change`] | 信息变更 (C) |
//! | [`reinstall`] | 证书重装 (A-05, R-23) |
//! | [`seal`] | 签章变更, the seals in the key, stamping (Z, R-19 to R-21) |

pub mod assistant;
pub mod change;
pub mod client;
pub mod enrol;
mod error;
pub mod key;
pub mod login;
mod order;
pub mod pin;
pub mod production;
pub mod query;
pub mod reinstall;
pub mod reissue;
pub mod renew;
pub mod revoke;
mod rewrite;
pub mod seal;
pub mod unlock;
pub mod wizard;

pub use client::Client;
pub use error::{Due, FlowError, Part, Rule};
pub use order::OrderInHand;

/// The words of the hall's interface, for those who drive flows.
pub use ukey_hall::api;

/// The identity that goes into every signature of a certificate's key (GM/T 0009, last clause).
pub const SIGNER_ID: &[u8] = b"1234567812345678";
