//! `libukey_skf.so`: the interface of GM/T 0016-2012 (SKF), for programs in any language, over tokens as
//! [`ukey_device`] sees them. The header is `include/ukey_skf.h`.
//!
//! Guarantees: a handle is a number in a table, so a closed, foreign or invented one is refused and nothing is followed;
//! a NULL that must not be is refused before anything happens; a buffer that is too small costs nothing, its call can
//! be made again; no panic goes on into C; every function may be called from any thread.
//!
//! Refuses to know: what a token is like inside, how it is reached, what its data mean.
//!
//! | module | subject |
//! |---|---|
//! | [`abi`] | the border: types, pointers, how a function is made; all that is unsafe |
//! | [`header`] | the C header, made from the code |
//! | `sar` | the codes, and which refusal of a token is which |
//! | `handle` | the table of handles |
//! | `slots`, `slot`, `event` | which devices there are, their keys, keys that come and go |
//! | `connection`, `live`, `turns`, `open` | a device handle, the key that all of them share, who may use it, what is open in it |
//! | `device`, `access`, `application`, `file`, `container` | the groups of functions, by clause |
//! | `ecc`, `rsa`, `session_key`, `cipher`, `digest`, `mac`, `agreement` | those of clause 7.6 |

#![allow(non_snake_case, reason = "the standard's names")]

pub mod abi;
mod access;
mod agreement;
mod application;
mod cipher;
mod connection;
mod container;
mod device;
mod digest;
mod ecc;
mod event;
mod file;
mod handle;
pub mod header;
mod live;
mod mac;
mod open;
mod rsa;
mod sar;
mod session_key;
mod slot;
mod slots;
mod trace;
mod turns;
