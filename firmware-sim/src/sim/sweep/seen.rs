//! What can be seen of a token from outside, and which secrets lie readable in its flash.

use ukey_apdu::command::{
    Answer as _, DevInfo, EccPublicKey, EnumApplication, EnumContainer, EnumFiles, GetDevInfo, KeyUse,
    PinType,
};
use ukey_apdu::pin::DeviceKey;
use ukey_apdu::{Dialect, Status};

use super::host::{Host, NAME};
use crate::sim::{SimFlash, SimPlatform};

/// The device authentication key of the factory, and the one that it is changed to.
pub(super) const DEVICE_KEYS: [[u8; 16]; 2] = [*b"1234567812345678", *b"the-next-dev-key"];
/// The user's PIN, and the one that it is changed to.
pub(super) const USER_PINS: [&str; 2] = ["the-user-pin", "next-user-pin"];
/// The administrator's PIN, and the one that it is changed to.
pub(super) const ADMIN_PINS: [&str; 2] = ["the-admin-pin", "next-admin-pin"];
/// A PIN that is never right.
pub(super) const WRONG_PIN: &str = "a-wrong-pin";
/// The private keys that are brought in envelopes.
pub(super) const BROUGHT: [[u8; 32]; 2] = [[0x42; 32], [0x43; 32]];
/// What the secret file holds, over and over, and what is written over it.
pub(super) const CONTENTS: [[u8; 8]; 2] = [*b"old seal", *b"new seal"];

/// A container: name, public keys, certificates, in the order of [`KeyUse::ALL`].
type Content = (Vec<u8>, [Option<EccPublicKey>; 2], [Option<Vec<u8>>; 2]);

/// All that can be seen of a token from outside.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Seen {
    label: Vec<u8>,
    /// Bytes for objects: all, and free ones.
    space: (u32, u32),
    applications: Vec<Vec<u8>>,
    containers: Vec<Content>,
    files: Vec<(Vec<u8>, Vec<u8>)>,
    /// Which of the PINs and of the device keys are right.
    user_pin: Option<usize>,
    admin_pin: Option<usize>,
    device_key: Option<usize>,
    /// Whether the PINs are those of the beginning.
    default_pins: [bool; 2],
    pub(super) tries: Tries,
}

/// Tries that are left: user PIN, administrator PIN, device authentication key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Tries(pub(super) [u8; 3]);

impl Seen {
    /// The same but for the tries.
    pub(super) fn is_like(&self, other: &Seen) -> bool {
        let level = |seen: &Seen| Seen { tries: Tries::default(), ..seen.clone() };
        level(self) == level(other)
    }

    /// The public keys in it.
    pub(super) fn keys(&self) -> impl Iterator<Item = EccPublicKey> {
        self.containers.iter().flat_map(|(_, keys, _)| keys).flatten().copied()
    }
}

/// A platform whose flash holds this, with the chance of this seed.
pub(super) fn platform(seed: u64, image: &[u8]) -> Result<SimPlatform, String> {
    let mut chance = [0; 32];
    chance.iter_mut().zip(seed.to_le_bytes()).for_each(|(cell, byte)| *cell = byte);
    SimPlatform::with_image(chance, image.to_vec()).map_err(|_| "the flash has another size".to_owned())
}

/// Looks at a copy of the flash: what the looking does stays there. Key pairs that are not among `known` are tried out.
pub(super) fn look(image: &[u8], known: &[EccPublicKey]) -> Result<Seen, String> {
    let fresh = || Host::on(platform(5, image)?);
    let mut host = fresh()?;
    let begun = host.operations();
    let mut seen = read(&mut host).map_err(|status| format!("it cannot be read: {status}"))?;
    if host.operations() != begun {
        return Err("reading changed the flash".to_owned());
    }
    let wrong = host.authenticate(DeviceKey([0; 16]));
    let [_, _, device] = &mut seen.tries.0;
    *device = wrong.err().and_then(Status::remaining).map_or(0, |left| left + 1);
    seen.device_key = which(&mut host, fresh, &DEVICE_KEYS, |host, key| host.authenticate(DeviceKey(*key)))?;
    if seen.applications.iter().any(|name| name == NAME) {
        seen.admin_pin = which(&mut host, fresh, &ADMIN_PINS, |host, pin| {
            host.open().and_then(|()| host.verify(PinType::Administrator, pin))
        })?;
        seen.user_pin = which(&mut host, fresh, &USER_PINS, |host, pin| {
            host.open()?;
            host.verify(PinType::User, pin)?;
            read_as_user(host, &mut seen.files, &seen.containers, known)
        })?;
    }
    Ok(seen)
}

/// Which of these a token takes: the first is tried on this one, the others each on a fresh one.
fn which<T>(
    host: &mut Host,
    fresh: impl Fn() -> Result<Host, String>,
    candidates: &[T],
    mut try_it: impl FnMut(&mut Host, &T) -> Result<(), Status>,
) -> Result<Option<usize>, String> {
    for (number, candidate) in candidates.iter().enumerate() {
        let done = if number == 0 { try_it(host, candidate) } else { try_it(&mut fresh()?, candidate) };
        match done {
            Ok(()) => return Ok(Some(number)),
            Err(status) if status == Status::LOCKED || status.remaining().is_some() => {}
            Err(status) => return Err(format!("what it keeps is refused to who may have it: {status}")),
        }
    }
    Ok(None)
}

