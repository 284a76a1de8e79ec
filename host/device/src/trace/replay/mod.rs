//! A recorded session, carried out again on any token, and compared by what it means.
//!
//! The same commands go out in the same order. Ids are those that the new token gave; challenges are the new token's,
//! and what proves a PIN or the device authentication key is made anew over them; public keys, signatures and
//! ciphertexts that the recorded token made give way to those that the new one makes in their place. Random bytes,
//! keys, ciphertexts and what one token is (serial number, versions, spaces) are compared by shape, signatures by the
//! new token's public key, everything else byte by byte.
//!
//! Contents that a trace hides are replaced by bytes of the same length; an enveloped key pair is made anew for the new
//! token's sign key. A trace with secrets repeats everything that can be repeated.
//!
//! Guarantees: what is needed is told before anything is sent ([`Plan::needs`]); on a token that no program holds in its
//! hand nothing is changed, and no try spent on purpose, unless its owner named it
//! ([`Device::allow_destructive`](crate::Device::allow_destructive)); a secret that turned out to be wrong is not sent
//! again.

mod compare;
mod outgoing;
mod run;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ukey_apdu::command::PinType;
use ukey_apdu::ins::Cost as InsCost;
use ukey_apdu::pin::{DeviceKey, Pin};
use ukey_apdu::{Dialect, Ins, Status};

use super::recording::{Event, Recording};
use super::whole::{self, Whole, WholeCommand};

/// A secret that a replay needs, for the trace has none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Need {
    /// The user PIN.
    UserPin,
    /// The administrator PIN.
    AdministratorPin,
    /// The user PIN that is set.
    NewUserPin,
    /// The administrator PIN that is set.
    NewAdministratorPin,
    /// The device authentication key.
    DeviceKey,
    /// The device authentication key that is set.
    NewDeviceKey,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Need::UserPin => "user PIN",
            Need::AdministratorPin => "administrator PIN",
            Need::NewUserPin => "new user PIN",
            Need::NewAdministratorPin => "new administrator PIN",
            Need::DeviceKey => "device authentication key",
            Need::NewDeviceKey => "new device authentication key",
        })
    }
}

/// The secrets of the token that is replayed to.
#[derive(Clone, Default, Debug)]
pub struct Given {
    /// PINs.
    pub pins: BTreeMap<Need, Pin>,
    /// Device authentication keys.
    pub keys: BTreeMap<Need, DeviceKey>,
}

/// What a replay costs the token.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cost {
    /// How often each secret is sent wrong, as it was when it was recorded.
    pub tries: BTreeMap<Need, usize>,
    /// How often each command is sent that changes something for good.
    pub lasting: BTreeMap<String, usize>,
}

impl Cost {
    /// Whether it costs nothing.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.tries.is_empty() && self.lasting.is_empty()
    }
}

/// One after the other, as a sentence.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_nothing() {
            return f.write_str("nothing");
        }
        let tries = self.tries.iter().map(|(need, count)| format!("{count} of the tries of the {need}"));
        let lasting = self.lasting.iter().map(|(name, count)| format!("{count} × {name}"));
        f.write_str(&tries.chain(lasting).collect::<Vec<_>>().join(", "))
    }
}

/// Why a trace cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum NoReplay {
    /// There is no such connection, or nothing was asked over it.
    #[error("connection {connection} of the trace has no exchanges; it has {connections} connections")]
    Nothing {
        /// Its number.
        connection: usize,
        /// How many there are.
        connections: usize,
    },
    /// The trace holds several.
    #[error("the trace has {connections} connections; one has to be chosen")]
    Several {
        /// How many there are.
        connections: usize,
    },
    /// A secret is missing. Nothing was sent.
    #[error("the {need} is needed")]
    Missing {
        /// Which.
        need: Need,
    },
    /// It would change a token that is somebody's. Nothing was sent.
    #[error("this key is somebody's own, and the replay would cost it {cost}")]
    Refused {
        /// What it would cost.
        cost: Cost,
    },
    /// A token to compute beside could not be made.
    #[error(transparent)]
    Device(#[from] crate::Error),
}

/// What is to be sent.
#[derive(Clone, Debug)]
enum Step {
    /// The power goes off and on.
    Reset,
    /// A command; where it stands in the trace; what it has to prove.
    Command(Box<Planned>),
}

#[derive(Clone, Debug)]
struct Planned {
    whole: Whole,
    sequence: u64,
    proof: Option<Proof>,
}

