//! The self-test: each failure stops the token, which then does nothing but say who it is, until the power goes and all is
//! well again (GM/T 0027-2014 clause 5.5).

mod support;

use crc::{CRC_32_ISO_HDLC, Crc};
use rand_chacha::ChaCha20Rng;
use rand_core::{TryCryptoRng, TryRng};
use support::fixture::*;
use support::*;
use ukey_apdu::Status;
use ukey_apdu::command::*;
use ukey_apdu::ins::Ins;
use ukey_firmware::chance::{Drbg, Entropy, Unsound};
use ukey_firmware::sim::{SimClock, SimFlash, SimLed, SimPlatform};
use ukey_firmware::{Fault, Firmware, MAX_ANSWER, Parts, Platform, Policy, SelfTest, Settings, Token};

const STOPPED: Status = Status::MEMORY_UNCHANGED;

/// Noise that is sound for so many samples; then always the same, or none.
struct Noise {
    rng: ChaCha20Rng,
    sound: usize,
    then: Option<u8>,
}

impl Noise {
    fn sound() -> Self {
        Self::until(usize::MAX, None)
    }

    fn until(sound: usize, then: Option<u8>) -> Self {
        Self { rng: SimPlatform::new([9; 32]).rng, sound, then }
    }
}

impl Entropy for Noise {
    const BITS_PER_SAMPLE: u8 = 8;

    fn sample(&mut self, samples: &mut [u8]) -> Result<(), Unsound> {
        let Ok(()) = self.rng.try_fill_bytes(samples);
        for sample in samples {
            match (self.sound, self.then) {
                (0, None) => return Err(Unsound::Silent),
                (0, Some(value)) => *sample = value,
                _ => self.sound -= 1,
            }
        }
        Ok(())
    }
}

/// A platform whose firmware, noise and generator can be spoilt.
struct Spoilt<R> {
    flash: SimFlash,
    rng: R,
    led: SimLed,
    clock: SimClock,
    firmware: Option<(Vec<u8>, [u8; 32])>,
}

impl<R: TryCryptoRng> Spoilt<R> {
    fn new(image: Vec<u8>, rng: R) -> Self {
        let flash = SimFlash::from_image(image).unwrap();
        Self { flash, rng, led: SimLed::default(), clock: SimClock::default(), firmware: None }
    }
}

impl<R: TryCryptoRng> Platform for Spoilt<R> {
    type Flash = SimFlash;
    type Rng = R;
    type Led = SimLed;
    type Delay = SimClock;

    fn parts(&mut self) -> Parts<'_, Self> {
        Parts { flash: &mut self.flash, rng: &mut self.rng, led: &mut self.led, delay: &mut self.clock }
    }

    fn firmware(&self) -> Option<Firmware<'_>> {
        self.firmware.as_ref().map(|(image, digest)| Firmware { image, digest: *digest })
    }
}

/// Everything is tested.
fn strict() -> Policy {
    Policy { self_test: SelfTest::ALL, ..Policy::default() }
}

fn on<P: Platform>(platform: P) -> Token<P> {
    Token::power_on(platform, Settings { policy: strict(), ..Settings::default() })
        .map_err(|(error, _)| error)
        .unwrap()
}

fn send<P: Platform>(token: &mut Token<P>, command: &[u8]) -> (Vec<u8>, Status) {
    let mut answer = [0; MAX_ANSWER];
    let length = token.exchange(command, &mut answer);
    let (data, word) = answer[..length].split_last_chunk::<2>().unwrap();
    (data.to_vec(), Status(u16::from_be_bytes(*word)))
}

const RANDOM: [u8; 7] = [0x80, 0x50, 0, 0, 0, 0, 16];
const INFO: [u8; 7] = [0x80, 0x04, 0, 0, 0, 1, 0x20];

/// Every command is refused, none changes anything, and the token still says who it is.
fn has_stopped<P: Platform<Flash = SimFlash>>(token: &mut Token<P>, fault: Fault) {
    assert_eq!(token.fault(), Some(fault));
    let image = token.platform().parts().flash.image().to_vec();
    for ins in Ins::ALL.iter().filter(|ins| **ins != Ins::GetDevInfo) {
        for command in [vec![0x80, *ins as u8, 0, 0], vec![0x80, *ins as u8, 0, 0, 0, 0, 8]] {
            assert_eq!(send(token, &command), (vec![], STOPPED), "{}", ins.name());
        }
    }
    let label = [&[0x80, 0x02, 0, 0, 0, 0, 4][..], b"mine"].concat();
    assert_eq!(send(token, &label), (vec![], STOPPED));
    assert_eq!(send(token, &[0x90, 0x02, 0, 0, 0, 0, 1, b'm']), (vec![], STOPPED), "a chain");
    assert_eq!(send(token, &[0x80, 0xFE, 0, 0]), (vec![], STOPPED), "an unknown command");
    let (info, status) = send(token, &INFO);
    assert_eq!((info.len(), status), (288, Status::OK));
    let info = DevInfo::read(&info, &GM).unwrap();
    assert_eq!(info.serial_number, b"0000000000000000");
    assert_eq!(token.platform().parts().flash.image(), image);
    assert_eq!(token.fault(), Some(fault), "it lasts");
}

