//! Renewal, repair, change and reinstallation in strides: what the holder and the assistant do with the key in hand.

use jiff::{Span, Timestamp, civil::Date};
use ukey_device::KeyUse;
use ukey_flows::{
    FlowError, Rule,
    api::{CertificateStanding, EnrolForm, OrderKind, OrderState},
    change::Changing,
    key::MyCertificate,
    reinstall,
    renew::{DOWNLOADED_ZH, EXECUTED_ZH, KEEP_IN_ZH, Renewing, Wipe},
};
use ukey_pki::Certificate;

use super::{Business, Stage, typed};
use crate::words::shanghai;

impl Stage {
    /// The last day of the certificate in the key.
    pub(crate) fn last_day(&mut self) -> Date {
        let mine = MyCertificate::read(&self.device()).expect("a certificate in the key");
        day(mine.sign.not_after())
    }

    /// Lets the time pass until so many days are left (over, if negative), at noon.
    pub(crate) fn come_to_days_left(&mut self, days: i64) {
        let noon = self.last_day().checked_sub(Span::new().days(days)).expect("a day").at(12, 0, 0, 0);
        let noon = noon.to_zoned(shanghai()).expect("a moment").timestamp();
        let now = self.client().clock().expect("the hall's clock").now;
        let seconds = noon.as_second() - now.as_second();
        self.wait(seconds.try_into().expect("a moment that is still to come"));
    }

    /// Notes the certificate in the key as the old one.
    pub(crate) fn note_old(&mut self) {
        self.old = MyCertificate::read(&self.device()).ok();
    }

    /// 点击证书更新, with the session of an account if one is logged in.
    pub(crate) fn begin_renewal(&mut self, pin: &str) -> Result<(), FlowError> {
        let session = self.session.as_ref().map(|session| &session.token);
        let renewing = Renewing::begin(&self.client(), &self.attached(), &typed(pin), session)?;
        self.shown = KEEP_IN_ZH.to_owned();
        self.take_up(Business::Renew(renewing));
        Ok(())
    }

    /// 续订 of a chosen certificate.
    pub(crate) fn begin_renewal_of(&mut self, serial: &str) -> Result<(), FlowError> {
        let (known, pin, client) = (self.attached(), self.key().pin.clone(), self.client());
        let session = self.session.as_ref().map(|session| &session.token);
        let renewing = Renewing::begin_for(&client, &known, &typed(&pin), session, serial)?;
        self.shown = KEEP_IN_ZH.to_owned();
        self.take_up(Business::Renew(renewing));
        Ok(())
    }

    pub(crate) fn begin_change(&mut self) -> Result<(), FlowError> {
        let (known, pin, client) = (self.attached(), self.key().pin.clone(), self.client());
        let changing = Changing::begin(&client, &known, &typed(&pin))?;
        self.shown = changing.prompt_zh().to_owned();
        self.take_up(Business::Change(changing));
        Ok(())
    }

    pub(crate) fn renewing(&mut self) -> &mut Renewing {
        match &mut self.business {
            Some(Business::Renew(renewing)) => renewing,
            _ => panic!("there is no renewal under way: 当 点击证书更新，输入口令"),
        }
    }

    /// 获取短信验证, of a renewal or a change.
    pub(crate) fn ask_for_rewrite_code(&mut self) -> Result<(), FlowError> {
        let sent = match &self.business {
            Some(Business::Renew(renewing)) => renewing.send_code()?,
            Some(Business::Change(changing)) => changing.send_code()?,
            _ => panic!("there is no renewal or change under way"),
        };
        self.sent = Some(sent);
        Ok(())
    }

    pub(crate) fn enter_rewrite_code(&mut self, code: &str) -> Result<(), FlowError> {
        match &mut self.business {
            Some(Business::Renew(renewing)) => renewing.enter_code(code),
            Some(Business::Change(changing)) => changing.enter_code(code),
            _ => panic!("there is no renewal or change under way"),
        }
    }

    /// 获取短信验证 with the right code.
    pub(crate) fn verify_rewrite(&mut self) -> Result<(), FlowError> {
        self.ask_for_rewrite_code()?;
        let code = self.code(self.holder.phone(), "rewrite", 0);
        self.enter_rewrite_code(&code)
    }

    /// 初始化证书.
    pub(crate) fn initialise(&mut self, wipe: Wipe) -> Result<(), FlowError> {
        let (known, pin) = (self.attached(), self.key().pin.clone());
        self.renewing().initialise(&known, &typed(&pin), wipe)?;
        self.shown = EXECUTED_ZH.to_owned();
        Ok(())
    }

