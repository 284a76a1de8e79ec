//! A seal change in strides, and stamping: what the holder does with assistant, portal and business system.

use ukey_device::{ErrorKind, FileInfo, PinType, Rights};
use ukey_flows::{
    FlowError, Rule,
    api::{Decision, OrderState, SealChangeKind},
    key::MyCertificate,
    seal::{self, ChangeStep, ChangingSeal, HeldSeal, SUBMITTED_ZH, Sealing},
};
use ukey_pki::seal::data_hash;

use super::{Business, Stage, typed};
use crate::pictures;

/// The assistant after a seal was written.
pub(crate) const WRITTEN_ZH: &str = "印章已写入UKey";
/// The assistant when nothing is under way.
pub(crate) const CHOOSE_ZH: &str = "请选择变更类型";
/// The business system after a stamp was checked.
pub(crate) const STAMPED_ZH: &str = "签章有效";

/// A picture that keeps the rules of every authority.
pub(crate) fn good_picture() -> Vec<u8> {
    pictures::ring(120, 58, true)
}

impl Stage {
    fn sealing(&mut self) -> Result<Sealing, FlowError> {
        let pin = typed(&self.key().pin);
        Sealing::begin(&self.client(), &self.attached(), &pin)
    }

    pub(crate) fn changing(&mut self) -> &mut ChangingSeal {
        match &mut self.business {
            Some(Business::Seal(changing)) => changing,
            _ => panic!("there is no seal change under way: 当 点击签章变更"),
        }
    }

    /// 点击签章变更: writes what may be written, tells where the rest stands.
    pub(crate) fn click_seal_change(&mut self) -> Result<(), FlowError> {
        let sealing = self.sealing()?;
        let ready = sealing.ready();
        if ready.is_empty() {
            self.shown = sealing.under_way().as_ref().map_or(CHOOSE_ZH, ChangingSeal::prompt_zh).to_owned();
            if let Some(changing) = sealing.under_way() {
                self.business = Some(Business::Seal(changing));
            }
            return Ok(());
        }
        for changing in ready {
            self.business = Some(Business::Seal(changing));
            self.write_seal()?;
        }
        self.shown = WRITTEN_ZH.to_owned();
        Ok(())
    }

    fn write_seal(&mut self) -> Result<(), FlowError> {
        let (known, pin) = (self.attached(), self.key().pin.clone());
        self.changing().write(&known, &typed(&pin))
    }

    /// esID of the seal at this place of the key.
    fn seal_id(&mut self, place: usize) -> String {
        let held = self.held_seals();
        held[place - 1].id().expect("a seal that can be read").to_owned()
    }

    pub(crate) fn held_seals(&mut self) -> Vec<HeldSeal> {
        seal::seals(&self.device()).expect("the seals in the key")
    }

    /// 选择变更类型, 下一步: of the seal at this place, or a new one.
    pub(crate) fn choose_change(
        &mut self,
        change: SealChangeKind,
        place: Option<usize>,
        name: Option<&str>,
    ) -> Result<(), FlowError> {
        let id = place.map(|place| self.seal_id(place));
        let changing = self.sealing()?.place(change, id.as_deref(), name)?;
        self.show(changing);
        Ok(())
    }

    /// Takes a change up and shows its next page.
    fn show(&mut self, changing: ChangingSeal) {
        self.shown = match changing.step() {
            ChangeStep::Wait => SUBMITTED_ZH,
            step => step.prompt_zh(),
        }
        .to_owned();
        self.business = Some(Business::Seal(changing));
    }

    /// 上传印章图片, 下一步.
    pub(crate) fn submit_picture(&mut self, picture: &[u8]) -> Result<(), FlowError> {
        self.changing().submit(picture)?;
        let changing = self.changing().clone();
        self.show(changing);
        Ok(())
    }