fn blank() -> Vec<u8> {
    vec![0xFF; SimFlash::SIZE]
}

#[test]
fn a_sound_token_has_nothing_to_say() {
    let image = flash(&fixture_with_files());
    let digest = hex::decode("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0").unwrap();
    let mut platform = Spoilt::new(image, Drbg::new(Noise::sound()));
    platform.firmware = Some((b"abc".to_vec(), digest.try_into().unwrap()));
    let mut token = on(platform);
    assert_eq!(token.fault(), None);
    let random = send(&mut token, &RANDOM);
    assert_eq!((random.0.len(), random.1), (16, Status::OK));
    assert_ne!(send(&mut token, &RANDOM).0, random.0);
}

#[test]
fn a_changed_firmware_stops_it() {
    let mut platform = Spoilt::new(blank(), Drbg::new(Noise::sound()));
    platform.firmware = Some((b"abd".to_vec(), [0x66; 32]));
    let mut token = on(platform);
    has_stopped(&mut token, Fault::Firmware);
    let mut platform = token.power_off();
    platform.firmware = None;
    assert_eq!(on(platform).fault(), None, "the right firmware is back");
}

#[test]
fn noise_that_fails_its_start_up_test_stops_it() {
    let mut token = on(Spoilt::new(blank(), Drbg::new(Noise::until(1000, Some(0xA5)))));
    has_stopped(&mut token, Fault::Chance(Unsound::Silent));
    assert_eq!(token.platform().rng.failure(), Some(Unsound::Repetition), "the generator says more");
    let silent = Noise::until(0, None);
    has_stopped(&mut on(Spoilt::new(blank(), Drbg::new(silent))), Fault::Chance(Unsound::Silent));
}

/// Sound for some bytes, then one value.
struct Stuck(ChaCha20Rng, usize);

impl TryRng for Stuck {
    type Error = core::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        self.0.try_fill_bytes(out)?;
        for byte in out {
            match self.1 {
                0 => *byte = 0xFF,
                _ => self.1 -= 1,
            }
        }
        Ok(())
    }
}

impl TryCryptoRng for Stuck {}

/// Who has logged in has drawn 32 bytes; the last of what each command draws are the same.
#[test]
fn chance_that_fails_in_the_middle_of_a_command_gives_nothing_and_changes_nothing() {
    let whole = |token: &mut Token<Spoilt<Stuck>>, ins: u8, p1: u8, data: &[u8]| {
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        send(token, &[&[0x80, ins, p1, 0, 0][..], &length, data].concat())
    };
    let bits = 256_u32.to_be_bytes();
    let key = {
        let mut host = Host::provisioned(1);
        let EccPublicKey { x, y } = host.public_key(KeyUse::Sign).unwrap();
        [&bits[..], &x, &y].concat()
    };
    let image = Host::provisioned(1).image();
    let cases: [(&str, usize, u8, u8, Vec<u8>); 5] = [
        ("GenRandom", 16, 0x50, 0, vec![]),
        ("GenECCKeyPair", 32, 0x70, 0, bits.to_vec()),
        ("ECCSignData", 32, 0x74, 2, vec![7; 32]),
        ("ECCExportSessionKey", 16, 0x78, 0, [&key[..], &SGD_SM4_ECB.to_be_bytes()].concat()),
        ("ExtECCEncrypt", 32, 0x7A, 0, [&key[..], &[0, 0, 0, 1, 1]].concat()),
    ];
    for (name, drawn, ins, p1, data) in cases {
        for sound in [usize::MAX, 32 + drawn - 8] {
            let mut token = on(Spoilt::new(image.clone(), Stuck(SimPlatform::new([3; 32]).rng, sound)));
            let (application, status) = whole(&mut token, 0x26, 0, NAME);
            assert_eq!(status, Status::OK);
            let application = *application.last_chunk::<2>().unwrap();
            let challenge = send(&mut token, &[0x80, 0x50, 0, 0, 0, 0, 8]).0;
            let pin_key = ukey_apdu::pin::PinKey::derive(&GM, &pin(USER));
            let cryptogram = pin_key.cryptogram(&GM, &challenge.try_into().unwrap());
            let verify = [&[0x80, 0x18, 0, 1, 0, 0, 18][..], &application, &cryptogram].concat();
            assert_eq!(send(&mut token, &verify).1, Status::OK);
            let (container, status) = whole(&mut token, 0x42, 0, &[&application[..], b"DEV"].concat());
            assert_eq!(status, Status::OK);
            let before = token.platform().flash.image().to_vec();
            let (answer, status) = match ins {
                0x50 => send(&mut token, &RANDOM),
                0x7A => whole(&mut token, ins, p1, &data),
                _ => whole(&mut token, ins, p1, &[&application[..], &container, &data].concat()),
            };
            if sound == usize::MAX {
                assert_eq!((status, token.fault()), (Status::OK, None), "{name} works with sound chance");
            } else {
                assert_eq!((answer, status), (vec![], STOPPED), "{name}");
                assert_eq!(token.platform().flash.image(), before, "{name}: no key is made");
                has_stopped(&mut token, Fault::Chance(Unsound::Repetition));
                let mut platform = token.power_off();
                platform.rng.1 = usize::MAX;
                let mut token = on(platform);
                assert_eq!((token.fault(), send(&mut token, &RANDOM).1), (None, Status::OK), "{name}");
            }
        }
    }
}

