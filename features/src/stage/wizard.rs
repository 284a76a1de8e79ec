//! The wizard in strides.

use ukey_flows::{
    FlowError,
    api::{Decision, EnrolForm, OrderState, Paper, QueriedOrder, WizardStart},
    enrol::Enrolling,
};

use super::{GIF, Stage};
use crate::{people::Holder, words::MP4};

impl Stage {
    /// Step 1.
    pub(crate) fn start_wizard(&mut self, agreed: bool, form: EnrolForm) -> Result<(), FlowError> {
        let client = self.client();
        self.holder = Holder::Unit;
        self.check = None;
        let session = self.session.as_ref().map_or_else(|| "nobody".into(), |session| session.token.clone());
        let placed = client.start_wizard(&session, &WizardStart { agreed, form })?;
        self.unlocking = None;
        self.enrolling =
            Some(Enrolling::resume(&client, QueriedOrder { token: placed.token, order: placed.order }));
        Ok(())
    }

    /// Steps 1 and 2.
    pub(crate) fn wizard_to_papers(&mut self) -> Result<(), FlowError> {
        self.start_wizard(true, Holder::Unit.wizard_form())?;
        let (order, token) = (self.order().id.clone(), self.token());
        self.document = Some(self.client().application(&order, &token)?);
        self.enrolling().refresh().map(drop)
    }

    /// Step 3: what is missing, each in its format.
    pub(crate) fn wizard_papers(&mut self) -> Result<(), FlowError> {
        for paper in self.enrolling().missing_papers() {
            let file = match paper {
                Paper::CommitmentVideo => MP4.to_vec(),
                Paper::SignedApplication => self.document.clone().expect("the application form was made"),
                _ => GIF.to_vec(),
            };
            self.upload(paper, &file)?;
        }
        Ok(())
    }

    /// Step 4.
    pub(crate) fn submit_wizard(&mut self) -> Result<(), FlowError> {
        let (order, token) = (self.order().id.clone(), self.token());
        self.client().submit_wizard(&token, &order)?;
        self.enrolling().refresh().map(drop)
    }

    /// The whole way to a key, and a PIN of the holder's own.
    pub(crate) fn wizard_to_key(&mut self, new_pin: &str) -> Result<(), FlowError> {
        self.wizard_to_papers()?;
        self.wizard_papers()?;
        self.submit_wizard()?;
        if self.order().state == OrderState::Unpaid {
            self.pay()?;
        }
        self.decide(Decision::Pass, None)?;
        let blank = self.take_blank_key()?;
        self.make_key(&blank)?;
        self.receive()?;
        self.change_pin(new_pin, new_pin)
    }
}
