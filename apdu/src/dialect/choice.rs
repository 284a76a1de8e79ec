//! The choices of a dialect, each with the source that has it.

use crate::status::Status;

/// A closed choice; each value has a name in a dialect's text.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $name {
            $($(#[$value_doc])* $value,)+
        }

        #[cfg(feature = "text")]
        impl super::text::Choice for $name {
            const NAMES: &'static [&'static str] = &[$($text),+];

            fn value(self) -> super::text::Value<'static> {
                super::text::Value::Text(match self { $($name::$value => $text,)+ })
            }

            fn of(value: super::text::Value<'_>) -> Result<Self, super::text::NotSet> {
                match value {
                    $(super::text::Value::Text($text) => Ok($name::$value),)+
                    super::text::Value::Text(_) => Err(super::text::NotSet::Value { allowed: Self::NAMES }),
                    super::text::Value::Flag(_) => Err(super::text::NotSet::WrongType { allowed: Self::NAMES }),
                }
            }
        }
    };
}

/// The structure of a dialect: its name and its switches, which can be read and set by their names as text.
macro_rules! switches {
    ($(#[$doc:meta])* $name:ident { $($(#[$switch_doc:meta])* $switch:ident: $choice:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $name {
            /// Its name, as users write it.
            pub name: Name,
            $($(#[$switch_doc])* pub $switch: $choice,)+
        }

        #[cfg(feature = "text")]
        impl $name {
            /// The names of the switches.
            pub const SWITCHES: &'static [&'static str] = &[$(stringify!($switch)),+];

            /// The value of a switch; `None` where there is no switch of this name.
            #[must_use]
            pub fn get(&self, switch: &str) -> Option<text::Value<'static>> {
                match switch {
                    $(stringify!($switch) => Some(text::Choice::value(self.$switch)),)+
                    _ => None,
                }
            }

            /// The values that a switch may have; none where there is no switch of this name.
            #[must_use]
            pub fn allowed(switch: &str) -> &'static [&'static str] {
                match switch {
                    $(stringify!($switch) => <$choice as text::Choice>::NAMES,)+
                    _ => &[],
                }
            }

            /// Sets a switch.
            ///
            /// # Errors
            /// [`text::NotSet`]; nothing was changed.
            pub fn set(&mut self, switch: &str, value: text::Value<'_>) -> Result<(), text::NotSet> {
                match switch {
                    $(stringify!($switch) => self.$switch = text::Choice::of(value)?,)+
                    _ => return Err(text::NotSet::NoSwitch),
                }
                Ok(())
            }
        }
    };
}

pub(super) use switches;

choice! {
    /// Byte order of a class of integers inside the data field.
    ByteOrder {
        /// Most significant byte first: quantities of a commercial token (captures), everything of the mass-storage tool.
        Big = "big",
        /// Least significant byte first: constants of a commercial token (captures), everything of the memory-card
        /// token and of the audio-key kit.
        Little = "little",
    }
}

choice! {
    /// How a PIN becomes the 16-byte SM4 key that protects it on the wire.
    PinKeyForm {
        /// First 16 bytes of SHA-1 over the PIN, zero padded to 16 bytes: captures, the memory-card token, the
        /// audio-key kit.
        PaddedSha1 = "padded-sha1",
        /// First 16 bytes of SHA-1 over the bare PIN: the mass-storage tool.
        BareSha1 = "bare-sha1",
        /// First 16 bytes of SM3 over the PIN, zero padded to 16 bytes: a guess at the 2023 edition.
        PaddedSm3 = "padded-sm3",
    }
}

choice! {
    /// How up to 16 bytes fill cipher blocks.
    BlockForm {
        /// The "LD block": length as 2 bytes little-endian, data, `80`, zeros to a multiple of 16. Captures, and the
        /// mass-storage tool.
        LengthPrefixed = "length-prefixed",
        /// Data, zeros to a multiple of 16: the memory-card token, the audio-key kit.
        ZeroPadded = "zero-padded",
    }
}

choice! {
    /// What the MAC of a protected command covers.
    MacForm {
        /// The plain new PIN alone. A remote party that knows no ids can make it: the vendor's sample of a commercial
        /// token.
        PlainNewPin = "plain-new-pin",
        /// Header, `00`, Lc (2 bytes big-endian, counting the MAC), data without the MAC: a guess by ISO/IEC 7816-4.
        HeaderExtendedLc = "header-extended-lc",
        /// Header, Lc (2 bytes big-endian, not counting the MAC), `00 00`, data without the MAC: the memory-card token.
        HeaderLcBig = "header-lc-big",
        /// Header, Lc (2 bytes little-endian, counting the MAC), Le (2 bytes, `00 00`), data without the MAC: the
        /// audio-key kit.
        HeaderLcLittle = "header-lc-little",
    }
}

choice! {
    /// What fills the last block under a MAC.
    MacPadding {
        /// ISO/IEC 9797-1 method 2: `80`, zeros to a whole block.
        Method2 = "method2",
        /// The same, and a block of zeros more where the `80` itself fills a block: a quirk of the memory-card token.
        ZeroBlock = "zero-block",
    }
}

