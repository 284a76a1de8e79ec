//! The power is cut at every flash operation of every state-changing command, clean and torn inside the word, and once
//! more while the token comes up again. Afterwards the token is as before the command or as after it; the tries of a
//! PIN never rose without the right PIN; nothing else changed; replaced secrets are gone; the next command works.

mod support;

use support::*;
use ukey_apdu::Status;
use ukey_apdu::command::*;
use ukey_apdu::envelope::Le;
use ukey_apdu::pin::DeviceKey;
use ukey_firmware::sim::{SimPlatform, Tear};

const NEW: &str = "11112222";
const WRONG: &str = "00000000";

/// A container's name, sign public key and sign certificate.
type Content = (Vec<u8>, Option<EccPublicKey>, Option<Vec<u8>>);

/// All that can be seen of a token from outside.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Seen {
    label: Vec<u8>,
    applications: Vec<Vec<u8>>,
    containers: Vec<Content>,
    /// Names of files, and what they hold; the user's only with the user PIN.
    files: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// Which of the PINs that the tests use is the user's.
    user_pin: Option<&'static str>,
    /// Whether the device key is the factory's.
    factory_key: bool,
    user_tries: u8,
    admin_tries: u8,
}

/// Looks at a copy of the flash: what the looking does stays there.
fn look(image: &[u8]) -> Seen {
    let fresh = || Host::on(SimPlatform::with_image([5; 32], image.to_vec()).unwrap());
    let mut host = fresh();
    let label = DevInfo::read(&host.send(&GetDevInfo).unwrap(), &GM).unwrap().label.to_vec();
    let applications = host.names(&EnumApplication);
    let factory_key = fresh().authenticate().is_ok();
    let mut seen = Seen {
        label,
        applications,
        containers: Vec::new(),
        files: Vec::new(),
        user_pin: None,
        factory_key,
        user_tries: 0,
        admin_tries: 0,
    };
    if host.open().is_err() {
        return seen;
    }
    seen.user_tries = host.pin_info(PinType::User).remaining;
    seen.admin_tries = host.pin_info(PinType::Administrator).remaining;
    let application = host.application;
    for name in host.names(&EnumContainer { application }) {
        host.open_container(&name).unwrap();
        let key = host.public_key(KeyUse::Sign).ok();
        let certificate = host.certificate(KeyUse::Sign).ok();
        seen.containers.push((name, key, certificate));
    }
    seen.user_pin = [USER, NEW].into_iter().find(|candidate| {
        let mut host = fresh();
        host.open().unwrap();
        let right = host.verify(PinType::User, candidate).is_ok();
        if right {
            seen.files =
                host.files().into_iter().map(|name| (name.clone(), host.read_whole(&name).ok())).collect();
        }
        right
    });
    seen
}

/// A case: how a token gets ready, and the command under the knife.
struct Case {
    name: &'static str,
    ready: fn(&mut Host),
    act: fn(&mut Host),
}

fn logged_in(host: &mut Host) {
    host.open().unwrap();
    host.verify(PinType::User, USER).unwrap();
    host.open_container(b"DEV").unwrap();
}

fn opened(host: &mut Host) {
    host.open().unwrap();
}

fn authenticated(host: &mut Host) {
    host.authenticate().unwrap();
}

