//! What is not a right command at its right time: every bit, every length, every order.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};

use support::envelope::{Envelope, Sealed};
use support::mutation::{is_same, mutations, why_right};
use support::walk::{APPLICATION, Facts, OPEN, OTHER_KEY, Step, Walk, walk};
use support::*;
use ukey_apdu::command::*;
use ukey_apdu::dialect::MacForm;
use ukey_apdu::envelope::{Apdu, Cla};
use ukey_apdu::pin::PinKey;
use ukey_apdu::{Dialect, Ins, Status};
use ukey_firmware::sim::{SimFlash, SimPlatform};
use ukey_firmware::{Settings, Token};

/// Bytes of the flash that count tries.
const COUNTERS: usize = 2 * SimFlash::PAGE;

#[test]
fn the_walk_goes_through_the_whole_command_set() {
    let walk = walk();
    let missing: Vec<_> =
        SPOKEN.iter().filter(|ins| !walk.iter().any(|(_, _, step)| step.ins == **ins)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for (walk, facts, step) in walk {
        assert_eq!(facts & step.needs, step.needs, "{}", step.name());
        let sent = walk.envelopes(step).unwrap();
        assert_eq!(sent.last().unwrap()[1], step.ins as u8);
    }
}

/// Whether a refused command left everything durable as it was. One with a wrong PIN, or with a right one and a new one that
/// is too short, may have written to the counters.
fn is_unchanged(before: &SimFlash, now: &SimFlash, ins: Option<u8>, status: Status) -> bool {
    let new_pin = [Ins::ChangePin, Ins::UnblockPin].iter().any(|&pin| Some(pin as u8) == ins);
    let tried = status.remaining().is_some() || status == Status::WRONG_DATA && new_pin;
    now.counts() == before.counts() || tried && now.image()[COUNTERS..] == before.image()[COUNTERS..]
}

/// The step once more, after something else was refused: as it was sent, or anew where the challenge is used up.
fn again(walk: &mut Walk, step: &Step, sent: &[Vec<u8>]) -> Result<(), Status> {
    if sent[0][1] == Ins::GenRandom as u8 {
        return (step.act)(walk);
    }
    let answers = sent.iter().map(|envelope| walk.host.raw(envelope).1);
    match answers.last() {
        Some(Status::OK) => Ok(()),
        status => Err(status.unwrap_or(Status::INTERNAL)),
    }
}

/// What is wrong with the answers to all mutations of a step, and how many those were.
fn mutated((start, facts, step): &(Walk, Facts, &Step)) -> (Vec<String>, usize) {
    let sent = start.envelopes(step).unwrap();
    let (mut before, mut wrong, mut count) = (start.clone(), Vec::new(), 0);
    for (number, envelope) in sent.iter().enumerate() {
        if envelope[1] == step.ins as u8 {
            let original = Apdu::parse(envelope).unwrap();
            // The whole of a chain, where this is its last block.
            let fronts = sent[..number].iter().map(|block| Apdu::parse(block).unwrap());
            let front: Vec<u8> =
                fronts.filter(|block| block.cla.chained).flat_map(|block| block.data.to_vec()).collect();
            let mut now = before.clone();
            for (how, bytes) in mutations(envelope) {
                count += 1;
                let mut complain = |what: String| {
                    wrong.push(format!("{}, envelope {number}, {how}: {what}", step.name()));
                };
                now.clone_from(&before);
                let (_, status) = now.host.raw(&bytes);
                let parsed = Apdu::parse(&bytes);
                if status.is_ok() || status == Status::MORE_DATA {
                    let parsed = parsed.unwrap();
                    let [a, b] = [original.data, parsed.data].map(|data| [&front, data].concat());
                    let reason =
                        why_right(*facts, &Apdu { data: &a, ..original }, &Apdu { data: &b, ..parsed });
                    if reason.is_none() {
                        complain(format!("{status}"));
                    }
                    continue;
                }
                if !status.is_known() || [Status::INTERNAL, Status::MEMORY_FAILURE].contains(&status) {
                    complain(format!("{status}"));
                }
                if parsed.is_ok_and(|parsed| is_same(&original, &parsed)) {
                    complain(format!("{status}, though it is the same"));
                }
                let flash = |walk: &mut Walk| walk.host.token.platform().flash.clone();
                if !is_unchanged(&flash(&mut before), &flash(&mut now), bytes.get(1).copied(), status) {
                    complain(format!("{status}, and the flash is another"));
                }
                let again = again(&mut now, step, &sent);
                // An agreement works once, whatever comes of it.
                let used_up = status == Status::AGREEMENT_DATA_FAILED && step.ins == Ins::GenerateKeyWithEcc;
                if again != if used_up { Err(Status::NO_SUCH_KEY) } else { Ok(()) } {
                    complain(format!("{status}; then the right one: {again:?}"));
                }
            }
        }
        before.host.raw(envelope);
    }
    (wrong, count)
}

#[test]
fn every_wrong_bit_and_every_wrong_length() {
    let walk = walk();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut all = (Vec::new(), 0);
        while let Some(place) = walk.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (wrong, count) = mutated(place);
            all.0.extend(wrong);
            all.1 += count;
        }
        all
    };
    let (wrong, count) = std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let parts = threads.into_iter().map(|thread| thread.join().unwrap());
        parts.fold((Vec::new(), 0), |(wrong, count), (more, other)| ([wrong, more].concat(), count + other))
    });
    let first = wrong.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {count}, among them\n{first}", wrong.len());
    assert!(count > 30_000, "{count}");
}