/// What anyone can read.
fn read(host: &mut Host) -> Result<Seen, Status> {
    let dialect = Dialect::GM2012;
    let answer = host.send(&GetDevInfo)?;
    let info = DevInfo::read(&answer, &dialect).map_err(|_| Status::INTERNAL)?;
    let mut seen = Seen {
        label: info.label.to_vec(),
        space: (info.total_space, info.free_space),
        applications: host.names(&EnumApplication)?,
        ..Seen::default()
    };
    if !seen.applications.iter().any(|name| name == NAME) {
        return Ok(seen);
    }
    host.open()?;
    let (user, admin) = (host.pin_info(PinType::User)?, host.pin_info(PinType::Administrator)?);
    let count = |left: u32| u8::try_from(left).unwrap_or(u8::MAX);
    seen.tries = Tries([count(user.remaining.into()), count(admin.remaining.into()), 0]);
    seen.default_pins = [user.is_default, admin.is_default];
    let application = host.application;
    for name in host.names(&EnumContainer { application })? {
        host.open_container(&name)?;
        let keys = KeyUse::ALL.map(|key_use| there(host.public_key(key_use), Status::NO_KEY_PAIR));
        let certificates =
            KeyUse::ALL.map(|key_use| there(host.certificate(key_use), Status::NO_CERTIFICATE));
        let ([encrypt, sign], [encrypts, signs]) = (keys, certificates);
        seen.containers.push((name, [encrypt?, sign?], [encrypts?, signs?]));
    }
    Ok(seen)
}

/// What only the user can.
fn read_as_user(
    host: &mut Host,
    files: &mut Vec<(Vec<u8>, Vec<u8>)>,
    containers: &[Content],
    known: &[EccPublicKey],
) -> Result<(), Status> {
    let application = host.application;
    for name in host.names(&EnumFiles { application })? {
        let content = host.read_file(&name)?;
        files.push((name, content));
    }
    for (name, [_, sign], _) in containers {
        if let Some(key) = sign.filter(|key| !known.contains(key)) {
            host.open_container(name)?;
            host.pair_belongs_together(key)?;
        }
    }
    Ok(())
}

fn there<T>(found: Result<T, Status>, none: Status) -> Result<Option<T>, Status> {
    match found {
        Err(status) if status == none => Ok(None),
        found => found.map(Some),
    }
}

/// Secrets by their bytes, and which of them lie in a flash.
pub(super) struct Secrets {
    known: Vec<(String, Vec<u8>)>,
    base: Vec<u8>,
    /// Which secrets lie in which page of the base.
    pages: Vec<u32>,
}

impl Secrets {
    /// The secrets of this sweep, and the private keys of these pairs, which lie in front of their public keys.
    pub(super) fn new(base: &[u8], images: &[&[u8]], keys: &[EccPublicKey]) -> Result<Self, String> {
        let mut known: Vec<(String, Vec<u8>)> = Vec::new();
        for text in USER_PINS.iter().chain(&ADMIN_PINS) {
            known.push(("a PIN".to_owned(), text.as_bytes().to_vec()));
        }
        for key in DEVICE_KEYS {
            known.push(("a device authentication key".to_owned(), key.to_vec()));
        }
        known.push(("a brought private key".to_owned(), vec![0x42; 32]));
        known.push(("a brought private key".to_owned(), vec![0x43; 32]));
        for content in CONTENTS {
            known.push(("a secret file's content".to_owned(), content.to_vec()));
        }
        for key in keys {
            let private = images.iter().find_map(|image| private_key(image, key));
            let private = private.ok_or("a private key was not found: the sweep would be blind for it")?;
            known.push(("a private key".to_owned(), private.to_vec()));
        }
        let mut this = Self { known, base: base.to_vec(), pages: Vec::new() };
        this.pages = base.chunks(SimFlash::PAGE).map(|page| this.in_page(page)).collect();
        Ok(this)
    }

    fn in_page(&self, page: &[u8]) -> u32 {
        let mut found = 0;
        let mut bit = 1;
        for (_, secret) in &self.known {
            let first = secret.first().copied().unwrap_or_default();
            let mut rest = page;
            while let Some(at) = rest.iter().position(|&byte| byte == first) {
                let here = rest.get(at..).unwrap_or_default();
                if here.starts_with(secret) {
                    found |= bit;
                    break;
                }
                rest = here.get(1..).unwrap_or_default();
            }
            bit <<= 1;
        }
        found
    }

    /// The secrets in a flash, as bits.
    pub(super) fn inside(&self, image: &[u8]) -> u32 {
        let pages = image.chunks(SimFlash::PAGE).zip(self.base.chunks(SimFlash::PAGE)).zip(&self.pages);
        pages.fold(0, |all, ((page, base), known)| {
            all | if page == base { *known } else { self.in_page(page) }
        })
    }

    /// What one of these bits stands for.
    pub(super) fn name(&self, bits: u32) -> &str {
        let number = usize::try_from(bits.trailing_zeros()).unwrap_or(usize::MAX);
        self.known.get(number).map_or("something", |(name, _)| name)
    }
}

/// The private key of a pair, as it lies in the flash.
fn private_key(image: &[u8], key: &EccPublicKey) -> Option<[u8; 32]> {
    let at = image.windows(32).enumerate().filter(|(_, window)| *window == key.x).map(|(at, _)| at);
    let fronts = at.filter_map(|at| image.get(at.checked_sub(32)?..at)?.try_into().ok());
    fronts.into_iter().find(|d| crate::sm2::from_private(d).is_ok_and(|pair| pair.public_key() == *key))
}
