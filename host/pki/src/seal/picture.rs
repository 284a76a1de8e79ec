//! Pictures of seals (SES_ESPictrueInfo), and what their bytes say they are.
//!
//! Guarantees: the format is found by content, never by name; a picture is walked from its first to its last part, so
//! one cut short is noticed, and in a PNG every checksum is checked. Refuses to know how the picture looks: nothing is
//! decompressed.

use std::fmt;

mod read;

/// A picture as a seal carries it.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    kind: String,
    data: Vec<u8>,
    width_mm: u32,
    height_mm: u32,
}

/// A format that pictures of seals come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PictureFormat {
    /// Graphics Interchange Format, 87a or 89a.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// JPEG.
    Jpg,
    /// Portable Network Graphics.
    Png,
}

/// What the bytes of a picture say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureFacts {
    /// Its format.
    pub format: PictureFormat,
    /// Its width in pixels, not 0.
    pub width: u32,
    /// Its height in pixels, not 0.
    pub height: u32,
    /// Whether it can be transparent: an alpha channel or a transparent colour.
    pub transparent: bool,
}

/// Width or height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// From left to right.
    Width,
    /// From top to bottom.
    Height,
}

/// Why a picture is refused. `Display` is English, [`Self::zh`] Chinese.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// There are no bytes.
    #[error("the picture is empty; choose another file")]
    Empty,
    /// By its content it is none of the formats known here.
    #[error("the file is not a GIF, BMP, JPG or PNG picture; save it as one of these")]
    Unknown,
    /// Its format is not accepted.
    #[error("the picture is a {found}; accepted is {}", names(accepted, ", "))]
    Format {
        /// What it is.
        found: PictureFormat,
        /// What it may be.
        accepted: Vec<PictureFormat>,
    },
    /// It has too many bytes.
    #[error("the picture has {bytes} bytes, at most {most} are accepted")]
    TooBig {
        /// Its size in bytes.
        bytes: usize,
        /// The most.
        most: usize,
    },
    /// It ends before it is complete.
    #[error("the {0} picture is incomplete; save or upload it again")]
    Truncated(
        /// Its format.
        PictureFormat,
    ),
    /// It breaks the rules of its format.
    #[error("the {format} picture is damaged ({part}); save it again")]
    Damaged {
        /// Its format.
        format: PictureFormat,
        /// Where, in the words of the format.
        part: &'static str,
    },
    /// It has too few or too many pixels.
    #[error("the picture's {side} is {found} pixels; it must be {least} to {most}")]
    Pixels {
        /// Which side.
        side: Side,
        /// Its pixels.
        found: u32,
        /// The least.
        least: u32,
        /// The most.
        most: u32,
    },
    /// It would be too small or too large on paper.
    #[error("the seal's {side} is {found} mm; it must be {least} to {most}")]
    Millimetres {
        /// Which side.
        side: Side,
        /// Its millimetres.
        found: u32,
        /// The least.
        least: u32,
        /// The most.
        most: u32,
    },
    /// Its pixels have another proportion than its millimetres: it would be distorted.
    #[error("a picture of {} x {} pixels would be distorted on {} x {} mm", pixels.0, pixels.1, millimetres.0, millimetres.1)]
    Proportions {
        /// Width and height in pixels.
        pixels: (u32, u32),
        /// Width and height in millimetres.
        millimetres: (u32, u32),
    },
    /// It would hide what it is stamped on.
    #[error("the picture has no transparent background; save it as one that has")]
    Opaque,
}

