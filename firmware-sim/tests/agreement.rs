//! Key agreement: two tokens have the same key; a token has the same as a computation outside; what
//! is out of order, wrong, or of somebody else is refused.

mod support;

use support::envelope::{Envelope, public_key};
use support::*;
use ukey_apdu::Status;
use ukey_apdu::command::*;

const PRIVATE: [[u8; 32]; 2] = [[0x42; 32], [0x43; 32]];
const IDS: [&[u8]; 2] = ["张三".as_bytes(), "示例科技".as_bytes()];

/// With an encryption key pair.
fn ready(host: Host, private: [u8; 32]) -> Host {
    let mut host = host.issue().provision();
    let sign = host.public_key(KeyUse::Sign).unwrap();
    Envelope::new(sign, private, false).import(&mut host).unwrap();
    host
}

fn pair() -> (Host, Host) {
    (ready(Host::blank(1), PRIVATE[0]), ready(Host::blank(2), PRIVATE[1]))
}

fn begin(host: &mut Host, id: &[u8]) -> Result<AgreementData, Status> {
    let (application, container, algorithm) = (host.application, host.container, SGD_SM4_ECB);
    let answer = host.send(&GenerateAgreementDataWithEcc { application, container, algorithm, id })?;
    Ok(AgreementData::read(&answer, &host.dialect).unwrap())
}

fn respond(host: &mut Host, initiator: Party<'_>, id: &[u8]) -> Result<AgreedKey, Status> {
    let (application, container, algorithm) = (host.application, host.container, SGD_SM4_ECB);
    let command = GenerateAgreementDataAndKeyWithEcc { application, container, algorithm, initiator, id };
    let answer = host.send(&command)?;
    Ok(AgreedKey::read(&answer, &host.dialect).unwrap())
}

fn end(host: &mut Host, handle: AgreementHandle, responder: Party<'_>) -> Result<AgreedKeyId, Status> {
    let (application, container) = (host.application, host.container);
    let answer = host.send(&GenerateKeyWithEcc { application, container, handle, responder })?;
    Ok(AgreedKeyId::read(&answer, &host.dialect).unwrap())
}

fn party(side: usize, temporary_key: EccPublicKey) -> Party<'static> {
    Party { public_key: public_key(&PRIVATE[side]), temporary_key, id: IDS[side] }
}

/// What the key makes of two blocks: equal for equal keys only.
fn sample(host: &mut Host, key: AgreedKeyId) -> Vec<u8> {
    let key = KeyHandle { holder: host.holder(), key: key.0 };
    host.send(&EncryptInit { key, parameters: CipherParameters::new(SGD_SM4_ECB, &[]) }).unwrap();
    host.send(&Encrypt { key, data: Data(b"the same in both of these tokens") }).unwrap()
}

#[test]
fn two_tokens_have_the_same_key() {
    let (mut a, mut b) = pair();
    let mut keys = Vec::new();
    for _ in 0..2 {
        let data = begin(&mut a, IDS[0]).unwrap();
        let answer = respond(&mut b, party(0, data.temporary_key), IDS[1]).unwrap();
        let key = end(&mut a, data.handle, party(1, answer.temporary_key)).unwrap();
        let sample_of_a = sample(&mut a, key);
        assert_eq!(sample_of_a, sample(&mut b, answer.key));
        keys.push(sample_of_a);
    }
    assert_ne!(keys[0], keys[1], "each agreement has a key of its own");
    let key = KeyHandle { holder: a.holder(), key: SessionKeyId(0x5000) };
    a.destroy(key).unwrap();
    assert_eq!(a.destroy(key), Err(Status::NO_SYMMETRIC_KEY), "it is a session key like any other");
}

