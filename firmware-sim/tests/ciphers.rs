//! A session key encrypts, decrypts and makes MACs as the standards say, in one or in parts; and what is out of order,
//! of a wrong length or of a key that is not there is refused and changes nothing.

mod support;

use proptest::prelude::*;
use support::*;
use ukey_apdu::command::*;
use ukey_apdu::dialect::DecryptInitForm;
use ukey_apdu::{Ins, Status};

const KEY: &str = "0123456789abcdeffedcba9876543210";
const IV: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const PLAIN: &str = "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffffaaaaaaaabbbbbbbb";

/// draft-ribose-cfrg-sm4-10 annex A.2.
const KNOWN: [(u32, &str); 4] = [
    (SGD_SM4_ECB, "5ec8143de509cff7b5179f8f474b86192f1d305a7fb17df985f81c8482192304"),
    (SGD_SM4_CBC, "78ebb11cc40b0a48312aaeb2040244cb4cb7016951909226979b0d15dc6a8f6d"),
    (SGD_SM4_CFB, "ac3236cb861dd316e6413b4e3c7524b769d4c54ed433b9a0346009beb37b2b3f"),
    (SGD_SM4_OFB, "ac3236cb861dd316e6413b4e3c7524b71d01aca2487ca582cbf5463e6698539b"),
];

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

/// What a key is used for: the four commands of it.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Use {
    Encipher,
    Decipher,
    Authenticate,
}

use Use::*;

const USES: [Use; 3] = [Encipher, Decipher, Authenticate];

impl Use {
    fn init(
        self,
        host: &mut Host,
        key: KeyHandle,
        parameters: CipherParameters<'_>,
    ) -> Result<Vec<u8>, Status> {
        match self {
            Encipher => host.send(&EncryptInit { key, parameters }),
            Decipher => host.send(&DecryptInit { key, parameters }),
            Authenticate => host.send(&MacInit { key, parameters }),
        }
    }

    fn one(self, host: &mut Host, key: KeyHandle, data: &[u8]) -> Result<Vec<u8>, Status> {
        let data = Data(data);
        match self {
            Encipher => host.send(&Encrypt { key, data }),
            Decipher => host.send(&Decrypt { key, data }),
            Authenticate => host.send(&Mac { key, data }),
        }
    }

    fn update(self, host: &mut Host, key: KeyHandle, data: &[u8]) -> Result<Vec<u8>, Status> {
        let data = Data(data);
        match self {
            Encipher => host.send(&EncryptUpdate { key, data }),
            Decipher => host.send(&DecryptUpdate { key, data }),
            Authenticate => host.send(&MacUpdate { key, data }),
        }
    }

    fn finish(self, host: &mut Host, key: KeyHandle, data: &[u8]) -> Result<Vec<u8>, Status> {
        let data = Data(data);
        match self {
            Encipher => host.send(&EncryptFinal { key, data }),
            Decipher => host.send(&DecryptFinal { key, data }),
            Authenticate => host.send(&MacFinal { key, data }),
        }
    }

    /// Begins and does all in one.
    fn all(
        self,
        host: &mut Host,
        key: KeyHandle,
        parameters: CipherParameters<'_>,
        data: &[u8],
    ) -> Result<Vec<u8>, Status> {
        self.init(host, key, parameters).unwrap();
        self.one(host, key, data)
    }

    fn algorithm(self) -> u32 {
        if self == Authenticate { SGD_SM4_MAC } else { SGD_SM4_CBC }
    }

    fn parameters(self) -> CipherParameters<'static> {
        CipherParameters::new(self.algorithm(), &IV)
    }
}

/// A blank token with the standard's key, held by the device itself and made for CBC.
fn with_key() -> (Host, KeyHandle) {
    let mut host = Host::blank(1);
    let key = host.set_symm_key_for(SGD_SM4_CBC, KeyHolder::DEVICE, &hex(KEY)).unwrap();
    (host, key)
}

