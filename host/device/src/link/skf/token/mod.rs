//! A token made of an SKF library: it takes the envelopes of GM/T 0017, calls the functions of GM/T 0016, and answers as
//! a token does. The ids that it gives out stand for the library's handles.
//!
//! Codes of GM/T 0016 say less than status words do. Where several refusals share a code, it is found out which one was
//! meant: by the lists of names, by the size of a file, by the device's state, by asking for the lock.

mod application;
mod cipher;
mod container;
mod device;
mod digest;
mod file;
mod pin;
mod session_key;
mod sm2;

use std::collections::BTreeMap;
use std::ffi::CString;
use std::time::{Duration, Instant};

use ukey_apdu::chain::{Joined, Joiner};
use ukey_apdu::command::{self, AppId, Command, ContainerId};
use ukey_apdu::wire::{Malformed, Overflow, Writer};
use ukey_apdu::{Apdu, Dialect, Ins, Status};
use zeroize::{Zeroize, Zeroizing};

use super::abi::functions::{Functions, HANDLE, Stop};
use super::abi::room::Room;
use super::abi::types::{DEV_ABSENT_STATE, ULONG};
use super::sar::Sar;
use crate::link::LinkError;

/// Longest command, chained or not, and longest list or certificate that is taken, in bytes.
const LONGEST: usize = 0x1_0000;

/// Bytes of an answer beside what it carries.
const OVERHEAD: usize = 512;

/// How long one SKF_LockDev waits: others of this process are to have their turn meanwhile.
const TURN: Duration = Duration::from_millis(20);

/// Why there is no answer: the word that a token says, or what stopped a call.
#[derive(Debug)]
enum No {
    Status(Status),
    Stop(Stop),
    /// A code, and the word that it means here: where the device is still there, and nobody else's.
    Means(Sar, Status),
}

impl From<Status> for No {
    fn from(status: Status) -> Self {
        No::Status(status)
    }
}

impl From<Malformed> for No {
    fn from(malformed: Malformed) -> Self {
        No::Status(malformed.into())
    }
}

impl From<Overflow> for No {
    fn from(overflow: Overflow) -> Self {
        No::Status(overflow.into())
    }
}

impl From<Stop> for No {
    fn from(stop: Stop) -> Self {
        No::Stop(stop)
    }
}

impl No {
    /// The code that a function refused with.
    fn sar(&self) -> Option<Sar> {
        match self {
            No::Stop(Stop::Refused(sar)) | No::Means(sar, _) => Some(*sar),
            No::Stop(_) | No::Status(_) => None,
        }
    }

    /// Another word for these codes, where they mean something of their own.
    fn means(self, codes: &[Sar], status: Status) -> No {
        match self {
            No::Stop(Stop::Refused(sar)) if codes.contains(&sar) => No::Means(sar, status),
            no => no,
        }
    }
}

/// The data of an answer, or why there is none.
type Answer<T = Vec<u8>> = Result<T, No>;

/// No data.
const NOTHING: Answer = Ok(Vec::new());

/// An open application.
struct Application {
    id: AppId,
    name: Vec<u8>,
    handle: HANDLE,
}

/// An open container.
struct Container {
    id: ContainerId,
    application: AppId,
    name: Vec<u8>,
    handle: HANDLE,
}

/// A session key.
struct Key {
    handle: HANDLE,
    algorithm: ULONG,
    mac: Option<HANDLE>,
}

/// A connected device, and what stands for its handles.
pub(crate) struct Token {
    device: HANDLE,
    /// Its name, as SKF_EnumDev tells it.
    name: CString,
    dialect: Dialect,
    chain: Box<Joiner<LONGEST>>,
    last_id: u16,
    applications: Vec<Application>,
    containers: Vec<Container>,
    keys: BTreeMap<u16, Key>,
    /// Agreements under way, and the algorithms of their keys.
    agreements: BTreeMap<u32, (HANDLE, ULONG)>,
    digest: Option<HANDLE>,
    /// The device authentication key was proved.
    has_device_right: bool,
    /// This link holds the device.
    holds: bool,
}

