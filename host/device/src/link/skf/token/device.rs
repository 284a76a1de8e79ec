//! The device: label, information, random bytes, the device authentication key.

use ukey_apdu::Status;
use ukey_apdu::command::{DevAuth, DevInfo, GenRandom, SetLabel, Version};
use ukey_apdu::envelope::Le;
use ukey_apdu::pin::DeviceKey;
use ukey_apdu::wire::unpadded;

use super::{Answer, NOTHING, No, Token, c_str, text};
use crate::link::skf::abi::functions::Functions;
use crate::link::skf::abi::room::Room;
use crate::link::skf::abi::types::{DEVINFO, VERSION};
use crate::link::skf::sar::Sar;

/// Fewest and most bytes of an envelope, whatever the library says of its buffers.
const ENVELOPE: std::ops::RangeInclusive<u32> = 128..=4096;

/// Random bytes fetched at once, where the envelope does not say how many.
const RANDOM: usize = 128;

impl Token {
    pub(super) fn set_label(&mut self, f: &Functions<'_>, command: &SetLabel<'_>) -> Answer {
        f.SKF_SetLabel(self.device, c_str(&text(command.label)?)?)?;
        NOTHING
    }

    pub(super) fn device_info(&self, f: &Functions<'_>) -> Answer {
        let mut room = Room::new(size_of::<DEVINFO>());
        f.SKF_GetDevInfo(self.device, &mut room)?;
        let info = DEVINFO::from_bytes(room.whole()).ok_or(Status::INTERNAL)?;
        let version = |version: VERSION| Version { major: version.major, minor: version.minor };
        let largest = u16::try_from({ info.MaxBufferSize }.clamp(*ENVELOPE.start(), *ENVELOPE.end()));
        let wire = DevInfo {
            structure: version(info.Version),
            // Not stated.
            specification: Version { major: 0, minor: 0 },
            manufacturer: unpadded(&info.Manufacturer),
            issuer: unpadded(&info.Issuer),
            label: unpadded(&info.Label),
            serial_number: unpadded(&info.SerialNumber),
            hardware: version(info.HWVersion),
            firmware: version(info.FirmwareVersion),
            symmetric: info.AlgSymCap,
            asymmetric: info.AlgAsymCap,
            digest: info.AlgHashCap,
            device_auth: info.DevAuthAlgId,
            total_space: info.TotalSpace,
            free_space: info.FreeSpace,
            max_apdu_data: largest.map_err(|_| Status::INTERNAL)?,
            max_containers: 0,
            max_certificates: 0,
            max_files: 0,
        };
        self.encoded(DevInfo::SIZE.into(), |writer| wire.write(writer))
    }

    pub(super) fn random(&mut self, f: &Functions<'_>, command: &GenRandom) -> Answer {
        let count = match Le::Exact(command.length) {
            Le::Exact(0) => RANDOM,
            le => le.limit(),
        };
        let mut room = Room::new(count);
        f.SKF_GenRandom(self.device, &mut room, u32::try_from(count).map_err(|_| Status::WRONG_LE)?)?;
        Ok(room.whole().to_vec())
    }

    pub(super) fn authenticate(&mut self, f: &Functions<'_>, command: &DevAuth) -> Answer {
        let proved = f.SKF_DevAuth(self.device, &command.cryptogram).map_err(No::from);
        // There is no code for a wrong key: tries are not told.
        proved.map_err(|no| no.means(&WRONG_KEY, UNCOUNTED))?;
        self.has_device_right = true;
        NOTHING
    }

    pub(super) fn change_device_key(&mut self, f: &Functions<'_>, new: &DeviceKey) -> Answer {
        let changed = f.SKF_ChangeDevAuthKey(self.device, &new.0).map_err(No::from);
        changed.map_err(|no| self.without_device_right(no))?;
        NOTHING
    }

    /// A refusal of what wants the device right: there is no code for it.
    pub(super) fn without_device_right(&self, no: No) -> No {
        if self.has_device_right {
            return no;
        }
        no.means(&[Sar::FAIL, Sar::UNKNOWNERR, Sar::USER_NOT_LOGGED_IN], Status::SECURITY_NOT_SATISFIED)
    }
}

/// What libraries answer to a wrong device authentication key.
const WRONG_KEY: [Sar; 4] = [Sar::FAIL, Sar::UNKNOWNERR, Sar::PIN_INCORRECT, Sar::INDATAERR];

/// `6300`: verification failed, and nobody says how many tries are left.
const UNCOUNTED: Status = Status(0x6300);