#[test]
fn anything_but_the_repetition_ends_an_answer_in_blocks() {
    let mut host = Host::provisioned(1);
    host.import_certificate(KeyUse::Sign, &[0x5C; 700]).unwrap();
    let ids = [host.application.0.to_be_bytes(), host.container.0.to_be_bytes()].concat();
    let export = plain(Ins::ExportCertificate as u8, KeyUse::Sign as u8, 0, &ids);
    let (first, status) = host.apdu(export);
    assert_eq!((first.len(), status), (496, Status::MORE_DATA));
    let (rest, status) = host.apdu(export);
    assert_eq!((rest.len(), status), (4 + 700 - 496, Status::OK));
    let chained = Apdu { cla: Cla { chained: true, protected: false }, ..plain(0x4C, 0, 0, &ids) };
    for (other, refused) in [
        (&[0x00, 0xA4, 4, 0][..], Status::UNKNOWN_CLA),
        (&[0x80, 0x64, 0, 0], Status::UNKNOWN_INS),
        (&[0x80, 0x58, 0, 0], Status::UNSUPPORTED),
        (&[0x80, 0x4E, 1, 0, 0, 0, 9, 1], Status::WRONG_LENGTH),
        (&[], Status::WRONG_LENGTH),
    ] {
        assert_eq!(host.apdu(export), (first.clone(), Status::MORE_DATA));
        assert_eq!(host.raw(other).1, refused);
        assert_eq!(
            host.apdu(export),
            (first.clone(), Status::MORE_DATA),
            "from its beginning, after {refused}"
        );
        host.apdu(chained);
        assert_eq!(host.apdu(export).1, Status::CONDITIONS_NOT_SATISFIED);
    }
}

#[test]
fn every_command_in_every_state_before_its_own() {
    let walk = walk();
    for (turn, (own, _, step)) in walk.iter().enumerate() {
        for (earlier, facts, next) in &walk[..turn] {
            let what = format!("{} instead of {}", step.name(), next.name());
            // What was learnt on the way is known; the token is not as far yet.
            let mut now = own.clone();
            now.host.token.clone_from(&earlier.host.token);
            let flash = now.host.token.platform().flash.clone();
            let done = (step.act)(&mut now);
            assert_eq!(done.is_ok(), facts & step.needs == step.needs, "{what}: {done:?}");
            if let Err(status) = done {
                assert!(status.is_known() && status != Status::INTERNAL, "{what}: {status}");
                let now = &now.host.token.platform().flash;
                assert!(is_unchanged(&flash, now, Some(step.ins as u8), status), "{what}: {status}");
            }
        }
    }
}

/// In front of the step of this name, and what it sends.
fn before(ins: Ins, form: &str) -> (Walk, &'static Step, Vec<Vec<u8>>) {
    let found = walk().into_iter().find(|(_, _, step)| step.ins == ins && step.form == form);
    let (walk, _, step) = found.unwrap();
    let sent = walk.envelopes(step).unwrap();
    (walk, step, sent)
}

