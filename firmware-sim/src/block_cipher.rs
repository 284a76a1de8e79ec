//! SM4 in its modes of operation (GB/T 17964), over data that come in parts of any length.
//!
//! What is kept between two parts is two blocks: the chaining value, and the part of a block that is not whole yet.

use cipher::{BlockCipherDecrypt, BlockCipherEncrypt};
use sm4::Sm4;
use ukey_apdu::command::{
    CipherParameters, Padding, SGD_SM4_CBC, SGD_SM4_CFB, SGD_SM4_ECB, SGD_SM4_MAC, SGD_SM4_OFB,
};
use ukey_apdu::mac::BLOCK;
use ukey_apdu::status::Status;
use ukey_apdu::wire::Writer;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// What an operation is for. A key can serve each at the same time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    Encrypt,
    Decrypt,
    /// CBC; only the last block comes out.
    Mac,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    Ecb,
    Cbc,
    Cfb,
    Ofb,
}

impl Mode {
    /// The mode of an algorithm for a purpose, or `6A99`.
    const fn of(algorithm: u32, purpose: Purpose) -> Result<Mode, Status> {
        match (algorithm, purpose) {
            (SGD_SM4_MAC | SGD_SM4_CBC, Purpose::Mac) => Ok(Mode::Cbc),
            (SGD_SM4_ECB, Purpose::Encrypt | Purpose::Decrypt) => Ok(Mode::Ecb),
            (SGD_SM4_CBC, _) => Ok(Mode::Cbc),
            (SGD_SM4_CFB, Purpose::Encrypt | Purpose::Decrypt) => Ok(Mode::Cfb),
            (SGD_SM4_OFB, Purpose::Encrypt | Purpose::Decrypt) => Ok(Mode::Ofb),
            _ => Err(Status::UNSUPPORTED_KEY_ALGORITHM),
        }
    }

    /// Whether a last block may be shorter: the cipher makes a key stream.
    const fn is_stream(self) -> bool {
        matches!(self, Mode::Cfb | Mode::Ofb)
    }
}

/// An operation under way.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Operation {
    #[zeroize(skip)]
    purpose: Purpose,
    #[zeroize(skip)]
    mode: Mode,
    padded: bool,
    /// Data have come.
    begun: bool,
    /// The initialisation vector, then what the mode feeds back.
    chain: [u8; BLOCK],
    /// The block that is coming in.
    part: [u8; BLOCK],
    /// Bytes of it that are here.
    filled: usize,
}

impl Operation {
    /// Begins one, with a key that was made for the algorithm `keys_own`.
    ///
    /// An initialisation vector is one block; ECB has none and passes over what is given. CFB and OFB feed back whole
    /// blocks. A MAC has no padding (GM/T 0016-2012 clause 7.6.32).
    ///
    /// # Errors
    /// `6A99` for an algorithm that does not serve the purpose, `6A80` for other parameters.
    pub(crate) fn new(
        purpose: Purpose,
        keys_own: u32,
        parameters: &CipherParameters<'_>,
    ) -> Result<Self, Status> {
        let mode = Mode::of(parameters.algorithm.unwrap_or(keys_own), purpose)?;
        let padded = parameters.padding == Padding::Pkcs5;
        let whole_block = matches!(parameters.feedback_bits, 0 | 128);
        if (mode.is_stream() && !whole_block) || (purpose == Purpose::Mac && padded) {
            return Err(Status::WRONG_DATA);
        }
        let chain = match mode {
            Mode::Ecb => [0; BLOCK],
            _ => parameters.iv.try_into().map_err(|_| Status::WRONG_DATA)?,
        };
        Ok(Self { purpose, mode, padded, begun: false, chain, part: [0; BLOCK], filled: 0 })
    }

    /// Whether data have come.
    pub(crate) const fn has_begun(&self) -> bool {
        self.begun
    }

