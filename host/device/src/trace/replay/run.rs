//! The replay itself: one command after the other.

use ukey_apdu::command::{AppId, PinType};
use ukey_apdu::{Dialect, Ins, Status};

use super::compare::{self, Came};
use super::outgoing::{self, Outgoing};
use super::state::State;
use super::{Given, Need, NoReplay, Plan, Planned, Proof, Report, Row, Step, Verdict};
use crate::device::Device;
use crate::error::About;
use crate::guard;
use crate::trace::whole::WholeCommand;

impl Plan {
    /// Carries it out on a token.
    ///
    /// # Errors
    /// [`NoReplay::Missing`], [`NoReplay::Refused`]: nothing was sent.
    pub fn run(&self, device: &Device, given: &Given) -> Result<Report, NoReplay> {
        let is_given = |need: &&Need| given.pins.contains_key(need) || given.keys.contains_key(need);
        if let Some(need) = self.needs.iter().find(|need| !is_given(need)) {
            return Err(NoReplay::Missing { need: *need });
        }
        let is_too_dear = || device.is_guarded() && !self.cost.is_nothing();
        if is_too_dear() {
            return Err(NoReplay::Refused { cost: self.cost.clone() });
        }
        let (from, to) = (self.dialect, device.dialect());
        let mut run = Run { device, by_library: false, from, to, state: State::new(given)? };
        let mut report = Report::default();
        for step in &self.steps {
            match step {
                Step::Reset => {
                    report.rows.extend(run.reset());
                    if is_too_dear() {
                        let why = "it is somebody's own key that is there now; nothing more was sent";
                        report.rows.push(of_power(why.to_owned()));
                        break;
                    }
                }
                Step::Command(planned) => report.rows.push(run.command(planned)),
            }
        }
        Ok(report)
    }
}

/// The line of a reset that did not come out as recorded.
fn of_power(why: String) -> Row {
    let name = "power off and on".to_owned();
    Row { sequence: 0, name, recorded: None, status: None, verdict: Verdict::Different(why) }
}

struct Run<'r> {
    device: &'r Device,
    /// A function of a vendor's library has answered: the token is behind one.
    by_library: bool,
    from: Dialect,
    to: Dialect,
    state: State<'r>,
}

