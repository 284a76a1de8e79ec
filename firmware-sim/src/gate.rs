//! What is open and who has proved what, until the power goes: and the proofs of it.
//!
//! A handler that needs an open application, an open container or a right takes the proof as an argument. Only this
//! file can make one.

use ukey_apdu::command::{self, AppId, ContainerId, PinType, Rights};
use ukey_apdu::pin::Challenge;
use ukey_apdu::status::Status;

use crate::file::File;
use crate::object::{APPLICATIONS, AppSlot, ApplicationRecord, CONTAINERS, ContainerSlot};

/// First id of an open application.
const FIRST_APP_ID: u16 = 0x1000;
/// What a container's slot is added to.
const CONTAINER_ID_BASE: u16 = 0x3000;

/// Proof: the application is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct OpenApplication(AppSlot);

/// Proof: the container is open in its open application.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct OpenContainer(AppSlot, ContainerSlot);

/// What session keys belong to. Proof, unless it is the device: the container is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum KeyHolder {
    /// The device itself, which is always there.
    Device,
    /// A container.
    Container(OpenContainer),
}

/// Proof: the user PIN was verified in the application.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct UserRight(AppSlot);

/// Proof: the user PIN was verified in the application, for this use of a private key; it may have been its only one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct KeyRight(());

/// Proof: the device authentication key was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct DeviceRight(());

/// Proof: whoever is there may create and delete the application's files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FilesRight(AppSlot);

/// Proof: whoever is there may read the file.
#[derive(Clone, Debug)]
pub(crate) struct ReadableFile(File);

/// Proof: whoever is there may write the file.
#[derive(Clone, Debug)]
pub(crate) struct WritableFile(File);

impl FilesRight {
    /// The application's place.
    pub(crate) const fn slot(self) -> AppSlot {
        self.0
    }
}

impl ReadableFile {
    /// The file.
    pub(crate) const fn file(&self) -> &File {
        &self.0
    }
}

impl WritableFile {
    /// The file.
    pub(crate) const fn file(&self) -> &File {
        &self.0
    }
}

impl OpenApplication {
    /// The application's place.
    pub(crate) const fn slot(self) -> AppSlot {
        self.0
    }
}

impl OpenContainer {
    /// The application's and the container's place.
    pub(crate) const fn slots(self) -> (AppSlot, ContainerSlot) {
        (self.0, self.1)
    }
}

impl KeyHolder {
    /// The application's and the container's place; the device has none.
    pub(crate) const fn slots(self) -> Option<(AppSlot, ContainerSlot)> {
        match self {
            KeyHolder::Device => None,
            KeyHolder::Container(container) => Some(container.slots()),
        }
    }
}

