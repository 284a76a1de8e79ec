//! What a token answers to SM2 commands over random inputs, one line each: compared between two builds of the
//! arithmetic, as `.ci/backends` does.
//!
//! The inputs follow from the number of rounds alone. Among them are the private keys at both ends of their range, points
//! off the curve, and signatures and ciphertexts with one wrong bit.
#![allow(clippy::print_stdout, clippy::indexing_slicing, clippy::unwrap_used, reason = "a tool of the tests")]

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use sm2::elliptic_curve::sec1::ToSec1Point;
use ukey_apdu::Dialect;
use ukey_apdu::command::{
    Answer, CipherBlock, Command, EccPublicKey, EccSignature, EccVerify, ExtEccDecrypt, ExtEccEncrypt,
    ExtEccSign, Plaintext, SignInput,
};
use ukey_apdu::status::Status;
use ukey_firmware::sim::SimPlatform;
use ukey_firmware::{MAX_ANSWER, Settings, Token};

/// The order n of the base point, less two: the largest private key.
const LARGEST: [u8; 32] = *b"\xFF\xFF\xFF\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x72\x03\xDF\x6B\x21\xC6\x05\x2B\x53\xBB\xF4\x09\x39\xD5\x41\x21";

const DIALECT: Dialect = Dialect::GM2012;

struct Asked {
    token: Token<SimPlatform>,
    chance: ChaCha20Rng,
}

impl Asked {
    /// Sends a command, prints its answer, and gives the data back.
    fn ask<'a>(&mut self, command: &impl Command<'a>, what: &str) -> Option<Vec<u8>> {
        let (mut data, mut envelope, mut answer) = ([0; 512], [0; 600], [0; MAX_ANSWER]);
        let length = command.to_apdu(&DIALECT, &mut data).unwrap().encode(&mut envelope).unwrap();
        let length = self.token.exchange(&envelope[..length], &mut answer);
        println!("{what} {}", hex::encode(&answer[..length]));
        let (data, word) = answer[..length].split_last_chunk().unwrap();
        (Status(u16::from_be_bytes(*word)) == Status::OK).then(|| data.to_vec())
    }

    fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.chance.fill_bytes(&mut bytes);
        bytes
    }

    /// A private key: mostly any, sometimes near an end of the range or beyond it.
    fn private_key(&mut self, round: u32) -> [u8; 32] {
        let mut ends = [[0; 32], [0; 32], [0xFF; 32], LARGEST, LARGEST];
        ends[0][31] = 1;
        ends[4][31] += 1;
        match round % 8 {
            0 => ends[(round / 8 % 5) as usize],
            _ => self.bytes(),
        }
    }

    /// `bytes` with one bit turned.
    fn spoilt(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut spoilt = bytes.to_vec();
        let place = self.chance.next_u32() as usize % (8 * spoilt.len());
        spoilt[place / 8] ^= 1 << (place % 8);
        spoilt
    }

    fn round(&mut self, round: u32) {
        let (private_key, digest) = (self.private_key(round), self.bytes());
        let public_key = public_key(&private_key);
        println!("public {public_key:?}");

        if let Some(answer) = self.ask(&ExtEccSign { private_key, digest }, "sign") {
            for answer in [self.spoilt(&answer), answer] {
                if let (Ok(signature), Some(public_key)) = (EccSignature::read(&answer, &DIALECT), public_key)
                {
                    let input = SignInput::Digest(digest);
                    self.ask(&EccVerify { public_key, input, signature }, "verify");
                }
            }
        }

        let anywhere = EccPublicKey { x: self.bytes(), y: self.bytes() };
        let text = self.bytes();
        for public_key in [Some(anywhere), public_key].into_iter().flatten() {
            let command = ExtEccEncrypt { public_key, plaintext: Plaintext(&text) };
            let Some(answer) = self.ask(&command, "encrypt") else { continue };
            for answer in [self.spoilt(&answer), answer] {
                if let Ok(ciphertext) = CipherBlock::read(&answer, &DIALECT) {
                    self.ask(&ExtEccDecrypt { private_key, ciphertext }, "decrypt");
                }
            }
        }
    }
}

fn public_key(private_key: &[u8; 32]) -> Option<EccPublicKey> {
    let point = sm2::SecretKey::from_slice(private_key).ok()?.public_key().to_sec1_point(false);
    let coordinates = point.as_bytes().get(1..)?;
    let (x, y) = coordinates.split_first_chunk()?;
    Some(EccPublicKey { x: *x, y: y.try_into().ok()? })
}

fn main() {
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(1000);
    let token = Token::power_on(SimPlatform::new([7; 32]), Settings::default());
    let token = token.map_err(|(error, _)| error).unwrap();
    let mut asked = Asked { token, chance: ChaCha20Rng::from_seed([8; 32]) };
    (0..rounds).for_each(|round| asked.round(round));
}
