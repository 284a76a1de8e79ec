//! A flash that takes no more: every command that would change something says so, wherever it stopped, and what can be read
//! stays readable, in the same session and in the next.

mod support;

use support::envelope::public_key;
use support::walk::*;
use support::*;
use ukey_apdu::Ins;
use ukey_apdu::Status;
use ukey_apdu::command::*;
use ukey_apdu::pin::DeviceKey;
use ukey_firmware::sim::SimPlatform;

/// What anyone and the user can see after power on; the retry counts aside.
fn seen(image: &[u8]) -> Vec<Result<Vec<u8>, Status>> {
    let mut host = Host::on(SimPlatform::with_image([5; 32], image.to_vec()).unwrap());
    let mut seen = Vec::new();
    seen.push(host.send(&GetDevInfo).map(|answer| DevInfo::read(&answer, &GM).unwrap().label.to_vec()));
    for key in [FACTORY_KEY, OTHER_KEY] {
        let cryptogram = key.cryptogram(&host.challenge());
        seen.push(host.send(&DevAuth { algorithm: 2, cryptogram }).map_err(without_tries));
    }
    seen.push(host.send(&EnumApplication));
    if host.open().is_err() {
        return seen;
    }
    let mut no_answer =
        |done: Result<(), Status>| seen.push(done.map(|()| Vec::new()).map_err(without_tries));
    no_answer(host.verify(PinType::Administrator, ADMIN));
    // Each PIN with a power cycle in front of it: a wrong one drops the right.
    for text in [USER, OTHER_PIN] {
        no_answer(host.verify(PinType::User, text));
    }
    let right = [USER, OTHER_PIN].into_iter().find(|text| host.verify(PinType::User, text).is_ok());
    assert!(right.is_some(), "no user PIN is right");
    let application = host.application;
    seen.push(host.send(&EnumContainer { application }));
    if host.open_container(b"DEV").is_ok() {
        let keys = KeyUse::ALL.map(|key_use| host.public_key(key_use).map(|key| [key.x, key.y].concat()));
        seen.extend(keys);
        seen.extend(KeyUse::ALL.map(|key_use| host.certificate(key_use)));
        if let Ok(public_key) = host.public_key(KeyUse::Sign) {
            let signature = host.sign([7; 32]).unwrap();
            let input = SignInput::Digest([7; 32]);
            seen.push(host.send(&EccVerify { public_key, input, signature }));
        }
        if let Ok(key) = host.public_key(KeyUse::Encrypt) {
            assert_eq!(key, public_key(&PRIVATE));
        }
    }
    for name in host.files() {
        seen.push(host.read_whole(&name));
        seen.push(Ok(name));
    }
    seen
}

/// A retry count is not what is compared here.
fn without_tries(status: Status) -> Status {
    if status.remaining().is_some() { Status::tries_left(15) } else { status }
}

