//! Finds out which dialect a token speaks, without harm: no PIN try, no authentication, nothing written. What is left
//! of it in the token are its digest, a session key that was destroyed, and where GetDevInfo does not tell the byte
//! order, an application that is open, if the token lets every program open it; a challenge that was fetched before is not touched, nor is what another program opened or
//! proved.
//!
//! Probes tell what can be seen in answers. How PINs become keys, what a MAC covers, and layouts of commands that want
//! a right cannot be seen so: they are taken from the first built-in dialect that fits, and [`Found::assumed`] names them.

use ukey_apdu::command::{
    Answer, ApplicationInfo, CipherParameters, CloseApplication, DecryptInit, DestroySessionKey, Digest,
    DigestAlgorithm, DigestInit, EccPublicKey, EncryptInit, EnumApplication, ExtEccEncrypt, ExtEccSign,
    GetDevInfo, ImportSymmKey, KeyHandle, KeyHolder, Names, OpenApplication, Plaintext, SGD_SM4_ECB,
    SessionKeyId,
};
use ukey_apdu::dialect::text::Value;
use ukey_apdu::dialect::{
    ByteOrder, CipherParametersForm, ConfirmedBits, DecryptInitForm, DigestForm, ExternalCiphertextForm, Name,
};
use ukey_apdu::{Dialect, Status};

use crate::error::Result;
use crate::wire::Wire;

/// What probing found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The dialect to speak: the first of the candidates; where there is none, [`Dialect::GM2012`] with what was seen.
    pub dialect: Dialect,
    /// The built-in dialects that fit what was seen.
    pub candidates: Vec<Dialect>,
    /// What was seen.
    pub evidence: Vec<Evidence>,
}

/// What one probe showed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evidence {
    /// The switch that it decides.
    pub switch: &'static str,
    /// Its value.
    pub value: Value<'static>,
    /// What was seen.
    pub seen: String,
}

impl Found {
    /// The switches that no probe can decide, or none decided: they are as in [`Found::dialect`].
    #[must_use]
    pub fn assumed(&self) -> Vec<&'static str> {
        let decided = |switch: &str| self.evidence.iter().any(|evidence| evidence.switch == switch);
        Dialect::SWITCHES.iter().copied().filter(|switch| !decided(switch)).collect()
    }
}

/// Probes the token.
pub(crate) fn find(wire: &mut Wire) -> Result<Found> {
    let mut probing = Probing { wire, speaks: Dialect::GM2012, evidence: Vec::new() };
    probing.device_info()?;
    if !probing.knows("constant") {
        probing.rights()?;
    }
    probing.digest()?;
    probing.external_sm2()?;
    probing.session_key()?;
    let Probing { speaks, evidence, .. } = probing;
    let fits = |dialect: &&Dialect| {
        evidence.iter().all(|evidence| dialect.get(evidence.switch) == Some(evidence.value))
    };
    let candidates: Vec<_> = Dialect::BUILT_IN.iter().filter(fits).copied().collect();
    let own = Dialect { name: Name::new("auto").unwrap_or(speaks.name), ..speaks };
    Ok(Found { dialect: candidates.first().copied().unwrap_or(own), candidates, evidence })
}

struct Probing<'w> {
    wire: &'w mut Wire,
    /// The usual dialect, with what was seen so far.
    speaks: Dialect,
    evidence: Vec<Evidence>,
}

/// The order in which the first non-zero number of these stays below `limit`; `None` where both or neither does.
fn order(fields: &[&[u8]], limit: u64) -> Option<ByteOrder> {
    let field = fields.iter().find(|field| field.iter().any(|&byte| byte != 0))?;
    let big = field.iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
    let little = field.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
    match (big < limit, little < limit) {
        (true, false) => Some(ByteOrder::Big),
        (false, true) => Some(ByteOrder::Little),
        _ => None,
    }
}