choice! {
    /// The status word of a wrong MAC of ChangeDevAuthKey. (A new PIN's wrong MAC is a wrong PIN.)
    WrongMac {
        /// `6988`: the table of status words.
        Mac = "6988",
        /// `6A80`: the memory-card token's code, against its own table.
        Data = "6A80",
    }
}

impl WrongMac {
    /// The word.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            WrongMac::Mac => Status::WRONG_MAC,
            WrongMac::Data => Status::WRONG_DATA,
        }
    }
}

choice! {
    /// How many random bytes a host fetches for DevAuth.
    DeviceChallenge {
        /// 8, filled with zeros to a block: GM/T 0016 clause 8.2.3, the memory-card token, the audio-key kit.
        Eight = "8",
        /// 16: the mass-storage tool.
        Sixteen = "16",
    }
}

impl DeviceChallenge {
    /// The number of bytes.
    #[must_use]
    pub const fn length(self) -> u16 {
        match self {
            DeviceChallenge::Eight => 8,
            DeviceChallenge::Sixteen => 16,
        }
    }
}

choice! {
    /// P2 of DevAuth and ChangeDevAuthKey for an SM4 key.
    DeviceKeyP2 {
        /// The algorithm: `02`, SM4. The memory-card token, the audio-key kit.
        Algorithm = "algorithm",
        /// `00`: the mass-storage tool.
        Zero = "zero",
    }
}

impl DeviceKeyP2 {
    /// The byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            DeviceKeyP2::Algorithm => 2,
            DeviceKeyP2::Zero => 0,
        }
    }
}

choice! {
    /// Width of the zero-padded name in CreateApplication.
    ApplicationNameWidth {
        /// 32 bytes: the audio-key kit; the memory-card token's comment.
        Narrow = "32",
        /// 48 bytes: the memory-card token's code.
        Wide = "48",
    }
}

impl ApplicationNameWidth {
    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            ApplicationNameWidth::Narrow => 32,
            ApplicationNameWidth::Wide => 48,
        }
    }
}

choice! {
    /// Width of the zero-padded name in CreateFile.
    FileNameWidth {
        /// 32 bytes: FILEATTRIBUTE of GM/T 0016.
        Narrow = "32",
        /// 40 bytes: the audio-key kit.
        Wide = "40",
        /// 48 bytes: the memory-card token.
        Widest = "48",
    }
}

impl FileNameWidth {
    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            FileNameWidth::Narrow => 32,
            FileNameWidth::Wide => 40,
            FileNameWidth::Widest => 48,
        }
    }
}

choice! {
    /// Whether an answer begins with the bits of the key (4 bytes).
    ConfirmedBits {
        /// With the bits, as ExportPubKey and ECCSignData do in captures; ExtECCSign of the audio-key kit.
        Sent = "sent",
        /// Without: the memory-card token.
        LeftOut = "left-out",
    }
}

choice! {
    /// The answer of ExtECCEncrypt.
    ExternalCiphertextForm {
        /// Bits, X, Y, HASH, length, cipher: the audio-key kit.
        Block = "block",
        /// `04`, X, Y, HASH, cipher (GM/T 0003): the memory-card token.
        Plain = "plain",
    }
}

choice! {
    /// Order of ImportECCKeyPair behind version and algorithm.
    KeyPairForm {
        /// Bits, length and encrypted private key, X, Y, wrapped key: the structure of GM/T 0016, the audio-key kit.
        Structure = "structure",
        /// Wrapped key, bits, X, Y, length and encrypted private key, which has 64 bytes: the memory-card token.
        CipherFirst = "cipher-first",
    }
}

choice! {
    /// Order of the answer of ECCExportSessionKey.
    ExportedKeyForm {
        /// The sealed key, the id: the memory-card token.
        BlockFirst = "block-first",
        /// HASH, length, cipher, the id, bits, X, Y: the audio-key kit.
        HashFirst = "hash-first",
    }
}

choice! {
    /// Width of the id in the answers of the key agreement.
    KeyIdWidth {
        /// 2 bytes, as in every other command.
        Two = "2",
        /// 4 bytes, a quantity of which only 2 count: the memory-card token.
        Four = "4",
    }
}

choice! {
    /// The parameters of EncryptInit, DecryptInit and MacInit behind the algorithm.
    CipherParametersForm {
        /// IV length (2 bytes), IV, padding, feedback bits: the audio-key kit.
        Fields = "fields",
        /// The structure BLOCKCIPHERPARAM of GM/T 0016, 44 bytes: IV in 32, its length, padding, feedback bits (4 bytes
        /// each). The memory-card token.
        Structure = "structure",
    }
}

choice! {
    /// Whether DecryptInit names the algorithm.
    DecryptInitForm {
        /// It does, as EncryptInit: the memory-card token.
        Algorithm = "algorithm",
        /// It does not; the key's own is meant: the audio-key kit.
        KeysOwn = "keys-own",
    }
}

choice! {
    /// The answer of Digest and DigestFinal.
    DigestForm {
        /// The bare digest: captures, the audio-key kit.
        Bare = "bare",
        /// Its length (4 bytes), the digest: the memory-card token.
        LengthPrefixed = "length-prefixed",
    }
}
