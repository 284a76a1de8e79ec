//! The state machines, every state against every event.
#![cfg(feature = "server")]

use ukey_hall::{
    api::{OrderKind, OrderState as S},
    state::{Event as E, is_final, next},
};

const STATES: [S; 24] = [
    S::Draft,
    S::Identified,
    S::Confirmed,
    S::Submitted,
    S::Unpaid,
    S::InReview,
    S::Returned,
    S::Refused,
    S::Passed,
    S::InProduction,
    S::Issued,
    S::Posted,
    S::Received,
    S::IdentityWanted,
    S::Verifying,
    S::Authorising,
    S::PapersSubmitted,
    S::PapersApproved,
    S::PapersRefused,
    S::Verified,
    S::Initialised,
    S::Ready,
    S::Completed,
    S::Cancelled,
];

/// Every move of an enrolment, in the order of the flow; a row whose ends are the same is a repetition.
const ENROL: &[(S, E, S)] = &[
    (S::Draft, E::FormAmended, S::Draft),
    (S::Draft, E::IdentityPassed, S::Identified),
    (S::Draft, E::ApplicationMade, S::Confirmed),
    (S::Draft, E::Cancelled, S::Cancelled),
    (S::Identified, E::FormAmended, S::Draft),
    (S::Identified, E::IdentityPassed, S::Identified),
    (S::Identified, E::OrderConfirmed, S::Confirmed),
    (S::Identified, E::Cancelled, S::Cancelled),
    (S::Confirmed, E::FormAmended, S::Draft),
    (S::Confirmed, E::OrderConfirmed, S::Confirmed),
    (S::Confirmed, E::ApplicationMade, S::Confirmed),
    (S::Confirmed, E::WizardFinished, S::Unpaid),
    (S::Confirmed, E::ApplicationSubmitted, S::Submitted),
    (S::Confirmed, E::Cancelled, S::Cancelled),
    (S::Submitted, E::FormAmended, S::Draft),
    (S::Submitted, E::ApplicationSubmitted, S::Submitted),
    (S::Submitted, E::Consented, S::Unpaid),
    (S::Submitted, E::Cancelled, S::Cancelled),
    (S::Unpaid, E::Consented, S::Unpaid),
    (S::Unpaid, E::WizardFinished, S::Unpaid),
    (S::Unpaid, E::Paid, S::InReview),
    (S::Unpaid, E::NothingToPay, S::InReview),
    (S::Unpaid, E::Cancelled, S::Cancelled),
    (S::InReview, E::Paid, S::InReview),
    (S::InReview, E::ReviewPassed, S::Passed),
    (S::InReview, E::ReviewReturned, S::Returned),
    (S::InReview, E::ReviewRefused, S::Refused),
    (S::Returned, E::ApplicationMade, S::Confirmed),
    (S::Returned, E::FormAmended, S::Draft),
    (S::Returned, E::OrderConfirmed, S::Confirmed),
    (S::Returned, E::ReviewReturned, S::Returned),
    (S::Returned, E::Cancelled, S::Cancelled),
    (S::Refused, E::ReviewRefused, S::Refused),
    (S::Passed, E::ReviewPassed, S::Passed),
    (S::Passed, E::ProductionStarted, S::InProduction),
    (S::InProduction, E::ProductionStarted, S::InProduction),
    (S::InProduction, E::CertificatesIssued, S::Issued),
    (S::Issued, E::CertificatesIssued, S::Issued),
    (S::Issued, E::KeyPosted, S::Posted),
    (S::Posted, E::KeyPosted, S::Posted),
    (S::Posted, E::KeyReceived, S::Received),
    (S::Received, E::KeyReceived, S::Received),
    (S::Cancelled, E::Cancelled, S::Cancelled),
];

