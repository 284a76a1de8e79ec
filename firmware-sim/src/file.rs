//! Files: bytes under a name, with a right to read and a right to write.
//!
//! A file is one object: its record, and its content in pieces of 512 bytes that are written each alone, so that a
//! part of a file costs no more than the pieces it touches. All its room is set aside when it is created: writing never
//! fails for want of space. Whatever not anyone may read is erased like every secret. A file whose record is damaged keeps
//! its place until its application is deleted; the others are as they were.

use core::ops::Range;

use ukey_apdu::command::{CreateFile, DeleteFile, FileInfo, NameList, ReadFile, Rights, WriteFile};
use ukey_apdu::status::Status;
use ukey_apdu::wire::Writer;
use zeroize::Zeroizing;

use crate::gate::{FilesRight, OpenApplication, ReadableFile, WritableFile};
use crate::object::{AppSlot, FILES, FileRecord, FileSlot, ObjectId, Text};
use crate::platform::Platform;
use crate::store::{Change, Encoded, FRAGMENT, StoreError};
use crate::token::{MAX_JOINED, MAX_WHOLE_ANSWER, Run};

/// Bytes of a piece; the last of a file may be shorter.
const PIECE: usize = FRAGMENT;

/// Most pieces that one command touches.
const MOST_PIECES: usize = MAX_JOINED / PIECE + 1;

/// A file that was found. To read or to write it takes the gate's proof.
#[derive(Clone, Debug)]
pub(crate) struct File {
    application: AppSlot,
    slot: FileSlot,
    record: FileRecord,
}

impl File {
    /// Its application's place.
    pub(crate) const fn application(&self) -> AppSlot {
        self.application
    }

    /// Its record.
    pub(crate) const fn record(&self) -> &FileRecord {
        &self.record
    }

    fn object(&self) -> ObjectId {
        ObjectId::file(self.application, self.slot)
    }

    fn size(&self) -> usize {
        usize::from(self.record.size)
    }

    /// Whether its content is a secret.
    fn is_secret(&self) -> bool {
        Rights(self.record.read) != Rights::ANYONE
    }

    /// The pieces that hold these bytes.
    fn pieces(&self, bytes: Range<usize>) -> impl Iterator<Item = Piece> {
        let size = self.size();
        let numbers = bytes.start / PIECE..bytes.end.div_ceil(PIECE);
        numbers.map(move |number| {
            let start = number * PIECE;
            let end = (start + PIECE).min(size);
            Piece { number, all: start..end, wanted: bytes.start.max(start)..bytes.end.min(end) }
        })
    }
}

/// A piece of a file, and the bytes of it that are meant; both as offsets in the file.
struct Piece {
    number: usize,
    all: Range<usize>,
    wanted: Range<usize>,
}

impl Piece {
    fn part(&self) -> Result<u16, Status> {
        u16::try_from(self.number + 1).map_err(|_| Status::INTERNAL)
    }

    fn len(&self) -> usize {
        self.all.len()
    }

    /// Where the bytes that are meant lie in the piece.
    fn inside(&self) -> Range<usize> {
        self.wanted.start - self.all.start..self.wanted.end - self.all.start
    }
}

