//! The state machines of all orders.
//!
//! Guarantees: [`next`] is the only place that says how an order moves; an event that repeats what has happened leaves
//! the state as it is; anything else that is not written here is refused.
//! Refuses to know: why an event happens.

use crate::api::{OrderKind, OrderState};

/// What happens to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The form was changed (返回修改).
    FormAmended,
    /// The identity check passed.
    IdentityPassed,
    /// 确认订单.
    OrderConfirmed,
    /// 确认申请: form and papers are complete.
    ApplicationSubmitted,
    /// 签名验证: the handler consented by code.
    Consented,
    /// Paid.
    Paid,
    /// There is nothing to pay, or it was paid before.
    NothingToPay,
    /// 审核通过.
    ReviewPassed,
    /// 审核退回.
    ReviewReturned,
    /// 审核拒绝.
    ReviewRefused,
    /// A blank key was taken.
    ProductionStarted,
    /// The certificates were issued.
    CertificatesIssued,
    /// The key was posted.
    KeyPosted,
    /// The key was received.
    KeyReceived,
    /// The first unlock of this certificate needs an identity check.
    IdentityCompelled,
    /// The code sent to the phone on record was right.
    CodeVerified,
    /// The authorisation code was right.
    AuthorisationVerified,
    /// 确认上传: papers for the call centre are complete.
    PapersSent,
    /// The call centre approved.
    PapersApproved,
    /// The call centre refused.
    PapersRefused,
    /// 认证: the approved unlock code was entered.
    UnlockCodeEntered,
    /// The verification ran out before it was used.
    VerificationLapsed,
    /// The key's signature showed that it works again.
    KeyConfirmed,
    /// The order turns out to need a review: a certificate long expired, or other data in its name (R-04, AMB-14).
    ReviewWanted,
    /// 初始化证书: the key says that it is ready to be written.
    KeyInitialised,
    /// Only contact data changed: nothing is to be written (AMB-21).
    ContactChanged,
    /// The registry confirmed the changed data (AMB-21).
    RegistryConfirmed,
    /// The certificate's own key signed the request (AMB-22).
    RequestSigned,
    /// The seal is to be made again for a new certificate: ordered by the hall itself, or by the holder (Z-11).
    RemakeOrdered,
    /// The seal was made and given out, or the key was told which one to drop.
    SealMade,
    /// 制作申请表: the application form was made (E-22).
    ApplicationMade,
    /// 提交服务申请: the wizard is complete (E-24).
    WizardFinished,
    /// The applicant gave up.
    Cancelled,
    /// The certificate that the order is about was revoked for good.
    CertificateRevoked,
    /// The certificate has expired for so long that its holder renews it no more alone.
    SelfServiceEnded,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 35] = [
        Self::FormAmended,
        Self::IdentityPassed,
        Self::OrderConfirmed,
        Self::ApplicationSubmitted,
        Self::Consented,
        Self::Paid,
        Self::NothingToPay,
        Self::ReviewPassed,
        Self::ReviewReturned,
        Self::ReviewRefused,
        Self::ProductionStarted,
        Self::CertificatesIssued,
        Self::KeyPosted,
        Self::KeyReceived,
        Self::IdentityCompelled,
        Self::CodeVerified,
        Self::AuthorisationVerified,
        Self::PapersSent,
        Self::PapersApproved,
        Self::PapersRefused,
        Self::UnlockCodeEntered,
        Self::VerificationLapsed,
        Self::KeyConfirmed,
        Self::ReviewWanted,
        Self::KeyInitialised,
        Self::ContactChanged,
        Self::RegistryConfirmed,
        Self::RequestSigned,
        Self::RemakeOrdered,
        Self::SealMade,
        Self::ApplicationMade,
        Self::WizardFinished,
        Self::Cancelled,
        Self::CertificateRevoked,
        Self::SelfServiceEnded,
    ];

    /// Its name in histories.
    pub fn name(self) -> &'static str {
        match self {
            Self::FormAmended => "form-amended",
            Self::IdentityPassed => "identity-passed",
            Self::OrderConfirmed => "order-confirmed",
            Self::ApplicationSubmitted => "application-submitted",
            Self::Consented => "consented",
            Self::Paid => "paid",
            Self::NothingToPay => "nothing-to-pay",
            Self::ReviewPassed => "review-passed",
            Self::ReviewReturned => "review-returned",
            Self::ReviewRefused => "review-refused",
            Self::ProductionStarted => "production-started",
            Self::CertificatesIssued => "certificates-issued",
            Self::KeyPosted => "key-posted",
            Self::KeyReceived => "key-received",
            Self::IdentityCompelled => "identity-compelled",
            Self::CodeVerified => "code-verified",
            Self::AuthorisationVerified => "authorisation-verified",
            Self::PapersSent => "papers-sent",
            Self::PapersApproved => "papers-approved",
            Self::PapersRefused => "papers-refused",
            Self::UnlockCodeEntered => "unlock-code-entered",
            Self::VerificationLapsed => "verification-lapsed",
            Self::KeyConfirmed => "key-confirmed",
            Self::ReviewWanted => "review-wanted",
            Self::KeyInitialised => "key-initialised",
            Self::ContactChanged => "contact-changed",
            Self::RegistryConfirmed => "registry-confirmed",
            Self::RequestSigned => "request-signed",
            Self::RemakeOrdered => "remake-ordered",
            Self::SealMade => "seal-made",
            Self::ApplicationMade => "application-made",
            Self::WizardFinished => "wizard-finished",
            Self::Cancelled => "cancelled",
            Self::CertificateRevoked => "certificate-revoked",
            Self::SelfServiceEnded => "self-service-ended",
        }
    }
}