    /// 采集印章 on the portal: for the first seal of the key, or a new one.
    pub(crate) fn collect_seal(&mut self, picture: &[u8]) -> Result<(), FlowError> {
        let sealing = self.sealing()?;
        let seal = sealing.seals().first().map(|seal| seal.id.clone());
        let changing = sealing.collect(seal.as_deref())?;
        self.business = Some(Business::Seal(changing));
        self.submit_picture(picture)
    }

    /// A new seal, from the choice to the review.
    pub(crate) fn apply_for_seal(&mut self, name: Option<&str>) -> Result<(), FlowError> {
        self.choose_change(SealChangeKind::Add, None, name)?;
        self.submit_picture(&good_picture())?;
        if self.order().state == OrderState::Unpaid {
            self.pay()?;
        }
        Ok(())
    }

    /// … to the key.
    pub(crate) fn gain_seal(&mut self, name: Option<&str>) -> Result<(), FlowError> {
        self.apply_for_seal(name)?;
        self.decide(Decision::Pass, None)?;
        self.click_seal_change()
    }

    /// 在业务系统中签章: asks for the permission, stamps with the key, has the stamp checked.
    pub(crate) fn stamp(&mut self, place: usize, document: &str) -> Result<(), FlowError> {
        let (client, device, pin) = (self.client(), self.device(), self.key().pin.clone());
        let hash = data_hash(document.as_bytes());
        let right = seal::permission(&client, &device)?;
        let stamp = seal::stamp(&device, &typed(&pin), place, &hash, right.now)?;
        self.stamp = Some(stamp);
        self.check_stamp(document)
    }

    /// The business system checks the stamp on this document.
    pub(crate) fn check_stamp(&mut self, document: &str) -> Result<(), FlowError> {
        let stamp = self.stamp.clone().expect("当 在业务系统中签章");
        self.verdict = None;
        self.verdict = Some(seal::verify(&self.client(), &data_hash(document.as_bytes()), &stamp)?);
        self.shown = STAMPED_ZH.to_owned();
        Ok(())
    }

    /// Fills the key with other programs' files until there is no room for a seal.
    pub(crate) fn fill_key(&mut self) -> Result<(), FlowError> {
        let (device, pin) = (self.device(), self.key().pin.clone());
        let application = MyCertificate::read(&device)?.open_application(&device)?;
        application.verify_pin(PinType::User, &typed(&pin))?;
        let (mut size, mut count) = (60_000, 0);
        while size >= 512 {
            let info = FileInfo { size, read: Rights::ANYONE, write: Rights::USER };
            match application.create_file(&format!("other{count}"), info) {
                Ok(()) => count += 1,
                Err(error) if matches!(error.kind(), ErrorKind::NoSpace) => size /= 2,
                Err(error) => return Err(error.into()),
            }
        }
        application.clear_secure_state()?;
        Ok(application.close()?)
    }

    /// Gives room again.
    pub(crate) fn clear_other_files(&mut self) -> Result<(), FlowError> {
        let (device, pin) = (self.device(), self.key().pin.clone());
        let application = MyCertificate::read(&device)?.open_application(&device)?;
        application.verify_pin(PinType::User, &typed(&pin))?;
        for file in application.files()?.iter().filter(|file| file.starts_with("other")) {
            application.delete_file(file)?;
        }
        application.clear_secure_state()?;
        Ok(application.close()?)
    }

    /// 再次点击签章变更, with the key pulled or its power cut once in each attempt, later each time, until an attempt gets
    /// through. After each, every seal that the key names must be whole. Tells how many attempts were cut.
    pub(crate) fn cut_until_sealed(&mut self, cut: impl Fn(&mut Self, u64)) -> u64 {
        for count in 0..2_000 {
            cut(self, count);
            let done = self.click_seal_change();
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
            let held = self.held_seals();
            assert!(held.iter().all(|held| held.seal.is_ok()), "第{count}次：UKey里有不完整的印章");
            assert!(!held.is_empty(), "第{count}次：UKey里没有印章了");
        }
        panic!("总也写不完")
    }
}