const CASES: &[Case] = &[
    Case { name: "VerifyPin, right", ready: opened, act: |host| _ = host.verify(PinType::User, USER) },
    Case { name: "VerifyPin, wrong", ready: opened, act: |host| _ = host.verify(PinType::User, WRONG) },
    Case { name: "ChangePin", ready: opened, act: |host| _ = host.change(PinType::User, USER, NEW) },
    Case { name: "ChangePin, wrong", ready: opened, act: |host| _ = host.change(PinType::User, WRONG, NEW) },
    Case { name: "UnblockPin", ready: opened, act: |host| _ = host.unblock(ADMIN, NEW) },
    Case { name: "UnblockPin, wrong", ready: opened, act: |host| _ = host.unblock(WRONG, NEW) },
    Case { name: "GenECCKeyPair", ready: logged_in, act: |host| _ = host.generate() },
    Case {
        name: "ImportCertificate",
        ready: logged_in,
        act: |host| _ = host.import_certificate(KeyUse::Sign, &[0xA5; 1500]),
    },
    Case { name: "CreateContainer", ready: logged_in, act: |host| _ = host.create_container(b"NEW") },
    Case {
        name: "DeleteContainer",
        ready: logged_in,
        act: |host| _ = host.send(&DeleteContainer { application: host.application, name: b"DEV" }),
    },
    Case {
        name: "CreateFile",
        ready: logged_in,
        act: |host| _ = host.create_file(b"NEW", 1300, Rights::USER, Rights::USER),
    },
    Case {
        name: "WriteFile, inside a piece",
        ready: logged_in,
        act: |host| _ = host.write_file(b"SEAL", 600, &[0xA5; 100]),
    },
    Case {
        name: "WriteFile, into reserved pieces",
        ready: logged_in,
        act: |host| _ = host.write_file(b"PUBLIC", 500, &[0xA5; 540]),
    },
    Case {
        name: "WriteFile, five pieces of a secret",
        ready: logged_in,
        act: |host| _ = host.write_file(b"SEAL", 100, &[0x5A; 2300]),
    },
    Case { name: "DeleteFile", ready: logged_in, act: |host| _ = host.delete_file(b"SEAL") },
    Case { name: "SetLabel", ready: opened, act: |host| _ = host.send(&SetLabel { label: b"another" }) },
    Case {
        name: "CreateApplication",
        ready: authenticated,
        act: |host| _ = host.create_application(b"OTHER"),
    },
    Case {
        name: "DeleteApplication",
        ready: authenticated,
        act: |host| _ = host.send(&DeleteApplication { name: NAME }),
    },
    Case {
        name: "ChangeDevAuthKey",
        ready: authenticated,
        act: |host| {
            let challenge = host.challenge();
            let new = DeviceKey([0x77; 16]);
            let (encrypted_key, mac) = FACTORY_KEY.seal(&GM, &new, &challenge, [0x84, 0x12, 0, 2]);
            _ = host.send(&ChangeDevAuthKey { algorithm: 2, encrypted_key, mac });
        },
    },
];

/// A token with one wrong try on each PIN, a container with key and certificate, files, and a half-full log.
fn base() -> Vec<u8> {
    let mut host = Host::provisioned(3);
    for number in 0..40_u8 {
        host.import_certificate(KeyUse::Sign, &[number; 900]).unwrap();
    }
    host.create_file(b"SEAL", 2500, Rights::USER, Rights::USER).unwrap();
    host.write_whole(b"SEAL", &[0x33; 2500]).unwrap();
    host.create_file(b"PUBLIC", 1200, Rights::ANYONE, Rights::USER).unwrap();
    host.verify(PinType::User, WRONG).unwrap_err();
    host.verify(PinType::Administrator, WRONG).unwrap_err();
    host.image()
}

/// The same, but the next try of the user PIN makes the counters move to their other page, with one wrong try.
fn full_base() -> Vec<u8> {
    const ENTRIES: usize = 624;
    let mut host = Host::on(SimPlatform::with_image([3; 32], base()).unwrap());
    host.open().unwrap();
    // Making the base took two.
    for _ in 0..ENTRIES - 3 {
        host.verify(PinType::User, USER).unwrap();
    }
    host.verify(PinType::User, WRONG).unwrap_err();
    let image = host.image();
    assert_eq!(host.token.wear().counters, 0);
    host.verify(PinType::User, USER).unwrap();
    assert_eq!(host.token.wear().counters, 1, "this try turned the page");
    image
}

fn start(image: &[u8], case: &Case) -> Host {
    let mut host = Host::on(SimPlatform::with_image([8; 32], image.to_vec()).unwrap());
    (case.ready)(&mut host);
    host
}

/// The same but for the tries, which a cut try may have lowered.
fn same_but_tries(a: &Seen, b: &Seen) -> bool {
    let level = |seen: &Seen| Seen { user_tries: 0, admin_tries: 0, ..seen.clone() };
    level(a) == level(b)
}

#[test]
fn before_or_after_at_every_cut() {
    let cuts = every_cut(&base(), CASES);
    assert!(cuts > 200, "{cuts} cuts");
}

#[test]
fn before_or_after_at_every_cut_while_the_counters_turn_their_page() {
    let cuts = every_cut(&full_base(), &CASES[..4]);
    assert!(cuts > 60, "{cuts} cuts");
}