impl Run<'_> {
    /// A line only where it fails.
    fn reset(&mut self) -> Option<Row> {
        self.state.reset();
        self.device.reconnect().err().map(|error| of_power(error.to_string()))
    }

    fn command(&mut self, planned: &Planned) -> Row {
        let whole = &planned.whole;
        let name = match &whole.command {
            None => "not of GM/T 0017".to_owned(),
            Some(command) => command
                .known()
                .map_or_else(|| format!("INS {:02X}", command.ins), |ins| ins.name().to_owned()),
        };
        let (status, verdict) = self.compared(planned);
        Row { sequence: planned.sequence, name, recorded: whole.status, status, verdict }
    }

    fn compared(&mut self, planned: &Planned) -> (Option<Status>, Verdict) {
        let whole = &planned.whole;
        if whole.status.is_none() {
            return (None, Verdict::LeftOut("no answer was recorded".to_owned()));
        }
        let Some(command) = &whole.command else { return self.foreign(planned) };
        if let Some(Proof { with, .. }) = planned.proof.filter(|proof| self.state.wrong.contains(&proof.with))
        {
            return (None, Verdict::Different(format!("not sent, the {with} was wrong before")));
        }
        let out = match outgoing::make(&mut self.state, planned, command, &self.from, &self.to) {
            Ok(out) => out,
            Err(reason) => return (None, Verdict::Different(reason)),
        };
        if let Err(reason) = self.spare(planned, &out) {
            return (None, Verdict::Different(reason));
        }
        let (data, status) = match self.send(planned, &out) {
            Ok(answer) => answer,
            Err(error) => return (None, Verdict::Different(error.to_string())),
        };
        self.learn(planned, command, &out, &data, status);
        self.by_library |= self.device.wire().link().last_call().is_some();
        let came = Came { out: &out, data: &data, status, by_library: self.by_library };
        (Some(status), compare::compare(&mut self.state, whole, command, &came, &self.from, &self.to))
    }

    /// As an envelope; a secret in clear over a link that takes it so.
    fn send(&self, planned: &Planned, out: &Outgoing) -> Result<(Vec<u8>, Status), crate::Error> {
        let mut wire = self.device.wire();
        let secret = planned.proof.and_then(|proof| outgoing::in_clear(&self.state, out, proof));
        if let Some(done) = secret.and_then(|secret| wire.relay_in_clear(out.as_apdu(), || secret)) {
            return Ok((Vec::new(), done?));
        }
        wire.relay(out.as_apdu())
    }

    /// Bytes that cannot be taken apart go out as they are, where they are known.
    fn foreign(&mut self, planned: &Planned) -> (Option<Status>, Verdict) {
        let whole = &planned.whole;
        if whole.sent.hides_any() {
            return (
                None,
                Verdict::LeftOut("a command that is not known, and its bytes are hidden".to_owned()),
            );
        }
        let answer = match self.device.transmit(whole.sent.as_slice()) {
            Ok(answer) => answer,
            Err(error) => return (None, Verdict::Different(error.to_string())),
        };
        let Some((data, word)) = answer.split_last_chunk::<2>() else {
            return (None, Verdict::Different("the answer has no status word".to_owned()));
        };
        let status = Status(u16::from_be_bytes(*word));
        let verdict = match (Some(status) == whole.status, whole.answer.hides_any()) {
            (false, _) => compare::other_status(whole.status, status),
            (true, false) if data == whole.answer.as_slice() => Verdict::Equal,
            (true, true) if data.len() == whole.answer.len() => Verdict::Equal,
            _ => Verdict::Different("the answer is another one".to_owned()),
        };
        (Some(status), verdict)
    }

    /// Refuses what could spend the last try of somebody's key.
    fn spare(&self, planned: &Planned, out: &Outgoing) -> Result<(), String> {
        if planned.proof.is_none() || !self.device.is_guarded() {
            return Ok(());
        }
        let pin_type = match Ins::from_byte(out.ins) {
            Some(Ins::VerifyPin | Ins::ChangePin) if out.p2 == PinType::User as u8 => PinType::User,
            Some(Ins::VerifyPin | Ins::ChangePin | Ins::UnblockPin) => PinType::Administrator,
            Some(Ins::DevAuth) => {
                let counted = self.device.wire().guard.count_device_key(true);
                return counted.map_err(|error| format!("not sent: {error}"));
            }
            _ => return Ok(()),
        };
        let Some(application) = out.data.first_chunk::<2>() else { return Ok(()) };
        let application = AppId(u16::from_be_bytes(*application));
        guard::count_pin(&mut self.device.wire(), &About::default(), application, pin_type)
            .map_err(|error| format!("not sent: {error}"))
    }

    /// What an answer tells of secrets, challenges and digests.
    fn learn(
        &mut self,
        planned: &Planned,
        command: &WholeCommand,
        out: &Outgoing,
        data: &[u8],
        status: Status,
    ) {
        let state = &mut self.state;
        if let Some(proof) = planned.proof {
            // A challenge is for one use.
            state.random.clear();
            let is_refused =
                status.remaining().is_some() || matches!(status, Status::LOCKED | Status::WRONG_MAC);
            if is_refused && !proof.is_wrong && planned.whole.status.is_some_and(Status::is_ok) {
                state.wrong.insert(proof.with);
            }
        }
        match command.known() {
            Some(Ins::GenRandom) if status.is_ok() => state.random = data.to_vec(),
            Some(Ins::DigestInit) => state.digest_changed = *out.data != *command.data.as_slice(),
            Some(Ins::DigestUpdate | Ins::Digest | Ins::DigestFinal) => {
                state.digest_changed |= out.has_stand_in;
            }
            _ => {}
        }
    }
}
