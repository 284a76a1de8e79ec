//! What must hold after a cut.

use ukey_apdu::Status;
use ukey_apdu::command::EccPublicKey;

use super::secrets::Secrets;
use super::seen::{Seen, look};

/// A state, and the secrets that lie in its flash.
struct End {
    seen: Seen,
    secrets: u32,
}

/// Knows how a token was before a command and is after it.
pub(super) struct Judge {
    before: End,
    after: End,
    secrets: Secrets,
    keys: Vec<EccPublicKey>,
}

impl Judge {
    /// From the flash before and after.
    pub(super) fn new(before: &[u8], after: &[u8]) -> Result<Self, String> {
        let (was, is) = (look(before, &[])?, look(after, &[])?);
        let keys: Vec<_> = was.keys().chain(is.keys()).collect();
        let secrets = Secrets::new(before, &[before, after], &keys)?;
        let before = End { seen: was, secrets: secrets.inside(before) };
        let after = End { seen: is, secrets: secrets.inside(after) };
        Ok(Self { before, after, secrets, keys })
    }

    /// After so many cuts in a row: as before or as after. Says whether it is as before.
    pub(super) fn judge(&self, image: &[u8], cuts: u8) -> Result<bool, String> {
        let now = self.look(image)?;
        self.check_objects(&now)?;
        self.check_tries(&now.seen, cuts)?;
        Ok(now.seen.is_like(&self.before.seen))
    }

    /// After the command was carried out without a cut: as after, but for the tries that the cuts before it cost. Where
    /// they cost the last one the command is refused, and all is as before.
    pub(super) fn judge_end(&self, image: &[u8], done: Result<(), Status>) -> Result<(), String> {
        let now = self.look(image)?;
        let refused = done == Err(Status::LOCKED) && now.seen.is_locked();
        let expected = if refused { &self.before } else { &self.after };
        if !now.seen.is_like(&expected.seen) {
            return Err(format!("once more without a cut, it does not do what it should: {done:?}"));
        }
        self.check_objects(&now)
    }

    fn look(&self, image: &[u8]) -> Result<End, String> {
        Ok(End { seen: look(image, &self.keys)?, secrets: self.secrets.inside(image) })
    }

    fn check_objects(&self, now: &End) -> Result<(), String> {
        let ends = [&self.before, &self.after];
        let like = || ends.into_iter().filter(|end| now.seen.is_like(&end.seen));
        if like().next().is_none() {
            return Err("it is neither as before nor as after".to_owned());
        }
        let held = like().fold(0, |all, end| all | end.secrets);
        match now.secrets & !held {
            0 => Ok(()),
            left => Err(format!(
                "{} lies in the flash, though the token does not hold it",
                self.secrets.name(left)
            )),
        }
    }

