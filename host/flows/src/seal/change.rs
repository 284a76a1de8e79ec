//! 签章变更 (Z): a click places a change, a click after the review writes it into the key.
//!
//! The hall keeps the orders by certificate, so a change is taken up wherever it stopped: [`Sealing::begin`] finds what is
//! open, [`ChangingSeal::step`] says what is next. [`ChangingSeal::write`] asks for the seal, writes it, reads it back, and has
//! the key sign for the hall what it holds; cut off anywhere, it is done again.

use std::borrow::Borrow;

use ukey_device::{Device, Pin};
use ukey_hall::api::{
    Hex, Order, OrderState, Paper, Placed, SealChangeKind, SealChangeRequest, SealView, SealsView,
    SealsWritten, Secret, seals_message,
};
use ukey_pki::seal::data_hash;

use super::store::Store;
use crate::error::Due;
use crate::key::{self, MyCertificate};
use crate::order::order_in_hand;
use crate::{Client, FlowError, OrderInHand, Rule, login};

/// What the page says after an application that costs nothing (Z-05).
pub const SUBMITTED_ZH: &str = "申请成功，等待审核";

/// What a seal change waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChangeStep {
    /// The picture, then 下一步.
    Upload,
    /// The fee.
    Pay,
    /// The review.
    Wait,
    /// Another picture: the first was returned.
    Correct,
    /// 签章变更 once more: the key is to be written.
    Write,
    /// Nothing any more: the key holds what was ordered.
    Done,
    /// Nothing any more: refused or cancelled.
    Ended,
}

impl ChangeStep {
    /// The assistant's line at this step.
    #[must_use]
    pub fn prompt_zh(self) -> &'static str {
        match self {
            Self::Upload => "请上传印章图片",
            Self::Pay => "请先支付签章变更费用",
            Self::Wait => "签章变更正在审核，请耐心等待",
            Self::Correct => "申请已退回，请修改后重新提交",
            Self::Write => "审核已通过，请点击签章变更写入印章",
            Self::Done => "签章变更已完成",
            Self::Ended => "签章变更已结束",
        }
    }
}

/// The page of the assistant: the seals of the key that is logged in, and what is under way.
#[derive(Clone, Debug)]
pub struct Sealing {
    client: Client,
    session: Secret,
    view: SealsView,
}

/// One change, as its applicant holds it.
#[derive(Clone, Debug)]
pub struct ChangingSeal(OrderInHand);

impl Sealing {
    /// 签章变更: logs in with the key and looks what there is.
    ///
    /// # Errors
    /// A pulled or empty key, a wrong PIN, the hall's refusal of the certificate.
    pub fn begin<D: Borrow<Device>>(client: &Client, known: &[D], pin: &Pin) -> Result<Self, FlowError> {
        let device = key::only_one(known)?.borrow();
        let session = login::login(client, device, pin)?.token;
        let view = client.seals(&session)?;
        Ok(Self { client: client.clone(), session, view })
    }

    /// The seals in the key, as the hall knows them.
    #[must_use]
    pub fn seals(&self) -> &[SealView] {
        &self.view.seals
    }

    /// The changes under way, oldest first.
    #[must_use]
    pub fn orders(&self) -> &[Order] {
        &self.view.orders
    }

    /// The latest change under way, to go on with it.
    #[must_use]
    pub fn under_way(&self) -> Option<ChangingSeal> {
        self.view.orders.last().map(|order| self.take_up(order))
    }

    /// The changes that the key is to be written for, oldest first (Z-08).
    #[must_use]
    pub fn ready(&self) -> Vec<ChangingSeal> {
        let ready = self.view.orders.iter().filter(|order| step(order.state) == ChangeStep::Write);
        ready.map(|order| self.take_up(order)).collect()
    }

    fn take_up(&self, order: &Order) -> ChangingSeal {
        let placed = Placed { token: self.session.clone(), order: order.clone() };
        ChangingSeal(OrderInHand::new(&self.client, placed))
    }

    /// 选择变更类型, 下一步 (Z-03): of a seal (esID), or a new one.
    ///
    /// # Errors
    /// The hall's refusal: another change of that seal, too many seals, a seal of another key.
    pub fn place(
        &self,
        change: SealChangeKind,
        seal: Option<&str>,
        name: Option<&str>,
    ) -> Result<ChangingSeal, FlowError> {
        self.request(Client::change_seal, change, seal, name)
    }

