//! 证书注销 (V-01, AMB-22): a certificate is revoked for good.
//!
//! With the key in hand its own signature is enough; without it, an identity check and the code to the phone on record.
//! Either way it is confirmed twice.

use std::borrow::Borrow;

use ukey_device::{Device, Pin};
use ukey_hall::api::{
    CodeSent, IdentityCheck, OrderState, RevocationReason, RevocationRequest, RevocationSignature, Secret,
    revoke_message,
};

use crate::error::Due;
use crate::key::{self, MyCertificate};
use crate::order::order_in_hand;
use crate::{Client, FlowError, OrderInHand, Rule};

/// What a revocation waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The key's signature, or the identity check.
    Verify,
    /// The code to the phone on record.
    EnterCode,
    /// 确认注销.
    Confirm,
    /// 再次确认: after it there is no way back.
    ConfirmAgain,
    /// Nothing any more: the certificate is revoked.
    Done,
    /// Nothing any more: the order was cancelled.
    Cancelled,
}

/// A revocation as its applicant holds it.
#[derive(Clone, Debug)]
pub struct Revoking(OrderInHand);

order_in_hand!(Revoking, 0);

impl Revoking {
    /// 注销 of a certificate, with the session of a certificate or the token of a certificate query. Takes up the order
    /// that is open for it.
    ///
    /// # Errors
    /// The hall's refusal: somebody else's certificate, a revoked one.
    pub fn begin(
        client: &Client,
        holder: &Secret,
        serial: &str,
        reason: RevocationReason,
    ) -> Result<Self, FlowError> {
        let request = RevocationRequest { serial: serial.to_owned(), reason };
        Ok(Self(OrderInHand::new(client, client.revoke(holder, &request)?)))
    }

    /// What is to be done next.
    #[must_use]
    pub fn step(&self) -> Step {
        let order = self.0.order();
        match order.state {
            OrderState::Identified => Step::EnterCode,
            OrderState::Verified if order.revocation.as_ref().is_some_and(|view| view.confirmed) => {
                Step::ConfirmAgain
            }
            OrderState::Verified => Step::Confirm,
            OrderState::Completed => Step::Done,
            OrderState::Cancelled => Step::Cancelled,
            _ => Step::Verify,
        }
    }

    /// The key in hand signs the request; its certificate must be the one to be revoked.
    ///
    /// # Errors
    /// [`Rule::NotDue`] when the hall does not take a signature now; [`Rule::AnotherCertificate`]; a wrong or locked PIN.
    pub fn sign<D: Borrow<Device>>(&mut self, known: &[D], pin: &Pin) -> Result<(), FlowError> {
        let device = key::only_one(known)?.borrow();
        let order = self.0.order();
        let nonce = order.revocation.as_ref().and_then(|view| view.nonce.clone());
        let nonce = nonce.ok_or(Rule::NotDue { due: Due::SignatureWanted })?;
        let mine = MyCertificate::read_this(device, order.certificate_serial.as_deref().unwrap_or_default())?;
        let message = revoke_message(&order.id, &mine.serial(), &nonce);
        let application = mine.open_application(device)?;
        let signature = key::as_user(&application, pin, || {
            key::sign(&application.open_container(&mine.container)?, &message)
        })?;
        let told = RevocationSignature { signature: signature.into() };
        self.0.go(|client, order, token| client.sign_revocation(order, token, &told))
    }

    /// The identity check of the other way; the code goes to the phone on record.
    pub fn check_identity(&mut self, check: &IdentityCheck) -> Result<CodeSent, FlowError> {
        let sent = self.0.ask(|client, order, token| client.revocation_identity(order, token, check))?;
        self.0.refresh()?;
        Ok(sent)
    }

    /// The code again.
    pub fn resend_code(&self) -> Result<CodeSent, FlowError> {
        self.0.ask(Client::revocation_code)
    }

    /// The code is typed.
    pub fn enter_code(&mut self, code: &str) -> Result<(), FlowError> {
        self.0.go(|client, order, token| client.verify_revocation_code(order, token, code))
    }

    /// 确认注销, the first time.
    pub fn confirm(&mut self) -> Result<(), FlowError> {
        self.0.go(|client, order, token| client.confirm_revocation(order, token, false))
    }

    /// 再次确认: revoked for good.
    pub fn confirm_again(&mut self) -> Result<(), FlowError> {
        self.0.go(|client, order, token| client.confirm_revocation(order, token, true))
    }
}
