//! Bytes of which some are not told: how a trace writes them, in hexadecimal, with `‹16 bytes›` in the place of what
//! is hidden. Lengths are always told.

use std::fmt;
use std::iter::once;
use std::ops::Range;
use std::str::FromStr;

use zeroize::Zeroize;

/// Bytes, some of them hidden.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Bytes {
    /// Zeros stand for what is hidden.
    bytes: Vec<u8>,
    /// In order, none empty, none next to the next.
    hidden: Vec<Range<usize>>,
}

/// Such bytes may be somebody's secret, where a trace keeps them.
impl Drop for Bytes {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl Bytes {
    /// Bytes that are all shown.
    #[must_use]
    pub fn shown(bytes: &[u8]) -> Bytes {
        Bytes { bytes: bytes.to_vec(), hidden: Vec::new() }
    }

    /// The same with these ranges, given in order, hidden too: nothing of them is kept.
    #[must_use]
    pub fn hide(mut self, ranges: impl IntoIterator<Item = Range<usize>>) -> Bytes {
        for range in ranges {
            let range = range.start..range.end.min(self.bytes.len());
            if let Some(cells) = self.bytes.get_mut(range.clone()).filter(|cells| !cells.is_empty()) {
                cells.zeroize();
                match self.hidden.last_mut() {
                    Some(last) if last.end == range.start => last.end = range.end,
                    _ => self.hidden.push(range),
                }
            }
        }
        self
    }

    /// The bytes; zeros stand for what is hidden.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// How many they are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether any byte of the range is hidden.
    #[must_use]
    pub fn hides(&self, range: &Range<usize>) -> bool {
        self.hidden.iter().any(|hidden| hidden.start < range.end && range.start < hidden.end)
    }

    /// Whether any byte is hidden.
    #[must_use]
    pub fn hides_any(&self) -> bool {
        !self.hidden.is_empty()
    }

    /// A part of them.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Bytes {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        let cut = |hidden: &Range<usize>| {
            hidden.start.clamp(start, end) - start..hidden.end.clamp(start, end) - start
        };
        let hidden = self.hidden.iter().map(cut).filter(|hidden| !hidden.is_empty()).collect();
        Bytes { bytes: self.bytes.get(start..end).unwrap_or_default().to_vec(), hidden }
    }

    /// Others behind these.
    pub fn append(&mut self, more: &Bytes) {
        let length = self.len();
        self.bytes.extend_from_slice(&more.bytes);
        for hidden in &more.hidden {
            let hidden = hidden.start + length..hidden.end + length;
            match self.hidden.last_mut() {
                Some(last) if last.end == hidden.start => last.end = hidden.end,
                _ => self.hidden.push(hidden),
            }
        }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut at = 0;
        let end = self.len()..self.len();
        for hidden in self.hidden.iter().chain([&end]) {
            let shown = self.bytes.get(at..hidden.start).unwrap_or_default();
            if !shown.is_empty() {
                write!(f, "{}{}", if at == 0 { "" } else { " " }, hex::encode(shown))?;
            }
            if !hidden.is_empty() {
                let (space, plural) =
                    (if hidden.start == 0 { "" } else { " " }, if hidden.len() == 1 { "" } else { "s" });
                write!(f, "{space}‹{} byte{plural}›", hidden.len())?;
            }
            at = hidden.end;
        }
        Ok(())
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({} bytes)", self.len())
    }
}

/// A text that is no such bytes.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotBytes {
    /// Neither hexadecimal nor `‹n bytes›`.
    #[error("\"{piece}\" is no hexadecimal")]
    NoHex {
        /// The part of the text.
        piece: String,
    },
    /// More than a command or an answer can have.
    #[error("{length} bytes are more than a command has")]
    TooMany {
        /// How many are said to be hidden.
        length: usize,
    },
}

impl NotBytes {
    /// What is wrong, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            NotBytes::NoHex { piece } => format!("“{piece}”不是十六进制数据"),
            NotBytes::TooMany { length } => format!("{length}字节，超过一条命令的长度"),
        }
    }
}

/// Most bytes of a command or an answer, with everything around its data.
const MOST: usize = 0x1_0010;

impl FromStr for Bytes {
    type Err = NotBytes;

    fn from_str(text: &str) -> Result<Bytes, NotBytes> {
        let mut all = Bytes::default();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let wrong = |piece: &str| NotBytes::NoHex { piece: piece.to_owned() };
            let piece;
            if let Some(behind) = rest.strip_prefix('‹') {
                let (inside, after) = behind.split_once('›').ok_or_else(|| wrong(rest))?;
                (piece, rest) = (inside, after);
                let length = piece.split_once(' ').filter(|(_, unit)| matches!(*unit, "byte" | "bytes"));
                let length: usize = length.and_then(|(n, _)| n.parse().ok()).ok_or_else(|| wrong(piece))?;
                if length > MOST {
                    return Err(NotBytes::TooMany { length });
                }
                all.append(&Bytes::shown(&vec![0; length]).hide(once(0..length)));
            } else {
                let end = rest.find([' ', '‹']).unwrap_or(rest.len());
                (piece, rest) = rest.split_at(end);
                all.append(&Bytes::shown(&hex::decode(piece).map_err(|_| wrong(piece))?));
            }
            rest = rest.trim_start();
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hidden_bytes_are_counted_and_gone() {
        let bytes = Bytes::shown(&[1, 2, 3, 4, 5]).hide([1..2, 2..4]);
        assert_eq!(bytes.to_string(), "01 ‹3 bytes› 05");
        assert_eq!(bytes.as_slice(), [1, 0, 0, 0, 5]);
        assert_eq!(bytes.part(3..5).to_string(), "‹1 byte› 05");
        assert!(bytes.hides(&(0..2)) && !bytes.hides(&(4..5)) && !bytes.hides(&(0..1)));
        assert_eq!(Bytes::shown(&[]).to_string(), "");
    }

    #[test]
    fn what_is_no_bytes_is_refused() {
        for wrong in ["0", "xy", "‹3 bytes", "‹3›", "‹-1 bytes›", "00 ‹99999999 bytes›", "‹3 bits›"]
        {
            wrong.parse::<Bytes>().unwrap_err();
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(bytes: Vec<u8>, cuts in proptest::collection::btree_set(0_usize..40, 0..6)) {
            let cuts: Vec<_> = cuts.into_iter().collect();
            let ranges = cuts.chunks_exact(2).map(|pair| pair[0]..pair[1]);
            let bytes = Bytes::shown(&bytes).hide(ranges);
            prop_assert_eq!(bytes.to_string().parse::<Bytes>().unwrap(), bytes);
        }

        #[test]
        fn reading_never_panics(text in "[0-9a-f‹› bytes]{0,30}") {
            let _ = text.parse::<Bytes>();
        }
    }
}