#[test]
fn unsound_noise_is_found_when_the_generator_takes_it_in() {
    const FIRST: usize = 1024 + 48;
    let mut token = on(Spoilt::new(blank(), Drbg::new(Noise::until(FIRST, Some(0)))));
    for _ in 0..1024 {
        assert_eq!(send(&mut token, &RANDOM).1, Status::OK, "as long as the first seed lasts");
    }
    assert_eq!(send(&mut token, &RANDOM), (vec![], STOPPED));
    has_stopped(&mut token, Fault::Chance(Unsound::Silent));
    assert_eq!(token.platform().rng.failure(), Some(Unsound::Repetition));
}

#[test]
fn a_damaged_value_stops_it_wherever_it_lies() {
    let image = flash(&fixture_with_files());
    let sound = Host::with(platform(image.clone()), strict()).token.fault();
    assert_eq!(sound, None);
    let mut stopped = 0;
    let values = values(&image);
    assert!(values.len() > 20, "{}", values.len());
    for (number, value) in values.iter().enumerate() {
        let mut image = image.clone();
        image[value + number % 2] ^= 1 << (number % 8);
        let mut host = Host::with(platform(image.clone()), strict());
        // What was replaced or deleted long ago is nobody's value.
        if host.token.fault().is_none() {
            continue;
        }
        has_stopped(&mut host.token, Fault::Record);
        stopped += 1;
        let policy = Policy { self_test: SelfTest::LEAST, ..Policy::default() };
        let mut host = Host::with(platform(image), policy);
        assert_eq!(host.token.fault(), None, "nobody looked");
        assert_eq!(host.raw(&RANDOM).1, Status::OK);
    }
    assert!(stopped >= 15, "{stopped} of {} values live", values.len());
}

/// Where the values of the log lie.
fn values(image: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    for page in (2 * PAGE..image.len()).step_by(PAGE).filter(|&page| image[page..].starts_with(b"UKEY")) {
        let mut at = page + 16;
        while let Some(header) = image.get(at..at + 16).filter(|header| header[0] != 0xFF) {
            let length = usize::from(u16::from_le_bytes([header[2], header[3]]));
            if length > 1 {
                found.push(at + 16);
            }
            at += 16 + if length == 0 { 0 } else { length.next_multiple_of(4) + 4 };
        }
    }
    found
}

/// A pair whose private key is another, its check sum right.
fn with_a_wrong_pair() -> Vec<u8> {
    let mut host = Host::provisioned(1);
    let EccPublicKey { x, y } = host.public_key(KeyUse::Sign).unwrap();
    let mut image = host.image();
    let own = [x, y].concat();
    let place = image.windows(64).position(|window| window == own).unwrap() - 32;
    image[place + 31] ^= 1;
    let length = 32 + 64 + 1 + 32;
    let check = Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(&image[place..place + length]);
    let sum = place + length.next_multiple_of(4);
    image[sum..sum + 4].copy_from_slice(&check.to_le_bytes());
    image
}

#[test]
fn a_pair_that_does_not_belong_together_stops_it_when_it_is_used() {
    let image = with_a_wrong_pair();
    let ready = |policy| {
        let mut host = Host::with(platform(image.clone()), policy);
        host.open().unwrap();
        host.open_container(b"DEV").unwrap();
        host.verify(PinType::User, USER).unwrap();
        host
    };
    let mut host = ready(strict());
    assert_eq!(host.token.fault(), None, "it costs a multiplication: not at power-on");
    assert_eq!(host.sign([7; 32]), Err(STOPPED), "no signature leaves");
    has_stopped(&mut host.token, Fault::KeyPair);
    assert_eq!(ready(strict()).public_key(KeyUse::Sign), Err(STOPPED), "nor a public key for requests");
    let lenient = Policy::default();
    assert!(ready(lenient).sign([7; 32]).is_ok(), "nobody looked");
    let mut host = ready(strict());
    host.generate().unwrap();
    assert!(host.sign([7; 32]).is_ok(), "a new pair takes its place unread");
}
