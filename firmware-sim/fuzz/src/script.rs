//! A script: steps one behind the other, each a kind (1 byte), a length (2 bytes, high byte first) and so many bytes.
//! Every byte string is one: a kind counts modulo their number, a length that is too long is cut.

/// One step. The byte `how` of some: bit 0 the user (else the administrator), bit 1 with a wrong secret, bit 2 with the
/// third byte over the second's place of the data, bits 4 to 6 the application's slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step<'a> {
    /// An envelope as it is.
    Envelope(&'a [u8]),
    /// An envelope, its data cut into blocks of this size.
    Chain(u8, &'a [u8]),
    /// The envelope that was sent last, once more.
    Again,
    /// GenRandom and VerifyPin with the right cryptogram, or almost: `how`, place, byte.
    VerifyPin(&'a [u8]),
    /// GenRandom and ChangePin: `how`, place, byte, the new PIN.
    ChangePin(&'a [u8]),
    /// GenRandom and UnblockPin: the same.
    UnblockPin(&'a [u8]),
    /// GenRandom and DevAuth: `how`, place, byte.
    DevAuth(&'a [u8]),
    /// GenRandom and ChangeDevAuthKey: `how`, place, byte, the new key.
    ChangeDevAuthKey(&'a [u8]),
    /// ImportEccKeyPair of this private key, enveloped for the container's sign key: `how`, place, byte, the key.
    ImportKeyPair(&'a [u8]),
    /// ImportSessionKey of this key, sealed for the container's encryption key: `how`, place, byte, the key.
    ImportSessionKey(&'a [u8]),
    /// Power off and on.
    PowerCycle,
}

const KINDS: u8 = 11;

impl<'a> Step<'a> {
    fn take(bytes: &mut &'a [u8]) -> Option<Self> {
        let (&[kind, high, low], rest) = bytes.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes([high, low])).min(rest.len());
        let (content, rest) = rest.split_at(length);
        *bytes = rest;
        Some(match kind % KINDS {
            0 => Step::Envelope(content),
            1 => match content.split_first() {
                Some((&size, envelope)) => Step::Chain(size, envelope),
                None => Step::Again,
            },
            2 => Step::Again,
            3 => Step::VerifyPin(content),
            4 => Step::ChangePin(content),
            5 => Step::UnblockPin(content),
            6 => Step::DevAuth(content),
            7 => Step::ChangeDevAuthKey(content),
            8 => Step::ImportKeyPair(content),
            9 => Step::ImportSessionKey(content),
            _ => Step::PowerCycle,
        })
    }

    /// Appends it to a script.
    pub fn put(&self, script: &mut Vec<u8>) {
        let (kind, front, content): (u8, &[u8], &[u8]) = match self {
            Step::Envelope(content) => (0, &[], content),
            Step::Chain(size, envelope) => (1, std::slice::from_ref(size), envelope),
            Step::Again => (2, &[], &[]),
            Step::VerifyPin(content) => (3, &[], content),
            Step::ChangePin(content) => (4, &[], content),
            Step::UnblockPin(content) => (5, &[], content),
            Step::DevAuth(content) => (6, &[], content),
            Step::ChangeDevAuthKey(content) => (7, &[], content),
            Step::ImportKeyPair(content) => (8, &[], content),
            Step::ImportSessionKey(content) => (9, &[], content),
            Step::PowerCycle => (10, &[], &[]),
        };
        script.push(kind);
        script.extend(u16::try_from(front.len() + content.len()).unwrap_or(u16::MAX).to_be_bytes());
        script.extend(front);
        script.extend(content);
    }
}

/// The steps of a script.
pub fn steps(mut script: &[u8]) -> impl Iterator<Item = Step<'_>> {
    std::iter::from_fn(move || Step::take(&mut script))
}

/// A script of these steps.
pub fn script(steps: &[Step<'_>]) -> Vec<u8> {
    let mut script = Vec::new();
    steps.iter().for_each(|step| step.put(&mut script));
    script
}
