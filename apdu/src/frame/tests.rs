use proptest::prelude::*;

use super::*;

/// What a frame is, kept.
type Kept = (Kind, u8, Vec<u8>);

fn bytes(kind: Kind, sequence: u8, payload: &[u8]) -> Vec<u8> {
    Frame { kind, sequence, payload }.encode().unwrap().collect()
}

/// What a receiver of up to `N` bytes finds.
fn received<const N: usize>(stream: &[u8]) -> (Vec<Kept>, Vec<Reason>) {
    let mut receiver = Receiver::<N>::new();
    let (mut frames, mut reasons) = (Vec::new(), Vec::new());
    for &byte in stream {
        match receiver.push(byte) {
            Some(Event::Frame(frame)) => frames.push((frame.kind, frame.sequence, frame.payload.to_vec())),
            Some(Event::Bad(reason)) => reasons.push(reason),
            None => {}
        }
    }
    assert_eq!(receiver.bad_frames() as usize, reasons.len());
    (frames, reasons)
}

/// The layout is frozen: other programs speak it.
#[test]
fn the_layout_is_as_documented() {
    assert_eq!(hex::encode(bytes(Kind::Reset, 0, &[])), "7e040000008e327e");
    let command = bytes(Kind::Command, 0x7E, &[0x7D, 0x80, 0x7E]);
    assert_eq!(hex::encode(&command), "7e027d5e00037d5d807d5e0b377e");
    assert_eq!(received::<3>(&command), (vec![(Kind::Command, 0x7E, vec![0x7D, 0x80, 0x7E])], vec![]));
    assert_eq!(Ready { version: 1, max_command: 521 }.to_bytes(), [1, 2, 9]);
    let measured = Measured { instructions: 0x0102, peak_stack: 0x0304 };
    assert_eq!(measured.to_bytes(), [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 3, 4]);
}

#[test]
fn payloads_are_what_was_put_into_them() {
    let ready = Ready { version: 1, max_command: 521 };
    assert_eq!(Ready::from_payload(&ready.to_bytes()), Some(ready));
    assert_eq!(Ready::from_payload(&[1, 2]), None);
    let measured = Measured { instructions: 10_040_000, peak_stack: 11_600 };
    assert_eq!(Measured::from_payload(&measured.to_bytes()), Some(measured));
    assert_eq!(Measured::from_payload(&[0; 11]), None);
    for byte in 1..=8 {
        assert_eq!(Reason::from_payload(&[byte]).unwrap() as u8, byte);
    }
    for none in [&[][..], &[0], &[9], &[8, b'x']] {
        assert_eq!(Reason::from_payload(none), None);
    }
}

#[test]
fn a_busy_token_names_its_holder() {
    let payload = [&[Reason::Busy as u8], "另一程序".as_bytes()].concat();
    assert_eq!(Reason::from_payload(&payload), Some(Reason::Busy));
    assert_eq!(Reason::holder(&payload), Some("另一程序"));
    assert_eq!(Reason::holder(&[7]), Some(""));
    for none in [&[][..], &[6], &[8], &[7, 0xFF]] {
        assert_eq!(Reason::holder(none), None);
    }
}

#[test]
fn the_longest_payload_is_taken_and_a_longer_one_is_not() {
    let good = bytes(Kind::Command, 1, &[0x7E; 8]);
    assert_eq!(received::<8>(&good).0, [(Kind::Command, 1, vec![0x7E; 8])]);
    let long = bytes(Kind::Command, 1, &[0x7E; 9]);
    assert_eq!(
        received::<8>(&[&long[..], &good].concat()),
        (vec![(Kind::Command, 1, vec![0x7E; 8])], vec![Reason::TooLong])
    );
    let longest = vec![0; 65_536];
    assert!(Frame::plain(Kind::Answer, &longest).encode().is_err());
    assert!(Frame::plain(Kind::Answer, &longest[1..]).encode().is_ok());
}

/// Whatever length it says, and whether it ever ends.
#[test]
fn what_is_longer_than_any_frame_is_too_long_with_its_first_byte_too_many() {
    let good = bytes(Kind::Command, 1, b"12345678");
    let taken = vec![(Kind::Command, 1, b"12345678".to_vec())];
    let most = HEADER + 8 + CHECK;
    let garbage = |count| [&[FLAG][..], &vec![b'A'; count][..], &[FLAG]].concat();
    assert_eq!(received::<8>(&garbage(most)), (vec![], vec![Reason::BadCheck]));
    for count in [most + 1, 5_000, 100_000] {
        assert_eq!(received::<8>(&garbage(count)), (vec![], vec![Reason::TooLong]), "{count}");
        let stream = [&garbage(count)[..], &good].concat();
        assert_eq!(received::<8>(&stream), (taken.clone(), vec![Reason::TooLong]), "{count}");
    }
    let endless = [&[FLAG][..], &vec![b'A'; most]].concat();
    assert_eq!(received::<8>(&endless), (vec![], vec![]), "it may still end");
    assert_eq!(received::<8>(&[&endless[..], b"A"].concat()), (vec![], vec![Reason::TooLong]));
    // A length that is wrong says nothing about the frame: that is spoilt.
    let mut wrong = good;
    wrong[3] = 0x80;
    assert_eq!(received::<8>(&wrong), (vec![], vec![Reason::BadCheck]));
}

