//! 申办向导 (E-20 to E-25): agreement and form, application form, attachments, submission, by a logged-in account.

use ukey_hall::api::{QueriedOrder, Secret, WizardStart};

use crate::enrol::Enrolling;
use crate::{Client, FlowError};

/// Step 1: the agreement is accepted and the form filled.
///
/// # Errors
/// The hall's refusal: not logged in, not ticked, wrong fields, no wizard.
pub fn start(client: &Client, session: &Secret, start: &WizardStart) -> Result<Enrolling, FlowError> {
    let placed = client.start_wizard(session, start)?;
    Ok(Enrolling::resume(client, QueriedOrder { token: placed.token, order: placed.order }))
}

/// Step 2: the application form, PDF, to be saved, signed and uploaded.
///
/// # Errors
/// The hall's refusal, such as a missing font.
pub fn application(enrolling: &mut Enrolling) -> Result<Vec<u8>, FlowError> {
    let order = enrolling.in_hand_mut();
    let form = order.client().application(&order.order().id, order.token())?;
    order.refresh()?;
    Ok(form)
}

/// Step 4: everything was uploaded.
///
/// # Errors
/// The hall's refusal, which names what is missing.
pub fn submit(enrolling: &mut Enrolling) -> Result<(), FlowError> {
    let order = enrolling.in_hand_mut();
    order.client().submit_wizard(order.token(), &order.order().id)?;
    order.refresh().map(drop)
}