/// A name, or another text, as C has it.
fn text(bytes: &[u8]) -> Answer<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len() + 1));
    text.extend_from_slice(bytes);
    text.push(0);
    Ok(text)
}

/// The text of bytes that [`text`] made.
fn c_str(text: &[u8]) -> Answer<&std::ffi::CStr> {
    std::ffi::CStr::from_bytes_with_nul(text).map_err(|_| Status::WRONG_DATA.into())
}

/// Asks how long an answer is, and then for the answer.
fn asked(f: &Functions<'_>, mut call: impl FnMut(&mut Room) -> Result<(), Stop>) -> Answer {
    let mut question = Room::question();
    call(&mut question)?;
    let needed = question.needed(LONGEST).map_err(|garbage| f.garbage(garbage))?;
    let mut room = Room::new(needed);
    call(&mut room)?;
    Ok(room.filled().map_err(|garbage| f.garbage(garbage))?.to_vec())
}

/// A list of names.
pub(super) fn names(
    f: &Functions<'_>,
    call: impl FnMut(&mut Room) -> Result<(), Stop>,
) -> Result<Vec<Vec<u8>>, Stop> {
    let list = asked(f, call).map_err(|no| match no {
        No::Stop(stop) => stop,
        No::Status(status) | No::Means(_, status) => f.garbage(status),
    })?;
    // Behind the end, some leave what was in the buffer.
    let mut names = Vec::new();
    let mut rest = list.as_slice();
    while let Some(length) = rest.iter().position(|byte| *byte == 0) {
        let (name, behind) = rest.split_at(length);
        if name.is_empty() {
            return Ok(names);
        }
        names.push(name.to_vec());
        rest = behind.get(1..).unwrap_or_default();
    }
    // One NUL too few at the end is common.
    if rest.is_empty() { Ok(names) } else { Err(f.garbage("gave a list of names without an end")) }
}

impl Token {
    /// Connects to the device of this name.
    pub(crate) fn connect(f: &Functions<'_>, name: CString, dialect: Dialect) -> Result<Token, Stop> {
        let mut device = Room::of_handle();
        f.SKF_ConnectDev(&name, &mut device)?;
        Ok(Token {
            device: device.handle(),
            name,
            dialect,
            chain: Box::default(),
            last_id: 0,
            applications: Vec::new(),
            containers: Vec::new(),
            keys: BTreeMap::new(),
            agreements: BTreeMap::new(),
            digest: None,
            has_device_right: false,
            holds: false,
        })
    }

    /// Takes one envelope, and answers data and status word.
    pub(crate) fn exchange(&mut self, f: &Functions<'_>, envelope: &[u8]) -> Result<Vec<u8>, LinkError> {
        let answer = self.answer(f, envelope);
        self.said(f, answer)
    }

    fn answer(&mut self, f: &Functions<'_>, envelope: &[u8]) -> Answer {
        let block = Apdu::parse(envelope)?;
        // The joined command is copied: it lies in what carries it out.
        let joined = match self.chain.push(block)? {
            Joined::More => return NOTHING,
            Joined::Whole(apdu) => (apdu, Zeroizing::new(apdu.data.to_vec())),
        };
        let (apdu, data) = joined;
        let apdu = Apdu { data: &[], ..apdu };
        let (cla, ins, p1, p2, le) = (apdu.cla, apdu.ins, apdu.p1, apdu.p2, apdu.le);
        self.chain.wipe();
        let apdu = Apdu { cla, ins, p1, p2, data: &data, le };
        let ins = Ins::from_byte(ins).ok_or(Status::UNKNOWN_INS)?;
        let dialect = self.dialect;
        command::shape(ins, &dialect).ok_or(Status::UNSUPPORTED)?.check(&apdu)?;
        self.carry_out(f, ins, &apdu, &dialect)
    }