/// What a command proves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Proof {
    /// With which secret.
    with: Need,
    /// Which one it sets.
    sets: Option<Need>,
    /// Whether it was wrong when it was recorded.
    is_wrong: bool,
}

/// A session, ready to be replayed.
#[derive(Clone, Debug)]
pub struct Plan {
    dialect: Dialect,
    steps: Vec<Step>,
    needs: BTreeSet<Need>,
    cost: Cost,
}

impl Plan {
    /// Plans the replay of one connection: of the only one, where none is named.
    ///
    /// # Errors
    /// [`NoReplay::Nothing`], [`NoReplay::Several`].
    pub fn new(recording: &Recording, connection: Option<usize>) -> Result<Plan, NoReplay> {
        let connections = recording.connections.len();
        let connection = match connection {
            Some(connection) => connection,
            None if connections <= 1 => 1,
            None => return Err(NoReplay::Several { connections }),
        };
        let nothing = NoReplay::Nothing { connection, connections };
        let Some(connected) = recording.connection(connection) else { return Err(nothing) };
        let dialect = connected.dialect;
        let mut plan = Plan { dialect, steps: Vec::new(), needs: BTreeSet::new(), cost: Cost::default() };
        let mut known = Known::default();
        let mut exchanges = Vec::new();
        for entry in recording.entries.iter().filter(|entry| entry.connection == connection) {
            match &entry.event {
                Event::Exchange(exchange) => exchanges.push(&**exchange),
                Event::Reset => {
                    plan.add(&mut known, &std::mem::take(&mut exchanges));
                    plan.steps.push(Step::Reset);
                }
                _ => {}
            }
        }
        plan.add(&mut known, &exchanges);
        if plan.steps.iter().all(|step| matches!(step, Step::Reset)) { Err(nothing) } else { Ok(plan) }
    }

    /// The secrets that have to be given.
    #[must_use]
    pub fn needs(&self) -> &BTreeSet<Need> {
        &self.needs
    }

    /// What it costs.
    #[must_use]
    pub fn cost(&self) -> &Cost {
        &self.cost
    }

    /// How many commands it sends.
    #[must_use]
    pub fn commands(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::Command(_))).count()
    }

    fn add(&mut self, known: &mut Known, exchanges: &[&super::Exchange]) {
        let pairs = exchanges.iter().map(|exchange| (&exchange.command, &exchange.answer));
        for whole in whole::join(pairs) {
            let sequence = exchanges.get(whole.envelopes.start).map_or(0, |exchange| exchange.sequence);
            let proof = whole.command.as_ref().and_then(|command| known.proof(command, whole.status));
            if whole.status.is_some() {
                self.count(known, &whole, proof);
            }
            self.steps.push(Step::Command(Box::new(Planned { whole, sequence, proof })));
        }
    }

    /// What a command needs and costs.
    fn count(&mut self, known: &mut Known, whole: &Whole, proof: Option<Proof>) {
        if let Some(Proof { with, sets, is_wrong }) = proof {
            self.needs
                .extend([Some(with), sets].into_iter().flatten().filter(|need| !known.told.contains(need)));
            if is_wrong {
                *self.cost.tries.entry(with).or_default() += 1;
            }
        }
        let Some(command) = &whole.command else {
            *self.cost.lasting.entry("a command that is not known".to_owned()).or_default() += 1;
            return;
        };
        if command.known() == Some(Ins::CreateApplication) {
            // A trace with secrets tells both PINs.
            let is_told = !command.data.hides_any();
            for need in [Need::UserPin, Need::AdministratorPin] {
                if is_told {
                    known.told.insert(need)
                } else {
                    self.needs.insert(need)
                };
            }
        }
        let name = match command.known() {
            None => format!("INS {:02X}", command.ins),
            Some(ins @ (Ins::ChangePin | Ins::UnblockPin)) => ins.name().to_owned(),
            Some(ins) if ins.cost() == InsCost::Lasting => ins.name().to_owned(),
            Some(_) => return,
        };
        *self.cost.lasting.entry(name).or_default() += 1;
    }
}

/// Which secret is the token's own, as far as the recording went.
#[derive(Debug)]
struct Known {
    user: Need,
    administrator: Need,
    device: Need,
    /// Those that the trace tells itself.
    told: BTreeSet<Need>,
}

impl Default for Known {
    fn default() -> Self {
        let told = BTreeSet::new();
        Known { user: Need::UserPin, administrator: Need::AdministratorPin, device: Need::DeviceKey, told }
    }
}

