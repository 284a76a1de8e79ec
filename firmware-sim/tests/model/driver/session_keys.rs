//! Session keys, key agreement and digests.

use ukey_apdu::command::{Answer as _, *};
use ukey_apdu::mac::encrypt_block;

use super::super::command::Command as Spoken;
use super::super::reference::ciphers;
use super::super::reference::sm2::{self, OFF_CURVE, SOMEBODY};
use super::super::specification::Model;
use super::super::support::envelope::{self, Sealed, public_key};
use super::super::words::{Answer, *};
use super::{Answered, Driver};

/// An algorithm that the token does not know.
const SM1_ECB: u32 = 0x101;

impl Driver {
    pub(super) fn send_to_session_keys(&mut self, model: &Model, command: &Spoken) -> Answered {
        let (dialect, none) = (self.dialect(), Given::default());
        let holder = |holder: Holder| match holder {
            None => KeyHolder::DEVICE,
            Some((application, name)) => KeyHolder {
                application: AppId(model.application_id(application)),
                container: ContainerId(model.container_id(application, name)),
            },
        };
        let handle = |handle: Handle| KeyHandle {
            holder: holder(handle.holder),
            key: SessionKeyId(model.key_id(handle.key)),
        };
        let algorithm = |value| if value == FOREIGN_VALUE { SM1_ECB } else { SGD_SM4_CBC };
        let sm4 = |sm4| if sm4 { SGD_SM4_ECB } else { SM1_ECB };
        let receiver = |on_curve| if on_curve { public_key(&SOMEBODY) } else { OFF_CURVE };
        let value = |value| {
            let length = if value == SHORT_VALUE { 15 } else { 16 };
            key_bytes(value)[..length].to_vec()
        };
        match *command {
            Spoken::ImportSymmKey(_, of, number) => {
                let (holder, algorithm) = (holder(of), algorithm(number));
                self.new_key(&ImportSymmKey { holder, algorithm, key: &value(number) })
            }
            Spoken::ImportSessionKey(_, at, number, for_own_pair) => {
                let own = self.key_of(model, at).filter(|_| for_own_pair);
                let sealed = Sealed::new(&own.unwrap_or_else(|| public_key(&SOMEBODY)), &value(number));
                let (holder, sealed) = (holder(Some(at)), sealed.block());
                self.new_key(&ImportSessionKey { holder, algorithm: algorithm(number), sealed })
            }
            Spoken::EccExportSessionKey(_, at, on_curve, known) => {
                let (holder, public_key) = (holder(Some(at)), receiver(on_curve));
                let algorithm = sm4(known);
                let answer = self.say(&EccExportSessionKey { holder, public_key, algorithm })?;
                let exported = ExportedSessionKey::read(&answer, &dialect).unwrap();
                let key = opened(&exported.sealed);
                Ok((Answer::SessionKey(key), Given { id: exported.key.0, key, ..none }))
            }
            Spoken::EccExportSessionKeyEx(key, on_curve) => {
                let command = EccExportSessionKeyEx { key: handle(key), public_key: receiver(on_curve) };
                let answer = self.say(&command)?;
                Ok((Answer::SessionKey(opened(&CipherBlock::read(&answer, &dialect).unwrap())), none))
            }
            Spoken::DestroySessionKey(key) => self.nothing(&DestroySessionKey { key: handle(key) }),
            Spoken::Begin(key, work) => {
                let key = handle(key);
                let algorithm = match work.mode {
                    Mode::Ecb => SGD_SM4_ECB,
                    Mode::Cbc => SGD_SM4_CBC,
                    Mode::Cfb => SGD_SM4_CFB,
                    Mode::Ofb => SGD_SM4_OFB,
                    Mode::Mac => SGD_SM4_MAC,
                };
                let parameters = CipherParameters::new(algorithm, &ciphers::IV);
                let parameters = if work.padded { parameters.padded() } else { parameters };
                match work.purpose {
                    Purpose::Encrypt => self.nothing(&EncryptInit { key, parameters }),
                    Purpose::Decrypt => self.nothing(&DecryptInit { key, parameters }),
                    Purpose::Mac => self.nothing(&MacInit { key, parameters }),
                }
            }
            Spoken::Go(key, purpose, part, length) => {
                let (key, message) = (handle(key), message(length));
                let data = Data(&message);
                let out = match (purpose, part) {
                    (Purpose::Encrypt, Part::One) => self.say(&Encrypt { key, data }),
                    (Purpose::Encrypt, Part::Update) => self.say(&EncryptUpdate { key, data }),
                    (Purpose::Encrypt, Part::Final) => self.say(&EncryptFinal { key, data }),
                    (Purpose::Decrypt, Part::One) => self.say(&Decrypt { key, data }),
                    (Purpose::Decrypt, Part::Update) => self.say(&DecryptUpdate { key, data }),
                    (Purpose::Decrypt, Part::Final) => self.say(&DecryptFinal { key, data }),
                    (Purpose::Mac, Part::One) => self.say(&Mac { key, data }),
                    (Purpose::Mac, Part::Update) => self.say(&MacUpdate { key, data }),
                    (Purpose::Mac, Part::Final) => self.say(&MacFinal { key, data }),
                };
                Ok((Answer::Content(out?), none))
            }
            Spoken::DigestInit(algorithm, signer) => {
                let public_key = public_key(&SOMEBODY);
                let signer = signer.map(|signer| Signer { public_key, id: sm2::identity(signer) });
                self.nothing(&DigestInit { algorithm, signer })
            }
            Spoken::Digest(part, length) => {
                let message = message(length);
                let data = Data(&message);
                let out = match part {
                    Part::One => self.say(&Digest { data }),
                    Part::Update => self.say(&DigestUpdate { data }),
                    Part::Final => self.say(&DigestFinal { data }),
                };
                Ok((Answer::Content(out?), none))
            }
            Spoken::BeginAgreement(_, at, identity, known) => {
                let KeyHolder { application, container } = holder(Some(at));
                let (algorithm, id) = (sm4(known), sm2::identity(identity));
                let command = GenerateAgreementDataWithEcc { application, container, algorithm, id };
                let data = AgreementData::read(&self.say(&command)?, &dialect).unwrap();
                let fresh = self.begun.values().all(|other| *other != data.temporary_key);
                assert!(fresh, "the same temporary key again");
                self.begun.insert(data.handle.0, data.temporary_key);
                Ok((Answer::Nothing, Given { agreement: data.handle.0, ..none }))
            }
            Spoken::AnswerAgreement(_, at, identity, peer, known) => {
                let KeyHolder { application, container } = holder(Some(at));
                let (algorithm, id) = (sm4(known), sm2::identity(identity));
                let initiator = sm2::party(peer);
                let command =
                    GenerateAgreementDataAndKeyWithEcc { application, container, algorithm, initiator, id };
                let AgreedKey { temporary_key, key } =
                    AgreedKey::read(&self.say(&command)?, &dialect).unwrap();
                let public_key = self.key_of(model, at).expect("the pair that took part");
                let bytes = sm2::agreed(peer, &Party { public_key, temporary_key, id }, false);
                self.agreed(holder(Some(at)), key, bytes)
            }
            Spoken::EndAgreement(_, at, agreement, peer) => {
                let KeyHolder { application, container } = holder(Some(at));
                let handle = AgreementHandle(model.agreement_handle(agreement));
                let command =
                    GenerateKeyWithEcc { application, container, handle, responder: sm2::party(peer) };
                let key = AgreedKeyId::read(&self.say(&command)?, &dialect).unwrap();
                let mut waiting = model.session.agreements.iter();
                let begun = waiting.find(|agreement| agreement.handle == handle.0).expect("it was begun");
                let token = Party {
                    public_key: self.key_of(model, at).expect("the pair that took part"),
                    temporary_key: self.begun[&handle.0],
                    id: sm2::identity(begun.identity),
                };
                self.agreed(holder(Some(at)), key, sm2::agreed(peer, &token, true))
            }
            _ => unreachable!("a command about session keys"),
        }
    }