const UNLOCK: &[(S, E, S)] = &[
    (S::Unpaid, E::Paid, S::Verifying),
    (S::Unpaid, E::NothingToPay, S::Verifying),
    (S::Unpaid, E::Cancelled, S::Cancelled),
    (S::Verifying, E::Paid, S::Verifying),
    (S::Verifying, E::IdentityCompelled, S::IdentityWanted),
    (S::Verifying, E::IdentityPassed, S::Authorising),
    (S::Verifying, E::CodeVerified, S::Verified),
    (S::Verifying, E::PapersSent, S::PapersSubmitted),
    (S::Verifying, E::KeyConfirmed, S::Completed),
    (S::Verifying, E::Cancelled, S::Cancelled),
    (S::IdentityWanted, E::IdentityCompelled, S::IdentityWanted),
    (S::IdentityWanted, E::IdentityPassed, S::Authorising),
    (S::IdentityWanted, E::KeyConfirmed, S::Completed),
    (S::IdentityWanted, E::Cancelled, S::Cancelled),
    (S::Authorising, E::IdentityPassed, S::Authorising),
    (S::Authorising, E::AuthorisationVerified, S::Verified),
    (S::Authorising, E::Cancelled, S::Cancelled),
    (S::PapersSubmitted, E::PapersSent, S::PapersSubmitted),
    (S::PapersSubmitted, E::PapersApproved, S::PapersApproved),
    (S::PapersSubmitted, E::PapersRefused, S::PapersRefused),
    (S::PapersSubmitted, E::CodeVerified, S::Verified),
    (S::PapersSubmitted, E::Cancelled, S::Cancelled),
    (S::PapersApproved, E::PapersSent, S::PapersSubmitted),
    (S::PapersApproved, E::PapersApproved, S::PapersApproved),
    (S::PapersApproved, E::UnlockCodeEntered, S::Verified),
    (S::PapersApproved, E::Cancelled, S::Cancelled),
    (S::PapersRefused, E::PapersSent, S::PapersSubmitted),
    (S::PapersRefused, E::PapersRefused, S::PapersRefused),
    (S::PapersRefused, E::CodeVerified, S::Verified),
    (S::PapersRefused, E::Cancelled, S::Cancelled),
    (S::Verified, E::CodeVerified, S::Verified),
    (S::Verified, E::AuthorisationVerified, S::Verified),
    (S::Verified, E::UnlockCodeEntered, S::Verified),
    (S::Verified, E::VerificationLapsed, S::Verifying),
    (S::Verified, E::KeyConfirmed, S::Completed),
    (S::Completed, E::KeyConfirmed, S::Completed),
    (S::Cancelled, E::Cancelled, S::Cancelled),
];

const REVOKE: &[(S, E, S)] = &[
    (S::Draft, E::RequestSigned, S::Verified),
    (S::Draft, E::IdentityPassed, S::Identified),
    (S::Draft, E::Cancelled, S::Cancelled),
    (S::Identified, E::IdentityPassed, S::Identified),
    (S::Identified, E::CodeVerified, S::Verified),
    (S::Identified, E::Cancelled, S::Cancelled),
    (S::Verified, E::RequestSigned, S::Verified),
    (S::Verified, E::CodeVerified, S::Verified),
    (S::Verified, E::VerificationLapsed, S::Draft),
    (S::Verified, E::OrderConfirmed, S::Completed),
    (S::Verified, E::Cancelled, S::Cancelled),
    (S::Completed, E::OrderConfirmed, S::Completed),
    (S::Cancelled, E::Cancelled, S::Cancelled),
];

/// Renewal and repair: self-service, reviewed, and by the portal's steps.
const RENEW: &[(S, E, S)] = &[
    (S::Draft, E::FormAmended, S::Draft),
    (S::Draft, E::OrderConfirmed, S::Unpaid),
    (S::Draft, E::IdentityPassed, S::Identified),
    (S::Draft, E::CodeVerified, S::Verified),
    (S::Draft, E::Cancelled, S::Cancelled),
    (S::Identified, E::FormAmended, S::Draft),
    (S::Identified, E::IdentityPassed, S::Identified),
    (S::Identified, E::OrderConfirmed, S::Confirmed),
    (S::Identified, E::Cancelled, S::Cancelled),
    (S::Confirmed, E::FormAmended, S::Draft),
    (S::Confirmed, E::OrderConfirmed, S::Confirmed),
    (S::Confirmed, E::ApplicationSubmitted, S::Submitted),
    (S::Confirmed, E::Cancelled, S::Cancelled),
    (S::Submitted, E::FormAmended, S::Draft),
    (S::Submitted, E::ApplicationSubmitted, S::Submitted),
    (S::Submitted, E::Consented, S::Unpaid),
    (S::Submitted, E::Cancelled, S::Cancelled),
    (S::Unpaid, E::FormAmended, S::Draft),
    (S::Unpaid, E::OrderConfirmed, S::Unpaid),
    (S::Unpaid, E::Paid, S::Ready),
    (S::Unpaid, E::NothingToPay, S::Ready),
    (S::Unpaid, E::Cancelled, S::Cancelled),
    (S::Ready, E::ReviewWanted, S::InReview),
    (S::Ready, E::CertificatesIssued, S::Issued),
    (S::Ready, E::Cancelled, S::Cancelled),
    (S::InReview, E::ReviewWanted, S::InReview),
    (S::InReview, E::ReviewPassed, S::Ready),
    (S::InReview, E::ReviewReturned, S::Returned),
    (S::InReview, E::ReviewRefused, S::Refused),
    (S::Returned, E::FormAmended, S::Draft),
    (S::Returned, E::ReviewReturned, S::Returned),
    (S::Returned, E::OrderConfirmed, S::Confirmed),
    (S::Returned, E::Cancelled, S::Cancelled),
    (S::Refused, E::ReviewRefused, S::Refused),
    (S::Verified, E::CodeVerified, S::Verified),
    (S::Verified, E::VerificationLapsed, S::Draft),
    (S::Verified, E::KeyInitialised, S::Initialised),
    (S::Verified, E::Cancelled, S::Cancelled),
    (S::Initialised, E::KeyInitialised, S::Initialised),
    (S::Initialised, E::CertificatesIssued, S::Issued),
    (S::Issued, E::CertificatesIssued, S::Issued),
    (S::Issued, E::KeyConfirmed, S::Completed),
    (S::Completed, E::KeyConfirmed, S::Completed),
    (S::Cancelled, E::Cancelled, S::Cancelled),
];

