//! The wizard in strides, and the account that it wants.

use ukey_flows::{
    FlowError,
    api::{AccountKind, EnrolForm, Paper, PasswordLogin, Registration, Secret, WizardStart},
    enrol::Enrolling,
    wizard,
};

use super::{Business, GIF, Stage};
use crate::{
    people::{HANDLER_PHONE, Holder},
    words::MP4,
};

impl Stage {
    /// Who looks at a page: the session if there is one, else the order at hand.
    pub(crate) fn visitor(&self) -> Option<Secret> {
        let session = self.session.as_ref().map(|session| session.token.clone());
        session.or_else(|| self.business.as_ref().map(|business| business.in_hand().token().clone()))
    }

    /// An account for a holder; its password goes to the handler's phone.
    pub(crate) fn register(
        &mut self,
        holder: Holder,
        kind: AccountKind,
        account: &str,
    ) -> Result<(), FlowError> {
        self.client().register(&Registration {
            kind,
            account: account.to_owned(),
            name: holder.name().into(),
            number: holder.number().into(),
            phone: HANDLER_PHONE.into(),
        })?;
        self.account = Some(account.to_owned());
        Ok(())
    }

    /// 用账号和密码登录.
    pub(crate) fn log_in_by_password(&mut self, password: Secret) -> Result<(), FlowError> {
        let account = self.account.clone().expect("an account");
        self.session = None;
        self.session = Some(self.client().login_by_password(&PasswordLogin { account, password })?);
        Ok(())
    }

    /// With the password that the phone got.
    pub(crate) fn log_in_by_account(&mut self) -> Result<(), FlowError> {
        let password = self.code(HANDLER_PHONE, "account", 0);
        self.log_in_by_password(password.into())
    }

    fn applying(&mut self) -> &mut Enrolling {
        match &mut self.business {
            Some(Business::Enrol(enrolling)) => enrolling,
            _ => panic!("there is no enrolment under way"),
        }
    }

    /// Step 1.
    pub(crate) fn start_wizard(
        &mut self,
        holder: Holder,
        agreed: bool,
        form: EnrolForm,
    ) -> Result<(), FlowError> {
        self.holder = holder;
        self.check = None;
        let session = self.session.as_ref().map_or_else(|| "nobody".into(), |session| session.token.clone());
        let enrolling = wizard::start(&self.client(), &session, &WizardStart { agreed, form })?;
        self.business = Some(Business::Enrol(enrolling));
        Ok(())
    }

    /// Step 2: 制作申请表.
    pub(crate) fn make_application(&mut self) -> Result<(), FlowError> {
        self.document = None;
        self.document = Some(wizard::application(self.applying())?);
        Ok(())
    }

    /// Steps 1 and 2.
    pub(crate) fn wizard_to_papers(&mut self, holder: Holder) -> Result<(), FlowError> {
        self.start_wizard(holder, true, holder.wizard_form())?;
        self.make_application()
    }

    /// Step 3: what is missing, each in its format.
    pub(crate) fn wizard_papers(&mut self) -> Result<(), FlowError> {
        let missing: Vec<Paper> = self.in_hand().missing_papers().collect();
        for paper in missing {
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
        wizard::submit(self.applying())
    }

    /// Steps 1 to 4.
    pub(crate) fn wizard_to_payment(&mut self, holder: Holder) -> Result<(), FlowError> {
        self.wizard_to_papers(holder)?;
        self.wizard_papers()?;
        self.submit_wizard()
    }
}
