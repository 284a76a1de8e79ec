//! The border to C. All that is unsafe is in this folder: what a pointer points at is read and written in
//! [`mod@pointer`], and the macro here makes a function of the interface out of a safe body.
//!
//! Guarantees: no panic goes on into C; what a function says beside its code is kept for `UKEY_LastError`.

pub(crate) mod blob;
pub mod pointer;
pub mod types;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::abi::types::ULONG;
use crate::sar::{Failure, Result, Sar};

/// A function of the interface as its header declares it.
#[derive(Clone, Copy, Debug)]
pub struct Prototype {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub documentation: &'static [&'static str],
    /// Its parameters: name and kind, in order.
    pub parameters: &'static [(&'static str, &'static str)],
}

thread_local! {
    /// What the last function of this thread that failed had to say.
    static LAST_ERROR: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What the last function of this thread that failed had to say; empty where its code says all.
pub(crate) fn last_error() -> String {
    LAST_ERROR.with(|last| last.borrow().clone())
}

/// Runs the inside of a function of this name, and turns what comes of it into its answer: every call of the interface
/// passes here. A trace names it.
pub(crate) fn answer(name: &'static str, inside: impl FnOnce() -> Result) -> ULONG {
    let _called = crate::trace::calls(name);
    let failure = match catch_unwind(AssertUnwindSafe(inside)) {
        Ok(Ok(())) => return Sar::OK.0,
        Ok(Err(failure)) => failure,
        Err(_) => Failure { sar: Sar::FAIL, text: Some(format!("a fault in the library itself, in {name}")) },
    };
    LAST_ERROR.with(|last| *last.borrow_mut() = failure.text.unwrap_or_default());
    failure.sar.0
}

/// Functions of the interface, and their list for the header.
macro_rules! exports {
    ($($(#[doc = $doc:literal])* fn $name:ident($($parameter:ident: $kind:ty),* $(,)?) $inside:block)+) => {
        $(
            $(#[doc = $doc])*
            ///
            /// # Safety
            /// As in C: each pointer is NULL, or points at what its type says, as many of them as the length beside
            /// it says; a text ends with NUL; nobody else writes there meanwhile.
            #[allow(unsafe_code, reason = "C calls it by its name; the pointers are wrapped, the inside is safe")]
            #[unsafe(no_mangle)]
            #[allow(unreachable_pub, reason = "C reaches it by its name")]
            pub unsafe extern "system" fn $name($($parameter: $kind),*) -> $crate::abi::types::ULONG {
                $crate::abi::answer(stringify!($name), move || $inside)
            }
        )+

        /// The functions of this group, for the header.
        pub(crate) const PROTOTYPES: &[$crate::abi::Prototype] = &[$(
            $crate::abi::Prototype {
                name: stringify!($name),
                documentation: &[$($doc),*],
                parameters: &[$((stringify!($parameter), stringify!($kind))),*],
            },
        )+];
    };
}
pub(crate) use exports;