    /// Takes a part of any length; the blocks that it makes whole come out.
    ///
    /// # Errors
    /// `6700` where `out` cannot hold them.
    pub(crate) fn update(&mut self, cipher: &Sm4, data: &[u8], out: &mut Writer<'_>) -> Result<(), Status> {
        // The last block of a padded plaintext is taken apart at the end.
        let keeps_one = self.padded && self.purpose == Purpose::Decrypt;
        let mut rest = data;
        while !rest.is_empty() {
            self.begun = true;
            if self.filled == BLOCK {
                self.put_block(cipher, out)?;
            }
            let free = self.part.get_mut(self.filled..).unwrap_or_default();
            let (now, later) = rest.split_at(free.len().min(rest.len()));
            free.iter_mut().zip(now).for_each(|(cell, byte)| *cell = *byte);
            self.filled += now.len();
            rest = later;
            if self.filled == BLOCK && !keeps_one {
                self.put_block(cipher, out)?;
            }
        }
        Ok(())
    }

    /// Ends the operation; the rest comes out.
    ///
    /// # Errors
    /// `6700` where the data as a whole have a length that the mode does not take, or `out` cannot hold the rest;
    /// `6A80` where the padding is wrong.
    pub(crate) fn finish(&mut self, cipher: &Sm4, out: &mut Writer<'_>) -> Result<(), Status> {
        match (self.purpose, self.padded) {
            (Purpose::Mac, _) => {
                if self.filled != 0 || !self.begun {
                    return Err(Status::WRONG_LENGTH);
                }
                put(out, &self.chain)
            }
            (Purpose::Encrypt, true) => {
                let missing = u8::try_from(BLOCK.saturating_sub(self.filled)).unwrap_or_default();
                self.part.iter_mut().skip(self.filled).for_each(|cell| *cell = missing);
                self.put_block(cipher, out)
            }
            (Purpose::Decrypt, true) => {
                if self.filled != BLOCK {
                    return Err(Status::WRONG_LENGTH);
                }
                let block = self.transform(cipher);
                put(out, unpadded(&block).ok_or(Status::WRONG_DATA)?)
            }
            (_, false) if self.filled == 0 => Ok(()),
            (_, false) if self.mode.is_stream() => {
                let block = self.transform(cipher);
                put(out, block.get(..self.filled).unwrap_or_default())
            }
            (_, false) => Err(Status::WRONG_LENGTH),
        }
    }

    fn put_block(&mut self, cipher: &Sm4, out: &mut Writer<'_>) -> Result<(), Status> {
        let block = self.transform(cipher);
        self.filled = 0;
        if self.purpose == Purpose::Mac { Ok(()) } else { put(out, block.as_slice()) }
    }

    /// The output for the block that came in; the chaining value moves on.
    fn transform(&mut self, cipher: &Sm4) -> Zeroizing<[u8; BLOCK]> {
        let decrypts = self.purpose == Purpose::Decrypt;
        let input = Zeroizing::new(self.part);
        let output = Zeroizing::new(match self.mode {
            Mode::Ecb if decrypts => decrypt(cipher, &input),
            Mode::Ecb => encrypt(cipher, &input),
            Mode::Cbc if decrypts => xor(&decrypt(cipher, &input), &self.chain),
            Mode::Cbc => encrypt(cipher, &xor(&input, &self.chain)),
            Mode::Cfb | Mode::Ofb => xor(&encrypt(cipher, &self.chain), &input),
        });
        self.chain = match self.mode {
            Mode::Ecb => self.chain,
            Mode::Cbc | Mode::Cfb if decrypts => *input,
            Mode::Cbc | Mode::Cfb => *output,
            Mode::Ofb => xor(&output, &input),
        };
        output
    }
}

/// Answers that exceed the token's buffer come of data that are too long.
fn put(out: &mut Writer<'_>, bytes: &[u8]) -> Result<(), Status> {
    out.put(bytes).map_err(|_| Status::WRONG_LENGTH)
}

fn encrypt(cipher: &Sm4, block: &[u8; BLOCK]) -> [u8; BLOCK] {
    let mut block = (*block).into();
    cipher.encrypt_block(&mut block);
    block.into()
}

