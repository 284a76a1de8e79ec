//! What a holder is about at the hall: orders, their payment and their invoice.

use ukey_flows::{
    FlowError, OrderInHand,
    api::{InvoiceForm, Order, PaymentOutcome, QueriedOrder, QueryRequest, SubjectKind},
    change::Changing,
    enrol::Enrolling,
    reissue::Reissuing,
    renew::Renewing,
    revoke::Revoking,
    seal::ChangingSeal,
    unlock::Unlocking,
};

use super::Stage;
use crate::people::Holder;

/// What its holder is about at the hall: the flow, with its order.
pub(crate) enum Business {
    Enrol(Enrolling),
    Unlock(Box<Unlocking>),
    Renew(Renewing),
    Change(Changing),
    Reissue(Reissuing),
    Revoke(Revoking),
    Seal(ChangingSeal),
}

impl Business {
    pub(super) fn in_hand(&self) -> &OrderInHand {
        match self {
            Self::Enrol(enrolling) => enrolling.in_hand(),
            Self::Unlock(unlocking) => unlocking.in_hand(),
            Self::Renew(renewing) => renewing.in_hand(),
            Self::Change(changing) => changing.in_hand(),
            Self::Reissue(reissuing) => reissuing.in_hand(),
            Self::Revoke(revoking) => revoking.in_hand(),
            Self::Seal(changing) => changing.in_hand(),
        }
    }

    pub(super) fn in_hand_mut(&mut self) -> &mut OrderInHand {
        match self {
            Self::Enrol(enrolling) => enrolling.in_hand_mut(),
            Self::Unlock(unlocking) => unlocking.in_hand_mut(),
            Self::Renew(renewing) => renewing.in_hand_mut(),
            Self::Change(changing) => changing.in_hand_mut(),
            Self::Reissue(reissuing) => reissuing.in_hand_mut(),
            Self::Revoke(revoking) => revoking.in_hand_mut(),
            Self::Seal(changing) => changing.in_hand_mut(),
        }
    }
}

impl Stage {
    pub(crate) fn unlocking(&mut self) -> &mut Unlocking {
        match &mut self.business {
            Some(Business::Unlock(unlocking)) => unlocking,
            _ => panic!("there is no unlock under way: 当 点击找回密码"),
        }
    }

    /// Goes on with a business, new or known, on the assistant's screen; notes the order that was at hand, if it is of
    /// the same kind.
    pub(super) fn take_up(&mut self, business: Business) {
        if let Business::Unlock(unlocking) = &business {
            self.shown = unlocking.prompt_zh().to_owned();
        }
        let before = self.business.as_ref().map(|before| before.in_hand().order());
        let kind = business.in_hand().order().kind;
        self.order_before = before.filter(|before| before.kind == kind).map(|before| before.id.clone());
        self.business = Some(business);
    }

    /// The order at hand.
    pub(crate) fn in_hand(&mut self) -> &mut OrderInHand {
        self.business.as_mut().expect("there is no order").in_hand_mut()
    }

    /// 订单查询 with the right code: the orders of the holder, the latest first.
    pub(crate) fn query_orders(&self) -> Result<Vec<QueriedOrder>, FlowError> {
        let kind = if self.holder == Holder::Unit { SubjectKind::Unit } else { SubjectKind::Person };
        let request = QueryRequest { kind, number: self.holder.number().to_owned() };
        let query = self.client().query_orders(&request)?.query;
        self.client().queried_orders(&query, &self.code(self.holder.phone(), "query", 0))
    }

    /// The order at hand, as last seen.
    pub(crate) fn order(&self) -> &Order {
        self.business.as_ref().expect("there is no order").in_hand().order()
    }

    /// The order at hand, as the hall has it now.
    pub(crate) fn refreshed(&mut self) -> Order {
        self.in_hand().refresh().expect("the order at the hall").clone()
    }

    /// 提交并支付.
    pub(crate) fn open_payment(&mut self, way: &str, agreed: bool) -> Result<(), FlowError> {
        let payment = self.in_hand().pay(way, agreed)?;
        self.payment_before = self.payment.replace(payment);
        Ok(())
    }

    /// What the payer does on the provider's page.
    pub(crate) fn at_payment_page(&mut self, outcome: PaymentOutcome) -> Result<(), FlowError> {
        let payment = self.payment.as_ref().expect("no payment page is open").id.clone();
        self.client().at_payment_page(&payment, outcome)
    }

    /// 提交并支付, and the payment itself.
    pub(crate) fn pay(&mut self) -> Result<(), FlowError> {
        self.open_payment("alipay", true)?;
        self.at_payment_page(PaymentOutcome::Paid)?;
        self.refreshed();
        Ok(())
    }

    pub(crate) fn save_invoice(&mut self, form: InvoiceForm) -> Result<(), FlowError> {
        self.in_hand().save_invoice(&form)?;
        self.invoice = Some(form);
        Ok(())
    }
}
