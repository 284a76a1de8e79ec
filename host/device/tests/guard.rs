//! Real keys are precious: the last try is never spent on a key that no program holds in its hand, nothing that a run
//! sets as device key is lost, and what a key was asked for is counted.

mod common;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use common::{ADMIN, APPLICATION, FACTORY_KEY, USER, issue, pin, seeded};
use ukey_device::guard::device_key;
use ukey_device::{
    Device, DeviceKey, Dialect, ErrorKind, Link, LinkError, PinType, Place, SealedPinBuf, Simulator, Tries,
};

/// A key that nobody's program can pull: the simulated one, without its hand.
struct Foreign(Simulator);

struct Handless(Box<dyn Link>);

impl Place for Foreign {
    fn link(&self) -> Result<Box<dyn Link>, LinkError> {
        Ok(Box::new(Handless(self.0.link()?)))
    }
}

impl Link for Handless {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        self.0.transmit(command)
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        self.0.reset()
    }
}

fn foreign() -> (Device, Simulator) {
    let simulator = Simulator::fresh(&seeded(1)).unwrap();
    let device = Device::connect(&Foreign(simulator.clone())).unwrap();
    issue(&device, USER, ADMIN);
    (device, simulator)
}

/// Spends wrong tries until so many are left.
fn spend(device: &Device, pin_type: PinType, until: u8) {
    let application = device.open_application(APPLICATION).unwrap();
    while application.pin_info(pin_type).unwrap().remaining > until {
        application.verify_pin(pin_type, &pin("00000000")).unwrap_err();
    }
}

fn left(device: &Device, pin_type: PinType) -> u8 {
    device.open_application(APPLICATION).unwrap().pin_info(pin_type).unwrap().remaining
}

fn is_last_try(error: &ukey_device::Error, of: Option<PinType>) -> bool {
    matches!(error.kind(), ErrorKind::LastTry { pin } if *pin == of)
}

#[test]
fn of_two_tries_one_is_spent_and_of_one_none() {
    let (device, simulator) = foreign();
    assert!(!device.is_ours());
    spend(&device, PinType::User, 2);
    let application = device.open_application(APPLICATION).unwrap();
    let error = application.verify_pin(PinType::User, &pin("00000000")).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WrongPin { tries_left: 1, .. }), "{error}");

    let (operations, tried) = (simulator.flash_operations(), device.tally().user_pin.wrong);
    for (wrong, what) in [("00000000", "a wrong PIN"), (USER, "the right one")] {
        let error = application.verify_pin(PinType::User, &pin(wrong)).unwrap_err();
        assert!(is_last_try(&error, Some(PinType::User)), "{what}: {error}");
        let error = application.change_pin(PinType::User, &pin(wrong), &pin("11111111")).unwrap_err();
        assert!(is_last_try(&error, Some(PinType::User)), "{what}: {error}");
        assert_eq!((error.tries_left(), error.status()), (Some(1), None));
        assert!(error.message_zh().contains("最后1次") && error.help_zh().is_some(), "{error}");
    }
    assert_eq!(simulator.flash_operations(), operations, "nothing reached the counter");
    assert_eq!(device.tally().user_pin.wrong, tried);
    assert!(device.trace().last().unwrap().line.contains("GetPinInfo"), "{:?}", device.trace().last());
    assert_eq!(left(&device, PinType::User), 1);

    // The administrator PIN has tries, and restores them.
    application.unblock_pin(&pin(ADMIN), &pin(USER)).unwrap();
    application.verify_pin(PinType::User, &pin(USER)).unwrap();
}

#[test]
fn the_administrator_pin_is_spared_by_every_command_that_tries_it() {
    let (device, _simulator) = foreign();
    spend(&device, PinType::Administrator, 1);
    let application = device.open_application(APPLICATION).unwrap();
    let sealed = SealedPinBuf::default();
    application.challenge().unwrap();
    for refused in [
        application.unblock_pin(&pin(ADMIN), &pin(USER)),
        application.unblock_remote(&sealed),
        application.verify_pin(PinType::Administrator, &pin(ADMIN)),
    ] {
        assert!(is_last_try(&refused.unwrap_err(), Some(PinType::Administrator)));
    }
    assert_eq!(left(&device, PinType::Administrator), 1);
    // The user's own tries are another matter.
    application.verify_pin(PinType::User, &pin(USER)).unwrap();
}

#[test]
fn a_locked_pin_is_told_as_the_token_tells_it() {
    let (device, simulator) = foreign();
    spend(&Device::connect(&simulator).unwrap(), PinType::User, 0);
    let application = device.open_application(APPLICATION).unwrap();
    let error = application.verify_pin(PinType::User, &pin(USER)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Locked { pin: PinType::User }), "{error}");
}

