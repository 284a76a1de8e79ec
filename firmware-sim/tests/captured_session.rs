//! A captured session of a commercial token, replayed against this one: set up alike, in its dialect, with the same
//! random bytes, it answers alike. The capture is not part of the repository: the test reads it from beside the checkout
//! where it is there, and says so where it is not. That a host decodes it is a test of `ukey-apdu`.
//!
//! ```text
//! cargo test -p ukey-firmware --test captured_session -- --nocapture
//! ```
//!
//! prints which exchanges are equal, and why the others are not.
#![allow(clippy::print_stdout, reason = "the table is what the test is run for")]

mod support;

use core::convert::Infallible;

use crc::{CRC_32_ISO_HDLC, Crc};
use rand_chacha::{ChaCha20Rng, rand_core};
use support::*;
use ukey_apdu::Dialect;
use ukey_apdu::command::*;
use ukey_firmware::sim::{SimClock, SimFlash, SimLed, SimPlatform};
use ukey_firmware::{Identity, MAX_ANSWER, Parts, Platform, Policy, SelfTest, Settings, Token};

const CAPTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures/gm3000-session.json");

const APPLICATION: &[u8] = b"GM3000RSA";
const CONTAINER: &[u8] = b"DefaultContainer";
const BITS: usize = 4;

/// A command and what the commercial token answered, status word included.
struct Exchange {
    name: String,
    command: Vec<u8>,
    answer: Vec<u8>,
}

fn capture() -> Option<Vec<Exchange>> {
    let session: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(CAPTURE).ok()?).unwrap();
    let bytes = |value: &serde_json::Value| hex::decode(value.as_str().unwrap()).unwrap();
    let exchange = |value: &serde_json::Value| Exchange {
        name: value["name"].as_str().unwrap().to_owned(),
        command: bytes(&value["cmd"]),
        answer: [bytes(&value["rsp"]), bytes(&value["sw"])].concat(),
    };
    Some(session["exchanges"].as_array().unwrap().iter().map(exchange).collect())
}

// ---- the same random bytes ----

/// Chance that begins with these bytes.
struct Played {
    first: Vec<u8>,
    then: ChaCha20Rng,
}

impl rand_core::TryRng for Played {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.then.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.then.try_next_u64()
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.then.try_fill_bytes(out)?;
        let count = out.len().min(self.first.len());
        out.iter_mut().zip(self.first.drain(..count)).for_each(|(cell, byte)| *cell = byte);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Played {}

struct PlayedPlatform {
    flash: SimFlash,
    rng: Played,
    led: SimLed,
    clock: SimClock,
}

impl Platform for PlayedPlatform {
    type Flash = SimFlash;
    type Rng = Played;
    type Led = SimLed;
    type Delay = SimClock;

    fn parts(&mut self) -> Parts<'_, Self> {
        Parts { flash: &mut self.flash, rng: &mut self.rng, led: &mut self.led, delay: &mut self.clock }
    }
}

// ---- set up alike ----

/// Puts one value in the place of another of the same length, which is in the flash exactly once, with its check sum.
fn replace_value(image: &mut [u8], from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    let check = |value: &[u8]| Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(value).to_le_bytes();
    let places: Vec<usize> = (0..image.len()).filter(|place| image[*place..].starts_with(from)).collect();
    let [place] = places[..] else { panic!("found {} times", places.len()) };
    let sum = place + from.len().next_multiple_of(4);
    assert_eq!(image[sum..sum + 4], check(from));
    image[place..place + to.len()].copy_from_slice(to);
    image[sum..sum + 4].copy_from_slice(&check(to));
}

/// The flash of a token with the application, the container, the certificate and the public key of the session. What no
/// command can bring in is written to the flash: limits that are not stated, and a public key whose private key nobody
/// here has.
fn flash(certificate: &[u8], public_key: &[u8]) -> Vec<u8> {
    let mut host = Host::blank(1);
    host.send(&SetLabel { label: b"GM3000" }).unwrap();
    host.authenticate().unwrap();
    let limits = CreateApplication {
        name: APPLICATION,
        admin_pin: pin(ADMIN),
        admin_retries: TRIES,
        user_pin: pin(USER),
        user_retries: TRIES,
        create_file: Rights::ANYONE,
        max_containers: 1,
        max_certificates: 1,
        max_files: 1,
    };
    host.send(&limits).unwrap();
    let answer = host.send(&OpenApplication { name: APPLICATION }).unwrap();
    host.application = ApplicationInfo::read(&answer, &GM).unwrap().id;
    host.verify(PinType::User, USER).unwrap();
    host.create_container(CONTAINER).unwrap();
    let EccPublicKey { x, y } = host.generate().unwrap();
    host.import_certificate(KeyUse::Sign, certificate).unwrap();
    let mut image = host.image();

    let application = |limit: u8| [&[9][..], APPLICATION, &[0xFF, 1], &[limit; 3]].concat();
    replace_value(&mut image, &application(1), &application(0));
    // The record of the key pair begins with d and ends after (1 + d)⁻¹.
    let own = [x, y].concat();
    let place = (32..image.len()).find(|place| image[*place..].starts_with(&own)).unwrap() - 32;
    let record = image[place..place + 32 + own.len() + 1 + 32].to_vec();
    let other = [&record[..32], public_key, &record[32 + own.len()..]].concat();
    replace_value(&mut image, &record, &other);
    image
}

