//! How the key in hand gets its new certificates: what renewal, repair and change share.
//!
//! Guarantees: the new pair is written into another container, read back and compared, and confirmed to the hall by its
//! own signature; only then the old container is deleted. Power, key, line or program may go at any point: the order
//! that [`open`] finds says where to go on, and nothing is remembered elsewhere.
//!
//! Where the hall has the old key pairs certified again, no other container can hold them: a sign key pair never leaves the
//! one it was made in. The new certificates go over the old ones then, the sign certificate last: until it is there, the
//! old one is in use; from then on the new pair is complete, and the order stays open until the hall has heard of it.
//!
//! The containers of one certificate take turns: beside `NAME` stands `NAME.2`, and beside that `NAME` again. The hall
//! keeps which of the two the certificate on record is in.

use std::borrow::Borrow;

use ukey_device::{Application, Container, Device, ErrorKind, KeyUse, Pin};
use ukey_hall::api::{
    CertificateStatus, Download, Hex, KeyProof, OrderKind, OrderState, OrderSummary, Placed, ProblemType,
    RewriteView, Secret, Written, written_message,
};
use ukey_pki::{Certificate, CsrResponse};

use crate::error::{Due, Part};
use crate::key::{self, MyCertificate};
use crate::production::{request, write_certificates};
use crate::{Client, FlowError, OrderInHand, Rule, login};

/// The end of the name of every other container.
const SECOND: &str = ".2";

/// The container that takes turns with this one.
pub(crate) fn sibling(container: &str) -> String {
    container.strip_suffix(SECOND).map_or_else(|| format!("{container}{SECOND}"), str::to_owned)
}

/// A kind of order that rewrites a key: what the key signs to open one, and the call that opens it.
pub(crate) struct Opening {
    pub(crate) kinds: &'static [OrderKind],
    pub(crate) message: fn(&str, &str, &Hex) -> Vec<u8>,
    pub(crate) call: fn(&Client, &KeyProof, Option<&Secret>) -> Result<Placed, FlowError>,
}

/// Opens the order of a certificate of the key, or takes it up wherever it stopped, its end included. Where the key
/// holds the old and the new pair, the old one speaks: the hall knows what came of it.
///
/// # Errors
/// [`Rule::ChooseCertificate`] where none is chosen and there are several; [`Rule::AnotherCertificate`] where the chosen
/// one is not in the key and gave way to none that is.
pub(crate) fn open(
    client: &Client,
    device: &Device,
    pin: &Pin,
    session: Option<&Secret>,
    chosen: Option<&str>,
    opening: &Opening,
) -> Result<OrderInHand, FlowError> {
    let all = MyCertificate::all(device)?;
    match speaker(&all, chosen)? {
        Some(mine) => prove(client, device, pin, session, mine, opening),
        None => successor(client, device, pin, &all, chosen.unwrap_or_default(), opening),
    }
}

/// Opens or takes up the order of a pair, whose key proves itself.
fn prove(
    client: &Client,
    device: &Device,
    pin: &Pin,
    session: Option<&Secret>,
    mine: &MyCertificate,
    opening: &Opening,
) -> Result<OrderInHand, FlowError> {
    let challenge = client.login_challenge()?;
    let application = mine.open_application(device)?;
    let signature = key::as_user(&application, pin, || {
        let container = application.open_container(&mine.container)?;
        key::sign(&container, &(opening.message)(&challenge.hall, &mine.device_serial, &challenge.nonce))
    })?;
    let proof = KeyProof {
        nonce: challenge.nonce,
        certificate: mine.sign.der().into(),
        device_serial: mine.device_serial.clone(),
        signature: signature.into(),
    };
    Ok(OrderInHand::new(client, (opening.call)(client, &proof, session)?))
}

