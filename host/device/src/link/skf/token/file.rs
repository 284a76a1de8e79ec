//! Files.

use std::ops::Range;

use ukey_apdu::Status;
use ukey_apdu::command::{
    CreateFile, DeleteFile, EnumFiles, FileInfo, GetFileInfo, ReadFile, Rights, WriteFile,
};
use ukey_apdu::envelope::Le;

use super::{Answer, NOTHING, No, Token, c_str, names, text};
use crate::link::skf::abi::functions::{Functions, HANDLE};
use crate::link::skf::abi::room::Room;
use crate::link::skf::abi::types::FILEATTRIBUTE;

impl Token {
    pub(super) fn create_file(&mut self, f: &Functions<'_>, command: &CreateFile<'_>) -> Answer {
        let application = self.application(command.application)?;
        let FileInfo { size, read, write } = command.info;
        f.SKF_CreateFile(application, c_str(&text(command.name)?)?, size, read.0, write.0)?;
        NOTHING
    }

    pub(super) fn delete_file(&mut self, f: &Functions<'_>, command: &DeleteFile<'_>) -> Answer {
        let application = self.application(command.application)?;
        f.SKF_DeleteFile(application, c_str(&text(command.name)?)?)?;
        NOTHING
    }

    pub(super) fn enum_files(&mut self, f: &Functions<'_>, command: &EnumFiles) -> Answer {
        let application = self.application(command.application)?;
        self.name_list(&names(f, |list| f.SKF_EnumFiles(application, list))?)
    }

    pub(super) fn file_info(&mut self, f: &Functions<'_>, command: &GetFileInfo<'_>) -> Answer {
        let info = self.look_at(f, self.application(command.application)?, command.name)?;
        self.encoded(FileInfo::SIZE.into(), |writer| info.write(writer))
    }

    fn look_at(&self, f: &Functions<'_>, application: HANDLE, name: &[u8]) -> Answer<FileInfo> {
        let mut room = Room::new(size_of::<FILEATTRIBUTE>());
        f.SKF_GetFileInfo(application, c_str(&text(name)?)?, &mut room)?;
        let info = FILEATTRIBUTE::from_bytes(room.whole()).ok_or(Status::INTERNAL)?;
        Ok(FileInfo { size: info.FileSize, read: Rights(info.ReadRights), write: Rights(info.WriteRights) })
    }

    pub(super) fn read_file(&mut self, f: &Functions<'_>, command: &ReadFile<'_>) -> Answer {
        let application = self.application(command.application)?;
        let name = text(command.name)?;
        let count = match command.wanted {
            Le::Exact(count) => count,
            Le::Absent | Le::Max => u16::MAX,
        };
        let mut room = Room::new(count.into());
        let read = f.SKF_ReadFile(application, c_str(&name)?, command.offset.into(), count.into(), &mut room);
        read.map_err(|stop| {
            self.unless_beyond(
                f,
                stop.into(),
                application,
                command.name,
                command.offset.into()..usize::from(command.offset) + 1,
            )
        })?;
        Ok(room.filled().map_err(|garbage| f.garbage(garbage))?.to_vec())
    }

    pub(super) fn write_file(&mut self, f: &Functions<'_>, command: &WriteFile<'_>) -> Answer {
        let application = self.application(command.application)?;
        let (name, data) = (text(command.name)?, command.data.0);
        let offset = usize::from(command.offset);
        let written = f.SKF_WriteFile(application, c_str(&name)?, command.offset.into(), data);
        written.map_err(|stop| {
            self.unless_beyond(f, stop.into(), application, command.name, offset..offset + data.len())
        })?;
        NOTHING
    }

    /// A refusal that comes of the file ending before, where that is so; the call stays the one that decided.
    fn unless_beyond(
        &self,
        f: &Functions<'_>,
        no: No,
        application: HANDLE,
        name: &[u8],
        part: Range<usize>,
    ) -> No {
        if no.sar().is_none_or(|sar| sar.status() == Status::SECURITY_NOT_SATISFIED) {
            return no;
        }
        let call = f.last_call();
        let info = self.look_at(f, application, name);
        f.blame(call);
        match info {
            Ok(FileInfo { size, .. })
                if usize::try_from(size).is_ok_and(|size| size <= part.start || size < part.end) =>
            {
                Status::WRONG_OFFSET.into()
            }
            _ => no,
        }
    }
}
