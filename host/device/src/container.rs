//! An open container: a sign pair, an encryption pair, and a certificate for each.

use ukey_apdu::command::{
    AppId, CipherBlock, CloseContainer, Command, ContainerId, ContainerInfo, EccExportSessionKey,
    EccPublicKey, EccSignData, EccSignature, EnvelopedKeyPair, ExportCertificate, ExportPubKey,
    GenEccKeyPair, GetContainerInfo, ImportCertificate, ImportEccKeyPair, ImportSessionKey, KeyHandle,
    KeyHolder, KeyUse, SM2_BITS, SessionKeyId, SignInput,
};

use crate::application::Application;
use crate::error::{About, ErrorKind, Result};
use crate::session_key::{SealedKey, SessionKey};

/// An open container. It stays open until [`Container::close`], the end of its application or of the token's power;
/// dropping the handle does nothing.
#[derive(Clone, Debug)]
pub struct Container<'d> {
    application: Application<'d>,
    name: String,
    id: ContainerId,
}

impl<'d> Container<'d> {
    pub(crate) fn new(application: Application<'d>, name: &str, id: ContainerId) -> Self {
        Self { application, name: name.to_owned(), id }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The application it is in.
    #[must_use]
    pub fn application(&self) -> &Application<'d> {
        &self.application
    }

    fn about(&self) -> About {
        self.application.about_container(&self.name)
    }

    pub(crate) fn ids(&self) -> (AppId, ContainerId) {
        (self.application.id(), self.id)
    }

    pub(crate) fn send<'a, C: Command<'a>, T>(
        &self,
        command: &C,
        take: impl FnOnce(C::Answer<'_>) -> T,
    ) -> Result<T> {
        self.application.send(command, self.about(), take)
    }

    /// What it holds.
    ///
    /// # Errors
    /// As every command: [`ErrorKind`].
    pub fn info(&self) -> Result<ContainerInfo> {
        let (application, name) = (self.application.id(), self.name.as_bytes());
        self.send(&GetContainerInfo { application, name }, |info| info)
    }

    /// Makes the sign pair, or makes it anew and removes its certificate; wants the user PIN.
    ///
    /// # Errors
    /// [`ErrorKind::NotLoggedIn`].
    pub fn generate_key_pair(&self) -> Result<EccPublicKey> {
        let (application, container) = (self.application.id(), self.id);
        self.send(&GenEccKeyPair { application, container, bits: SM2_BITS }, |key| key)
    }

    /// Imports the encryption pair, enveloped for the sign pair of this container; wants the user PIN.
    ///
    /// # Errors
    /// [`ErrorKind::NotLoggedIn`]; [`ErrorKind::NoKeyPair`] without a sign pair; [`ErrorKind::Refused`] where the
    /// envelope was made for another key.
    pub fn import_key_pair(&self, key_pair: &EnvelopedKeyPair<'_>) -> Result<()> {
        let (application, container) = (self.application.id(), self.id);
        self.send(&ImportEccKeyPair { application, container, key_pair: *key_pair }, drop)
    }

    /// Signs a digest `e` of 32 bytes with the sign pair; wants the user PIN.
    ///
    /// # Errors
    /// [`ErrorKind::NotLoggedIn`], [`ErrorKind::NoKeyPair`].
    pub fn sign_digest(&self, digest: &[u8; 32]) -> Result<EccSignature> {
        self.sign(SignInput::Digest(*digest))
    }

    /// Signs a message with the sign pair; the token makes the digest from the signer's identity (not empty) and the
    /// message (GM/T 0009). Wants the user PIN.
    ///
    /// # Errors
    /// [`ErrorKind::NotLoggedIn`], [`ErrorKind::NoKeyPair`]; [`ErrorKind::Refused`] where the token has no room for
    /// the message.
    pub fn sign_message(&self, id: &[u8], message: &[u8]) -> Result<EccSignature> {
        self.sign(SignInput::Message { id, message })
    }

    fn sign(&self, input: SignInput<'_>) -> Result<EccSignature> {
        let (application, container) = (self.application.id(), self.id);
        self.send(&EccSignData { application, container, input }, |signature| signature)
    }

    /// A public key.
    ///
    /// # Errors
    /// [`ErrorKind::NoKeyPair`].
    pub fn public_key(&self, key_use: KeyUse) -> Result<EccPublicKey> {
        let (application, container) = (self.application.id(), self.id);
        self.send(&ExportPubKey { application, container, key_use }, |key| key)
    }

    /// Stores a certificate beside its key pair; the token does not look into it. Wants the user PIN.
    ///
    /// # Errors
    /// [`ErrorKind::NotLoggedIn`], [`ErrorKind::NoKeyPair`], [`ErrorKind::NoSpace`].
    pub fn import_certificate(&self, key_use: KeyUse, certificate: &[u8]) -> Result<()> {
        let (application, container) = (self.application.id(), self.id);
        self.send(&ImportCertificate { application, container, key_use, certificate }, drop)
    }

    /// A certificate as it was stored; `None` where there is none.
    ///
    /// # Errors
    /// As every command.
    pub fn export_certificate(&self, key_use: KeyUse) -> Result<Option<Vec<u8>>> {
        let (application, container) = (self.application.id(), self.id);
        let exported = self.send(&ExportCertificate { application, container, key_use }, |certificate| {
            certificate.0.to_vec()
        });
        match exported {
            Err(error) if matches!(error.kind(), ErrorKind::NoCertificate) => Ok(None),
            exported => exported.map(Some),
        }
    }

    fn holder(&self) -> KeyHolder {
        KeyHolder { application: self.application.id(), container: self.id }
    }

    pub(crate) fn session_key(&self, key: SessionKeyId) -> SessionKey<'d> {
        let application = &self.application;
        let key = KeyHandle { holder: self.holder(), key };
        SessionKey::new(application.device(), application.session(), self.about(), key)
    }

    /// Makes a session key in the token, and seals it for a public key (ECCExportSessionKey); wants the user PIN.
    ///
    /// # Errors
    /// [`ErrorKind::NotLoggedIn`], [`ErrorKind::NoSpace`], [`ErrorKind::Unsupported`] for another algorithm;
    /// [`ErrorKind::Refused`] (`6A9A`) for a public key that is none.
    pub fn export_session_key(
        &self,
        algorithm: u32,
        public_key: &EccPublicKey,
    ) -> Result<(SealedKey, SessionKey<'d>)> {
        let command = EccExportSessionKey { holder: self.holder(), public_key: *public_key, algorithm };
        let (sealed, id) = self.send(&command, |made| (SealedKey::from(made.sealed), made.key))?;
        Ok((sealed, self.session_key(id)))
    }

    /// Imports a session key that was sealed for the encryption pair; wants the user PIN.
    ///
    /// # Errors
    /// [`ErrorKind::NotLoggedIn`], [`ErrorKind::NoKeyPair`] without an encryption pair, [`ErrorKind::NoSpace`],
    /// [`ErrorKind::Unsupported`] for another algorithm; [`ErrorKind::Refused`] (`6A9B`) where it was sealed for
    /// another key.
    pub fn import_session_key(&self, algorithm: u32, sealed: &CipherBlock<'_>) -> Result<SessionKey<'d>> {
        let command = ImportSessionKey { holder: self.holder(), algorithm, sealed: *sealed };
        let id = self.send(&command, |id| id)?;
        Ok(self.session_key(id))
    }

    /// Closes the container.
    ///
    /// # Errors
    /// As every command.
    pub fn close(self) -> Result<()> {
        let (application, container) = (self.application.id(), self.id);
        self.send(&CloseContainer { application, container }, drop)
    }
}
