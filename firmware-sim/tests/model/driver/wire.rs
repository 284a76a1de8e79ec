//! Envelopes: how a command is sent in its manner.

use ukey_apdu::command::Command;
use ukey_apdu::envelope::{Apdu, Cla, Le};
use ukey_apdu::{Ins, Status};

use super::super::manner::{Manner, SMALL_LE, WRONG_P1};
use super::super::support::plain;
use super::super::words::BUFFER;
use super::{Answered, Driver};

/// Data bytes of a block, as hosts send them.
const BLOCK: usize = 512;
/// Data bytes of a block of a chain that is disturbed.
const SHORT_BLOCK: usize = 16;

impl Driver {
    /// Sends a command in the manner that was set, once, and joins the answer.
    pub(super) fn say<'a, C: Command<'a>>(&mut self, command: &C) -> Result<Vec<u8>, Status> {
        let (dialect, mut buffer) = (self.dialect(), vec![0; 5000]);
        let apdu = command.to_apdu(&dialect, &mut buffer).unwrap();
        match std::mem::take(&mut self.manner) {
            Manner::Usual => self.host.deliver(apdu, BLOCK),
            Manner::Blocks(size) => self.host.deliver(apdu, size),
            Manner::WithoutLe => self.host.deliver(Apdu { le: Le::Absent, ..apdu }, BLOCK),
            Manner::SmallLe => self.host.deliver(Apdu { le: Le::Exact(SMALL_LE), ..apdu }, BLOCK),
            Manner::Disturbed(disturbance) => {
                let first = apdu.split(SHORT_BLOCK).next().expect("a block");
                if first.cla.chained {
                    assert_eq!(self.host.apdu(first), (Vec::new(), Status::OK));
                    assert_eq!(self.host.raw(disturbance.bytes()), (Vec::new(), disturbance.status()));
                }
                self.host.deliver(apdu, SHORT_BLOCK)
            }
            Manner::Forgotten => {
                let mut blocks: Vec<_> = apdu.split(BLOCK).collect();
                let last = blocks.pop().expect("a block");
                for block in blocks {
                    assert_eq!(self.host.apdu(block), (Vec::new(), Status::OK));
                }
                if let (_, Status::MORE_DATA) = self.host.apdu(last) {
                    self.host.apdu(plain(Ins::EnumApplication as u8, 0, 0, &[]));
                }
                self.host.deliver(apdu, BLOCK)
            }
            Manner::OtherClass => {
                let cla = Cla { protected: !apdu.cla.protected, ..apdu.cla };
                self.host.deliver(Apdu { cla, ..apdu }, BLOCK)
            }
            Manner::UnknownClass => {
                let mut bytes = vec![0; apdu.data.len() + 16];
                let length = apdu.encode(&mut bytes).unwrap();
                bytes[0] = 0;
                let (data, status) = self.host.raw(&bytes[..length]);
                assert!(data.is_empty());
                Err(status)
            }
            Manner::WrongP1 => self.host.deliver(Apdu { p1: WRONG_P1, ..apdu }, BLOCK),
            Manner::OneByteMore => {
                let data = [apdu.data, &[0]].concat();
                self.host.deliver(Apdu { data: &data, ..apdu }, BLOCK)
            }
        }
    }

    /// A chain that becomes longer than any buffer. Nothing of it is carried out.
    pub(super) fn too_long(&mut self) -> Answered {
        let chained = Cla { protected: false, chained: true };
        let block = Apdu { cla: chained, ..plain(Ins::DigestUpdate as u8, 0, 0, &[0; BLOCK]) };
        for _ in 0..BUFFER / BLOCK {
            assert_eq!(self.host.apdu(block), (Vec::new(), Status::OK));
        }
        Err(self.host.apdu(block).1)
    }
}
