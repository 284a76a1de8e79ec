//! The bytes of a state file. Formats 1 to 4; integers big-endian, texts UTF-8 and zero padded:
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 8 | `89 'U' 'K' 'E' 'Y' 0D 0A 1A` |
//! | 8 | 4 | version of the format: 1 to 4 |
//! | 12 | 32 | name of the dialect |
//! | 44 | 32 | serial number |
//! | 76 | 64 | manufacturer |
//! | 140 | 64 | issuer |
//! | 204 | 4 | length of the flash |
//! | 208 | 32 | SM3 over everything in front of it and the flash |
//! | 240 | | the flash |
//!
//! Format 4 is written. Behind the flash stand the dialect as TOML, as [`dialect::print`] writes it, empty for a built-in
//! one, and its length (4 bytes); the policies, as [`policy::print_all`] writes them, empty where they are as by default,
//! and their length; then 16 random bytes, which no other writing of any file has. The checksum covers all of it: no two
//! writings have the same.
//!
//! The others are read. In format 1 nothing stands behind the flash; in format 2 the dialect; in format 3 the dialect and
//! the policies.

use sm3::{Digest, Sm3};
use ukey_apdu::Dialect;

use crate::dialect::{self, BadDialect};
use crate::link::sim::Policy;
use crate::policy::{self, BadPolicy};

const MAGIC: [u8; 8] = *b"\x89UKEY\r\n\x1a";
/// The first format: a token that speaks a built-in dialect.
const BUILT_IN: u32 = 1;
/// The first format that has a dialect of the token's own.
const OWN: u32 = 2;
/// The first format that has policies.
const POLICIES: u32 = 3;
/// The first format that tells one writing from another: the one that is written.
const MARKED: u32 = 4;
/// Offset of the checksum, and the bytes of the header that it covers.
const COVERED: usize = 208;
/// Offset of the flash.
const HEADER: usize = 240;

/// The checksum of a file.
pub(super) type Checksum = [u8; HEADER - COVERED];

/// What tells one writing of a file from every other: random.
pub(super) type Mark = [u8; 16];

/// What is wrong with a file that should hold a simulated token.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadState {
    /// It is something else.
    #[error("it is not the state of a simulated token")]
    Foreign,
    /// A newer program wrote it.
    #[error("it has format {found}, and this program reads formats up to {MARKED}")]
    Newer {
        /// Its version.
        found: u32,
    },
    /// It is shorter or longer than its header says.
    #[error("it has {found} bytes instead of {expected}")]
    Length {
        /// Bytes by the header.
        expected: u64,
        /// Bytes there.
        found: u64,
    },
    /// Its content was changed since it was written.
    #[error("it is damaged: the checksum does not fit")]
    Checksum,
    /// A dialect that this program does not have.
    #[error("it speaks dialect \"{name}\", which this program does not have")]
    Dialect {
        /// The dialect.
        name: String,
    },
    /// The text of a dialect of its own is none.
    #[error("its dialect does not make sense: {problem}")]
    OwnDialect {
        /// What is wrong with it.
        problem: Box<BadDialect>,
    },
    /// The text of its policies is none.
    #[error("its policies do not make sense: {problem}")]
    Policies {
        /// What is wrong with them.
        problem: BadPolicy,
    },
    /// A text of the header is none, or the flash has a size that no token has.
    #[error("its header does not make sense")]
    Header,
    /// It is no flash of an emulated board.
    #[error("it has {found} bytes, and the flash of the board {expected}")]
    Flash {
        /// Bytes of the board's flash.
        expected: u64,
        /// Bytes there.
        found: u64,
    },
}

impl BadState {
    /// What is wrong, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            BadState::Foreign => "不是模拟UKey的状态文件".to_owned(),
            BadState::Newer { found } => format!("格式版本{found}高于本程序支持的{MARKED}"),
            BadState::Length { expected, found } => format!("长度应为{expected}字节，实为{found}字节"),
            BadState::Checksum => "校验和不符，文件已损坏".to_owned(),
            BadState::Dialect { name } => format!("本程序没有方言“{name}”"),
            BadState::OwnDialect { problem } => format!("方言内容有误：{}", problem.message_zh()),
            BadState::Policies { problem } => format!("策略内容有误：{}", problem.message_zh()),
            BadState::Header => "文件头不合理".to_owned(),
            BadState::Flash { expected, found } => {
                format!("有{found}字节，而该开发板的闪存为{expected}字节")
            }
        }
    }

    pub(crate) fn advice(&self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            BadState::Foreign => {
                ("name a state file; the file was not touched", "请指定状态文件；该文件未被改动")
            }
            BadState::Flash { .. } => (
                "name another file for the flash, one that is not there is made; the file was not touched",
                "请为闪存指定其他文件，不存在时自动创建；该文件未被改动",
            ),
            BadState::Newer { .. } => {
                ("use the newer program; the file was not touched", "请使用新版本程序；该文件未被改动")
            }
            _ => (
                "go back to a saved copy (`ukey sim load`) or reset the token (`ukey sim reset`); the file was not touched",
                "请用 ukey sim load 恢复备份，或用 ukey sim reset 重置；该文件未被改动",
            ),
        })
    }
}

