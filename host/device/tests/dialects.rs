//! A simulated token in each dialect: it is used, it keeps its dialect in its file, and probing finds it out without
//! harm.

use tempfile::tempdir;
use ukey_apdu::dialect::Name;
use ukey_device::link::{Place, state};
use ukey_device::{
    Device, DeviceKey, Dialect, DialectChoice, Link, LinkError, Options, PinType, Policy, Simulator, Target,
};

const FACTORY_KEY: DeviceKey = DeviceKey(*b"1234567812345678");

/// The switches that probes can decide.
const SEEN: [&str; 7] = [
    "cipher_parameters",
    "constant",
    "decrypt_init",
    "digest",
    "external_ciphertext",
    "external_signature",
    "quantity",
];

fn pin(text: &str) -> ukey_device::Pin {
    ukey_device::Pin::new(text.as_bytes()).unwrap()
}

fn token(dialect: Dialect) -> Simulator {
    Simulator::fresh(&Options { dialect: Some(dialect.into()), seed: Some(7) }).unwrap()
}

fn issue(device: &Device) {
    device.authenticate(&FACTORY_KEY).unwrap();
    let application = ukey_device::CreateApplication {
        name: b"UKEY",
        admin_pin: pin("87654321"),
        admin_retries: 10,
        user_pin: pin("12345678"),
        user_retries: 10,
        create_file: ukey_device::Rights::USER,
        max_containers: 8,
        max_certificates: 16,
        max_files: 16,
    };
    device.create_application(&application).unwrap();
}

fn own() -> Dialect {
    Dialect { name: Name::new("own").unwrap(), pin_key: Dialect::GM2023_GUESS.pin_key, ..Dialect::SUNYARD }
}

#[test]
fn host_and_token_understand_each_other_in_every_dialect() {
    for dialect in Dialect::BUILT_IN.iter().copied().chain([own()]) {
        let device = Device::connect(&token(dialect)).unwrap();
        assert_eq!(device.dialect(), dialect);
        issue(&device);
        device.change_device_key(&FACTORY_KEY, &DeviceKey([7; 16])).unwrap();
        assert!(device.authenticate(&FACTORY_KEY).is_err(), "{}", dialect.name);
        device.authenticate(&DeviceKey([7; 16])).unwrap();
        let application = device.open_application("UKEY").unwrap();
        assert!(application.verify_pin(PinType::User, &pin("12345679")).is_err(), "{}", dialect.name);
        application.verify_pin(PinType::User, &pin("12345678")).unwrap();
        application.change_pin(PinType::User, &pin("12345678"), &pin("a longer PIN 16b")).unwrap();
        application.verify_pin(PinType::User, &pin("a longer PIN 16b")).unwrap();
        let container = application.create_container("DEV").unwrap();
        container.generate_key_pair().unwrap();
        container.sign_digest(&[7; 32]).unwrap();
    }
}

#[test]
fn a_file_keeps_a_dialect_of_its_own() {
    let folder = tempdir().unwrap();
    for dialect in Dialect::BUILT_IN.iter().copied().chain([own()]) {
        let file = folder.path().join(dialect.name.as_str());
        token(dialect).save_as(&file, false).unwrap();
        issue(&Target::SimFile(file.clone()).connect(&Options::default()).unwrap());
        let device = Target::SimFile(file.clone()).connect(&Options::default()).unwrap();
        assert_eq!(device.dialect(), dialect);
        let application = device.open_application("UKEY").unwrap();
        application.verify_pin(PinType::User, &pin("12345678")).unwrap();
        drop(device);
        let other = Options {
            dialect: Some(Dialect { name: Name::new("other").unwrap(), ..dialect }.into()),
            seed: None,
        };
        let error = Simulator::open(&file, &other).unwrap_err();
        assert!(matches!(error, LinkError::Dialect { .. }), "{error:?}");
    }
}

#[test]
fn probing_finds_what_can_be_seen_and_leaves_the_token_as_it_was() {
    let folder = tempdir().unwrap();
    for dialect in Dialect::BUILT_IN {
        let key = token(*dialect);
        issue(&Device::connect(&key).unwrap());
        let [before, after] =
            ["before", "after"].map(|name| folder.path().join(format!("{name}-{}", dialect.name)));
        key.save_as(&before, false).unwrap();
        let operations = key.flash_operations();
        let device = Device::probe(&key).unwrap();
        key.save_as(&after, false).unwrap();
        assert_eq!(key.flash_operations(), operations, "{}", dialect.name);
        // No two writings of a file are the same; what is in them is.
        let [before, after] = [before, after].map(|file| state::read(&file).unwrap());
        assert!(before == after, "{}", dialect.name);

        let found = device.found().unwrap();
        let mut seen: Vec<_> = found.evidence.iter().map(|evidence| evidence.switch).collect();
        seen.sort_unstable();
        assert_eq!(seen, SEEN, "{}", dialect.name);
        assert_eq!(found.assumed().len(), Dialect::SWITCHES.len() - SEEN.len());
        let alike: Vec<_> = Dialect::BUILT_IN
            .iter()
            .filter(|other| SEEN.iter().all(|switch| other.get(switch) == dialect.get(switch)))
            .copied()
            .collect();
        assert_eq!(found.candidates, alike, "no more and no less than look like {}", dialect.name);
        assert_eq!(device.dialect(), alike[0]);
        let application = device.open_application("UKEY").unwrap();
        assert_eq!(application.pin_info(PinType::User).unwrap().remaining, 10, "no try was spent");
        // Every place for a session key is free again.
        (0..8).for_each(|_| _ = device.set_symmetric_key(0x401, &[1; 16]).unwrap());
    }
}