#[test]
fn the_known_answers_in_one_and_in_parts() {
    let plain = hex(PLAIN);
    let mut host = Host::blank(1);
    for (algorithm, expected) in KNOWN {
        let key = host.set_symm_key_for(algorithm, KeyHolder::DEVICE, &hex(KEY)).unwrap();
        let parameters = CipherParameters::new(algorithm, &IV);
        let sealed = hex(expected);
        assert_eq!(Encipher.all(&mut host, key, parameters, &plain).unwrap(), sealed);
        assert_eq!(Decipher.all(&mut host, key, parameters, &sealed).unwrap(), plain);
        for (what, data, expected) in [(Encipher, &plain, &sealed), (Decipher, &sealed, &plain)] {
            what.init(&mut host, key, parameters).unwrap();
            let mut joined = what.update(&mut host, key, &data[..5]).unwrap();
            assert_eq!(joined, b"", "no block is whole yet");
            joined.extend(what.update(&mut host, key, &data[5..29]).unwrap());
            assert_eq!(joined.len(), 16);
            joined.extend(what.finish(&mut host, key, &data[29..]).unwrap());
            assert_eq!(&joined, expected);
        }
    }
    let key = host.set_symm_key(KeyHolder::DEVICE, &hex(KEY)).unwrap();
    assert_eq!(
        Authenticate.all(&mut host, key, Authenticate.parameters(), &plain).unwrap(),
        hex(KNOWN[1].1)[16..]
    );
    Authenticate.init(&mut host, key, CipherParameters::new(SGD_SM4_CBC, &IV)).unwrap();
    assert_eq!(Authenticate.update(&mut host, key, &plain[..31]).unwrap(), b"", "nothing comes out");
    assert_eq!(Authenticate.finish(&mut host, key, &plain[31..]).unwrap(), hex(KNOWN[1].1)[16..]);
}

#[test]
fn out_of_order_is_refused() {
    let (mut host, key) = with_key();
    let refused = Err(Status::CONDITIONS_NOT_SATISFIED);
    let block = [7; 16];
    let nothing_begun = |host: &mut Host, what: Use| {
        assert_eq!(what.one(host, key, &block), refused, "{what:?}");
        assert_eq!(what.update(host, key, &block), refused, "{what:?}");
        assert_eq!(what.finish(host, key, &block), refused, "{what:?}");
    };
    for what in USES {
        nothing_begun(&mut host, what);
        what.init(&mut host, key, what.parameters()).unwrap();
        USES.into_iter().filter(|other| *other != what).for_each(|other| nothing_begun(&mut host, other));
        what.one(&mut host, key, &block).unwrap();
        nothing_begun(&mut host, what);
        what.init(&mut host, key, what.parameters()).unwrap();
        what.update(&mut host, key, &block).unwrap();
        assert_eq!(what.one(&mut host, key, &block), refused, "a part has come already");
        what.finish(&mut host, key, &block).unwrap();
        nothing_begun(&mut host, what);
    }
}

#[test]
fn a_second_beginning_forgets_the_first() {
    let (mut host, key) = with_key();
    for what in USES {
        let expected = what.all(&mut host, key, what.parameters(), &[7; 32]).unwrap();
        what.init(&mut host, key, what.parameters()).unwrap();
        what.update(&mut host, key, &[9; 23]).unwrap();
        assert_eq!(what.all(&mut host, key, what.parameters(), &[7; 32]).unwrap(), expected, "{what:?}");
    }
}

/// Every command of every use fails with this word for the key.
fn no_key(host: &mut Host, key: KeyHandle, word: Status) {
    for what in USES {
        assert_eq!(what.init(host, key, what.parameters()), Err(word), "{what:?}");
        assert_eq!(what.one(host, key, &[7; 16]), Err(word), "{what:?}");
        assert_eq!(what.update(host, key, &[7; 16]), Err(word), "{what:?}");
        assert_eq!(what.finish(host, key, &[7; 16]), Err(word), "{what:?}");
    }
}

