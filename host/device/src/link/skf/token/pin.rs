//! PINs: in clear, as GM/T 0016 has them.

use ukey_apdu::Status;
use ukey_apdu::command::{
    AppId, ClearSecureState, Command, GenRandom, GetPinInfo, OpenApplication, PinInfo, PinType, UnblockPin,
};
use ukey_apdu::envelope::OVERHEAD;
use ukey_apdu::pin::{Challenge, Pin, SealedPinBuf};
use ukey_apdu::wire::{Malformed, Reader};

use super::{Answer, NOTHING, No, Token, c_str, text};
use crate::link::skf::abi::functions::{Functions, HANDLE, Stop};
use crate::link::skf::abi::room::Room;
use crate::link::skf::sar::Sar;
use crate::link::{LinkError, Secret};

/// What no library tells: the count was not written.
const UNTOLD: u32 = u32::MAX;

impl Token {
    /// Carries out what envelopes cannot carry; the status word.
    pub(crate) fn in_clear(&mut self, f: &Functions<'_>, secret: &Secret) -> Result<Status, LinkError> {
        let done = match secret {
            Secret::VerifyPin { application, pin_type, pin } => {
                self.verify_pin(f, *application, *pin_type, pin)
            }
            Secret::ChangePin { application, pin_type, old, new } => {
                self.change_pin(f, *application, *pin_type, old, new)
            }
            Secret::UnblockPin { application, admin, new } => self.unblock_pin(f, *application, admin, new),
            Secret::UnblockRemote { application, sealed } => self.unblock_remote(f, *application, sealed),
            Secret::ChangeDeviceKey { new } => self.change_device_key(f, new),
        };
        match done {
            Ok(_) => Ok(Status::OK),
            Err(no) => self.word(f, no),
        }
    }

    pub(super) fn pin_info(&mut self, f: &Functions<'_>, command: &GetPinInfo) -> Answer {
        let application = self.application(command.application)?;
        let (mut most, mut left, mut is_default) =
            (Room::of_number(0), Room::of_number(0), Room::of_number(0));
        f.SKF_GetPINInfo(application, command.pin_type as u32, &mut most, &mut left, &mut is_default)?;
        let count = |room: &Room| u8::try_from(room.number());
        let (Ok(max_retries), Ok(remaining)) = (count(&most), count(&left)) else {
            let counts = format!("gave {} tries of {}", left.number(), most.number());
            return Err(f.garbage(counts).into());
        };
        let info = PinInfo { max_retries, remaining, is_default: is_default.number() != 0 };
        self.encoded(3, |writer| info.write(writer))
    }

    pub(super) fn clear_secure_state(&mut self, f: &Functions<'_>, command: &ClearSecureState) -> Answer {
        f.SKF_ClearSecureState(self.application(command.application)?)?;
        NOTHING
    }

    fn verify_pin(&self, f: &Functions<'_>, application: AppId, pin_type: PinType, pin: &Pin) -> Answer {
        let application = self.application(application)?;
        self.proved(f, application, pin_type, |left| {
            Ok(f.SKF_VerifyPIN(application, pin_type as u32, c_str(&text(pin.as_bytes())?)?, left)?)
        })
    }

    fn change_pin(
        &self,
        f: &Functions<'_>,
        application: AppId,
        pin_type: PinType,
        old: &Pin,
        new: &Pin,
    ) -> Answer {
        let application = self.application(application)?;
        let (old, new) = (text(old.as_bytes())?, text(new.as_bytes())?);
        self.proved(f, application, pin_type, |left| {
            Ok(f.SKF_ChangePIN(application, pin_type as u32, c_str(&old)?, c_str(&new)?, left)?)
        })
    }

    fn unblock_pin(&self, f: &Functions<'_>, application: AppId, admin: &Pin, new: &Pin) -> Answer {
        let application = self.application(application)?;
        let (admin, new) = (text(admin.as_bytes())?, text(new.as_bytes())?);
        self.proved(f, application, PinType::Administrator, |left| {
            Ok(f.SKF_UnblockPIN(application, c_str(&admin)?, c_str(&new)?, left)?)
        })
    }