fn token(session: &[Exchange]) -> Token<PlayedPlatform> {
    let answer = |number: usize| session[number - 1].answer.split_last_chunk::<2>().unwrap().0;
    let certificate = [answer(11), answer(12)].concat();
    let info = DevInfo::read(answer(3), &Dialect::GM3000).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let settings = Settings {
        dialect: Dialect::GM3000,
        // The public key in the flash has no private key there.
        policy: Policy {
            max_apdu_data: info.max_apdu_data,
            self_test: SelfTest { records: false, ..SelfTest::ALL },
            ..Policy::default()
        },
        identity: Identity {
            manufacturer: text(info.manufacturer).as_str().try_into().unwrap(),
            issuer: text(info.issuer).as_str().try_into().unwrap(),
            serial_number: text(info.serial_number).as_str().try_into().unwrap(),
        },
    };
    let image = flash(&certificate[BITS..], &answer(13)[BITS..]);
    let SimPlatform { flash, rng, led, clock } = SimPlatform::with_image([2; 32], image).unwrap();
    let rng = Played { first: answer(6).to_vec(), then: rng };
    let platform = PlayedPlatform { flash, rng, led, clock };
    Token::power_on(platform, settings).map_err(|(error, _)| error).unwrap()
}

// ---- the comparison ----

/// Where our device information may say something else: what this token is and can, not how it says so.
const OWN: core::ops::Range<usize> = 196..234;

/// Why an exchange is allowed to differ, from our answer; `None` when it must be equal.
fn reason(number: usize, exchange: &Exchange, ours: &[u8]) -> Option<&'static str> {
    let (_, word) = ours.split_last_chunk::<2>().unwrap();
    match number {
        1 | 10 => {
            assert_eq!(word, &[0x6E, 0x00]);
            Some("a vendor's own command, class C0")
        }
        2 => {
            assert_eq!(word, &[0x6A, 0x86]);
            Some("a vendor's own short form, P1 = 01")
        }
        3 | 14 => {
            let same = |part: core::ops::Range<usize>| assert_eq!(ours[part.clone()], exchange.answer[part]);
            same(0..OWN.start);
            // The authentication key's algorithm and the most data of a command.
            same(212..216);
            same(224..226);
            same(OWN.end..290);
            Some("versions, algorithms, space and limits are this token's own")
        }
        17 => {
            assert_eq!((ours.len(), &ours[..BITS]), (exchange.answer.len(), &exchange.answer[..BITS]));
            Some("a signature: another private key and another nonce")
        }
        _ => None,
    }
}

#[test]
fn a_token_set_up_alike_answers_alike() {
    let Some(session) = capture() else {
        println!("skipped: no captured session beside the checkout");
        return;
    };
    let mut token = token(&session);
    let mut equal = Vec::new();
    for (number, exchange) in (1..).zip(&session) {
        let mut answer = [0; MAX_ANSWER];
        let length = token.exchange(&exchange.command, &mut answer);
        let ours = &answer[..length];
        let verdict = match reason(number, exchange, ours) {
            Some(why) => format!("differs: {why}"),
            None => {
                assert_eq!(hex::encode(ours), hex::encode(&exchange.answer), "{number} {}", exchange.name);
                equal.push(number);
                "equal".to_owned()
            }
        };
        println!("{number:>2}  {:<52}  {verdict}", exchange.name);
    }
    assert_eq!(session.len(), 18);
    assert_eq!(equal, [4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 18]);
}

/// The comparison can fail: other random bytes, and the captured cryptogram is a wrong PIN.
#[test]
fn a_token_with_other_random_bytes_answers_otherwise() {
    let Some(session) = capture() else { return };
    let mut token = token(&session);
    token.platform().rng.first = vec![1, 2, 3, 4, 5, 6, 7, 8];
    let mut answers = session.iter().map(|exchange| {
        let mut answer = [0; MAX_ANSWER];
        let length = token.exchange(&exchange.command, &mut answer);
        answer[..length].to_vec()
    });
    assert_eq!(answers.nth(5).unwrap(), [&[1, 2, 3, 4, 5, 6, 7, 8][..], &[0x90, 0x00]].concat());
    assert_eq!(answers.next().unwrap(), [0x63, 0xC9]);
}