fn every_cut(base: &[u8], cases: &[Case]) -> usize {
    let mut cuts = 0;
    for case in cases {
        let mut host = start(base, case);
        let before = look(&host.image());
        (case.act)(&mut host);
        let after = look(&host.image());
        let tears = [Tear::Clean, Tear::Torn(1), Tear::Torn(2), Tear::Torn(3)];
        for tear in tears {
            for operation in 0.. {
                let mut host = start(base, case);
                host.token.platform().flash.cut_power_after(operation, tear);
                (case.act)(&mut host);
                if host.token.platform().flash.has_power() {
                    break;
                }
                cuts += 1;
                let what = format!("{}, cut at operation {operation}, {tear:?}", case.name);
                // The power goes once more while the token comes up.
                let mut platform = host.token.power_off();
                platform.flash.restore_power();
                platform.flash.cut_power_after(operation % 3, tear);
                let mut platform = match ukey_firmware::Token::power_on(platform, Default::default()) {
                    Ok(token) => token.power_off(),
                    Err((_, platform)) => platform,
                };
                platform.flash.restore_power();
                let mut host = Host::on(platform);
                let seen = look(&host.image());
                assert!(
                    same_but_tries(&seen, &before) || same_but_tries(&seen, &after),
                    "{what}:\n{seen:?}\nis neither\n{before:?}\nnor\n{after:?}"
                );
                for (tries, was, will) in [
                    (seen.user_tries, before.user_tries, after.user_tries),
                    (seen.admin_tries, before.admin_tries, after.admin_tries),
                ] {
                    assert!(
                        tries == will || tries == was || tries + 1 == was,
                        "{what}: {was} tries became {tries}"
                    );
                }
                if seen != before && same_but_tries(&seen, &after) && !same_but_tries(&before, &after) {
                    assert_eq!(seen, after, "{what}: done, but not wholly");
                }
                // Life goes on.
                host.send(&SetLabel { label: b"after the cut" })
                    .unwrap_or_else(|status| panic!("{what}: {status}"));
            }
        }
    }
    cuts
}

/// Sequence number of the oldest page of the log. (The format is described in the store's head.)
fn oldest_page(image: &[u8]) -> u32 {
    let log_page = |page: &&[u8]| page.starts_with(b"UKEY\x01\0\x01\0");
    let sequence = |page: &[u8]| u32::from_le_bytes(page[8..12].try_into().unwrap());
    image.chunks(4096).filter(log_page).map(sequence).min().unwrap()
}

/// A token whose log is so full that the next label makes the oldest page free, which is full of what lives.
fn crowded_base() -> Vec<u8> {
    let mut host = Host::provisioned(6);
    for name in [b"FIRST", b"OTHER"] {
        host.create_file(name, 60_000, Rights::USER, Rights::USER).unwrap();
        let content: Vec<_> = (0..60_000_u32).map(|n| n.to_le_bytes()[0] ^ name[0]).collect();
        for (number, part) in (0_u16..).zip(content.chunks(3584)) {
            host.write_file(name, number * 3584, part).unwrap();
        }
    }
    // The pages of the first file are among the oldest now.
    let mut image = host.image();
    for number in 0..u32::MAX {
        host.import_certificate(KeyUse::Sign, &number.to_le_bytes().repeat(900)).unwrap();
        image = host.image();
        if oldest_page(&image) >= 6 {
            break;
        }
    }
    let oldest = oldest_page(&image);
    for number in 0..u32::MAX {
        host.send(&SetLabel { label: format!("label {number}").as_bytes() }).unwrap();
        if oldest_page(&host.image()) > oldest {
            break;
        }
        image = host.image();
    }
    image
}

#[test]
fn nothing_that_lives_is_lost_when_freeing_a_page_is_cut_off_three_times_in_a_row() {
    let base = crowded_base();
    let start = |image: &[u8]| Host::on(SimPlatform::with_image([8; 32], image.to_vec()).unwrap());
    let label = SetLabel { label: b"crowded" };
    let before = look(&base);
    let mut host = start(&base);
    let writes = host.token.platform().flash.counts().writes;
    host.send(&label).unwrap();
    let writes = host.token.platform().flash.counts().writes - writes;
    assert_eq!(oldest_page(&host.image()), oldest_page(&base) + 1, "the oldest page was made free");
    assert!(writes > 3 * 7, "{writes} operations: seven pieces of a file were moved");
    let after = look(&host.image());
    for tear in [Tear::Clean, Tear::Torn(1), Tear::Torn(2)] {
        for operation in 0.. {
            let mut image = base.clone();
            let mut cuts = 0;
            for _ in 0..3 {
                let mut host = start(&image);
                host.token.platform().flash.cut_power_after(operation, tear);
                let _ = host.send(&label);
                cuts += u32::from(!host.token.platform().flash.has_power());
                image = host.image();
            }
            let what = format!("cut at operation {operation}, {tear:?}");
            let seen = look(&image);
            assert!(seen == before || seen == after, "{what}: neither before nor after");
            let mut host = start(&image);
            host.send(&label).unwrap_or_else(|status| panic!("{what}: {status}"));
            assert!(look(&host.image()) == after, "{what}: something is lost");
            if cuts == 0 {
                break;
            }
        }
    }
}