#[test]
fn a_cryptogram_is_good_for_its_challenge_alone() {
    for (ins, form, over_another) in [
        (Ins::DevAuth, "", Status::tries_left(9)),
        (Ins::ChangeDevAuthKey, "", Status::WRONG_MAC),
        (Ins::VerifyPin, "user", Status::tries_left(9)),
        (Ins::VerifyPin, "administrator", Status::tries_left(9)),
        (Ins::ChangePin, "", Status::tries_left(9)),
        (Ins::UnblockPin, "", Status::tries_left(9)),
    ] {
        let (start, step, sent) = before(ins, form);
        let [challenge, command] = sent.as_slice() else { panic!("{ins:?} sends a challenge and itself") };
        // Once more, and after a challenge of too few bytes: nothing is compared and no try is spent.
        let mut now = start.clone();
        assert_eq!((step.act)(&mut now), Ok(()));
        let counts = now.host.token.platform().flash.counts();
        assert_eq!(now.host.raw(command).1, Status::CONDITIONS_NOT_SATISFIED, "{ins:?} again");
        now.host.raw(&[0x80, 0x50, 0, 0, 0, 0, 7]);
        assert_eq!(
            now.host.raw(command).1,
            Status::CONDITIONS_NOT_SATISFIED,
            "{ins:?} with half a challenge"
        );
        assert_eq!(now.host.token.platform().flash.counts(), counts, "{ins:?}");
        // Over the challenge behind its own.
        let mut now = start.clone();
        now.host.raw(challenge);
        now.host.raw(challenge);
        assert_eq!(now.host.raw(command).1, over_another, "{ins:?} over another challenge");
        assert_eq!((step.act)(&mut now), Ok(()), "{ins:?} once more");
        // A wrong one uses the challenge up.
        let mut now = start.clone();
        now.host.raw(challenge);
        let mut spoilt = command.clone();
        *spoilt.last_mut().unwrap() ^= 1;
        assert_eq!(now.host.raw(&spoilt).1, over_another, "{ins:?} spoilt");
        assert_eq!(now.host.raw(command).1, Status::CONDITIONS_NOT_SATISFIED, "{ins:?} behind a wrong one");
    }
}

#[test]
fn a_protected_command_may_come_in_a_chain_with_its_mac_at_the_end() {
    let protected = Cla { protected: true, chained: false };
    let in_chain = Cla { chained: true, ..protected };
    let plain = Cla::default();
    for ins in [Ins::ChangeDevAuthKey, Ins::ChangePin, Ins::UnblockPin] {
        let (start, step, sent) = before(ins, "");
        let whole = Apdu::parse(&sent[1]).unwrap();
        assert_eq!(whole.cla, protected);
        for at in 1..whole.data.len() {
            let (front, end) = whole.data.split_at(at);
            let send = |classes: [Cla; 2], end: &[u8]| {
                let mut now = start.clone();
                now.host.raw(&sent[0]);
                let counts = now.host.token.platform().flash.counts();
                let kept = now.host.apdu(Apdu { cla: classes[0], data: front, ..whole });
                assert_eq!(kept, (vec![], Status::OK));
                let answer = now.host.apdu(Apdu { cla: classes[1], data: end, ..whole }).1;
                let untouched = now.host.token.platform().flash.counts() == counts;
                if !answer.is_ok() {
                    assert_eq!((step.act)(&mut now), Ok(()), "{ins:?} {answer}; then as it should be");
                }
                (answer, untouched)
            };
            assert_eq!(send([in_chain, protected], end).0, Status::OK, "{ins:?} cut at {at}");
            let mut spoilt = end.to_vec();
            *spoilt.last_mut().unwrap() ^= 1;
            let wrong = if ins == Ins::ChangeDevAuthKey { Status::WRONG_MAC } else { Status::tries_left(9) };
            assert_eq!(send([in_chain, protected], &spoilt).0, wrong, "{ins:?} cut at {at}, spoilt");
            for classes in [[in_chain, plain], [Cla { chained: true, ..plain }, protected]] {
                assert_eq!(
                    send(classes, end),
                    (Status::CONDITIONS_NOT_SATISFIED, true),
                    "{ins:?} {classes:?}"
                );
            }
            let unprotected = [Cla { chained: true, ..plain }, plain];
            assert_eq!(send(unprotected, end), (Status::NO_SECURE_MESSAGING, true), "{ins:?}");
            let too_long = [end, &[0; 4]].concat();
            assert_eq!(send([in_chain, protected], &too_long), (Status::WRONG_LENGTH, true), "{ins:?}");
        }
    }
}