#[test]
fn a_key_that_is_not_there_does_nothing() {
    let mut host = Host::provisioned(1);
    let never = KeyHandle { holder: KeyHolder::DEVICE, key: SessionKeyId(0x5000) };
    no_key(&mut host, never, Status::NO_SYMMETRIC_KEY);
    let key = host.set_symm_key(host.holder(), &hex(KEY)).unwrap();
    USES.into_iter().for_each(|what| drop(what.init(&mut host, key, what.parameters()).unwrap()));
    no_key(&mut host, KeyHandle { holder: KeyHolder::DEVICE, ..key }, Status::NO_SYMMETRIC_KEY);
    host.create_container(b"OTHER").unwrap();
    let other = KeyHandle { holder: host.holder(), ..key };
    no_key(&mut host, other, Status::NO_SYMMETRIC_KEY);
    let (application, container) = (key.holder.application, key.holder.container);
    host.send(&CloseContainer { application, container }).unwrap();
    no_key(&mut host, key, Status::NO_SUCH_CONTAINER);
    host.send(&CloseApplication { application }).unwrap();
    no_key(&mut host, key, Status::NO_SUCH_APPLICATION);
    host.open().unwrap();
    host.open_container(b"DEV").unwrap();
    Encipher.one(&mut host, key, &[7; 16]).unwrap();
    host.destroy(key).unwrap();
    no_key(&mut host, key, Status::NO_SYMMETRIC_KEY);
    let device = host.set_symm_key(KeyHolder::DEVICE, &hex(KEY)).unwrap();
    Encipher.init(&mut host, device, Encipher.parameters()).unwrap();
    no_key(&mut host.restart(), device, Status::NO_SYMMETRIC_KEY);
}

#[test]
fn a_key_serves_who_has_its_container_open_with_or_without_a_right() {
    let mut host = Host::provisioned(1);
    let key = host.set_symm_key(host.holder(), &hex(KEY)).unwrap();
    let application = host.application;
    host.send(&ClearSecureState { application }).unwrap();
    assert_eq!(Encipher.all(&mut host, key, Encipher.parameters(), &hex(PLAIN)).unwrap(), hex(KNOWN[1].1));
}

#[test]
fn a_length_that_the_mode_does_not_take_is_refused_and_the_operation_goes_on() {
    let (mut host, key) = with_key();
    let (plain, sealed) = (hex(PLAIN), hex(KNOWN[1].1));
    for (what, data, expected) in [
        (Encipher, &plain, &sealed[..]),
        (Decipher, &sealed, &plain[..]),
        (Authenticate, &plain, &sealed[16..]),
    ] {
        what.init(&mut host, key, what.parameters()).unwrap();
        for length in [1, 15, 17, 31] {
            assert_eq!(what.one(&mut host, key, &data[..length]), Err(Status::WRONG_LENGTH), "{what:?}");
        }
        assert_eq!(what.one(&mut host, key, data).unwrap(), expected, "{what:?}: it is as it was begun");
        what.init(&mut host, key, what.parameters()).unwrap();
        let mut joined = what.update(&mut host, key, &data[..20]).unwrap();
        assert_eq!(what.finish(&mut host, key, b""), Err(Status::WRONG_LENGTH), "{what:?}");
        assert_eq!(what.finish(&mut host, key, &data[20..31]), Err(Status::WRONG_LENGTH), "{what:?}");
        joined.extend(what.finish(&mut host, key, &data[20..]).unwrap());
        assert_eq!(joined, expected, "{what:?}");
    }
    Authenticate.init(&mut host, key, Authenticate.parameters()).unwrap();
    assert_eq!(Authenticate.one(&mut host, key, b""), Err(Status::WRONG_LENGTH), "a MAC of nothing");
    Authenticate.update(&mut host, key, b"").unwrap();
    assert_eq!(Authenticate.finish(&mut host, key, b""), Err(Status::WRONG_LENGTH));
    assert_eq!(Encipher.all(&mut host, key, Encipher.parameters(), b"").unwrap(), b"");
}

