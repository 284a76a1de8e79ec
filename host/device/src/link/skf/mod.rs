//! A token behind its maker's SKF library (GM/T 0016): a link like the others, so everything that a device does goes
//! over it.
//!
//! Guarantees: whatever the library answers, this process lives, save that its code crashes it; a function that does not
//! come back ends the link in time; what is read of an answer is what its length says, within what was given; an error
//! names the function and its code.
//!
//! Refuses to know: which maker's library it is.
//!
//! | module | subject |
//! |---|---|
//! | [`abi`] | the C interface: structures, functions; all that is unsafe |
//! | [`sar`] | the codes |
//! | `library` | the library in this process, its thread, the time limit |
//! | `token` | a token made of it: each command by its functions |
//! | `fault` | what is wrong with a library |
//! | `hand` | the hand on a key that is simulated behind the library |

pub mod abi;
mod call;
mod fault;
mod hand;
mod library;
pub mod sar;
mod token;

use std::ffi::CString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ukey_apdu::pin::Challenge;
use ukey_apdu::{Dialect, Status};

pub use abi::functions::NAMES as CALLED;
pub use call::Call;
pub use fault::{Fault, NotLoaded};
pub use library::NEEDED;

use self::abi::functions::{Functions, Stop};
use self::abi::room::Room;
use self::abi::types::DEV_ABSENT_STATE;
use self::hand::{SkfHand, is_simulated};
use self::library::Library;
use self::sar::Sar;
use self::token::{Token, names};
use super::{Hand, Link, LinkError, Place, Secret, Secrets};

/// How long a function may take, in seconds, where [`TIME_LIMIT`] does not say: a person may have to press the key's
/// button.
const DEFAULT_LIMIT: Duration = Duration::from_secs(120);
/// The environment variable that says otherwise.
const TIME_LIMIT: &str = "UKEY_SKF_TIME_LIMIT";

/// A key behind a library.
#[derive(Clone, Debug)]
pub struct Key {
    library: PathBuf,
    device: Option<String>,
    dialect: Dialect,
    limit: Duration,
}

impl Key {
    /// The key of this name, as SKF_EnumDev tells it; without a name the only one.
    #[must_use]
    pub fn new(library: impl Into<PathBuf>, device: Option<&str>) -> Key {
        let seconds = std::env::var(TIME_LIMIT).ok().and_then(|text| text.parse().ok());
        Key {
            library: library.into(),
            device: device.map(str::to_owned),
            dialect: Dialect::GM2012,
            limit: seconds.map_or(DEFAULT_LIMIT, Duration::from_secs),
        }
    }

    /// The same, where the token behind the library speaks this dialect: what is sent through the library as it is
    /// (remote unblocking) is in it.
    #[must_use]
    pub fn speaking(self, dialect: Dialect) -> Key {
        Key { dialect, ..self }
    }

    /// The same, where each function of the library may take so long.
    #[must_use]
    pub fn within(self, limit: Duration) -> Key {
        Key { limit, ..self }
    }

    /// The devices of the library, whatever their names: each name, and whether its key is plugged in. None is connected
    /// to.
    ///
    /// # Errors
    /// [`LinkError::Library`].
    pub fn devices(&self) -> Result<Vec<(String, bool)>, LinkError> {
        let library = Library::open(&self.library, self.limit).map_err(LinkError::Library)?;
        let listed = library.run(self.limit, |f| {
            let present = names(f, |list| f.SKF_EnumDev(1, list)).map_err(|stop| unconnected(f, stop))?;
            // Not every library tells of keys that are not there.
            let mut all = names(f, |list| f.SKF_EnumDev(0, list)).unwrap_or_default();
            all.extend(present.iter().filter(|name| !all.contains(name)).cloned().collect::<Vec<_>>());
            let told = |name: Vec<u8>| (String::from_utf8_lossy(&name).into_owned(), present.contains(&name));
            Ok(all.into_iter().map(told).collect())
        });
        listed.map_err(LinkError::Library)?
    }
}

impl Place for Key {
    fn link(&self) -> Result<Box<dyn Link>, LinkError> {
        let library = Library::open(&self.library, self.limit).map_err(LinkError::Library)?;
        let (asked, dialect) = (self.device.clone(), self.dialect);
        let connected = library.run(self.limit, move |f| {
            let name = device(f, asked)?;
            let token = Token::connect(f, name.clone(), dialect).map_err(|stop| unconnected(f, stop))?;
            let is_simulated = is_simulated(f, &name);
            Ok((token, name, is_simulated))
        });
        let (token, name, is_simulated) = connected.map_err(LinkError::Library)??;
        Ok(Box::new(SkfLink {
            way: Way { library, name, limit: self.limit },
            dialect: self.dialect,
            token: Some(Box::new(token)),
            is_simulated,
            last: None,
        }))
    }
}

/// The name of the device that was asked for.
fn device(f: &Functions<'_>, asked: Option<String>) -> Result<CString, LinkError> {
    let list = names(f, |list| f.SKF_EnumDev(1, list)).map_err(|stop| unconnected(f, stop))?;
    let found = match &asked {
        Some(asked) => list.iter().find(|name| name.as_slice() == asked.as_bytes()),
        None if list.len() == 1 => list.first(),
        None => None,
    };
    if let Some(name) = found.and_then(|name| CString::new(name.clone()).ok()) {
        return Ok(name);
    }
    // One that the library knows, and that is not plugged in.
    if let Some(asked) = &asked
        && names(f, |list| f.SKF_EnumDev(0, list))
            .is_ok_and(|all| all.iter().any(|name| name == asked.as_bytes()))
    {
        return Err(LinkError::Removed);
    }
    let names = list.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    Err(LinkError::Library(Fault::NoDevice { library: f.library().to_string(), asked, names }))
}

