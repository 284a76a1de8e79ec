//! The states in which tokens are swept.

use ukey_apdu::Status;
use ukey_apdu::command::{KeyUse, PinType, Rights};

use super::host::{CONTAINER, FILES, Held, Host, NAME, Which};
use super::secrets::{ADMIN_PINS, BROUGHT, CONTENTS, USER_PINS, WRONG_DEVICE_KEY, WRONG_PIN};
use crate::object::{APPLICATIONS, CONTAINERS};
use crate::sim::{SimFlash, Tear};

/// Cuts in a row: more than a token has pages in reserve, and as many as a PIN has tries left.
const ROW: u8 = 5;

/// A state of a token.
#[derive(Clone, Copy)]
pub(super) struct State {
    /// What it is, in a few words.
    pub(super) name: &'static str,
    /// Makes it of a blank token.
    pub(super) make: fn(&mut Host) -> Result<(), Status>,
    /// Afterwards commands are repeated until the next one has a consequence; the token stops in front of it.
    pub(super) brink: Option<Brink>,
    /// How often a command is cut in a row.
    pub(super) row: u8,
    /// Which of each pair of secrets it holds.
    pub(super) held: Held,
}

/// In front of what a token stops.
#[derive(Clone, Copy)]
pub(super) struct Brink {
    /// What is repeated; the number of the repetition makes it different each time.
    pub(super) again: fn(&mut Host, u32) -> Result<(), Status>,
    /// Grows when it has happened.
    pub(super) measure: fn(&mut Host) -> u32,
}

fn factory(host: &mut Host) -> Result<(), Status> {
    host.label(b"factory")
}

fn issued(host: &mut Host) -> Result<(), Status> {
    host.authenticate(host.device_key(Which::Held))?;
    host.create_application(NAME, ADMIN_PINS[0], USER_PINS[0])?;
    host.open()
}

fn blocked(host: &mut Host) -> Result<(), Status> {
    issued(host)?;
    while host.verify(PinType::User, WRONG_PIN) != Err(Status::LOCKED) {}
    Ok(())
}

fn with_container(host: &mut Host) -> Result<(), Status> {
    issued(host)?;
    host.log_in()?;
    host.create_container(CONTAINER)
}

fn with_pair(host: &mut Host) -> Result<(), Status> {
    with_container(host)?;
    host.generate()
}

fn with_certificates(host: &mut Host) -> Result<(), Status> {
    with_pair(host)?;
    host.import_pair(&BROUGHT[0])?;
    host.import_certificate(KeyUse::Sign, &[0x5C; 700])?;
    host.import_certificate(KeyUse::Encrypt, &[0xEC; 900])
}

/// Everything, and one wrong try of every secret.
fn complete(host: &mut Host) -> Result<(), Status> {
    with_certificates(host)?;
    host.create_file(b"SEAL", 1500, Rights::USER)?;
    host.write_file(b"SEAL", 0, &CONTENTS[0].repeat(187))?;
    host.create_file(b"PUBLIC", 1200, Rights::ANYONE)?;
    let _ = host.verify(PinType::User, WRONG_PIN);
    let _ = host.verify(PinType::Administrator, WRONG_PIN);
    let _ = host.authenticate(WRONG_DEVICE_KEY);
    Ok(())
}

/// Complete, with a log that is nearly full and whose oldest pages are full of what lives.
fn crowded(host: &mut Host) -> Result<(), Status> {
    const NEARLY_ALL: usize = 121;
    with_certificates(host)?;
    host.create_file(b"LARGE", 12_000, Rights::USER)?;
    for offset in (0..10_752).step_by(3584) {
        host.write_file(b"LARGE", offset, &[0x1A; 3584])?;
    }
    host.create_file(b"SEAL", 1500, Rights::USER)?;
    host.write_file(b"SEAL", 0, &CONTENTS[0].repeat(187))?;
    host.create_file(b"PUBLIC", 1200, Rights::ANYONE)?;
    let mut number = 0_u32;
    while pages(host).len() < NEARLY_ALL {
        number += 1;
        host.import_certificate(KeyUse::Sign, &number.to_le_bytes().repeat(900))?;
    }
    Ok(())
}

/// Sequence numbers of the pages of the log. The format that this reads is frozen; see the head of `store`.
fn pages(host: &mut Host) -> Vec<u32> {
    let sequence = |page: &[u8]| {
        let page = page.strip_prefix(b"UKEY\x01\0\x01\0")?;
        page.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    };
    host.token.platform().flash.image().chunks(SimFlash::PAGE).filter_map(sequence).collect()
}

fn device_locked(host: &mut Host) -> Result<(), Status> {
    issued(host)?;
    while host.authenticate(WRONG_DEVICE_KEY) != Err(Status::LOCKED) {}
    Ok(())
}

