//! Bytes for people: offset, sixteen bytes in hexadecimal, and the same as text.

use std::fmt::Write as _;

/// Lines of sixteen bytes, each with an end.
pub(crate) fn hexdump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (index, line) in bytes.chunks(16).enumerate() {
        let half = |range: std::ops::Range<usize>| {
            let byte = |index| line.get(index).map_or("  ".to_owned(), |byte| format!("{byte:02x}"));
            range.map(byte).collect::<Vec<_>>().join(" ")
        };
        let printed = |byte: &u8| if (0x20..0x7F).contains(byte) { char::from(*byte) } else { '.' };
        let characters: String = line.iter().map(printed).collect();
        // Writing to a text cannot fail.
        let _ = writeln!(text, "  {:04x}  {}  {}  {characters}", index * 16, half(0..8), half(8..16));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_as_wide_as_the_others() {
        let bytes: Vec<u8> = (0x3D..0x4F).collect();
        assert_eq!(
            hexdump(&bytes),
            "  0000  3d 3e 3f 40 41 42 43 44  45 46 47 48 49 4a 4b 4c  =>?@ABCDEFGHIJKL\n\
             \x20 0010  4d 4e                                             MN\n"
        );
        assert_eq!(hexdump(&[]), "");
        assert!(hexdump(&[0, 0x7F, 0xFF]).ends_with("  ...\n"));
    }
}
