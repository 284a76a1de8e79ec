//! Certification requests, and the seam through which a token signs them.

mod common;

use common::{World, name, tlv};
use ukey_pki::sm2;
use ukey_pki::{Error, KeyPair, PublicKey, Request, SignError, Signature, Sm2Signer};

#[test]
fn a_request_proves_possession() {
    let world = World::new(14);
    let request = Request::from_der(world.request.der()).unwrap();
    request.verify().unwrap();
    assert_eq!(request.subject(), world.sign.subject());
    assert_eq!(request.public_key(), world.sign_key.public_key());
    let tail = hex::decode("a000300a06082a811ccf55018375").unwrap();
    let found = request.der().windows(tail.len()).any(|window| window == tail);
    assert!(found, "empty attributes, no parameters");

    // The signature of one request under the contents of another.
    let other = Request::build(&name("李四"), &world.sign_key).unwrap();
    let cut = request.der().len() - 70;
    let tail = request.der()[cut..].to_vec();
    let mut mixed = other.der().to_vec();
    let place = mixed.len() - 70;
    mixed[place..].copy_from_slice(&tail);
    assert!(Request::from_der(&mixed).and_then(|request| request.verify()).is_err());
}

#[test]
fn another_version_is_not_read() {
    let world = World::new(30);
    let with_version = |version: u8| {
        let key = world.sign_key.public_key();
        let members = [tlv(2, [version]), name("张三").to_der(), key.to_spki_der(), tlv(0xA0, [])];
        let part = tlv(0x30, members.concat());
        let e = sm2::digest(&key, sm2::DEFAULT_ID, &part);
        let signature = world.sign_key.sign_digest(&e).unwrap().to_der().unwrap();
        let algorithm = hex::decode("300a06082a811ccf55018375").unwrap();
        let signature = tlv(3, [&[0][..], &signature].concat());
        Request::from_der(&tlv(0x30, [part, algorithm, signature].concat()))
    };
    with_version(0).unwrap().verify().unwrap();
    assert!(matches!(with_version(1), Err(Error::Malformed { .. })));
}

/// A token that signs with another key than it shows, or not at all.
struct Faulty {
    shown: PublicKey,
    key: Option<KeyPair>,
    signatures: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("the key was pulled")]
struct Pulled;

impl Sm2Signer for Faulty {
    type Error = Pulled;

    fn public_key(&self) -> PublicKey {
        self.shown
    }

    fn sign_digest(&mut self, e: &[u8; 32]) -> Result<Signature, Pulled> {
        self.signatures += 1;
        Ok(self.key.as_ref().ok_or(Pulled)?.sign_digest(e).expect("a software key signs"))
    }
}

#[test]
fn a_remote_signer_is_asked_once_and_not_believed_blindly() {
    let world = World::new(15);
    let mut token =
        Faulty { shown: world.sign_key.public_key(), key: Some(world.sign_key.clone()), signatures: 0 };
    let request = Request::build(&name("张三"), &mut token).unwrap();
    request.verify().unwrap();
    assert_eq!(token.signatures, 1);

    token.key = Some(world.encryption_key);
    let refused = Request::build(&name("张三"), &mut token);
    assert!(matches!(refused, Err(SignError::WrongSignature(sm2::Error::Signature))));
    token.key = None;
    assert!(matches!(Request::build(&name("张三"), &mut token), Err(SignError::Signer(Pulled))));
}
