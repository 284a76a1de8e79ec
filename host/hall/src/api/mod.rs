//! The words of the hall's HTTP interface: what is sent, what is answered, what a refusal says.
//!
//! Guarantees: one type per body, the same for the hall and its clients; every refusal is one [`Problem`].
//! Refuses to know: how the hall does it, how a client carries it. Without the feature `server` it needs only
//! `serde`, `serde_json` and `jiff`.
//!
//! Times are RFC 3339 in UTC. Bytes are lower-case hexadecimal ([`Hex`]). Money is in fen (分). A bearer token
//! (`Authorization: Bearer …`) is a session, an order's token, or a desk's token.
//!
//! What `POST /api/certificate-queries/{id}/result` gives is a bearer token too: of somebody who showed to have the phone
//! on record, and may have a certificate reissued or revoked.
//!
//! `POST /api/enrolments` with a header `Idempotency-Key` (1 to 128 printable characters, made by the client) places one
//! order however often it is sent, and answers each time with a fresh token.
//!
//! | method and path | body | answer |
//! |---|---|---|
//! | GET /api/profile | | [`ProfileView`] |
//! | GET /api/authority/certificates | | [`AuthorityView`] |
//! | GET /api/time | | [`HallTime`] |
//! | GET /api/certificates/{serial} | | [`CertificateStatus`] |
//! | POST /api/accounts | [`Registration`] | 201 [`Registered`] |
//! | POST /api/sessions/password | [`PasswordLogin`] | 201 [`Session`] |
//! | POST /api/sessions/challenges | | 201 [`LoginChallenge`] |
//! | POST /api/sessions/certificate | [`CertificateLogin`] | 201 [`Session`] |
//! | DELETE /api/sessions/current | | 204 |
//! | GET /api/me | | [`Me`] |
//! | PUT /api/me/password | [`PasswordChange`] | 204 |
//! | GET /api/me/certificates | | list of [`CertificateView`] |
//! | GET /api/me/orders | | list of [`OrderSummary`] |
//! | PUT /api/me | [`AccountChange`] | [`Me`] |
//! | GET /api/me/notices | | list of [`NoticeView`] |
//! | GET /api/portal | | [`PortalView`] |
//! | GET /api/supervision/orders | | list of [`OrderSummary`] |
//! | POST /api/enrolments | [`Enrolment`] | 201 [`Placed`] |
//! | POST /api/wizards | [`WizardStart`] | 201 [`Placed`] |
//! | POST /api/wizards/{id}/submit | | [`Order`] |
//! | GET /api/me/services | | list of [`ServiceView`] |
//! | GET /api/orders/{id} | | [`Order`] |
//! | PUT /api/orders/{id}/form | [`EnrolForm`] | [`Order`] |
//! | POST /api/orders/{id}/identity | [`IdentityCheck`] | [`Order`] |
//! | POST /api/orders/{id}/confirm | | [`Order`] |
//! | PUT, GET /api/orders/{id}/papers/{paper} | the file | [`PaperReceipt`], the file |
//! | POST /api/orders/{id}/submit | | [`Order`] (the consent code goes to the handler) |
//! | POST /api/orders/{id}/consent/code | | 202 [`CodeSent`] (again) |
//! | POST /api/orders/{id}/consent | [`CodeEntry`] | [`Order`] |
//! | POST, GET /api/orders/{id}/payment | [`PaymentRequest`] | [`Payment`] |
//! | PUT, GET /api/orders/{id}/invoice | [`InvoiceForm`] | [`Invoice`] |
//! | GET /api/orders/{id}/invoice/document | | the document (`application/pdf`) |
//! | GET /api/orders/{id}/application | | the application form (`application/pdf`) |
//! | POST /api/orders/{id}/received | | [`Order`] |
//! | POST /api/orders/{id}/cancel | | [`Order`] |
//! | POST /api/renewals | [`KeyProof`] | 201 or 200 [`Placed`] |
//! | POST /api/changes | [`KeyProof`] | 201 or 200 [`Placed`] |
//! | POST /api/orders/{id}/code | | 202 [`CodeSent`] |
//! | POST /api/orders/{id}/code/verify | [`CodeEntry`] | [`Order`] |
//! | POST /api/orders/{id}/initialised | [`Initialisation`] | [`Order`] |
//! | POST /api/orders/{id}/download | [`Download`] | [`IssueAnswer`] |
//! | POST /api/orders/{id}/written | [`Written`] | [`Order`] |
//! | POST /api/reinstallations | [`Reinstallation`] | [`IssueAnswer`] |
//! | POST /api/unlocks | [`UnlockRequest`] | 201 or 200 [`Placed`] |
//! | POST /api/unlocks/{id}/code | [`PhoneEntry`] | 202 [`CodeSent`] |
//! | POST /api/unlocks/{id}/code/verify | [`CodeEntry`] | [`Order`] |
//! | POST /api/unlocks/{id}/identity | [`IdentityCheck`] | 202 [`CodeSent`] |
//! | POST /api/unlocks/{id}/authorisation | [`CodeEntry`] | [`Order`] |
//! | POST /api/unlocks/{id}/papers | | [`Order`] with the unlock code |
//! | POST /api/unlocks/{id}/authenticate | [`CodeEntry`] | [`Order`] |
//! | POST /api/unlocks/{id}/cryptogram | [`CardChallenge`] | [`UnblockAnswer`] |
//! | POST /api/unlocks/{id}/confirm | [`Confirmation`] | [`Order`] |
//! | GET /api/seals | | [`SealsView`] |
//! | POST /api/seals/changes | [`SealChangeRequest`] | 201 or 200 [`Placed`] |
//! | POST /api/seals/collections | [`SealChangeRequest`] | 201 or 200 [`Placed`] |
//! | POST /api/seals/changes/{id}/seal | | [`SealAnswer`] |
//! | POST /api/seals/changes/{id}/confirm | [`SealsWritten`] | [`Order`] |
//! | POST /api/stamping/permission | [`StampingRequest`] | [`StampingRight`] |
//! | POST /api/stamping/verify | [`StampCheck`] | [`StampVerdict`] |
//! | POST /api/queries | [`QueryRequest`] | 202 [`QueryOpened`] |
//! | POST /api/queries/{id}/result | [`CodeEntry`] | list of [`QueriedOrder`] |
//! | GET /api/authority/crl | | the revocation list, DER (`application/pkix-crl`) |
//! | GET /api/notices/revocations?page=&serial=&name= | | [`RevocationNotices`] |
//! | POST /api/status-queries | [`StatusQuery`] | list of [`ApplicationStatus`] |
//! | POST /api/certificate-queries | [`QueryRequest`] | 202 [`QueryOpened`] |
//! | POST /api/certificate-queries/{id}/result | [`CodeEntry`] | [`HeldCertificates`] |
//! | GET /api/reissues/guide | | [`ReissueGuide`] |
//! | POST /api/reissues | [`ReissueRequest`] | 201 or 200 [`Placed`] |
//! | POST /api/revocations | [`RevocationRequest`] | 201 or 200 [`Placed`] |
//! | POST /api/revocations/{id}/signature | [`RevocationSignature`] | [`Order`] |
//! | POST /api/revocations/{id}/identity | [`IdentityCheck`] | 202 [`CodeSent`] |
//! | POST /api/revocations/{id}/code | | 202 [`CodeSent`] (again) |
//! | POST /api/revocations/{id}/code/verify | [`CodeEntry`] | [`Order`] |
//! | POST /api/revocations/{id}/confirm | [`RevocationConfirmation`] | [`Order`] |
//! | POST /api/callbacks/payment | [`PaymentCallback`] | 204 |
//! | GET /api/desk/review/orders | | list of [`OrderSummary`] |
//! | GET /api/desk/review/orders/{id} | | [`Order`] |
//! | POST /api/desk/review/orders/{id}/decision | [`ReviewDecision`] | [`Order`] |
//! | POST /api/desk/call/lookup | [`CodeEntry`] | [`Order`] |
//! | POST /api/desk/call/decision | [`CallDecision`] | [`Order`] |
//! | GET /api/desk/production/jobs | | list of [`ProductionJob`] |
//! | POST /api/desk/production/jobs/{id}/start | [`ProductionStart`] | [`Personalisation`] |
//! | POST /api/desk/production/jobs/{id}/issue | [`IssueRequest`] | [`IssueAnswer`] |
//! | POST /api/desk/production/jobs/{id}/finish | [`ProductionFinish`] | [`ProductionJob`] |
//! | GET /api/desk/audit?after= | | [`AuditPage`] |
//! | GET /api/desk/audit/verification | | [`AuditVerification`] |
//! | GET /_sim/outbox?recipient=&kind= | | list of [`OutboxMessage`] |
//! | GET, POST /_sim/clock | [`ClockAdvance`] | [`ClockView`] |
//! | POST /_sim/payments/{id} | [`PaymentAct`] | 204 (the provider calls back) |
//! | POST /_sim/identity | [`NextOutcome`] | 204 |
//! | POST /_sim/registry | [`NextRegistry`] | 204 |
//! | GET /_sim/parcels | | list of [`Parcel`] |
//! | GET /_sim/invoices/{order} | | [`Invoice`] |

mod account;
mod assistant;
mod audit;
mod bytes;
mod code;
mod desk;
mod enrol;
mod message;
mod order;
mod paper;
mod payment;
mod portal;
mod problem;
mod profile;
mod query;
mod reissue;
mod revocation;
mod rewrite;
mod seal;
mod sim;
mod status;
mod unlock;
mod wizard;

pub use account::*;
pub use assistant::*;
pub use audit::*;
pub use bytes::{Hex, Secret};
pub use code::*;
pub use desk::*;
pub use enrol::*;
pub use message::{
    change_message, login_message, reinstallation_message, renewal_message, revoke_message, seals_message,
    unlock_message, written_message,
};
pub use order::*;
pub use paper::*;
pub use payment::*;
pub use portal::*;
pub use problem::{FieldFault, Problem, ProblemType};
pub use profile::*;
pub use query::*;
pub use reissue::*;
pub use revocation::*;
pub use rewrite::*;
pub use seal::*;
pub use sim::*;
pub use status::*;
pub use unlock::*;
pub use wizard::*;