    /// The public key of the encryption pair of an open container.
    fn key_of(&self, model: &Model, at: (Name, Name)) -> Option<EccPublicKey> {
        model.key_pair(at, KeyUse::Encrypt).map(|pair| self.keys[&pair])
    }

    /// Both sides have the same key: what the token makes of a block with it shows that.
    fn agreed(&mut self, holder: KeyHolder, id: AgreedKeyId, bytes: KeyBytes) -> Answered {
        let key = KeyHandle { holder, key: id.0 };
        let parameters = CipherParameters::new(SGD_SM4_ECB, &[]);
        self.say(&EncryptInit { key, parameters }).expect("a key that is there");
        let block = self.say(&Encrypt { key, data: Data(&[0x5A; 16]) }).expect("a key that is there");
        assert_eq!(block, encrypt_block(&bytes, [0x5A; 16]), "the sides have different keys");
        Ok((Answer::Nothing, Given { id: id.0.0, key: bytes, ..Given::default() }))
    }

    fn new_key<'a, C: Command<'a>>(&mut self, command: &C) -> Answered {
        let answer = self.say(command)?;
        let id = SessionKeyId::read(&answer, &self.dialect()).unwrap().0;
        Ok((Answer::Nothing, Given { id, ..Given::default() }))
    }
}

/// A session key that was sealed for somebody.
fn opened(sealed: &CipherBlock<'_>) -> KeyBytes {
    let bytes = envelope::open(&SOMEBODY, sealed).expect("sealed for somebody");
    bytes.try_into().expect("16 bytes")
}