/// What the file says about the token, beside its flash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// The dialect it speaks.
    pub dialect: Dialect,
    /// Serial number, at most 32 bytes.
    pub serial_number: String,
    /// Manufacturer, at most 64 bytes.
    pub manufacturer: String,
    /// Issuer, at most 64 bytes.
    pub issuer: String,
    /// Its policies.
    pub policy: Policy,
}

/// A header and its flash as the bytes of a file.
pub(super) fn encode(header: &Header, flash: &[u8], mark: Mark) -> Vec<u8> {
    let built_in = Dialect::BUILT_IN.contains(&header.dialect);
    let own = if built_in { String::new() } else { dialect::print(&header.dialect) };
    let texts = [own, policy::print_all(&header.policy)];
    let behind: Vec<u8> = texts.iter().flat_map(|text| behind(text)).chain(mark).collect();
    let mut bytes = Vec::with_capacity(HEADER + flash.len() + behind.len());
    bytes.extend(MAGIC);
    bytes.extend(MARKED.to_be_bytes());
    let texts = [
        (header.dialect.name.as_str(), 32),
        (&header.serial_number, 32),
        (&header.manufacturer, 64),
        (&header.issuer, 64),
    ];
    for (text, width) in texts {
        bytes.extend(text.bytes().chain(std::iter::repeat(0)).take(width));
    }
    bytes.extend(u32::try_from(flash.len()).unwrap_or(u32::MAX).to_be_bytes());
    let checksum = Sm3::new().chain_update(&bytes).chain_update(flash).chain_update(&behind).finalize();
    bytes.extend(checksum);
    bytes.extend(flash);
    bytes.extend(behind);
    bytes
}

/// The checksum in a file's bytes.
pub(super) fn checksum(bytes: &[u8]) -> Checksum {
    bytes.get(COVERED..HEADER).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default()
}

/// A text and its length.
fn behind(text: &str) -> impl Iterator<Item = u8> {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    text.bytes().chain(length.to_be_bytes())
}

/// The text at the end of some bytes, and what is in front of it; `None` where there is not as much as its length says.
fn split_text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (front, length) = bytes.split_last_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    front.split_at_checked(front.len().checked_sub(length)?)
}

/// The header and flash of a file's bytes.
pub(super) fn decode(bytes: &[u8]) -> Result<(Header, Vec<u8>), BadState> {
    let found = bytes.len() as u64;
    let rest = bytes.strip_prefix(&MAGIC).ok_or(BadState::Foreign)?;
    let short = BadState::Length { expected: HEADER as u64, found };
    let (version, rest) = rest.split_first_chunk().ok_or(short.clone())?;
    let version = u32::from_be_bytes(*version);
    if version > MARKED {
        return Err(BadState::Newer { found: version });
    }
    let (dialect, rest) = rest.split_first_chunk::<32>().ok_or(short.clone())?;
    let (serial_number, rest) = rest.split_first_chunk::<32>().ok_or(short.clone())?;
    let (manufacturer, rest) = rest.split_first_chunk::<64>().ok_or(short.clone())?;
    let (issuer, rest) = rest.split_first_chunk::<64>().ok_or(short.clone())?;
    let (length, rest) = rest.split_first_chunk().ok_or(short.clone())?;
    let (checksum, rest) = rest.split_first_chunk::<32>().ok_or(short.clone())?;
    let (mut flash, mut own, mut policies) = (rest, &[][..], &[][..]);
    if version >= MARKED {
        flash = flash.split_last_chunk::<{ size_of::<Mark>() }>().ok_or(short.clone())?.0;
    }
    if version >= POLICIES {
        (flash, policies) = split_text(flash).ok_or(short.clone())?;
    }
    if version >= OWN {
        (flash, own) = split_text(flash).ok_or(short)?;
    }
    let expected = HEADER as u64 + u64::from(u32::from_be_bytes(*length)) + (rest.len() - flash.len()) as u64;
    if expected != found {
        return Err(BadState::Length { expected, found });
    }
    let covered = bytes.get(..COVERED).unwrap_or_default();
    if Sm3::new().chain_update(covered).chain_update(rest).finalize().as_slice() != checksum {
        return Err(BadState::Checksum);
    }
    let name = text(dialect)?;
    let dialect = match own {
        [] => Dialect::named(&name).ok_or(BadState::Dialect { name })?,
        own => {
            let own = std::str::from_utf8(own).map_err(|_| BadState::Header)?;
            let own =
                dialect::parse(own).map_err(|problem| BadState::OwnDialect { problem: Box::new(problem) })?;
            if own.name.as_str() == name { own } else { return Err(BadState::Header) }
        }
    };
    let policies = std::str::from_utf8(policies).map_err(|_| BadState::Header)?;
    let header = Header {
        dialect,
        serial_number: text(serial_number)?,
        manufacturer: text(manufacturer)?,
        issuer: text(issuer)?,
        policy: policy::parse(policies).map_err(|problem| BadState::Policies { problem })?,
    };
    if matches!(version, BUILT_IN..=MARKED) { Ok((header, flash.to_vec())) } else { Err(BadState::Header) }
}

