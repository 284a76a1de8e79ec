//! What a replay knows of both tokens: which id, key and value of the recorded one stands for which of the new one.

use std::collections::{HashMap, HashSet};

use ukey_apdu::command::{EccPublicKey, EccSignature, KeyUse, SignInput};
use ukey_apdu::pin::{DeviceKey, Pin};

use super::{Given, Need};
use crate::Result;
use crate::device::Device;
use crate::session_key::SealedKey;
use crate::trace::fields::Kind;
use crate::trace::unrecorded;
use crate::{Options, Target};

/// Both tokens, side by side.
pub(super) struct State<'g> {
    pub(super) given: &'g Given,
    /// PINs that the trace tells itself.
    told: HashMap<Need, Pin>,
    ids: HashMap<(u8, Vec<u8>), Vec<u8>>,
    /// Public keys, signatures, ciphertexts, digests: recorded, new.
    values: HashMap<Vec<u8>, Vec<u8>>,
    /// What the new token made last, by name and length: for values that the trace hides.
    made: HashMap<(&'static str, usize), Vec<u8>>,
    /// A session key that the new token sealed last, in its parts.
    pub(super) exported: Option<[Vec<u8>; 3]>,
    /// The new token's public keys, by its ids: application, container, use.
    keys: HashMap<(Vec<u8>, Vec<u8>, u8), EccPublicKey>,
    /// The last random of the new token.
    pub(super) random: Vec<u8>,
    /// The digest under way has another input than the recorded one.
    pub(super) digest_changed: bool,
    /// Secrets that are not this token's.
    pub(super) wrong: HashSet<Need>,
    /// Computes beside the tokens: a simulated one of its own.
    helper: Device,
}

/// A key pair of GB/T 32918.5-2017 annex A: what stands for a key pair that the trace cannot repeat.
pub(super) const STAND_IN: ([u8; 32], EccPublicKey) = (
    [
        0x39, 0x45, 0x20, 0x8f, 0x7b, 0x21, 0x44, 0xb1, 0x3f, 0x36, 0xe3, 0x8a, 0xc6, 0xd3, 0x9f, 0x95, 0x88,
        0x93, 0x93, 0x69, 0x28, 0x60, 0xb5, 0x1a, 0x42, 0xfb, 0x81, 0xef, 0x4d, 0xf7, 0xc5, 0xb8,
    ],
    EccPublicKey {
        x: [
            0x09, 0xf9, 0xdf, 0x31, 0x1e, 0x54, 0x21, 0xa1, 0x50, 0xdd, 0x7d, 0x16, 0x1e, 0x4b, 0xc5, 0xc6,
            0x72, 0x17, 0x9f, 0xad, 0x18, 0x33, 0xfc, 0x07, 0x6b, 0xb0, 0x8f, 0xf3, 0x56, 0xf3, 0x50, 0x20,
        ],
        y: [
            0xcc, 0xea, 0x49, 0x0c, 0xe2, 0x67, 0x75, 0xa5, 0x2d, 0xc6, 0xea, 0x71, 0x8c, 0xc1, 0xaa, 0x60,
            0x0a, 0xed, 0x05, 0xfb, 0xf3, 0x5e, 0x08, 0x4a, 0x66, 0x32, 0xf6, 0x07, 0x2d, 0xa9, 0xad, 0x13,
        ],
    },
);

impl<'g> State<'g> {
    pub(super) fn new(given: &'g Given) -> Result<State<'g>> {
        Ok(State {
            given,
            told: HashMap::new(),
            ids: HashMap::new(),
            values: HashMap::new(),
            made: HashMap::new(),
            exported: None,
            keys: HashMap::new(),
            random: Vec::new(),
            digest_changed: false,
            wrong: HashSet::new(),
            helper: unrecorded(|| Target::Sim.connect(&Options::default()))?,
        })
    }

    /// The power was off: what was under way is gone. Ids are given anew.
    pub(super) fn reset(&mut self) {
        self.random.clear();
        self.digest_changed = false;
    }

    // ---- secrets ----

    pub(super) fn tell(&mut self, need: Need, pin: Pin) {
        self.told.insert(need, pin);
    }

    pub(super) fn pin(&self, need: Need) -> Option<&Pin> {
        self.told.get(&need).or_else(|| self.given.pins.get(&need))
    }

    pub(super) fn key(&self, need: Need) -> Option<&DeviceKey> {
        self.given.keys.get(&need)
    }

    // ---- ids and values ----

    /// The new token's id for a recorded one; the same where none was given for it.
    pub(super) fn id(&self, kind: Kind, recorded: &[u8]) -> Vec<u8> {
        self.ids.get(&(kind as u8, recorded.to_vec())).cloned().unwrap_or_else(|| recorded.to_vec())
    }

    pub(super) fn learn_id(&mut self, kind: Kind, recorded: &[u8], new: &[u8]) {
        self.ids.insert((kind as u8, recorded.to_vec()), new.to_vec());
    }

    /// The value that the new token made in the place of a recorded one.
    pub(super) fn value(&self, recorded: &[u8]) -> Option<&[u8]> {
        self.values.get(recorded).map(Vec::as_slice)
    }

    pub(super) fn learn_value(&mut self, recorded: &[u8], new: &[u8]) {
        self.values.insert(recorded.to_vec(), new.to_vec());
    }

    /// Whether a value of the new token stands for another recorded one already.
    pub(super) fn stands_for_another(&self, recorded: &[u8], new: &[u8]) -> bool {
        self.values.iter().any(|(other, value)| value == new && other != recorded)
    }

    /// What the new token made last of this name and length.
    pub(super) fn made(&self, name: &'static str, length: usize) -> Option<&[u8]> {
        self.made.get(&(name, length)).map(Vec::as_slice)
    }

    pub(super) fn learn_made(&mut self, name: &'static str, new: &[u8]) {
        self.made.insert((name, new.len()), new.to_vec());
    }

    // ---- keys ----

    pub(super) fn learn_key(
        &mut self,
        application: &[u8],
        container: &[u8],
        key_use: KeyUse,
        key: EccPublicKey,
    ) {
        self.keys.insert((application.to_vec(), container.to_vec(), key_use as u8), key);
    }

    /// A public key of the new token, by its ids.
    pub(super) fn key_of(
        &self,
        application: &[u8],
        container: &[u8],
        key_use: KeyUse,
    ) -> Option<&EccPublicKey> {
        self.keys.get(&(application.to_vec(), container.to_vec(), key_use as u8))
    }

    // ---- what is computed beside ----

    /// Something encrypted for a public key.
    pub(super) fn seal(&self, public_key: &EccPublicKey, plain: &[u8]) -> Result<SealedKey> {
        self.helper.encrypt(public_key, plain)
    }

    /// Whether a signature is right.
    pub(super) fn verify(
        &self,
        public_key: &EccPublicKey,
        input: SignInput<'_>,
        signature: &EccSignature,
    ) -> Result<bool> {
        self.helper.verify(public_key, input, signature)
    }
}

/// X and Y as a key.
pub(super) fn point(bytes: &[u8]) -> Option<EccPublicKey> {
    let (x, y) = bytes.split_at_checked(32)?;
    Some(EccPublicKey { x: x.try_into().ok()?, y: y.try_into().ok()? })
}

/// Bytes that stand for what a trace hides.
pub(super) fn stand_in(length: usize) -> Vec<u8> {
    vec![0x5A; length]
}
