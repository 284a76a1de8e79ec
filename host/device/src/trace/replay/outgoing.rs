//! What goes out in the place of a recorded command.

use ukey_apdu::command::{AppId, Command, EccPublicKey, KeyUse, PinType, Visitor};
use ukey_apdu::envelope::Le;
use ukey_apdu::mac::{BLOCK, encrypt_block};
use ukey_apdu::pin::{Challenge, DeviceKey, Pin, PinKey};
use ukey_apdu::{Apdu, Dialect, Ins};
use zeroize::Zeroizing;

use super::state::{STAND_IN, State, stand_in};
use super::{Need, Planned, Proof};
use crate::link::Secret;
use crate::trace::fields::{Field, Kind};
use crate::trace::whole::WholeCommand;

/// A command ready to go.
pub(super) struct Outgoing {
    pub(super) protected: bool,
    pub(super) ins: u8,
    pub(super) p1: u8,
    pub(super) p2: u8,
    pub(super) data: Zeroizing<Vec<u8>>,
    pub(super) le: Le,
    /// Whether contents stand in it that the trace hides.
    pub(super) has_stand_in: bool,
}

impl Outgoing {
    pub(super) fn as_apdu(&self) -> Apdu<'_> {
        let cla = ukey_apdu::envelope::Cla { protected: self.protected, chained: false };
        Apdu { cla, ins: self.ins, p1: self.p1, p2: self.p2, data: &self.data, le: self.le }
    }
}

/// Makes the command that stands for a recorded one; or says why none can.
pub(super) fn make(
    state: &mut State<'_>,
    planned: &Planned,
    command: &WholeCommand,
    from: &Dialect,
    to: &Dialect,
) -> Result<Outgoing, String> {
    let mut out = Outgoing {
        protected: command.cla.protected,
        ins: command.ins,
        p1: command.p1,
        p2: command.p2,
        data: Zeroizing::new(command.data.as_slice().to_vec()),
        le: command.le,
        has_stand_in: false,
    };
    let Some(fields) = command.fields(from) else {
        if command.data.hides_any() {
            return Err("its bytes are hidden, and follow no layout; record it with secrets".to_owned());
        }
        return Ok(out);
    };
    if let Some(Ins::CreateFile | Ins::DeleteFile | Ins::EnumFiles | Ins::GetFileInfo) = command.known() {
        // Their application stands in P1 and P2.
        if let [p1, p2] = state.id(Kind::Application, &[out.p1, out.p2])[..] {
            (out.p1, out.p2) = (p1, p2);
        }
    }
    let mut data = Zeroizing::new(Vec::new());
    for field in &fields {
        let piece = piece(state, command, field, &mut out.has_stand_in)?;
        data.extend_from_slice(&piece);
    }
    out.data = data;
    // Sealed for a key of the recorded token: made anew for the new one's.
    match command.known() {
        Some(Ins::ImportEccKeyPair) => renew_key_pair(state, &fields, &mut out)?,
        Some(Ins::ImportSessionKey) => renew_session_key(state, command, &fields, &mut out)?,
        Some(Ins::ExtEccDecrypt) if command.data.hides_any() => renew_ciphertext(state, &fields, &mut out)?,
        _ => {}
    }
    if from != to {
        translate(&mut out, from, to)?;
    }
    if let Some(proof) = planned.proof {
        prove(state, &mut out, proof, to)?;
    }
    Ok(out)
}

/// What stands in the place of a field.
fn piece(
    state: &mut State<'_>,
    command: &WholeCommand,
    field: &Field,
    has_stand_in: &mut bool,
) -> Result<Zeroizing<Vec<u8>>, String> {
    let bytes = command.data.part(field.at.clone());
    let (slice, length) = (bytes.as_slice(), bytes.len());
    let hidden = bytes.hides_any();
    let mut instead = |bytes: Vec<u8>| {
        *has_stand_in = true;
        bytes
    };
    Ok(Zeroizing::new(match field.kind {
        kind @ (Kind::Application | Kind::Container | Kind::SessionKey | Kind::Agreement) => {
            state.id(kind, slice)
        }
        Kind::Content if hidden => instead(stand_in(length)),
        Kind::Key if hidden && length == 32 => instead(STAND_IN.0.to_vec()),
        Kind::Key if hidden => instead(stand_in(length)),
        Kind::Sealed if hidden => match state.made(field.name, length) {
            Some(made) => made.to_vec(),
            // Those that are made anew, behind this, need none.
            None => instead(stand_in(length)),
        },
        Kind::Pin => {
            let need = if field.name.starts_with("user") { Need::UserPin } else { Need::AdministratorPin };
            if !hidden {
                let told = <&[u8; 16]>::try_from(slice).ok().and_then(|field| Pin::from_padded(field).ok());
                told.into_iter().for_each(|pin| state.tell(need, pin));
            }
            let pin = state.pin(need).ok_or_else(|| format!("the {need} is needed"))?;
            pin.padded().to_vec()
        }
        Kind::PublicKey | Kind::Signature | Kind::Sealed | Kind::Content => {
            state.value(slice).unwrap_or(slice).to_vec()
        }
        _ => slice.to_vec(),
    }))
}