/// Who speaks for the chosen certificate, or for the only one: the older of it and the one in the sibling container.
/// Nobody, where the chosen one is not there.
fn speaker<'m>(
    all: &'m [MyCertificate],
    chosen: Option<&str>,
) -> Result<Option<&'m MyCertificate>, FlowError> {
    let about = match chosen {
        Some(serial) => all.iter().find(|mine| mine.serial() == serial),
        None => Some(all.first().ok_or(Rule::NoCertificate)?),
    };
    let Some(about) = about else { return Ok(None) };
    let sibling = sibling(&about.container);
    let together = |mine: &&MyCertificate| mine.container == about.container || mine.container == sibling;
    let others = all.iter().filter(|mine| !together(mine)).count();
    if chosen.is_none() && others > 0 {
        let count = others + 1;
        return Err(Rule::ChooseCertificate { count }.into());
    }
    Ok(all.iter().filter(together).min_by_key(|mine| mine.sign.not_before()))
}

/// The order in which a certificate of this key gives way to one that is there: completed, where the last answer was not
/// heard, or still open, where the old one is gone from the key before the hall knows the new one to be in it.
fn successor(
    client: &Client,
    device: &Device,
    pin: &Pin,
    all: &[MyCertificate],
    serial: &str,
    opening: &Opening,
) -> Result<OrderInHand, FlowError> {
    let another = || Err(Rule::AnotherCertificate { expected: serial.to_owned() }.into());
    // No PIN is asked of a key that never had the certificate.
    let here = |status: CertificateStatus| all.iter().any(|mine| mine.device_serial == status.device_serial);
    if !client.certificate_status(serial).is_ok_and(here) {
        return another();
    }
    let session = match login::login(client, device, pin) {
        Err(FlowError::Hall(problem)) if problem.kind == ProblemType::CertificateUnconfirmed => {
            let newest = all.first().ok_or(Rule::NoCertificate)?;
            let hand = prove(client, device, pin, None, newest, opening)?;
            let about = hand.order().certificate_serial.as_deref() == Some(serial);
            return if about { Ok(hand) } else { another() };
        }
        session => session?,
    };
    let done =
        |order: &OrderSummary| opening.kinds.contains(&order.kind) && order.state == OrderState::Completed;
    for order in client.my_orders(&session.token)?.iter().filter(|order| done(order)) {
        let order = client.order(&order.id, &session.token)?;
        let replaced = order.certificate_serial.as_deref() == Some(serial);
        let by = order.new_certificate_serial.as_ref();
        if replaced && all.iter().any(|mine| Some(&mine.serial()) == by) {
            return Ok(OrderInHand::new(client, Placed { token: session.token, order }));
        }
    }
    another()
}

/// What the hall tells of an order that rewrites a key.
pub(crate) fn view(hand: &OrderInHand) -> Result<&RewriteView, FlowError> {
    hand.order()
        .rewrite
        .as_ref()
        .ok_or(FlowError::Answer("the order does not rewrite a key", "该订单不涉及更新UKey"))
}

/// Writes the new certificates, or what is still missing of it. Can be repeated until it is done, and after.
pub(crate) fn write<D: Borrow<Device>>(
    hand: &mut OrderInHand,
    known: &[D],
    pin: &Pin,
) -> Result<(), FlowError> {
    hand.refresh()?;
    let view = view(hand)?.clone();
    let device = key::the_one(known, &view.device_serial)?;
    match hand.order().state {
        OrderState::Ready | OrderState::Initialised | OrderState::Issued | OrderState::Completed => {}
        _ => return Err(Rule::NotDue { due: Due::Preparation }.into()),
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
    let serial = serial_of(&container, KeyUse::Sign)?.ok_or(Rule::ReadBack { what: Part::Certificate })?;
    let encryption_serial =
        serial_of(&container, KeyUse::Encrypt)?.ok_or(Rule::ReadBack { what: Part::Certificate })?;
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

/// Serial number of a certificate in a container; one that cannot be read is as good as none.
fn serial_of(container: &Container<'_>, key_use: KeyUse) -> Result<Option<String>, FlowError> {
    let certificate = container.export_certificate(key_use)?.and_then(|der| Certificate::from_der(&der).ok());
    Ok(certificate.map(|found| found.serial().to_string()))
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