#[test]
fn padding_fills_every_length_and_is_stripped_again() {
    let mut host = Host::blank(1);
    for (algorithm, _) in KNOWN {
        let key = host.set_symm_key_for(algorithm, KeyHolder::DEVICE, &hex(KEY)).unwrap();
        let padded = CipherParameters::new(algorithm, &IV).padded();
        for length in 0..=33 {
            let plain = vec![0x5A; length];
            let sealed = Encipher.all(&mut host, key, padded, &plain).unwrap();
            assert_eq!(sealed.len(), (length / 16 + 1) * 16, "an aligned text grows by a block");
            assert_eq!(Decipher.all(&mut host, key, padded, &sealed).unwrap(), plain);
            Decipher.init(&mut host, key, padded).unwrap();
            let mut joined = Decipher.update(&mut host, key, &sealed).unwrap();
            assert_eq!(joined.len(), sealed.len() - 16, "the last block waits for the end");
            joined.extend(Decipher.finish(&mut host, key, b"").unwrap());
            assert_eq!(joined, plain);
        }
        let wrong = Encipher.all(&mut host, key, CipherParameters::new(algorithm, &IV), &[0x5A; 16]).unwrap();
        assert_eq!(Decipher.all(&mut host, key, padded, &wrong), Err(Status::WRONG_DATA));
        assert_eq!(Decipher.one(&mut host, key, b""), Err(Status::WRONG_LENGTH));
        let right = Encipher.all(&mut host, key, padded, b"a").unwrap();
        assert_eq!(Decipher.one(&mut host, key, &right).unwrap(), b"a", "it is as it was begun");
    }
}

#[test]
fn parameters_that_do_not_fit_are_refused_and_what_is_under_way_goes_on() {
    let (mut host, key) = with_key();
    let long = [0; 32];
    for what in USES {
        what.init(&mut host, key, what.parameters()).unwrap();
        let mut refuse = |parameters, word| {
            assert_eq!(what.init(&mut host, key, parameters), Err(word), "{what:?} {parameters:?}");
        };
        for length in [0, 8, 15, 17, 31, 32] {
            refuse(CipherParameters::new(what.algorithm(), &long[..length]), Status::WRONG_DATA);
        }
        if what == Decipher && GM.decrypt_init == DecryptInitForm::KeysOwn {
            // It says no algorithm that could be another.
            what.one(&mut host, key, &[7; 16]).unwrap();
            continue;
        }
        for algorithm in [0, 0x102, 0x202, 0x403, 0x801, SGD_SM3] {
            refuse(CipherParameters::new(algorithm, &IV), Status::UNSUPPORTED_KEY_ALGORITHM);
        }
        if what == Authenticate {
            refuse(Authenticate.parameters().padded(), Status::WRONG_DATA);
            for algorithm in [SGD_SM4_ECB, SGD_SM4_CFB, SGD_SM4_OFB] {
                refuse(CipherParameters::new(algorithm, &IV), Status::UNSUPPORTED_KEY_ALGORITHM);
            }
        } else {
            refuse(CipherParameters::new(SGD_SM4_MAC, &IV), Status::UNSUPPORTED_KEY_ALGORITHM);
            for feedback_bits in [1, 8, 64, 127, 129] {
                let parameters = CipherParameters::new(SGD_SM4_CFB, &IV);
                refuse(CipherParameters { feedback_bits, ..parameters }, Status::WRONG_DATA);
            }
            let whole = CipherParameters { feedback_bits: 128, ..CipherParameters::new(SGD_SM4_CFB, &IV) };
            what.init(&mut host, key, whole).unwrap();
            what.init(&mut host, key, CipherParameters::new(SGD_SM4_ECB, &[])).unwrap();
        }
        what.one(&mut host, key, &[7; 16]).unwrap();
    }
}

