//! Walking through GIF, BMP, JPG and PNG by their parts, without decompressing any.

use crc::{CRC_32_ISO_HDLC, Crc};

use super::{PictureError, PictureFacts, PictureFormat};

const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// ISO 3309, the checksum of PNG chunks.
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// Width, height, and whether it can be transparent.
type Found = Result<(u32, u32, bool), PictureError>;
type Read = fn(Parts<'_>) -> Found;

pub(super) fn facts(data: &[u8]) -> Result<PictureFacts, PictureError> {
    if data.is_empty() {
        return Err(PictureError::Empty);
    }
    let (format, read): (_, Read) = match data {
        _ if data.starts_with(PNG_SIGNATURE) => (PictureFormat::Png, png),
        _ if data.starts_with(b"GIF87a") || data.starts_with(b"GIF89a") => (PictureFormat::Gif, gif),
        _ if data.starts_with(b"\xFF\xD8\xFF") => (PictureFormat::Jpg, jpg),
        _ if data.starts_with(b"BM") => (PictureFormat::Bmp, bmp),
        _ => return Err(PictureError::Unknown),
    };
    let (width, height, transparent) = read(Parts { format, rest: data })?;
    if width == 0 || height == 0 {
        return Err(PictureError::Damaged { format, part: "a side of 0 pixels" });
    }
    Ok(PictureFacts { format, width, height, transparent })
}

/// What is left of a picture.
struct Parts<'a> {
    format: PictureFormat,
    rest: &'a [u8],
}

impl<'a> Parts<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], PictureError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(PictureError::Truncated(self.format))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PictureError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(PictureError::Truncated(self.format))?;
        self.rest = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, PictureError> {
        self.array().map(|[byte]| byte)
    }

    /// Whether everything was read.
    fn end(&self) -> Result<(), PictureError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.damaged("bytes after its end")) }
    }

    fn damaged(&self, part: &'static str) -> PictureError {
        PictureError::Damaged { format: self.format, part }
    }
}

/// ISO/IEC 15948: IHDR first, at least one IDAT, IEND last, each chunk with its checksum.
fn png(mut parts: Parts<'_>) -> Found {
    parts.take(PNG_SIGNATURE.len())?;
    let (mut size, mut transparent, mut has_data) = (None, false, false);
    loop {
        let length = usize::try_from(u32::from_be_bytes(parts.array()?)).unwrap_or(usize::MAX);
        let start = parts.rest;
        let name: [u8; 4] = parts.array()?;
        let body = parts.take(length)?;
        let checked = start.get(..4 + length).unwrap_or_default();
        if u32::from_be_bytes(parts.array()?) != CRC.checksum(checked) {
            return Err(parts.damaged("a wrong checksum"));
        }
        match (&name, size) {
            (b"IHDR", None) => {
                let &[w0, w1, w2, w3, h0, h1, h2, h3, depth, colour, 0, 0, 0 | 1] = body else {
                    return Err(parts.damaged("IHDR"));
                };
                // Bit depths by colour type, table 11.1.
                let depths: &[u8] = match colour {
                    0 => &[1, 2, 4, 8, 16],
                    3 => &[1, 2, 4, 8],
                    2 | 4 | 6 => &[8, 16],
                    _ => &[],
                };
                if !depths.contains(&depth) {
                    return Err(parts.damaged("IHDR"));
                }
                transparent = matches!(colour, 4 | 6);
                size = Some((u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3])));
            }
            (_, None) | (b"IHDR", Some(_)) => return Err(parts.damaged("IHDR")),
            (b"tRNS", _) if !has_data && !transparent => transparent = true,
            (b"tRNS", _) => return Err(parts.damaged("tRNS")),
            (b"IDAT", _) => has_data |= !body.is_empty(),
            (b"IEND", Some((width, height))) => {
                parts.end()?;
                return if has_data { Ok((width, height, transparent)) } else { Err(parts.damaged("IDAT")) };
            }
            _ => {}
        }
    }
}

/// GIF89a: screen descriptor, then blocks up to the trailer, at least one of them an image, none beyond the screen.
fn gif(mut parts: Parts<'_>) -> Found {
    parts.take(6)?;
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]));
    let [w0, w1, h0, h1, flags, _background, _aspect] = parts.array()?;
    let (width, height) = (side(w0, w1), side(h0, h1));
    colour_table(&mut parts, flags)?;
    let (mut transparent, mut images) = (false, 0_usize);
    loop {
        match parts.byte()? {
            0x21 => match parts.byte()? {
                // Graphic control extension, one block of four bytes: the lowest flag announces a transparent colour.
                0xF9 => {
                    let [4, flags, _delay, _delay_high, _colour, 0] = parts.array()? else {
                        return Err(parts.damaged("graphic control"));
                    };
                    transparent |= flags & 1 == 1;
                }
                _ => sub_blocks(&mut parts)?,
            },
            0x2C => {
                let [x0, x1, y0, y1, w0, w1, h0, h1, flags] = parts.array()?;
                if side(x0, x1) + side(w0, w1) > width || side(y0, y1) + side(h0, h1) > height {
                    return Err(parts.damaged("an image beyond the screen"));
                }
                colour_table(&mut parts, flags)?;
                let _code_size = parts.byte()?;
                sub_blocks(&mut parts)?;
                images += 1;
            }
            0x3B if images > 0 => {
                parts.end()?;
                return Ok((width, height, transparent));
            }
            _ => return Err(parts.damaged("block")),
        }
    }
}

