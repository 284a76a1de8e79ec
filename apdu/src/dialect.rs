//! What the public sources of GM/T 0017 disagree on, as one value given to every encode and decode.
//!
//! A capture of a real key changes a [`Dialect`], never code.

/// Byte order of a class of integers inside the data field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ByteOrder {
    /// Most significant byte first.
    Big,
    /// Least significant byte first.
    Little,
}

/// How a PIN becomes the 16-byte SM4 key that protects it on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PinKeyForm {
    /// First 16 bytes of SHA-1 over the PIN, zero padded to 16 bytes. Seen on a commercial token.
    PaddedSha1,
    /// First 16 bytes of SHA-1 over the bare PIN.
    BareSha1,
    /// First 16 bytes of SM3 over the PIN, zero padded to 16 bytes: a guess at the 2023 edition.
    PaddedSm3,
}

/// How up to 16 bytes fill cipher blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockForm {
    /// The "LD block": length as 2 bytes little-endian, data, `80`, zeros to a multiple of 16.
    LengthPrefixed,
    /// Data, zeros to a multiple of 16.
    ZeroPadded,
}

/// What the MAC of a protected command covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MacForm {
    /// The plain new PIN alone. A remote party that knows no ids can make it.
    PlainNewPin,
    /// Header, `00`, Lc (2 bytes, counting the MAC), data without the MAC.
    HeaderExtendedLc,
    /// Header, Lc (2 bytes, not counting the MAC), `00 00`, data without the MAC.
    HeaderLcLe,
}

/// One way to speak GM/T 0017.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dialect {
    /// Its name, as users write it.
    pub name: &'static str,
    /// Order of bit counts, lengths, spaces, counts.
    pub quantity: ByteOrder,
    /// Order of the constants of GM/T 0006 and 0016: rights, algorithm identifiers.
    pub constant: ByteOrder,
    /// PIN to key.
    pub pin_key: PinKeyForm,
    /// The block that VerifyPin encrypts.
    pub challenge_block: BlockForm,
    /// The block in which ChangePin and UnblockPin carry the new PIN.
    pub new_pin_block: BlockForm,
    /// Whether a token accepts the zero-padded form beside a length-prefixed one.
    pub accepts_zero_padded: bool,
    /// MAC of ChangePin and UnblockPin.
    pub new_pin_mac: MacForm,
    /// MAC of ChangeDevAuthKey.
    pub device_key_mac: MacForm,
}

impl Dialect {
    /// The recommended reading of GM/T 0017-2012, and the default of the token.
    pub const GM2012: Dialect = Dialect {
        name: "gm2012",
        quantity: ByteOrder::Big,
        constant: ByteOrder::Big,
        pin_key: PinKeyForm::PaddedSha1,
        challenge_block: BlockForm::LengthPrefixed,
        new_pin_block: BlockForm::LengthPrefixed,
        accepts_zero_padded: true,
        new_pin_mac: MacForm::PlainNewPin,
        device_key_mac: MacForm::HeaderExtendedLc,
    };

    /// As a commercial token speaks, known from captures: as [`Dialect::GM2012`], constants little-endian.
    pub const GM3000: Dialect = Dialect { name: "gm3000", constant: ByteOrder::Little, ..Dialect::GM2012 };

    /// The dialects that have a name.
    pub const BUILT_IN: &'static [Dialect] = &[Dialect::GM2012, Dialect::GM3000];

    /// The built-in dialect of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Dialect> {
        Self::BUILT_IN.iter().copied().find(|dialect| dialect.name == name)
    }
}

impl Default for Dialect {
    fn default() -> Self {
        Dialect::GM2012
    }
}
