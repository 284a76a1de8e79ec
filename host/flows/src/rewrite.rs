//! How the key in hand gets its new certificates (T-RENEWKEY, T-RENEWCERT): what renewal, repair and change share.
//!
//! Guarantees: the new pair is written into another container, read back and compared, and confirmed to the hall by its
//! own signature; only then the old container is deleted. Power, key, line or program may go at any point: the order
//! that [`open`] finds says where to go on, and nothing is remembered elsewhere.
//!
//! The containers of one certificate take turns: beside `NAME` stands `NAME.2`, and beside that `NAME` again. The hall
//! keeps which of the two the certificate on record is in.

use ukey_device::{Application, Container, Device, ErrorKind, KeyUse, Pin};
use ukey_hall::api::{
    Download, Hex, KeyProof, OrderState, Placed, RewriteView, Secret, Written, written_message,
};
use ukey_pki::{Certificate, CsrResponse};

use crate::key::{self, MyCertificate};
use crate::production::{request, write_certificates};
use crate::{Client, FlowError, OrderInHand, Rule};

/// The end of the name of every other container.
const SECOND: &str = ".2";

/// The container that takes turns with this one.
pub(crate) fn sibling(container: &str) -> String {
    container.strip_suffix(SECOND).map_or_else(|| format!("{container}{SECOND}"), str::to_owned)
}

/// What the key signs to open an order.
pub(crate) type Message = fn(&str, &str, &Hex) -> Vec<u8>;
/// The call that opens it.
pub(crate) type Call = fn(&Client, &KeyProof, Option<&Secret>) -> Result<Placed, FlowError>;

/// Opens the order of the key's certificate, or takes it up. Where the key holds the old and the new pair, the old one
/// speaks: the hall knows what came of it.
pub(crate) fn open(
    client: &Client,
    device: &Device,
    pin: &Pin,
    session: Option<&Secret>,
    (message, call): (Message, Call),
) -> Result<OrderInHand, FlowError> {
    let mine = MyCertificate::all(device)?;
    let mine = mine.into_iter().min_by_key(|mine| mine.sign.not_before()).ok_or(Rule::NoCertificate)?;
    let challenge = client.login_challenge()?;
    let application = mine.open_application(device)?;
    let signature = key::as_user(&application, pin, || {
        let container = application.open_container(&mine.container)?;
        key::sign(&container, &message(&challenge.hall, &mine.device_serial, &challenge.nonce))
    })?;
    let proof = KeyProof {
        nonce: challenge.nonce,
        certificate: mine.sign.der().into(),
        device_serial: mine.device_serial,
        signature: signature.into(),
    };
    Ok(OrderInHand::new(client, call(client, &proof, session)?))
}

/// What the hall tells of an order that rewrites a key.
pub(crate) fn view(hand: &OrderInHand) -> Result<&RewriteView, FlowError> {
    hand.order().rewrite.as_ref().ok_or(FlowError::Answer("the order does not rewrite a key"))
}

/// Refuses another key than the order's.
pub(crate) fn demand_device(device: &Device, view: &RewriteView) -> Result<(), FlowError> {
    let found = device.info()?.serial_number;
    if found == view.device_serial {
        return Ok(());
    }
    Err(Rule::AnotherKey { expected: view.device_serial.clone(), found }.into())
}

/// Writes the new certificates, or what is still missing of it. Can be repeated until it is done, and after.
pub(crate) fn write(hand: &mut OrderInHand, device: &Device, pin: &Pin) -> Result<(), FlowError> {
    hand.refresh()?;
    let view = view(hand)?.clone();
    demand_device(device, &view)?;
    match hand.order().state {
        OrderState::Ready | OrderState::Initialised | OrderState::Issued | OrderState::Completed => {}
        _ => return Err(Rule::NotDue { due: "nothing may be written into the key yet" }.into()),
    }
    let application = device.open_application(&view.application)?;
    key::as_user(&application, pin, || {
        if hand.order().state != OrderState::Completed {
            write_new(hand, &application, &view)?;
        }
        drop_old(hand, &application, &view)
    })
}

fn write_new(
    hand: &mut OrderInHand,
    application: &Application<'_>,
    view: &RewriteView,
) -> Result<(), FlowError> {
    let name = if view.new_keys { sibling(&view.container) } else { view.container.clone() };
    let container = if view.new_keys {
        new_container(application, &name, hand.order().new_certificate_serial.as_deref())?
    } else {
        application.open_container(&name)?
    };
    let request = request(&container, &hand.order().subject.name)?;
    let download = Download {
        device_serial: view.device_serial.clone(),
        container: name,
        request: Hex(request.der().to_vec()),
    };
    let answer = hand.ask(|client, order, token| client.download(order, token, &download))?;
    write_certificates(&container, &CsrResponse::from_der(&answer.response.0)?)?;
    let serial = serial_of(&container, KeyUse::Sign)?.ok_or(Rule::ReadBack { what: "certificate" })?;
    let encryption_serial =
        serial_of(&container, KeyUse::Encrypt)?.ok_or(Rule::ReadBack { what: "certificate" })?;
    let signature = key::sign(&container, &written_message(&hand.order().id, &serial, &encryption_serial))?;
    let written = Written { serial, encryption_serial, signature: signature.into() };
    hand.go(|client, order, token| client.written(order, token, &written))
}

/// The container for the new pair, with its sign key pair: the one of an earlier attempt, unless it holds something that
/// is not of this order.
fn new_container<'d>(
    application: &Application<'d>,
    name: &str,
    of_this_order: Option<&str>,
) -> Result<Container<'d>, FlowError> {
    let mut there = application.containers()?.iter().any(|other| other == name);
    if there {
        let held = serial_of(&application.open_container(name)?, KeyUse::Sign)?;
        if held.is_some_and(|held| of_this_order != Some(held.as_str())) {
            application.delete_container(name)?;
            there = false;
        }
    }
    let container =
        if there { application.open_container(name)? } else { application.create_container(name)? };
    let held = container.public_key(KeyUse::Sign);
    if held.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::NoKeyPair)) {
        container.generate_key_pair()?;
    } else {
        held?;
    }
    Ok(container)
}

/// Deletes the old container, if the order is done and it is still the old one.
fn drop_old(hand: &OrderInHand, application: &Application<'_>, view: &RewriteView) -> Result<(), FlowError> {
    let order = hand.order();
    if !view.new_keys || order.new_certificate_serial.is_none() {
        return Ok(());
    }
    if !application.containers()?.contains(&view.container) {
        return Ok(());
    }
    let held = serial_of(&application.open_container(&view.container)?, KeyUse::Sign)?;
    if held.is_some() && held == order.certificate_serial {
        application.delete_container(&view.container)?;
    }
    Ok(())
}

fn serial_of(container: &Container<'_>, key_use: KeyUse) -> Result<Option<String>, FlowError> {
    let der = container.export_certificate(key_use)?;
    Ok(der.map(|der| Certificate::from_der(&der)).transpose()?.map(|found| found.serial().to_string()))
}

#[cfg(test)]
mod tests {
    use super::sibling;

    #[test]
    fn two_containers_take_turns() {
        assert_eq!(sibling("CERT1"), "CERT1.2");
        assert_eq!(sibling("CERT1.2"), "CERT1");
        assert_eq!(sibling(&sibling("SM2-1")), "SM2-1");
    }
}
