//! Containers and the certificates in them.

use ukey_apdu::Status;
use ukey_apdu::command::{ContainerInfo, ContainerType, KeyUse, SM2_BITS};

use super::super::command::Command;
use super::super::words::*;
use super::{Container, Model};

impl Model {
    fn open_container(&mut self, called: Name, name: Name, given: Id) {
        let id = self.application_id(called);
        let containers = &mut self.session.open.get_mut(&id).expect("it is open").1;
        let before = containers.insert(given, name);
        assert!(before.is_none_or(|before| before == name), "an id of two containers");
        self.ids.containers.insert((called, name), given);
    }

    pub(super) fn apply_to_containers(&mut self, command: &Command, given: Id) -> Result<Answer, Status> {
        match *command {
            Command::CreateContainer(called, name) => {
                let application = self.application(called)?;
                self.user(application)?;
                Self::well_named(name)?;
                let containers = &mut self.application_mut(application).containers;
                if containers.contains_key(&name) {
                    return Err(Status::CONTAINER_EXISTS);
                }
                if containers.len() == MAX_CONTAINERS {
                    return Err(Status::NO_SPACE);
                }
                containers.insert(name, Container::default());
                self.open_container(called, name, given);
            }
            Command::OpenContainer(called, name) => {
                let application = self.application(called)?;
                self.existing(application, name)?;
                self.open_container(called, name, given);
            }
            Command::CloseContainer(application, name) => {
                self.container(application, name)?;
                let (id, container) =
                    (self.application_id(application), self.container_id(application, name));
                self.session.open.get_mut(&id).expect("it is open").1.remove(&container);
            }
            Command::DeleteContainer(application, name) => {
                let application = self.application(application)?;
                self.user(application)?;
                self.existing(application, name)?;
                self.application_mut(application).containers.remove(&name);
                self.session.keys.retain(|_, key| key.holder != Some((application, name)));
                self.session.agreements.retain(|agreement| agreement.container != (application, name));
                for (open, containers) in self.session.open.values_mut() {
                    containers.retain(|_, container| *open != application || *container != name);
                }
            }
            Command::EnumContainer(name) => {
                let name = self.application(name)?;
                return Ok(Answer::Names(self.application_mut(name).containers.keys().copied().collect()));
            }
            Command::GetContainerInfo(application, name) => {
                let application = self.application(application)?;
                let Container { pairs, certificates } = self.existing(application, name)?.clone();
                let bits = pairs.map(|pair| pair.map_or(0, |_| SM2_BITS));
                let is_empty = bits == [0, 0];
                return Ok(Answer::Container(ContainerInfo {
                    container_type: if is_empty { ContainerType::Empty } else { ContainerType::Ecc },
                    sign_bits: bits[KeyUse::Sign as usize],
                    encrypt_bits: bits[KeyUse::Encrypt as usize],
                    sign_certificate: certificates[KeyUse::Sign as usize].is_some(),
                    encrypt_certificate: certificates[KeyUse::Encrypt as usize].is_some(),
                }));
            }
            Command::ImportCertificate(application, name, key_use, certificate) => {
                let at = self.container(application, name)?;
                self.user(at.0)?;
                // Of which key pair stands in the contents, so they come first here.
                if certificate == EMPTY_CERTIFICATE {
                    return Err(Status::WRONG_DATA);
                }
                self.container_mut(at).pairs[key_use as usize].ok_or(Status::NO_KEY_PAIR)?;
                let containers = self.application_mut(at.0).containers.values();
                let count = containers.flat_map(|container| &container.certificates).flatten().count();
                let cell = &mut self.container_mut(at).certificates[key_use as usize];
                if certificate == LONG_CERTIFICATE || (cell.is_none() && count >= MAX_CERTIFICATES) {
                    return Err(Status::NO_SPACE);
                }
                *cell = Some(certificate);
            }
            Command::ExportCertificate(application, name, key_use) => {
                let at = self.container(application, name)?;
                let certificate = self.container_mut(at).certificates[key_use as usize];
                return certificate.map(Answer::Certificate).ok_or(Status::NO_CERTIFICATE);
            }
            _ => unreachable!("a command about containers"),
        }
        Ok(Answer::Nothing)
    }
}
