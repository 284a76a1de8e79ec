//! Device management (GM/T 0016-2012 clause 7.1).

use std::time::Duration;

use ukey_device::{DeviceInfo, SGD_SM4_ECB, Version};

use crate::abi::exports;
use crate::abi::pointer::{Buffer, In, Out, Text};
use crate::abi::types::{
    BOOL, BYTE, CHAR, DEV_ABSENT_STATE, DEV_PRESENT_STATE, DEV_UNKNOW_STATE, DEVHANDLE, DEVINFO, FOR_EVER,
    HANDLE, ULONG, VERSION,
};
use crate::connection::Connection;
use crate::event;
use crate::handle::{self, Object};
use crate::sar::{Failure, Result, Sar};
use crate::slot::Slot;
use crate::slots::{self, EVENTS};

/// Longest label, in bytes: the standard keeps one for the NUL.
const LONGEST_LABEL: usize = 31;

/// Bytes of a command beside the plaintext, at most.
const OVERHEAD: ULONG = 80;

exports! {
    /// Waits until a device is plugged in or pulled: its name, and DEV_EVENT_INSERTED or DEV_EVENT_REMOVED. What came
    /// since the last wait, or since SKF_EnumDev before the first, is told at once. A wait that
    /// SKF_CancelWaitForDevEvent ended succeeds with an empty name and event 0.
    fn SKF_WaitForDevEvent(szDevName: Out<CHAR>, pulDevNameLen: Out<ULONG>, pulEvent: Out<ULONG>) {
        let name = Buffer::new(szDevName, pulDevNameLen)?;
        let kind = pulEvent.place()?;
        if szDevName.place().is_err() {
            let longest = slots::names(false)?.iter().map(String::len).max().unwrap_or_default();
            return name.fits(longest + 1).map(drop);
        }
        let mut instances = event::instances()?;
        let outside = instances.as_mut().map(|instances| instances as &mut dyn event::Outside);
        let told = EVENTS.wait(outside, |told| {
            name.fill(&[told.name.as_bytes(), &[0]].concat())?;
            kind.put(told.kind);
            Ok(())
        });
        let told = told.map_err(|error| Failure { sar: Sar::FAIL, text: Some(error.to_string()) })?;
        told.unwrap_or_else(|| {
            name.fill(&[0])?;
            kind.put(0);
            Ok(())
        })
    }

    /// Ends every SKF_WaitForDevEvent of this process.
    fn SKF_CancelWaitForDevEvent() {
        EVENTS.cancel();
        Ok(())
    }

    /// The names of the devices, those plugged in or all.
    fn SKF_EnumDev(bPresent: BOOL, szNameList: Out<CHAR>, pulSize: Out<ULONG>) {
        EVENTS.listen();
        let names = slots::names(bPresent != 0)?;
        Buffer::new(szNameList, pulSize)?.fill_names(names.iter().map(String::as_str))
    }

    /// Connects to a device by its name.
    fn SKF_ConnectDev(szName: Text, phDev: Out<DEVHANDLE>) {
        let place = phDev.place()?;
        let slot = slots::find(szName.text()?)?.ok_or(Sar::INVALIDPARAMERR)?;
        if !slot.is_present() {
            return Err(Sar::DEVICE_REMOVED.into());
        }
        place.put(handle::add_device(Connection::new(slot)?));
        Ok(())
    }

    /// Disconnects: unlocks the device, closes every handle below this one, and destroys its session keys. Rights stay.
    fn SKF_DisConnectDev(hDev: DEVHANDLE) {
        for object in hDev.close(|object| matches!(object, Object::Device(_)))? {
            finish(object);
        }
        Ok(())
    }

    /// Whether a device is plugged in.
    fn SKF_GetDevState(szDevName: Text, pulDevState: Out<ULONG>) {
        let state = pulDevState.place()?;
        state.put(match slots::find(szDevName.text()?)? {
            Some(slot) if slot.is_present() => DEV_PRESENT_STATE,
            Some(_) => DEV_ABSENT_STATE,
            None => DEV_UNKNOW_STATE,
        });
        Ok(())
    }

    /// Gives the device a label of 1 to 31 bytes.
    fn SKF_SetLabel(hDev: DEVHANDLE, szLabel: Text) {
        let device = hDev.device()?;
        let label = szLabel.name(LONGEST_LABEL)?;
        device.did(device.device()?.set_label(label))
    }

    /// What the device says about itself.
    fn SKF_GetDevInfo(hDev: DEVHANDLE, pDevInfo: Out<DEVINFO>) {
        let device = hDev.device()?;
        let place = pDevInfo.place()?;
        place.put(structure(&device.did(device.device()?.info())?));
        Ok(())
    }

    /// Takes the device for this handle alone; waits for others at most so many milliseconds, DEV_LOCK_FOREVER without
    /// an end. It may be taken more than once, and is free when it was given back as often.
    fn SKF_LockDev(hDev: DEVHANDLE, ulTimeOut: ULONG) {
        let wait = match ulTimeOut {
            FOR_EVER => Duration::MAX,
            milliseconds => Duration::from_millis(milliseconds.into()),
        };
        hDev.connection()?.lock(wait)
    }

    /// Gives the device back.
    fn SKF_UnlockDev(hDev: DEVHANDLE) {
        hDev.connection()?.unlock()
    }

    /// Sends a command to the token as it is, and gives its answer as it is. For tests only.
    fn SKF_Transmit(
        hDev: DEVHANDLE,
        pbCommand: In<BYTE>,
        ulCommandLen: ULONG,
        pbData: Out<BYTE>,
        pulDataLen: Out<ULONG>,
    ) {
        let device = hDev.device()?;
        let command = pbCommand.bytes(ulCommandLen)?;
        let answer = Buffer::new(pbData, pulDataLen)?;
        if command.is_empty() {
            return Err(Sar::INDATALENERR.into());
        }
        // Its answer cannot be asked for twice: there has to be room for any.
        if pbData.place().is_err() {
            return answer.fits(LONGEST_ANSWER).map(drop);
        }
        answer.fill(&device.did(device.device()?.transmit(command))?)
    }
}

