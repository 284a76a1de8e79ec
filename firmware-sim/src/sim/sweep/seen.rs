//! What can be seen of a token from outside.

use ukey_apdu::command::{
    Answer as _, DevInfo, EccPublicKey, EnumApplication, EnumContainer, EnumFiles, GetDevInfo, KeyUse,
    PinInfo, PinType,
};
use ukey_apdu::pin::DeviceKey;
use ukey_apdu::{Dialect, Status};

use super::host::{Host, NAME};
use super::secrets::{ADMIN_PINS, DEVICE_KEYS, USER_PINS, WRONG_DEVICE_KEY};
use crate::sim::SimPlatform;

/// A container: name, public keys, certificates, in the order of [`KeyUse::ALL`].
type Content = (Vec<u8>, [Option<EccPublicKey>; 2], [Option<Vec<u8>>; 2]);

/// All that can be seen of a token from outside.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Seen {
    label: Vec<u8>,
    /// Bytes for objects: all, and free ones.
    space: (u32, u32),
    applications: Vec<Vec<u8>>,
    /// The retry counts of the others.
    others: Vec<[PinInfo; 2]>,
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

impl Tries {
    /// Hides what nobody can see where tries are out: the secret, and what only it opens.
    fn hide(self, seen: &mut Seen) {
        let [user, admin, device] = self.0.map(|left| left == 0);
        if user {
            seen.user_pin = None;
            seen.files.clear();
        }
        if admin {
            seen.admin_pin = None;
        }
        if device {
            seen.device_key = None;
        }
    }
}

impl Seen {
    /// The same but for the tries, as far as it can be seen in this one, where tries may be out.
    pub(super) fn is_like(&self, other: &Seen) -> bool {
        self.cannot_tell(self, other)
    }

    /// Whether two others are the same but for the tries, as far as it could be seen with the tries of this one.
    pub(super) fn cannot_tell(&self, one: &Seen, other: &Seen) -> bool {
        let level = |seen: &Seen| {
            let mut seen = Seen { tries: Tries::default(), ..seen.clone() };
            self.tries.hide(&mut seen);
            seen
        };
        level(one) == level(other)
    }

    /// Whether the tries of a secret are out.
    pub(super) fn is_locked(&self) -> bool {
        self.tries.0.contains(&0)
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
    let wrong = host.authenticate(WRONG_DEVICE_KEY);
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
        let mut done = if number == 0 { try_it(host, candidate) } else { try_it(&mut fresh()?, candidate) };
        if done == Err(Status::LOCKED) && number == 0 {
            // Perhaps what was done before took the last try.
            done = try_it(&mut fresh()?, candidate);
        }
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
    for name in seen.applications.iter().filter(|name| *name != NAME) {
        host.open_named(name)?;
        seen.others.push([host.pin_info(PinType::User)?, host.pin_info(PinType::Administrator)?]);
    }
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