impl UserRight {
    /// The application's place.
    pub(crate) const fn slot(self) -> AppSlot {
        self.0
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct AppState {
    open: bool,
    user: bool,
    administrator: bool,
    containers: [bool; CONTAINERS],
}

/// The volatile state of a token.
#[cfg_attr(feature = "sim", derive(Clone))]
#[derive(Debug, Default)]
pub(crate) struct Session {
    challenge: Option<heapless::Vec<u8, 16>>,
    device: bool,
    applications: [AppState; APPLICATIONS],
}

impl Session {
    fn state(&self, slot: AppSlot) -> AppState {
        self.applications.get(usize::from(slot.0)).copied().unwrap_or_default()
    }

    fn change(&mut self, slot: AppSlot, change: impl FnOnce(&mut AppState)) {
        if let Some(state) = self.applications.get_mut(usize::from(slot.0)) {
            change(state);
        }
    }

    // ---- ids ----

    /// Opens an application and says its id.
    pub(crate) fn open_application(&mut self, slot: AppSlot) -> AppId {
        self.change(slot, |state| state.open = true);
        AppId(FIRST_APP_ID + u16::from(slot.0))
    }

    /// Whether an application is open.
    pub(crate) fn is_open(&self, slot: AppSlot) -> bool {
        self.state(slot).open
    }

    /// Ends an application's id and its containers' ids; its rights stay (GM/T 0063-2018 clause 8.2.3.5).
    pub(crate) fn close_application(&mut self, slot: AppSlot) {
        self.change(slot, |state| {
            *state = AppState { user: state.user, administrator: state.administrator, ..AppState::default() };
        });
    }

    /// Ends all that a deleted application had: ids and rights.
    pub(crate) fn forget_application(&mut self, slot: AppSlot) {
        self.change(slot, |state| *state = AppState::default());
    }

    /// The open application of this id, or `6A88`.
    pub(crate) fn application(&self, id: AppId) -> Result<OpenApplication, Status> {
        let slot = id.0.checked_sub(FIRST_APP_ID).and_then(|n| u8::try_from(n).ok()).map(AppSlot);
        slot.filter(|&slot| self.is_open(slot)).map(OpenApplication).ok_or(Status::NO_SUCH_APPLICATION)
    }

    /// Opens a container and says its id.
    pub(crate) fn open_container(
        &mut self,
        application: OpenApplication,
        container: ContainerSlot,
    ) -> ContainerId {
        self.set_container(application.0, container, true);
        ContainerId(CONTAINER_ID_BASE + u16::from(container.0))
    }

    /// Ends a container's id.
    pub(crate) fn close_container(&mut self, application: AppSlot, container: ContainerSlot) {
        self.set_container(application, container, false);
    }

    fn set_container(&mut self, application: AppSlot, container: ContainerSlot, open: bool) {
        self.change(application, |state| {
            if let Some(cell) = state.containers.get_mut(usize::from(container.0).wrapping_sub(1)) {
                *cell = open;
            }
        });
    }

    /// The open container of this id, or `6A94`.
    pub(crate) fn container(
        &self,
        application: OpenApplication,
        id: ContainerId,
    ) -> Result<OpenContainer, Status> {
        let slot = id.0.checked_sub(CONTAINER_ID_BASE).and_then(|n| u8::try_from(n).ok());
        let open = |slot: &u8| {
            let containers = self.state(application.0).containers;
            containers.get(usize::from(*slot).wrapping_sub(1)).copied().unwrap_or(false)
        };
        let slot = slot.filter(open).map(ContainerSlot).ok_or(Status::NO_SUCH_CONTAINER)?;
        Ok(OpenContainer(application.0, slot))
    }

    /// The holder of session keys that has these ids, or `6A88`, `6A94`.
    pub(crate) fn key_holder(&self, holder: command::KeyHolder) -> Result<KeyHolder, Status> {
        if holder == command::KeyHolder::DEVICE {
            return Ok(KeyHolder::Device);
        }
        let application = self.application(holder.application)?;
        self.container(application, holder.container).map(KeyHolder::Container)
    }

    // ---- rights ----

    /// A PIN was verified.
    pub(crate) fn grant(&mut self, application: OpenApplication, pin_type: PinType) {
        self.set_right(application.0, pin_type, true);
    }

    /// A PIN's right ends.
    pub(crate) fn drop_right(&mut self, application: OpenApplication, pin_type: PinType) {
        self.set_right(application.0, pin_type, false);
    }

    fn set_right(&mut self, slot: AppSlot, pin_type: PinType, held: bool) {
        self.change(slot, |state| match pin_type {
            PinType::User => state.user = held,
            PinType::Administrator => state.administrator = held,
        });
    }

    /// All rights in the application end.
    pub(crate) fn clear_rights(&mut self, application: OpenApplication) {
        self.drop_right(application, PinType::User);
        self.drop_right(application, PinType::Administrator);
    }

    /// The user's right in an application, or `6982`.
    pub(crate) fn user(&self, application: OpenApplication) -> Result<UserRight, Status> {
        let held = self.state(application.0).user;
        if held { Ok(UserRight(application.0)) } else { Err(Status::SECURITY_NOT_SATISFIED) }
    }

    /// The right to use a private key once. Where only one use is allowed the user's right ends with it.
    pub(crate) fn key_right(&mut self, user: UserRight, only_one: bool) -> KeyRight {
        if only_one {
            self.set_right(user.0, PinType::User, false);
        }
        KeyRight(())
    }

    /// Whether somebody with these rights is there, or `6982`.
    fn allowed(&self, slot: AppSlot, rights: Rights) -> Result<(), Status> {
        let state = self.state(slot);
        let allowed = rights == Rights::ANYONE
            || state.user && rights.include(Rights::USER)
            || state.administrator && rights.include(Rights::ADMINISTRATOR);
        if allowed { Ok(()) } else { Err(Status::SECURITY_NOT_SATISFIED) }
    }

    /// The right to create and delete the application's files, or `6982`.
    pub(crate) fn files(
        &self,
        application: OpenApplication,
        record: &ApplicationRecord,
    ) -> Result<FilesRight, Status> {
        self.allowed(application.0, Rights(record.create_file))?;
        Ok(FilesRight(application.0))
    }

    /// The right to read a file, or `6982`.
    pub(crate) fn reader(&self, file: File) -> Result<ReadableFile, Status> {
        self.allowed(file.application(), Rights(file.record().read))?;
        Ok(ReadableFile(file))
    }

    /// The right to write a file, or `6982`.
    pub(crate) fn writer(&self, file: File) -> Result<WritableFile, Status> {
        self.allowed(file.application(), Rights(file.record().write))?;
        Ok(WritableFile(file))
    }

    /// The device authentication succeeded, or failed.
    pub(crate) fn set_device_right(&mut self, held: bool) {
        self.device = held;
    }

    /// The device right, or `6982`.
    pub(crate) fn device(&self) -> Result<DeviceRight, Status> {
        if self.device { Ok(DeviceRight(())) } else { Err(Status::SECURITY_NOT_SATISFIED) }
    }

    // ---- the challenge ----

    /// Random bytes were handed out; 8 or more are a challenge, of which at most 16 count.
    pub(crate) fn set_challenge(&mut self, random: &[u8]) {
        let first = random.get(..16).unwrap_or(random);
        self.challenge = heapless::Vec::from_slice(first).ok().filter(|_| random.len() >= 8);
    }

    /// The whole challenge, which ends; `6985` without one.
    pub(crate) fn take_challenge(&mut self) -> Result<heapless::Vec<u8, 16>, Status> {
        self.challenge.take().ok_or(Status::CONDITIONS_NOT_SATISFIED)
    }

    /// The first 8 bytes of the challenge, which ends; `6985` without one.
    pub(crate) fn take_pin_challenge(&mut self) -> Result<Challenge, Status> {
        let challenge = self.take_challenge()?;
        challenge.first_chunk().copied().ok_or(Status::CONDITIONS_NOT_SATISFIED)
    }
}
