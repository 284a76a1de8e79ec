//! Pictures of seals: told by content, whole, and by the rules of an authority, each refusal in both languages.

mod common;

use common::seal::GIF;
use proptest::prelude::*;
use ukey_pki::seal::{Picture, PictureError, PictureFacts, PictureFormat, PictureRules, Side, Transparency};

/// ISO 3309, bit by bit.
fn crc(bytes: &[u8]) -> [u8; 4] {
    let byte = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    };
    (!bytes.iter().fold(u32::MAX, byte)).to_be_bytes()
}

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let named = [&name[..], body].concat();
    [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], &named, &crc(&named)].concat()
}

fn png_of(chunks: &[Vec<u8>]) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunks.concat()].concat()
}

fn header(width: u32, height: u32, depth: u8, colour: u8) -> Vec<u8> {
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    chunk(b"IHDR", &[&size[..], &[depth, colour, 0, 0, 0]].concat())
}

/// The pixels are not looked at.
fn png(width: u32, height: u32, colour: u8) -> Vec<u8> {
    png_of(&[header(width, height, 8, colour), chunk(b"IDAT", b"pixels"), chunk(b"IEND", b"")])
}

fn bmp(width: i32, height: i32) -> Vec<u8> {
    let rows = usize::try_from((width * 3 + 3) / 4 * 4 * height.abs()).unwrap();
    let length = u32::try_from(54 + rows).unwrap().to_le_bytes();
    let mut bytes = [&b"BM"[..], &length, &[0; 4], &54_u32.to_le_bytes(), &40_u32.to_le_bytes()].concat();
    bytes.extend([width.to_le_bytes(), height.to_le_bytes()].concat());
    bytes.extend([1, 0, 24, 0]);
    bytes.extend(vec![0; 24 + rows]);
    bytes
}

fn jpg(width: u16, height: u16) -> Vec<u8> {
    let segment = |marker: u8, body: &[u8]| {
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [&[0xFF, marker][..], &length, body].concat()
    };
    let frame = [&[8][..], &height.to_be_bytes(), &width.to_be_bytes(), &[1, 1, 0x11, 0]].concat();
    [
        vec![0xFF, 0xD8],
        segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
        segment(0xC4, &[0; 20]),
        segment(0xC0, &frame),
        segment(0xDA, &[1, 1, 0, 0, 63, 0]),
        b"\x12\xFF\x00\x34\xFF\xD0\x56".to_vec(),
        vec![0xFF, 0xFF, 0xD9],
    ]
    .concat()
}

/// A GIF with a screen of 100 x 100 pixels.
fn gif(blocks: &[&[u8]]) -> Vec<u8> {
    [b"GIF89a\x64\0\x64\0\0\0\0", blocks.concat().as_slice(), b";"].concat()
}

/// An image block: left, top, width, height.
fn frame(place: [u16; 4]) -> Vec<u8> {
    [&b","[..], &place.map(u16::to_le_bytes).concat(), &[0, 2, 2, 0x44, 1, 0]].concat()
}

/// A picture, its format, and its width, height and transparency.
type Sample = (PictureFormat, Vec<u8>, (u32, u32, bool));

fn every() -> [Sample; 5] {
    [
        (PictureFormat::Gif, GIF.to_vec(), (1, 1, true)),
        (PictureFormat::Bmp, bmp(5, -3), (5, 3, false)),
        (PictureFormat::Jpg, jpg(300, 200), (300, 200, false)),
        (PictureFormat::Png, png(420, 280, 6), (420, 280, true)),
        (PictureFormat::Png, png(420, 280, 2), (420, 280, false)),
    ]
}

fn rules() -> PictureRules {
    PictureRules {
        formats: PictureFormat::ALL.to_vec(),
        max_bytes: 48 * 1024,
        pixels: 100..=1000,
        millimetres: 10..=60,
        distortion_percent: 5,
        transparency: Transparency::Any,
    }
}

#[test]
fn content_says_format_size_and_transparency() {
    for (format, data, (width, height, transparent)) in every() {
        let facts = PictureFacts { format, width, height, transparent };
        assert_eq!(PictureFacts::read(&data), Ok(facts), "{format}");
        let picture = Picture::new(data.clone(), 40, 40).unwrap();
        assert_eq!((picture.kind(), picture.data()), (format.name(), &data[..]));
        assert_eq!(PictureFormat::from_media_type(format.media_type()), Some(format));
    }
    assert_eq!(PictureFacts::read(b""), Err(PictureError::Empty));
    for other in [&b"%PDF-1.7"[..], b"<svg xmlns=''/>", b"GIF88a", b"\x89PNG\r\n\x1a\r", b"\xFF\xD8"] {
        assert_eq!(PictureFacts::read(other), Err(PictureError::Unknown));
    }
    assert_eq!(PictureFormat::from_media_type("image/svg+xml"), None);
    let zero = Picture::new(png(1, 1, 6), 40, 0).unwrap_err();
    assert!(matches!(zero, PictureError::Millimetres { side: Side::Height, found: 0, .. }));
}

