//! The small parts of a certificate.

mod common;

use common::{World, at, crl_of, name, validity};
use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ukey_pki::{KeyUsage, Name, NameError, Revoked, Serial, TimeError, Validity};

#[test]
fn a_name_has_the_string_types_and_order_of_the_profile() {
    let name = Name::builder().country("CN").organization("示例").common_name("张三").build().unwrap();
    // SEQUENCE of SET of SEQUENCE: C PrintableString, O UTF8String, CN UTF8String.
    assert_eq!(
        hex::encode(name.to_der()),
        "302f310b300906035504061302434e310f300d060355040a0c06e7a4bae4be8b310f300d06035504030c06e5bca0e4b889"
    );
    assert_eq!(name.to_string(), "C=CN, O=示例, CN=张三");
    assert_eq!(
        (name.country(), name.organization(), name.common_name()),
        (Some("CN"), Some("示例"), Some("张三"))
    );
    assert_eq!((name.organizational_unit(), name.serial_number()), (None, None));
}

#[test]
fn a_name_keeps_the_bounds_of_its_attributes() {
    let length = |attribute, most, found| Err(NameError::Length { attribute, most, found });
    assert_eq!(Name::builder().build(), Err(NameError::Empty));
    assert_eq!(Name::builder().country("CHN").build(), length("C", 2, 3));
    assert_eq!(Name::builder().country("C").build(), length("C", 2, 1));
    assert_eq!(Name::builder().common_name("").build(), length("CN", 64, 0));
    assert_eq!(Name::builder().common_name("长".repeat(65)).build(), length("CN", 64, 65));
    assert!(Name::builder().common_name("长".repeat(64)).build().is_ok());
    let characters = |attribute| Err(NameError::Characters { attribute });
    assert_eq!(Name::builder().country("中国").build(), characters("C"));
    assert_eq!(Name::builder().serial_number("a@b").build(), characters("serialNumber"));
    assert!(Name::builder().state_or_province("重庆").locality("重庆").build().is_ok());
}

#[test]
fn time_is_utc_time_until_2049_and_generalized_time_from_2050() {
    let world = World::new(1);
    let contains = |der: &[u8], text: &str, tag: u8| {
        let wanted = [&[tag, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        der.windows(wanted.len()).any(|window| window == wanted)
    };
    let (root, issuing) = (world.root.certificate().der(), world.issuing.certificate().der());
    assert!(contains(root, "200101000000Z", 0x17));
    assert!(contains(root, "20600101000000Z", 0x18));
    assert!(contains(issuing, "491231235959Z", 0x17));
    assert_eq!(world.root.certificate().not_after(), at("2060-01-01T00:00:00Z"));
    assert_eq!(world.issuing.certificate().not_after(), at("2049-12-31T23:59:59Z"));
}

#[test]
fn a_validity_includes_both_ends_and_no_more() {
    let validity = validity("2026-01-01T00:00:00.9Z", "2026-12-31T15:59:59.9Z");
    assert_eq!(validity.not_before(), at("2026-01-01T00:00:00Z"), "whole seconds");
    for (instant, inside) in [
        ("2025-12-31T23:59:59.999Z", false),
        ("2026-01-01T00:00:00Z", true),
        ("2026-12-31T15:59:59.999Z", true),
        ("2026-12-31T16:00:00Z", false),
    ] {
        assert_eq!(validity.contains(at(instant)), inside, "{instant}");
    }
    let (early, late) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    assert_eq!(Validity::new(late, early), Err(TimeError::Order { not_before: late, not_after: early }));
    assert!(Validity::new(early, early).unwrap().contains(early), "one instant is a period");
    let before = at("1969-12-31T23:59:59Z");
    assert_eq!(Validity::new(before, late), Err(TimeError::Range(before)));
}

#[test]
fn serials_are_16_bytes_positive_and_read_back() {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    for _ in 0..200 {
        let serial = Serial::generate(&mut rng);
        assert_eq!(serial.as_bytes().len(), 16);
        assert!((0x40..0x80).contains(&serial.as_bytes()[0]));
        let text = serial.to_string();
        assert!(text.len() == 32 && text == text.to_uppercase());
        assert_eq!(text.parse(), Ok(serial.clone()));
        assert_eq!(text.to_lowercase().parse(), Ok(serial));
    }
    assert_eq!("00ff".parse::<Serial>().unwrap().to_string(), "FF");
    // The INTEGER has a zero byte in front where it would be negative otherwise.
    for (text, encoded) in
        [("01", "020101"), ("7F", "02017f"), ("80", "02020080"), ("FE00FF", "020400fe00ff")]
    {
        let serial: Serial = text.parse().unwrap();
        let entry = Revoked { serial: serial.clone(), date: at("2026-03-01T00:00:00Z"), reason: None };
        let list = crl_of(&World::new(1).issuing, [entry]);
        assert_eq!(list.revoked().next().unwrap().serial, serial);
        let encoded = hex::decode(format!("{encoded}170d")).unwrap();
        assert!(list.der().windows(encoded.len()).any(|window| window == encoded), "{text}");
    }
    for bad in ["", "1", "0G", "中文", &"00".repeat(33)] {
        assert!(bad.parse::<Serial>().is_err(), "{bad}");
    }
}

#[test]
fn key_usage_sets_contain_and_intersect() {
    assert!(KeyUsage::SIGN.contains(KeyUsage::DIGITAL_SIGNATURE));
    assert!(!KeyUsage::SIGN.contains(KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_AGREEMENT));
    assert!(KeyUsage::ENCRYPT.intersects(KeyUsage::KEY_AGREEMENT | KeyUsage::CRL_SIGN));
    assert!(!KeyUsage::ENCRYPT.intersects(KeyUsage::SIGN));
    assert_eq!(KeyUsage::SIGN.to_string(), "digitalSignature, nonRepudiation");
}

proptest! {
    #[test]
    fn any_name_within_bounds_survives_a_certificate(
        common_name in "\\PC{1,64}", organization in "\\PC{1,64}", serial_number in "[A-Za-z0-9 '()+,./:=?-]{1,64}",
    ) {
        let subject = Name::builder()
            .organization(&organization).serial_number(&serial_number).common_name(&common_name).build().unwrap();
        let key = ukey_pki::KeyPair::from_bytes(&[1; 32]).unwrap();
        let request = ukey_pki::Request::build(&subject, &key).unwrap();
        prop_assert_eq!(request.subject(), &subject);
        prop_assert_eq!(request.subject().common_name(), Some(common_name.as_str()));
        prop_assert_eq!(request.subject().organization(), Some(organization.as_str()));
        prop_assert_eq!(request.subject().serial_number(), Some(serial_number.as_str()));
        prop_assert_ne!(request.subject(), &name("另一人"));
    }

    #[test]
    fn any_second_of_the_calendar_survives(second in 0_i64..253_402_200_000, length in 0_i64..1_000) {
        let from = jiff::Timestamp::from_second(second).unwrap();
        let to = jiff::Timestamp::from_second(second + length).unwrap();
        let validity = Validity::new(from, to).unwrap();
        prop_assert_eq!((validity.not_before(), validity.not_after()), (from, to));
        prop_assert!(validity.contains(from) && validity.contains(to));
    }
}