#[test]
fn what_has_no_flag_in_front_is_counted_with_its_first_byte() {
    let good = bytes(Kind::Command, 1, b"12345678");
    let taken = vec![(Kind::Command, 1, b"12345678".to_vec())];
    for garbage in [&b"G"[..], b"GET / HTTP/1.1", &[ESCAPE], &good[1..good.len() - 1]] {
        assert_eq!(received::<8>(garbage), (vec![], vec![Reason::BadCheck]), "{garbage:02X?}");
        let stream = [garbage, &good].concat();
        assert_eq!(received::<8>(&stream), (taken.clone(), vec![Reason::BadCheck]), "{garbage:02X?}");
    }
    assert_eq!(received::<8>(&[FLAG, FLAG, ESCAPE, FLAG]), (vec![], vec![Reason::BadCheck]), "between flags");
    assert_eq!(received::<8>(&good[1..]), (vec![], vec![Reason::BadCheck]), "all but its first flag");
    assert_eq!(received::<8>(&good), (taken, vec![]));
}

#[test]
fn a_kind_that_is_not_known_is_said_to_be_so() {
    let header = [9, 1, 0, 0];
    let check = check_value(&header, &[]).to_be_bytes();
    let frame = [&[FLAG], &header[..], &check, &[FLAG]].concat();
    assert_eq!(received::<8>(&frame), (vec![], vec![Reason::UnknownKind]));
}

#[test]
fn a_debug_line_tells_no_payload() {
    let frame = Frame { kind: Kind::Seed, sequence: 3, payload: b"secret" };
    assert_eq!(format!("{frame:?}"), "Frame(Seed 3, 6 bytes)");
}

fn kind() -> impl Strategy<Value = Kind> {
    (1..=7u8).prop_map(|byte| Kind::from_byte(byte).unwrap())
}

fn frame() -> impl Strategy<Value = Kept> {
    // Flags and escapes are common here.
    let byte = prop_oneof![any::<u8>(), Just(FLAG), Just(ESCAPE), Just(FLAG ^ TURNED), Just(ESCAPE ^ TURNED)];
    (kind(), any::<u8>(), prop::collection::vec(byte, 0..80))
}

fn encoded((kind, sequence, payload): &Kept) -> Vec<u8> {
    bytes(*kind, *sequence, payload)
}

proptest! {
    #[test]
    fn frames_come_out_as_they_went_in(frames in prop::collection::vec(frame(), 0..5)) {
        let stream: Vec<u8> = frames.iter().flat_map(encoded).collect();
        prop_assert_eq!(received::<80>(&stream), (frames, vec![]));
    }

    #[test]
    fn the_next_good_frame_comes_through_any_garbage(
        garbage in prop::collection::vec(any::<u8>(), 0..200),
        good in frame(),
    ) {
        let (frames, _) = received::<80>(&[&garbage[..], &encoded(&good)].concat());
        prop_assert_eq!(frames, [good]);
    }

    #[test]
    fn a_cut_frame_is_not_delivered_and_hides_none(cut in frame(), at in any::<prop::sample::Index>(), good in frame()) {
        let whole = encoded(&cut);
        let front = &whole[..at.index(whole.len())];
        // The next one's flag may be the one that is missing.
        let frames = received::<80>(&[front, &encoded(&good)].concat()).0;
        let expected = if front.len() + 1 == whole.len() { vec![cut.clone(), good.clone()] } else { vec![good.clone()] };
        prop_assert_eq!(frames, expected);
        // What is missing at the front: behind the flag that ended the one before.
        let rest = &whole[at.index(whole.len() - 1) + 1..];
        let frames = received::<80>(&[&encoded(&good)[..], rest, &encoded(&good)].concat()).0;
        // All but its first flag is the whole of it.
        let expected = if rest.len() + 1 == whole.len() { vec![good.clone(), cut, good] } else { vec![good.clone(), good] };
        prop_assert_eq!(frames, expected);
    }

    #[test]
    fn a_piece_from_inside_is_missed(frame in frame(), from in any::<prop::sample::Index>(), good in frame()) {
        let mut whole = encoded(&frame);
        whole.remove(1 + from.index(whole.len() - 2));
        let stream = [&whole[..], &encoded(&good)].concat();
        prop_assert_eq!(received::<80>(&stream).0, [good]);
    }

    #[test]
    fn garbage_inside_is_noticed(
        frame in frame(),
        at in any::<prop::sample::Index>(),
        garbage in prop::collection::vec(any::<u8>(), 1..20),
        good in frame(),
    ) {
        let mut whole = encoded(&frame);
        let at = 1 + at.index(whole.len() - 1);
        whole.splice(at..at, garbage.iter().copied());
        let stream = [&whole[..], &encoded(&good)].concat();
        let frames = received::<80>(&stream).0;
        // Behind a flag the frame may be whole again.
        let possible = [vec![good.clone()], vec![frame, good]];
        prop_assert!(possible.contains(&frames), "{:?}", frames);
    }

    #[test]
    fn any_single_wrong_bit_is_noticed(frame in frame(), good in frame()) {
        let whole = encoded(&frame);
        for bit in 0..whole.len() * 8 {
            let mut wrong = whole.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            let stream = [&wrong[..], &encoded(&good)].concat();
            // A closing flag that is gone hides nothing: the next frame has an opening one.
            prop_assert_eq!(&received::<80>(&stream).0, &[good.clone()][..], "bit {}", bit);
        }
    }
}

#[test]
fn a_payload_that_was_wiped_is_gone_and_the_next_one_comes() {
    let mut receiver = Receiver::<16>::new();
    let push = |receiver: &mut Receiver<16>, payload: &[u8]| {
        let found = bytes(Kind::Command, 1, payload).into_iter().filter_map(|byte| {
            receiver.push(byte).map(|event| matches!(event, Event::Frame(frame) if frame.payload == payload))
        });
        assert_eq!(found.collect::<Vec<_>>(), [true]);
    };
    push(&mut receiver, b"12345678");
    receiver.wipe();
    assert_eq!(receiver.payload, [0; 16]);
    push(&mut receiver, b"87654321");
}
