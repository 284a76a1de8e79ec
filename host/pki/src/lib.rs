//! SM2 certificates, requests, revocation lists, enveloped keys and electronic seals.
//!
//! Guarantees: what is written follows GM/T 0009, GM/T 0015, GM/T 0092, RFC 2986 and RFC 5280 in strict DER; what is
//! read is taken leniently where real certificates deviate, and every signature is checked over the bytes as they came,
//! never over a re-encoding. Malformed input is an error, never a panic. Everything random comes from a generator
//! given as an argument, so a seeded run repeats itself.
//!
//! Refuses to know: tokens (it signs through [`Sm2Signer`]), clocks (instants are arguments), files and networks.
//!
//! ```
//! use jiff::{Timestamp, ToSpan};
//! use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
//! use ukey_pki::{Authority, EndEntity, Identity, KeyPair, Name, Request, Validity};
//!
//! let mut rng = ChaCha20Rng::from_seed([7; 32]);
//! let start: Timestamp = "2026-01-01T00:00:00+08:00".parse()?;
//! let years = |n: i64| Validity::new(start, start + (n * 365 * 24).hours());
//!
//! let root_name = Name::builder().country("CN").organization("示例科技有限公司").common_name("示例根").build()?;
//! let root = Authority::root(&root_name, years(30)?, KeyPair::generate(&mut rng), &mut rng)?;
//! let name = Name::builder().country("CN").organization("示例科技有限公司").common_name("示例签发").build()?;
//! let issuing = root.issuing(&name, years(20)?, KeyPair::generate(&mut rng), &mut rng)?;
//!
//! // The person's key; a token would sign in its place.
//! let key = KeyPair::generate(&mut rng);
//! let subject = Name::builder().country("CN").common_name("张三").build()?;
//! let request = Request::build(&subject, &key)?;
//! request.verify()?;
//!
//! let holder = EndEntity::new(subject, years(1)?).identity(Identity::CreditCode("91110000000000000X".into()));
//! let certificate = issuing.issue_sign(&holder, request.public_key(), &mut rng)?;
//! certificate.verify_issued_by(issuing.certificate())?;
//! assert!(certificate.verify_issued_by(root.certificate()).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod authority;
mod certificate;
mod crl;
mod csr_response;
mod enveloped_key;
mod error;
mod extension;
mod name;
pub mod oid;
mod request;
pub mod seal;
mod serial;
mod signed;
pub mod sm2;
mod time;

pub use authority::{Authority, EndEntity, KeyPurpose};
pub use certificate::Certificate;
pub use crl::{Crl, RevocationReason, Revoked};
pub use csr_response::CsrResponse;
pub use enveloped_key::{EnvelopedKey, OpenError, PrivateKeyForm, SymmetricAlgorithm};
pub use error::{Error, IssueError, SignError};
pub use extension::{Identity, KeyUsage};
pub use name::{Name, NameBuilder, NameError};
pub use request::Request;
pub use serial::{ParseSerialError, Serial};
pub use sm2::{KeyPair, PublicKey, Signature, Sm2Signer};
pub use time::{TimeError, Validity};
