//! Digests are those of the standards, for anyone, in parts of any length; and refused where none was begun.

mod support;

use proptest::prelude::*;
use sm2::dsa::signature::Verifier;
use sm2::dsa::{Signature, VerifyingKey};
use support::*;
use ukey_apdu::command::{Answer as _, *};
use ukey_apdu::envelope::{Apdu, Le};
use ukey_apdu::{Dialect, Ins, Status};

const ID: &[u8] = b"1234567812345678";

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).unwrap()
}

fn begin(host: &mut Host, algorithm: DigestAlgorithm, signer: Option<Signer<'_>>) -> Result<(), Status> {
    host.send(&DigestInit { algorithm, signer }).map(drop)
}

fn digest(host: &mut Host, data: &[u8]) -> Result<Vec<u8>, Status> {
    let answer = host.send(&Digest { data: Data(data) })?;
    Ok(DigestValue::read(&answer, &host.dialect).unwrap().0.to_vec())
}

fn update(host: &mut Host, data: &[u8]) -> Result<(), Status> {
    host.send(&DigestUpdate { data: Data(data) }).map(drop)
}

fn finish(host: &mut Host, data: &[u8]) -> Result<Vec<u8>, Status> {
    let answer = host.send(&DigestFinal { data: Data(data) })?;
    Ok(DigestValue::read(&answer, &host.dialect).unwrap().0.to_vec())
}