fn decrypt(cipher: &Sm4, block: &[u8; BLOCK]) -> [u8; BLOCK] {
    let mut block = (*block).into();
    cipher.decrypt_block(&mut block);
    block.into()
}

fn xor(a: &[u8; BLOCK], b: &[u8; BLOCK]) -> [u8; BLOCK] {
    let mut sum = *a;
    sum.iter_mut().zip(b).for_each(|(cell, byte)| *cell ^= byte);
    sum
}

/// A last block without its padding, if it has one.
fn unpadded(block: &[u8; BLOCK]) -> Option<&[u8]> {
    let [.., count] = block;
    let rest = BLOCK.checked_sub(usize::from(*count)).filter(|_| *count != 0)?;
    let (plain, padding) = block.split_at_checked(rest)?;
    padding.iter().all(|byte| byte == count).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cipher::KeyInit;
    use proptest::prelude::*;
    use ukey_apdu::Dialect;

    const ALGORITHMS: [u32; 4] = [SGD_SM4_ECB, SGD_SM4_CBC, SGD_SM4_CFB, SGD_SM4_OFB];

    fn hex(text: &str) -> Vec<u8> {
        hex::decode(text.replace(' ', "")).unwrap()
    }

    /// Runs an operation over data in these parts.
    fn run(
        key: &[u8],
        purpose: Purpose,
        parameters: CipherParameters<'_>,
        parts: &[&[u8]],
    ) -> Result<Vec<u8>, Status> {
        let cipher = Sm4::new_from_slice(key).unwrap();
        let mut buffer = [0; 1024];
        let mut out = Writer::new(&mut buffer, &Dialect::GM2012);
        let mut operation = Operation::new(purpose, SGD_SM4_ECB, &parameters)?;
        parts.iter().try_for_each(|part| operation.update(&cipher, part, &mut out))?;
        operation.finish(&cipher, &mut out)?;
        let length = out.len();
        Ok(buffer[..length].to_vec())
    }

    /// GB/T 32907-2016 annex A.1 (ECB of one block), and draft-ribose-cfrg-sm4-10 annex A.2 for the modes: two keys,
    /// one plaintext, the IV `00 01 … 0F`.
    const PLAIN: &str = "AAAAAAAABBBBBBBBCCCCCCCCDDDDDDDDEEEEEEEEFFFFFFFFAAAAAAAABBBBBBBB";
    const KEYS: [&str; 2] = ["0123456789ABCDEFFEDCBA9876543210", "FEDCBA98765432100123456789ABCDEF"];
    const IV: &str = "000102030405060708090A0B0C0D0E0F";
    const KNOWN: [(u32, [&str; 2]); 4] = [
        (
            SGD_SM4_ECB,
            [
                "5EC8143DE509CFF7B5179F8F474B86192F1D305A7FB17DF985F81C8482192304",
                "C5876897E4A59BBBA72A10C83872245B12DD90BC2D200692B529A4155AC9E600",
            ],
        ),
        (
            SGD_SM4_CBC,
            [
                "78EBB11CC40B0A48312AAEB2040244CB4CB7016951909226979B0D15DC6A8F6D",
                "0D3A6DDC2D21C698857215587B7BB59A91F2C147911A4144665E1FA1D40BAE38",
            ],
        ),
        (
            SGD_SM4_CFB,
            [
                "AC3236CB861DD316E6413B4E3C7524B769D4C54ED433B9A0346009BEB37B2B3F",
                "5DCCCD25A84BA16560D7F265887068490D9B86FF20C3BFE115FFA02CA6192CC5",
            ],
        ),
        (
            SGD_SM4_OFB,
            [
                "AC3236CB861DD316E6413B4E3C7524B71D01ACA2487CA582CBF5463E6698539B",
                "5DCCCD25A84BA16560D7F2658870684933FA16BD5CD9C856CACAA1E101897A97",
            ],
        ),
    ];

    #[test]
    fn the_known_answers_of_the_modes() {
        let (plain, iv) = (hex(PLAIN), hex(IV));
        for (algorithm, ciphers) in KNOWN {
            for (key, cipher) in KEYS.iter().zip(ciphers) {
                let parameters = CipherParameters::new(algorithm, &iv);
                let (key, cipher) = (hex(key), hex(cipher));
                assert_eq!(run(&key, Purpose::Encrypt, parameters, &[&plain]).unwrap(), cipher);
                assert_eq!(run(&key, Purpose::Decrypt, parameters, &[&cipher]).unwrap(), plain);
                let mut other = key.clone();
                other[15] ^= 1;
                assert_ne!(run(&other, Purpose::Encrypt, parameters, &[&plain]).unwrap(), cipher);
            }
        }
    }

    #[test]
    fn a_mac_is_the_last_block_of_cbc() {
        let (key, plain, iv) = (hex(KEYS[0]), hex(PLAIN), hex(IV));
        for algorithm in [SGD_SM4_MAC, SGD_SM4_CBC] {
            let parameters = CipherParameters::new(algorithm, &iv);
            let mac = run(&key, Purpose::Mac, parameters, &[&plain]).unwrap();
            assert_eq!(mac, hex("4CB7016951909226979B0D15DC6A8F6D"));
            for (from, to) in [(0, 0), (0, 1), (0, 31), (1, 32)] {
                assert_eq!(
                    run(&key, Purpose::Mac, parameters, &[&plain[from..to]]),
                    Err(Status::WRONG_LENGTH)
                );
            }
        }
    }

    #[test]
    fn the_standards_million_encryptions() {
        // GB/T 32907-2016 annex A.1 and A.2.
        let key: [u8; BLOCK] = hex(KEYS[0]).try_into().unwrap();
        let cipher = Sm4::new(&key.into());
        let first = encrypt(&cipher, &key);
        assert_eq!(first.to_vec(), hex("681EDF34D206965E86B3E94F536E4246"));
        let mut last = first.into();
        (1..1_000_000).for_each(|_| cipher.encrypt_block(&mut last));
        assert_eq!(last.to_vec(), hex("595298C7C6FD271F0402F804C33D3F66"));
        assert_eq!(decrypt(&cipher, &first), key);
    }

    #[test]
    fn parameters_that_do_not_fit_are_refused() {
        let iv = [0; 33];
        let new = |purpose, parameters| Operation::new(purpose, SGD_SM4_ECB, &parameters).err();
        for algorithm in ALGORITHMS {
            for length in [0, 8, 15, 17, 32, 33] {
                let refused = new(Purpose::Encrypt, CipherParameters::new(algorithm, &iv[..length]));
                let expected = (algorithm != SGD_SM4_ECB).then_some(Status::WRONG_DATA);
                assert_eq!(refused, expected, "{algorithm:X} {length}");
            }
            for feedback_bits in [0, 128, 1, 8, 64, 127] {
                let parameters =
                    CipherParameters { feedback_bits, ..CipherParameters::new(algorithm, &iv[..16]) };
                let stream = matches!(algorithm, SGD_SM4_CFB | SGD_SM4_OFB);
                let expected = (stream && !matches!(feedback_bits, 0 | 128)).then_some(Status::WRONG_DATA);
                assert_eq!(new(Purpose::Decrypt, parameters), expected, "{algorithm:X} {feedback_bits}");
            }
        }
        let unsupported = Some(Status::UNSUPPORTED_KEY_ALGORITHM);
        for (purpose, algorithm) in [
            (Purpose::Encrypt, SGD_SM4_MAC),
            (Purpose::Decrypt, SGD_SM4_MAC),
            (Purpose::Encrypt, 0x101),
            (Purpose::Mac, SGD_SM4_ECB),
            (Purpose::Mac, SGD_SM4_CFB),
            (Purpose::Mac, SGD_SM4_OFB),
            (Purpose::Mac, 0x110),
        ] {
            assert_eq!(
                new(purpose, CipherParameters::new(algorithm, &iv[..16])),
                unsupported,
                "{algorithm:X}"
            );
        }
        let padded = CipherParameters::new(SGD_SM4_MAC, &iv[..16]).padded();
        assert_eq!(new(Purpose::Mac, padded), Some(Status::WRONG_DATA));
    }

    #[test]
    fn padding_that_is_none_is_refused() {
        let (key, iv) = ([7; 16], [9; 16]);
        for algorithm in ALGORITHMS {
            let plainly = CipherParameters::new(algorithm, &iv);
            let mut blocks: Vec<[u8; BLOCK]> = [0, 17, 0xFF].map(|count| [count; BLOCK]).to_vec();
            let mut nearly = [4; BLOCK];
            nearly[12] = 5;
            blocks.push(nearly);
            for block in blocks {
                let cipher = run(&key, Purpose::Encrypt, plainly, &[&block]).unwrap();
                let refused = run(&key, Purpose::Decrypt, plainly.padded(), &[&cipher]);
                assert_eq!(refused, Err(Status::WRONG_DATA), "{block:?}");
            }
            let whole = run(&key, Purpose::Encrypt, plainly, &[&[16; BLOCK]]).unwrap();
            assert_eq!(run(&key, Purpose::Decrypt, plainly.padded(), &[&whole]).unwrap(), b"");
            for length in [0, 1, 15, 17] {
                let refused = run(&key, Purpose::Decrypt, plainly.padded(), &[&[1; 17][..length]]);
                assert_eq!(refused, Err(Status::WRONG_LENGTH), "{length}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_the_answer_is_too_long() {
        let cipher = Sm4::new_from_slice(&[7; 16]).unwrap();
        let mut buffer = [0; 31];
        let mut out = Writer::new(&mut buffer, &Dialect::GM2012);
        let parameters = CipherParameters::new(SGD_SM4_ECB, &[]);
        let mut operation = Operation::new(Purpose::Encrypt, SGD_SM4_ECB, &parameters).unwrap();
        operation.update(&cipher, &[1; 31], &mut out).unwrap();
        assert_eq!(operation.update(&cipher, &[1; 1], &mut out), Err(Status::WRONG_LENGTH));
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_and_decryption_gives_it_back(
            key: [u8; 16], iv: [u8; 16], algorithm in proptest::sample::select(ALGORITHMS.to_vec()), padded: bool,
            data in proptest::collection::vec(any::<u8>(), 0..100), cuts: (prop::sample::Index, prop::sample::Index),
        ) {
            let parameters = CipherParameters::new(algorithm, &iv);
            let parameters = if padded { parameters.padded() } else { parameters };
            let stream = matches!(algorithm, SGD_SM4_CFB | SGD_SM4_OFB);
            let whole = run(&key, Purpose::Encrypt, parameters, &[&data]);
            if !padded && !stream && data.len() % BLOCK != 0 {
                prop_assert_eq!(whole, Err(Status::WRONG_LENGTH));
                return Ok(());
            }
            let sealed = whole.unwrap();
            let length = if padded { (data.len() / BLOCK + 1) * BLOCK } else { data.len() };
            prop_assert_eq!(sealed.len(), length);
            let cut = |bytes: &[u8]| -> [usize; 2] {
                let (a, b) = (cuts.0.index(bytes.len() + 1), cuts.1.index(bytes.len() + 1));
                [a.min(b), a.max(b)]
            };
            let [a, b] = cut(&data);
            let parts: [&[u8]; 3] = [&data[..a], &data[a..b], &data[b..]];
            prop_assert_eq!(&run(&key, Purpose::Encrypt, parameters, &parts).unwrap(), &sealed);
            let [a, b] = cut(&sealed);
            let parts: [&[u8]; 3] = [&sealed[..a], &sealed[a..b], &sealed[b..]];
            prop_assert_eq!(&run(&key, Purpose::Decrypt, parameters, &parts).unwrap(), &data);
        }
    }
}