/// Nothing as it came: every PIN and the device authentication key changed.
fn changed(host: &mut Host) -> Result<(), Status> {
    with_certificates(host)?;
    host.change_device_key(host.device_key(Which::Held), &host.device_key(Which::Next))?;
    host.change(PinType::User, host.user_pin(Which::Held), host.user_pin(Which::Next))?;
    host.change(PinType::Administrator, host.admin_pin(Which::Held), host.admin_pin(Which::Next))
}

/// Complete, beside an application whose PINs are both locked.
fn beside_a_locked_one(host: &mut Host) -> Result<(), Status> {
    complete(host)?;
    host.authenticate(host.device_key(Which::Held))?;
    host.create_application(b"SECOND", ADMIN_PINS[0], USER_PINS[0])?;
    host.open_named(b"SECOND")?;
    for pin_type in [PinType::User, PinType::Administrator] {
        while host.verify(pin_type, WRONG_PIN) != Err(Status::LOCKED) {}
    }
    host.open()
}

fn every_application(host: &mut Host) -> Result<(), Status> {
    with_certificates(host)?;
    host.authenticate(host.device_key(Which::Held))?;
    for number in 1..APPLICATIONS {
        let name = format!("APPLICATION {number}");
        host.create_application(name.as_bytes(), ADMIN_PINS[0], USER_PINS[0])?;
    }
    Ok(())
}

fn every_container(host: &mut Host) -> Result<(), Status> {
    with_certificates(host)?;
    (1..CONTAINERS).try_for_each(|number| host.create_container(format!("CONTAINER {number}").as_bytes()))
}

fn every_file(host: &mut Host) -> Result<(), Status> {
    complete(host)?;
    host.log_in()?;
    (2..FILES).try_for_each(|number| host.create_file(format!("FILE {number}").as_bytes(), 1, Rights::USER))
}

/// Complete, and files for the rest of the room, the large ones first.
fn no_room(host: &mut Host) -> Result<(), Status> {
    complete(host)?;
    host.log_in()?;
    let sizes = (1..=120_u32).rev().flat_map(|pieces| [512 * pieces; 4]);
    for (number, size) in sizes.enumerate() {
        match host.create_file(format!("FILE {number}").as_bytes(), size, Rights::USER) {
            Err(Status::NO_SPACE) => {}
            done => done?,
        }
    }
    Ok(())
}

/// Complete, with a certificate on its way when the power went.
fn cut_off(host: &mut Host) -> Result<(), Status> {
    complete(host)?;
    host.log_in()?;
    host.token.platform().flash.cut_power_after(5, Tear::Torn(5));
    let _ = host.import_certificate(KeyUse::Sign, &[0xA5; 1500]);
    Ok(())
}

/// Complete, on a flash of which every page was erased twice.
fn worn(host: &mut Host) -> Result<(), Status> {
    complete(host)?;
    host.log_in()?;
    let mut number = 0_u32;
    while host.token.wear().log < 3 {
        number += 1;
        host.import_certificate(KeyUse::Sign, &number.to_le_bytes().repeat(900))?;
    }
    while host.token.wear().counters < 2 {
        host.log_in()?;
    }
    Ok(())
}

/// One cut, in a state that holds the first of each pair of secrets.
const fn once(name: &'static str, make: fn(&mut Host) -> Result<(), Status>) -> State {
    State { name, make, brink: None, row: 1, held: Held::FIRST }
}

/// Several cuts in a row: what each of them costs adds up.
const fn in_a_row(name: &'static str, make: fn(&mut Host) -> Result<(), Status>) -> State {
    State { row: ROW, ..once(name, make) }
}

/// The states, the simplest first.
pub(super) const STATES: &[State] = &[
    once("factory", factory),
    once("issued", issued),
    once("user PIN blocked", blocked),
    once("device authentication key locked", device_locked),
    once("empty container", with_container),
    once("key pair", with_pair),
    once("key pairs and certificates", with_certificates),
    State { held: Held::SECOND, ..once("PINs and device authentication key changed", changed) },
    in_a_row("key pairs, certificates and files", complete),
    once("beside an application that is locked", beside_a_locked_one),
    once("as many applications as there can be", every_application),
    once("as many containers as there can be", every_container),
    once("as many files as the application has", every_file),
    in_a_row("no room left", no_room),
    in_a_row("a transaction cut off before", cut_off),
    once("a worn flash", worn),
    State {
        brink: Some(Brink { again: |host, _| host.log_in(), measure: |host| host.token.wear().counters }),
        ..in_a_row("counters about to turn their page", complete)
    },
    State {
        brink: Some(Brink {
            again: |host, number| host.label(format!("label {number}").as_bytes()),
            measure: |host| pages(host).into_iter().min().unwrap_or_default(),
        }),
        ..in_a_row("log about to free a page", crowded)
    },
];