    fn carry_out(&mut self, f: &Functions<'_>, ins: Ins, apdu: &Apdu<'_>, dialect: &Dialect) -> Answer {
        macro_rules! by {
            ($method:ident) => {
                self.$method(f, &Command::read(apdu, dialect)?)
            };
        }
        match ins {
            Ins::SetLabel => by!(set_label),
            Ins::GetDevInfo => self.device_info(f),
            Ins::GenRandom => by!(random),
            Ins::DevAuth => by!(authenticate),
            Ins::GetPinInfo => by!(pin_info),
            Ins::ClearSecureState => by!(clear_secure_state),
            Ins::CreateApplication => by!(create_application),
            Ins::EnumApplication => self.enum_applications(f),
            Ins::DeleteApplication => by!(delete_application),
            Ins::OpenApplication => by!(open_application),
            Ins::CloseApplication => by!(close_application),
            Ins::CreateFile => by!(create_file),
            Ins::DeleteFile => by!(delete_file),
            Ins::EnumFiles => by!(enum_files),
            Ins::GetFileInfo => by!(file_info),
            Ins::ReadFile => by!(read_file),
            Ins::WriteFile => by!(write_file),
            Ins::CreateContainer => by!(create_container),
            Ins::OpenContainer => by!(open_container),
            Ins::CloseContainer => by!(close_container),
            Ins::EnumContainer => by!(enum_containers),
            Ins::DeleteContainer => by!(delete_container),
            Ins::GetContainerInfo => by!(container_info),
            Ins::ImportCertificate => by!(import_certificate),
            Ins::ExportCertificate => by!(export_certificate),
            Ins::GenEccKeyPair => by!(generate_key_pair),
            Ins::ImportEccKeyPair => by!(import_key_pair),
            Ins::EccSignData => by!(sign),
            Ins::EccVerify => by!(verify),
            Ins::ExtEccEncrypt => by!(external_encrypt),
            Ins::ExtEccDecrypt => by!(external_decrypt),
            Ins::ExtEccSign => by!(external_sign),
            Ins::ExportPubKey => by!(public_key),
            Ins::EccExportSessionKey => by!(export_session_key),
            Ins::EccExportSessionKeyEx => by!(export_session_key_again),
            Ins::ImportSessionKey => by!(import_session_key),
            Ins::ImportSymmKey => by!(set_symmetric_key),
            Ins::DestroySessionKey => by!(destroy_session_key),
            Ins::GenerateAgreementDataWithEcc => by!(begin_agreement),
            Ins::GenerateAgreementDataAndKeyWithEcc => by!(answer_agreement),
            Ins::GenerateKeyWithEcc => by!(end_agreement),
            Ins::EncryptInit => by!(encrypt_init),
            Ins::Encrypt => by!(encrypt),
            Ins::EncryptUpdate => by!(encrypt_update),
            Ins::EncryptFinal => by!(encrypt_final),
            Ins::DecryptInit => by!(decrypt_init),
            Ins::Decrypt => by!(decrypt),
            Ins::DecryptUpdate => by!(decrypt_update),
            Ins::DecryptFinal => by!(decrypt_final),
            Ins::MacInit => by!(mac_init),
            Ins::Mac => by!(mac),
            Ins::MacUpdate => by!(mac_update),
            Ins::MacFinal => by!(mac_final),
            Ins::DigestInit => by!(digest_init),
            Ins::Digest => by!(digest_all),
            Ins::DigestUpdate => by!(digest_update),
            Ins::DigestFinal => by!(digest_final),
            // What these carry is no secret to the token, but is one to the library: it wants them in clear.
            Ins::VerifyPin | Ins::ChangePin | Ins::UnblockPin | Ins::ChangeDevAuthKey => {
                Err(Status::UNSUPPORTED.into())
            }
            _ => Err(Status::UNSUPPORTED.into()),
        }
    }

