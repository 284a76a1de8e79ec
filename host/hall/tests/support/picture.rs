//! Files of pictures.

/// 1 x 1 pixel.
pub const GIF: &[u8] = b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let named = [&name[..], body].concat();
    let byte = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    };
    let crc = (!named.iter().fold(u32::MAX, byte)).to_be_bytes();
    [&(body.len() as u32).to_be_bytes()[..], &named, &crc].concat()
}

/// A PNG of this many pixels, with an alpha channel or without; the pixels themselves are not looked at.
pub fn png(width: u32, height: u32, alpha: bool) -> Vec<u8> {
    let header =
        [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, if alpha { 6 } else { 2 }, 0, 0, 0]].concat();
    let chunks = [chunk(b"IHDR", &header), chunk(b"IDAT", b"pixels"), chunk(b"IEND", b"")].concat();
    [&b"\x89PNG\r\n\x1a\n"[..], &chunks].concat()
}
