//! Revocation lists.

mod common;

use common::{World, at, crl_of, revoked};
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
