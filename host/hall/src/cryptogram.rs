//! What UnblockPin needs, made from the administrator PIN (GM/T 0016 clause 8.2; the forms are the apdu room's).
//!
//! Refuses to know: the token; it sees the challenge and gives bytes.

use crate::api::Sealing;
use crate::problem::{Answer, Refusal, refuse_field};
use ukey_apdu::{
    command::{Command as _, UnblockPin},
    dialect::{Dialect, text::Value},
    envelope::Cla,
    pin::{Challenge, Pin, PinKey},
};

/// The new PIN on its way to the token.
pub(crate) struct Unblock {
    /// The enciphered block, 16 bytes for a PIN of up to 13.
    pub cryptogram: Vec<u8>,
    /// The MAC, 4 bytes.
    pub mac: Vec<u8>,
}

/// Seals a new user PIN under the key made from the administrator PIN, over the token's challenge, as the token wants
/// it. Without `sealing` the MAC covers the PIN alone, so that a far party can make it.
pub(crate) fn unblock(
    admin_pin: &[u8],
    new_pin: &[u8],
    challenge: &Challenge,
    sealing: Option<&Sealing>,
) -> Answer<Unblock> {
    let (dialect, application) = match sealing {
        Some(sealing) => (dialect(sealing)?, application(sealing)?),
        None => (Dialect::GM2012, [0; 2]),
    };
    let admin = Pin::new(admin_pin).map_err(Refusal::internal)?;
    let new = Pin::new(new_pin).map_err(Refusal::internal)?;
    let header = [Cla { protected: true, chained: false }.to_byte(), UnblockPin::INS as u8, 0, 0];
    let sealed = PinKey::derive(&dialect, &admin).seal(&dialect, &new, challenge, header, application);
    let sealed = sealed.as_sealed();
    Ok(Unblock { cryptogram: sealed.block.to_vec(), mac: sealed.mac.to_vec() })
}

fn dialect(sealing: &Sealing) -> Answer<Dialect> {
    let mut dialect = Dialect::GM2012;
    for (switch, value) in &sealing.switches {
        dialect.set(switch, Value::Text(value)).map_err(|_| {
            let problem = format!("{switch} = {value} is no way to seal that is known here");
            refuse_field("sealing.switches", &problem, &format!("不支持的加密方式：{switch} = {value}"))
        })?;
    }
    Ok(dialect)
}

fn application(sealing: &Sealing) -> Answer<[u8; 2]> {
    let id = sealing.application_id.0.as_slice().try_into();
    id.map_err(|_| refuse_field("sealing.application_id", "not 2 bytes", "应用标识应为2字节"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Hex;

    const CHALLENGE: Challenge = [0xb1, 0x22, 0x84, 0xf7, 0xe6, 0x0f, 0xb4, 0x5c];

    fn sealed(sealing: Option<&Sealing>) -> Answer<(String, String)> {
        let sealed = unblock(b"admin", b"12345678", &CHALLENGE, sealing)?;
        Ok((hex::encode(sealed.cryptogram), hex::encode(sealed.mac)))
    }

    fn sealing(switches: &[(&str, &str)], application_id: &[u8]) -> Sealing {
        let switches = switches.iter().map(|(switch, value)| ((*switch).into(), (*value).into())).collect();
        Sealing { switches, application_id: Hex(application_id.to_vec()) }
    }

    #[test]
    fn the_known_answer() {
        let known = ("910a0ac272a56eda59c81882a7b988e1".to_owned(), "2ec56063".to_owned());
        assert_eq!(sealed(None).unwrap(), known);
        assert_eq!(sealed(Some(&sealing(&[], &[0x10, 0]))).unwrap(), known, "nothing says otherwise");
        assert!(unblock(b"", b"12345678", &CHALLENGE, None).is_err());
    }

    #[test]
    fn what_a_key_says_is_enough_for_every_dialect() {
        for of_key in Dialect::BUILT_IN {
            let word = |switch| match of_key.get(switch) {
                Some(Value::Text(word)) => word,
                other => panic!("{switch} is {other:?}"),
            };
            let switches = Dialect::SEALING.map(|switch| (switch, word(switch)));
            let key = PinKey::derive(of_key, &Pin::new(b"admin").unwrap());
            let new = Pin::new(b"12345678").unwrap();
            let by_key = key.seal(of_key, &new, &CHALLENGE, [0x84, 0x1A, 0, 0], [0x10, 0]);
            let by_key = (hex::encode(by_key.as_sealed().block), hex::encode(by_key.as_sealed().mac));
            assert_eq!(sealed(Some(&sealing(&switches, &[0x10, 0]))).unwrap(), by_key, "{}", of_key.name.as_str());
        }
    }

    #[test]
    fn the_key_says_how() {
        let plain = sealed(None).unwrap();
        let keyed = sealed(Some(&sealing(&[("pin_key", "padded-sm3")], &[0x10, 0]))).unwrap();
        assert_ne!(keyed.0, plain.0);
        let covers = [("new_pin_mac", "header-extended-lc")];
        let covering = sealed(Some(&sealing(&covers, &[0x10, 0]))).unwrap();
        assert_eq!(covering.0, plain.0, "the MAC alone");
        assert_ne!(covering.1, plain.1);
        assert_ne!(sealed(Some(&sealing(&covers, &[0x20, 0]))).unwrap().1, covering.1, "which application");
        for wrong in [
            sealing(&[("pin_key", "none")], &[0; 2]),
            sealing(&[("colour", "red")], &[0; 2]),
            sealing(&[], &[0; 3]),
        ] {
            assert!(sealed(Some(&wrong)).is_err(), "{wrong:?}");
        }
    }
}