/// Where a field of that name stands.
fn place(fields: &[Field], name: &str) -> Option<std::ops::Range<usize>> {
    fields.iter().find(|field| field.name == name).map(|field| field.at.clone())
}

fn put(out: &mut Outgoing, fields: &[Field], name: &str, bytes: &[u8]) -> Result<(), String> {
    let cells =
        place(fields, name).and_then(|at| out.data.get_mut(at)).filter(|cells| cells.len() == bytes.len());
    cells.ok_or_else(|| format!("its {name} has another length"))?.copy_from_slice(bytes);
    Ok(())
}

/// The new ids of the container that a command is about.
fn container(out: &Outgoing) -> (Vec<u8>, Vec<u8>) {
    let part = |range: std::ops::Range<usize>| out.data.get(range).unwrap_or_default().to_vec();
    (part(0..2), part(2..4))
}

/// Something sealed for a public key, in the place of the recorded ciphertext.
fn reseal(
    state: &State<'_>,
    out: &mut Outgoing,
    fields: &[Field],
    key: &EccPublicKey,
    plain: &[u8],
) -> Result<(), String> {
    let sealed = state.seal(key, plain).map_err(|error| error.to_string())?;
    put(out, fields, "ciphertext point", &[sealed.point.x, sealed.point.y].concat())?;
    put(out, fields, "ciphertext hash", &sealed.hash)?;
    put(out, fields, "ciphertext", &sealed.cipher)
}

/// An encryption pair of ours, enveloped for the new token's sign key.
fn renew_key_pair(state: &mut State<'_>, fields: &[Field], out: &mut Outgoing) -> Result<(), String> {
    let (application, part) = container(out);
    let Some(sign_key) = state.key_of(&application, &part, KeyUse::Sign).copied() else { return Ok(()) };
    let symmetric = [0x5A; BLOCK];
    let (private_key, public_key) = STAND_IN;
    let recorded = place(fields, "encrypted private key").map(|at| at.len()).unwrap_or_default();
    let mut encrypted = vec![0; recorded.saturating_sub(private_key.len())];
    for block in private_key.chunks_exact(BLOCK) {
        encrypted.extend(encrypt_block(&symmetric, block.try_into().unwrap_or_default()));
    }
    put(out, fields, "encrypted private key", &encrypted)?;
    let new = [public_key.x, public_key.y].concat();
    let at = place(fields, "public key").unwrap_or_default();
    let recorded = out.data.get(at).unwrap_or_default().to_vec();
    put(out, fields, "public key", &new)?;
    state.learn_value(&recorded, &new);
    state.learn_key(&application, &part, KeyUse::Encrypt, public_key);
    out.has_stand_in = true;
    reseal(state, out, fields, &sign_key, &symmetric)
}

/// A session key of ours, sealed for the new token's encryption key, unless the session itself made it.
fn renew_session_key(
    state: &State<'_>,
    command: &WholeCommand,
    fields: &[Field],
    out: &mut Outgoing,
) -> Result<(), String> {
    let Some(at) = place(fields, "ciphertext") else { return Ok(()) };
    if !command.data.hides_any() && state.value(command.data.part(at.clone()).as_slice()).is_some() {
        return Ok(());
    }
    if let Some([point, hash, cipher]) =
        state.exported.clone().filter(|[_, _, cipher]| cipher.len() == at.len())
    {
        put(out, fields, "ciphertext point", &point)?;
        put(out, fields, "ciphertext hash", &hash)?;
        return put(out, fields, "ciphertext", &cipher);
    }
    let (application, part) = container(out);
    match state.key_of(&application, &part, KeyUse::Encrypt) {
        Some(key) => reseal(state, out, fields, key, &stand_in(at.len())),
        None => Ok(()),
    }
}

/// Something encrypted for the private key that stands for a hidden one.
fn renew_ciphertext(state: &State<'_>, fields: &[Field], out: &mut Outgoing) -> Result<(), String> {
    let length = place(fields, "ciphertext").map(|at| at.len()).unwrap_or_default();
    reseal(state, out, fields, &STAND_IN.1, &stand_in(length))
}

