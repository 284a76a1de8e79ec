//! Looking at what a token keeps.

use std::collections::{BTreeMap, BTreeSet};

use ukey_apdu::command::{Answer as _, *};
use ukey_firmware::sim::SimPlatform;

use super::super::specification::{Application, Container, Durable, File, HIDDEN, Model, Pin};
use super::super::support::Host;
use super::super::words::{Answer, *};
use super::{
    APPLICATION_NAMES, CONTAINER_NAMES, Driver, FILE_NAMES, KEYS, PIN_TEXTS, certificate, device_info,
    number_of, power_on,
};

impl Driver {
    /// All that the token keeps, and how many bytes it says are free; seen on copies of its flash: what the looking
    /// does stays there.
    ///
    /// The specification's guesses say which PIN to try first.
    pub fn look(&mut self, guesses: &[Model]) -> (Durable, u32) {
        let (image, dialect) = (self.host.image(), self.dialect());
        let fresh = || power_on(SimPlatform::with_image([5; 32], image.clone()).unwrap(), dialect);
        let mut host = fresh();
        let info = device_info(&host.send(&GetDevInfo).unwrap(), &dialect);
        let Answer::Device(label, free_space) = info else { unreachable!("the device information") };
        let label = Some(label).filter(|label| *label != FACTORY_LABEL);
        let device_tries = {
            host.challenge();
            let wrong = host.send(&DevAuth { algorithm: 2, cryptogram: [0; 16] }).unwrap_err();
            wrong.remaining().map_or(0, |left| left + 1)
        };
        assert!(device_tries <= DEVICE_TRIES);
        let device_key = (0..DEVICE_KEYS).find(|number| {
            let mut host = fresh();
            let cryptogram = KEYS[*number].cryptogram(&host.challenge());
            host.send(&DevAuth { algorithm: 2, cryptogram }).is_ok()
        });
        let mut applications = BTreeMap::new();
        for name in host.names(&EnumApplication) {
            let number = number_of(&name, &APPLICATION_NAMES);
            let open = |host: &mut Host| {
                let answer = host.send(&OpenApplication { name: &name }).unwrap();
                host.application = ApplicationInfo::read(&answer, &dialect).unwrap().id;
            };
            open(&mut host);
            let pins = [PinType::Administrator, PinType::User].map(|pin_type| {
                let PinInfo { max_retries: most, remaining: left, is_default } = host.pin_info(pin_type);
                let guessed = guesses.iter().filter_map(|model| model.durable.applications.get(&number));
                let guessed = guessed.map(|application| application.pins[pin_type as usize].secret);
                let secret = guessed.chain(0..PINS).find(|secret| {
                    let mut host = fresh();
                    open(&mut host);
                    left > 0 && host.verify(pin_type, PIN_TEXTS[*secret]).is_ok()
                });
                Pin { secret: secret.unwrap_or(HIDDEN), most, left, is_default }
            });
            let containers = self.containers(&mut host, &guesses[0]);
            let mut host = fresh();
            open(&mut host);
            for pin_type in [PinType::Administrator, PinType::User] {
                if let Some(text) = PIN_TEXTS.get(pins[pin_type as usize].secret) {
                    host.verify(pin_type, text).unwrap();
                }
            }
            let files = host.files().into_iter().map(|name| {
                let file = host.file_info(&name).ok().map(|FileInfo { read, write, .. }| File {
                    read,
                    write,
                    content: host.read_whole(&name).unwrap(),
                    written: BTreeSet::new(),
                });
                (number_of(&name, &FILE_NAMES), file)
            });
            let files = files.collect();
            applications.insert(number, Application { pins, containers, files });
        }
        let device_key = device_key.unwrap_or(HIDDEN);
        (Durable { label, device_key, device_tries, applications }, free_space)
    }

    fn containers(&mut self, host: &mut Host, model: &Model) -> BTreeMap<Name, Container> {
        let application = host.application;
        let names = host.names(&EnumContainer { application });
        let look = |name: Vec<u8>| {
            host.open_container(&name).unwrap();
            let pairs =
                KeyUse::ALL.map(|key_use| host.public_key(key_use).ok().map(|key| self.pair(key, model)));
            let certificates = KeyUse::ALL.map(|key_use| {
                let bytes = host.certificate(key_use).ok()?;
                Some((0..CERTIFICATES).find(|number| certificate(*number) == bytes).expect("as it was given"))
            });
            let number = number_of(&name, &CONTAINER_NAMES);
            assert_ne!(number, LONG_NAME);
            (number, Container { pairs, certificates })
        };
        names.into_iter().map(look).collect()
    }
}