/// GB/T 32905-2016 annex A; FIPS 180-4 (examples of NIST).
const STANDARD: [(DigestAlgorithm, &[u8], &str); 6] = [
    (DigestAlgorithm::Sm3, b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
    (
        DigestAlgorithm::Sm3,
        b"abcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcd",
        "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
    ),
    (DigestAlgorithm::Sha1, b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    (
        DigestAlgorithm::Sha1,
        b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
    ),
    (DigestAlgorithm::Sha256, b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
        DigestAlgorithm::Sha256,
        b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ),
];

/// Lengths around the borders of a block, over the bytes 0, 1, … 250, 0, …: made with OpenSSL.
const LENGTHS: [usize; 8] = [0, 55, 56, 63, 64, 65, 127, 1000];
const BORDERS: [(DigestAlgorithm, [&str; 8]); 3] = [
    (
        DigestAlgorithm::Sm3,
        [
            "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b",
            "a79cf9dcee3404abf7f769698201647fd9d3ff61d629d0f58bb4b5579a427db8",
            "62f7363b15f4de76dd925c493b9d6d00d4ba0ef2a1f334c1d0f13b293aeb40d1",
            "6165e4cbb15cde01c6226e0015a47f710f8f8e1f2c296700033bb34d9212109c",
            "93566f236d157aae078d1ddb5cebdbba1520b5142e22a8915564345ba2ae1d63",
            "c886e6814be748285a10b28ae62ddacd85db830cd2cf3a2bfa2f729c15f63618",
            "bca3436d828517a6a6893a9e309e06e7b7b29c6e3f78b4814b23efe149962980",
            "b38fc481302b502c3f2f6608d060c47c5b6bd8fd65e148b7cd3af4988245f48a",
        ],
    ),
    (
        DigestAlgorithm::Sha1,
        [
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "8ae2d46729cfe68ff927af5eec9c7d1b66d65ac2",
            "636e2ec698dac903498e648bd2f3af641d3c88cb",
            "6d942da0c4392b123528f2905c713a3ce28364bd",
            "c6138d514ffa2135bfce0ed0b8fac65669917ec7",
            "69bd728ad6e13cd76ff19751fde427b00e395746",
            "89d7312a903f65cd2b3e34a975e55dbea9033353",
            "c9c960a0b925474fab83942cc27d504fc24ac37b",
        ],
    ),
    (
        DigestAlgorithm::Sha256,
        [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "463eb28e72f82e0a96c0a4cc53690c571281131f672aa229e0d45ae59b598b59",
            "da2ae4d6b36748f2a318f23e7ab1dfdf45acdc9d049bd80e59de82a60895f562",
            "29af2686fd53374a36b0846694cc342177e428d1647515f078784d69cdb9e488",
            "fdeab9acf3710362bd2658cdc9a29e8f9c757fcf9811603a8c447cd1d9151108",
            "4bfd2c8b6f1eec7a2afeb48b934ee4b2694182027e6d0fc075074f2fabb31781",
            "92ca0fa6651ee2f97b884b7246a562fa71250fedefe5ebf270d31c546bfea976",
            "4e4c294b331f7a2099a379bec34b9f9fc03dc46ab465d998f4d683da53487e6d",
        ],
    ),
];

#[test]
fn the_examples_of_the_standards_in_a_factory_token() {
    let mut host = Host::blank(1);
    for (algorithm, message, expected) in STANDARD {
        begin(&mut host, algorithm, None).unwrap();
        assert_eq!(digest(&mut host, message).unwrap(), hex(expected), "{algorithm}");
        begin(&mut host, algorithm, None).unwrap();
        assert_ne!(digest(&mut host, &message[1..]).unwrap(), hex(expected), "{algorithm}");
    }
}

#[test]
fn lengths_around_the_borders_of_a_block_in_one_and_in_parts() {
    let mut host = Host::blank(1);
    for (algorithm, all) in BORDERS {
        for (length, expected) in LENGTHS.into_iter().zip(all) {
            let message: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            begin(&mut host, algorithm, None).unwrap();
            assert_eq!(digest(&mut host, &message).unwrap(), hex(expected), "{algorithm} {length}");
            begin(&mut host, algorithm, None).unwrap();
            let (parts, last) = message.split_at(length / 2);
            parts.chunks(23).for_each(|part| update(&mut host, part).unwrap());
            assert_eq!(finish(&mut host, last).unwrap(), hex(expected), "{algorithm} {length} in parts");
        }
    }
}

/// GB/T 32918.5-2017 annex A.2.
const SIGNER: [&str; 2] = [
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020",
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13",
];
const SIGNED: &[u8] = b"message digest";
const E: &str = "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640";

fn signer(id: &[u8]) -> Signer<'_> {
    let [x, y] = SIGNER.map(|text| hex(text).try_into().unwrap());
    Signer { public_key: EccPublicKey { x, y }, id }
}

#[test]
fn a_signers_digest_is_that_of_the_standard() {
    let mut host = Host::blank(1);
    begin(&mut host, DigestAlgorithm::Sm3, Some(signer(ID))).unwrap();
    assert_eq!(digest(&mut host, SIGNED).unwrap(), hex(E));
    begin(&mut host, DigestAlgorithm::Sm3, Some(signer(ID))).unwrap();
    update(&mut host, &SIGNED[..5]).unwrap();
    assert_eq!(finish(&mut host, &SIGNED[5..]).unwrap(), hex(E), "in parts");
    for other in [None, Some(signer(b"1")), Some(signer(&[b'i'; 32]))] {
        begin(&mut host, DigestAlgorithm::Sm3, other).unwrap();
        assert_ne!(digest(&mut host, SIGNED).unwrap(), hex(E), "the key and the identity go in");
    }
}

#[test]
fn a_commercial_tokens_digest_by_its_very_bytes() {
    let init = "80b4000100005800000100efeb79e10a312cf1c887191d0137a66c47e245bfff2bc1c19fd2f8ac9a9531bf\
                1d18dd90f50f0046e512b95eeade864fc49e30b24b3d544bd4fc0864f740b2e9\
                0000001031323334353637383132333435363738";
    let message = b"asdkfhj23slajdf923afdslj13kzHf1roiulsadjfals12sldj0u23r23ansv0j2";
    let expected = hex("b0e568942a01d22d2c7ee44c85e22e95f178cd1f86a978cabc961ba024d86071");
    let mut host = Host::speaking(Dialect::GM3000, 1);
    assert_eq!(host.raw(&hex(init)), (vec![], Status::OK));
    let command = [hex("80b60000000040").as_slice(), message, &[0, 0]].concat();
    assert_eq!(host.raw(&command), (expected, Status::OK));
}

#[test]
fn a_signature_of_the_tokens_own_digest_is_one_of_the_message() {
    let mut host = Host::provisioned(1);
    let public_key = host.public_key(KeyUse::Sign).unwrap();
    begin(&mut host, DigestAlgorithm::Sm3, Some(Signer { public_key, id: ID })).unwrap();
    let e = digest(&mut host, "示例科技有限公司".as_bytes()).unwrap();
    let signature = host.sign(e.try_into().unwrap()).unwrap();
    let signature = Signature::from_slice(&signature.to_bytes()).unwrap();
    let point = [[4].as_slice(), &public_key.x, &public_key.y].concat();
    let verifying = VerifyingKey::from_sec1_bytes("1234567812345678", &point).unwrap();
    verifying.verify("示例科技有限公司".as_bytes(), &signature).unwrap();
    assert!(verifying.verify(b"another", &signature).is_err());
}

#[test]
fn without_a_beginning_there_is_no_digest() {
    let mut host = Host::blank(1);
    let refused = Status::CONDITIONS_NOT_SATISFIED;
    let no_digest = |host: &mut Host| {
        assert_eq!(digest(host, b"abc"), Err(refused));
        assert_eq!(update(host, b"abc"), Err(refused));
        assert_eq!(finish(host, b""), Err(refused));
    };
    no_digest(&mut host);
    begin(&mut host, DigestAlgorithm::Sm3, None).unwrap();
    digest(&mut host, b"abc").unwrap();
    no_digest(&mut host);
    begin(&mut host, DigestAlgorithm::Sm3, None).unwrap();
    finish(&mut host, b"abc").unwrap();
    no_digest(&mut host);
    begin(&mut host, DigestAlgorithm::Sm3, None).unwrap();
    no_digest(&mut host.restart());
}

#[test]
fn a_digest_in_parts_is_not_ended_as_one_in_one_and_a_second_beginning_replaces_the_first() {
    let mut host = Host::blank(1);
    let (algorithm, message, expected) = STANDARD[0];
    begin(&mut host, algorithm, None).unwrap();
    update(&mut host, &message[..1]).unwrap();
    assert_eq!(digest(&mut host, &message[1..]), Err(Status::CONDITIONS_NOT_SATISFIED));
    assert_eq!(finish(&mut host, &message[1..]).unwrap(), hex(expected), "what was refused changed nothing");
    begin(&mut host, DigestAlgorithm::Sha1, None).unwrap();
    update(&mut host, b"something else").unwrap();
    begin(&mut host, algorithm, None).unwrap();
    assert_eq!(digest(&mut host, message).unwrap(), hex(expected));
}

#[test]
fn what_cannot_be_begun_is_refused_and_leaves_the_digest_under_way() {
    let mut host = Host::blank(1);
    let (algorithm, message, expected) = STANDARD[0];
    begin(&mut host, algorithm, None).unwrap();
    let init = |host: &mut Host, p2, data: &[u8]| host.apdu(plain(Ins::DigestInit as u8, 0, p2, data)).1;
    for p2 in [0, 4, 5, 0xFF] {
        assert_eq!(init(&mut host, p2, &[]), Status::UNSUPPORTED_DIGEST, "{p2}");
    }
    assert_eq!(host.apdu(plain(Ins::DigestInit as u8, 1, 1, &[])).1, Status::WRONG_P1P2);
    for other in [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256] {
        assert_eq!(begin(&mut host, other, Some(signer(ID))), Err(Status::WRONG_DATA), "Z is of SM3");
    }
    assert_eq!(begin(&mut host, DigestAlgorithm::Sm3, Some(signer(b""))), Err(Status::WRONG_DATA));
    assert_eq!(begin(&mut host, DigestAlgorithm::Sm3, Some(signer(&[b'i'; 300]))), Ok(()));
    begin(&mut host, algorithm, None).unwrap();
    let mut data = [0; 256];
    let command = DigestInit { algorithm, signer: Some(signer(ID)) };
    let whole = command.to_apdu(&GM, &mut data).unwrap().data.to_vec();
    for length in 1..whole.len() {
        assert_eq!(init(&mut host, 1, &whole[..length]), Status::WRONG_DATA, "{length}");
    }
    assert_eq!(init(&mut host, 1, &[whole.as_slice(), &[0]].concat()), Status::WRONG_DATA);
    let bits = [&[0, 0, 2, 0], &whole[4..]].concat();
    assert_eq!(init(&mut host, 1, &bits), Status::WRONG_DATA);
    assert_eq!(digest(&mut host, message).unwrap(), hex(expected));
}

#[test]
fn an_answer_in_two_blocks_is_of_one_digest() {
    let mut host = Host::blank(1);
    let (algorithm, message, expected) = STANDARD[0];
    begin(&mut host, algorithm, None).unwrap();
    let command = Apdu { le: Le::Exact(20), ..plain(Ins::Digest as u8, 0, 0, message) };
    let (first, status) = host.apdu(command);
    assert_eq!((first.len(), status), (20, Status::MORE_DATA));
    let (second, status) = host.apdu(command);
    let answer = [first, second].concat();
    let digest = DigestValue::read(&answer, &GM).unwrap().0;
    assert_eq!((digest, status), (hex(expected).as_slice(), Status::OK));
    assert_eq!(host.apdu(command).1, Status::CONDITIONS_NOT_SATISFIED, "a third time it is a new command");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_cut_gives_the_same(
        algorithm in proptest::sample::select(DigestAlgorithm::ALL.to_vec()),
        message in proptest::collection::vec(any::<u8>(), 0..1500), cut in 1_usize..200, with_signer: bool,
    ) {
        let mut host = Host::blank(1);
        let signer = (with_signer && algorithm == DigestAlgorithm::Sm3).then(|| signer(ID));
        begin(&mut host, algorithm, signer).unwrap();
        let whole = digest(&mut host, &message).unwrap();
        prop_assert_eq!(whole.len(), algorithm.size());
        begin(&mut host, algorithm, signer).unwrap();
        message.chunks(cut).for_each(|part| update(&mut host, part).unwrap());
        prop_assert_eq!(finish(&mut host, b"").unwrap(), whole);
    }
}
