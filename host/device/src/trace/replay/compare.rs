//! What came back, beside what was recorded.

use ukey_apdu::command::{EccSignature, KeyUse, SignInput};
use ukey_apdu::{Dialect, Ins, Status};

use super::Verdict;
use super::outgoing::Outgoing;
use super::state::{State, point};
use crate::trace::bytes::Bytes;
use crate::trace::fields::{self, Field, Kind};
use crate::trace::whole::{Whole, WholeCommand};

/// What was sent now, and what came back.
pub(super) struct Came<'c> {
    pub(super) out: &'c Outgoing,
    pub(super) data: &'c [u8],
    pub(super) status: Status,
    /// The token is behind a vendor's library.
    pub(super) by_library: bool,
}

/// A field of both answers.
struct Pair<'p> {
    field: &'p Field,
    recorded: Bytes,
    new: &'p [u8],
}

/// How a field came out.
enum Found {
    Equal,
    Meaning(&'static str),
    Different(String),
}

/// Another status word than was recorded.
pub(super) fn other_status(recorded: Option<Status>, status: Status) -> Verdict {
    let recorded = recorded.map(|status| status.to_string()).unwrap_or_default();
    Verdict::Different(format!("{status} instead of {recorded}"))
}

/// Compares an answer with the recorded one, and learns from it what stands for what.
pub(super) fn compare(
    state: &mut State<'_>,
    whole: &Whole,
    command: &WholeCommand,
    came: &Came<'_>,
    from: &Dialect,
    to: &Dialect,
) -> Verdict {
    if whole.status != Some(came.status) {
        return other_status(whole.status, came.status);
    }
    if !came.status.is_ok() {
        return Verdict::Equal;
    }
    let Some(ins) = command.known() else { return bytes(whole, came) };
    let (Some(recorded), Some(new)) = (whole.answer_fields(from), fields::of_answer(ins, came.data, to))
    else {
        return bytes(whole, came);
    };
    let shape = |list: &[Field]| list.iter().map(|field| (field.name, field.kind)).collect::<Vec<_>>();
    // Bits in front of a number, a length in front of a digest: dialects differ, the number counts.
    let is_form = |name: &str| matches!(name, "bits" | "form" | "zeros") || name.ends_with("length");
    let counts = |field: &Field| from == to || !is_form(field.name);
    let recorded: Vec<_> = recorded.into_iter().filter(counts).collect();
    let new: Vec<_> = new.list.into_iter().filter(counts).collect();
    if sorted(shape(&recorded)) != sorted(shape(&new)) {
        return Verdict::Different("the answer has another layout".to_owned());
    }
    let (mut notes, mut wrong) = (Vec::new(), Vec::new());
    for field in &recorded {
        let Some(at) = new.iter().find(|other| other.name == field.name).map(|other| other.at.clone()) else {
            continue;
        };
        let pair = Pair {
            field,
            recorded: whole.answer.part(field.at.clone()),
            new: came.data.get(at).unwrap_or_default(),
        };
        match one(state, ins, command, came, &pair, (from, to)) {
            Found::Equal => {}
            Found::Meaning(note) if notes.contains(&note) => {}
            Found::Meaning(note) => notes.push(note),
            Found::Different(why) => wrong.push(why),
        }
    }
    remember_exported(state, ins, came, to);
    match (wrong.is_empty(), notes.is_empty()) {
        (false, _) => Verdict::Different(wrong.join("; ")),
        (true, false) => Verdict::Meaning(notes.join("; ")),
        (true, true) => Verdict::Equal,
    }
}

/// Answers are compared field by field by name: their order is a dialect's.
fn sorted(mut names: Vec<(&str, Kind)>) -> Vec<(&str, Kind)> {
    names.sort_by_key(|(name, _)| *name);
    names
}

/// Answers that follow no layout.
fn bytes(whole: &Whole, came: &Came<'_>) -> Verdict {
    let is_equal = match whole.answer.hides_any() {
        true => whole.answer.len() == came.data.len(),
        false => whole.answer.as_slice() == came.data,
    };
    if is_equal { Verdict::Equal } else { Verdict::Different("the answer is another one".to_owned()) }
}

fn one(
    state: &mut State<'_>,
    ins: Ins,
    command: &WholeCommand,
    came: &Came<'_>,
    pair: &Pair<'_>,
    (from, to): (&Dialect, &Dialect),
) -> Found {
    let (name, recorded, new) = (pair.field.name, pair.recorded.as_slice(), pair.new);
    let is_equal = recorded == new;
    let differs = || Found::Different(format!("{name} {} instead of {}", shown(new), shown(recorded)));
    let number = |bytes: &[u8], order| fields::number(bytes, order);
    let same_length = |note: &'static str| {
        if recorded.len() == new.len() {
            Found::Meaning(note)
        } else {
            Found::Different(format!("{name} of {} bytes instead of {}", new.len(), recorded.len()))
        }
    };
    match pair.field.kind {
        kind @ (Kind::Application | Kind::Container | Kind::SessionKey | Kind::Agreement) => {
            state.learn_id(kind, recorded, new);
            if is_equal { Found::Equal } else { Found::Meaning("an id of its own") }
        }
        Kind::Number if number(recorded, from.quantity) == number(new, to.quantity) => Found::Equal,
        Kind::Algorithm | Kind::Rights if number(recorded, from.constant) == number(new, to.constant) => {
            Found::Equal
        }
        // GM/T 0016 has no words for what GM/T 0017 tells of an application.
        Kind::Number | Kind::Rights if came.by_library && ins == Ins::OpenApplication && is_unstated(new) => {
            Found::Meaning("SKF_OpenApplication does not tell")
        }
        Kind::Text | Kind::Names | Kind::Bytes | Kind::Number | Kind::Algorithm | Kind::Rights => {
            if is_equal { Found::Equal } else { differs() }
        }
        Kind::Own if is_equal => Found::Equal,
        Kind::Own => same_length("what this token is"),
        Kind::Random => same_length("random bytes"),
        Kind::PublicKey => public_key(state, ins, command, came, recorded, new),
        Kind::Signature => signature(state, ins, came, recorded, new, to),
        Kind::Sealed => {
            state.learn_made(name, new);
            if !pair.recorded.hides_any() {
                state.learn_value(recorded, new);
            }
            if is_equal { Found::Equal } else { same_length("a ciphertext under another key, or by chance") }
        }
        Kind::Content if pair.recorded.hides_any() => {
            if recorded.len() == new.len() {
                Found::Equal
            } else {
                same_length("")
            }
        }
        Kind::Content => content(state, ins, pair, differs),
        Kind::Proof | Kind::Pin | Kind::Key => same_length("a secret"),
    }
}

