//! What the public sources of GM/T 0017 disagree on, as one value given to every encode and decode.
//!
//! A capture of a real key changes a [`Dialect`], never code. Each switch is a closed choice (`choice`); what each
//! of them does to the bytes stands in [`command`](crate::command), [`pin`](crate::pin) and [`mac`](crate::mac), and
//! nobody else asks.
//!
//! The sources, as the documentation of the choices names them:
//!
//! - *captures*: sessions of a commercial token, and its vendor's sample of a remote unblocking;
//! - *the memory-card token*: firmware and host library of a token in a memory card (Synochip AS5xx);
//! - *the audio-key kit*: a development kit for a key in the audio jack (Sunyard);
//! - *the mass-storage tool*: a program that drives a token through USB mass storage.

mod choice;
mod name;
#[cfg(feature = "text")]
pub mod text;

pub use choice::{
    ApplicationNameWidth, BlockForm, ByteOrder, CipherParametersForm, ConfirmedBits, DecryptInitForm,
    DeviceChallenge, DeviceKeyP2, DigestForm, ExportedKeyForm, ExternalCiphertextForm, FileNameWidth,
    KeyIdWidth, KeyPairForm, MacForm, MacPadding, PinKeyForm, WrongMac,
};
pub use name::{BadName, Name};

use choice::switches;

switches! {
    /// One way to speak GM/T 0017.
    Dialect {
        /// Order of bit counts, lengths, spaces, counts.
        quantity: ByteOrder,
        /// Order of the constants of GM/T 0006 and 0016: rights, algorithm identifiers.
        constant: ByteOrder,
        /// PIN to key.
        pin_key: PinKeyForm,
        /// The block that VerifyPin encrypts.
        challenge_block: BlockForm,
        /// The block in which ChangePin and UnblockPin carry the new PIN.
        new_pin_block: BlockForm,
        /// Whether a token accepts the zero-padded form beside a length-prefixed one.
        accepts_zero_padded: bool,
        /// MAC of ChangePin and UnblockPin.
        new_pin_mac: MacForm,
        /// MAC of ChangeDevAuthKey.
        device_key_mac: MacForm,
        /// What fills the last block under a MAC.
        mac_padding: MacPadding,
        /// The status word of a wrong MAC of ChangeDevAuthKey.
        wrong_mac: WrongMac,
        /// How many random bytes a host fetches for DevAuth. A token takes both.
        device_challenge: DeviceChallenge,
        /// P2 that a host sends with DevAuth and ChangeDevAuthKey. A token takes both.
        device_key_p2: DeviceKeyP2,
        /// Width of the name in CreateApplication, 32 or 48, as a host sends it. A token tells it by the length.
        application_name: ApplicationNameWidth,
        /// Width of the name in CreateFile, as a host sends it. A token tells it by the length.
        file_name: FileNameWidth,
        /// Whether the answer of GenECCKeyPair begins with the bits. A host takes both.
        generated_key: ConfirmedBits,
        /// Whether the answer of ExtECCSign begins with the bits. A host takes both.
        external_signature: ConfirmedBits,
        /// The answer of ExtECCEncrypt. A host takes both.
        external_ciphertext: ExternalCiphertextForm,
        /// Order of ImportECCKeyPair.
        key_pair: KeyPairForm,
        /// Order of the answer of ECCExportSessionKey.
        exported_key: ExportedKeyForm,
        /// Width of the key's id in the answers of the key agreement. A host takes both.
        agreed_key_id: KeyIdWidth,
        /// The parameters of EncryptInit, DecryptInit and MacInit.
        cipher_parameters: CipherParametersForm,
        /// Whether DecryptInit names the algorithm.
        decrypt_init: DecryptInitForm,
        /// The answer of Digest and DigestFinal. A host takes both.
        digest: DigestForm,
    }
}

impl Dialect {
    /// The recommended reading of GM/T 0017-2012, and the default of the token. Where captures show a commercial token
    /// it does as that token, constants aside; the rest is what one or two public sources have.
    pub const GM2012: Dialect = Dialect {
        name: Name::known("gm2012"),
        quantity: ByteOrder::Big,
        constant: ByteOrder::Big,
        pin_key: PinKeyForm::PaddedSha1,
        challenge_block: BlockForm::LengthPrefixed,
        new_pin_block: BlockForm::LengthPrefixed,
        accepts_zero_padded: true,
        new_pin_mac: MacForm::PlainNewPin,
        device_key_mac: MacForm::HeaderExtendedLc,
        mac_padding: MacPadding::Method2,
        wrong_mac: WrongMac::Mac,
        device_challenge: DeviceChallenge::Eight,
        device_key_p2: DeviceKeyP2::Algorithm,
        application_name: ApplicationNameWidth::Narrow,
        file_name: FileNameWidth::Narrow,
        generated_key: ConfirmedBits::Sent,
        external_signature: ConfirmedBits::Sent,
        external_ciphertext: ExternalCiphertextForm::Block,
        key_pair: KeyPairForm::Structure,
        exported_key: ExportedKeyForm::BlockFirst,
        agreed_key_id: KeyIdWidth::Four,
        cipher_parameters: CipherParametersForm::Fields,
        decrypt_init: DecryptInitForm::Algorithm,
        digest: DigestForm::Bare,
    };

