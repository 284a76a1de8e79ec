//! Files (GM/T 0016-2012 clause 7.4).

use ukey_device::{FileInfo, Rights};

use crate::abi::exports;
use crate::abi::pointer::{Buffer, In, Out, Text};
use crate::abi::types::{BYTE, CHAR, FILEATTRIBUTE, HAPPLICATION, ULONG};
use crate::device::text;
use crate::sar::{Failure, Sar};

/// Longest name of a file, in bytes.
const LONGEST_NAME: usize = 32;

exports! {
    /// Creates a file of zeros. Wants the right that the application was created with.
    fn SKF_CreateFile(
        hApplication: HAPPLICATION,
        szFileName: Text,
        ulFileSize: ULONG,
        ulReadRights: ULONG,
        ulWriteRights: ULONG,
    ) {
        let application = hApplication.application()?;
        let name = szFileName.name(LONGEST_NAME)?;
        let info = FileInfo { size: ulFileSize, read: Rights(ulReadRights), write: Rights(ulWriteRights) };
        application.did(application.get().create_file(name, info))
    }

    /// Deletes a file. Wants the same right.
    fn SKF_DeleteFile(hApplication: HAPPLICATION, szFileName: Text) {
        let application = hApplication.application()?;
        application.did(application.get().delete_file(szFileName.name(LONGEST_NAME)?))
    }

    /// The names of the files.
    fn SKF_EnumFiles(hApplication: HAPPLICATION, szFileList: Out<CHAR>, pulSize: Out<ULONG>) {
        let application = hApplication.application()?;
        let list = Buffer::new(szFileList, pulSize)?;
        let names = application.did(application.get().files())?;
        list.fill_names(names.iter().map(String::as_str))
    }

    /// A file's size and rights. Wants its read right.
    fn SKF_GetFileInfo(hApplication: HAPPLICATION, szFileName: Text, pFileInfo: Out<FILEATTRIBUTE>) {
        let application = hApplication.application()?;
        let place = pFileInfo.place()?;
        let name = szFileName.name(LONGEST_NAME)?;
        let info = application.did(application.get().file_info(name))?;
        place.put(FILEATTRIBUTE {
            FileName: text(name),
            FileSize: info.size,
            ReadRights: info.read.0,
            WriteRights: info.write.0,
        });
        Ok(())
    }

    /// Reads at most ulSize bytes of a file from ulOffset on: fewer where it ends before. Wants its read right.
    fn SKF_ReadFile(
        hApplication: HAPPLICATION,
        szFileName: Text,
        ulOffset: ULONG,
        ulSize: ULONG,
        pbOutData: Out<BYTE>,
        pulOutLen: Out<ULONG>,
    ) {
        let application = hApplication.application()?;
        let buffer = Buffer::new(pbOutData, pulOutLen)?;
        let name = szFileName.name(LONGEST_NAME)?;
        let size = application.did(application.get().file_info(name))?.size;
        let there = size.checked_sub(ulOffset).filter(|there| *there > 0).ok_or_else(|| beyond(size))?;
        // The size tells what will come: a buffer that is too small costs no reading.
        if buffer.fits(usize::try_from(there.min(ulSize)).map_err(|_| Sar::FAIL)?)? {
            return buffer.fill(&application.did(application.get().read_file(name, ulOffset, ulSize))?);
        }
        Ok(())
    }

    /// Writes into a file from ulOffset on; what does not fit is refused as a whole. Wants its write right.
    fn SKF_WriteFile(
        hApplication: HAPPLICATION,
        szFileName: Text,
        ulOffset: ULONG,
        pbData: In<BYTE>,
        ulSize: ULONG,
    ) {
        let application = hApplication.application()?;
        let name = szFileName.name(LONGEST_NAME)?;
        application.did(application.get().write_file(name, ulOffset, pbData.bytes(ulSize)?))
    }
}

fn beyond(size: ULONG) -> Failure {
    Failure { sar: Sar::INVALIDPARAMERR, text: Some(format!("the file has {size} bytes")) }
}