#[test]
fn sides_that_differ_in_anything_have_different_keys() {
    let (mut a, mut b) = pair();
    let other = public_key(&[7; 32]);
    let mut samples = |initiator: fn(Party<'static>, EccPublicKey) -> Party<'static>,
                       responder: fn(Party<'static>, EccPublicKey) -> Party<'static>| {
        let data = begin(&mut a, IDS[0]).unwrap();
        let answer = respond(&mut b, initiator(party(0, data.temporary_key), other), IDS[1]).unwrap();
        let key = end(&mut a, data.handle, responder(party(1, answer.temporary_key), other)).unwrap();
        let both = (sample(&mut a, key), sample(&mut b, answer.key));
        for (host, key) in [(&mut a, key), (&mut b, answer.key)] {
            host.destroy(KeyHandle { holder: host.holder(), key: key.0 }).unwrap();
        }
        both
    };
    let same = |party, _| party;
    let (one, two) = samples(same, same);
    assert_eq!(one, two);
    let wrong: [fn(Party<'static>, EccPublicKey) -> Party<'static>; 3] = [
        |party, _| Party { id: b"somebody else", ..party },
        |party, other| Party { public_key: other, ..party },
        |party, other| Party { temporary_key: other, ..party },
    ];
    for wrong in wrong {
        let (one, two) = samples(wrong, same);
        assert_ne!(one, two);
        let (one, two) = samples(same, wrong);
        assert_ne!(one, two);
    }
}

#[test]
fn a_handle_works_once_and_for_its_container_alone() {
    let (mut a, mut b) = pair();
    let data = begin(&mut a, IDS[0]).unwrap();
    let answer = respond(&mut b, party(0, data.temporary_key), IDS[1]).unwrap();
    let responder = party(1, answer.temporary_key);
    let first = a.container;
    a.create_container(b"OTHER").unwrap();
    a.generate().unwrap();
    let sign = a.public_key(KeyUse::Sign).unwrap();
    Envelope::new(sign, [9; 32], false).import(&mut a).unwrap();
    assert_eq!(end(&mut a, data.handle, responder), Err(Status::NO_SUCH_KEY), "of another container");
    a.container = first;
    assert_eq!(end(&mut a, AgreementHandle(99), responder), Err(Status::NO_SUCH_KEY));
    end(&mut a, data.handle, responder).unwrap();
    assert_eq!(end(&mut a, data.handle, responder), Err(Status::NO_SUCH_KEY), "used up");

    let data = begin(&mut a, IDS[0]).unwrap();
    let off = EccPublicKey { x: [1; 32], y: [2; 32] };
    assert_eq!(end(&mut a, data.handle, party(1, off)), Err(Status::AGREEMENT_DATA_FAILED));
    assert_eq!(end(&mut a, data.handle, responder), Err(Status::NO_SUCH_KEY), "used up in vain, too");
}

#[test]
fn only_the_latest_four_wait() {
    let (mut a, mut b) = pair();
    let begun: Vec<_> = (0..5).map(|_| begin(&mut a, IDS[0]).unwrap()).collect();
    let answer = respond(&mut b, party(0, begun[4].temporary_key), IDS[1]).unwrap();
    let responder = party(1, answer.temporary_key);
    assert_eq!(end(&mut a, begun[0].handle, responder), Err(Status::NO_SUCH_KEY));
    for data in &begun[1..] {
        end(&mut a, data.handle, responder).unwrap();
    }
}

#[test]
fn an_agreement_ends_with_its_container_its_application_and_the_power() {
    let responder = party(1, public_key(&[7; 32]));
    let again = |mut host: Host, handle| {
        host.verify(PinType::User, USER).unwrap();
        if host.open_container(b"DEV").is_err() {
            host.create_container(b"DEV").unwrap();
            host.generate().unwrap();
            let sign = host.public_key(KeyUse::Sign).unwrap();
            Envelope::new(sign, PRIVATE[0], false).import(&mut host).unwrap();
        }
        end(&mut host, handle, responder)
    };
    let mut host = pair().0;
    let handle = begin(&mut host, IDS[0]).unwrap().handle;
    let (application, container) = (host.application, host.container);
    host.send(&CloseContainer { application, container }).unwrap();
    assert!(again(host, handle).is_ok(), "closing does not end it");

    let mut host = pair().0;
    let handle = begin(&mut host, IDS[0]).unwrap().handle;
    let application = host.application;
    host.send(&DeleteContainer { application, name: b"DEV" }).unwrap();
    assert_eq!(again(host, handle), Err(Status::NO_SUCH_KEY));

    let mut host = pair().0;
    let handle = begin(&mut host, IDS[0]).unwrap().handle;
    host.authenticate().unwrap();
    host.send(&DeleteApplication { name: NAME }).unwrap();
    host.create_application(NAME).unwrap();
    host.open().unwrap();
    assert_eq!(again(host, handle), Err(Status::NO_SUCH_KEY));

    let mut host = pair().0;
    let handle = begin(&mut host, IDS[0]).unwrap().handle;
    let mut host = host.restart();
    host.open().unwrap();
    assert_eq!(again(host, handle), Err(Status::NO_SUCH_KEY));
}

#[test]
fn what_is_missing_or_wrong_is_refused_in_the_documented_order() {
    let initiator = party(0, public_key(&[7; 32]));
    let mut host = Host::provisioned(1);
    assert_eq!(begin(&mut host, IDS[0]), Err(Status::NO_KEY_PAIR), "no encryption key pair");
    assert_eq!(respond(&mut host, initiator, IDS[1]), Err(Status::NO_KEY_PAIR));
    assert_eq!(end(&mut host, AgreementHandle(1), initiator), Err(Status::NO_KEY_PAIR));

    let mut host = pair().0;
    let application = host.application;
    for id in [&[b'a'; 33][..], b""] {
        assert_eq!(begin(&mut host, id), Err(Status::WRONG_DATA));
        assert_eq!(respond(&mut host, initiator, id), Err(Status::WRONG_DATA));
        assert_eq!(respond(&mut host, Party { id, ..initiator }, IDS[1]), Err(Status::WRONG_DATA));
    }
    let off = EccPublicKey { x: [1; 32], y: [2; 32] };
    for wrong in [Party { public_key: off, ..initiator }, Party { temporary_key: off, ..initiator }] {
        assert_eq!(respond(&mut host, wrong, IDS[1]), Err(Status::AGREEMENT_DATA_FAILED));
    }
    let container = host.container;
    let command = GenerateAgreementDataWithEcc { application, container, algorithm: 0x101, id: IDS[0] };
    assert_eq!(host.send(&command), Err(Status::UNSUPPORTED_KEY_ALGORITHM), "SM1");
    for _ in 0..8 {
        respond(&mut host, initiator, IDS[1]).unwrap();
    }
    assert_eq!(respond(&mut host, initiator, IDS[1]), Err(Status::NO_SPACE), "all session keys are taken");

    host.send(&ClearSecureState { application }).unwrap();
    assert_eq!(begin(&mut host, IDS[0]), Err(Status::SECURITY_NOT_SATISFIED));
    assert_eq!(respond(&mut host, initiator, IDS[1]), Err(Status::SECURITY_NOT_SATISFIED));
    assert_eq!(end(&mut host, AgreementHandle(1), initiator), Err(Status::SECURITY_NOT_SATISFIED));
    host.send(&CloseContainer { application, container }).unwrap();
    assert_eq!(begin(&mut host, IDS[0]), Err(Status::NO_SUCH_CONTAINER));
    host.send(&CloseApplication { application }).unwrap();
    assert_eq!(respond(&mut host, initiator, IDS[1]), Err(Status::NO_SUCH_APPLICATION));
}