#[test]
fn a_worn_out_flash_is_told_and_what_can_be_read_stays_so() {
    let walk = walk();
    let mut refused = 0;
    for (start, facts, step) in &walk {
        let operations = |walk: &mut Walk| walk.host.token.platform().flash.counts();
        let mut sound = start.clone();
        let begun = operations(&mut sound);
        (step.act)(&mut sound).unwrap();
        let writes = operations(&mut sound) != begun;
        let images = [start.clone(), sound.clone()].map(|mut walk| walk.host.image());
        let expected = images.each_ref().map(|image| seen(image));
        for lasts in 0.. {
            let what = format!("{}, after {lasts} operations", step.name());
            let mut worn = start.clone();
            worn.host.token.platform().flash.wear_out_after(Some(lasts));
            let done = (step.act)(&mut worn);
            if done.is_ok() {
                break;
            }
            refused += 1;
            assert!(writes, "{what}: {done:?}, though it writes nothing");
            assert_eq!(done, Err(Status::MEMORY_FAILURE), "{what}");
            if lasts == 0 {
                assert!(worn.host.image() == images[0], "{what}: something was written");
            }
            // In the same session: what only reads goes on, as before the command or as after it.
            let readings = walk
                .iter()
                .map(|(_, _, reading)| reading)
                .filter(|reading| READS.contains(&reading.ins) && facts & reading.needs == reading.needs);
            let read = |from: &Walk| -> Vec<_> {
                readings.clone().map(|reading| (reading.name(), (reading.act)(&mut from.clone()))).collect()
            };
            let now = read(&worn);
            assert!(now == read(start) || now == read(&sound), "{what}: {now:?}");
            // In the next: as before or as after, and it comes up with the flash as it is.
            let image = worn.host.image();
            let mut platform = SimPlatform::with_image([6; 32], image.clone()).unwrap();
            platform.flash.wear_out_after(Some(0));
            let mut worn = Host::on(platform);
            let names = worn.send(&EnumApplication);
            let now = seen(&image);
            assert!(expected.contains(&now), "{what}:\n{now:?}\n{expected:?}");
            assert!(now.contains(&names), "{what}: {names:?} is read from the worn flash too");
            assert_eq!(worn.send(&SetLabel { label: b"new" }), Err(Status::MEMORY_FAILURE), "{what}");
        }
    }
    assert!(refused > 40, "{refused} refusals");
}

/// What is read out of the flash, of the walk.
const READS: &[Ins] = &[
    Ins::GetDevInfo,
    Ins::EnumApplication,
    Ins::GetPinInfo,
    Ins::EnumContainer,
    Ins::GetContainerInfo,
    Ins::ExportPubKey,
    Ins::ExportCertificate,
    Ins::EccSignData,
    Ins::ImportSessionKey,
    Ins::EnumFiles,
    Ins::GetFileInfo,
    Ins::ReadFile,
];

#[test]
fn a_try_that_cannot_be_counted_compares_nothing() {
    let worn = |act: &dyn Fn(&mut Host) -> Result<(), Status>| {
        let mut host = Host::issued(1);
        host.token.platform().flash.wear_out_after(Some(0));
        act(&mut host)
    };
    let device = |host: &mut Host, key: DeviceKey| {
        let cryptogram = key.cryptogram(&host.challenge());
        host.send(&DevAuth { algorithm: 2, cryptogram }).map(drop)
    };
    for right in [true, false] {
        let (user, admin) = if right { (USER, ADMIN) } else { ("00000000", "00000000") };
        let told = Err(Status::MEMORY_FAILURE);
        assert_eq!(worn(&|host| host.verify(PinType::User, user)), told, "{right}");
        assert_eq!(worn(&|host| host.change(PinType::User, user, OTHER_PIN)), told, "{right}");
        assert_eq!(worn(&|host| host.unblock(admin, OTHER_PIN)), told, "{right}");
        let key = if right { FACTORY_KEY } else { OTHER_KEY };
        assert_eq!(worn(&|host| device(host, key.clone())), told, "{right}");
    }
}

/// A success that cannot be written down is none: the try stays spent, and no right is held.
#[test]
fn an_authentication_whose_success_cannot_be_kept_gives_no_right() {
    let authenticated = |lasts| {
        let mut host = Host::blank(1);
        let cryptogram = FACTORY_KEY.cryptogram(&host.challenge());
        host.token.platform().flash.wear_out_after(lasts);
        let done = host.send(&DevAuth { algorithm: 2, cryptogram }).map(drop);
        host.token.platform().flash.wear_out_after(None);
        (done, host.create_application(NAME))
    };
    assert_eq!(authenticated(None), (Ok(()), Ok(())));
    for lasts in 0..2 {
        let (done, created) = authenticated(Some(lasts));
        assert_eq!(done, Err(Status::MEMORY_FAILURE), "after {lasts} operations");
        assert_eq!(created, Err(Status::SECURITY_NOT_SATISFIED), "after {lasts} operations");
    }
}