/// An order of this kind does not take this event in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// The state a new order begins in.
pub fn first(kind: OrderKind) -> OrderState {
    match kind {
        OrderKind::Unlock => OrderState::Unpaid,
        _ => OrderState::Draft,
    }
}

/// Whether nothing more can happen to an order.
pub fn is_final(state: OrderState) -> bool {
    matches!(
        state,
        OrderState::Refused | OrderState::Received | OrderState::Completed | OrderState::Cancelled
    )
}

/// The state after an event; the same state when the event repeats what has happened.
pub fn next(kind: OrderKind, state: OrderState, event: Event) -> Result<OrderState, Refused> {
    match kind {
        // A reissue goes by identity check and consent, which suspends the old certificate; never by the wizard.
        OrderKind::Reissue if matches!(event, Event::ApplicationMade | Event::WizardFinished) => Err(Refused),
        OrderKind::EnrolUnit | OrderKind::EnrolPerson | OrderKind::Reissue => enrol(state, event),
        OrderKind::Unlock => unlock(state, event),
        OrderKind::Renew | OrderKind::Repair => renew(state, event),
        OrderKind::Change => change(state, event),
        OrderKind::Revoke => revoke(state, event),
        OrderKind::SealChange => seal_change(state, event),
    }
}

fn enrol(state: OrderState, event: Event) -> Result<OrderState, Refused> {
    use Event as E;
    use OrderState as S;
    Ok(match (state, event) {
        // Another form is another claim: its identity is checked again.
        (S::Draft | S::Identified | S::Confirmed | S::Submitted | S::Returned, E::FormAmended) => S::Draft,
        (S::Draft | S::Identified, E::IdentityPassed) => S::Identified,
        (S::Identified | S::Confirmed | S::Returned, E::OrderConfirmed) => S::Confirmed,
        // The wizard has neither identity check nor consent by code: the review sees the signed form and the video.
        (S::Draft | S::Confirmed | S::Returned, E::ApplicationMade) => S::Confirmed,
        (S::Confirmed | S::Unpaid, E::WizardFinished) => S::Unpaid,
        (S::Confirmed | S::Submitted, E::ApplicationSubmitted) => S::Submitted,
        (S::Submitted | S::Unpaid, E::Consented) => S::Unpaid,
        (S::Unpaid | S::InReview, E::Paid) => S::InReview,
        (S::Unpaid, E::NothingToPay) => S::InReview,
        (S::InReview | S::Passed, E::ReviewPassed) => S::Passed,
        (S::InReview | S::Returned, E::ReviewReturned) => S::Returned,
        (S::InReview | S::Refused, E::ReviewRefused) => S::Refused,
        // Another blank takes the place of one that died before it was posted.
        (S::Passed | S::InProduction | S::Issued, E::ProductionStarted) => S::InProduction,
        (S::InProduction | S::Issued, E::CertificatesIssued) => S::Issued,
        (S::Issued | S::Posted, E::KeyPosted) => S::Posted,
        (S::Posted | S::Received, E::KeyReceived) => S::Received,
        (
            S::Draft | S::Identified | S::Confirmed | S::Submitted | S::Unpaid | S::Returned | S::Cancelled,
            E::Cancelled,
        ) => S::Cancelled,
        _ => return Err(Refused),
    })
}

