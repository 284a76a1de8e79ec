//! What of an exchange may be seen: the ids, names, lengths and public keys of a command, and nothing that proves,
//! opens, or is somebody's own. What cannot be taken apart is not shown.

use std::iter::once;

use ukey_apdu::{Apdu, Dialect, Ins, Status};
use zeroize::Zeroizing;

use super::bytes::Bytes;
use super::fields::{self, Fields};

/// Bytes of a command that are shown in any case: CLA, INS, P1, P2.
const HEADER: usize = 4;

/// What has to be remembered from one envelope to the next: a chain goes on where it stopped.
#[derive(Default)]
pub(crate) struct Redactor {
    /// Data of the chain under way.
    joined: Zeroizing<Vec<u8>>,
    /// Whose chain it is: INS, P1, P2.
    of: [u8; 3],
    /// The last answer said that more follows.
    in_blocks: bool,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

impl Redactor {
    /// An envelope and its answer, which is empty where none came, without what is secret.
    pub(crate) fn redact(&mut self, command: &[u8], answer: &[u8], dialect: &Dialect) -> (Bytes, Bytes) {
        let Ok(apdu) = Apdu::parse(command) else {
            self.joined.clear();
            return (behind_header(command), hide_data(answer));
        };
        (self.command(command, apdu, answer, dialect), self.answer(apdu, answer, dialect))
    }

    fn command(&mut self, command: &[u8], apdu: Apdu<'_>, answer: &[u8], dialect: &Dialect) -> Bytes {
        let start = apdu.data.as_ptr().addr().saturating_sub(command.as_ptr().addr());
        let of = [apdu.ins, apdu.p1, apdu.p2];
        if std::mem::replace(&mut self.of, of) != of {
            self.joined.clear();
        }
        let before = self.joined.len();
        self.joined.extend_from_slice(apdu.data);
        let whole = Apdu { data: &self.joined, ..apdu };
        let secrets: Option<Vec<_>> = match fields::of_command(&whole, dialect) {
            Some(Fields { list, is_whole }) if is_whole || apdu.cla.chained => {
                let known = list.last().map_or(0, |field| field.at.end);
                let secret = list.into_iter().filter(|field| field.kind.is_secret()).map(|field| field.at);
                Some(secret.chain(once(known..self.joined.len())).collect())
            }
            Some(_) if public(apdu) => Some(Vec::new()),
            _ => None,
        };
        if !(apdu.cla.chained && answer == Status::OK.to_bytes()) {
            self.joined.clear();
        }
        let Some(secrets) = secrets else { return behind_header(command) };
        let here = |place: usize| place.saturating_sub(before) + start;
        let end = start + apdu.data.len();
        Bytes::shown(command).hide(
            secrets
                .into_iter()
                .map(|secret| here(secret.start)..here(secret.end).min(end))
                .filter(|secret| !secret.is_empty()),
        )
    }

