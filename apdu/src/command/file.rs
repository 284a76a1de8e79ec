//! File commands (GM/T 0017-2012 clause 9.4).
//!
//! Four of them carry the application's id in P1 and P2, not in their data; ReadFile and WriteFile in their data.

use core::fmt;

use super::names::Text;
use super::{Answer, AppId, Command, Data, Length, Names, Nothing, Rights, Shape, Size, Values, names};
use crate::dialect::{Dialect, FileNameWidth};
use crate::envelope::{Apdu, Le};
use crate::ins::Ins;
use crate::status::Status;
use crate::wire::{Malformed, Overflow, Reader, Writer, unpadded};

/// Longest file name, in bytes.
pub const MAX_FILE_NAME: usize = 32;

/// Bytes of CreateFile behind the name.
const BEHIND_NAME: usize = FileInfo::SIZE as usize;

/// Any P1 and P2: they are the application's id.
const IN_HEADER: Shape = Shape { p1: Values::Range(0, 0xFF), p2: Values::Range(0, 0xFF), ..Shape::PLAIN };

/// Creates a file of zeros.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CreateFile<'a> {
    /// The application (P1, P2).
    pub application: AppId,
    /// Its name, 1 to 32 bytes.
    pub name: &'a [u8],
    /// Its size and who may use it.
    pub info: FileInfo,
}

impl<'a> Command<'a> for CreateFile<'a> {
    const INS: Ins = Ins::CreateFile;
    const SHAPE: Shape = Shape {
        data: Length::OneOf(&[
            FileNameWidth::Narrow.bytes() + BEHIND_NAME,
            FileNameWidth::Wide.bytes() + BEHIND_NAME,
            FileNameWidth::Widest.bytes() + BEHIND_NAME,
        ]),
        ..IN_HEADER
    };
    type Answer<'r> = Nothing;

    fn p1p2(&self) -> (u8, u8) {
        self.application.p1p2()
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        let width = writer.dialect().file_name.bytes();
        names::write_padded(writer, self.name, MAX_FILE_NAME, width)?;
        self.info.write(writer)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let width = apdu.data.len().checked_sub(BEHIND_NAME).ok_or(Malformed)?;
        let name = names::checked(unpadded(reader.take(width)?), MAX_FILE_NAME)?;
        let info = FileInfo::read(reader.rest(), dialect)?;
        Ok(Self { application: AppId::of_header(apdu), name, info })
    }
}

impl fmt::Display for CreateFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.application, Text(self.name), self.info)
    }
}

/// Size of a file and who may use it: what GetFileInfo answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileInfo {
    /// Its size in bytes.
    pub size: u32,
    /// Who may read it.
    pub read: Rights,
    /// Who may write it.
    pub write: Rights,
}

impl FileInfo {
    /// Its size on the wire, in bytes.
    pub const SIZE: u16 = 12;

    /// Encodes it.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.quantity(self.size)?;
        writer.constant(self.read.0)?;
        writer.constant(self.write.0)
    }
}

impl<'r> Answer<'r> for FileInfo {
    fn read(bytes: &'r [u8], dialect: &'r Dialect) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes, dialect);
        let info = Self {
            size: reader.quantity()?,
            read: Rights(reader.constant()?),
            write: Rights(reader.constant()?),
        };
        reader.finish()?;
        Ok(info)
    }
}

impl fmt::Display for FileInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes, read by {}, written by {}", self.size, self.read, self.write)
    }
}

macro_rules! by_name {
    ($(#[$doc:meta])* $name:ident, $answer:ty, $size:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $name<'a> {
            /// The application (P1, P2).
            pub application: AppId,
            /// The file's name, 1 to 32 bytes.
            pub name: &'a [u8],
        }

        impl<'a> Command<'a> for $name<'a> {
            const INS: Ins = Ins::$name;
            const SHAPE: Shape = Shape { data: Length::AtLeast(0), answer: $size, ..IN_HEADER };
            type Answer<'r> = $answer;

            fn p1p2(&self) -> (u8, u8) {
                self.application.p1p2()
            }

            fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
                writer.put(self.name)
            }

            fn read(apdu: &Apdu<'a>, _: &Dialect) -> Result<Self, Status> {
                let name = names::checked(apdu.data, MAX_FILE_NAME)?;
                Ok(Self { application: AppId::of_header(apdu), name })
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} {}", self.application, Text(self.name))
            }
        }
    };
}

