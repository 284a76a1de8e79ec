//! Which running token is behind a link: proved by what it hears, not believed.
//!
//! A serial number proves nothing, for a token may run to stand for a real key that has the same; nor does a place, for
//! it has many names (`localhost`, symbolic links, a reader of pcscd's). So the key at the link is asked for something
//! that nobody asks for twice: to open an application whose name was just thrown. It refuses that, and nothing else comes
//! of it; the process that runs the token says over its control socket whether this was what it heard last. The link is
//! this program's alone meanwhile.
//!
//! Guarantees: a key is asked only where a token of its number runs; what is not heard, or cannot be asked, is no proof.
//!
//! A library (`skf:`) is never asked: ours says itself what is simulated, and of another one nobody knows what it makes of
//! a call.

use std::sync::Arc;

use ukey_apdu::command::OpenApplication;

use super::Registry;
use crate::guard::TURN;
use crate::link::Hand;
use crate::wire::Wire;

/// The hand at the running token behind a wire, if one is.
pub(crate) fn hand(wire: &mut Wire) -> Option<Arc<dyn Hand>> {
    if !wire.carries_envelopes() {
        return None;
    }
    let serial_number = wire.serial_number().to_owned();
    let running = Registry::of_this_user().serving(&serial_number);
    if running.is_empty() {
        return None;
    }
    wire.hold(TURN).ok()?;
    let name = ask(wire);
    let heard = name
        .and_then(|name| running.into_iter().find(|instance| instance.heard(&serial_number, &name)))
        .map(|instance| Arc::new(instance.hand(&serial_number)) as Arc<dyn Hand>);
    // A token that was pulled meanwhile holds nobody any more.
    let _ = wire.release();
    heard
}

/// Asks for an application of a new name; the name, where it was refused as it has to be.
fn ask(wire: &mut Wire) -> Option<String> {
    let mut thrown = [0; 16];
    getrandom::fill(&mut thrown).ok()?;
    let name = hex::encode(thrown);
    let dialect = *wire.dialect();
    let answer = wire.try_in(&dialect, &OpenApplication { name: name.as_bytes() });
    matches!(answer, Ok(Err(_))).then_some(name)
}
