//! Accounts and their passwords (L-02 to L-07).
//!
//! Guarantees: passwords are kept as argon2id digests with their cost; an unknown account answers like a wrong password
//! and as slowly; a phone is shown by what was sent to it, at registration and when it changes; wrong passwords in a row make the account wait; a password session orders nothing while its subject
//! has a valid certificate (L-01, AMB-04).

use crate::{
    api::{
        AccountChange, AccountKind, CodeSent, LoginWay, Me, MessageKind, PasswordChange, PasswordLogin, PhoneEntry, ProblemType,
        Registered, Registration, Secret, Session,
    },
    checks::{self, Faults},
    clock,
    code::Purpose,
    config::PasswordCost,
    order::record::{read_word, word},
    outbox::{NewMessage, fill},
    problem::{Answer, Refusal, refuse, refuse_faults, refuse_field},
    rights::Caller,
    turn::Turn,
    vault::sm3,
};
use argon2::{Algorithm, Argon2, Params, Version};
use crate::sql;
use subtle::ConstantTimeEq;

struct Account {
    kind: AccountKind,
    name: String,
    number: String,
    phone: String,
    password: String,
}

/// Registers an account; the password goes to the phone.
pub(crate) async fn register(turn: &mut Turn<'_>, registration: Registration) -> Answer<Registered> {
    let Registration { kind, account, name, number, phone } = registration;
    let mut faults = Faults::default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    faults.unless(
        (4..=32).contains(&account.len()) && account.bytes().all(plain),
        "account",
        "not 4 to 32 letters, digits, _ or -",
        "账号应为4至32位字母、数字、下划线或连字符",
    );
    faults.unless(checks::is_text(&name, 100), "name", "missing or too long", "请填写名称");
    let plausible = match kind {
        AccountKind::Personal => checks::is_identity_number(&number, clock::date(turn.now)),
        AccountKind::Enterprise | AccountKind::Authority => checks::is_credit_code(&number),
    };
    faults.unless(plausible, "number", "not a number of this kind", "证件号码不正确");
    faults.unless(checks::is_mobile(&phone), "phone", "not a mobile number", "手机号格式不正确");
    refuse_faults(faults.0)?;
    turn.demand_few_misses("account").await?;
    if kind == AccountKind::Authority {
        demand_authority(turn, &number, &phone).await?;
    }

    let counter = format!("account/{phone}");
    let limit = turn.hall.profile().codes.sms.per_day;
    turn.demand_below(&counter, limit).await?;
    turn.count_today(&counter).await?;
    if turn.account(&account).await?.is_some() {
        // Which names exist is not to be tried out, whatever phone is given.
        turn.count_today(&turn.misses("account")).await?;
        return Err(refuse(ProblemType::AccountExists).keep());
    }
    let password = turn.chance.letters(12);
    let digest = digest(turn, &password).await?;
    sql::query(
        "INSERT INTO accounts (account, kind, name, number, phone, password, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&account)
    .bind(word(kind)?)
    .bind(&name)
    .bind(&number)
    .bind(&phone)
    .bind(digest)
    .bind(turn.now.as_second())
    .execute(turn.db())
    .await?;
    turn.audit("applicant", &format!("account/{account}"), "registered", &word(kind)?).await?;
    let values = [("name", account.as_str()), ("code", &password)];
    turn.send(NewMessage {
        kind: MessageKind::Sms,
        recipient: &phone,
        topic: "account",
        text: fill(&turn.hall.profile().wording.account, &values),
        code: Some(&password),
        order: None,
    })
    .await?;
    Ok(Registered { account, sent_to: checks::masked(&phone) })
}

/// An authority sees other people's applications: its account is for who the CA knows, by the phone that the CA knows.
async fn demand_authority(turn: &mut Turn<'_>, number: &str, phone: &str) -> Answer<()> {
    let profile = turn.hall.profile();
    if profile.authorities.iter().any(|known| (known.number.as_str(), known.phone.as_str()) == (number, phone)) {
        return Ok(());
    }
    turn.count_today(&turn.misses("account")).await?;
    let hotline = &profile.hotline;
    Err(refuse(ProblemType::Forbidden)
        .detail(
            format!("The authority and its contact's phone must be known to the CA first: call {hotline}."),
            format!("主管部门及其联系人手机号须先经本机构核实登记，请致电{hotline}。"),
        )
        .keep())
}

/// Logs in by password.
pub(crate) async fn login(turn: &mut Turn<'_>, login: PasswordLogin) -> Answer<Session> {
    let account = demand_password(turn, &login.account, &login.password).await?;
    let holder =
        Caller::Account { account: login.account.clone(), kind: account.kind, number: account.number.clone() };
    let (token, expires_at) = turn.grant(&holder, turn.hall.profile().login.session_minutes).await?;
    let me = me(login.account, account);
    Ok(Session { token, expires_at, me })
}

async fn demand_password(turn: &mut Turn<'_>, name: &str, password: &Secret) -> Answer<Account> {
    let rules = turn.hall.profile().login.clone();
    let counter = format!("login/{}", sm3(name.as_bytes()));
    turn.demand_below(&counter, rules.password_tries).await?;
    let account = turn.account(name).await?;
    // The same work for an unknown account: one digest of the same cost.
    let stored = match &account {
        Some(account) => account.password.clone(),
        None => written(turn.hall.config().password_cost, &[0; 16], &[0; 32]),
    };
    let fits = fits(&stored, password.reveal()).await?;
    if let Some(account) = account.filter(|_| fits) {
        turn.clear_counter(&counter).await?;
        return Ok(account);
    }
    let until = clock::after(turn.now, rules.lock_minutes.saturating_mul(60));
    let left = rules.password_tries.saturating_sub(turn.count(&counter, until).await?.count);
    Err(refuse(ProblemType::WrongCredentials).tries_left(left).keep())
}

/// Changes the own password (L-07).
pub(crate) async fn change(turn: &mut Turn<'_>, change: PasswordChange) -> Answer<()> {
    let Caller::Account { account, .. } = turn.known()?.clone() else {
        return Err(refuse(ProblemType::Forbidden));
    };
    let new = change.new.reveal();
    if !(8..=64).contains(&new.chars().count()) || new.chars().any(char::is_control) {
        return Err(refuse_field("new", "not 8 to 64 characters", "新密码应为8至64位"));
    }
    demand_password(turn, &account, &change.old).await?;
    let digest = digest(turn, new).await?;
    sql::query("UPDATE accounts SET password = $1 WHERE account = $2")
        .bind(digest)
        .bind(&account)
        .execute(turn.db())
        .await?;
    // Whoever else is logged in with the old password is so no more.
    sql::query("DELETE FROM tokens WHERE holder = $1 AND digest <> $2")
        .bind(serde_json::to_string(&turn.caller)?)
        .bind(turn.token.clone())
        .execute(turn.db())
        .await?;
    turn.audit("applicant", &format!("account/{account}"), "password-changed", "").await
}

/// 获取短信验证码: to the account's new phone.
pub(crate) async fn phone_code(turn: &mut Turn<'_>, entry: PhoneEntry) -> Answer<CodeSent> {
    let Caller::Account { account, .. } = turn.known()?.clone() else {
        return Err(refuse(ProblemType::Forbidden));
    };
    let phone = entry.phone.unwrap_or_default().trim().to_owned();
    if !checks::is_mobile(&phone) {
        return Err(refuse_field("phone", "not a mobile number", "手机号格式不正确"));
    }
    let code = turn.new_code(Purpose::Phone, &phone_scope(&account, &phone), &phone).await?;
    turn.send(NewMessage {
        kind: MessageKind::Sms,
        recipient: &phone,
        topic: Purpose::Phone.name(),
        text: fill(&turn.hall.profile().wording.code, &[("code", &code.code)]),
        code: Some(&code.code),
        order: None,
    })
    .await?;
    Ok(code.sent(&phone))
}

fn phone_scope(account: &str, phone: &str) -> String {
    format!("{account}/{phone}")
}

/// Changes the own basic data (L-07). Another phone is shown by the code that came to it.
pub(crate) async fn change_data(turn: &mut Turn<'_>, change: AccountChange) -> Answer<Me> {
    let Caller::Account { account: name, .. } = turn.known()?.clone() else {
        return Err(refuse(ProblemType::Forbidden));
    };
    let mut account = turn.account(&name).await?.ok_or_else(|| refuse(ProblemType::Unauthorised))?;
    account.name = change.name.map_or(account.name, |name| name.trim().to_owned());
    let phone = change.phone.map_or_else(|| account.phone.clone(), |phone| phone.trim().to_owned());
    let mut faults = Faults::default();
    faults.unless(checks::is_text(&account.name, 100), "name", "missing or too long", "请填写名称");
    faults.unless(checks::is_mobile(&phone), "phone", "not a mobile number", "手机号格式不正确");
    refuse_faults(faults.0)?;
    if phone != account.phone {
        let code = change.code.ok_or_else(|| refuse_field("code", "missing", "请填写发送到新手机号的验证码"))?;
        turn.check_code(Purpose::Phone, &phone_scope(&name, &phone), code.reveal(), false).await?;
        account.phone = phone;
    }
    sql::query("UPDATE accounts SET name = $1, phone = $2 WHERE account = $3")
        .bind(&account.name)
        .bind(&account.phone)
        .bind(&name)
        .execute(turn.db())
        .await?;
    Ok(me(name, account))
}

/// Who is logged in by password.
pub(crate) async fn who(turn: &mut Turn<'_>, name: &str) -> Answer<Me> {
    let account = turn.account(name).await?.ok_or_else(|| refuse(ProblemType::Unauthorised))?;
    Ok(me(name.into(), account))
}

fn me(name: String, account: Account) -> Me {
    Me {
        way: LoginWay::Password,
        kind: account.kind,
        account: Some(name),
        phone: Some(checks::masked(&account.phone)),
        name: account.name,
        number: account.number,
        certificate_serial: None,
    }
}

async fn digest(turn: &mut Turn<'_>, password: &str) -> Answer<String> {
    let cost = turn.hall.config().password_cost;
    let salt = turn.chance.bytes::<16>();
    let digest = argon(cost.memory_kib, cost.passes, salt.to_vec(), password.to_owned()).await?;
    Ok(written(cost, &salt, &digest))
}

/// A digest as it is stored.
fn written(PasswordCost { memory_kib, passes }: PasswordCost, salt: &[u8; 16], digest: &[u8]) -> String {
    format!("argon2id${memory_kib}${passes}${}${}", hex::encode(salt), hex::encode(digest))
}

async fn fits(stored: &str, password: &str) -> Answer<bool> {
    let damaged = || Refusal::internal("a stored password digest cannot be read");
    let [_, memory, passes, salt, digest] =
        stored.split('$').collect::<Vec<_>>().try_into().map_err(|_| damaged())?;
    let (memory, passes) = (memory.parse().map_err(|_| damaged())?, passes.parse().map_err(|_| damaged())?);
    let salt = hex::decode(salt).map_err(|_| damaged())?;
    let digest = hex::decode(digest).map_err(|_| damaged())?;
    Ok(argon(memory, passes, salt, password.to_owned()).await?.ct_eq(digest.as_slice()).into())
}

/// argon2id; off the request's thread, since it is meant to take long.
async fn argon(memory_kib: u32, passes: u32, salt: Vec<u8>, password: String) -> Answer<Vec<u8>> {
    let work = move || {
        let params = Params::new(memory_kib, passes, 1, Some(32))?;
        let mut digest = vec![0; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(password.as_bytes(), &salt, &mut digest)?;
        Ok::<_, argon2::Error>(digest)
    };
    tokio::task::spawn_blocking(work).await.map_err(Refusal::internal)?.map_err(Refusal::internal)
}

impl Turn<'_> {
    async fn account(&mut self, name: &str) -> Answer<Option<Account>> {
        let row = sql::query("SELECT kind, name, number, phone, password FROM accounts WHERE account = $1")
            .bind(name)
            .fetch_optional(self.db())
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Account {
            kind: read_word(row.try_get("kind")?)?,
            name: row.try_get("name")?,
            number: row.try_get("number")?,
            phone: row.try_get("phone")?,
            password: row.try_get("password")?,
        }))
    }

    /// The phone that an account's password was sent to.
    pub(crate) async fn phone_of(&mut self, account: &str) -> Answer<String> {
        Ok(self.account(account).await?.ok_or_else(|| refuse(ProblemType::Unauthorised))?.phone)
    }

    /// Refuses a password session whose subject has a valid certificate (L-01).
    pub(crate) async fn demand_certificate_login(&mut self) -> Answer<()> {
        let Caller::Account { number, .. } = self.caller.clone() else { return Ok(()) };
        if self.has_valid_certificate(&number).await? {
            return Err(refuse(ProblemType::CertificateLoginRequired));
        }
        Ok(())
    }
}