#[test]
fn a_picture_cut_anywhere_is_incomplete() {
    for (format, data, _) in every() {
        let signature = match format {
            PictureFormat::Png => 8,
            PictureFormat::Gif => 6,
            PictureFormat::Jpg => 3,
            PictureFormat::Bmp => 2,
        };
        for length in signature..data.len() {
            let read = PictureFacts::read(&data[..length]);
            assert_eq!(read, Err(PictureError::Truncated(format)), "cut to {length}");
        }
    }
}

#[test]
fn a_png_with_any_byte_changed_is_refused() {
    let data = png(420, 280, 6);
    for index in 0..data.len() {
        let mut changed = data.clone();
        changed[index] ^= 0x10;
        assert!(PictureFacts::read(&changed).is_err(), "{index}");
    }
}

#[test]
fn a_png_keeps_the_order_of_its_chunks() {
    let (head, body, end) = (header(9, 9, 8, 2), chunk(b"IDAT", b"x"), chunk(b"IEND", b""));
    let colour = chunk(b"tRNS", &[0; 6]);
    let read = |chunks: &[&Vec<u8>]| {
        PictureFacts::read(&png_of(&chunks.iter().map(|chunk| (*chunk).clone()).collect::<Vec<_>>()))
    };
    assert!(!read(&[&head, &body, &end]).unwrap().transparent);
    assert!(read(&[&head, &colour, &body, &end]).unwrap().transparent);
    let damaged: [(&[&Vec<u8>], &str); 6] = [
        (&[&head, &body, &colour, &end], "tRNS"),
        (&[&body, &head, &end], "IHDR"),
        (&[&head, &head, &body, &end], "IHDR"),
        (&[&head, &end], "IDAT"),
        (&[&head, &body, &end, &body], "bytes after its end"),
        (&[&header(9, 9, 4, 2), &body, &end], "IHDR"),
    ];
    for (chunks, place) in damaged {
        let expected = PictureError::Damaged { format: PictureFormat::Png, part: place };
        assert_eq!(read(chunks), Err(expected));
    }
    for (width, height) in [(0, 9), (9, 0)] {
        let empty = read(&[&header(width, height, 8, 2), &body, &end]);
        assert!(matches!(empty, Err(PictureError::Damaged { .. })));
    }
}

#[test]
fn frames_of_a_gif_lie_on_its_screen() {
    let read = |place| PictureFacts::read(&gif(&[&frame([0, 0, 100, 100]), &frame(place)]));
    for inside in [[0, 0, 100, 100], [60, 60, 40, 40], [99, 0, 1, 100]] {
        let facts = read(inside).unwrap();
        assert_eq!((facts.width, facts.height, facts.transparent), (100, 100, false), "{inside:?}");
    }
    for outside in [[0, 0, 65535, 65535], [61, 60, 40, 40], [60, 61, 40, 40], [0, 0, 101, 100]] {
        let error = read(outside).unwrap_err();
        assert!(
            matches!(error, PictureError::Damaged { format: PictureFormat::Gif, .. }),
            "{outside:?}: {error}"
        );
    }
}

#[test]
fn a_gif_is_transparent_by_a_whole_control_block_only() {
    let image = frame([0, 0, 100, 100]);
    let read = |block: &[u8]| PictureFacts::read(&gif(&[block, &image])).map(|facts| facts.transparent);
    assert_eq!(read(b"!\xf9\x04\x01\0\0\0\0"), Ok(true));
    assert_eq!(read(b"!\xf9\x04\x02\0\0\0\0"), Ok(false));
    // Without contents, with too many, with a second part; what follows the first has its lowest bit set.
    for odd in [&b"!\xf9\0!\xfe\0"[..], b"!\xf9\x05\x01\0\0\0\0\0", b"!\xf9\x04\x01\0\0\0\x01\x01\0"] {
        let error = read(odd).unwrap_err();
        assert!(
            matches!(error, PictureError::Damaged { format: PictureFormat::Gif, .. }),
            "{odd:?}: {error}"
        );
    }
}

#[test]
fn a_jpg_has_one_frame_header() {
    let small = jpg(300, 200);
    let place = small.windows(2).position(|pair| pair == b"\xff\xc0").unwrap();
    let header = small[place..place + 13].to_vec();
    let twice = [&small[..place], &header, &small[place..]].concat();
    let error = PictureFacts::read(&twice).unwrap_err();
    assert!(matches!(error, PictureError::Damaged { format: PictureFormat::Jpg, .. }), "{error}");
}