by_name! {
    /// Deletes a file.
    DeleteFile, Nothing, Size::None
}
by_name! {
    /// Asks for a file's size and rights.
    GetFileInfo, FileInfo, Size::Fixed(FileInfo::SIZE)
}

/// Asks for the names of an application's files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EnumFiles {
    /// The application (P1, P2).
    pub application: AppId,
}

impl<'a> Command<'a> for EnumFiles {
    const INS: Ins = Ins::EnumFiles;
    const SHAPE: Shape = Shape { answer: Size::Variable, ..IN_HEADER };
    type Answer<'r> = Names<'r>;

    fn p1p2(&self) -> (u8, u8) {
        self.application.p1p2()
    }

    fn write(&self, _: &mut Writer<'_>) -> Result<(), Overflow> {
        Ok(())
    }

    fn read(apdu: &Apdu<'a>, _: &Dialect) -> Result<Self, Status> {
        Ok(Self { application: AppId::of_header(apdu) })
    }
}

impl fmt::Display for EnumFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.application.fmt(f)
    }
}

/// Reads a part of a file; past its end there is nothing to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReadFile<'a> {
    /// The application.
    pub application: AppId,
    /// The file's name, 1 to 32 bytes.
    pub name: &'a [u8],
    /// Where to begin, in bytes.
    pub offset: u16,
    /// How many bytes are wanted (Le): all that there are, unless it is [`Le::Exact`].
    pub wanted: Le,
}

impl<'a> Command<'a> for ReadFile<'a> {
    const INS: Ins = Ins::ReadFile;
    const SHAPE: Shape = Shape { data: Length::AtLeast(6), answer: Size::Variable, ..Shape::PLAIN };
    type Answer<'r> = Data<'r>;

    fn le(&self, _: &Dialect) -> Le {
        self.wanted
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.id(self.application.0)?;
        writer.quantity16(self.offset)?;
        writer.sized16(self.name)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let application = AppId(reader.id()?);
        let offset = reader.quantity16()?;
        let name = names::checked(reader.sized16()?, MAX_FILE_NAME)?;
        reader.finish()?;
        Ok(Self { application, name, offset, wanted: apdu.le })
    }
}

impl fmt::Display for ReadFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.application, Text(self.name))?;
        match self.wanted {
            Le::Exact(count) => write!(f, "{count} bytes from {}", self.offset),
            Le::Absent | Le::Max => write!(f, "from {}", self.offset),
        }
    }
}

/// Writes a part of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WriteFile<'a> {
    /// The application.
    pub application: AppId,
    /// The file's name, 1 to 32 bytes.
    pub name: &'a [u8],
    /// Where to begin, in bytes.
    pub offset: u16,
    /// What to write.
    pub data: Data<'a>,
}

impl WriteFile<'_> {
    /// Bytes of a command beside the name and what is to be written.
    pub const OVERHEAD: usize = 2 + 2 + 2 + 2;
}

impl<'a> Command<'a> for WriteFile<'a> {
    const INS: Ins = Ins::WriteFile;
    const SHAPE: Shape = Shape { data: Length::AtLeast(Self::OVERHEAD), ..Shape::PLAIN };
    type Answer<'r> = Nothing;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.id(self.application.0)?;
        writer.quantity16(self.offset)?;
        writer.sized16(self.name)?;
        writer.sized16(self.data.0)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let application = AppId(reader.id()?);
        let offset = reader.quantity16()?;
        let name = names::checked(reader.sized16()?, MAX_FILE_NAME)?;
        let data = Data(reader.sized16()?);
        reader.finish()?;
        Ok(Self { application, name, offset, data })
    }
}

impl fmt::Display for WriteFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} from {}", self.application, Text(self.name), self.data, self.offset)
    }
}
