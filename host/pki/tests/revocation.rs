//! Revocation lists.

mod common;

use common::{World, at, crl_of, members, revoked, signed_by, tlv};
use ukey_pki::{Crl, Error, RevocationReason, Revoked, Serial};

#[test]
fn a_list_says_what_is_revoked_since_when_and_why() {
    let world = World::new(40);
    let list = Crl::from_der(world.crl.der()).unwrap();
    list.verify(world.issuing.certificate()).unwrap();
    assert_eq!(list.number(), Some(7));
    assert_eq!(list.issuer(), world.issuing.certificate().subject());
    assert_eq!(list.revoked().len(), 2);
    let entry = list.find(world.sign.serial()).unwrap();
    assert_eq!(*entry, revoked(&world.sign, Some(RevocationReason::Superseded)));
    assert!(list.contains(world.sign.serial()) && list.contains(world.encryption.serial()));
    assert!(!list.contains(world.issuing.certificate().serial()));
    assert_eq!(Crl::from_pem(&list.to_pem()).unwrap(), list);
}

#[test]
fn a_list_is_current_from_its_issue_until_the_next_is_due() {
    let world = World::new(41);
    assert_eq!(world.crl.this_update(), at("2026-03-02T00:00:00Z"));
    assert_eq!(world.crl.next_update(), Some(at("2026-09-02T00:00:00Z")));
    for (instant, current) in [
        ("2026-03-01T23:59:59Z", false),
        ("2026-03-02T00:00:00Z", true),
        ("2026-09-01T23:59:59Z", true),
        ("2026-09-02T00:00:00Z", false),
    ] {
        assert_eq!(world.crl.is_current(at(instant)), current, "{instant}");
    }
}

#[test]
fn an_empty_list_leaves_the_entries_out() {
    let world = World::new(42);
    let list = crl_of(&world.issuing, []);
    list.verify(world.issuing.certificate()).unwrap();
    assert_eq!(list.revoked().len(), 0);
    assert!(!list.contains(world.sign.serial()));
    // nextUpdate is followed at once by the extensions.
    let next = b"\x17\x0D260902000000Z\xA0";
    assert!(list.der().windows(next.len()).any(|window| window == next));
}

#[test]
fn a_hold_is_lifted_by_leaving_the_entry_out_and_in_a_delta_list_by_saying_so() {
    let world = World::new(43);
    assert!(world.crl.contains(world.encryption.serial()));
    let lifted = crl_of(&world.issuing, [revoked(&world.sign, None)]);
    assert!(!lifted.contains(world.encryption.serial()));
    let said = crl_of(&world.issuing, [revoked(&world.encryption, Some(RevocationReason::RemoveFromCrl))]);
    assert!(!said.contains(world.encryption.serial()));
    assert!(said.find(world.encryption.serial()).is_some());
}

#[test]
fn every_reason_survives_and_unspecified_is_not_written() {
    use RevocationReason::*;
    let world = World::new(44);
    let reasons = [
        KeyCompromise,
        CaCompromise,
        AffiliationChanged,
        Superseded,
        CessationOfOperation,
        CertificateHold,
        RemoveFromCrl,
        PrivilegeWithdrawn,
        AaCompromise,
    ];
    for reason in reasons {
        let list = crl_of(&world.issuing, [revoked(&world.sign, Some(reason))]);
        assert_eq!(list.find(world.sign.serial()).unwrap().reason, Some(reason));
    }
    let list = crl_of(&world.issuing, [revoked(&world.sign, Some(Unspecified))]);
    assert_eq!(list.find(world.sign.serial()).unwrap().reason, None);
}

#[test]
fn a_list_belongs_to_its_issuer_only() {
    let world = World::new(45);
    assert!(matches!(world.crl.verify(world.root.certificate()), Err(Error::Issuer { .. })));
    assert!(matches!(world.crl.verify(World::new(46).issuing.certificate()), Err(Error::Issuer { .. })));
    let mut changed = world.crl.der().to_vec();
    let serial = world.sign.serial().as_bytes();
    let place = changed.windows(16).position(|window| window == serial).unwrap();
    changed[place + 15] ^= 1;
    let changed = Crl::from_der(&changed).unwrap();
    assert!(!changed.contains(world.sign.serial()), "it hides the certificate");
    assert!(matches!(changed.verify(world.issuing.certificate()), Err(Error::Signature { .. })));
}

#[test]
fn a_list_of_many_entries_finds_each() {
    let mut world = World::new(47);
    let serials: Vec<Serial> = (0..500).map(|_| Serial::generate(&mut world.rng)).collect();
    let entries = serials.iter().map(|serial| Revoked {
        serial: serial.clone(),
        date: at("2026-03-01T08:00:00Z"),
        reason: None,
    });
    let list = crl_of(&world.issuing, entries);
    assert!(serials.iter().all(|serial| list.contains(serial)));
    assert!(!list.contains(&Serial::generate(&mut world.rng)));
}

const DELTA_INDICATOR: &[u8] = b"\x55\x1d\x1b";
const SCOPE: &[u8] = b"\x55\x1d\x1c";
const CERTIFICATE_ISSUER: &[u8] = b"\x55\x1d\x1d";
const REASON: &[u8] = b"\x55\x1d\x15";

fn extension(id: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { tlv(1, [0xFF]) } else { Vec::new() };
    tlv(0x30, [tlv(6, id), critical, tlv(4, value)].concat())
}

/// The world's list with one more extension of the list, and with this as the only extension of its first entry.
fn list_with(world: &World, of_list: &[u8], of_entry: &[u8]) -> Vec<u8> {
    let mut parts = members(&members(world.crl.der())[0]);
    let [.., revoked, extensions] = parts.as_mut_slice() else { panic!("no entries") };
    let list = [members(&members(extensions)[0]).concat(), of_list.to_vec()].concat();
    *extensions = tlv(0xA0, tlv(0x30, list));
    let mut entries = members(revoked);
    let head = members(&entries[0])[..2].concat();
    entries[0] = tlv(0x30, [head, tlv(0x30, of_entry)].concat());
    *revoked = tlv(0x30, entries.concat());
    signed_by(&world.issuing, &tlv(0x30, parts.concat()))
}

/// RFC 5280 5.2 and 5.3: a list with a critical extension that is not understood says nothing of any certificate. A
/// delta list and a list of some certificates only are told by such extensions.
#[test]
fn a_list_with_an_unknown_critical_extension_is_not_read() {
    let world = World::new(48);
    let reason = extension(REASON, true, b"\x0a\x01\x04");
    let others = extension(SCOPE, false, b"\x30\x03\x81\x01\xff");
    let list = Crl::from_der(&list_with(&world, &others, &reason)).unwrap();
    list.verify(world.issuing.certificate()).unwrap();
    assert!(list.contains(world.sign.serial()) || list.contains(world.encryption.serial()));

    let none = extension(b"\x2a\x03\x04", false, b"");
    for (of_list, of_entry) in [
        (extension(DELTA_INDICATOR, true, b"\x02\x01\x06"), reason.clone()),
        (extension(SCOPE, true, b"\x30\x03\x81\x01\xff"), reason.clone()),
        (extension(b"\x2a\x03\x04", true, b""), reason),
        (none.clone(), extension(CERTIFICATE_ISSUER, true, b"\x30\x00")),
        (none, extension(b"\x2a\x03\x04", true, b"")),
    ] {
        let error = Crl::from_der(&list_with(&world, &of_list, &of_entry)).unwrap_err();
        assert!(matches!(error, Error::CriticalExtension { .. }), "{error}");
    }
}