const CHANGE: &[(S, E, S)] = &[
    (S::Draft, E::FormAmended, S::Draft),
    (S::Draft, E::CodeVerified, S::Verified),
    (S::Draft, E::Cancelled, S::Cancelled),
    (S::Verified, E::FormAmended, S::Draft),
    (S::Verified, E::CodeVerified, S::Verified),
    (S::Verified, E::VerificationLapsed, S::Draft),
    (S::Verified, E::ContactChanged, S::Completed),
    (S::Verified, E::RegistryConfirmed, S::Ready),
    (S::Verified, E::OrderConfirmed, S::Confirmed),
    (S::Verified, E::Cancelled, S::Cancelled),
    (S::Confirmed, E::FormAmended, S::Draft),
    (S::Confirmed, E::OrderConfirmed, S::Confirmed),
    (S::Confirmed, E::ApplicationSubmitted, S::InReview),
    (S::Confirmed, E::Cancelled, S::Cancelled),
    (S::InReview, E::ApplicationSubmitted, S::InReview),
    (S::InReview, E::ReviewPassed, S::Ready),
    (S::InReview, E::ReviewReturned, S::Returned),
    (S::InReview, E::ReviewRefused, S::Refused),
    (S::Returned, E::FormAmended, S::Draft),
    (S::Returned, E::ReviewReturned, S::Returned),
    (S::Returned, E::OrderConfirmed, S::Confirmed),
    (S::Returned, E::Cancelled, S::Cancelled),
    (S::Refused, E::ReviewRefused, S::Refused),
    (S::Ready, E::RegistryConfirmed, S::Ready),
    (S::Ready, E::ReviewPassed, S::Ready),
    (S::Ready, E::CertificatesIssued, S::Issued),
    (S::Ready, E::Cancelled, S::Cancelled),
    (S::Issued, E::CertificatesIssued, S::Issued),
    (S::Issued, E::KeyConfirmed, S::Completed),
    (S::Completed, E::ContactChanged, S::Completed),
    (S::Completed, E::KeyConfirmed, S::Completed),
    (S::Cancelled, E::Cancelled, S::Cancelled),
];

#[test]
fn every_state_takes_what_the_table_says_and_refuses_the_rest() {
    for (kind, table) in [
        (OrderKind::EnrolUnit, ENROL),
        (OrderKind::EnrolPerson, ENROL),
        (OrderKind::Reissue, ENROL),
        (OrderKind::Unlock, UNLOCK),
        (OrderKind::Revoke, REVOKE),
        (OrderKind::Renew, RENEW),
        (OrderKind::Repair, RENEW),
        (OrderKind::Change, CHANGE),
    ] {
        for state in STATES {
            for event in E::ALL {
                let row = table.iter().find(|(from, with, _)| (*from, *with) == (state, event));
                assert_eq!(
                    next(kind, state, event).ok(),
                    row.map(|row| row.2),
                    "{kind:?} {state:?} {event:?}"
                );
            }
        }
    }
}

#[test]
fn nothing_leaves_a_final_state() {
    for kind in OrderKind::ALL {
        for state in STATES.into_iter().filter(|state| is_final(*state)) {
            for event in E::ALL {
                assert!(
                    next(kind, state, event).is_ok_and(|to| to == state) || next(kind, state, event).is_err()
                );
            }
        }
    }
}