fn colour_table(parts: &mut Parts<'_>, flags: u8) -> Result<(), PictureError> {
    let entries = if flags & 0x80 == 0 { 0 } else { 2_usize << (flags & 7) };
    parts.take(3 * entries).map(drop)
}

fn sub_blocks(parts: &mut Parts<'_>) -> Result<(), PictureError> {
    loop {
        match parts.byte()? {
            0 => return Ok(()),
            length => parts.take(usize::from(length))?,
        };
    }
}

/// ITU-T T.81: segments up to the one frame header, scans up to the end marker. Never transparent.
fn jpg(mut parts: Parts<'_>) -> Found {
    parts.take(2)?;
    let (mut size, mut has_scan) = (None, false);
    loop {
        if parts.byte()? != 0xFF {
            return Err(parts.damaged("marker"));
        }
        let mut marker = parts.byte()?;
        // Fill bytes before a marker.
        while marker == 0xFF {
            marker = parts.byte()?;
        }
        match (marker, size) {
            (0xD9, Some((width, height))) if has_scan => {
                parts.end()?;
                return Ok((width, height, false));
            }
            (0xD8 | 0xD9 | 0x00, _) => return Err(parts.damaged("marker")),
            (0x01 | 0xD0..=0xD7, _) => continue,
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes(parts.array()?));
        let body = parts.take(length.checked_sub(2).ok_or_else(|| parts.damaged("segment"))?)?;
        match marker {
            0xC4 | 0xC8 | 0xCC => {}
            0xC0..=0xCF => {
                let (&[_precision, h0, h1, w0, w1, ..], None) = (body, size) else {
                    return Err(parts.damaged("frame header"));
                };
                let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
                size = Some((side(w0, w1), side(h0, h1)));
            }
            0xDA => {
                has_scan = true;
                skip_entropy_coded(&mut parts)?;
            }
            _ => {}
        }
    }
}

/// Up to the next marker that is no stuffed byte and no restart.
fn skip_entropy_coded(parts: &mut Parts<'_>) -> Result<(), PictureError> {
    let is_marker = |pair: &[u8]| matches!(pair, [0xFF, second] if !matches!(second, 0x00 | 0xD0..=0xD7));
    let end = parts.rest.windows(2).position(is_marker);
    parts.take(end.unwrap_or(usize::MAX)).map(drop)
}

/// File header, information header (12 bytes, or 40 and more), then the rows where nothing is compressed.
fn bmp(mut parts: Parts<'_>) -> Found {
    let whole = parts.rest;
    parts.take(10)?;
    let offset = u32::from_le_bytes(parts.array()?);
    let header_length = u32::from_le_bytes(parts.array()?);
    let (width, height, bits, compression) = if header_length == 12 {
        let [w0, w1, h0, h1, _planes, _, b0, b1] = parts.array()?;
        let number = |low, high| u32::from(u16::from_le_bytes([low, high]));
        (number(w0, w1), number(h0, h1), number(b0, b1), 0)
    } else if header_length >= 40 {
        let width = i32::from_le_bytes(parts.array()?);
        let height = i32::from_le_bytes(parts.array()?);
        let [_planes, _, b0, b1] = parts.array()?;
        let compression = u32::from_le_bytes(parts.array()?);
        let width = u32::try_from(width).map_err(|_| parts.damaged("information header"))?;
        // A negative height means rows from top to bottom.
        (width, height.unsigned_abs(), u32::from(u16::from_le_bytes([b0, b1])), compression)
    } else {
        return Err(parts.damaged("information header"));
    };
    if !matches!(bits, 1 | 4 | 8 | 16 | 24 | 32) {
        return Err(parts.damaged("information header"));
    }
    // 0 and 3 are plain rows, padded to four bytes each.
    let row = (u64::from(width) * u64::from(bits)).div_ceil(32) * 4;
    let rows = if matches!(compression, 0 | 3) { row.saturating_mul(u64::from(height)) } else { 1 };
    let length = u64::try_from(whole.len()).unwrap_or(u64::MAX);
    if u64::from(offset).saturating_add(rows) > length {
        return Err(PictureError::Truncated(parts.format));
    }
    // From version 3 on the header has a mask for alpha, at its byte 52.
    let mask = whole.get(66..70).is_some_and(|mask| mask.iter().any(|byte| *byte != 0));
    Ok((width, height, bits == 32 && header_length >= 56 && mask))
}