impl Probing<'_> {
    fn knows(&self, switch: &str) -> bool {
        self.evidence.iter().any(|evidence| evidence.switch == switch)
    }

    /// Takes what a probe showed.
    fn see(&mut self, switch: &'static str, set: impl FnOnce(&mut Dialect), seen: String) {
        set(&mut self.speaks);
        if let Some(value) = self.speaks.get(switch) {
            self.evidence.push(Evidence { switch, value, seen });
        }
    }

    /// Sends a command in what is known of the dialect.
    fn send<'a, C: ukey_apdu::Command<'a>>(
        &mut self,
        command: &C,
    ) -> Result<std::result::Result<Vec<u8>, Status>> {
        let speaks = self.speaks;
        self.wire.try_in(&speaks, command)
    }

    /// Byte orders, by value: algorithms and masks of GM/T 0006 are below 64 Ki, the user authentication is 1, the
    /// device type is 2.
    fn device_info(&mut self) -> Result<()> {
        let Ok(info) = self.send(&GetDevInfo)? else { return Ok(()) };
        let field = |at: usize, length: usize| info.get(at..at + length).unwrap_or_default();
        let (symmetric, device_auth) = (field(200, 4), field(212, 4));
        if let Some(order) = order(&[device_auth, symmetric], 0x1_0000) {
            let seen = format!(
                "GetDevInfo: device authentication {}, symmetric algorithms {}",
                hex::encode(device_auth),
                hex::encode(symmetric)
            );
            self.see("constant", |dialect| dialect.constant = order, seen);
        }
        let (authentication, device_type) = (field(226, 2), field(228, 2));
        if let Some(order) = order(&[authentication, device_type], 0x100) {
            let seen = format!(
                "GetDevInfo: user authentication {}, device type {}",
                hex::encode(authentication),
                hex::encode(device_type)
            );
            self.see("quantity", |dialect| dialect.quantity = order, seen);
        }
        Ok(())
    }

    /// The byte order of constants, by the right to create files of any application.
    fn rights(&mut self) -> Result<()> {
        let Ok(list) = self.send(&EnumApplication)? else { return Ok(()) };
        let names: Vec<Vec<u8>> = Names::read(&list, &self.speaks)
            .map_or_else(|_| Vec::new(), |names| names.iter().map(<[u8]>::to_vec).collect());
        for name in names {
            let Ok(answer) = self.send(&OpenApplication { name: &name })? else { continue };
            self.close_what_nobody_else_opened(&name, &answer)?;
            let rights = answer.get(..4).unwrap_or_default();
            if let Some(order) = order(&[rights], 0x100) {
                let seen = format!("OpenApplication: right to create files {}", hex::encode(rights));
                self.see("constant", |dialect| dialect.constant = order, seen);
                return Ok(());
            }
        }
        Ok(())
    }

    /// A token that refuses what is open already let nobody else open it: then it is ours to close. On any other one
    /// closing would close it for every program, and one that stays open is in nobody's way.
    fn close_what_nobody_else_opened(&mut self, name: &[u8], opened: &[u8]) -> Result<()> {
        if let Ok(info) = ApplicationInfo::read(opened, &self.speaks)
            && self.send(&OpenApplication { name })?.is_err()
        {
            let _ = self.send(&CloseApplication { application: info.id })?;
        }
        Ok(())
    }

    /// The digest of nothing.
    fn digest(&mut self) -> Result<()> {
        if self.send(&DigestInit { algorithm: DigestAlgorithm::Sm3, signer: None })?.is_err() {
            return Ok(());
        }
        let Ok(answer) = self.send(&Digest { data: ukey_apdu::command::Data(b"") })? else { return Ok(()) };
        let form = match answer.len() {
            32 => DigestForm::Bare,
            36 => DigestForm::LengthPrefixed,
            _ => return Ok(()),
        };
        self.see("digest", |dialect| dialect.digest = form, format!("Digest: {} bytes", answer.len()));
        Ok(())
    }

    /// One byte encrypted for the generator, a digest signed with a key that everybody knows.
    fn external_sm2(&mut self) -> Result<()> {
        if let Ok(answer) = self.send(&ExtEccEncrypt { public_key: GENERATOR, plaintext: Plaintext(b"?") })? {
            let form = match (answer.len(), answer.first()) {
                (98, Some(4)) => Some(ExternalCiphertextForm::Plain),
                (105, _) => Some(ExternalCiphertextForm::Block),
                _ => None,
            };
            if let Some(form) = form {
                let seen = format!("ExtECCEncrypt of 1 byte: {} bytes", answer.len());
                self.see("external_ciphertext", |dialect| dialect.external_ciphertext = form, seen);
            }
        }
        // The answer may be shorter than the length that is asked for: both are.
        for bits in [ConfirmedBits::Sent, ConfirmedBits::LeftOut] {
            let asks = Dialect { external_signature: bits, ..self.speaks };
            let command = ExtEccSign { private_key: [0x33; 32], digest: [0x44; 32] };
            let Ok(answer) = self.wire.try_in(&asks, &command)? else { continue };
            let bits = match answer.len() {
                68 => ConfirmedBits::Sent,
                64 => ConfirmedBits::LeftOut,
                _ => continue,
            };
            let seen = format!("ExtECCSign: {} bytes", answer.len());
            self.see("external_signature", |dialect| dialect.external_signature = bits, seen);
            break;
        }
        Ok(())
    }

    /// The beginnings that a session key of the device itself takes.
    fn session_key(&mut self) -> Result<()> {
        let holder = KeyHolder::DEVICE;
        let import = ImportSymmKey { holder, algorithm: SGD_SM4_ECB, key: &[0x55; 16] };
        let Ok(answer) = self.send(&import)? else { return Ok(()) };
        let Ok(key) = SessionKeyId::read(&answer, &self.speaks) else { return Ok(()) };
        let key = KeyHandle { holder, key };
        let tried = self.beginnings(key);
        // It is destroyed whatever came of it.
        let destroyed = self.send(&DestroySessionKey { key });
        tried.and(destroyed.map(drop))
    }

    fn beginnings(&mut self, key: KeyHandle) -> Result<()> {
        let parameters = CipherParameters::new(SGD_SM4_ECB, &[0; 16]);
        for form in [CipherParametersForm::Fields, CipherParametersForm::Structure] {
            let asks = Dialect { cipher_parameters: form, ..self.speaks };
            if self.wire.try_in(&asks, &EncryptInit { key, parameters })?.is_ok() {
                let seen = "EncryptInit: taken so".to_owned();
                self.see("cipher_parameters", |dialect| dialect.cipher_parameters = form, seen);
                break;
            }
        }
        if !self.knows("cipher_parameters") {
            return Ok(());
        }
        for form in [DecryptInitForm::Algorithm, DecryptInitForm::KeysOwn] {
            let asks = Dialect { decrypt_init: form, ..self.speaks };
            if self.wire.try_in(&asks, &DecryptInit { key, parameters })?.is_ok() {
                let seen = "DecryptInit: taken so".to_owned();
                self.see("decrypt_init", |dialect| dialect.decrypt_init = form, seen);
                break;
            }
        }
        Ok(())
    }
}

