//! Handles are numbers in a table. A number is given once: what is closed, foreign or made up is no handle, and
//! nothing is ever followed.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::abi::pointer::Handle;
use crate::agreement::Agreement;
use crate::application::Application;
use crate::connection::{Connection, Turn};
use crate::container::Container;
use crate::digest::Digest;
use crate::mac::Mac;
use crate::sar::{Result, Sar};
use crate::session_key::SessionKey;

/// What a handle stands for.
#[derive(Clone)]
pub(crate) enum Object {
    Device(Arc<Connection>),
    Application(Arc<Application>),
    Container(Arc<Container>),
    /// A container whose application was closed first: it can still be closed, and nothing else.
    ClosedContainer,
    SessionKey(Arc<SessionKey>),
    Digest(Arc<Digest>),
    Mac(Arc<Mac>),
    Agreement(Arc<Agreement>),
}

struct Entry {
    object: Object,
    /// The handle that it ends with; a device's own for a device.
    parent: usize,
}

struct Table {
    last: usize,
    entries: BTreeMap<usize, Entry>,
}

/// The handles of this process. The first number is nothing that a program would have by chance.
static TABLE: Mutex<Table> = Mutex::new(Table { last: 0x5B00_0000, entries: BTreeMap::new() });

/// A table that a panic left is whole: it changes by one entry at a time.
fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Table {
    fn add(&mut self, object: Object, parent: Option<Handle>) -> Handle {
        self.last += 4;
        let parent = parent.map_or(self.last, |parent| parent.0);
        self.entries.insert(self.last, Entry { object, parent });
        Handle(self.last)
    }
}

/// Gives a device its handle.
pub(crate) fn add_device(connection: Connection) -> Handle {
    table().add(Object::Device(Arc::new(connection)), None)
}

/// Gives an object its handle, below another's. Refused where that one was closed meanwhile.
pub(crate) fn add(object: Object, parent: Handle) -> Result<Handle> {
    let mut table = table();
    if !table.entries.contains_key(&parent.0) {
        return Err(Sar::INVALIDHANDLEERR.into());
    }
    Ok(table.add(object, Some(parent)))
}

/// What stands in a device.
pub(crate) trait InDevice {
    /// That device.
    fn connection(&self) -> &Arc<Connection>;

    /// Refuses what was deleted: its ids in the token may be those of another by now.
    fn check(&self) -> Result {
        Ok(())
    }
}

/// An object that a function is at work on.
pub(crate) struct InUse<T> {
    object: Arc<T>,
    _turn: Turn,
}

impl<T> Deref for InUse<T> {
    type Target = Arc<T>;

    fn deref(&self) -> &Arc<T> {
        &self.object
    }
}

/// How a kind of object is found by its handle.
macro_rules! kinds {
    ($($kind:ident, $method:ident, $type:ty;)+) => {
        impl Handle {
            $(
                /// The object of this kind, for a function that begins: not while another handle has the device.
                pub(crate) fn $method(self) -> Result<InUse<$type>> {
                    let object = match table().entries.get(&self.0).map(|entry| &entry.object) {
                        Some(Object::$kind(object)) => Arc::clone(object),
                        _ => return Err(Sar::INVALIDHANDLEERR.into()),
                    };
                    let turn = object.connection().begin()?;
                    object.check()?;
                    Ok(InUse { object, _turn: turn })
                }
            )+
        }

        impl Object {
            /// The device it is in, where it still matters.
            fn connection(&self) -> Option<Arc<Connection>> {
                match self {
                    $(Object::$kind(object) => Some(Arc::clone(object.connection())),)+
                    Object::ClosedContainer => None,
                }
            }
        }
    };
}

kinds! {
    Device, device, Connection;
    Application, application, Application;
    Container, container, Container;
    SessionKey, session_key, SessionKey;
    Digest, digest, Digest;
    Mac, mac, Mac;
    Agreement, agreement, Agreement;
}

impl InDevice for Arc<Connection> {
    fn connection(&self) -> &Arc<Connection> {
        self
    }
}

impl Handle {
    /// The device of this handle, for what also works while another handle has it.
    pub(crate) fn connection(self) -> Result<Arc<Connection>> {
        match table().entries.get(&self.0).map(|entry| &entry.object) {
            Some(Object::Device(connection)) => Ok(Arc::clone(connection)),
            _ => Err(Sar::INVALIDHANDLEERR.into()),
        }
    }

    /// For a function that closes it, whatever it is: not while another handle has the device. One that is dead can be
    /// closed at any time.
    pub(crate) fn closing(self) -> Result<Option<Turn>> {
        let object = table().entries.get(&self.0).map(|entry| entry.object.clone());
        let Some(connection) = object.and_then(|object| object.connection()) else { return Ok(None) };
        match connection.begin() {
            Err(failure) if failure.sar == Sar::DEVICE_REMOVED => Ok(None),
            turn => turn.map(Some),
        }
    }

    /// Takes it out of the table where it is one of a kind, with all that stands below it: the object itself first.
    pub(crate) fn close(self, is_one: impl FnOnce(&Object) -> bool) -> Result<Vec<Object>> {
        let mut table = table();
        if !table.entries.get(&self.0).is_some_and(|entry| is_one(&entry.object)) {
            return Err(Sar::INVALIDHANDLEERR.into());
        }
        let mut closed: Vec<Object> =
            table.entries.remove(&self.0).map(|entry| entry.object).into_iter().collect();
        // A parent has a lower number than its children.
        let mut parents = vec![self.0];
        let below: Vec<usize> = table
            .entries
            .iter()
            .filter_map(|(number, entry)| {
                let is_below = parents.contains(&entry.parent);
                if is_below {
                    parents.push(*number);
                }
                is_below.then_some(*number)
            })
            .collect();
        closed
            .extend(below.iter().filter_map(|number| table.entries.remove(number)).map(|entry| entry.object));
        Ok(closed)
    }

    /// Takes an application out of the table. Its containers stay to be closed, below the device.
    pub(crate) fn close_application(self) -> Result<(Arc<Application>, Vec<Arc<Container>>)> {
        let mut table = table();
        let Some(Entry { object: Object::Application(application), .. }) = table.entries.get(&self.0) else {
            return Err(Sar::INVALIDHANDLEERR.into());
        };
        let application = Arc::clone(application);
        let device = application.handle;
        table.entries.remove(&self.0);
        let mut containers = Vec::new();
        for entry in table.entries.values_mut().filter(|entry| entry.parent == self.0) {
            entry.parent = device.0;
            if let Object::Container(container) =
                std::mem::replace(&mut entry.object, Object::ClosedContainer)
            {
                containers.push(container);
            }
        }
        Ok((application, containers))
    }
}