    fn answer(&mut self, apdu: Apdu<'_>, answer: &[u8], dialect: &Dialect) -> Bytes {
        let Some((data, word)) = answer.split_last_chunk::<2>() else { return hide_data(answer) };
        let status = Status(u16::from_be_bytes(*word));
        let in_blocks = std::mem::replace(&mut self.in_blocks, status == Status::MORE_DATA);
        let ins = Ins::from_byte(apdu.ins).filter(|_| status.is_ok() && !in_blocks && !apdu.cla.chained);
        match ins.and_then(|ins| fields::of_answer(ins, data, dialect)) {
            Some(Fields { list, is_whole: true }) => Bytes::shown(answer)
                .hide(list.into_iter().filter(|field| field.kind.is_secret()).map(|field| field.at)),
            _ if public(apdu) => Bytes::shown(answer),
            _ => hide_data(answer),
        }
    }
}

/// All but the header hidden.
fn behind_header(command: &[u8]) -> Bytes {
    let from = if command.len() < HEADER { 0 } else { HEADER };
    Bytes::shown(command).hide(once(from..command.len()))
}

/// All but the status word hidden.
fn hide_data(answer: &[u8]) -> Bytes {
    let data = if answer.len() < 2 { answer.len() } else { answer.len() - 2 };
    Bytes::shown(answer).hide(once(0..data))
}

/// Commands whose data and answers are no secret, even where they follow no layout.
fn public(apdu: Apdu<'_>) -> bool {
    Ins::from_byte(apdu.ins).is_some_and(|ins| {
        matches!(
            ins,
            Ins::SetLabel
                | Ins::GetDevInfo
                | Ins::GetPinInfo
                | Ins::ClearSecureState
                | Ins::EnumApplication
                | Ins::DeleteApplication
                | Ins::OpenApplication
                | Ins::CloseApplication
                | Ins::CreateFile
                | Ins::DeleteFile
                | Ins::EnumFiles
                | Ins::GetFileInfo
                | Ins::CreateContainer
                | Ins::OpenContainer
                | Ins::CloseContainer
                | Ins::EnumContainer
                | Ins::DeleteContainer
                | Ins::GetContainerInfo
                | Ins::ImportCertificate
                | Ins::ExportCertificate
                | Ins::GenEccKeyPair
                | Ins::ExportPubKey
                | Ins::EncryptInit
                | Ins::DecryptInit
                | Ins::MacInit
                | Ins::DigestInit
                | Ins::DestroySessionKey
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: [u8; 2] = [0x90, 0];

    fn redacted(command: &[u8], answer: &[u8]) -> (String, String) {
        let (command, answer) = Redactor::default().redact(command, answer, &Dialect::GM2012);
        (command.to_string(), answer.to_string())
    }

    #[test]
    fn names_and_ids_are_shown_proofs_and_contents_are_not() {
        let name = [&[0x80, 0x26, 0, 0, 0, 0, 4][..], b"UKEY"].concat();
        assert_eq!(redacted(&name, &OK).0, "80260000000004554b4559");
        let cryptogram = [&[0x80, 0x18, 0, 1, 0, 0, 0x12, 0x10, 0][..], &[0xAB; 16]].concat();
        let seen = redacted(&cryptogram, &[0x63, 0xC9]);
        assert_eq!(seen, ("801800010000121000 ‹16 bytes›".to_owned(), "63c9".to_owned()));
        let random = redacted(&[0x80, 0x50, 0, 0, 0, 0, 8], &[1, 2, 3, 4, 5, 6, 7, 8, 0x90, 0]);
        assert_eq!(random.1, "‹8 bytes› 9000");
        assert_eq!(redacted(&[0x80, 0xE0, 0, 0, 0, 0, 2, 1, 2], &[7, 0x90, 0]).0, "80e00000 ‹5 bytes›");
        assert_eq!(redacted(&[0xC0, 0x0A, 1], &[7]), ("‹3 bytes›".to_owned(), "‹1 byte›".to_owned()));
    }

    #[test]
    fn what_follows_no_layout_is_not_shown() {
        let too_long = [&[0x80, 0x18, 0, 1, 0, 0, 0x13, 0x10, 0][..], &[0xAB; 17]].concat();
        assert_eq!(redacted(&too_long, &[0x67, 0]).0, "80180001 ‹22 bytes›");
        let short_info = redacted(&[0x80, 4, 1, 0, 0, 0, 0], &[b'G', b'M', 0x90, 0]);
        assert_eq!(short_info.1, "474d9000");
    }

    #[test]
    fn a_chain_goes_on_where_it_stopped() {
        let mut redactor = Redactor::default();
        let mut part = |cla: u8, data: &[u8]| {
            let head = [cla, 0x3A, 0, 0, 0, 0, u8::try_from(data.len()).unwrap()];
            redactor.redact(&[&head[..], data].concat(), &OK, &Dialect::GM2012).0.to_string()
        };
        assert_eq!(part(0x90, &[0x10, 0, 0, 0, 0, 1]), "903a0000000006100000000001");
        assert_eq!(part(0x90, &[b'F', 0, 4, 9]), "903a0000000004460004 ‹1 byte›");
        assert_eq!(part(0x80, &[9, 9, 9]), "803a0000000003 ‹3 bytes›");
        assert_eq!(part(0x80, &[9, 9, 9]), "803a0000 ‹6 bytes›", "no chain any more");
    }

    #[test]
    fn another_command_is_no_part_of_a_chain() {
        let mut redactor = Redactor::default();
        let chained = [0x90, 0x3A, 0, 0, 0, 0, 6, 0x10, 0, 0, 0, 0, 1];
        redactor.redact(&chained, &OK, &Dialect::GM2012);
        let cryptogram = [&[0x80, 0x18, 0, 1, 0, 0, 0x12, 0x10, 0][..], &[0xAB; 16]].concat();
        let (shown, _) = redactor.redact(&cryptogram, &[0x69, 0x85], &Dialect::GM2012);
        assert_eq!(shown.to_string(), "801800010000121000 ‹16 bytes›");
    }

    #[test]
    fn a_chain_whose_length_is_not_known_yet_shows_no_pin() {
        let mut redactor = Redactor::default();
        let first = [&[0x90, 0x20, 0, 0, 0, 0, 40][..], b"UKEY", &[0; 28], b"87654321"].concat();
        let (shown, _) = redactor.redact(&first, &OK, &Dialect::GM2012);
        assert_eq!(shown.to_string(), "90200000000028 ‹40 bytes›");
    }
}
