//! The file that holds a simulated token between processes: a header and the content of the flash.
//!
//! Guarantees: what is not a sound file of this format is refused and not touched; one process at a time holds a
//! file; a save leaves the old content or the new, whatever happens to the process or the machine.
//!
//! Formats 1 to 3; integers big-endian, texts UTF-8 and zero padded:
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 8 | `89 'U' 'K' 'E' 'Y' 0D 0A 1A` |
//! | 8 | 4 | version of the format: 1 to 3 |
//! | 12 | 32 | name of the dialect |
//! | 44 | 32 | serial number |
//! | 76 | 64 | manufacturer |
//! | 140 | 64 | issuer |
//! | 204 | 4 | length of the flash |
//! | 208 | 32 | SM3 over everything in front of it and the flash |
//! | 240 | | the flash |
//!
//! In format 2 the token speaks a dialect that is not built in. Behind the flash stand the dialect as TOML, as
//! [`dialect::print`] writes it, and its length (4 bytes); the checksum covers both. A token of a
//! built-in dialect is written in format 1.
//!
//! In format 3 the token has policies that are not as by default. Behind the flash stand the text of the dialect, empty for
//! a built-in one, and its length, then the policies, as [`policy::print_all`] writes them, and their length. A token without
//! such policies is written in format 1 or 2.
//!
//! The lock is a file beside it, `FILE.lock`: the state file itself is replaced at each save, a lock on it would not
//! last. It is never removed, for two processes could then lock two files of that name.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sm3::{Digest, Sm3};
use ukey_apdu::Dialect;

use super::sim::Policy;
use super::{LinkError, holder};
use crate::dialect::{self, BadDialect};
use crate::policy::{self, BadPolicy};

const MAGIC: [u8; 8] = *b"\x89UKEY\r\n\x1a";
/// The format of a token that speaks a built-in dialect.
const BUILT_IN: u32 = 1;
/// The format of a token that speaks a dialect of its own.
const OWN: u32 = 2;
/// The format of a token with policies of its own.
const POLICIES: u32 = 3;
/// Offset of the checksum, and the bytes of the header that it covers.
const COVERED: usize = 208;
/// Offset of the flash.
const HEADER: usize = 240;

/// What is wrong with a file that should hold a simulated token.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadState {
    /// It is something else.
    #[error("it is not the state of a simulated token")]
    Foreign,
    /// A newer program wrote it.
    #[error("it has format {found}, and this program reads formats up to {POLICIES}")]
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
}