/// The same command in another dialect.
fn translate(out: &mut Outgoing, from: &Dialect, to: &Dialect) -> Result<(), String> {
    struct Again<'d> {
        apdu: Apdu<'d>,
        from: &'d Dialect,
        to: &'d Dialect,
    }
    impl<'d> Visitor<'d> for Again<'d> {
        type Output = Option<(Zeroizing<Vec<u8>>, u8, u8, Le)>;
        fn visit<C: Command<'d>>(self) -> Self::Output {
            let command = C::read(&self.apdu, self.from).ok()?;
            let mut buffer = Zeroizing::new(vec![0; self.apdu.data.len() + 512]);
            let apdu = command.to_apdu(self.to, &mut buffer).ok()?;
            Some((Zeroizing::new(apdu.data.to_vec()), apdu.p1, apdu.p2, apdu.le))
        }
    }
    let Some(ins) = Ins::from_byte(out.ins) else { return Ok(()) };
    let again = ukey_apdu::command::visit(ins, Again { apdu: out.as_apdu(), from, to });
    let (data, p1, p2, le) = again.flatten().ok_or_else(|| format!("it cannot be said in {}", to.name))?;
    (out.data, out.p1, out.p2) = (data, p1, p2);
    // What was left out is left out again.
    if out.le != Le::Absent {
        out.le = le;
    }
    Ok(())
}

/// Proves what the recorded command proved: over the new token's challenge, with its secret.
fn prove(state: &State<'_>, out: &mut Outgoing, proof: Proof, dialect: &Dialect) -> Result<(), String> {
    let random = &state.random;
    let mut challenge: Challenge = [0; 8];
    challenge.iter_mut().zip(random).for_each(|(cell, byte)| *cell = *byte);
    let header = [if out.protected { 0x84 } else { 0x80 }, out.ins, out.p1, out.p2];
    let pin = |need: Need| state.pin(need).cloned().ok_or_else(|| format!("the {need} is needed"));
    let key = |need: Need| state.key(need).cloned().ok_or_else(|| format!("the {need} is needed"));
    let application = out.data.get(0..2).unwrap_or_default().to_vec();
    let own = |pin: Pin| if proof.is_wrong { another_pin(&pin) } else { pin };
    let own_key =
        |key: DeviceKey| if proof.is_wrong { DeviceKey(key.0.map(|byte| byte ^ 0xA5)) } else { key };
    let proved = match (Ins::from_byte(out.ins), proof.sets) {
        (Some(Ins::VerifyPin), _) => {
            let pin_key = PinKey::derive(dialect, &own(pin(proof.with)?));
            [application, pin_key.cryptogram(dialect, &challenge).to_vec()].concat()
        }
        (Some(Ins::ChangePin | Ins::UnblockPin), Some(sets)) => {
            let pin_key = PinKey::derive(dialect, &own(pin(proof.with)?));
            let prefix = <[u8; 2]>::try_from(&application[..]).unwrap_or_default();
            let sealed = pin_key.seal(dialect, &pin(sets)?, &challenge, header, prefix);
            let sealed = sealed.as_sealed();
            [&application[..], sealed.block, &sealed.mac].concat()
        }
        (Some(Ins::DevAuth), _) => own_key(key(proof.with)?).cryptogram(random).to_vec(),
        (Some(Ins::ChangeDevAuthKey), Some(sets)) => {
            let (encrypted, mac) = own_key(key(proof.with)?).seal(dialect, &key(sets)?, &challenge, header);
            [&encrypted[..], &mac].concat()
        }
        _ => return Ok(()),
    };
    out.data = Zeroizing::new(proved);
    Ok(())
}

/// What a command proves, in clear: for a link that takes no cryptograms of a PIN.
pub(super) fn in_clear(state: &State<'_>, out: &Outgoing, proof: Proof) -> Option<Secret> {
    let application = AppId(u16::from_be_bytes(*out.data.first_chunk::<2>()?));
    let pin_type = if out.p2 == PinType::User as u8 { PinType::User } else { PinType::Administrator };
    let own = |pin: &Pin| if proof.is_wrong { another_pin(pin) } else { pin.clone() };
    let sets = || proof.sets.and_then(|sets| state.pin(sets)).cloned();
    Some(match Ins::from_byte(out.ins)? {
        Ins::VerifyPin => Secret::VerifyPin { application, pin_type, pin: own(state.pin(proof.with)?) },
        Ins::ChangePin => {
            Secret::ChangePin { application, pin_type, old: own(state.pin(proof.with)?), new: sets()? }
        }
        Ins::UnblockPin => {
            Secret::UnblockPin { application, admin: own(state.pin(proof.with)?), new: sets()? }
        }
        Ins::ChangeDevAuthKey if !proof.is_wrong => {
            Secret::ChangeDeviceKey { new: state.key(proof.sets?)?.clone() }
        }
        _ => return None,
    })
}

/// A PIN of the same length that is not this one.
fn another_pin(pin: &Pin) -> Pin {
    let mut text = Zeroizing::new(pin.as_bytes().to_vec());
    if let Some(last) = text.last_mut() {
        *last = if *last == b'0' { b'1' } else { b'0' };
    }
    Pin::new(&text).unwrap_or_else(|_| pin.clone())
}
