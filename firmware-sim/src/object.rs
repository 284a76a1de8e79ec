//! What a token keeps: records and the ids of the objects that hold them.

use core::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use ukey_apdu::command::{EccPublicKey, KeyUse, PinType};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::store::Mark;
use crate::store::counters::Counter;

/// Most applications: as many as leave their PIN counters room for 1,000 tries with two erases.
pub(crate) const APPLICATIONS: usize = 6;

/// Most containers of an application.
pub(crate) const CONTAINERS: usize = 16;

/// Longest certificate, in bytes.
pub(crate) const MAX_CERTIFICATE: usize = 4000;

/// An application's place, `0..APPLICATIONS`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct AppSlot(pub(crate) u8);

impl AppSlot {
    /// All places.
    pub(crate) fn all() -> impl Iterator<Item = AppSlot> {
        (0_u8..).take(APPLICATIONS).map(AppSlot)
    }

    /// The retry counter of one of its PINs.
    pub(crate) const fn counter(self, pin_type: PinType) -> Counter {
        Counter(1 + 2 * self.0 + pin_type as u8)
    }
}

/// The retry counter of the device authentication key.
pub(crate) const DEVICE_COUNTER: Counter = Counter(0);

/// A container's place in its application, `1..=CONTAINERS`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ContainerSlot(pub(crate) u8);

impl ContainerSlot {
    /// All places.
    pub(crate) fn all() -> impl Iterator<Item = ContainerSlot> {
        (1_u8..).take(CONTAINERS).map(ContainerSlot)
    }
}

/// Most files of an application: as many as their names fit one answer.
pub(crate) const FILES: usize = 120;

/// A file's place in its application, `0..FILES`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FileSlot(u8);

impl FileSlot {
    /// All places.
    pub(crate) fn all() -> impl Iterator<Item = FileSlot> {
        (0_u8..).take(FILES).map(FileSlot)
    }
}

/// The id of an object in the store: application (4 bits), group (8 bits), item (4 bits).
///
/// Group 0 is the application itself, 1 to 127 its containers, 128 to 247 its files. Application 15 is the device.
/// So all that belongs to an application, or to a container, is one range of ids.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct ObjectId(pub(crate) u16);

impl ObjectId {
    /// [`DeviceRecord`].
    pub(crate) const DEVICE: ObjectId = ObjectId(0xF000);
    /// [`DeviceKeyRecord`], secret.
    pub(crate) const DEVICE_KEY: ObjectId = ObjectId(0xF001);

    fn new(app: AppSlot, group: u8, item: u8) -> Self {
        Self(u16::from(app.0) << 12 | u16::from(group) << 4 | u16::from(item))
    }

    /// [`ApplicationRecord`].
    pub(crate) fn application(app: AppSlot) -> Self {
        Self::new(app, 0, 0)
    }

    /// [`PinRecord`], secret.
    pub(crate) fn pin(app: AppSlot, pin_type: PinType) -> Self {
        Self::new(app, 0, 1 + pin_type as u8)
    }

    /// All that belongs to an application.
    pub(crate) fn of_application(app: AppSlot) -> (Self, Self) {
        (Self::new(app, 0, 0), Self::new(app, 0xFF, 0xF))
    }

    /// [`ContainerRecord`].
    pub(crate) fn container(app: AppSlot, container: ContainerSlot) -> Self {
        Self::new(app, container.0, 0)
    }

    /// All that belongs to a container.
    pub(crate) fn of_container(app: AppSlot, container: ContainerSlot) -> (Self, Self) {
        (Self::new(app, container.0, 0), Self::new(app, container.0, 0xF))
    }

    /// [`KeyPairRecord`], secret.
    pub(crate) fn key_pair(app: AppSlot, container: ContainerSlot, key_use: KeyUse) -> Self {
        Self::new(app, container.0, 1 + key_use as u8)
    }

    /// [`FileRecord`]; its parts are the pieces of the file's content.
    pub(crate) fn file(app: AppSlot, file: FileSlot) -> Self {
        const FIRST_GROUP: u8 = 0x80;
        Self::new(app, FIRST_GROUP | file.0, 0)
    }

    /// A certificate's bytes.
    pub(crate) fn certificate(app: AppSlot, container: ContainerSlot, key_use: KeyUse) -> Self {
        Self::new(app, container.0, 3 + key_use as u8)
    }
}

/// A short byte string of a record.
pub(crate) type Text<const N: usize> = heapless::Vec<u8, N>;

/// What the device itself keeps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DeviceRecord {
    pub(crate) label: Text<32>,
}

/// The device authentication key.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct DeviceKeyRecord {
    pub(crate) key: [u8; 16],
    #[zeroize(skip)]
    pub(crate) forgiven: Mark,
}

/// An application.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ApplicationRecord {
    pub(crate) name: Text<32>,
    pub(crate) create_file: u32,
    pub(crate) max_containers: u8,
    pub(crate) max_certificates: u8,
    pub(crate) max_files: u16,
}

/// A PIN.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct PinRecord {
    /// Zero padded.
    pub(crate) pin: [u8; 16],
    pub(crate) max_tries: u8,
    /// Nobody has changed it since the application was created.
    pub(crate) is_default: bool,
    #[zeroize(skip)]
    pub(crate) forgiven: Mark,
}

/// A container.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ContainerRecord {
    pub(crate) name: Text<64>,
}

/// An SM2 key pair. A record of an earlier firmware ends with y.
#[derive(Clone, Serialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct KeyPairRecord {
    /// The private key, big-endian.
    pub(crate) d: [u8; 32],
    /// The public key.
    pub(crate) x: [u8; 32],
    pub(crate) y: [u8; 32],
    /// (1 + d)⁻¹, as secret as d.
    pub(crate) inverse: Option<[u8; 32]>,
}

impl KeyPairRecord {
    pub(crate) const fn public_key(&self) -> EccPublicKey {
        EccPublicKey { x: self.x, y: self.y }
    }
}

impl<'de> Deserialize<'de> for KeyPairRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = KeyPairRecord;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key pair")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut fields: A) -> Result<KeyPairRecord, A::Error> {
                let mut number =
                    || fields.next_element()?.ok_or(A::Error::custom("a key pair has three numbers"));
                let (d, x, y) = (number()?, number()?, number()?);
                Ok(KeyPairRecord { d, x, y, inverse: fields.next_element().ok().flatten().flatten() })
            }
        }
        deserializer.deserialize_tuple(4, Fields)
    }
}

/// A file. Its content is the parts of the same object, of 512 bytes each but for the last; a part that is only
/// reserved is zeros.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FileRecord {
    pub(crate) name: Text<32>,
    /// In bytes.
    pub(crate) size: u16,
    /// Who may read it: [`ukey_apdu::command::Rights`].
    pub(crate) read: u32,
    /// Who may write it, likewise.
    pub(crate) write: u32,
}