#[test]
fn nothing_follows_the_end_of_a_picture() {
    for (format, data, _) in every() {
        // The rows of a BMP have no end of their own.
        if format != PictureFormat::Bmp {
            let error = PictureFacts::read(&[&data[..], b";"].concat()).unwrap_err();
            assert!(matches!(error, PictureError::Damaged { .. }), "{format}: {error}");
        }
    }
}

#[test]
fn rules_that_are_kept_pass_and_each_that_is_broken_is_named() {
    let good = png(420, 280, 6);
    assert!(rules().check(&good, 42, 28).unwrap().transparent);
    let strict = PictureRules { transparency: Transparency::Required, ..rules() };
    strict.check(&good, 42, 28).unwrap();

    let check =
        |rules: &PictureRules, data: Vec<u8>, width, height| rules.check(&data, width, height).unwrap_err();
    let refused = |data, width, height| check(&rules(), data, width, height);
    assert_eq!(
        refused(png(99, 280, 6), 42, 28),
        PictureError::Pixels { side: Side::Width, found: 99, least: 100, most: 1000 }
    );
    assert_eq!(
        refused(png(420, 1001, 6), 42, 28),
        PictureError::Pixels { side: Side::Height, found: 1001, least: 100, most: 1000 }
    );
    assert_eq!(
        refused(png(420, 280, 6), 61, 28),
        PictureError::Millimetres { side: Side::Width, found: 61, least: 10, most: 60 }
    );
    let distorted = PictureError::Proportions { pixels: (420, 280), millimetres: (40, 40) };
    assert_eq!(refused(png(420, 280, 6), 40, 40), distorted);
    // 441 : 280 is five percent off 42 : 28, and 442 : 280 more.
    rules().check(&png(441, 280, 6), 42, 28).unwrap();
    assert!(matches!(refused(png(442, 280, 6), 42, 28), PictureError::Proportions { .. }));

    let png_only = PictureRules { formats: vec![PictureFormat::Png], ..rules() };
    let accepted = vec![PictureFormat::Png];
    let format = PictureError::Format { found: PictureFormat::Jpg, accepted };
    assert_eq!(check(&png_only, jpg(420, 280), 42, 28), format);
    let (bytes, most) = (good.len(), good.len() - 1);
    let small = PictureRules { max_bytes: most, ..rules() };
    assert_eq!(check(&small, png(420, 280, 6), 42, 28), PictureError::TooBig { bytes, most });
    assert_eq!(check(&strict, png(420, 280, 2), 42, 28), PictureError::Opaque);
    assert_eq!(check(&strict, jpg(420, 280), 42, 28), PictureError::Opaque);
}

#[test]
fn refusals_speak_english_and_chinese() {
    let side = PictureError::Pixels { side: Side::Width, found: 99, least: 100, most: 1000 };
    assert_eq!(side.to_string(), "the picture's width is 99 pixels; it must be 100 to 1000");
    assert_eq!(side.zh(), "图片宽度为 99 像素，应在 100 至 1000 像素之间");
    let accepted = vec![PictureFormat::Png, PictureFormat::Gif];
    let format = PictureError::Format { found: PictureFormat::Jpg, accepted };
    assert_eq!(format.to_string(), "the picture is a JPG; accepted is PNG, GIF");
    assert_eq!(format.zh(), "图片实际格式为 JPG，只接受 PNG、GIF");
    let others = [
        PictureError::Empty,
        PictureError::Unknown,
        PictureError::TooBig { bytes: 2, most: 1 },
        PictureError::Truncated(PictureFormat::Gif),
        PictureError::Damaged { format: PictureFormat::Png, part: "IHDR" },
        PictureError::Millimetres { side: Side::Height, found: 1, least: 2, most: 3 },
        PictureError::Proportions { pixels: (1, 2), millimetres: (3, 4) },
        PictureError::Opaque,
    ];
    let damaged = PictureError::Damaged { format: PictureFormat::Png, part: "a wrong checksum" };
    assert_eq!(damaged.to_string(), "the PNG picture is damaged (a wrong checksum); save it again");
    assert_eq!(damaged.zh(), "PNG 图片已损坏，请重新保存");
    for error in others {
        assert!(error.to_string().is_ascii(), "{error}");
        assert!(error.zh().chars().any(|c| ('\u{4E00}'..='\u{9FFF}').contains(&c)), "{}", error.zh());
    }
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(place in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 1..60)) {
        for (_, data, _) in every() {
            let index = place.index(data.len());
            let end = data.len().min(index + bytes.len());
            let _ = PictureFacts::read(&[&data[..index], &bytes, &data[end..]].concat());
        }
    }
}
