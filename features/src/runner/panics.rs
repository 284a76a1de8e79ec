//! Panics of a scenario's threads are caught with their place and kept for its report; those of all other threads
//! go where they went before.

use std::{
    any::Any,
    cell::RefCell,
    panic,
    sync::{Arc, Mutex, Once, PoisonError},
};

thread_local! {
    static SINK: RefCell<Option<Sink>> = const { RefCell::new(None) };
}

/// One panic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PanicNote {
    pub(crate) message: String,
    pub(crate) place: String,
}

/// Where the panics of one scenario gather.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sink(Arc<Mutex<Vec<PanicNote>>>);

impl Sink {
    /// Panics of the current thread gather here from now on.
    pub(crate) fn adopt_thread(&self) {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                let sink = SINK.try_with(|sink| sink.borrow().clone()).ok().flatten();
                match sink {
                    Some(sink) => sink.push(PanicNote {
                        message: message(info.payload()),
                        place: info.location().map(ToString::to_string).unwrap_or_default(),
                    }),
                    None => before(info),
                }
            }));
        });
        SINK.set(Some(self.clone()));
    }

    /// What gathered since the last call.
    pub(crate) fn take(&self) -> Vec<PanicNote> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn push(&self, note: PanicNote) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(note);
    }
}

/// The text of a panic.
pub(crate) fn message(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "a panic without text".into())
}
