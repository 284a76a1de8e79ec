//! What a session key and a digest make of a message, as the standards define it over the whole of it: no parts, no
//! state, one block after the other.

use sha1::Sha1;
use sha2::Sha256;
use sm3::{Digest as _, Sm3};
use ukey_apdu::Status;
use ukey_apdu::command::DigestAlgorithm;
use ukey_apdu::mac::{BLOCK, decrypt_block, encrypt_block};

use super::super::words::{Mode, Purpose, Work};

/// The initialisation vector of every operation.
pub const IV: [u8; BLOCK] = [0x1F; BLOCK];

type Block = [u8; BLOCK];

fn xor(a: Block, b: Block) -> Block {
    std::array::from_fn(|at| a[at] ^ b[at])
}

/// One block behind the other; a last one that is not whole is filled with zeros here and cut off again.
fn blocks(work: Work, key: &Block, data: &[u8]) -> Vec<u8> {
    let mut chain = IV;
    let mut out = Vec::new();
    for part in data.chunks(BLOCK) {
        let mut block = [0; BLOCK];
        block[..part.len()].copy_from_slice(part);
        let decrypts = work.purpose == Purpose::Decrypt;
        let (output, next) = match (work.mode, decrypts) {
            (Mode::Ecb, false) => (encrypt_block(key, block), chain),
            (Mode::Ecb, true) => (decrypt_block(key, block), chain),
            (Mode::Cbc | Mode::Mac, false) => {
                let sealed = encrypt_block(key, xor(block, chain));
                (sealed, sealed)
            }
            (Mode::Cbc | Mode::Mac, true) => (xor(decrypt_block(key, block), chain), block),
            (Mode::Cfb, _) => {
                let output = xor(encrypt_block(key, chain), block);
                (output, if decrypts { block } else { output })
            }
            (Mode::Ofb, _) => {
                let stream = encrypt_block(key, chain);
                (xor(stream, block), stream)
            }
        };
        chain = next;
        out.extend(&output[..part.len()]);
    }
    out
}

/// All that comes out for a whole message.
pub fn whole(work: Work, key: &Block, data: &[u8]) -> Result<Vec<u8>, Status> {
    let is_aligned = data.len().is_multiple_of(BLOCK);
    let is_stream = matches!(work.mode, Mode::Cfb | Mode::Ofb);
    match work.purpose {
        Purpose::Mac if data.is_empty() || !is_aligned => Err(Status::WRONG_LENGTH),
        Purpose::Mac => Ok(blocks(work, key, data).split_off(data.len() - BLOCK)),
        Purpose::Encrypt if work.padded => {
            let missing = BLOCK - data.len() % BLOCK;
            let padding = vec![u8::try_from(missing).expect("at most 16"); missing];
            Ok(blocks(work, key, &[data, &padding].concat()))
        }
        Purpose::Decrypt if work.padded => {
            if data.is_empty() || !is_aligned {
                return Err(Status::WRONG_LENGTH);
            }
            let mut plain = blocks(work, key, data);
            let count = usize::from(*plain.last().expect("a block or more"));
            let padding = plain.iter().rev().take(count);
            if !(1..=BLOCK).contains(&count) || padding.clone().any(|byte| usize::from(*byte) != count) {
                return Err(Status::WRONG_DATA);
            }
            plain.truncate(plain.len() - count);
            Ok(plain)
        }
        _ if !is_aligned && !is_stream => Err(Status::WRONG_LENGTH),
        _ => Ok(blocks(work, key, data)),
    }
}

/// What has come out when so much of a message is there, and more may come.
pub fn so_far(work: Work, key: &Block, data: &[u8]) -> Vec<u8> {
    if work.purpose == Purpose::Mac {
        return Vec::new();
    }
    let waits = usize::from(work.padded && work.purpose == Purpose::Decrypt && !data.is_empty());
    let ready = (data.len() - waits) / BLOCK * BLOCK;
    blocks(work, key, &data[..ready])
}

pub fn digest(algorithm: DigestAlgorithm, data: &[u8]) -> Vec<u8> {
    match algorithm {
        DigestAlgorithm::Sm3 => Sm3::digest(data).to_vec(),
        DigestAlgorithm::Sha1 => Sha1::digest(data).to_vec(),
        DigestAlgorithm::Sha256 => Sha256::digest(data).to_vec(),
    }
}
