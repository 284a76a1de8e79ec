//! The image itself, which the token's self-test compares with the digest that `ukey board build` leaves in it.

use core::{ptr, slice};

use ukey_firmware::Firmware;

/// Where the image begins: behind the first word, for nothing can refer to address 0. That word is where the stack begins.
const START: usize = 4;

/// What nobody has filled in.
const BLANK: [u8; 32] = [0xFF; 32];

/// The SM3 digest of what lies in front of it: the last thing in the image, filled in when it is linked.
#[used]
#[unsafe(link_section = ".image_digest")]
static DIGEST: [u8; 32] = BLANK;

/// The image and its digest; `None` where nobody has filled the digest in.
pub(crate) fn firmware() -> Option<Firmware<'static>> {
    // SAFETY: a static of this program. It is not what the compiler saw: read as it lies there.
    let digest = unsafe { ptr::read_volatile(&raw const DIGEST) };
    let length = (&raw const DIGEST).addr().checked_sub(START)?;
    // SAFETY: from the vector table to the digest `memory.x` lets lie nothing but code and constants, which nobody writes.
    let image = unsafe { slice::from_raw_parts(ptr::with_exposed_provenance(START), length) };
    (digest != BLANK).then_some(Firmware { image, digest })
}
