//! 证书延期 and 证书修复 (R) in their lanes: by order for a fee, with new keys or the old ones; by the portal's ordered
//! steps, which erase the key first.

use ukey_flows::{
    FlowError, Rule,
    api::{AccountKind, OrderKind, OrderState, PasswordLogin, RevocationReason, Secret},
    renew::{Renewing, Step, Wipe},
};

use super::{Flow, PIN, query_order};
use crate::{
    agreement::{
        judge::Expected,
        world::{Person, World},
    },
    people::Holder,
    stage::{Stage, typed},
};

/// The new pair is written beside the old one, confirmed, and the old one deleted.
pub(in crate::agreement) const FLOW: Flow = Flow {
    name: "renew",
    profile: "qinghe",
    prepare: |stage| {
        stage.hold_key(Holder::Unit, None, PIN)?;
        stage.wait(UNTIL_THE_WINDOW);
        Ok(Person::with_key(stage, Holder::Unit))
    },
    go_on: |world| go_on(world, OrderKind::Renew, None),
    expect: |person| expect(person, 20_000),
};

/// The old key pairs are certified again: the new certificates go over the old ones.
pub(super) const SAME_KEYS: Flow = Flow {
    name: "renew-same-keys",
    profile: "baihe",
    prepare: |stage| {
        register(stage)?;
        stage.hold_key(Holder::Unit, None, PIN)?;
        stage.wait(300 * DAY);
        Ok(Person::with_key(stage, Holder::Unit))
    },
    go_on: |world| go_on(world, OrderKind::Renew, None),
    expect: |person| expect(person, 0),
};

/// 初始化证书 erases the old pair before the new one is written.
pub(super) const BY_PORTAL: Flow = Flow {
    name: "renew-portal",
    profile: "songtao",
    prepare: |stage| {
        stage.hold_key(Holder::Unit, None, PIN)?;
        stage.wait(300 * DAY);
        Ok(Person::with_key(stage, Holder::Unit))
    },
    go_on: |world| go_on(world, OrderKind::Renew, None),
    expect: |person| expect(person, 0),
};

/// An expired certificate, by account and password.
pub(super) const REPAIR: Flow = Flow {
    name: "repair",
    profile: "songtao",
    prepare: |stage| {
        register(stage)?;
        stage.hold_key(Holder::Unit, None, PIN)?;
        stage.wait(500 * DAY);
        Ok(Person::with_key(stage, Holder::Unit))
    },
    go_on: |world| {
        let session = log_in_by_account(world)?;
        go_on(world, OrderKind::Repair, Some(&session))
    },
    expect: |person| Expected { issued: 1, ..Expected::of(person, OrderKind::Repair, OrderState::Completed) },
};

const DAY: u64 = 24 * 3600;

/// Seconds from the enrolment until a certificate of 730 days is inside the window of 90.
pub(super) const UNTIL_THE_WINDOW: u64 = 700 * DAY;

const ACCOUNT: &str = "shili-keji";

fn register(stage: &mut Stage) -> Result<(), FlowError> {
    stage.register(Holder::Unit, AccountKind::Enterprise, ACCOUNT)?;
    stage.log_in_by_account()
}

fn log_in_by_account(world: &World) -> Result<Secret, FlowError> {
    let password = world.code(world.person.holder.phone(), "account")?.into();
    let login = PasswordLogin { account: ACCOUNT.to_owned(), password };
    Ok(world.client.login_by_password(&login)?.token)
}

fn expect(person: &Person, price_fen: i64) -> Expected {
    Expected {
        price_fen,
        issued: 1,
        revoked: Some(RevocationReason::Superseded),
        ..Expected::of(person, OrderKind::Renew, OrderState::Completed)
    }
}

fn go_on(world: &mut World, kind: OrderKind, session: Option<&Secret>) -> Result<(), FlowError> {
    let (known, pin) = ([world.device()?], typed(&world.person.pin));
    let begun = Renewing::begin_for(&world.client, &known, &pin, session, world.person.certificate());
    let mut renewing = match begun {
        // Nothing is left in the key to sign with: the order query finds the order (G-12).
        Err(FlowError::Rule(Rule::AnotherCertificate { .. })) => {
            Renewing::resume(&world.client, query_order(world, kind)?)
        }
        begun => begun?,
    };
    loop {
        match renewing.step() {
            Step::Confirm => renewing.in_hand_mut().confirm()?,
            Step::Pay => {
                world.pay(&renewing.in_hand().pay("alipay", true)?)?;
                renewing.in_hand_mut().refresh()?;
            }
            Step::Verify => {
                world.ask_for_code(|| renewing.send_code())?;
                renewing.enter_code(&world.code(world.person.holder.phone(), "rewrite")?)?;
            }
            Step::Initialise => renewing.initialise(&known, &pin, Wipe::Container)?,
            Step::Write => renewing.write(&known, &pin)?,
            // What an earlier attempt left to tidy.
            Step::Done => return renewing.write(&known, &pin),
            _ => {
                return Err(FlowError::Answer(
                    "a step that this renewal does not have",
                    "这种延期没有这一步",
                ));
            }
        }
    }
}