impl Known {
    fn proof(&mut self, command: &WholeCommand, status: Option<Status>) -> Option<Proof> {
        let is_ok = status.is_some_and(Status::is_ok);
        let is_wrong =
            status.is_some_and(|status| status.remaining().is_some() || status == Status::WRONG_MAC);
        let is_user = command.p2 == PinType::User as u8;
        let (with, sets) = match command.known()? {
            Ins::VerifyPin => (if is_user { self.user } else { self.administrator }, None),
            Ins::ChangePin if is_user => {
                let now = pick(is_ok, Need::NewUserPin, self.user);
                (std::mem::replace(&mut self.user, now), Some(Need::NewUserPin))
            }
            Ins::ChangePin => {
                let now = pick(is_ok, Need::NewAdministratorPin, self.administrator);
                (std::mem::replace(&mut self.administrator, now), Some(Need::NewAdministratorPin))
            }
            Ins::UnblockPin => {
                self.user = pick(is_ok, Need::NewUserPin, self.user);
                (self.administrator, Some(Need::NewUserPin))
            }
            Ins::DevAuth => (self.device, None),
            Ins::ChangeDevAuthKey => {
                let now = pick(is_ok, Need::NewDeviceKey, self.device);
                (std::mem::replace(&mut self.device, now), Some(Need::NewDeviceKey))
            }
            Ins::CreateApplication if is_ok => {
                (self.user, self.administrator) = (Need::UserPin, Need::AdministratorPin);
                return None;
            }
            _ => return None,
        };
        Some(Proof { with, sets, is_wrong })
    }
}

fn pick(now: bool, new: Need, old: Need) -> Need {
    if now { new } else { old }
}

/// How an exchange came out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Byte by byte, as far as the trace tells.
    Equal,
    /// Equal but for what is each token's own: what that is.
    Meaning(String),
    /// Not equal: why.
    Different(String),
    /// Not compared, for nothing was recorded that could be: why.
    LeftOut(String),
}

/// One line of the result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// The exchange's number in the trace; a chain's first.
    pub sequence: u64,
    /// The command.
    pub name: String,
    /// The status word that was recorded.
    pub recorded: Option<Status>,
    /// The status word now; `None` where nothing was sent, or nothing came.
    pub status: Option<Status>,
    /// How it came out.
    pub verdict: Verdict,
}

/// What a replay came to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// A line for each command.
    pub rows: Vec<Row>,
}

impl Report {
    /// Whether the session means the same on both tokens.
    #[must_use]
    pub fn is_same(&self) -> bool {
        !self.rows.iter().any(|row| matches!(row.verdict, Verdict::Different(_)))
    }

    /// How many came out so: equal, equal in meaning, different, left out.
    #[must_use]
    pub fn counts(&self) -> [usize; 4] {
        let mut counts = [0; 4];
        for row in &self.rows {
            let [equal, meaning, different, left_out] = &mut counts;
            *match row.verdict {
                Verdict::Equal => equal,
                Verdict::Meaning(_) => meaning,
                Verdict::Different(_) => different,
                Verdict::LeftOut(_) => left_out,
            } += 1;
        }
        counts
    }

    /// As a table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let word =
                |status: Option<Status>| status.map_or("----".to_owned(), |status| format!("{status:?}"));
            let (verdict, why) = row.verdict.words();
            let why = if why.is_empty() { String::new() } else { format!(": {why}") };
            let words = format!("{} {}", word(row.recorded), word(row.status));
            text.push_str(&format!("{:>4}  {:<28} {words}  {verdict}{why}\n", row.sequence, row.name));
        }
        let [equal, meaning, different, left_out] = self.counts();
        text.push_str(&format!(
            "{} exchanges: {equal} equal, {meaning} equal in meaning, {different} different, {left_out} left out\n",
            self.rows.len()
        ));
        text
    }

    /// As an object. Version 1 of the layout: fields are added, never changed.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let word = |status: Option<Status>| status.map(|status| format!("{status:?}"));
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                let (verdict, why) = row.verdict.words();
                serde_json::json!({
                    "sequence": row.sequence,
                    "name": row.name,
                    "recorded": word(row.recorded),
                    "status": word(row.status),
                    "verdict": verdict,
                    "why": why,
                })
            })
            .collect();
        serde_json::json!({ "version": 1, "same": self.is_same(), "exchanges": rows })
    }
}

impl Verdict {
    fn words(&self) -> (&'static str, &str) {
        match self {
            Verdict::Equal => ("equal", ""),
            Verdict::Meaning(why) => ("equal in meaning", why),
            Verdict::Different(why) => ("DIFFERENT", why),
            Verdict::LeftOut(why) => ("left out", why),
        }
    }
}
