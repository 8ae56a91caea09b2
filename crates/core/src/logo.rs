//! The MSP's logo on the page of a link.
//!
//! It is part of the page: a picture from elsewhere would tell its host of every visit. People enter it as `data:image/png;base64,…`;
//! it is stored once under the SHA-256 of its bytes, and documents and links name it by that, so they stay small and nobody can put another in its place.

use crate::keys::sha256_hex;
use crate::record::Record;
use crate::seal::{base64, unbase64};
use serde::{Deserialize, Serialize};

/// How it is entered.
const ENTERED: &str = "data:image/png;base64,";
/// How documents name it.
const NAMED: &str = "sha256:";
/// Largest file, in bytes, and largest side, in pixels: a small file may unfold into a huge picture.
const MOST_BYTES: usize = 24 * 1024;
const MOST_PIXELS: u32 = 1_024;

/// A stored logo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logo {
    /// A PNG file, base64.
    png: String,
}

impl Record for Logo {
    const SCHEMA: u64 = 1;
}

impl Logo {
    /// As it was entered. `None` if the text only names one that is stored.
    ///
    /// # Errors
    /// What is wrong, for the person who entered it.
    pub fn entered(text: &str) -> Result<Option<Self>, String> {
        if hash(text).is_some() {
            return Ok(None);
        }
        let wanted = || format!("must be `{ENTERED}` and a PNG file of at most {} KB", MOST_BYTES / 1024);
        let bytes = text.strip_prefix(ENTERED).and_then(unbase64).filter(|bytes| bytes.len() <= MOST_BYTES).ok_or_else(wanted)?;
        let (width, height) = size(&bytes).ok_or_else(wanted)?;
        if !(1..=MOST_PIXELS).contains(&width) || !(1..=MOST_PIXELS).contains(&height) {
            return Err(format!("must be at most {MOST_PIXELS} pixels wide and high"));
        }
        Ok(Some(Logo { png: base64(&bytes) }))
    }

    /// The hash that it is stored under.
    #[must_use]
    pub fn hash(&self) -> String {
        sha256_hex(&unbase64(&self.png).unwrap_or_default())
    }

    /// As documents name it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{NAMED}{}", self.hash())
    }

    /// For a page: only if it is the one of this hash, and a picture.
    #[must_use]
    pub fn source(&self, hash: &str) -> Option<String> {
        let bytes = unbase64(&self.png).filter(|bytes| sha256_hex(bytes) == hash && size(bytes).is_some())?;
        Some(format!("{ENTERED}{}", base64(&bytes)))
    }
}

/// The hash in a document's name of a logo.
#[must_use]
pub fn hash(name: &str) -> Option<&str> {
    name.strip_prefix(NAMED).filter(|hash| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
}

/// Width and height of a PNG file, from its first chunk.
fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let head = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR")?;
    let number = |at: usize| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?));
    Some((number(0)?, number(4)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32, more: usize) -> Vec<u8> {
        [b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".as_slice(), &width.to_be_bytes(), &height.to_be_bytes(), &vec![0; more]].concat()
    }

    #[test]
    fn only_a_small_png_is_a_logo() {
        let text = |bytes: &[u8]| format!("{ENTERED}{}", base64(bytes));
        for (entered, good) in [
            (text(&png(200, 60, 100)), true),
            (text(&png(1_024, 1, 100)), true),
            (text(&png(1_025, 60, 100)), false),
            (text(&png(60, 0, 100)), false),
            (text(&png(60_000, 60_000, 100)), false),
            (text(&png(200, 60, MOST_BYTES)), false),
            (text(b"<svg onload='alert(1)'/>"), false),
            (text(b"\x89PNG"), false),
            ("https://elsewhere.example/logo.png".into(), false),
            ("data:image/svg+xml;base64,PHN2Zy8+".into(), false),
            ("data:text/html;base64,PHN2Zy8+".into(), false),
            (format!("{ENTERED}\"><script>"), false),
            (format!("{NAMED}{}", "0".repeat(63)), false),
            (String::new(), false),
        ] {
            assert_eq!(Logo::entered(&entered).is_ok(), good, "{}", entered.chars().take(60).collect::<String>());
        }
        assert_eq!(Logo::entered(&format!("{NAMED}{}", "0".repeat(64))), Ok(None));
    }

    #[test]
    fn nobody_puts_another_picture_in_its_place() {
        let logo = Logo::entered(&format!("{ENTERED}{}", base64(&png(200, 60, 9)))).unwrap().unwrap();
        let other = Logo { png: base64(&png(200, 61, 9)) };
        let hash = hash(&logo.name()).map(str::to_string).unwrap();
        assert!(logo.source(&hash).unwrap().starts_with(ENTERED) && other.source(&hash).is_none());
        let text = Logo { png: base64(b"<script>") };
        assert!(text.source(&text.hash()).is_none());
    }
}