/// How the link to a vendor's library says that it does not know: no number, or every right.
fn is_unstated(field: &[u8]) -> bool {
    field.iter().all(|byte| *byte == 0) || field.iter().all(|byte| *byte == 0xFF)
}

/// Contents that the trace tells: the same, but for what follows from another key.
fn content(state: &mut State<'_>, ins: Ins, pair: &Pair<'_>, differs: impl Fn() -> Found) -> Found {
    let (recorded, new) = (pair.recorded.as_slice(), pair.new);
    if recorded == new || state.value(recorded) == Some(new) {
        return Found::Equal;
    }
    if matches!(ins, Ins::Digest | Ins::DigestFinal) && state.digest_changed && recorded.len() == new.len() {
        state.learn_value(recorded, new);
        return Found::Meaning("a digest with another public key in it");
    }
    differs()
}

fn public_key(
    state: &mut State<'_>,
    ins: Ins,
    command: &WholeCommand,
    came: &Came<'_>,
    recorded: &[u8],
    new: &[u8],
) -> Found {
    let ids = (
        came.out.data.get(0..2).unwrap_or_default().to_vec(),
        came.out.data.get(2..4).unwrap_or_default().to_vec(),
    );
    let key_use = if ins == Ins::GenEccKeyPair || command.p1 == 1 { KeyUse::Sign } else { KeyUse::Encrypt };
    if let (Ins::GenEccKeyPair | Ins::ExportPubKey, Some(key)) = (ins, point(new)) {
        state.learn_key(&ids.0, &ids.1, key_use, key);
    }
    // A sign key that was seen before is the same key again, and another one is another.
    let is_sign = key_use == KeyUse::Sign && matches!(ins, Ins::GenEccKeyPair | Ins::ExportPubKey);
    if is_sign && state.stands_for_another(recorded, new) {
        return Found::Different("the same public key as another one that was recorded".to_owned());
    }
    match state.value(recorded).filter(|_| ins == Ins::ExportPubKey) {
        Some(expected) if expected == new => Found::Meaning("a key of its own"),
        Some(_) => Found::Different("another public key than it showed before".to_owned()),
        None => {
            state.learn_value(recorded, new);
            if recorded == new { Found::Equal } else { Found::Meaning("a key of its own") }
        }
    }
}

