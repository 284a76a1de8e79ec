//! Whether hall and token agree about the seals in the key.

use ukey_device::{Application, Device};
use ukey_flows::seal;
use ukey_pki::{Certificate, seal::Seal};

use super::{Fact, Held, Judgement};
use crate::agreement::{
    books::{Books, SealRow},
    world::Broken,
};

/// How the names of the files begin that belong to seals.
const FILES: &str = "SES_";

impl Judgement<'_> {
    /// The seals that the key's directory names, DER.
    pub(super) fn seals_held(
        &mut self,
        device: &Device,
        application: &Application<'_>,
    ) -> Result<Vec<Vec<u8>>, Broken> {
        let held = match seal::seals(device) {
            Ok(held) => held,
            Err(error) => {
                self.differs(Fact::Seals, format!("the seals in the key cannot be read: {error}"));
                return Ok(Vec::new());
            }
        };
        for file in application.files()?.iter().filter(|file| file.starts_with(FILES)) {
            let named = file == seal::DIRECTORY || held.iter().any(|held| held.file == *file);
            self.demand(named, Fact::Seals, || format!("file {file} is left over in the key"));
        }
        Ok(held.into_iter().map(|held| held.der).collect())
    }

    pub(super) fn seals(&mut self, books: &Books, held: &Held) {
        let here = |seal: &&SealRow| seal.device_serial == held.device_serial && seal.status == "held";
        let recorded: Vec<_> = books.seals.iter().filter(here).collect();
        let expected = self.expected.seals;
        self.demand(held.seals.len() == expected, Fact::Seals, || {
            format!("the key holds {} seals instead of {expected}", held.seals.len())
        });
        self.demand(held.seals.len() == recorded.len(), Fact::Seals, || {
            format!("the key holds {} seals, the hall says {}", held.seals.len(), recorded.len())
        });
        for (place, der) in held.seals.iter().enumerate() {
            self.demand(recorded.iter().any(|seal| seal.der == *der), Fact::Seals, || {
                format!("seal {} of the key is not one that the hall says it holds", place + 1)
            });
        }
        let current: Vec<_> = books
            .certificates
            .iter()
            .filter(|row| row.device_serial == held.device_serial && books.is_current(row))
            .filter_map(|row| Certificate::from_der(&row.sign).ok())
            .collect();
        for seal in recorded {
            self.demand(held.seals.contains(&seal.der), Fact::Seals, || {
                format!("the key does not hold seal {}", seal.id)
            });
            let read = Seal::from_der(&seal.der);
            let lists = read.is_ok_and(|read| current.iter().any(|certificate| read.lists(certificate)));
            self.demand(lists, Fact::Seals, || {
                format!("seal {} does not list the certificate in force", seal.id)
            });
        }
    }
}