fn unlock(state: OrderState, event: Event) -> Result<OrderState, Refused> {
    use Event as E;
    use OrderState as S;
    Ok(match (state, event) {
        (S::Unpaid | S::Verifying, E::Paid) => S::Verifying,
        (S::Unpaid, E::NothingToPay) => S::Verifying,
        (S::Verifying | S::IdentityWanted, E::IdentityCompelled) => S::IdentityWanted,
        // The way back from the papers to the phone stays open; the way round a compelled identity check does not.
        (S::Verifying | S::PapersSubmitted | S::PapersRefused | S::Verified, E::CodeVerified) => S::Verified,
        (S::Verifying | S::IdentityWanted | S::Authorising, E::IdentityPassed) => S::Authorising,
        (S::Authorising | S::Verified, E::AuthorisationVerified) => S::Verified,
        (
            S::Verifying | S::PapersSubmitted | S::PapersApproved | S::PapersRefused,
            E::PapersSent,
        ) => S::PapersSubmitted,
        (S::PapersSubmitted | S::PapersApproved, E::PapersApproved) => S::PapersApproved,
        (S::PapersSubmitted | S::PapersRefused, E::PapersRefused) => S::PapersRefused,
        (S::PapersApproved | S::Verified, E::UnlockCodeEntered) => S::Verified,
        (S::Verified, E::VerificationLapsed) => S::Verifying,
        // Who knows the nonce was verified, even if that verification has lapsed since.
        (S::Verified | S::Verifying | S::IdentityWanted | S::Completed, E::KeyConfirmed) => S::Completed,
        (
            S::Unpaid
            | S::Verifying
            | S::IdentityWanted
            | S::Authorising
            | S::PapersSubmitted
            | S::PapersApproved
            | S::PapersRefused
            | S::Cancelled,
            E::Cancelled,
        ) => S::Cancelled,
        _ => return Err(Refused),
    })
}

/// Self-service: confirm, pay, download. Audited: identity, papers, consent, pay, review, download. By the portal's
/// ordered steps: code, initialise, execute.
fn renew(state: OrderState, event: Event) -> Result<OrderState, Refused> {
    use Event as E;
    use OrderState as S;
    Ok(match (state, event) {
        (S::Draft | S::Identified | S::Confirmed | S::Submitted | S::Unpaid | S::Returned, E::FormAmended) => S::Draft,
        (S::Draft | S::Identified, E::IdentityPassed) => S::Identified,
        (S::Draft | S::Unpaid, E::OrderConfirmed) => S::Unpaid,
        (S::Identified | S::Confirmed | S::Returned, E::OrderConfirmed) => S::Confirmed,
        (S::Confirmed | S::Submitted, E::ApplicationSubmitted) => S::Submitted,
        (S::Submitted, E::Consented) => S::Unpaid,
        (S::Unpaid, E::Paid | E::NothingToPay) => S::Ready,
        (S::Ready | S::InReview, E::ReviewWanted) => S::InReview,
        // What was paid stays paid; whoever comes this late begins again with the identity check.
        (S::Draft | S::Unpaid | S::Ready | S::Initialised | S::Issued, E::SelfServiceEnded) => S::Draft,
        (S::InReview, E::ReviewPassed) => S::Ready,
        (S::InReview | S::Returned, E::ReviewReturned) => S::Returned,
        (S::InReview | S::Refused, E::ReviewRefused) => S::Refused,
        (S::Draft | S::Verified, E::CodeVerified) => S::Verified,
        (S::Verified | S::Initialised, E::KeyInitialised) => S::Initialised,
        (S::Verified, E::VerificationLapsed) => S::Draft,
        (S::Ready | S::Initialised | S::Issued, E::CertificatesIssued) => S::Issued,
        (S::Issued | S::Completed, E::KeyConfirmed) => S::Completed,
        (
            S::Draft
            | S::Identified
            | S::Confirmed
            | S::Submitted
            | S::Unpaid
            | S::Returned
            | S::Verified
            | S::Ready
            | S::Cancelled,
            E::Cancelled,
        ) => S::Cancelled,
        // Even while it is reviewed, or written to the key.
        (
            S::Draft
            | S::Identified
            | S::Confirmed
            | S::Submitted
            | S::Unpaid
            | S::InReview
            | S::Returned
            | S::Verified
            | S::Initialised
            | S::Ready
            | S::Issued
            | S::Cancelled,
            E::CertificateRevoked,
        ) => S::Cancelled,
        _ => return Err(Refused),
    })
}

