//! The seals in a key: one file each (`SES_<n>.esl`), and a directory (`SES_DIR`) that says which count and in which
//! order.
//!
//! Guarantees: the directory is one byte of version and [`MOST_SEALS`] bytes of file numbers, written by one command;
//! a seal goes into a file that the directory does not name, is read back, and counts from the moment the directory
//! names it; the file of the old one is deleted last. Wherever the key is pulled, the directory names whole seals only;
//! what was left over is deleted before the next seal is written.
//! Refuses to know: what the hall thinks of a seal.

use std::collections::BTreeSet;

use ukey_device::{Application, Device, ErrorKind, FileInfo, Rights};
use ukey_pki::seal::Seal;

use crate::key::MyCertificate;
use crate::{FlowError, Rule, error::Part};

/// The name of the directory.
pub const DIRECTORY: &str = "SES_DIR";
/// Most seals in one key.
pub const MOST_SEALS: usize = 16;
/// Largest seal, bytes.
pub const MOST_BYTES: usize = 48 * 1024;

/// The version of the directory; a directory that was just created is all zeros.
const VERSION: u8 = 1;

/// A seal in a key.
#[derive(Debug)]
pub struct HeldSeal {
    /// Its file.
    pub file: String,
    /// The bytes of the file.
    pub der: Vec<u8>,
    /// What they say, if they can be read.
    pub seal: Result<Seal, ukey_pki::Error>,
}

impl HeldSeal {
    /// esID, where it can be read.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.seal.as_ref().ok().map(Seal::id)
    }
}

/// The seals of a key, in the order of its directory; no PIN is needed.
///
/// # Errors
/// A pulled or empty key, a directory that cannot be understood.
pub fn seals(device: &Device) -> Result<Vec<HeldSeal>, FlowError> {
    let application = MyCertificate::read(device)?.open_application(device)?;
    Store::new(device, &application).seals()
}

/// How many seals a key holds (Z-09), in all its applications.
///
/// # Errors
/// A pulled key, a directory that cannot be understood.
pub fn count(device: &Device) -> Result<usize, FlowError> {
    device.applications()?.iter().try_fold(0, |count, name| {
        let application = device.open_application(name)?;
        Ok(count + Store::new(device, &application).directory()?.0.len())
    })
}

/// The line of 我的证书 that tells how many seals there are (Z-09, N-21).
#[must_use]
pub fn count_zh(count: usize) -> String {
    format!("UKey内有 {count} 个电子印章")
}

/// The files of an application that hold seals. Writing wants the user PIN.
pub(crate) struct Store<'a, 'd> {
    device: &'a Device,
    application: &'a Application<'d>,
}

/// The numbers of the files that count, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Directory(Vec<u8>);

impl Directory {
    const SIZE: usize = 1 + MOST_SEALS;

    fn decode(bytes: &[u8]) -> Result<Self, FlowError> {
        let wrong = FlowError::Answer("the directory of seals in the key", "UKey内的印章目录");
        match bytes {
            _ if bytes.len() == Self::SIZE && bytes.iter().all(|byte| *byte == 0) => Ok(Self::default()),
            [VERSION, numbers @ ..] if numbers.len() == MOST_SEALS => {
                let (used, rest) =
                    numbers.split_at(numbers.iter().position(|n| *n == 0).unwrap_or(MOST_SEALS));
                let distinct = used.iter().collect::<BTreeSet<_>>().len() == used.len();
                if distinct && rest.iter().all(|n| *n == 0) { Ok(Self(used.to_vec())) } else { Err(wrong) }
            }
            _ => Err(wrong),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend(&self.0);
        bytes.resize(Self::SIZE, 0);
        bytes
    }

    /// A number that no file has.
    fn free(&self) -> u8 {
        (1..=u8::MAX).find(|number| !self.0.contains(number)).unwrap_or(u8::MAX)
    }
}

fn file(number: u8) -> String {
    format!("SES_{number}.esl")
}

fn number(file: &str) -> Option<u8> {
    file.strip_prefix("SES_")?.strip_suffix(".esl")?.parse().ok()
}

impl<'a, 'd> Store<'a, 'd> {
    pub(crate) fn new(device: &'a Device, application: &'a Application<'d>) -> Self {
        Self { device, application }
    }

