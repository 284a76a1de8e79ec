//! The developer's token: what `ukey sim reset` puts into a factory-new one, so that every other command works at once.

use jiff::{Timestamp, ToSpan};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use ukey_device::{
    CipherBlock, CreateApplication, Device, DeviceKey, EccPublicKey, EnvelopedKeyPair, ErrorKind, KeyUse,
    Pin, PinType, Policy, Rights, Status,
};
use ukey_flows::production::FACTORY_DEVICE_KEY;
use ukey_pki::{Authority, EndEntity, EnvelopedKey, KeyPair, Name, PrivateKeyForm, PublicKey, Validity};

use crate::failure::{Failure, Result};

const APPLICATION: &str = "UKEY";
const CONTAINER: &str = "DEV";
const USER_PIN: &str = "12345678";
const ADMINISTRATOR_PIN: &str = "87654321";
const TRIES: u8 = 10;
/// What it is changed to where the token asks for one of its own.
const CHANGED_DEVICE_KEY: DeviceKey = DeviceKey(*b"8765432187654321");

/// What a developer has to know of the token.
pub(crate) fn summary(policy: &Policy) -> String {
    let tries = tries(policy);
    format!(
        "application        {APPLICATION}\n\
         user PIN           {USER_PIN}, {tries} tries\n\
         administrator PIN  {ADMINISTRATOR_PIN}, {tries} tries\n\
         container          {CONTAINER}: sign and encryption pair with certificates of a development authority\n\
         {}",
        device_key(if policy.changed_device_key { CHANGED_DEVICE_KEY } else { FACTORY_DEVICE_KEY })
    )
}

/// Tries of both PINs: ten, where the token takes so many.
fn tries(policy: &Policy) -> u8 {
    policy.max_tries.min(TRIES)
}

/// What a developer has to know of a factory token.
pub(crate) fn factory_summary() -> String {
    format!("application        none\n{}", device_key(FACTORY_DEVICE_KEY))
}

fn device_key(key: DeviceKey) -> String {
    format!("device key         {} ({} ASCII bytes)\n", key.0.escape_ascii(), key.0.len())
}

/// Makes a token blank whose device key is the factory's, or a developer's.
pub(crate) fn make_blank(device: &Device) -> Result<()> {
    match device.make_blank(&FACTORY_DEVICE_KEY) {
        Err(error) if matches!(error.kind(), ErrorKind::WrongDeviceKey { .. }) => {
            device.make_blank(&CHANGED_DEVICE_KEY)?;
            Ok(device.change_device_key(&CHANGED_DEVICE_KEY, &FACTORY_DEVICE_KEY)?)
        }
        made => Ok(made?),
    }
}

/// What a token that tells nobody its policies asks of a developer's, as far as [`equip`] has to know it. It answers a
/// command that changes nothing, or makes an application in a token without one; so [`make_blank`] comes next.
///
/// Its own device key is kept where it is not the factory's.
///
/// # Errors
/// A usage error where it takes no PIN of the developer's length; the token is as it was.
pub(crate) fn survey(device: &Device) -> Result<Policy> {
    let mut policy = Policy { one_use: true, ..Policy::default() };
    match device.authenticate(&FACTORY_DEVICE_KEY) {
        Err(error) if matches!(error.kind(), ErrorKind::WrongDeviceKey { .. }) => {
            device.authenticate(&CHANGED_DEVICE_KEY)?;
            policy.changed_device_key = true;
        }
        authenticated => authenticated?,
    }
    // Of an application that is there the token refuses the name, after all else.
    let there = device.applications()?;
    let name = there.first().map_or(APPLICATION, String::as_str);
    let mut changed_for_this = false;
    policy.max_tries = TRIES;
    loop {
        let created = device.create_application(&application(name, policy.max_tries)?);
        let Err(error) = created else { return Ok(policy) };
        match error.status() {
            Some(Status::APPLICATION_EXISTS) => return Ok(policy),
            Some(Status::CONDITIONS_NOT_SATISFIED) if !policy.changed_device_key => {
                device.change_device_key(&FACTORY_DEVICE_KEY, &CHANGED_DEVICE_KEY)?;
                (policy.changed_device_key, changed_for_this) = (true, true);
            }
            Some(Status::WRONG_DATA) if policy.max_tries > 1 => policy.max_tries -= 1,
            Some(Status::WRONG_DATA) => {
                if changed_for_this {
                    device.change_device_key(&CHANGED_DEVICE_KEY, &FACTORY_DEVICE_KEY)?;
                }
                let length = USER_PIN.len();
                return Err(unsuitable(
                    format!(
                        "the policies of this token do not take the developer's PINs of {length} characters; nothing was changed"
                    ),
                    format!("该UKey的策略不接受{length}位的开发用口令，未作更改"),
                ));
            }
            _ => return Err(error.into()),
        }
    }
}

/// The developer's PINs do not suit a token.
fn unsuitable(message: String, chinese: String) -> Failure {
    Failure::usage(
        message,
        "make a factory token and create an application with PINs of your own: `ukey sim reset --factory`",
        chinese + "；请用 ukey sim reset --factory 生成出厂状态的UKey，自行创建应用",
    )
}