    fn check_tries(&self, now: &Seen, cuts: u8) -> Result<(), String> {
        let (before, after) = (&self.before.seen, &self.after.seen);
        for ((now, was), will) in now.tries.0.iter().zip(&before.tries.0).zip(&after.tries.0) {
            let lost = was.checked_sub(*now);
            if now != will && lost.is_none_or(|lost| lost > cuts) {
                return Err(format!("{now} tries are left, of {was} before and {will} after it"));
            }
        }
        if now.is_like(after) && !now.cannot_tell(before, after) && now.tries != after.tries {
            return Err("it is done, but the tries are not as after it".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ukey_apdu::command::{PinType, Rights};
    use ukey_apdu::pin::DeviceKey;

    use super::super::host::{CONTAINER, Host, NAME};
    use super::super::secrets::{ADMIN_PINS, CONTENTS, DEVICE_KEYS, USER_PINS, WRONG_PIN};
    use super::super::seen::platform;
    use super::*;

    fn host(image: &[u8]) -> Host {
        let mut host = Host::on(platform(1, image).unwrap()).unwrap();
        let _ = host.open();
        host
    }

    fn issued() -> Vec<u8> {
        let mut host = host(&vec![0xFF; crate::sim::SimFlash::SIZE]);
        host.authenticate(DeviceKey(DEVICE_KEYS[0])).unwrap();
        host.create_application(NAME, ADMIN_PINS[0], USER_PINS[0]).unwrap();
        host.open().unwrap();
        host.verify(PinType::User, USER_PINS[0]).unwrap();
        host.create_file(b"SEAL", 100, Rights::USER).unwrap();
        host.write_file(b"SEAL", 0, &CONTENTS[0]).unwrap();
        host.verify(PinType::User, WRONG_PIN).unwrap_err();
        host.image()
    }

    /// The flash after this was done.
    fn after(image: &[u8], act: impl FnOnce(&mut Host)) -> Vec<u8> {
        let mut host = host(image);
        act(&mut host);
        host.image()
    }

    /// What is said of `now` where the user changed the PIN.
    fn judged(now: impl FnOnce(&[u8], &[u8]) -> Vec<u8>) -> Result<bool, String> {
        let before = issued();
        let done = after(&before, |host| host.change(PinType::User, USER_PINS[0], USER_PINS[1]).unwrap());
        Judge::new(&before, &done).unwrap().judge(&now(&before, &done), 1)
    }

    #[test]
    fn before_and_after_are_right_and_nothing_between() {
        assert_eq!(judged(|before, _| before.to_vec()), Ok(true));
        assert_eq!(judged(|_, done| done.to_vec()), Ok(false));
        let neither = Err("it is neither as before nor as after".to_owned());
        assert_eq!(judged(|before, _| after(before, |host| host.label(b"other").unwrap())), neither);
        let both = |before: &[u8], _: &[u8]| {
            after(before, |host| {
                host.verify(PinType::User, USER_PINS[0]).unwrap();
                host.create_container(CONTAINER).unwrap();
                host.generate().unwrap();
            })
        };
        assert_eq!(judged(both), neither);
    }

    #[test]
    fn tries_that_rose_or_fell_too_far_are_found() {
        let wrong = |host: &mut Host| host.verify(PinType::User, WRONG_PIN).unwrap_err();
        assert_eq!(judged(|before, _| after(before, |host| _ = wrong(host))), Ok(true), "one try, one cut");
        let twice = judged(|before, _| after(before, |host| _ = (wrong(host), wrong(host))));
        assert_eq!(twice, Err("3 tries are left, of 5 before and 6 after it".to_owned()));
        let before = issued();
        let after_it = after(&before, |host| _ = wrong(host));
        let risen = after(&before, |host| host.verify(PinType::User, USER_PINS[0]).unwrap());
        let judge = Judge::new(&before, &after_it).unwrap();
        let found = judge.judge(&risen, 1);
        assert_eq!(found, Err("6 tries are left, of 5 before and 4 after it".to_owned()));
        let unfinished = judged(|_, done| after(done, |host| _ = wrong(host)));
        assert_eq!(unfinished, Err("it is done, but the tries are not as after it".to_owned()));
    }

    /// Five cuts in a row cost five tries at most; whose tries are out is refused, and that is as before.
    #[test]
    fn tries_that_cuts_cost_add_up_until_the_pin_is_locked() {
        let lock = |image: &[u8]| {
            after(image, |host| while host.verify(PinType::User, WRONG_PIN) != Err(Status::LOCKED) {})
        };
        let before = issued();
        let done = after(&before, |host| host.change(PinType::User, USER_PINS[0], USER_PINS[1]).unwrap());
        let judge = Judge::new(&before, &done).unwrap();
        let locked = lock(&before);
        assert_eq!(judge.judge(&locked, 5), Ok(true));
        assert_eq!(judge.judge(&locked, 4), Err("0 tries are left, of 5 before and 6 after it".to_owned()));
        assert_eq!(judge.judge_end(&locked, Err(Status::LOCKED)), Ok(()));
        let not_done = |image: &[u8], done| judge.judge_end(image, done).unwrap_err();
        assert!(not_done(&before, Ok(())).starts_with("once more without a cut"));
        assert!(not_done(&before, Err(Status::LOCKED)).starts_with("once more"), "it has tries left");
        assert!(
            not_done(&locked, Err(Status::NO_SPACE)).starts_with("once more"),
            "refused for another reason"
        );
        let more = after(&locked, |host| host.label(b"other").unwrap());
        assert!(not_done(&more, Err(Status::LOCKED)).starts_with("once more"), "and something changed");
        assert!(judge.judge(&lock(&done), 5).is_err(), "the new PIN has all its tries");
    }

    #[test]
    fn a_secret_that_was_left_behind_is_found() {
        for secret in [USER_PINS[0].as_bytes(), &DEVICE_KEYS[1], &[0x42; 32], &CONTENTS[1]] {
            let left = judged(|_, done| {
                let mut image = done.to_vec();
                // In a page that nothing is in.
                let at = image.len() - 2000;
                image[at..at + secret.len()].copy_from_slice(secret);
                image
            });
            let found = left.unwrap_err();
            assert!(found.ends_with("lies in the flash, though the token does not hold it"), "{found}");
        }
    }

    #[test]
    fn a_token_that_does_not_come_up_is_found() {
        let dead = judged(|_, done| vec![0; done.len()]).unwrap_err();
        assert!(dead.starts_with("it does not come up"), "{dead}");
    }
}