    /// What came of proving a PIN: a wrong one with the tries that are left.
    fn proved(
        &self,
        f: &Functions<'_>,
        application: HANDLE,
        pin_type: PinType,
        prove: impl FnOnce(&mut Room) -> Answer<()>,
    ) -> Answer {
        let mut left = Room::of_number(UNTOLD);
        let proved = prove(&mut left);
        let Err(no) = proved else { return NOTHING };
        if no.sar() != Some(Sar::PIN_INCORRECT) {
            return Err(no);
        }
        let left = match left.number() {
            UNTOLD => self.tries_left(f, application, pin_type),
            left => Some(left),
        };
        Err(left
            .map_or(Status(0x6300), |left| Status::tries_left(u8::try_from(left).unwrap_or(u8::MAX)))
            .into())
    }

    /// The tries that are left, where the function that spent one did not say; it stays the call that decided.
    fn tries_left(&self, f: &Functions<'_>, application: HANDLE, pin_type: PinType) -> Option<u32> {
        let call = f.last_call();
        let (mut most, mut left, mut is_default) =
            (Room::of_number(0), Room::of_number(0), Room::of_number(0));
        let told = f.SKF_GetPINInfo(application, pin_type as u32, &mut most, &mut left, &mut is_default);
        f.blame(call);
        told.ok().map(|()| left.number())
    }

    /// The challenge of a remote unblocking. GM/T 0016 has no function for that: it is asked of the token itself.
    pub(crate) fn challenge(&self, f: &Functions<'_>) -> Result<Result<Challenge, Status>, LinkError> {
        let random = self.send(f, &GenRandom { length: 8 });
        let challenge = random.and_then(|random| {
            Ok(Challenge::try_from(random.as_slice())
                .map_err(|_| f.garbage("gave a challenge of another length"))?)
        });
        match challenge {
            Ok(challenge) => Ok(Ok(challenge)),
            Err(no) => Ok(Err(self.word(f, no)?)),
        }
    }

    fn unblock_remote(&self, f: &Functions<'_>, application: AppId, sealed: &SealedPinBuf) -> Answer {
        let mut open = self.applications.iter();
        let open = open.find(|open| open.id == application).ok_or(Status::NO_SUCH_APPLICATION)?;
        // The token has an id of its own for the application, which the library keeps to itself; it gives the same
        // one again.
        let info = self.send(f, &OpenApplication { name: &open.name })?;
        let at = info.len().checked_sub(2).ok_or(Malformed)?;
        let id = Reader::new(info.get(at..).unwrap_or_default(), &self.dialect).id()?;
        self.send(f, &UnblockPin { application: AppId(id), new_pin: sealed.as_sealed() })?;
        NOTHING
    }

    /// Sends a command to the token itself.
    fn send<'a, C: Command<'a>>(&self, f: &Functions<'_>, command: &C) -> Answer {
        let mut buffer = [0; 256];
        let apdu = command.to_apdu(&self.dialect, &mut buffer)?;
        let mut envelope = [0; 256 + OVERHEAD];
        let length = apdu.encode(&mut envelope)?;
        let raw = self.raw(f, envelope.get(..length).unwrap_or_default());
        // A library that takes no raw commands has no way for this.
        let unsupported = |no: No| match no {
            No::Stop(Stop::Refused(sar)) if sar != Sar::DEVICE_REMOVED => Status::UNSUPPORTED.into(),
            no => no,
        };
        let mut answer = raw.map_err(unsupported)?;
        let word = answer.split_off(answer.len().checked_sub(2).ok_or(Malformed)?);
        let status = Status(u16::from_be_bytes(word.try_into().map_err(|_| Malformed)?));
        if status.is_ok() { Ok(answer) } else { Err(status.into()) }
    }
}