/// Bytes of an answer block and its status word, at most.
const LONGEST_ANSWER: usize = 512;

/// Lets go of what a device leaves behind: the key in the token does not remember it any longer.
fn finish(object: Object) {
    // A key that is gone has nothing to let go of.
    match object {
        Object::SessionKey(key) => drop(key.destroy()),
        Object::Container(container) => drop(container.close()),
        Object::Application(application) => drop(application.close()),
        _ => {}
    }
}

/// A text in its field, zero padded. One that fills it has no NUL: serial numbers of 32 digits are about.
pub(crate) fn text<const SIZE: usize>(text: &str) -> [CHAR; SIZE] {
    let mut field = [0; SIZE];
    field.iter_mut().zip(text.bytes()).for_each(|(cell, byte)| *cell = byte);
    field
}

/// The device information as the interface has it.
fn structure(info: &DeviceInfo) -> DEVINFO {
    let version = |version: Version| VERSION { major: version.major, minor: version.minor };
    let most = ULONG::from(info.max_apdu_data);
    DEVINFO {
        Version: VERSION { major: 1, minor: 0 },
        Manufacturer: text(&info.manufacturer),
        Issuer: text(&info.issuer),
        Label: text(&info.label),
        SerialNumber: text(&info.serial_number),
        HWVersion: version(info.hardware),
        FirmwareVersion: version(info.firmware),
        AlgSymCap: info.symmetric,
        AlgAsymCap: info.asymmetric,
        AlgHashCap: info.digest,
        DevAuthAlgId: SGD_SM4_ECB,
        TotalSpace: info.total_space,
        FreeSpace: info.free_space,
        MaxECCBufferSize: most.saturating_sub(OVERHEAD),
        // What is longer goes in several commands.
        MaxBufferSize: most.saturating_sub(OVERHEAD),
        Reserved: [0; 64],
    }
}

/// Functions that are ours: the hand on a simulated key, and what went wrong in words.
pub(crate) mod own {
    use super::{BOOL, Buffer, CHAR, Out, Result, Sar, Slot, Text, ULONG, exports, slots};

    exports! {
        /// Pulls a simulated device: what is open in it answers SAR_DEVICE_REMOVED from now on. Not in GM/T 0016.
        fn UKEY_Unplug(szDevName: Text) {
            find(&szDevName)?.unplug()
        }

        /// Pulls a simulated device when the token has answered so many more commands. Not in GM/T 0016.
        fn UKEY_UnplugAfter(szDevName: Text, ulCommands: ULONG) {
            find(&szDevName)?.unplug_after(ulCommands.into())
        }

        /// Whether a device is simulated: whether there is a hand that can pull it. Not in GM/T 0016.
        fn UKEY_IsSimulated(szDevName: Text, pbSimulated: Out<BOOL>) {
            let place = pbSimulated.place()?;
            place.put(find(&szDevName)?.connect()?.device.hand().is_ok().into());
            Ok(())
        }

        /// Plugs a simulated device in again. Not in GM/T 0016.
        fn UKEY_PlugIn(szDevName: Text) {
            find(&szDevName)?.plug_in()
        }

        /// What the last function of this thread that failed had to say, in UTF-8: the token's command and status
        /// word, and what to do next. Empty where the code says all. Not in GM/T 0016.
        fn UKEY_LastError(szText: Out<CHAR>, pulSize: Out<ULONG>) {
            let text = crate::abi::last_error();
            Buffer::new(szText, pulSize)?.fill(&[text.as_bytes(), &[0]].concat())
        }
    }

    fn find(name: &Text) -> Result<std::sync::Arc<Slot>> {
        Ok(slots::find(name.text()?)?.ok_or(Sar::INVALIDPARAMERR)?)
    }
}

/// Refuses a handle that is none of any kind that can be closed by SKF_CloseHandle.
pub(crate) mod close {
    use super::{HANDLE, Object, exports};

    exports! {
        /// Closes a session key, a digest, a MAC or an agreement.
        fn SKF_CloseHandle(hHandle: HANDLE) {
            let is_one = |object: &Object| {
                matches!(
                    object,
                    Object::SessionKey(_) | Object::Digest(_) | Object::Mac(_) | Object::Agreement(_)
                )
            };
            let _turn = hHandle.closing()?;
            for object in hHandle.close(is_one)? {
                super::finish(object);
            }
            Ok(())
        }
    }
}
