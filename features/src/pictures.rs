//! Pictures as they are uploaded: real ones, and ones that break a rule.

/// A ring of this outer radius on a square of this many pixels, PNG with one bit a pixel; its ground transparent or
/// white.
pub(crate) fn ring(pixels: u32, radius: u32, transparent: bool) -> Vec<u8> {
    let centre = f64::from(pixels - 1) / 2.0;
    let within = |x: u32, y: u32| {
        let distance = (f64::from(x) - centre).hypot(f64::from(y) - centre);
        (f64::from(radius) * 0.85..=f64::from(radius)).contains(&distance)
    };
    let row = |y: u32| {
        let bit = |x: u32| u8::from(x < pixels && within(x, y));
        let byte = |at: u32| (0..8).fold(0, |byte, n| byte << 1 | bit(at * 8 + n));
        // Each row begins with its filter: none.
        [0].into_iter().chain((0..pixels.div_ceil(8)).map(byte)).collect::<Vec<u8>>()
    };
    let side = pixels.to_be_bytes();
    // One bit, indexed colours.
    let header = [&side[..], &side, &[1, 3, 0, 0, 0]].concat();
    let ground = if transparent { chunk(b"tRNS", &[0, 255]) } else { Vec::new() };
    let chunks = [
        chunk(b"IHDR", &header),
        chunk(b"PLTE", &[255, 255, 255, 200, 0, 0]),
        ground,
        chunk(b"IDAT", &zlib(&(0..pixels).flat_map(row).collect::<Vec<u8>>())),
        chunk(b"IEND", b""),
    ];
    [&b"\x89PNG\r\n\x1a\n"[..], &chunks.concat()].concat()
}

/// The same picture with a comment of this many bytes.
pub(crate) fn with_comment(png: &[u8], bytes: usize) -> Vec<u8> {
    let (before, end) = png.split_at(png.len() - 12);
    [before, &chunk(b"tEXt", &vec![b'-'; bytes]), end].concat()
}

/// A whole BMP of 24 bits, all white.
pub(crate) fn bmp(pixels: u32) -> Vec<u8> {
    let rows = (pixels * 3).div_ceil(4) * 4 * pixels;
    let side = pixels.to_le_bytes();
    let file = [&b"BM"[..], &(54 + rows).to_le_bytes(), &[0; 4], &54_u32.to_le_bytes()].concat();
    let picture = [&40_u32.to_le_bytes()[..], &side, &side, &[1, 0, 24, 0], &[0; 24]].concat();
    [file, picture, vec![255; rows as usize]].concat()
}

/// A JPG of one grey pixel (ITU-T T.81): one table of each sort, one block with nothing but zeros.
pub(crate) fn jpg() -> Vec<u8> {
    let segment = |marker: u8, body: &[u8]| {
        let length = u16::try_from(body.len() + 2).expect("a segment");
        [&[0xff, marker][..], &length.to_be_bytes(), body].concat()
    };
    // One code of one bit; it stands for 0.
    let codes = |class: u8| segment(0xc4, &[&[class, 1][..], &[0; 16]].concat());
    [
        vec![0xff, 0xd8],
        segment(0xdb, &[&[0][..], &[1; 64]].concat()),
        segment(0xc0, &[8, 0, 1, 0, 1, 1, 1, 0x11, 0]),
        codes(0),
        codes(0x10),
        segment(0xda, &[1, 1, 0, 0, 63, 0]),
        vec![0b0011_1111, 0xff, 0xd9],
    ]
    .concat()
}

/// RFC 1950 and RFC 1951, stored.
fn zlib(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("one stored block");
    let block = [&[0x78, 0x01, 1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), data].concat();
    let (a, b) = data.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    [&block[..], &(b << 16 | a).to_be_bytes()].concat()
}

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let named = [&name[..], body].concat();
    let byte = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    };
    let crc = !named.iter().fold(u32::MAX, byte);
    let length = u32::try_from(body.len()).expect("a chunk");
    [&length.to_be_bytes()[..], &named, &crc.to_be_bytes()].concat()
}