#[test]
fn a_key_of_ours_may_be_locked() {
    let simulator = Simulator::fresh(&seeded(1)).unwrap();
    let device = Device::connect(&simulator).unwrap();
    issue(&device, USER, ADMIN);
    assert!(device.is_ours());
    spend(&device, PinType::User, 0);
    assert_eq!(left(&device, PinType::User), 0);
}

#[test]
fn who_names_the_key_may_spend_its_last_try_and_nobody_else() {
    let (device, simulator) = foreign();
    spend(&device, PinType::User, 1);
    let error = device.allow_destructive("another").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::AnotherKey { found } if *found == simulator.serial_number()));
    let application = device.open_application(APPLICATION).unwrap();
    let error = application.verify_pin(PinType::User, &pin(USER)).unwrap_err();
    assert!(is_last_try(&error, Some(PinType::User)), "{error}");

    device.allow_destructive(&simulator.serial_number()).unwrap();
    application.verify_pin(PinType::User, &pin(USER)).unwrap();
    spend(&device, PinType::User, 0);
}

#[test]
fn the_device_key_is_spared_by_what_its_last_refusal_said() {
    let (device, simulator) = foreign();
    let wrong = DeviceKey([0; 16]);
    while device.tally().device_key.least_left != Some(1) {
        device.authenticate(&wrong).unwrap_err();
    }
    let tried = device.tally().device_key;
    assert!(is_last_try(&device.authenticate(&FACTORY_KEY).unwrap_err(), None));
    device.random(16).unwrap();
    assert!(is_last_try(&device.authenticate_with([0; 16]).unwrap_err(), None));
    assert_eq!(device.tally().device_key, tried);

    device.allow_destructive(&simulator.serial_number()).unwrap();
    device.authenticate(&FACTORY_KEY).unwrap();
    // What was right gives all tries back.
    device.authenticate(&wrong).unwrap_err();
    assert_eq!(device.tally().device_key, Tries { wrong: tried.wrong + 1, least_left: Some(1) });
}

#[test]
fn a_device_key_is_kept_before_it_is_set_and_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept");
    let (device, simulator) = foreign();
    let new = DeviceKey([7; 16]);
    device.keep_device_keys(&file);
    assert!(!device.holds_kept_device_key().unwrap());
    device.change_device_key(&FACTORY_KEY, &new).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "07".repeat(16) + "\n");
    #[cfg(unix)]
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions()) & 0o777,
        0o600
    );
    drop(device);

    // Another program finds it so.
    let device = Device::connect(&Foreign(simulator)).unwrap();
    let error = device.make_blank(&FACTORY_KEY).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WrongDeviceKey { .. }), "{error}");
    assert_eq!(device.applications().unwrap(), [APPLICATION], "nothing was deleted");
    device.keep_device_keys(&file);
    assert!(device.holds_kept_device_key().unwrap());
    device.make_blank(&FACTORY_KEY).unwrap();
    assert!(device.applications().unwrap().is_empty() && !file.exists());
    device.authenticate(&FACTORY_KEY).unwrap();
    assert!(device.authenticate(&new).is_err());
}

#[test]
fn a_device_key_that_cannot_be_kept_is_not_set() {
    let (device, simulator) = foreign();
    device.keep_device_keys(std::path::Path::new("/no/such/folder/kept"));
    let before = simulator.flash_operations();
    let error = device.change_device_key(&FACTORY_KEY, &DeviceKey([7; 16])).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Link(LinkError::Io { .. })), "{error}");
    assert_eq!(simulator.flash_operations(), before);
    device.authenticate(&FACTORY_KEY).unwrap();
}

#[test]
fn a_device_key_that_was_kept_and_never_set_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept");
    let (device, _simulator) = foreign();
    fs::write(&file, "07".repeat(16) + "\n" + &"08".repeat(16) + "\n").unwrap();
    device.keep_device_keys(&file);
    device.make_blank(&FACTORY_KEY).unwrap();
    assert_eq!(device.tally().device_key.wrong, 2);
    assert!(device.applications().unwrap().is_empty() && !file.exists());
}