#[test]
fn a_mac_that_covers_the_header_is_none_for_another_command() {
    // ChangeDevAuthKey: the number of the algorithm is in the header.
    let (mut now, _, sent) = before(Ins::ChangeDevAuthKey, "");
    now.host.raw(&sent[0]);
    let whole = Apdu::parse(&sent[1]).unwrap();
    assert_eq!(now.host.apdu(Apdu { p2: 0, ..whole }).1, Status::WRONG_MAC);
    // The new PIN of an administrator, given to UnblockPin: by a dialect whose MAC covers the header it is a wrong PIN.
    for (new_pin_mac, expected) in [
        (MacForm::HeaderExtendedLc, Status::tries_left(9)),
        (MacForm::HeaderLcBig, Status::tries_left(9)),
        (MacForm::HeaderLcLittle, Status::tries_left(9)),
        (MacForm::PlainNewPin, Status::OK),
    ] {
        let dialect = Dialect { new_pin_mac, ..*GM };
        let settings = Settings { dialect, ..Settings::default() };
        let token = Token::power_on(SimPlatform::new([1; 32]), settings).map_err(|(error, _)| error).unwrap();
        let mut host = Host { dialect, ..Host::of(token) }.issue();
        let challenge = host.challenge();
        let header = [0x84, Ins::ChangePin as u8, 0, PinType::Administrator as u8];
        let sealed =
            PinKey::derive(&dialect, &pin(ADMIN)).seal(&dialect, &pin("another-pin"), &challenge, header, {
                host.application.0.to_be_bytes()
            });
        let application = host.application;
        let done = host.send(&UnblockPin { application, new_pin: sealed.as_sealed() });
        assert_eq!(done.err().unwrap_or(Status::OK), expected, "{new_pin_mac:?}");
    }
}

/// A second application beside the walk's, with a container, all of it open; other PINs.
fn beside(walk: &Walk) -> (Host, AppId) {
    let mut host = walk.host.clone();
    let cryptogram = OTHER_KEY.cryptogram(&host.challenge());
    host.send(&DevAuth { algorithm: 2, cryptogram }).unwrap();
    let command = CreateApplication {
        name: b"OTHER",
        admin_pin: pin("other-admin-pin"),
        admin_retries: 10,
        user_pin: pin("other-user-pin"),
        user_retries: 10,
        create_file: Rights::USER,
        max_containers: 1,
        max_certificates: 2,
        max_files: 1,
    };
    host.send(&command).unwrap();
    let answer = host.send(&OpenApplication { name: b"OTHER" }).unwrap();
    let other = ApplicationInfo::read(&answer, &GM).unwrap().id;
    (host, other)
}

#[test]
fn the_ids_of_another_application_open_nothing() {
    const ANYWHERE: Facts = APPLICATION | OPEN;
    for (own, _, step) in walk().into_iter().filter(|(_, _, step)| step.needs & OPEN != 0) {
        let (host, other) = beside(&own);
        for (id, is_open) in [(other, true), (AppId(other.0 + 1), false), (AppId(0), false)] {
            let what = format!("{} in application {id}", step.name());
            let mut now = own.clone();
            now.host = host.clone();
            (now.host.application, now.key.holder.application) = (id, id);
            let flash = now.host.token.platform().flash.clone();
            let pins = [Ins::VerifyPin, Ins::ChangePin, Ins::UnblockPin].contains(&step.ins);
            match (step.act)(&mut now) {
                Ok(()) => assert!(is_open && !pins && step.needs == ANYWHERE, "{what}"),
                Err(status) if !is_open => assert_eq!(status, Status::NO_SUCH_APPLICATION, "{what}"),
                Err(status) if pins => assert_eq!(status, Status::tries_left(9), "{what}"),
                Err(status) => {
                    let told = [
                        Status::NO_SUCH_CONTAINER,
                        Status::NO_SUCH_CONTAINER_NAME,
                        Status::NO_SUCH_FILE,
                        Status::SECURITY_NOT_SATISFIED,
                    ];
                    assert!(told.contains(&status) && step.needs != ANYWHERE, "{what}: {status}");
                    let now = &now.host.token.platform().flash;
                    assert!(is_unchanged(&flash, now, None, status), "{what}: {status}");
                }
            }
            (now.host.application, now.key.holder.application) =
                (own.host.application, own.key.holder.application);
            assert_eq!((step.act)(&mut now), Ok(()), "{what}; then in its own");
        }
    }
}

