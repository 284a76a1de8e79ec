//! The files of an open application. One call may take many commands: each is whole or not done, the call as such may
//! stop half way where the key is pulled.

use ukey_apdu::Ins;
use ukey_apdu::command::{
    CreateFile, Data, DeleteFile, EnumFiles, FileInfo, GetFileInfo, ReadFile, WriteFile,
};
use ukey_apdu::envelope::Le;

use crate::application::Application;
use crate::device::texts;
use crate::error::{About, ErrorKind, Result};

/// Bytes asked for at once: the answer block of commercial tokens. One with smaller blocks sends several.
const READ_AT_ONCE: u16 = 496;

/// Bytes written at once at least, however small the token says its envelopes are: they are chained then.
const WRITE_AT_ONCE: usize = 64;

impl Application<'_> {
    /// The names of its files.
    ///
    /// # Errors
    /// As every command: [`ErrorKind`].
    pub fn files(&self) -> Result<Vec<String>> {
        self.send(&EnumFiles { application: self.id() }, self.about(), |names| texts(&names))
    }

    /// Creates a file of zeros, with a size that never changes (1 to 65,535 bytes) and its rights. Wants the right
    /// that the application's [`create_file`](crate::ApplicationInfo::create_file) names.
    ///
    /// # Errors
    /// [`ErrorKind::NotLoggedIn`], [`ErrorKind::FileExists`]; [`ErrorKind::NoSpace`] where there is no room for all of
    /// it, or as many files as are allowed; [`ErrorKind::Refused`] for a size of 0, a name that is not 1 to 32 bytes
    /// long, and rights that GM/T 0016 does not define.
    pub fn create_file(&self, name: &str, info: FileInfo) -> Result<()> {
        let command = CreateFile { application: self.id(), name: name.as_bytes(), info };
        self.send(&command, self.about_file(name), drop)
    }

    /// Deletes a file; wants the same right as creating one.
    ///
    /// # Errors
    /// [`ErrorKind::NotLoggedIn`], [`ErrorKind::NoSuchFile`].
    pub fn delete_file(&self, name: &str) -> Result<()> {
        let command = DeleteFile { application: self.id(), name: name.as_bytes() };
        self.send(&command, self.about_file(name), drop)
    }

    /// A file's size and rights; wants the file's read right.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchFile`], [`ErrorKind::NotLoggedIn`].
    pub fn file_info(&self, name: &str) -> Result<FileInfo> {
        let command = GetFileInfo { application: self.id(), name: name.as_bytes() };
        self.send(&command, self.about_file(name), |info| info)
    }

    /// Reads at most `count` bytes of a file from `offset` on: fewer where the file ends before. Wants the file's
    /// read right.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchFile`], [`ErrorKind::NotLoggedIn`]; [`ErrorKind::BeyondFile`] where the file ends at
    /// `offset` or before.
    pub fn read_file(&self, name: &str, offset: u32, count: u32) -> Result<Vec<u8>> {
        let wanted = usize::try_from(count).unwrap_or(usize::MAX);
        let mut content = Vec::new();
        loop {
            let at = usize::try_from(offset).unwrap_or(usize::MAX).saturating_add(content.len());
            let once = u16::try_from(wanted - content.len()).unwrap_or(u16::MAX).min(READ_AT_ONCE);
            let part = match self.read_once(name, at, once) {
                // The part before ended with the file.
                Err(error) if matches!(error.kind(), ErrorKind::BeyondFile) && !content.is_empty() => {
                    return Ok(content);
                }
                part => part?,
            };
            content.extend_from_slice(&part);
            if part.len() < usize::from(once) || content.len() >= wanted {
                return Ok(content);
            }
        }
    }

    fn read_once(&self, name: &str, offset: usize, count: u16) -> Result<Vec<u8>> {
        let about = About { ins: Some(Ins::ReadFile), ..self.about_file(name) };
        if count == 0 {
            return Ok(Vec::new());
        }
        let Ok(offset) = u16::try_from(offset) else {
            return Err(about.error(ErrorKind::BeyondFile));
        };
        let wanted = Le::Exact(count);
        let command = ReadFile { application: self.id(), name: name.as_bytes(), offset, wanted };
        let part = self.send(&command, about.clone(), |data| data.0.to_vec())?;
        if part.len() > usize::from(count) { Err(about.error(ErrorKind::BadAnswer)) } else { Ok(part) }
    }

    /// Reads a whole file; wants its read right.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchFile`], [`ErrorKind::NotLoggedIn`]; [`ErrorKind::BadAnswer`] where the token gives less than
    /// it said.
    pub fn read_whole_file(&self, name: &str) -> Result<Vec<u8>> {
        let size = self.file_info(name)?.size;
        let content = self.read_file(name, 0, size)?;
        if u32::try_from(content.len()) == Ok(size) {
            Ok(content)
        } else {
            let about = About { ins: Some(Ins::ReadFile), ..self.about_file(name) };
            Err(about.error(ErrorKind::BadAnswer))
        }
    }

    /// Writes `data` into a file from `offset` on; wants the file's write right.
    ///
    /// It goes in parts, the last part first. So what does not fit is refused before anything is written; and a new
    /// file whose writing was cut off begins with zeros, never with a beginning that looks whole.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchFile`], [`ErrorKind::NotLoggedIn`]; [`ErrorKind::BeyondFile`] where the file ends before the
    /// data do, and nothing was written.
    pub fn write_file(&self, name: &str, offset: u32, data: &[u8]) -> Result<()> {
        let room = self.device().wire().max_data().saturating_sub(WriteFile::OVERHEAD + name.len());
        let once = room.max(WRITE_AT_ONCE);
        let first = usize::try_from(offset).unwrap_or(usize::MAX);
        // Nothing to write still asks the token whether it might be.
        let nothing = data.is_empty().then_some(data);
        let parts: Vec<&[u8]> = data.chunks(once).chain(nothing).collect();
        for (number, part) in parts.into_iter().enumerate().rev() {
            let about = About { ins: Some(Ins::WriteFile), ..self.about_file(name) };
            let Ok(offset) = u16::try_from(first.saturating_add(number * once)) else {
                return Err(about.error(ErrorKind::BeyondFile));
            };
            let (application, name, data) = (self.id(), name.as_bytes(), Data(part));
            self.send(&WriteFile { application, name, offset, data }, about, drop)?;
        }
        Ok(())
    }

    fn about_file(&self, name: &str) -> About {
        About { file: Some(name.to_owned()), ..self.about() }
    }
}
