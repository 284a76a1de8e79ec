//! A token as its host sees it, in the words of GM/T 0016: *device, application, container*.
//!
//! ```
//! use ukey_device::{CreateApplication, DeviceKey, Options, Pin, PinType, Rights, Target};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let device = "sim".parse::<Target>()?.connect(&Options::default())?;
//! device.authenticate(&DeviceKey(*b"1234567812345678"))?;
//! let (admin_pin, user_pin) = (Pin::new(b"87654321")?, Pin::new(b"12345678")?);
//! device.create_application(&CreateApplication {
//!     name: b"UKEY",
//!     admin_pin,
//!     admin_retries: 10,
//!     user_pin: user_pin.clone(),
//!     user_retries: 10,
//!     create_file: Rights::USER,
//!     max_containers: 8,
//!     max_certificates: 16,
//!     max_files: 8,
//! })?;
//! let application = device.open_application("UKEY")?;
//! application.verify_pin(PinType::User, &user_pin)?;
//! let container = application.create_container("DEV")?;
//! container.generate_key_pair()?;
//! let signature = container.sign_message(b"1234567812345678", b"to be signed")?;
//! assert_eq!(signature.to_bytes().len(), 64);
//! # Ok(())
//! # }
//! ```
//!
//! Guarantees: every refusal of a token is an [`Error`] that names the command, what it was about, the status word, the
//! tries that are left and what to do next; a handle that was opened before the token lost power never reaches another
//! object ([`ErrorKind::Stale`]); no PIN and no key appears in an error, a log or a [`Traced`] exchange; a simulated
//! token's file holds a state change before its answer is given back.
//!
//! Refuses to know: certificate authorities, certificates' contents, and what a person wants with a token.
//!
//! | module | subject |
//! |---|---|
//! | [`target`] | where a token is, as users write it |
//! | [`image`] | the Cortex-M image as a file |
//! | [`link`] | the way there: places and live links; the simulated token and its file; the emulated board; frames |
//! | [`configured`] | which devices `libukey_skf` has |
//! | [`running`] | which simulated tokens run on this machine, and the hand that reaches them |
//! | [`policy`] | what a simulated token is stricter about |
//! | `wire` | one command over a link: chaining, continuation, trace |
//! | `device`, `application`, `container`, `file` | the token's objects |
//! | `session_key`, `digest` | what the token computes for anyone: encryption, MAC, digests |
//! | `external`, `agreement` | SM2 with the caller's keys; a session key that two tokens agree on |
//! | `exclusive` | the token for one program alone |
//! | [`guard`] | real keys are precious: the last try, the device key that a run changes |
//! | [`tally`] | what was asked of a key that costs something |
//! | [`measure`] | what the token costs as a Cortex-M image, and may cost |
//! | [`error`] | what goes wrong, and what to do about it |
//! | [`trace`] | the last exchanges, redacted |

#![deny(unsafe_code)]

mod agreement;
mod application;
pub mod configured;
mod container;
mod device;
pub mod dialect;
mod digest;
pub mod error;
mod exclusive;
mod external;
mod file;
pub mod guard;
pub mod image;
pub mod link;
pub mod measure;
pub mod policy;
pub mod probe;
pub mod running;
mod session_key;
pub mod tally;
pub mod target;
pub mod trace;
mod wire;

pub use agreement::Agreement;
pub use application::{Application, Sealing};
pub use container::Container;
pub use device::{Device, DeviceInfo};
pub use dialect::DialectChoice;
pub use digest::Digest;
pub use error::{Error, ErrorKind, Result};
pub use exclusive::Exclusive;
pub use link::qemu::{Board, Emulator};
pub use link::sim::{Policy, Simulator, sweep};
pub use link::{Hand, Link, LinkError, Place};
pub use session_key::{SealedKey, SessionKey};
pub use tally::{Tally, Tries};
pub use target::{Options, Target, UnknownTarget};
pub use trace::Traced;

/// The words of the commands, for those who use a device and know no APDU.
pub use ukey_apdu::command::{
    ApplicationInfo, CipherBlock, CipherParameters, ContainerInfo, ContainerType, CreateApplication,
    DigestAlgorithm, EccPublicKey, EccSignature, EnvelopedKeyPair, FileInfo, KeyUse, Padding, Party, PinInfo,
    PinType, Rights, SGD_SM4_CBC, SGD_SM4_CFB, SGD_SM4_ECB, SGD_SM4_MAC, SGD_SM4_OFB, SignInput, Signer,
    Version,
};
pub use ukey_apdu::pin::{Challenge, DeviceKey, NotAPin, Pin, PinKey, SealedPin, SealedPinBuf};
pub use ukey_apdu::{Dialect, Status};