    /// 下载证书, 执行延期 or 执行修复.
    pub(crate) fn write_certificate(&mut self) -> Result<(), FlowError> {
        let (known, pin) = (self.attached(), self.key().pin.clone());
        let (portal, serial) = match &mut self.business {
            Some(Business::Renew(renewing)) => {
                renewing.write(&known, &typed(&pin))?;
                let serial = renewing.in_hand().order().new_certificate_serial.clone();
                (renewing.view()?.portal, serial)
            }
            Some(Business::Change(changing)) => {
                changing.write(&known, &typed(&pin))?;
                (false, changing.in_hand().order().new_certificate_serial.clone())
            }
            _ => panic!("there is no renewal or change under way"),
        };
        self.certificates.extend(serial.filter(|serial| !self.certificates.contains(serial)));
        self.shown = if portal { EXECUTED_ZH } else { DOWNLOADED_ZH }.to_owned();
        Ok(())
    }

    /// From 点击证书更新 to 待下载 or 已初始化, whichever way the authority has.
    pub(crate) fn ready_renewal(&mut self) -> Result<(), FlowError> {
        let pin = self.key().pin.clone();
        self.begin_renewal(&pin)?;
        if self.renewing().view()?.portal {
            self.verify_rewrite()?;
            return self.initialise(Wipe::Container);
        }
        self.in_hand().confirm()?;
        if self.order().state == OrderState::Unpaid {
            self.pay()?;
        }
        Ok(())
    }

    /// Edits the form at hand.
    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut EnrolForm)) -> Result<(), FlowError> {
        let mut form = self.in_hand().order().form.clone().expect("the order has a form");
        change(&mut form);
        self.in_hand().amend(&form)
    }

    /// Begins and writes, with the key pulled or its power cut once in each attempt, one exchange or flash operation
    /// later each time, until an attempt gets through. Tells how many attempts were cut. After each, the key must hold a
    /// whole pair.
    pub(crate) fn cut_again_and_again(&mut self, cut: impl Fn(&mut Self, u64)) -> u64 {
        let pin = self.key().pin.clone();
        for count in 0..2_000 {
            cut(self, count);
            let done = self.begin_renewal(&pin).and_then(|()| self.write_certificate());
            match done {
                Ok(()) => {
                    // What was planned and did not happen yet is called off by new power.
                    self.unplug();
                    self.plug_in().expect("the key");
                    return count;
                }
                // Pulled in the middle, or before anything was asked of it.
                Err(FlowError::Key(error)) if error.is_removed() => {}
                Err(FlowError::Rule(Rule::NoKey)) => {}
                Err(error) => panic!("第{count}次：{}（{error}）", error.message_zh()),
            }
            self.plug_in().expect("the key starts again");
            let whole = self.whole_pairs().expect("the certificates in the key");
            assert!(!whole.is_empty(), "UKey里没有一对完整的证书");
        }
        panic!("总也办不完")
    }

    /// The certificates in the key whose pair is whole: both are there, each for the key pair that it lies beside.
    pub(crate) fn whole_pairs(&mut self) -> Result<Vec<MyCertificate>, FlowError> {
        let device = self.device();
        let mut whole = Vec::new();
        for mine in MyCertificate::all(&device)? {
            let application = mine.open_application(&device)?;
            let container = application.open_container(&mine.container)?;
            let fits = |key_use, certificate: &Certificate| {
                let own = container.public_key(key_use).ok().map(|key| (key.x, key.y));
                own.is_some() && own == certificate.public_key().ok().map(|key| (key.x(), key.y()))
            };
            let encryption = mine.encryption.as_ref();
            if fits(KeyUse::Sign, &mine.sign) && encryption.is_some_and(|mine| fits(KeyUse::Encrypt, mine)) {
                whole.push(mine);
            }
        }
        Ok(whole)
    }

    /// How the hall has the certificate that was noted as the old one.
    pub(crate) fn old_standing(&mut self) -> Option<CertificateStanding> {
        let old = self.old.as_ref().expect("the old certificate was noted").serial();
        let session = self.session.as_ref().expect("a session").token.clone();
        let all = self.client().my_certificates(&session).expect("the certificates");
        all.into_iter().find(|view| view.serial == old).map(|view| view.standing)
    }

    pub(crate) fn reinstall(&mut self) -> Result<(), FlowError> {
        let (known, pin, client) = (self.attached(), self.key().pin.clone(), self.client());
        reinstall::reinstall(&client, &known, &typed(&pin))?;
        self.shown = DOWNLOADED_ZH.to_owned();
        Ok(())
    }

    /// Goes on with the renewal or change that the order query finds (G-12).
    pub(crate) fn resume_rewriting(&mut self) -> Result<(), FlowError> {
        let found = self.query_orders()?;
        let found =
            found.into_iter().find(|found| found.order.kind.rewrites_key()).expect("an order was found");
        let client = self.client();
        self.take_up(match found.order.kind {
            OrderKind::Change => Business::Change(Changing::resume(&client, found)),
            _ => Business::Renew(Renewing::resume(&client, found)),
        });
        Ok(())
    }
}

fn day(moment: Timestamp) -> Date {
    moment.to_zoned(shanghai()).date()
}
