//! Tokens in real readers: pcscd drives vpcd, and OpenSC's tools, pcsc_scan, pyscard and our own link find the tokens
//! there. `.ci/with-readers` brings the readers and tells where they are.
//!
//! What is not there skips its tests with a line that says what brings it; with `CI=true` they fail.

mod bays;
mod link;
mod programs;

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ukey_device::link::pcsc::{self, CardState};
use ukey_device::{
    CreateApplication, Device, DeviceKey, Hand, Options, Pin, PinType, Rights, Simulator, Target,
};
use ukey_serve::Key;
use ukey_serve::vpcd::{ATR, Reader};

use bays::Bays;

/// Long enough that only a fault lets it pass.
const LIMIT: Duration = Duration::from_secs(60);
const APPLICATION: &str = "UKEY";
const USER: &str = "12345678";

fn pin(text: &str) -> Pin {
    Pin::new(text.as_bytes()).unwrap()
}

/// A token with an application.
fn token(seed: u64) -> Simulator {
    let simulator = Simulator::fresh(&Options { seed: Some(seed), ..Options::default() }).unwrap();
    let device = Device::connect(&simulator).unwrap();
    device.authenticate(&DeviceKey(*b"1234567812345678")).unwrap();
    let application = CreateApplication {
        name: APPLICATION.as_bytes(),
        admin_pin: pin("87654321"),
        admin_retries: 10,
        user_pin: pin(USER),
        user_retries: 10,
        create_file: Rights::USER,
        max_containers: 8,
        max_certificates: 16,
        max_files: 8,
    };
    device.create_application(&application).unwrap();
    simulator
}

/// A token in a reader, until this is dropped.
struct Inserted {
    key: Key,
    reader: Arc<Reader>,
    name: String,
    thread: Option<JoinHandle<()>>,
}

impl Inserted {
    /// Puts a token in a reader, and waits until it is seen there.
    fn into(bays: &Bays, number: usize, seed: u64) -> Inserted {
        let key = Key::new(token(seed));
        let reader = Arc::new(Reader::new(&key, bays.address(number)));
        let runs = reader.clone();
        let thread = Some(thread::spawn(move || runs.run().unwrap()));
        let inserted = Inserted { key, reader, name: bays.name(number), thread };
        inserted.is_seen();
        inserted
    }

    fn is_seen(&self) {
        let state = pcsc::wait_for_card(&self.name, true, LIMIT).unwrap();
        assert_eq!(state.card, CardState::Present { atr: ATR.to_vec() }, "{:?}", self.reader.problem());
    }

    fn is_gone(&self) {
        assert_eq!(pcsc::wait_for_card(&self.name, false, LIMIT).unwrap().card, CardState::Absent);
    }

    fn serial_number(&self) -> String {
        self.key.simulator().serial_number()
    }

    fn target(&self) -> Target {
        Target::Pcsc { reader: self.name.clone() }
    }

    fn connect(&self) -> Device {
        self.target().connect(&Options::default()).unwrap()
    }
}

impl Drop for Inserted {
    fn drop(&mut self) {
        self.key.stop();
        // A failed test has told why already.
        let _ = self.thread.take().map(JoinHandle::join);
        // Whoever takes the bay next must not find this card.
        let _ = pcsc::wait_for_card(&self.name, false, LIMIT);
    }
}

/// Wrong costs a try, right gives it back; what was proved ends with the power.
fn a_pin_is_verified(device: &Device) {
    let application = device.open_application(APPLICATION).unwrap();
    let wrong = application.verify_pin(PinType::User, &pin("00000000")).unwrap_err();
    assert_eq!(wrong.tries_left(), Some(9), "{wrong}");
    application.verify_pin(PinType::User, &pin(USER)).unwrap();
    assert_eq!(application.pin_info(PinType::User).unwrap().remaining, 10);
}

#[test]
fn sixteen_readers_have_their_own_tokens() {
    let Some(bays) = Bays::take(16) else { return };
    let inserted: Vec<Inserted> =
        (0..16).map(|number| Inserted::into(&bays, number, 100 + number as u64)).collect();
    thread::scope(|scope| {
        for token in &inserted {
            scope.spawn(move || {
                let device = token.connect();
                assert_eq!(device.info().unwrap().serial_number, token.serial_number(), "{}", token.name);
                a_pin_is_verified(&device);
            });
        }
    });
    let mut numbers: Vec<String> = inserted.iter().map(Inserted::serial_number).collect();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 16);
    let readers = pcsc::readers().unwrap();
    assert_eq!(readers.len(), 16);
    for reader in readers {
        assert_eq!(reader.card, CardState::Present { atr: ATR.to_vec() }, "{}", reader.name);
    }
}

/// pcscd ends with everything it knew, and comes back: so does the token, blank.
#[test]
fn a_token_comes_back_when_the_readers_do() {
    let Some(bays) = Bays::take(16) else { return };
    let token = Inserted::into(&bays, 0, 1);
    let device = token.connect();
    a_pin_is_verified(&device);
    let Some(()) = bays.restart(8) else { return };

    assert!(device.info().unwrap_err().is_removed());
    device.reconnect().unwrap();
    assert_eq!(device.info().unwrap().serial_number, token.serial_number());
    a_pin_is_verified(&device);
    token.is_seen();
    token.key.unplug();
    token.is_gone();
}