impl BadState {
    /// What is wrong, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            BadState::Foreign => "不是模拟UKey的状态文件".to_owned(),
            BadState::Newer { found } => format!("格式版本{found}高于本程序支持的{POLICIES}"),
            BadState::Length { expected, found } => format!("长度应为{expected}字节，实为{found}字节"),
            BadState::Checksum => "校验和不符，文件已损坏".to_owned(),
            BadState::Dialect { name } => format!("本程序没有方言“{name}”"),
            BadState::OwnDialect { problem } => format!("方言内容有误：{}", problem.message_zh()),
            BadState::Policies { problem } => format!("策略内容有误：{}", problem.message_zh()),
            BadState::Header => "文件头不合理".to_owned(),
        }
    }

    pub(crate) fn advice(&self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            BadState::Foreign => {
                ("name a state file; the file was not touched", "请指定状态文件；该文件未被改动")
            }
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
fn encode(header: &Header, flash: &[u8]) -> Vec<u8> {
    let texts = texts(header);
    let behind: Vec<u8> = texts.iter().flat_map(|text| behind(text)).collect();
    let version = [BUILT_IN, OWN, POLICIES].get(texts.len()).copied().unwrap_or(POLICIES);
    let mut bytes = Vec::with_capacity(HEADER + flash.len() + behind.len());
    bytes.extend(MAGIC);
    bytes.extend(version.to_be_bytes());
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

/// The texts that stand behind the flash: none, the dialect, or the dialect and the policies.
fn texts(header: &Header) -> Vec<String> {
    let built_in = Dialect::BUILT_IN.contains(&header.dialect);
    let dialect = if built_in { String::new() } else { dialect::print(&header.dialect) };
    let policies = policy::print_all(&header.policy);
    match (built_in, policies.is_empty()) {
        (true, true) => Vec::new(),
        (false, true) => vec![dialect],
        (_, false) => vec![dialect, policies],
    }
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
fn decode(bytes: &[u8]) -> Result<(Header, Vec<u8>), BadState> {
    let found = bytes.len() as u64;
    let rest = bytes.strip_prefix(&MAGIC).ok_or(BadState::Foreign)?;
    let short = BadState::Length { expected: HEADER as u64, found };
    let (version, rest) = rest.split_first_chunk().ok_or(short.clone())?;
    let version = u32::from_be_bytes(*version);
    if version > POLICIES {
        return Err(BadState::Newer { found: version });
    }
    let (dialect, rest) = rest.split_first_chunk::<32>().ok_or(short.clone())?;
    let (serial_number, rest) = rest.split_first_chunk::<32>().ok_or(short.clone())?;
    let (manufacturer, rest) = rest.split_first_chunk::<64>().ok_or(short.clone())?;
    let (issuer, rest) = rest.split_first_chunk::<64>().ok_or(short.clone())?;
    let (length, rest) = rest.split_first_chunk().ok_or(short.clone())?;
    let (checksum, rest) = rest.split_first_chunk::<32>().ok_or(short.clone())?;
    let (mut flash, mut own, mut policies) = (rest, &[][..], &[][..]);
    if version == POLICIES {
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
    if matches!(version, BUILT_IN..=POLICIES) { Ok((header, flash.to_vec())) } else { Err(BadState::Header) }
}

fn text(field: &[u8]) -> Result<String, BadState> {
    let bytes = ukey_apdu::wire::unpadded(field);
    String::from_utf8(bytes.to_vec()).map_err(|_| BadState::Header)
}

/// A state file that this process holds.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    header: Header,
    _lock: Lock,
}

impl StateFile {
    /// Opens a file and gives its flash.
    ///
    /// # Errors
    /// [`LinkError::NoFile`], [`LinkError::Busy`], [`LinkError::BadFile`], [`LinkError::Io`]; the file was not touched.
    pub fn open(path: &Path) -> Result<(StateFile, Vec<u8>), LinkError> {
        // A lock beside a file that is none of ours would be litter: look before locking, read again behind the lock.
        read(path)?;
        let path = fs::canonicalize(path).map_err(io_error("finding", path))?;
        let lock = lock(&path)?;
        let (header, flash) = read(&path)?;
        Ok((StateFile { path, header, _lock: lock }, flash))
    }

    /// Makes a file of this content.
    ///
    /// With `replace`, a state file of that name is replaced, also a damaged one; a foreign file never is.
    ///
    /// # Errors
    /// [`LinkError::Exists`], [`LinkError::Busy`], [`LinkError::BadFile`] for a foreign file, [`LinkError::Io`].
    pub fn create(path: &Path, header: Header, flash: &[u8], replace: bool) -> Result<StateFile, LinkError> {
        let replaceable = |path: &Path| match read(path) {
            Err(LinkError::NoFile { .. }) => Ok(()),
            Err(error @ (LinkError::BadFile { problem: BadState::Foreign, .. } | LinkError::Io { .. })) => {
                Err(error)
            }
            _ if replace => Ok(()),
            _ => Err(LinkError::Exists { path: path.to_owned() }),
        };
        replaceable(path)?;
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let lock = lock(&path)?;
        replaceable(&path)?;
        let file = StateFile { path, header, _lock: lock };
        file.save(flash)?;
        Ok(file)
    }

    /// What the file says about the token.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the flash, durably, before it returns.
    ///
    /// # Errors
    /// [`LinkError::Io`]; the file then holds the old content or the new.
    pub fn save(&self, flash: &[u8]) -> Result<(), LinkError> {
        let new = beside(&self.path, ".new");
        write_durably(&new, &encode(&self.header, flash)).map_err(io_error("writing", &new))?;
        fs::rename(&new, &self.path).map_err(io_error("replacing", &self.path))?;
        sync_folder(&self.path).map_err(io_error("saving the folder of", &self.path))
    }
}

/// Reads and checks a file, and leaves it alone.
///
/// # Errors
/// [`LinkError::NoFile`], [`LinkError::BadFile`], [`LinkError::Io`].
pub fn read(path: &Path) -> Result<(Header, Vec<u8>), LinkError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(LinkError::NoFile { path: path.to_owned() });
        }
        result => result.map_err(io_error("reading", path))?,
    };
    decode(&bytes).map_err(|problem| LinkError::BadFile { path: path.to_owned(), problem })
}

/// A lock that is held.
#[derive(Debug)]
pub(crate) struct Lock(pub(crate) File);

/// Closing the file is not enough: a process that is being started may have a copy of it for a moment.
impl Drop for Lock {
    fn drop(&mut self) {
        // A lock that cannot be given back goes when the process ends.
        let _ = self.0.unlock();
    }
}

/// Waits until no other program holds a file. Another may take it before the caller does.
///
/// # Errors
/// [`LinkError::Io`].
pub fn wait_until_free(path: &Path) -> Result<(), LinkError> {
    let path = fs::canonicalize(path).map_err(io_error("finding", path))?;
    let (file, name) = lock_file(&path)?;
    file.lock().map_err(io_error("locking", &name))?;
    drop(Lock(file));
    Ok(())
}

