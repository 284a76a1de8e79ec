//! Keys from outside.

use ukey_apdu::command::{Answer as _, *};

use super::super::command::Command as Spoken;
use super::super::reference::sm2::{self, ANOTHER, OFF_CURVE, SOMEBODY};
use super::super::support::envelope::{self, Sealed, public_key};
use super::super::words::{Answer, *};
use super::{Answered, Driver};

impl Driver {
    pub(super) fn send_to_external_keys(&mut self, command: &Spoken) -> Answered {
        let (dialect, none) = (self.dialect(), Given::default());
        match *command {
            Spoken::EccVerify(input, shown) => {
                let bytes = sm2::signed(input);
                let (public_key, signature) = sm2::shown(input, shown);
                self.nothing(&EccVerify { public_key, input: sm2::sign_input(input, &bytes), signature })
            }
            Spoken::ExtEccEncrypt(on_curve, length) => {
                let public_key = if on_curve { public_key(&SOMEBODY) } else { OFF_CURVE };
                let plaintext = message(length);
                let answer = self.say(&ExtEccEncrypt { public_key, plaintext: Plaintext(&plaintext) })?;
                let sealed = CipherBlock::read(&answer, &dialect).unwrap();
                let opened = envelope::open(&SOMEBODY, &sealed).expect("sealed for somebody");
                Ok((Answer::Content(opened), none))
            }
            Spoken::ExtEccDecrypt(ciphertext, length) => {
                let to = if ciphertext == Ciphertext::ForAnother { ANOTHER } else { SOMEBODY };
                // Another implementation has no ciphertext of nothing.
                let mut sealed = Sealed::new(&public_key(&to), &message(length.max(1)));
                sealed.cipher.truncate(length);
                let private_key = if ciphertext == Ciphertext::KeyZero { [0; 32] } else { SOMEBODY };
                match ciphertext {
                    Ciphertext::SpoiltHash => sealed.hash[31] ^= 1,
                    Ciphertext::SpoiltCipher => sealed.cipher.iter_mut().take(1).for_each(|byte| *byte ^= 1),
                    Ciphertext::PointOffCurve => sealed.point = OFF_CURVE,
                    Ciphertext::Right | Ciphertext::ForAnother | Ciphertext::KeyZero => {}
                }
                let answer = self.say(&ExtEccDecrypt { private_key, ciphertext: sealed.block() })?;
                Ok((Answer::Content(Plaintext::read(&answer, &dialect).unwrap().0.to_vec()), none))
            }
            Spoken::ExtEccSign(private) => {
                let private_key = match private {
                    Private::Right => SOMEBODY,
                    Private::Zero => [0; 32],
                    Private::NoInverse => sm2::order_less(1),
                    Private::TooLarge => sm2::order_less(0),
                };
                let digest = sm2::signed(Input::Digest).try_into().unwrap();
                let answer = self.say(&ExtEccSign { private_key, digest })?;
                let signature = EccSignature::read(&answer, &dialect).unwrap();
                assert!(sm2::verifies(&public_key(&SOMEBODY), Input::Digest, &signature));
                Ok((Answer::ExternalSignature, none))
            }
            _ => unreachable!("a command with a key from outside"),
        }
    }
}