/// Why a device was not connected to.
fn unconnected(f: &Functions<'_>, stop: Stop) -> LinkError {
    let library = f.library().to_string();
    let function = f.last_call().map_or("", |call| call.function);
    LinkError::Library(match stop {
        Stop::Refused(Sar::DEVICE_REMOVED) => return LinkError::Removed,
        Stop::Refused(sar) => Fault::Refused { library, function, sar },
        Stop::Missing => Fault::NoLibrary { library, functions: vec![function] },
        Stop::Fault(fault) => fault,
    })
}

/// The way to a device of a library, for what needs no open handle.
#[derive(Clone)]
struct Way {
    library: Arc<Library>,
    name: CString,
    limit: Duration,
}

impl Way {
    fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Functions<'_>, &CString) -> T + Send + 'static,
    ) -> Result<T, LinkError> {
        let name = self.name.clone();
        self.library.run(self.limit, move |f| job(f, &name)).map_err(LinkError::Library)
    }

    /// Whether the device is there, as far as the library tells.
    fn is_there(&self) -> Result<bool, LinkError> {
        self.run(|f, name| {
            let mut state = Room::of_number(u32::MAX);
            !(f.SKF_GetDevState(name, &mut state).is_ok() && state.number() == DEV_ABSENT_STATE)
        })
    }
}

/// A link to a connected device.
struct SkfLink {
    way: Way,
    dialect: Dialect,
    /// What is open; it goes to the library's thread for each command and comes back. Gone while no token is there.
    token: Option<Box<Token>>,
    is_simulated: bool,
    last: Option<Call>,
}

impl SkfLink {
    /// A new connection to the device.
    fn connected(&self) -> Result<Token, LinkError> {
        let dialect = self.dialect;
        self.way.run(move |f, name| {
            Token::connect(f, name.clone(), dialect).map_err(|stop| unconnected(f, stop))
        })?
    }

    /// Does something with the token on the library's thread.
    fn with<T: Send + 'static>(
        &mut self,
        job: impl FnOnce(&mut Token, &Functions<'_>) -> Result<T, LinkError> + Send + 'static,
    ) -> Result<T, LinkError> {
        self.last = None;
        let Some(mut token) = self.token.take() else {
            // A library that is not used any longer says so.
            self.way.run(|_, _| ())?;
            return Err(LinkError::Removed);
        };
        let (token, answer, call) = self.way.run(move |f, _| {
            let answer = job(&mut token, f);
            (token, answer, f.last_call())
        })?;
        self.token = Some(token);
        self.last = call;
        answer
    }
}

impl Link for SkfLink {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let command = zeroize::Zeroizing::new(command.to_vec());
        self.with(move |token, f| token.exchange(f, &command))
    }

    fn transmit_raw(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let command = command.to_vec();
        self.with(move |token, f| token.transmit(f, &command))
    }

    fn secrets(&mut self) -> Option<&mut dyn Secrets> {
        Some(self)
    }

    fn last_call(&self) -> Option<Call> {
        self.last.clone()
    }

    /// GM/T 0016 knows no power: rights are cleared, and the device is disconnected and connected again. A simulated
    /// one is pulled and plugged in.
    fn reset(&mut self) -> Result<(), LinkError> {
        if !self.way.is_there()? {
            return Err(LinkError::Removed);
        }
        if let Some(token) = self.token.take() {
            let kept = self.way.run(move |f, _| match token.refuse_another(f) {
                Ok(()) => token.disconnect(f).map(|()| None),
                Err(busy) => Ok(Some((token, busy))),
            })??;
            if let Some((token, busy)) = kept {
                self.token = Some(token);
                return Err(busy);
            }
        }
        if let Some(hand) = self.hand() {
            // A handle that is dead does not tell who has the device now.
            let token = self.connected()?;
            self.way.run(move |f, _| {
                let refused = token.refuse_another(f);
                token.let_go(f);
                refused
            })??;
            hand.unplug();
            hand.plug_in()?;
        }
        self.token = Some(Box::new(self.connected()?));
        Ok(())
    }

    fn lock(&mut self, wait: Duration) -> Result<(), LinkError> {
        let end = Instant::now().checked_add(wait);
        // Between two tries others have the library's thread: one of them may be who holds the lock.
        while !self.with(move |token, f| token.lock(f, end))? {}
        Ok(())
    }

    fn unlock(&mut self) -> Result<(), LinkError> {
        self.with(|token, f| token.unlock(f))
    }

    fn dialect(&self) -> Option<Dialect> {
        Some(self.dialect)
    }

    fn hand(&self) -> Option<Arc<dyn Hand>> {
        self.is_simulated.then(|| Arc::new(SkfHand(self.way.clone())) as Arc<dyn Hand>)
    }
}

impl Secrets for SkfLink {
    fn in_clear(&mut self, secret: Secret) -> Result<Status, LinkError> {
        self.with(move |token, f| token.in_clear(f, &secret))
    }

    fn challenge(&mut self) -> Result<Result<Challenge, Status>, LinkError> {
        self.with(|token, f| token.challenge(f))
    }
}

/// A program that ends holds nothing any more.
impl Drop for SkfLink {
    fn drop(&mut self) {
        if let Some(token) = self.token.take() {
            let _ = self.way.run(move |f, _| token.let_go(f));
        }
    }
}