impl<P: Platform> Run<'_, P> {
    pub(crate) fn create_file(&mut self, right: FilesRight, command: CreateFile<'_>) -> Result<(), Status> {
        let (app, info) = (right.slot(), command.info);
        if info.size == 0 || !info.read.are_defined() || !info.write.are_defined() {
            return Err(Status::WRONG_DATA);
        }
        if self.find_file(app, command.name)?.is_some() {
            return Err(Status::FILE_EXISTS);
        }
        let size = u16::try_from(info.size).map_err(|_| Status::NO_SPACE)?;
        let limit = self.application(app)?.map_or(0, |application| usize::from(application.max_files));
        let taken = |slot: &FileSlot| self.core.store.contains(ObjectId::file(app, *slot));
        let count = FileSlot::all().filter(taken).count();
        let slot = FileSlot::all()
            .find(|slot| !taken(slot))
            .filter(|_| count < limit.min(FILES))
            .ok_or(Status::NO_SPACE)?;
        let name = Text::from_slice(command.name).map_err(|_| Status::WRONG_DATA)?;
        let record = Encoded::new(&FileRecord { name, size, read: info.read.0, write: info.write.0 })?;
        let object = ObjectId::file(app, slot);
        let parts = u16::try_from(usize::from(size).div_ceil(PIECE)).map_err(|_| Status::NO_SPACE)?;
        let changes = [
            Change::Put { object, value: record.as_bytes(), secret: false },
            Change::Reserve { object, parts },
        ];
        Ok(self.core.store.write(self.parts.flash, &changes)?)
    }

    pub(crate) fn delete_file(&mut self, right: FilesRight, command: DeleteFile<'_>) -> Result<(), Status> {
        let file = self.find_file(right.slot(), command.name)?.ok_or(Status::NO_SUCH_FILE)?;
        Ok(self.core.store.write(self.parts.flash, &[Change::delete(file.object())])?)
    }

    pub(crate) fn enum_files(
        &mut self,
        application: OpenApplication,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let mut list = NameList::new(out);
        for slot in FileSlot::all() {
            if let Some(record) = self.file_record(application.slot(), slot)? {
                list.push(&record.name)?;
            }
        }
        Ok(list.finish()?)
    }

    pub(crate) fn file_info(&mut self, file: &ReadableFile, out: &mut Writer<'_>) -> Result<(), Status> {
        let FileRecord { size, read, write, .. } = *file.file().record();
        Ok(FileInfo { size: size.into(), read: Rights(read), write: Rights(write) }.write(out)?)
    }

    pub(crate) fn read_file(
        &mut self,
        file: &ReadableFile,
        command: ReadFile<'_>,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let file = file.file();
        let start = usize::from(command.offset);
        let there = file.size().checked_sub(start).filter(|&there| there > 0).ok_or(Status::WRONG_OFFSET)?;
        let count = there.min(command.wanted.limit());
        if count > MAX_WHOLE_ANSWER {
            // A part would look like the whole.
            return Err(Status::WRONG_LE);
        }
        let mut buffer = Zeroizing::new([0; PIECE]);
        for piece in file.pieces(start..start + count) {
            self.read_piece(file, &piece, &mut buffer)?;
            out.put(buffer.get(piece.inside()).unwrap_or_default())?;
        }
        Ok(())
    }

    pub(crate) fn write_file(&mut self, file: &WritableFile, command: WriteFile<'_>) -> Result<(), Status> {
        let (file, data) = (file.file(), command.data.0);
        let start = usize::from(command.offset);
        let end = start.saturating_add(data.len());
        if start >= file.size() || end > file.size() {
            return Err(Status::WRONG_OFFSET);
        }
        if data.is_empty() {
            return Ok(());
        }
        // Only the first and the last piece can keep some of their old content.
        let mut edges = Zeroizing::new([[0; PIECE]; 2]);
        let mut edges = edges.iter_mut();
        let mut changes = heapless::Vec::<Change<'_>, MOST_PIECES>::new();
        for piece in file.pieces(start..end) {
            let new = data.get(piece.wanted.start - start..piece.wanted.end - start).unwrap_or_default();
            let value = if piece.wanted == piece.all {
                new
            } else {
                let edge = edges.next().ok_or(Status::INTERNAL)?;
                self.read_piece(file, &piece, edge)?;
                edge.get_mut(piece.inside()).ok_or(Status::INTERNAL)?.copy_from_slice(new);
                edge.get(..piece.len()).unwrap_or_default()
            };
            let (object, part, secret) = (file.object(), piece.part()?, file.is_secret());
            let change = Change::PutPart { object, part, value, secret };
            changes.push(change).map_err(|_| Status::INTERNAL)?;
        }
        Ok(self.core.store.write(self.parts.flash, &changes)?)
    }

    /// The file of this name in an open application, or `6A93`.
    pub(crate) fn file(&mut self, application: OpenApplication, name: &[u8]) -> Result<File, Status> {
        self.find_file(application.slot(), name)?.ok_or(Status::NO_SUCH_FILE)
    }

    fn find_file(&mut self, application: AppSlot, name: &[u8]) -> Result<Option<File>, Status> {
        for slot in FileSlot::all() {
            if let Some(record) = self.file_record(application, slot)?.filter(|record| record.name == name) {
                return Ok(Some(File { application, slot, record }));
            }
        }
        Ok(None)
    }

    fn file_record(&mut self, app: AppSlot, slot: FileSlot) -> Result<Option<FileRecord>, Status> {
        Ok(self.core.store.intact(self.parts.flash, ObjectId::file(app, slot))?)
    }

    /// Reads a piece to the front of `out`.
    fn read_piece(&mut self, file: &File, piece: &Piece, out: &mut [u8; PIECE]) -> Result<(), Status> {
        let there = self.core.store.read_part(self.parts.flash, file.object(), piece.part()?, out)?;
        match there {
            Some(0) => out.fill(0),
            Some(length) if length == piece.len() => {}
            // A piece that got lost must not look like zeros.
            _ => return Err(StoreError::Damaged.into()),
        }
        Ok(())
    }
}
