use proptest::prelude::*;

use super::*;

fn envelope(text: &str) -> String {
    let request: Request = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    hex::encode(request.envelope)
}

fn wrong(text: &str) -> (usize, Problem) {
    let error = text.parse::<Request>().unwrap_err();
    assert!(!error.message_zh().is_empty());
    (error.at, error.problem)
}

#[test]
fn a_header_has_one_to_four_bytes() {
    assert_eq!(envelope("04"), "80040000");
    assert_eq!(envelope("8404"), "84040000");
    assert_eq!(envelope("140001"), "80140001");
    assert_eq!(envelope("00A40400"), "00a40400");
}

#[test]
fn data_and_le_take_the_extended_form() {
    assert_eq!(envelope("04/0120"), "80040000000120");
    assert_eq!(envelope("04/120"), "80040000000120");
    assert_eq!(envelope("04/"), "80040000000000");
    assert_eq!(envelope("26:554B4559"), "80260000000004554b4559");
    assert_eq!(envelope("26:554B4559/0A"), "80260000000004554b4559000a");
}

#[test]
fn a_name_stands_for_its_ins() {
    assert_eq!(envelope("GetDevInfo/0120"), envelope("04/0120"));
    assert_eq!(envelope("verifypin0001:AB"), "80180001000001ab");
    assert_eq!(envelope("84ChangePin0001:AB"), "84160001000001ab");
    assert_eq!(envelope("Encrypt"), "80a60000");
    assert_eq!(envelope("EncryptInit"), "80a40000");
    // Its first two letters are hexadecimal digits as well.
    assert_eq!(envelope("DecryptInit"), "80ac0000");
    for ins in Ins::ALL {
        let request: Request = format!("94{}0102", ins.name()).parse().unwrap();
        assert_eq!(request.envelope, [0x94, *ins as u8, 1, 2]);
        assert_eq!(request.ins(), Some(*ins));
    }
}

#[test]
fn texts_and_blanks() {
    assert_eq!(envelope(" OpenApplication : \"UKEY\" "), "80260000000004554b4559");
    assert_eq!(envelope("3A: 1000 \"a=/b\" 00 \"\""), "803a0000000007 1000 613d2f62 00".replace(' ', ""));
    assert_eq!(envelope("02:\"张\""), "80020000000003e5bca0");
}

#[test]
fn more_than_a_header_is_a_whole_envelope() {
    assert_eq!(envelope("80 04 00 00 00 01 20"), "80040000000120");
    assert_eq!(envelope("8004000020=6700"), "8004000020");
    assert_eq!(wrong("8004000000:01"), (10, Problem::Whole(5)));
    assert_eq!(wrong("8004000000 /20"), (11, Problem::Whole(5)));
}

#[test]
fn an_expectation_may_leave_digits_open() {
    let expected: Expected = "63Cx".parse().unwrap();
    assert!(expected.fits(Status(0x63C0)) && expected.fits(Status(0x63CF)) && !expected.fits(Status(0x63D0)));
    let any: Expected = "xxXX".parse().unwrap();
    assert!(any.fits(Status(0)) && any.fits(Status(0xFFFF)));
    assert_eq!((expected.to_string(), any.to_string()), ("63Cx".to_owned(), "xxxx".to_owned()));
    let request: Request = "GetDevInfo = 90 00".parse().unwrap();
    assert!(request.expected.unwrap().fits(Status::OK));
    assert!(!request.expected.unwrap().fits(Status::LOCKED));
}

#[test]
fn what_is_wrong_is_pointed_at() {
    assert_eq!(wrong(""), (0, Problem::NoCommand));
    assert_eq!(wrong("  "), (2, Problem::NoCommand));
    assert_eq!(wrong(":00"), (0, Problem::NoCommand));
    assert_eq!(wrong("8"), (1, Problem::HalfByte));
    assert_eq!(wrong("80G4"), (2, Problem::NotHex('G')));
    assert_eq!(wrong("800400 0000g0"), (11, Problem::NotHex('g')));
    assert_eq!(wrong("GetDevInf/20"), (0, Problem::UnknownName("GetDevInf".to_owned())));
    assert_eq!(wrong("84VerifyPim"), (2, Problem::UnknownName("VerifyPim".to_owned())));
    assert_eq!(wrong("VerifyPin001"), (0, Problem::UnknownName("VerifyPin001".to_owned())));
    assert_eq!(wrong("26:"), (3, Problem::NoData));
    assert_eq!(wrong("26: /00"), (4, Problem::NoData));
    assert_eq!(wrong("26:ABC"), (6, Problem::HalfByte));
    assert_eq!(wrong("26:AB zz"), (6, Problem::NotHex('z')));
    assert_eq!(wrong("26:AB:CD"), (5, Problem::NotHex(':')));
    assert_eq!(wrong("26:\"UKEY"), (3, Problem::OpenText));
    assert_eq!(wrong("04/12345"), (7, Problem::LongLe));
    assert_eq!(wrong("04/1z"), (4, Problem::NotHex('z')));
    assert_eq!(wrong("04=900"), (6, Problem::NoStatus));
    assert_eq!(wrong("04=90y0"), (5, Problem::NoStatus));
    assert_eq!(wrong("04=90001"), (7, Problem::Trailing));
    assert_eq!(wrong("04=9000/00"), (7, Problem::Trailing));
    // The place is counted in bytes, and never lies inside a character.
    assert_eq!(wrong("02:\"张\"张"), (8, Problem::NotHex('张')));
}

#[test]
fn an_envelope_carries_65535_bytes() {
    let most = format!("3A:{}", "00".repeat(MAX_DATA));
    assert_eq!(most.parse::<Request>().unwrap().envelope.len(), MAX_DATA + 7);
    assert_eq!(wrong(&format!("{most}00")).1, Problem::TooLong(MAX_DATA + 1));
}

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same(
        envelope in prop::collection::vec(any::<u8>(), 4..40),
        mask in prop::collection::vec(any::<bool>(), 4),
        value in any::<u16>(),
        expects in any::<bool>(),
    ) {
        let mask = mask.iter().fold(0, |mask, fixed| mask << 4 | if *fixed { 0xF } else { 0 });
        let expected = expects.then_some(Expected { mask, value: value & mask });
        let request = Request { envelope, expected };
        prop_assert_eq!(request.to_string().parse::<Request>(), Ok(request));
    }

    #[test]
    fn parts_are_printed_as_parts(
        header in any::<[u8; 4]>(),
        data in prop::collection::vec(any::<u8>(), 0..400),
        le in prop_oneof![Just(Le::Absent), Just(Le::Max), (1..=u16::MAX).prop_map(Le::Exact)],
    ) {
        let parts = Parts { header, data: &data, le };
        let request = Request { envelope: parts.encoded().unwrap(), expected: None };
        prop_assert_eq!(request.to_string(), parts.to_string());
        prop_assert_eq!(parts.to_string().parse::<Request>(), Ok(request));
    }

    #[test]
    fn any_text_is_read_or_refused_at_a_character(text in "\\PC{0,30}") {
        if let Err(error) = text.parse::<Request>() {
            prop_assert!(text.is_char_boundary(error.at), "{} in {:?}", error.at, text);
        }
    }
}