    /// An answer with its status word.
    fn said(&self, f: &Functions<'_>, answer: Answer) -> Result<Vec<u8>, LinkError> {
        let (mut data, status) = match answer {
            Ok(data) => (data, Status::OK),
            Err(no) => (Vec::new(), self.word(f, no)?),
        };
        data.extend(status.to_bytes());
        Ok(data)
    }

    /// The status word of a refusal.
    fn word(&self, f: &Functions<'_>, no: No) -> Result<Status, LinkError> {
        let (sar, status) = match no {
            No::Status(status) => return Ok(status),
            No::Stop(Stop::Missing) => return Ok(Status::UNSUPPORTED),
            No::Stop(Stop::Fault(fault)) => return Err(LinkError::Library(fault)),
            No::Stop(Stop::Refused(Sar::DEVICE_REMOVED)) => return Err(LinkError::Removed),
            No::Stop(Stop::Refused(sar)) => (sar, sar.status()),
            No::Means(sar, status) => (sar, status),
        };
        // Codes that say nothing: the key may be gone, or another program's.
        if sar.status() == Status::INTERNAL {
            let call = f.last_call();
            if self.is_gone(f) {
                return Err(LinkError::Removed);
            }
            if self.is_held_by_another(f) {
                return Err(self.busy(f));
            }
            f.blame(call);
        }
        Ok(status)
    }

    /// Whether the device is there no longer.
    fn is_gone(&self, f: &Functions<'_>) -> bool {
        let mut state = Room::of_number(ULONG::MAX);
        f.SKF_GetDevState(&self.name, &mut state).is_ok() && state.number() == DEV_ABSENT_STATE
    }

    /// Whether another program has the device's lock.
    fn is_held_by_another(&self, f: &Functions<'_>) -> bool {
        if self.holds {
            return false;
        }
        match f.SKF_LockDev(self.device, 0) {
            Ok(()) => {
                // It was free: whatever was wrong, this is not it.
                let _ = f.SKF_UnlockDev(self.device);
                false
            }
            Err(Stop::Refused(sar)) => sar == Sar::TIMEOUTERR,
            Err(_) => false,
        }
    }

    /// Refuses what would take the device from another program.
    pub(crate) fn refuse_another(&self, f: &Functions<'_>) -> Result<(), LinkError> {
        if self.is_held_by_another(f) { Err(self.busy(f)) } else { Ok(()) }
    }

    fn busy(&self, f: &Functions<'_>) -> LinkError {
        LinkError::Busy { place: format!("{} of {}", self.name.to_string_lossy(), f.library()), holder: None }
    }

    /// Takes the device's lock, or says that another has it: after a short while, to be asked again until `end`.
    pub(crate) fn lock(&mut self, f: &Functions<'_>, end: Option<Instant>) -> Result<bool, LinkError> {
        if self.holds {
            return Ok(true);
        }
        let left = end.map_or(TURN, |end| end.saturating_duration_since(Instant::now()));
        let wait = ULONG::try_from(left.min(TURN).as_millis()).unwrap_or(0);
        match f.SKF_LockDev(self.device, wait) {
            Ok(()) => {
                self.holds = true;
                Ok(true)
            }
            Err(Stop::Refused(Sar::TIMEOUTERR)) if self.is_gone(f) => Err(LinkError::Removed),
            Err(Stop::Refused(Sar::TIMEOUTERR)) if left.is_zero() => Err(self.busy(f)),
            Err(Stop::Refused(Sar::TIMEOUTERR)) => Ok(false),
            // A library that knows no lock has a device that nobody shares.
            Err(Stop::Missing | Stop::Refused(Sar::NOTSUPPORTYETERR)) => Ok(true),
            Err(stop) => match self.word(f, stop.into())? {
                _ if left.is_zero() => Err(self.busy(f)),
                _ => Ok(false),
            },
        }
    }