#[test]
fn a_key_pair_is_for_its_own_use_alone() {
    let mut host = Host::provisioned(1);
    let sign = host.public_key(KeyUse::Sign).unwrap();
    let (application, container, algorithm) = (host.application, host.container, SGD_SM4_ECB);
    let for_sign_key = Sealed::new(&sign, &[7; 16]);
    let import = |sealed: &Sealed, host: &mut Host| {
        let command = ImportSessionKey { holder: host.holder(), algorithm, sealed: sealed.block() };
        host.send(&command).map(drop)
    };
    let begin = GenerateAgreementDataWithEcc { application, container, algorithm, id: b"ID" };
    // With a sign key pair alone.
    assert_eq!(import(&for_sign_key, &mut host), Err(Status::NO_KEY_PAIR));
    assert_eq!(host.send(&begin), Err(Status::NO_KEY_PAIR));
    assert_eq!(host.public_key(KeyUse::Encrypt), Err(Status::NO_KEY_PAIR));
    assert_eq!(host.import_certificate(KeyUse::Encrypt, b"C"), Err(Status::NO_KEY_PAIR));
    // With both, the sign key pair still decrypts nothing, and a signature is never the encryption key pair's.
    Envelope::new(sign, [0x42; 32], false).import(&mut host).unwrap();
    assert_eq!(import(&for_sign_key, &mut host), Err(Status::DECRYPTION_FAILED));
    let encryption = host.public_key(KeyUse::Encrypt).unwrap();
    import(&Sealed::new(&encryption, &[7; 16]), &mut host).unwrap();
    let for_encryption_key = Envelope::new(encryption, [0x43; 32], false);
    assert_eq!(for_encryption_key.import(&mut host), Err(Status::DECRYPTION_FAILED));
    let (signature, input) = (host.sign([7; 32]).unwrap(), SignInput::Digest([7; 32]));
    host.send(&EccVerify { public_key: sign, input, signature }).unwrap();
    let by_encryption_key = host.send(&EccVerify { public_key: encryption, input, signature });
    assert_eq!(by_encryption_key, Err(Status::PUBLIC_KEY_OPERATION_FAILED));
    // With none.
    host.create_container(b"EMPTY").unwrap();
    assert_eq!(host.sign([7; 32]), Err(Status::NO_KEY_PAIR));
    assert_eq!(import(&for_sign_key, &mut host), Err(Status::NO_KEY_PAIR));
}

#[test]
fn what_is_no_class_or_command_of_the_standard_is_told_in_every_state() {
    for (walk, _, _) in walk() {
        let mut host = walk.host;
        let counts = host.token.platform().flash.counts();
        for class in (0..=0xFF_u8).filter(|class| ![0x80, 0x84, 0x90, 0x94].contains(class)) {
            assert_eq!(host.raw(&[class, 0x0A, 0, 0x80, 0, 0, 0x80]).1, Status::UNKNOWN_CLA, "{class:02X}");
            assert_eq!(host.raw(&[class, Ins::GetDevInfo as u8, 0, 0]).1, Status::UNKNOWN_CLA, "{class:02X}");
        }
        for ins in 0..=0xFF_u8 {
            let expected = match Ins::from_byte(ins) {
                None => Status::UNKNOWN_INS,
                Some(ins) if why_not(ins).is_some() => Status::UNSUPPORTED,
                Some(_) => continue,
            };
            assert_eq!(host.raw(&[0x80, ins, 0, 0]).1, expected, "{ins:02X}");
            assert_eq!(host.raw(&[0x84, ins, 1, 2, 0, 0, 1, 9, 0, 0]).1, expected, "{ins:02X}");
        }
        assert_eq!(host.token.platform().flash.counts(), counts);
    }
}