#[test]
fn one_program_tells_the_next_how_many_tries_of_the_device_key_are_left() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept");
    let simulator = Simulator::fresh(&seeded(1)).unwrap();
    let connect = || {
        let device = Device::connect(&Foreign(simulator.clone())).unwrap();
        device.keep_device_keys(&file);
        device
    };
    let wrong = DeviceKey([9; 16]);
    while connect().authenticate(&wrong).unwrap_err().tries_left() != Some(1) {}
    let before = simulator.flash_operations();
    assert!(is_last_try(&connect().authenticate(&wrong).unwrap_err(), None));
    assert_eq!(simulator.flash_operations(), before, "nothing was spent");
    // Whoever names the key may; and a success is told too.
    let named = connect();
    named.allow_destructive(&simulator.serial_number()).unwrap();
    named.authenticate(&FACTORY_KEY).unwrap();
    assert!(matches!(connect().authenticate(&wrong).unwrap_err().kind(), ErrorKind::WrongDeviceKey { .. }));
}

#[test]
fn a_device_key_is_written_in_characters_or_digits() {
    assert_eq!(device_key("1234567812345678\n").unwrap().0, *b"1234567812345678");
    assert_eq!(device_key(&"0a".repeat(16)).unwrap().0, [10; 16]);
    for wrong in ["", "123", "12345678123456789", &"zz".repeat(16), &"é".repeat(8), &"é".repeat(16)] {
        assert!(device_key(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn what_costs_is_counted_and_what_is_refused_only_as_a_try() {
    let simulator = Simulator::fresh(&seeded(1)).unwrap();
    let device = Device::connect(&simulator).unwrap();
    issue(&device, USER, ADMIN);
    let application = device.open_application(APPLICATION).unwrap();
    application.create_container("A").unwrap_err();
    application.verify_pin(PinType::User, &pin("00000000")).unwrap_err();
    application.verify_pin(PinType::Administrator, &pin("00000000")).unwrap_err();
    application.verify_pin(PinType::User, &pin("00000000")).unwrap_err();
    application.verify_pin(PinType::User, &pin(USER)).unwrap();
    application.unblock_pin(&pin("00000000"), &pin(USER)).unwrap_err();
    let container = application.create_container("A").unwrap();
    container.generate_key_pair().unwrap();
    container.import_certificate(ukey_device::KeyUse::Sign, &[1; 900]).unwrap();
    application.delete_container("A").unwrap();
    let tally = device.tally();
    assert_eq!(tally.user_pin, Tries { wrong: 2, least_left: Some(8) });
    assert_eq!(tally.administrator_pin, Tries { wrong: 2, least_left: Some(8) });
    assert_eq!(tally.device_key, Tries::default());
    assert_eq!((tally.applications, tally.deleted_applications), (1, 0));
    assert_eq!((tally.containers, tally.deleted_containers), (1, 1));
    assert_eq!((tally.key_pairs, tally.imported_key_pairs), (1, 0));
    // A chain is one certificate.
    assert_eq!(tally.certificates, 1);
    assert!(!tally.locked());
    spend(&device, PinType::User, 0);
    assert!(device.tally().locked());
    assert_eq!(device.dialect(), Dialect::GM2012);
}

/// A reader: whatever key is in it when it is asked, and one that is pushed in meanwhile is found by a reset.
struct Reader(Arc<Mutex<Simulator>>);

struct InReader(Arc<Mutex<Simulator>>, Box<dyn Link>);

impl Place for Reader {
    fn link(&self) -> Result<Box<dyn Link>, LinkError> {
        let link = self.0.lock().unwrap().link()?;
        Ok(Box::new(InReader(self.0.clone(), link)))
    }
}

impl Link for InReader {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        self.1.transmit(command)
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        self.1 = self.0.lock().unwrap().link()?;
        self.1.reset()
    }
}

#[test]
fn what_was_allowed_of_one_key_is_not_of_the_next_in_its_place() {
    let [mine, yours] = [1, 2].map(|seed| Simulator::fresh(&seeded(seed)).unwrap());
    let place = Reader(Arc::new(Mutex::new(yours.clone())));
    let device = Device::connect(&place).unwrap();
    issue(&device, USER, ADMIN);
    spend(&device, PinType::User, 1 + 1);
    let application = device.open_application(APPLICATION).unwrap();
    application.verify_pin(PinType::User, &pin("00000000")).unwrap_err();

    *place.0.lock().unwrap() = mine.clone();
    device.reconnect().unwrap();
    device.allow_destructive(&mine.serial_number()).unwrap();
    *place.0.lock().unwrap() = yours.clone();
    device.reconnect().unwrap();
    let application = device.open_application(APPLICATION).unwrap();
    let error = application.verify_pin(PinType::User, &pin("00000000")).unwrap_err();
    assert!(is_last_try(&error, Some(PinType::User)), "{error}");
    // The same key again keeps what it was allowed.
    device.allow_destructive(&yours.serial_number()).unwrap();
    device.reconnect().unwrap();
    let application = device.open_application(APPLICATION).unwrap();
    let error = application.verify_pin(PinType::User, &pin("00000000")).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Locked { .. }), "{error}");
}

/// A link that loses the answers from now on.
struct Lossy(Box<dyn Link>, Arc<AtomicBool>);

impl Link for Lossy {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let answer = self.0.transmit(command);
        let is_proof = command.get(1) == Some(&(ukey_apdu::Ins::DevAuth as u8));
        if is_proof && self.1.load(Ordering::SeqCst) {
            return Err(LinkError::NoAnswer);
        }
        answer
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        self.0.reset()
    }
}