fn change(state: OrderState, event: Event) -> Result<OrderState, Refused> {
    use Event as E;
    use OrderState as S;
    Ok(match (state, event) {
        (S::Draft | S::Verified | S::Confirmed | S::Returned, E::FormAmended) => S::Draft,
        (S::Draft | S::Verified, E::CodeVerified) => S::Verified,
        (S::Verified, E::VerificationLapsed) => S::Draft,
        (S::Verified | S::Completed, E::ContactChanged) => S::Completed,
        (S::Verified | S::Ready, E::RegistryConfirmed) => S::Ready,
        (S::Verified | S::Confirmed | S::Returned, E::OrderConfirmed) => S::Confirmed,
        (S::Confirmed | S::InReview, E::ApplicationSubmitted) => S::InReview,
        (S::InReview | S::Ready, E::ReviewPassed) => S::Ready,
        (S::InReview | S::Returned, E::ReviewReturned) => S::Returned,
        (S::InReview | S::Refused, E::ReviewRefused) => S::Refused,
        (S::Ready | S::Issued, E::CertificatesIssued) => S::Issued,
        (S::Issued | S::Completed, E::KeyConfirmed) => S::Completed,
        (
            S::Draft | S::Verified | S::Confirmed | S::Returned | S::Ready | S::Cancelled,
            E::Cancelled,
        ) => S::Cancelled,
        (
            S::Draft
            | S::Verified
            | S::Confirmed
            | S::InReview
            | S::Returned
            | S::Ready
            | S::Issued
            | S::Cancelled,
            E::CertificateRevoked,
        ) => S::Cancelled,
        _ => return Err(Refused),
    })
}

fn revoke(state: OrderState, event: Event) -> Result<OrderState, Refused> {
    use Event as E;
    use OrderState as S;
    Ok(match (state, event) {
        (S::Draft | S::Verified, E::RequestSigned) => S::Verified,
        (S::Draft | S::Identified, E::IdentityPassed) => S::Identified,
        (S::Identified | S::Verified, E::CodeVerified) => S::Verified,
        (S::Verified, E::VerificationLapsed) => S::Draft,
        // The second confirmation cannot be taken back.
        (S::Verified | S::Completed, E::OrderConfirmed) => S::Completed,
        (S::Draft | S::Identified | S::Verified | S::Cancelled, E::Cancelled) => S::Cancelled,
        _ => return Err(Refused),
    })
}

fn seal_change(state: OrderState, event: Event) -> Result<OrderState, Refused> {
    use Event as E;
    use OrderState as S;
    Ok(match (state, event) {
        (S::Draft | S::Returned, E::FormAmended) => S::Draft,
        (S::Draft | S::Unpaid, E::ApplicationSubmitted) => S::Unpaid,
        (S::Unpaid | S::InReview, E::Paid | E::NothingToPay) => S::InReview,
        (S::InReview | S::Ready, E::ReviewPassed) => S::Ready,
        (S::InReview | S::Returned, E::ReviewReturned) => S::Returned,
        (S::InReview | S::Refused, E::ReviewRefused) => S::Refused,
        (S::Draft | S::Ready, E::RemakeOrdered) => S::Ready,
        (S::Ready | S::Issued, E::SealMade) => S::Issued,
        (S::Issued | S::Completed, E::KeyConfirmed) => S::Completed,
        (S::Draft | S::Unpaid | S::Returned | S::Ready | S::Cancelled, E::Cancelled) => S::Cancelled,
        _ => return Err(Refused),
    })
}