/// G of GB/T 32918.5: a public key whose private key is 1.
const GENERATOR: EccPublicKey = EccPublicKey {
    x: [
        0x32, 0xc4, 0xae, 0x2c, 0x1f, 0x19, 0x81, 0x19, 0x5f, 0x99, 0x04, 0x46, 0x6a, 0x39, 0xc9, 0x94, 0x8f,
        0xe3, 0x0b, 0xbf, 0xf2, 0x66, 0x0b, 0xe1, 0x71, 0x5a, 0x45, 0x89, 0x33, 0x4c, 0x74, 0xc7,
    ],
    y: [
        0xbc, 0x37, 0x36, 0xa2, 0xf4, 0xf6, 0x77, 0x9c, 0x59, 0xbd, 0xce, 0xe3, 0x6b, 0x69, 0x21, 0x53, 0xd0,
        0xa9, 0x87, 0x7c, 0xc6, 0x2a, 0x47, 0x40, 0x02, 0xdf, 0x32, 0xe5, 0x21, 0x39, 0xf0, 0xa0,
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_told_by_value() {
        assert_eq!(order(&[&[0, 0, 4, 1]], 0x1_0000), Some(ByteOrder::Big));
        assert_eq!(order(&[&[1, 4, 0, 0]], 0x1_0000), Some(ByteOrder::Little));
        assert_eq!(order(&[&[0; 4], &[7, 7, 0, 0]], 0x1_0000), Some(ByteOrder::Little), "zero tells nothing");
        assert_eq!(order(&[&[0; 4]], 0x1_0000), None);
        assert_eq!(order(&[&[0, 1, 1, 0]], 0x1_0000), None, "neither");
        assert_eq!(order(&[], 0x1_0000), None);
    }
}