impl Picture {
    /// The picture in these bytes, to appear in this size on paper. Its type is that of its content.
    ///
    /// # Errors
    /// [`PictureError::Empty`], [`PictureError::Unknown`], [`PictureError::Truncated`], [`PictureError::Damaged`];
    /// [`PictureError::Millimetres`] for a side of 0.
    pub fn new(data: Vec<u8>, width_mm: u32, height_mm: u32) -> Result<Self, PictureError> {
        let facts = PictureFacts::read(&data)?;
        for (side, found) in [(Side::Width, width_mm), (Side::Height, height_mm)] {
            if found == 0 {
                return Err(PictureError::Millimetres { side, found, least: 1, most: u32::MAX });
            }
        }
        Ok(Self::from_parts(facts.format.name().into(), data, width_mm, height_mm))
    }

    /// As a seal carries it, whatever it is.
    pub(super) fn from_parts(kind: String, data: Vec<u8>, width_mm: u32, height_mm: u32) -> Self {
        Self { kind, data, width_mm, height_mm }
    }

    /// Its type as the seal calls it, which in a seal of others is whatever its maker wrote.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Its bytes.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Its width on paper, millimetres.
    pub fn width_mm(&self) -> u32 {
        self.width_mm
    }

    /// Its height on paper, millimetres.
    pub fn height_mm(&self) -> u32 {
        self.height_mm
    }
}

impl PictureFacts {
    /// Reads a picture from its first to its last part.
    ///
    /// # Errors
    /// [`PictureError::Empty`], [`PictureError::Unknown`], [`PictureError::Truncated`] or [`PictureError::Damaged`].
    pub fn read(data: &[u8]) -> Result<Self, PictureError> {
        read::facts(data)
    }
}

impl PictureFormat {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Gif, Self::Bmp, Self::Jpg, Self::Png];

    /// Its name, as in a seal: `GIF`, `BMP`, `JPG` or `PNG`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::Jpg => "JPG",
            Self::Png => "PNG",
        }
    }

    /// Its media type, such as `image/jpeg`.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Gif => "image/gif",
            Self::Bmp => "image/bmp",
            Self::Jpg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    /// The format of this media type.
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.media_type() == media_type)
    }
}

impl Side {
    fn zh(self) -> &'static str {
        match self {
            Self::Width => "宽度",
            Self::Height => "高度",
        }
    }
}

impl PictureError {
    /// What is wrong and what to do, Chinese.
    pub fn zh(&self) -> String {
        match self {
            Self::Empty => "图片是空文件，请另选文件".into(),
            Self::Unknown => "文件内容不是 GIF、BMP、JPG 或 PNG 图片，请另存为其中一种格式".into(),
            Self::Format { found, accepted } => {
                format!("图片实际格式为 {found}，只接受 {}", names(accepted, "、"))
            }
            Self::TooBig { bytes, most } => format!("图片大小为 {bytes} 字节，不得超过 {most} 字节"),
            Self::Truncated(format) => format!("{format} 图片不完整，请重新保存或上传"),
            // The part has a name in the words of the format only.
            Self::Damaged { format, .. } => format!("{format} 图片已损坏，请重新保存"),
            Self::Pixels { side, found, least, most } => {
                format!("图片{}为 {found} 像素，应在 {least} 至 {most} 像素之间", side.zh())
            }
            Self::Millimetres { side, found, least, most } => {
                format!("印章{}为 {found} 毫米，应在 {least} 至 {most} 毫米之间", side.zh())
            }
            Self::Proportions { pixels, millimetres } => format!(
                "图片 {} x {} 像素与印章 {} x {} 毫米的宽高比例不一致，盖章后会变形",
                pixels.0, pixels.1, millimetres.0, millimetres.1
            ),
            Self::Opaque => "图片背景不透明，请另存为透明背景的图片".into(),
        }
    }
}

fn names(formats: &[PictureFormat], separator: &str) -> String {
    formats.iter().map(|format| format.name()).collect::<Vec<_>>().join(separator)
}

impl fmt::Display for PictureFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Width => "width",
            Self::Height => "height",
        })
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Picture({}, {} bytes, {} x {} mm)",
            self.kind,
            self.data.len(),
            self.width_mm,
            self.height_mm
        )
    }
}