    fn directory(&self) -> Result<Directory, FlowError> {
        match self.application.read_whole_file(DIRECTORY) {
            Ok(bytes) => Directory::decode(&bytes),
            // A token without files has no seals.
            Err(error) if matches!(error.kind(), ErrorKind::NoSuchFile | ErrorKind::Unsupported) => {
                Ok(Directory::default())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The seals, in order.
    pub(crate) fn seals(&self) -> Result<Vec<HeldSeal>, FlowError> {
        let read = |number: &u8| {
            let file = file(*number);
            let der = self.application.read_whole_file(&file)?;
            Ok(HeldSeal { seal: Seal::from_der(&der), file, der })
        };
        self.directory()?.0.iter().map(read).collect()
    }

    /// Writes a seal; in the place of another, if the key holds that one. Done again, it changes nothing.
    ///
    /// # Errors
    /// [`Rule::NoRoom`] and [`Rule::TooManySeals`], with every seal as it was; [`Rule::ReadBack`]; a pulled key.
    pub(crate) fn put(&self, der: &[u8], replaces: Option<&str>) -> Result<(), FlowError> {
        if der.len() > MOST_BYTES {
            return Err(FlowError::Answer("a seal of more than 48 KiB", "印章超过48 KiB"));
        }
        let held = self.seals()?;
        let mut directory = self.directory()?;
        self.sweep(&directory)?;
        if !held.iter().any(|seal| seal.der == der) {
            let place = held.iter().position(|seal| seal.id().is_some() && seal.id() == replaces);
            if place.is_none() && directory.0.len() >= MOST_SEALS {
                return Err(Rule::TooManySeals { most: MOST_SEALS }.into());
            }
            let new = directory.free();
            self.write(&file(new), der)?;
            match place {
                Some(place) => directory.0[place] = new,
                None => directory.0.push(new),
            }
            self.switch(&directory)?;
        }
        self.sweep(&directory)
    }

    /// Deletes a seal, if the key holds it.
    pub(crate) fn remove(&self, id: &str) -> Result<(), FlowError> {
        let held = self.seals()?;
        let mut directory = self.directory()?;
        if let Some(place) = held.iter().position(|seal| seal.id() == Some(id)) {
            directory.0.remove(place);
            self.switch(&directory)?;
        }
        self.sweep(&directory)
    }

    /// Deletes the files that the directory does not name.
    fn sweep(&self, directory: &Directory) -> Result<(), FlowError> {
        let files = self.application.files()?;
        let left_over = |file: &&String| number(file).is_some_and(|number| !directory.0.contains(&number));
        Ok(files.iter().filter(left_over).try_for_each(|file| self.application.delete_file(file))?)
    }

    fn write(&self, file: &str, der: &[u8]) -> Result<(), FlowError> {
        let needed = u32::try_from(der.len()).unwrap_or(u32::MAX);
        if self.device.info()?.free_space < needed {
            return Err(self.no_room(der)?.into());
        }
        self.create(file, needed, der)?;
        self.application.write_file(file, 0, der)?;
        if self.application.read_whole_file(file)? == der {
            Ok(())
        } else {
            Err(Rule::ReadBack { what: Part::Seal }.into())
        }
    }

    fn create(&self, file: &str, size: u32, seal: &[u8]) -> Result<(), FlowError> {
        let info = FileInfo { size, read: Rights::ANYONE, write: Rights::USER };
        match self.application.create_file(file, info) {
            Err(error) if matches!(error.kind(), ErrorKind::NoSpace) => Err(self.no_room(seal)?.into()),
            done => Ok(done?),
        }
    }

    fn no_room(&self, seal: &[u8]) -> Result<Rule, FlowError> {
        let needed = u32::try_from(seal.len()).unwrap_or(u32::MAX);
        Ok(Rule::NoRoom { needed, free: self.device.info()?.free_space })
    }

    /// Makes another directory count, by one write.
    fn switch(&self, directory: &Directory) -> Result<(), FlowError> {
        if !self.application.files()?.iter().any(|file| file == DIRECTORY) {
            self.create(DIRECTORY, Directory::SIZE as u32, &[0; Directory::SIZE])?;
        }
        self.application.write_file(DIRECTORY, 0, &directory.encode())?;
        if self.directory()? == *directory {
            Ok(())
        } else {
            Err(Rule::ReadBack { what: Part::SealDirectory }.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ukey_device::{CreateApplication, Options, Pin, PinType, Target};

    /// The layout that is in keys: a change here is a change of the format.
    #[test]
    fn the_directory_is_frozen() {
        let directory = Directory(vec![2, 5, 1]);
        let bytes = [1, 2, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(directory.encode(), bytes);
        assert_eq!(Directory::decode(&bytes).unwrap(), directory);
        assert_eq!(Directory::decode(&[0; 17]).unwrap(), Directory::default());
        let mut full = [9; 17];
        (0..17).for_each(|i| full[i] = i as u8 + u8::from(i == 0));
        full[16] = 200;
        assert_eq!(Directory::decode(&full).unwrap().0.len(), 16);
        assert_eq!((file(7).as_str(), number("SES_7.esl")), ("SES_7.esl", Some(7)));
    }

    #[test]
    fn a_directory_that_makes_no_sense_is_refused() {
        let twice = [1, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let gap = [1, 2, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let later = [2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for wrong in [&twice[..], &gap, &later, &twice[..16], &[]] {
            assert!(Directory::decode(wrong).is_err(), "{wrong:?}");
        }
        for name in ["SES_DIR", "SES_.esl", "SES_256.esl", "SES_1.bin", "1.esl"] {
            assert_eq!(number(name), None, "{name}");
        }
        assert_eq!(Directory(vec![1, 2, 4]).free(), 3);
    }

    #[test]
    fn a_full_directory_is_refused_before_anything_is_written() {
        let device = Target::Sim.connect(&Options { dialect: None, seed: Some(7) }).unwrap();
        let pin = Pin::new(b"Right-12").unwrap();
        device.authenticate(&crate::production::FACTORY_DEVICE_KEY).unwrap();
        let application = CreateApplication {
            name: b"UKEY",
            admin_pin: Pin::new(b"admin-12").unwrap(),
            admin_retries: 10,
            user_pin: pin.clone(),
            user_retries: 10,
            create_file: Rights::USER,
            max_containers: 1,
            max_certificates: 2,
            max_files: 2 + MOST_SEALS as u16,
        };
        device.create_application(&application).unwrap();
        let application = device.open_application("UKEY").unwrap();
        application.verify_pin(PinType::User, &pin).unwrap();
        let store = Store::new(&device, &application);
        (1..=MOST_SEALS as u8).for_each(|seal| store.put(&[seal; 8], None).unwrap());
        let (files, operations) =
            (application.files().unwrap(), || device.simulator().unwrap().flash_operations());
        let before = operations();
        let refused = store.put(&[0; 8], None).unwrap_err();
        assert!(matches!(refused, FlowError::Rule(Rule::TooManySeals { most: MOST_SEALS })), "{refused}");
        assert_eq!((application.files().unwrap(), operations()), (files, before), "nothing was written");
        // One that is there already is no further one.
        store.put(&[1; 8], None).unwrap();
        assert_eq!(store.seals().unwrap().len(), MOST_SEALS);
    }
}
