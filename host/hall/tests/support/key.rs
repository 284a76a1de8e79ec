//! A key in somebody's hand, as software.

use ukey_apdu::{
    dialect::Dialect,
    pin::{Pin, PinKey, SealedPinBuf},
};
use ukey_hall::api::*;
use ukey_pki::{CsrResponse, KeyPair, Name, Request, sm2};

/// A key as a software pair, with what the desk wrote into it.
pub struct Key {
    pub pair: KeyPair,
    pub serial: String,
    pub response: CsrResponse,
    pub person: Personalisation,
    pub device: String,
}

impl Key {
    pub fn sign(&self, message: &[u8]) -> Hex {
        sign(&self.pair, message)
    }

    pub fn answer(&self, challenge: &LoginChallenge) -> CertificateLogin {
        CertificateLogin {
            nonce: challenge.nonce.clone(),
            certificate: self.response.sign_certificate().der().into(),
            signature: self.sign(&login_message(&challenge.hall, &self.serial, &challenge.nonce)),
        }
    }

    /// What the token does with an UnblockPin: the new user PIN, or nothing when the cryptogram is not for it.
    pub fn unblocked(&self, answer: &UnblockAnswer, challenge: [u8; 8]) -> Option<String> {
        let admin = Pin::new(self.person.admin_pin.reveal().as_bytes()).unwrap();
        let sealed =
            SealedPinBuf::new(&answer.cryptogram.0, answer.mac.0.as_slice().try_into().unwrap()).unwrap();
        let key = PinKey::derive(&Dialect::GM2012, &admin);
        let pin = key.open(&Dialect::GM2012, sealed.as_sealed(), &challenge, [0; 4], [0; 2])?;
        Some(String::from_utf8(pin.as_bytes().to_vec()).unwrap())
    }
}

pub fn sign(pair: &KeyPair, message: &[u8]) -> Hex {
    let e = sm2::digest(&pair.public_key(), sm2::DEFAULT_ID, message);
    Hex(pair.sign_digest(&e).unwrap().to_bytes().to_vec())
}

pub fn key_pair(name: &str) -> KeyPair {
    let mut secret = [7; 32];
    secret[..name.len()].copy_from_slice(name.as_bytes());
    KeyPair::from_bytes(&secret).unwrap()
}

pub fn csr(pair: &KeyPair) -> Vec<u8> {
    let name = Name::builder().country("CN").common_name("任意").build().unwrap();
    Request::build(&name, pair).unwrap().der().to_vec()
}