#[test]
fn a_beginning_whose_lengths_do_not_add_up_is_refused() {
    let (mut host, key) = with_key();
    for what in USES {
        let mut buffer = [0; 64];
        let parameters = what.parameters();
        let right = match what {
            Encipher => EncryptInit { key, parameters }.to_apdu(&GM, &mut buffer),
            Decipher => DecryptInit { key, parameters }.to_apdu(&GM, &mut buffer),
            Authenticate => MacInit { key, parameters }.to_apdu(&GM, &mut buffer),
        };
        let (ins, right) = right.map(|apdu| (apdu.ins, apdu.data.to_vec())).unwrap();
        let allowed = shape(Ins::from_byte(ins).unwrap(), &GM).unwrap().data;
        let word = |length| {
            let fits = match allowed {
                Length::Exactly(exactly) => length == exactly,
                Length::AtLeast(least) => length >= least,
                Length::OneOf(lengths) => lengths.contains(&length),
            };
            if fits { Status::WRONG_DATA } else { Status::WRONG_LENGTH }
        };
        let mut send = |data: &[u8]| host.apdu(plain(ins, 0, 0, data)).1;
        assert_eq!(send(&right), Status::OK);
        for length in 0..right.len() {
            assert_eq!(send(&right[..length]), word(length), "{what:?} {length}");
        }
        assert_eq!(send(&[right.as_slice(), &[0]].concat()), word(right.len() + 1));
        for padding in [2, 0x80, 0xFF] {
            let mut other = right.clone();
            // In front of the 4 bytes of the feedback.
            other[right.len() - 5] = padding;
            assert_eq!(send(&other), Status::WRONG_DATA, "{what:?}: padding {padding}");
        }
        assert_eq!(host.apdu(plain(ins, 0, 1, &right)).1, Status::WRONG_P1P2);
        what.one(&mut host, key, &[7; 16]).unwrap();
    }
    for ins in [Ins::Encrypt, Ins::EncryptUpdate, Ins::DecryptFinal, Ins::MacUpdate, Ins::DestroySessionKey] {
        assert_eq!(host.apdu(plain(ins as u8, 0, 0, &[0; 5])).1, Status::WRONG_LENGTH, "{ins:?}");
    }
}

#[test]
fn two_keys_and_the_uses_of_one_do_not_disturb_each_other() {
    let (mut host, first) = with_key();
    let second = host.set_symm_key(KeyHolder::DEVICE, &[0x22; 16]).unwrap();
    let data: Vec<u8> = (0..64).collect();
    let works: Vec<_> = [first, second].into_iter().flat_map(|key| USES.map(|what| (key, what))).collect();
    let alone: Vec<_> = works
        .iter()
        .map(|(key, what)| what.all(&mut host, *key, what.parameters(), &data).unwrap())
        .collect();
    let mut together = vec![Vec::new(); works.len()];
    works.iter().for_each(|(key, what)| drop(what.init(&mut host, *key, what.parameters()).unwrap()));
    for part in data.chunks(11) {
        for ((key, what), joined) in works.iter().zip(&mut together) {
            joined.extend(what.update(&mut host, *key, part).unwrap());
        }
    }
    for ((key, what), joined) in works.iter().zip(&mut together) {
        joined.extend(what.finish(&mut host, *key, b"").unwrap());
    }
    assert_eq!(together, alone);
    assert_ne!(alone[0], alone[3], "the keys differ");
}