fn lock_file(path: &Path) -> Result<(File, PathBuf), LinkError> {
    let name = beside(path, ".lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&name);
    Ok((file.map_err(io_error("locking", &name))?, name))
}

/// Holds the lock beside a file.
pub(super) fn lock(path: &Path) -> Result<Lock, LinkError> {
    let (file, name) = lock_file(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => {
            Err(LinkError::Busy { place: path.display().to_string(), holder: holder::of(&name) })
        }
        Err(TryLockError::Error(source)) => Err(io_error("locking", &name)(source)),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The file holds private keys: nobody else may read it.
fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A rename is durable once the folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

pub(crate) fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LinkError {
    move |source| LinkError::Io { doing, path: path.to_owned(), source }
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

    /// Format 1 is frozen: this file can be read for ever.
    #[test]
    fn the_format_is_as_documented() {
        let bytes = encode(&header(), b"flash");
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
        let good = encode(&header(), b"flash");
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
        let bytes = encode(&strict(), b"flash");
        assert_eq!(hex::encode(&bytes[8..12]), "00000003");
        assert_eq!(hex::encode(&bytes[204..208]), "00000005");
        let policies = "one-use=on\nmin-pin=8\nmax-pin=16\nmax-tries=15\ndevice-tries=10\nstrict-factory=off\n\
                        changed-device-key=off\nstrict-open=off\nself-test-algorithms=on\nself-test-records=off\n\
                        session-keys=8\n";
        let behind = [b"flash\0\0\0\0", policies.as_bytes(), &[0, 0, 0, 180]].concat();
        assert_eq!(&bytes[240..], behind);
        let sum = Sm3::new().chain_update(&bytes[..208]).chain_update(&bytes[240..]).finalize();
        assert_eq!(bytes[208..240], sum[..]);
        assert_eq!(decode(&bytes), Ok((strict(), b"flash".to_vec())));
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut bad = bytes.clone();
                bad[at] ^= 1 << bit;
                assert!(decode(&bad).is_err(), "byte {at} bit {bit}");
            }
            assert!(decode(&bytes[..at]).is_err(), "{at} bytes");
        }
    }

    /// A policy that only a newer program knows is not left out in silence.
    #[test]
    fn a_policy_that_is_not_there_is_named() {
        let mut bytes = encode(&strict(), b"flash");
        let at = bytes.windows(7).position(|window| window == b"one-use").unwrap();
        bytes[at..at + 7].copy_from_slice(b"two-use");
        let sum = Sm3::new().chain_update(&bytes[..208]).chain_update(&bytes[240..]).finalize();
        bytes[208..240].copy_from_slice(&sum);
        let problem = BadPolicy::Name { name: "two-use".to_owned() };
        assert_eq!(decode(&bytes), Err(BadState::Policies { problem }));
    }

    #[test]
    fn any_other_length_is_noticed() {
        let good = encode(&header(), b"flash");
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
        let mut bytes = encode(&header(), b"flash");
        bytes[12..44].fill(0);
        bytes[12..18].copy_from_slice(b"elvish");
        let sum = Sm3::new().chain_update(&bytes[..208]).chain_update(b"flash").finalize();
        bytes[208..240].copy_from_slice(&sum);
        assert_eq!(decode(&bytes), Err(BadState::Dialect { name: "elvish".to_owned() }));
    }

    fn own() -> Header {
        let name = ukey_apdu::dialect::Name::new("own").unwrap();
        Header { dialect: Dialect { name, ..Dialect::SUNYARD }, ..header() }
    }

    /// Format 2 is frozen too.
    #[test]
    fn a_dialect_of_its_own_stands_behind_the_flash() {
        let bytes = encode(&own(), b"flash");
        let text = dialect::print(&own().dialect);
        assert_eq!(hex::encode(&bytes[8..12]), "00000002");
        assert_eq!(&bytes[12..16], b"own\0");
        assert_eq!(hex::encode(&bytes[204..208]), "00000005");
        let behind = [text.as_bytes(), &u32::try_from(text.len()).unwrap().to_be_bytes()].concat();
        let sum =
            Sm3::new().chain_update(&bytes[..208]).chain_update(b"flash").chain_update(&behind).finalize();
        assert_eq!(bytes[208..240], sum[..]);
        assert_eq!(bytes[240..], [b"flash", &behind[..]].concat());
        assert_eq!(decode(&bytes), Ok((own(), b"flash".to_vec())));
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert!(decode(&bad).is_err(), "byte {at}");
            assert!(decode(&bytes[..at]).is_err(), "{at} bytes");
        }
    }

    /// As a program wrote it that knew these switches and no others; a switch that comes later is as in the base.
    #[test]
    fn a_dialect_written_long_ago_is_read() {
        let text = b"name = \"own\"\nbase = \"gm3000\"\ndigest = \"length-prefixed\"\n";
        let mut bytes = encode(&own(), b"flash");
        bytes.truncate(245);
        bytes.extend(text);
        bytes.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
        let sum = Sm3::new().chain_update(&bytes[..208]).chain_update(&bytes[240..]).finalize();
        bytes[208..240].copy_from_slice(&sum);
        let (header, flash) = decode(&bytes).unwrap();
        assert_eq!((header.dialect.constant, flash), (Dialect::GM3000.constant, b"flash".to_vec()));
        assert_eq!(header.dialect.digest, Dialect::SYNOCHIP.digest);
    }
}
