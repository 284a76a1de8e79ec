//! The hall's login by key as it is met on a computer (L-01, L-11): the name of the certificate is shown by itself, the
//! PIN is typed.

use ukey_device::{Device, Pin};
use ukey_hall::api::Session;

use std::borrow::Borrow;

use super::environment::demand_driver;
use super::machine::Machine;
use crate::key::{MyCertificate, only_one};
use crate::{Client, FlowError, login};

/// The login page with a key plugged in.
#[derive(Debug)]
pub struct Entrance<'d> {
    device: &'d Device,
    mine: MyCertificate,
}

impl<'d> Entrance<'d> {
    /// Finds the key. Nothing is spent.
    ///
    /// # Errors
    /// [`Rule::NoDriver`](crate::Rule::NoDriver) (L-08); the rule of the one key; a key without a certificate, or one
    /// that another program holds.
    pub fn open<D: Borrow<Device>>(machine: &dyn Machine, known: &'d [D]) -> Result<Self, FlowError> {
        demand_driver(machine)?;
        let device = only_one(known)?.borrow();
        Ok(Self { device, mine: MyCertificate::read(device)? })
    }

    /// The name that the page shows.
    #[must_use]
    pub fn name(&self) -> String {
        self.mine.owner()
    }

    /// 登录.
    ///
    /// # Errors
    /// As [`login::login`].
    pub fn login(&self, client: &Client, pin: &Pin) -> Result<Session, FlowError> {
        login::login(client, self.device, pin)
    }
}