fn text(field: &[u8]) -> Result<String, BadState> {
    let bytes = ukey_apdu::wire::unpadded(field);
    String::from_utf8(bytes.to_vec()).map_err(|_| BadState::Header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            dialect: Dialect::GM3000,
            serial_number: "0123456789ABCDEF".to_owned(),
            manufacturer: "ukey".to_owned(),
            issuer: "示例".to_owned(),
            policy: Policy::default(),
        }
    }

    const MARK: Mark = *b"no other has it.";

    /// A file with the same header in an older format, with this behind its flash.
    fn older(version: u8, header: &Header, behind: &[u8]) -> Vec<u8> {
        let mut bytes = encode(header, b"flash", MARK);
        bytes.truncate(245);
        bytes[11] = version;
        bytes.extend(behind);
        sum_up(bytes)
    }

    /// With its checksum made right.
    fn sum_up(mut bytes: Vec<u8>) -> Vec<u8> {
        let sum = Sm3::new().chain_update(&bytes[..208]).chain_update(&bytes[240..]).finalize();
        bytes[208..240].copy_from_slice(&sum);
        bytes
    }

    fn is_read_whole_or_not_at_all(bytes: &[u8]) {
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut bad = bytes.to_vec();
                bad[at] ^= 1 << bit;
                assert!(decode(&bad).is_err(), "byte {at} bit {bit}");
            }
            assert!(decode(&bytes[..at]).is_err(), "{at} bytes");
        }
    }

    /// Format 4 is frozen.
    #[test]
    fn the_format_is_as_documented() {
        let bytes = encode(&header(), b"flash", MARK);
        assert_eq!(hex::encode(&bytes[..12]), "89554b45590d0a1a00000004");
        assert_eq!(bytes[240..], [b"flash\0\0\0\0\0\0\0\0", &MARK[..]].concat());
        assert_eq!(sum_up(bytes.clone()), bytes);
        assert_eq!(decode(&bytes), Ok((header(), b"flash".to_vec())));
        is_read_whole_or_not_at_all(&bytes);
        assert_ne!(checksum(&bytes), checksum(&encode(&header(), b"flash", [0; 16])));
        for header in [strict(), own()] {
            assert_eq!(decode(&encode(&header, b"flash", MARK)), Ok((header, b"flash".to_vec())));
        }
    }

    /// Format 1 is frozen: this file can be read for ever.
    #[test]
    fn the_first_format_is_as_documented() {
        let bytes = older(1, &header(), b"");
        assert_eq!(bytes.len(), HEADER + 5);
        assert_eq!(hex::encode(&bytes[..12]), "89554b45590d0a1a00000001");
        assert_eq!(&bytes[12..20], b"gm3000\0\0");
        assert_eq!(&bytes[44..62], b"0123456789ABCDEF\0\0");
        assert_eq!(&bytes[76..82], b"ukey\0\0");
        assert_eq!(&bytes[140..148], "示例\0\0".as_bytes());
        assert_eq!(hex::encode(&bytes[204..208]), "00000005");
        let sum = Sm3::new().chain_update(&bytes[..208]).chain_update(b"flash").finalize();
        assert_eq!(bytes[208..240], sum[..]);
        assert_eq!(&bytes[240..], b"flash");
        assert_eq!(decode(&bytes), Ok((header(), b"flash".to_vec())));
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let good = older(1, &header(), b"");
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                let expected = match at {
                    0..8 => matches!(decode(&bad), Err(BadState::Foreign)),
                    8..12 => matches!(
                        decode(&bad),
                        Err(BadState::Newer { .. } | BadState::Checksum | BadState::Length { .. })
                    ),
                    204..208 => matches!(decode(&bad), Err(BadState::Length { .. })),
                    _ => decode(&bad) == Err(BadState::Checksum),
                };
                assert!(expected, "byte {at} bit {bit}: {:?}", decode(&bad));
            }
        }
    }

    fn strict() -> Header {
        Header { policy: policy::parse("min-pin=8\none-use=on\n").unwrap(), ..header() }
    }

    /// Format 3 is frozen too.
    #[test]
    fn policies_stand_behind_the_flash() {
        let policies = "one-use=on\nmin-pin=8\nmax-pin=16\nmax-tries=15\ndevice-tries=10\nstrict-factory=off\n\
                        changed-device-key=off\nstrict-open=off\nself-test-algorithms=on\nself-test-records=off\n\
                        session-keys=8\n";
        let behind = [b"\0\0\0\0", policies.as_bytes(), &[0, 0, 0, 180]].concat();
        let bytes = older(3, &strict(), &behind);
        assert_eq!(decode(&bytes), Ok((strict(), b"flash".to_vec())));
        is_read_whole_or_not_at_all(&bytes);
        let written = encode(&strict(), b"flash", MARK);
        assert_eq!(written[245..], [&behind[..], &MARK].concat());
    }

    /// A policy that only a newer program knows is not left out in silence.
    #[test]
    fn a_policy_that_is_not_there_is_named() {
        let mut bytes = encode(&strict(), b"flash", MARK);
        let at = bytes.windows(7).position(|window| window == b"one-use").unwrap();
        bytes[at..at + 7].copy_from_slice(b"two-use");
        let problem = BadPolicy::Name { name: "two-use".to_owned() };
        assert_eq!(decode(&sum_up(bytes)), Err(BadState::Policies { problem }));
    }

    #[test]
    fn any_other_length_is_noticed() {
        let good = encode(&header(), b"flash", MARK);
        for length in 0..good.len() {
            assert!(
                matches!(decode(&good[..length]), Err(BadState::Foreign | BadState::Length { .. })),
                "{length} bytes"
            );
        }
        assert!(matches!(decode(&[&good[..], b"x"].concat()), Err(BadState::Length { .. })));
    }

    #[test]
    fn a_dialect_that_is_not_there_is_named() {
        let mut bytes = encode(&header(), b"flash", MARK);
        bytes[12..44].fill(0);
        bytes[12..18].copy_from_slice(b"elvish");
        assert_eq!(decode(&sum_up(bytes)), Err(BadState::Dialect { name: "elvish".to_owned() }));
    }

    fn own() -> Header {
        let name = ukey_apdu::dialect::Name::new("own").unwrap();
        Header { dialect: Dialect { name, ..Dialect::SUNYARD }, ..header() }
    }

    /// Format 2 is frozen too.
    #[test]
    fn a_dialect_of_its_own_stands_behind_the_flash() {
        let text = dialect::print(&own().dialect);
        let behind = [text.as_bytes(), &u32::try_from(text.len()).unwrap().to_be_bytes()].concat();
        let bytes = older(2, &own(), &behind);
        assert_eq!(&bytes[12..16], b"own\0");
        assert_eq!(decode(&bytes), Ok((own(), b"flash".to_vec())));
        is_read_whole_or_not_at_all(&bytes);
        let written = encode(&own(), b"flash", MARK);
        assert_eq!(written[245..], [&behind[..], &[0; 4], &MARK].concat());
    }

    /// As a program wrote it that knew these switches and no others; a switch that comes later is as in the base.
    #[test]
    fn a_dialect_written_long_ago_is_read() {
        let text = b"name = \"own\"\nbase = \"gm3000\"\ndigest = \"length-prefixed\"\n";
        let behind = [&text[..], &u32::try_from(text.len()).unwrap().to_be_bytes()].concat();
        let bytes = older(2, &own(), &behind);
        let (header, flash) = decode(&bytes).unwrap();
        assert_eq!((header.dialect.constant, flash), (Dialect::GM3000.constant, b"flash".to_vec()));
        assert_eq!(header.dialect.digest, Dialect::SYNOCHIP.digest);
    }
}
