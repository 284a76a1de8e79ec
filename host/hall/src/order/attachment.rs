//! What an uploaded file is, by its content: a picture, a PDF, a video.
//!
//! Guarantees: a file is told whole or cut by its own structure, never by its name. Refuses to know: what it shows.

use ukey_pki::seal::{PictureError, PictureFacts};

/// The media type of a video (AMB-11).
pub(crate) const MP4: &str = "video/mp4";
/// The media type of a document.
pub(crate) const PDF: &str = "application/pdf";

/// What a file is, by its content: its media type, and whether all of it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// A whole file.
    Whole(&'static str),
    /// A file that ends too early.
    Cut(&'static str),
    /// A file that breaks the rules of its format.
    Damaged(&'static str),
    /// Nothing that is known here.
    Unknown,
}

/// Tells a file: an MP4 by its boxes, a PDF by its first and last words, else a picture.
pub(crate) fn told(bytes: &[u8]) -> Told {
    match bytes {
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => mp4(bytes),
        [b'%', b'P', b'D', b'F', b'-', ..] => {
            if bytes.trim_ascii_end().ends_with(b"%%EOF") { Told::Whole(PDF) } else { Told::Cut(PDF) }
        }
        _ => picture(bytes),
    }
}

fn picture(bytes: &[u8]) -> Told {
    match PictureFacts::read(bytes) {
        Ok(facts) => Told::Whole(facts.format.media_type()),
        Err(PictureError::Truncated(format)) => Told::Cut(format.media_type()),
        Err(PictureError::Damaged { format, .. }) => Told::Damaged(format.media_type()),
        Err(_) => Told::Unknown,
    }
}

/// An MP4 (ISO/IEC 14496-12) is whole when its boxes fill the file and both description and media are there.
fn mp4(bytes: &[u8]) -> Told {
    let (mut rest, mut described, mut media) = (bytes, false, false);
    while !rest.is_empty() {
        let Some((head, body)) = rest.split_at_checked(8) else { return Told::Cut(MP4) };
        let (size, kind) = head.split_at(4);
        let short = size.iter().fold(0_u64, |size, byte| size << 8 | u64::from(*byte));
        let size = match (short, body.first_chunk::<8>()) {
            // The last box may reach to the end of the file.
            (0, _) => rest.len() as u64,
            (1, Some(long)) => u64::from_be_bytes(*long),
            (size, _) => size,
        };
        let fits = usize::try_from(size).ok().filter(|size| *size >= 8).and_then(|size| rest.get(size..));
        let Some(after) = fits else { return Told::Cut(MP4) };
        described |= kind == b"moov";
        media |= kind == b"mdat";
        rest = after;
    }
    if described && media { Told::Whole(MP4) } else { Told::Cut(MP4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
    }

    fn video() -> Vec<u8> {
        [boxed(b"ftyp", b"isom\0\0\x02\0isom"), boxed(b"moov", b"1234"), boxed(b"mdat", b"picture")].concat()
    }

    #[test]
    fn a_video_is_whole_with_all_its_boxes() {
        assert_eq!(told(&video()), Told::Whole(MP4));
        for end in 8..video().len() {
            assert_eq!(told(&video()[..end]), Told::Cut(MP4), "{end}");
        }
        let long = [boxed(b"ftyp", b"isom"), boxed(b"moov", b""), [&1_u32.to_be_bytes()[..], b"mdat", &17_u64.to_be_bytes(), b"x"].concat()];
        assert_eq!(told(&long.concat()), Told::Whole(MP4));
        let endless = [boxed(b"ftyp", b"isom"), boxed(b"moov", b""), [&0_u32.to_be_bytes()[..], b"mdat", b"to the end"].concat()];
        assert_eq!(told(&endless.concat()), Told::Whole(MP4));
        let stuck = [boxed(b"ftyp", b"isom"), [&4_u32.to_be_bytes()[..], b"mdat"].concat()];
        assert_eq!(told(&stuck.concat()), Told::Cut(MP4));
    }

    #[test]
    fn a_picture_is_whole_from_its_first_to_its_last_part() {
        let gif = b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
        assert_eq!(told(gif), Told::Whole("image/gif"));
        assert_eq!(told(&gif[..gif.len() - 1]), Told::Cut("image/gif"));
        // Begin and end alone do not make a picture.
        assert_eq!(told(b"GIF89a\x01\0\x01\0\0\0\0;padding;"), Told::Damaged("image/gif"));
        let hollow = [&[0xff, 0xd8, 0xff, 0xe0][..], &[0; 24], &[0xff, 0xd9]].concat();
        assert_eq!(told(&hollow), Told::Damaged("image/jpeg"));
        assert_eq!(told(&[0xff, 0xd8, 0xff, 0xe0]), Told::Cut("image/jpeg"));
        assert_eq!(told(b""), Told::Unknown);
    }

    #[test]
    fn a_document_has_its_end() {
        assert_eq!(told(b"%PDF-1.7\n%%EOF\n"), Told::Whole(PDF));
        assert_eq!(told(b"%PDF-1.7\n"), Told::Cut(PDF));
        assert_eq!(told(b"MZ"), Told::Unknown);
    }
}
