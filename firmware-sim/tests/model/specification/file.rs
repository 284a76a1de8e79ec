//! Files.

use std::collections::BTreeSet;

use ukey_apdu::Status;
use ukey_apdu::command::FileInfo;

use super::super::command::Command;
use super::super::words::*;
use super::state::PIECE;
use super::{File, Model};

impl Model {
    pub(super) fn apply_to_files(&mut self, command: &Command) -> Result<Answer, Status> {
        match *command {
            Command::CreateFile(application, name, FileInfo { size, read, write }) => {
                let application = self.application(application)?;
                self.allowed(application, CREATE_FILE)?;
                let undefined = [read, write].contains(&RIGHTS[4]);
                if name == EMPTY_NAME || size == 0 || undefined {
                    return Err(Status::WRONG_DATA);
                }
                let files = &mut self.application_mut(application).files;
                if files.contains_key(&name) {
                    return Err(Status::FILE_EXISTS);
                }
                if size > 0xFFFF || files.len() == MAX_FILES {
                    return Err(Status::NO_SPACE);
                }
                let content = vec![0; usize::try_from(size).expect("a small number")];
                files.insert(name, Some(File { read, write, content, written: BTreeSet::new() }));
            }
            Command::DeleteFile(application, name) => {
                let application = self.application(application)?;
                self.allowed(application, CREATE_FILE)?;
                self.file(application, name)?;
                self.application_mut(application).files.remove(&name);
            }
            Command::EnumFiles(application) => {
                let application = self.application(application)?;
                return Ok(Answer::Names(self.application_mut(application).files.keys().copied().collect()));
            }
            Command::GetFileInfo(application, name) => {
                let application = self.application(application)?;
                let File { read, write, content, .. } = self.file(application, name)?.clone();
                self.allowed(application, read)?;
                let size = u32::try_from(content.len()).expect("a small number");
                return Ok(Answer::File(FileInfo { size, read, write }));
            }
            Command::ReadFile(application, name, extent) => {
                let application = self.application(application)?;
                let file = self.file(application, name)?.clone();
                self.allowed(application, file.read)?;
                let bytes = file.at(extent)?;
                return Ok(Answer::Content(
                    file.content[bytes.start..bytes.end.min(file.content.len())].to_vec(),
                ));
            }
            Command::WriteFile(application, name, extent, byte) => {
                let application = self.application(application)?;
                let write = self.file(application, name)?.write;
                self.allowed(application, write)?;
                let file = self.file(application, name)?;
                let bytes = file.at(extent)?;
                let pieces = bytes.start / PIECE..bytes.end.div_ceil(PIECE);
                file.content.get_mut(bytes).ok_or(Status::WRONG_OFFSET)?.fill(byte);
                file.written.extend(pieces);
            }
            _ => unreachable!("a command about files"),
        }
        Ok(Answer::Nothing)
    }
}