    /// Gives the lock back.
    pub(crate) fn unlock(&mut self, f: &Functions<'_>) -> Result<(), LinkError> {
        if !std::mem::take(&mut self.holds) {
            // Another's is another's.
            return if self.is_gone(f) {
                Err(LinkError::Removed)
            } else if self.is_held_by_another(f) {
                Err(self.busy(f))
            } else {
                Ok(())
            };
        }
        match f.SKF_UnlockDev(self.device) {
            Ok(()) | Err(Stop::Missing) => Ok(()),
            Err(stop) => self.word(f, stop.into()).map(drop),
        }
    }

    /// Sends an envelope to the token itself, as it is (SKF_Transmit).
    pub(crate) fn transmit(&self, f: &Functions<'_>, envelope: &[u8]) -> Result<Vec<u8>, LinkError> {
        match self.raw(f, envelope) {
            Ok(answer) => Ok(answer),
            Err(no) => Ok(self.word(f, no)?.to_bytes().to_vec()),
        }
    }

    fn raw(&self, f: &Functions<'_>, envelope: &[u8]) -> Answer {
        // What is sent cannot be sent twice, to ask for the length first.
        let mut room = Room::new(LONGEST);
        f.SKF_Transmit(self.device, envelope, &mut room)?;
        Ok(room.filled().map_err(|garbage| f.garbage(garbage))?.to_vec())
    }

    /// Ends all rights, as far as there is a function for that, and lets go of the device.
    pub(crate) fn disconnect(self, f: &Functions<'_>) -> Result<(), LinkError> {
        for application in &self.applications {
            // A device that is gone has no rights left.
            let _ = f.SKF_ClearSecureState(application.handle);
        }
        self.let_go(f);
        Ok(())
    }

    /// Lets go of the device; rights stay.
    pub(crate) fn let_go(self, f: &Functions<'_>) {
        if self.holds {
            let _ = f.SKF_UnlockDev(self.device);
        }
        let _ = f.SKF_DisConnectDev(self.device);
    }

    /// A number that stands for nothing else.
    fn new_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            let id = self.last_id;
            let is_used = self.applications.iter().any(|application| application.id.0 == id)
                || self.containers.iter().any(|container| container.id.0 == id)
                || self.keys.contains_key(&id)
                || self.agreements.contains_key(&id.into());
            if !is_used {
                return id;
            }
        }
    }

    /// The answer that `write` encodes, around so many bytes.
    fn encoded(&self, size: usize, write: impl FnOnce(&mut Writer<'_>) -> Result<(), Overflow>) -> Answer {
        let mut buffer = vec![0; size + OVERHEAD];
        let mut writer = Writer::new(&mut buffer, &self.dialect);
        let written = write(&mut writer);
        let length = writer.len();
        if written.is_err() {
            buffer.zeroize();
        }
        written?;
        buffer.truncate(length);
        Ok(buffer)
    }

    fn name_list(&self, names: &[Vec<u8>]) -> Answer {
        let size = names.iter().map(|name| name.len() + 1).sum();
        self.encoded(size, |writer| {
            let mut list = command::NameList::new(writer);
            names.iter().try_for_each(|name| list.push(name))?;
            list.finish()
        })
    }

    fn application(&self, id: AppId) -> Answer<HANDLE> {
        let found = self.applications.iter().find(|application| application.id == id);
        Ok(found.ok_or(Status::NO_SUCH_APPLICATION)?.handle)
    }

    fn container(&self, application: AppId, id: ContainerId) -> Answer<HANDLE> {
        self.application(application)?;
        let mut open = self.containers.iter();
        let found = open.find(|container| container.id == id && container.application == application);
        Ok(found.ok_or(Status::NO_SUCH_CONTAINER)?.handle)
    }
}