#[test]
fn formatting_survives_any_cut() {
    for tear in [Tear::Clean, Tear::Torn(4), Tear::Torn(5)] {
        for operation in 0.. {
            let mut platform = SimPlatform::new([1; 32]);
            platform.flash.cut_power_after(operation, tear);
            let mut platform = match ukey_firmware::Token::power_on(platform, Default::default()) {
                Ok(_) => break,
                Err((_, platform)) => platform,
            };
            platform.flash.restore_power();
            let mut host = Host::on(platform);
            host.authenticate().unwrap();
            host.create_application(NAME).unwrap();
        }
    }
}

#[test]
fn secrets_that_were_replaced_or_deleted_are_gone_whatever_was_cut() {
    const OLD: &str = "the-old-pin";
    const NEXT: &str = "the-next-pin";
    let contains =
        |image: &[u8], secret: &str| image.windows(secret.len()).any(|window| window == secret.as_bytes());
    let base = {
        let mut host = start(&base(), &CASES[0]);
        host.change(PinType::User, USER, OLD).unwrap();
        host.image()
    };
    assert!(contains(&base, OLD), "the test looks for the right thing");
    for tear in [Tear::Clean, Tear::Torn(6)] {
        for operation in 0.. {
            let mut host = start(&base, &CASES[0]);
            host.token.platform().flash.cut_power_after(operation, tear);
            let changed = host.change(PinType::User, OLD, NEXT);
            let had_power = host.token.platform().flash.has_power();
            let mut host = host.restart();
            host.open().unwrap();
            let gone = if host.verify(PinType::User, NEXT).is_ok() { OLD } else { NEXT };
            assert!(!contains(&host.image(), gone), "{gone}, cut at {operation}, {tear:?}");
            if had_power {
                changed.unwrap();
                break;
            }
        }
    }
}

#[test]
fn contents_of_secret_files_are_gone_whatever_was_cut() {
    const OLD: [u8; 8] = *b"old seal";
    const NEXT: [u8; 8] = *b"new seal";
    let contains = |image: &[u8], secret: &[u8; 8]| image.windows(8).any(|window| window == secret);
    let base = {
        let mut host = start(&base(), &CASES[6]);
        host.write_file(b"SEAL", 512, &OLD.repeat(100)).unwrap();
        host.image()
    };
    assert!(contains(&base, &OLD), "the test looks for the right thing");
    type Act = fn(&mut Host) -> Result<(), Status>;
    let acts: [Act; 2] =
        [|host| host.write_file(b"SEAL", 512, &NEXT.repeat(100)), |host| host.delete_file(b"SEAL")];
    for (act, tear) in acts.iter().flat_map(|act| [(act, Tear::Clean), (act, Tear::Torn(6))]) {
        for operation in 0.. {
            let mut host = start(&base, &CASES[6]);
            host.token.platform().flash.cut_power_after(operation, tear);
            let done = act(&mut host);
            let had_power = host.token.platform().flash.has_power();
            let mut host = host.restart();
            logged_in(&mut host);
            let (old, next) = (contains(&host.image(), &OLD), contains(&host.image(), &NEXT));
            match host.read_file(b"SEAL", 512, Le::Exact(800)) {
                Ok(found) if found == OLD.repeat(100) => {
                    assert!(old && !next, "cut at {operation}, {tear:?}");
                }
                Ok(found) => {
                    assert!(found == NEXT.repeat(100) && next && !old, "cut at {operation}, {tear:?}");
                }
                Err(status) => {
                    assert_eq!(status, Status::NO_SUCH_FILE);
                    assert!(!old && !next, "deleted, cut at {operation}, {tear:?}");
                }
            }
            if had_power {
                done.unwrap();
                break;
            }
        }
    }
}

#[test]
fn the_log_goes_round_the_flash_and_loses_nothing() {
    let mut host = Host::provisioned(4);
    let key = host.public_key(KeyUse::Sign).unwrap();
    for round in 0..1200_u32 {
        let content = round.to_le_bytes().repeat(250);
        host.import_certificate(KeyUse::Sign, &content).unwrap();
        if round % 100 == 99 {
            host = host.restart();
            logged_in(&mut host);
            assert_eq!(host.certificate(KeyUse::Sign).unwrap(), content);
            assert_eq!(host.public_key(KeyUse::Sign).unwrap(), key);
        }
    }
    assert!(host.token.wear().log >= 2, "{:?}", host.token.wear());
}