    /// 采集印章 on the portal (Z-10, R-21): a new picture for a seal, or for a new one.
    ///
    /// # Errors
    /// As [`Sealing::place`].
    pub fn collect(&self, seal: Option<&str>) -> Result<ChangingSeal, FlowError> {
        let change = if seal.is_some() { SealChangeKind::Replace } else { SealChangeKind::Add };
        self.request(Client::collect_seal, change, seal, None)
    }

    fn request(
        &self,
        call: impl FnOnce(&Client, &Secret, &SealChangeRequest) -> Result<Placed, FlowError>,
        change: SealChangeKind,
        seal: Option<&str>,
        name: Option<&str>,
    ) -> Result<ChangingSeal, FlowError> {
        let request =
            SealChangeRequest { change, seal: seal.map(str::to_owned), name: name.map(str::to_owned) };
        let placed = call(&self.client, &self.session, &request)?;
        Ok(ChangingSeal(OrderInHand::new(&self.client, placed)))
    }
}

fn step(state: OrderState) -> ChangeStep {
    match state {
        OrderState::Draft => ChangeStep::Upload,
        OrderState::Unpaid => ChangeStep::Pay,
        OrderState::InReview => ChangeStep::Wait,
        OrderState::Returned => ChangeStep::Correct,
        OrderState::Ready | OrderState::Issued => ChangeStep::Write,
        OrderState::Completed => ChangeStep::Done,
        _ => ChangeStep::Ended,
    }
}

order_in_hand!(ChangingSeal, 0);

impl ChangingSeal {
    /// What is to be done next.
    #[must_use]
    pub fn step(&self) -> ChangeStep {
        step(self.0.order().state)
    }

    /// The line on the screen.
    #[must_use]
    pub fn prompt_zh(&self) -> &'static str {
        self.step().prompt_zh()
    }

    /// Uploads the picture and presses 下一步; what costs nothing waits for its review then (Z-05).
    ///
    /// # Errors
    /// The hall's refusal of the picture, with the rule it breaks.
    pub fn submit(&mut self, picture: &[u8]) -> Result<(), FlowError> {
        self.0.upload(Paper::SealPicture, picture)?;
        self.0.submit()
    }

    /// 签章变更 again, after the review (Z-08): the key is written and signs what it holds. Can be repeated until it is
    /// done.
    ///
    /// # Errors
    /// [`Rule::NotDue`] before the review has passed; [`Rule::AnotherKey`]; [`Rule::NoRoom`], with every seal as it was;
    /// a pulled key.
    pub fn write<D: Borrow<Device>>(&mut self, known: &[D], pin: &Pin) -> Result<(), FlowError> {
        match self.step() {
            ChangeStep::Write => {}
            ChangeStep::Done => return Ok(()),
            _ => return Err(Rule::NotDue { due: Due::Review }.into()),
        }
        let expected = self.0.order().seal.as_ref().map_or("", |seal| seal.device_serial.as_str());
        let device = key::the_one(known, expected)?;
        let answer = self.0.ask(Client::made_seal)?;
        // The pair that the seal was made for: beside it may be one of a renewal that was cut off.
        let serial = self.0.refresh()?.certificate_serial.clone().unwrap_or_default();
        let mine = MyCertificate::read_this(device, &serial)?;
        let application = mine.open_application(device)?;
        let order = self.0.order().id.clone();
        let written = key::as_user(&application, pin, || {
            let store = Store::new(device, &application);
            match (&answer.seal, &answer.replaces) {
                (Some(seal), replaces) => store.put(&seal.0, replaces.as_deref())?,
                (None, Some(id)) => store.remove(id)?,
                (None, None) => {
                    return Err(FlowError::Answer(
                        "neither a seal to write nor one to drop",
                        "既无要写入的印章，也无要删除的印章",
                    ));
                }
            }
            let seals: Vec<_> =
                store.seals()?.iter().map(|held| Hex(data_hash(&held.der).to_vec())).collect();
            let container = application.open_container(&mine.container)?;
            let signature = key::sign(&container, &seals_message(&order, &seals))?;
            Ok(SealsWritten { seals, signature: signature.into() })
        })?;
        self.0.go(|client, order, token| client.confirm_seals(order, token, &written))
    }
}