#[test]
fn a_try_of_the_device_key_whose_answer_is_lost_counts() {
    let simulator = Simulator::fresh(&seeded(1)).unwrap();
    let lost = Arc::new(AtomicBool::new(false));
    let link = Lossy(simulator.link().unwrap(), lost.clone());
    let device = Device::new(Box::new(link), Dialect::GM2012).unwrap();
    let wrong = DeviceKey([9; 16]);
    while device.authenticate(&wrong).unwrap_err().tries_left() != Some(2) {}
    lost.store(true, Ordering::SeqCst);
    let error = device.authenticate(&wrong).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Link(LinkError::NoAnswer)), "{error}");
    lost.store(false, Ordering::SeqCst);
    assert!(is_last_try(&device.authenticate(&wrong).unwrap_err(), None));
    assert!(is_last_try(&device.authenticate(&FACTORY_KEY).unwrap_err(), None));
}

#[test]
fn tries_of_the_device_key_that_are_sent_as_they_are_count_in_whatever_class() {
    let (device, _simulator) = foreign();
    let wrong: Vec<u8> = [&[0x80, 0x10, 0, 0, 0, 0, 16][..], &[9; 16]].concat();
    assert_eq!(wrong[1], ukey_apdu::Ins::DevAuth as u8);
    let left = |device: &Device| device.tally().device_key.least_left;
    while left(&device) != Some(1) {
        device.random(16).unwrap();
        device.transmit(&wrong).unwrap();
    }
    assert!(is_last_try(&device.authenticate(&FACTORY_KEY).unwrap_err(), None));
    assert_eq!(left(&device), Some(1));
}

/// A link whose token takes a class of its maker's too.
struct Makers(Box<dyn Link>);

impl Link for Makers {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let mut command = command.to_vec();
        if command[0] == 0xC0 {
            command[0] = 0x80;
        }
        self.0.transmit(&command)
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        self.0.reset()
    }
}

#[test]
fn a_try_counts_in_a_class_of_the_makers_own() {
    let simulator = Simulator::fresh(&seeded(1)).unwrap();
    issue(&Device::connect(&simulator).unwrap(), USER, ADMIN);
    let device = Device::new(Box::new(Makers(simulator.link().unwrap())), Dialect::GM2012).unwrap();
    let application = device.open_application(APPLICATION).unwrap();
    application.challenge().unwrap();
    let opened = device.transmit(&[&[0x80, 0x26, 0, 0, 4][..], b"UKEY"].concat()).unwrap();
    let id = &opened[opened.len() - 4..opened.len() - 2];
    let verify = [&[0xC0, 0x18, 0, PinType::User as u8, 18][..], id, &[9; 16]].concat();
    let answer = device.transmit(&verify).unwrap();
    assert_eq!(answer, [0x63, 0xC9], "{}", hex::encode(&answer));
    assert_eq!(device.tally().user_pin, Tries { wrong: 1, least_left: Some(9) });
    assert_eq!(device.tally().administrator_pin, Tries::default());
}

/// A reader whose next key says nothing at first: `greets` says whether it does.
struct Mute(Vec<Box<dyn Link>>, Arc<AtomicBool>);

impl Link for Mute {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        if command.get(1) == Some(&(ukey_apdu::Ins::GetDevInfo as u8)) && !self.1.load(Ordering::SeqCst) {
            return Err(LinkError::NoAnswer);
        }
        self.0[0].transmit(command)
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        self.0.remove(0);
        self.0[0].reset()
    }
}

#[test]
fn nothing_is_allowed_of_a_key_that_did_not_say_who_it_is() {
    let keys = [1, 2].map(|seed| Simulator::fresh(&seeded(seed)).unwrap());
    let greets = Arc::new(AtomicBool::new(true));
    let links = keys.iter().map(|key| key.link().unwrap()).collect();
    let device = Device::new(Box::new(Mute(links, greets.clone())), Dialect::GM2012).unwrap();
    device.allow_destructive(&keys[0].serial_number()).unwrap();
    assert!(!device.is_guarded());
    greets.store(false, Ordering::SeqCst);
    device.reconnect().unwrap_err();
    assert!(device.is_guarded() && !device.is_ours());
}