fn signature(
    state: &mut State<'_>,
    ins: Ins,
    came: &Came<'_>,
    recorded: &[u8],
    new: &[u8],
    dialect: &Dialect,
) -> Found {
    state.learn_value(recorded, new);
    let Some(signature) = point(new).map(|pair| EccSignature { r: pair.x, s: pair.y }) else {
        return Found::Different("the signature has another length".to_owned());
    };
    let data = &came.out.data;
    let part = |range: std::ops::Range<usize>| data.get(range).unwrap_or_default();
    let key = (ins == Ins::EccSignData)
        .then(|| state.key_of(part(0..2), part(2..4), KeyUse::Sign).copied())
        .flatten();
    let Some(key) = key else { return Found::Meaning("a signature; its public key is not known") };
    let signed =
        fields::of_command(&came.out.as_apdu(), dialect).map(|fields| fields.list).unwrap_or_default();
    let field = |name: &str| {
        signed.iter().find(|field| field.name == name).and_then(|field| data.get(field.at.clone()))
    };
    let input = match (field("digest").map(<[u8; 32]>::try_from), field("identity")) {
        (Some(Ok(digest)), _) => SignInput::Digest(digest),
        (_, Some(id)) => SignInput::Message { id, message: field("message").unwrap_or_default() },
        _ => return Found::Meaning("a signature; what it signs is not known"),
    };
    match state.verify(&key, input, &signature) {
        Ok(true) => Found::Meaning("a signature, verified with its own key"),
        Ok(false) => Found::Different("the signature is not that of its own key".to_owned()),
        Err(error) => Found::Different(format!("the signature cannot be verified: {error}")),
    }
}

/// A sealed session key may be imported later.
fn remember_exported(state: &mut State<'_>, ins: Ins, came: &Came<'_>, to: &Dialect) {
    if !matches!(ins, Ins::EccExportSessionKey | Ins::EccExportSessionKeyEx) {
        return;
    }
    let list = fields::of_answer(ins, came.data, to).map(|fields| fields.list).unwrap_or_default();
    let part = |name: &str| {
        list.iter().find(|field| field.name == name).and_then(|field| came.data.get(field.at.clone()))
    };
    if let (Some(point), Some(hash), Some(cipher)) =
        (part("ciphertext point"), part("ciphertext hash"), part("ciphertext"))
    {
        state.exported = Some([point.to_vec(), hash.to_vec(), cipher.to_vec()]);
    }
}

/// Bytes for a person: not more than a line.
fn shown(bytes: &[u8]) -> String {
    let text = hex::encode(bytes.get(..24).unwrap_or(bytes));
    if bytes.len() > 24 { format!("{text}…") } else { text }
}