/// The developer's application under a name, with so many tries of its PINs.
fn application(name: &str, tries: u8) -> Result<CreateApplication<'_>> {
    Ok(CreateApplication {
        name: name.as_bytes(),
        admin_pin: pin(ADMINISTRATOR_PIN)?,
        admin_retries: tries.into(),
        user_pin: pin(USER_PIN)?,
        user_retries: tries.into(),
        create_file: Rights::USER,
        max_containers: 8,
        max_certificates: 16,
        max_files: 8,
    })
}

fn pin(text: &str) -> Result<Pin> {
    Pin::new(text.as_bytes()).map_err(Failure::internal)
}

/// Makes a factory-new token a developer's token.
pub(crate) fn equip(device: &Device, policy: &Policy, seed: Option<u64>) -> Result<()> {
    let length = USER_PIN.len();
    if !(usize::from(policy.min_pin)..=usize::from(policy.max_pin)).contains(&length) {
        let (least, most) = (policy.min_pin, policy.max_pin);
        return Err(unsuitable(
            format!(
                "the developer's PINs have {length} characters, and these policies take {least} to {most}"
            ),
            format!("开发用UKey的口令为{length}位，而策略要求{least}至{most}位"),
        ));
    }
    device.authenticate(&FACTORY_DEVICE_KEY)?;
    if policy.changed_device_key {
        device.change_device_key(&FACTORY_DEVICE_KEY, &CHANGED_DEVICE_KEY)?;
    }
    device.create_application(&application(APPLICATION, tries(policy))?)?;
    device.set_label("UKEY developer")?;

    let application = device.open_application(APPLICATION)?;
    application.verify_pin(PinType::User, &pin(USER_PIN)?)?;
    let container = application.create_container(CONTAINER)?;
    let sign_key = container.generate_key_pair()?;
    let sign_key = PublicKey::from_coordinates(&sign_key.x, &sign_key.y).map_err(Failure::internal)?;
    let issued = issue(sign_key, seed)?;
    container.import_certificate(KeyUse::Sign, &issued.sign_certificate)?;
    container.import_key_pair(&enveloped(&issued.key_pair)?)?;
    if policy.one_use {
        // The envelope was opened with the sign key.
        application.verify_pin(PinType::User, &pin(USER_PIN)?)?;
    }
    container.import_certificate(KeyUse::Encrypt, &issued.encryption_certificate)?;
    Ok(application.close()?)
}

/// What the development authority makes for a sign key.
struct Issued {
    sign_certificate: Vec<u8>,
    key_pair: EnvelopedKey,
    encryption_certificate: Vec<u8>,
}

/// A development authority that lives for one certificate pair.
fn issue(sign_key: PublicKey, seed: Option<u64>) -> Result<Issued> {
    let mut rng = match seed {
        Some(seed) => ChaCha20Rng::seed_from_u64(seed),
        None => ChaCha20Rng::try_from_rng(&mut getrandom::SysRng).map_err(Failure::internal)?,
    };
    let now = Timestamp::now();
    let years = |years: i64| Validity::new(now, now + (years * 365 * 24).hours()).map_err(Failure::internal);
    let name = |common_name| {
        let name = Name::builder().country("CN").organization("示例科技有限公司").common_name(common_name);
        name.build().map_err(Failure::internal)
    };
    let key = KeyPair::generate(&mut rng);
    let authority =
        Authority::root(&name("UKEY开发用根证书")?, years(20)?, key, &mut rng).map_err(Failure::internal)?;
    let holder = EndEntity::new(name("张三")?, years(5)?);
    let sign = authority.issue_sign(&holder, sign_key, &mut rng).map_err(Failure::internal)?;
    let pair = KeyPair::generate(&mut rng);
    let encryption =
        authority.issue_encrypt(&holder, pair.public_key(), &mut rng).map_err(Failure::internal)?;
    Ok(Issued {
        sign_certificate: sign.der().to_vec(),
        key_pair: EnvelopedKey::seal(&pair, &sign_key, PrivateKeyForm::Bytes32, &mut rng),
        encryption_certificate: encryption.der().to_vec(),
    })
}

/// An enveloped key in the words of a token.
fn enveloped(key: &EnvelopedKey) -> Result<EnvelopedKeyPair<'_>> {
    let form = key.form();
    let encrypted_private_key = key
        .encrypted_private_key(form)
        .ok_or_else(|| Failure::internal("the sealed key has another form"))?;
    let (public_key, wrapped) = (key.public_key(), key.symmetric_key());
    Ok(EnvelopedKeyPair {
        version: 1,
        algorithm: key.algorithm().sgd(),
        encrypted_private_key,
        public_key: EccPublicKey { x: public_key.x(), y: public_key.y() },
        wrapped_key: CipherBlock {
            point: EccPublicKey { x: wrapped.x(), y: wrapped.y() },
            hash: *wrapped.hash(),
            cipher: wrapped.cipher(),
        },
    })
}