#[test]
fn three_dialects_are_told_for_sure() {
    let sure =
        |dialect: Dialect| Device::probe(&token(dialect)).unwrap().found().unwrap().candidates == [dialect];
    let names: Vec<_> = Dialect::BUILT_IN
        .iter()
        .filter(|dialect| sure(**dialect))
        .map(|dialect| dialect.name.to_string())
        .collect();
    assert_eq!(names, ["gm3000", "synochip", "sunyard"]);
}

/// What no built-in dialect has is spoken as it was seen.
#[test]
fn a_dialect_of_ones_own_is_put_together() {
    let own =
        Dialect { name: Name::new("own").unwrap(), digest: Dialect::SYNOCHIP.digest, ..Dialect::GM3000 };
    let device = Device::probe(&token(own)).unwrap();
    assert_eq!(device.found().unwrap().candidates, []);
    assert_eq!(device.dialect(), Dialect { name: Name::new("auto").unwrap(), ..own });
}

/// A link that spoils the answers of one instruction.
struct Spoilt {
    link: Box<dyn Link>,
    ins: u8,
    spoil: fn(&mut Vec<u8>),
}

impl Link for Spoilt {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let mut answer = self.link.transmit(command)?;
        if command.get(1) == Some(&self.ins) {
            (self.spoil)(&mut answer);
        }
        Ok(answer)
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        self.link.reset()
    }
}

struct SpoiltPlace(Simulator, u8, fn(&mut Vec<u8>));

impl Place for SpoiltPlace {
    fn link(&self) -> Result<Box<dyn Link>, LinkError> {
        let Self(simulator, ins, spoil) = self;
        Ok(Box::new(Spoilt { link: simulator.link()?, ins: *ins, spoil: *spoil }))
    }
}

#[test]
fn where_the_device_information_is_silent_an_applications_right_tells() {
    for (dialect, expected) in [(Dialect::GM2012, "big"), (Dialect::GM3000, "little")] {
        let key = token(dialect);
        issue(&Device::connect(&key).unwrap());
        let device = Device::probe(&SpoiltPlace(key, 0x04, |answer| answer[200..216].fill(0))).unwrap();
        let evidence = &device.found().unwrap().evidence;
        let constant = evidence.iter().find(|evidence| evidence.switch == "constant").unwrap();
        assert_eq!(constant.value.to_string(), expected);
        assert!(constant.seen.starts_with("OpenApplication: "), "{}", constant.seen);
        assert_eq!(device.dialect(), dialect);
    }
}

#[test]
fn what_another_program_opened_stays_open_and_what_probing_opened_is_in_nobodys_way() {
    let probed = |key: &Simulator| {
        let silent = SpoiltPlace(key.clone(), 0x04, |answer| answer[200..216].fill(0));
        let device = Device::probe(&silent).unwrap();
        let evidence = &device.found().unwrap().evidence;
        assert!(evidence.iter().any(|evidence| evidence.seen.starts_with("OpenApplication: ")));
        device
    };
    let key = token(Dialect::GM2012);
    let other = Device::connect(&key).unwrap();
    issue(&other);
    let application = other.open_application("UKEY").unwrap();
    application.verify_pin(PinType::User, &pin("12345678")).unwrap();
    let _device = probed(&key);
    application.create_container("A").unwrap();

    // Where an application is one client's alone, probing leaves none open.
    let strict = Policy { strict_open: true, ..Policy::default() };
    let options = Options { seed: Some(7), ..Options::default() };
    let key = Simulator::with_policy(&options, strict).unwrap();
    issue(&Device::connect(&key).unwrap());
    probed(&key).open_application("UKEY").unwrap();
}

#[test]
fn what_a_token_refuses_stays_undecided() {
    let refuse = |answer: &mut Vec<u8>| *answer = vec![0x6D, 0];
    for (ins, switches) in [
        (0xB4, &["digest"][..]),
        (0x7A, &["external_ciphertext"]),
        (0x7E, &["external_signature"]),
        (0xA2, &["cipher_parameters", "decrypt_init"]),
    ] {
        let device = Device::probe(&SpoiltPlace(token(Dialect::GM2012), ins, refuse)).unwrap();
        let found = device.found().unwrap();
        assert!(switches.iter().all(|switch| found.assumed().contains(switch)), "{ins:02X}");
        assert_eq!(found.assumed().len(), Dialect::SWITCHES.len() - SEEN.len() + switches.len());
        assert!(found.candidates.contains(&Dialect::GM2012));
    }
}

#[test]
fn a_target_is_probed_when_it_is_asked_for() {
    let device = Target::Sim.connect(&Options { dialect: Some(DialectChoice::Auto), seed: Some(1) }).unwrap();
    assert_eq!(device.dialect(), Dialect::GM2012);
    assert_eq!(device.found().unwrap().candidates.len(), 3);
    let told = Target::Sim.connect(&Options::default()).unwrap();
    assert!(told.found().is_none());
}