    /// As a commercial token speaks, known from captures: as [`Dialect::GM2012`], constants little-endian. Sure for
    /// what the captures show: device information, opening, VerifyPin, certificates, digest, signature.
    pub const GM3000: Dialect =
        Dialect { name: Name::known("gm3000"), constant: ByteOrder::Little, ..Dialect::GM2012 };

    /// As the memory-card token speaks, read from its public source code, never seen on a wire. Not built, for too
    /// little is known: its host pads plaintexts by itself (here the token pads, as the parameters say), its private
    /// command for the type of a container (E6), and the wrong nibble of its `63CX`. What stands in front of the
    /// algorithm in its ImportECCKeyPair is taken from the structure of GM/T 0016.
    pub const SYNOCHIP: Dialect = Dialect {
        name: Name::known("synochip"),
        quantity: ByteOrder::Little,
        constant: ByteOrder::Little,
        challenge_block: BlockForm::ZeroPadded,
        new_pin_block: BlockForm::ZeroPadded,
        new_pin_mac: MacForm::HeaderLcBig,
        device_key_mac: MacForm::HeaderLcBig,
        mac_padding: MacPadding::ZeroBlock,
        wrong_mac: WrongMac::Data,
        application_name: ApplicationNameWidth::Wide,
        file_name: FileNameWidth::Widest,
        generated_key: ConfirmedBits::LeftOut,
        external_signature: ConfirmedBits::LeftOut,
        external_ciphertext: ExternalCiphertextForm::Plain,
        key_pair: KeyPairForm::CipherFirst,
        cipher_parameters: CipherParametersForm::Structure,
        digest: DigestForm::LengthPrefixed,
        ..Dialect::GM2012
    };

    /// As the audio-key kit speaks, read from its public source code, never seen on a wire. Where the kit is silent
    /// (bits in front of a generated key, the id of an agreed key, the word of a wrong MAC) it is as
    /// [`Dialect::GM2012`]. Not built: its private commands, its RSA, SHA-384 and SHA-512. That a DecryptInit without
    /// algorithm means the key's own is our reading.
    pub const SUNYARD: Dialect = Dialect {
        name: Name::known("sunyard"),
        quantity: ByteOrder::Little,
        constant: ByteOrder::Little,
        challenge_block: BlockForm::ZeroPadded,
        new_pin_block: BlockForm::ZeroPadded,
        new_pin_mac: MacForm::HeaderLcLittle,
        device_key_mac: MacForm::HeaderLcLittle,
        file_name: FileNameWidth::Wide,
        exported_key: ExportedKeyForm::HashFirst,
        decrypt_init: DecryptInitForm::KeysOwn,
        ..Dialect::GM2012
    };

    /// As the mass-storage tool speaks: everything big-endian, bare PINs under SHA-1, 16 random bytes for DevAuth, whose
    /// P2 is 0. One program, never seen on a wire. Its slips in the length-prefixed block are not built, for nothing
    /// says that a token takes them; of its MACs nothing is known.
    pub const MASS_STORAGE: Dialect = Dialect {
        name: Name::known("mass-storage"),
        pin_key: PinKeyForm::BareSha1,
        device_challenge: DeviceChallenge::Sixteen,
        device_key_p2: DeviceKeyP2::Zero,
        ..Dialect::GM2012
    };

    /// A guess at GM/T 0017-2023, whose text is not public: SM3 in the place of SHA-1. No source at all stands behind it.
    pub const GM2023_GUESS: Dialect =
        Dialect { name: Name::known("gm2023-guess"), pin_key: PinKeyForm::PaddedSm3, ..Dialect::GM2012 };

    /// The dialects that have a name. The first of those that a token may speak is the one to be assumed.
    pub const BUILT_IN: &'static [Dialect] = &[
        Dialect::GM2012,
        Dialect::GM3000,
        Dialect::SYNOCHIP,
        Dialect::SUNYARD,
        Dialect::MASS_STORAGE,
        Dialect::GM2023_GUESS,
    ];

    /// The built-in dialect of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Dialect> {
        Self::BUILT_IN.iter().copied().find(|dialect| dialect.name.as_str() == name)
    }
}

impl Default for Dialect {
    fn default() -> Self {
        Dialect::GM2012
    }
}