#[test]
fn long_data_go_in_by_chain_and_out_in_blocks_and_are_carried_out_once() {
    let (mut host, key) = with_key();
    let data: Vec<u8> = (0..4080_u32).map(|n| n.to_le_bytes()[0]).collect();
    let sealed = Encipher.all(&mut host, key, Encipher.parameters(), &data).unwrap();
    Encipher.init(&mut host, key, Encipher.parameters()).unwrap();
    let mut joined: Vec<u8> =
        data.chunks(1000).flat_map(|part| Encipher.update(&mut host, key, part).unwrap()).collect();
    joined.extend(Encipher.finish(&mut host, key, b"").unwrap());
    assert_eq!(joined, sealed);
    assert_eq!(Decipher.all(&mut host, key, Decipher.parameters(), &sealed).unwrap(), data);
    // A decryption that is asked for again after its last block is another one.
    assert_eq!(Decipher.one(&mut host, key, &sealed), Err(Status::CONDITIONS_NOT_SATISFIED));
}

#[test]
fn what_the_answer_cannot_hold_is_refused_and_the_operation_goes_on() {
    let (mut host, key) = with_key();
    Encipher.init(&mut host, key, Encipher.parameters().padded()).unwrap();
    let mut send = |ins: Ins, count| {
        let [high, low] = key.key.0.to_be_bytes();
        let data = [[0, 0, 0, 0, high, low].as_slice(), &vec![7; count]].concat();
        host.apdu(plain(ins as u8, 0, 0, &data)).1
    };
    assert_eq!(send(Ins::Encrypt, 4096), Status::WRONG_LENGTH, "4112 bytes");
    assert_eq!(send(Ins::EncryptUpdate, 60_000), Status::WRONG_LENGTH);
    assert_eq!(send(Ins::Encrypt, 4095), Status::MORE_DATA);
}

#[test]
fn the_token_itself_may_make_the_cryptogram_of_its_device_authentication() {
    let mut host = Host::blank(1);
    let challenge = host.challenge();
    let key = host.set_symm_key(KeyHolder::DEVICE, b"1234567812345678").unwrap();
    let block = [challenge, [0; 8]].concat();
    let parameters = CipherParameters::new(SGD_SM4_ECB, &[]);
    let cryptogram = Encipher.all(&mut host, key, parameters, &block).unwrap().try_into().unwrap();
    host.destroy(key).unwrap();
    host.send(&DevAuth { algorithm: 2, cryptogram }).unwrap();
    host.create_application(NAME).unwrap();
}

#[test]
fn nothing_of_it_touches_the_flash() {
    let mut host = Host::provisioned(1);
    let before = host.token.platform().flash.counts();
    let key = host.set_symm_key(host.holder(), &hex(KEY)).unwrap();
    for what in USES {
        what.all(&mut host, key, what.parameters(), &hex(PLAIN)).unwrap();
    }
    host.destroy(key).unwrap();
    let after = host.token.platform().flash.counts();
    assert_eq!((after.writes, after.erases), (before.writes, before.erases));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_cut_gives_the_same_and_decryption_gives_it_back(
        key: [u8; 16], iv: [u8; 16], number in 0_usize..4, padded: bool, cut in 1_usize..100,
        data in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let mut host = Host::blank(1);
        let key = host.set_symm_key_for(KNOWN[number].0, KeyHolder::DEVICE, &key).unwrap();
        let parameters = CipherParameters::new(KNOWN[number].0, &iv);
        let parameters = if padded { parameters.padded() } else { parameters };
        let sealed = Encipher.all(&mut host, key, parameters, &data);
        let takes = padded || number >= 2 || data.len() % 16 == 0;
        prop_assert_eq!(sealed.is_ok(), takes);
        let Ok(sealed) = sealed else { return Ok(()) };
        for (what, from, to) in [(Encipher, &data, &sealed), (Decipher, &sealed, &data)] {
            what.init(&mut host, key, parameters).unwrap();
            let mut joined: Vec<u8> =
                from.chunks(cut).flat_map(|part| what.update(&mut host, key, part).unwrap()).collect();
            joined.extend(what.finish(&mut host, key, b"").unwrap());
            prop_assert_eq!(&joined, to);
        }
    }
}
