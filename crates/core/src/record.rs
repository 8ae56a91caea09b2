//! Stored records: JSON with a schema number; those that only console and technician may write carry a MAC.

use crate::keys::hex;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::Sha256;
use std::fmt;

/// Why a stored record cannot be used. The case goes to a human; nothing is overwritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Corrupt {
    /// Not the JSON that this program writes.
    Shape(String),
    /// Written by a newer program, or not a record at all.
    Schema(u64),
    /// Not written by someone who holds the key, or moved from another key.
    Mac,
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Corrupt::Shape(what) => write!(f, "the record is damaged: {what}"),
            Corrupt::Schema(found) => write!(f, "the record has schema {found}, which this version does not know"),
            Corrupt::Mac => write!(f, "the record was not written by this installation, or stands under another key"),
        }
    }
}

impl std::error::Error for Corrupt {}

/// A kind of record with a schema number of its own.
pub trait Record: Serialize + DeserializeOwned {
    /// The only schema that this program writes and reads.
    const SCHEMA: u64;
}

#[derive(Serialize)]
struct Plain<'a, T> {
    schema: u64,
    record: &'a T,
}

/// Writes a record without a MAC.
#[must_use]
pub fn write<T: Record>(record: &T) -> Vec<u8> {
    // INVARIANT: records hold only maps with string keys, so serialising cannot fail.
    serde_json::to_vec(&Plain { schema: T::SCHEMA, record }).unwrap_or_default()
}

/// Reads a record without a MAC.
///
/// # Errors
/// [`Corrupt`] for anything that [`write`] did not write.
pub fn read<T: Record>(bytes: &[u8]) -> Result<T, Corrupt> {
    #[derive(Deserialize)]
    struct Head {
        schema: u64,
    }
    #[derive(Deserialize)]
    struct Whole<T> {
        record: T,
    }
    let shape = |error: serde_json::Error| Corrupt::Shape(format!("line {} column {}", error.line(), error.column()));
    let head: Head = serde_json::from_slice(bytes).map_err(shape)?;
    if head.schema != T::SCHEMA {
        return Err(Corrupt::Schema(head.schema));
    }
    serde_json::from_slice::<Whole<T>>(bytes).map(|whole| whole.record).map_err(shape)
}

/// The key of the MACs over records and buttons: console and technician hold it.
#[derive(Clone)]
pub struct IntegrityKey(Vec<u8>);

impl fmt::Debug for IntegrityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IntegrityKey(…)")
    }
}

impl IntegrityKey {
    /// From the variable `integrity_key`: base64 of 32 bytes.
    ///
    /// # Errors
    /// A text for the operator that names what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("the variable `integrity_key` is empty: `cargo run -- keys` makes one".into());
        }
        match crate::seal::unbase64(text) {
            Some(bytes) if bytes.len() == 32 => Ok(IntegrityKey(bytes)),
            Some(bytes) => Err(format!("the variable `integrity_key` holds {} bytes, not 32", bytes.len())),
            None => Err("the variable `integrity_key` is not base64".into()),
        }
    }

    fn mac(&self, domain: &str, parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(domain.as_bytes());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Some(mac)
    }

    /// A MAC as hex over text in a domain, for buttons.
    #[must_use]
    pub fn sign(&self, domain: &str, text: &str) -> String {
        self.mac(domain, &[text.as_bytes()]).map(|mac| hex(&mac.finalize().into_bytes())).unwrap_or_default()
    }

    /// Compares in constant time.
    #[must_use]
    pub fn verify(&self, domain: &str, text: &str, signature: &str) -> bool {
        match (self.mac(domain, &[text.as_bytes()]), unhex(signature)) {
            (Some(mac), Some(bytes)) => mac.verify_slice(&bytes).is_ok(),
            _ => false,
        }
    }

    /// Writes a record under a MAC that also covers the key it is stored under.
    #[must_use]
    pub fn write<T: Record>(&self, stored_under: &str, record: &T) -> Vec<u8> {
        let body = write(record);
        let mac = self.mac("record", &[stored_under.as_bytes(), &body]).map(|mac| hex(&mac.finalize().into_bytes())).unwrap_or_default();
        let mut out = mac.into_bytes();
        out.push(b'\n');
        out.extend(body);
        out
    }

    /// Reads a record that [`IntegrityKey::write`] wrote under the same key.
    ///
    /// # Errors
    /// [`Corrupt`] otherwise.
    pub fn read<T: Record>(&self, stored_under: &str, bytes: &[u8]) -> Result<T, Corrupt> {
        let (tag, body) = bytes.split_at_checked(64).ok_or(Corrupt::Mac)?;
        let body = body.strip_prefix(b"\n").ok_or(Corrupt::Mac)?;
        let tag = std::str::from_utf8(tag).ok().and_then(unhex).ok_or(Corrupt::Mac)?;
        let mac = self.mac("record", &[stored_under.as_bytes(), body]).ok_or(Corrupt::Mac)?;
        mac.verify_slice(&tag).map_err(|_| Corrupt::Mac)?;
        read(body)
    }
}

/// Reads hex of either case.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|d| d.len() % 2 == 0)?;
    digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(high * 16 + low).ok(),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Note {
        text: String,
    }
    impl Record for Note {
        const SCHEMA: u64 = 3;
    }

    fn key() -> IntegrityKey {
        IntegrityKey::parse(&crate::seal::base64(&[7; 32])).unwrap()
    }

    #[test]
    fn a_record_is_bound_to_its_key_and_to_every_byte() {
        let note = Note { text: "hi".into() };
        let bytes = key().write("a", &note);
        assert_eq!(key().read::<Note>("a", &bytes), Ok(note));
        assert_eq!(key().read::<Note>("b", &bytes), Err(Corrupt::Mac));
        for i in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[i] ^= 1;
            assert!(key().read::<Note>("a", &bad).is_err(), "byte {i}");
            assert!(key().read::<Note>("a", &bytes[..i]).is_err(), "cut at {i}");
        }
    }

    #[test]
    fn an_unknown_schema_is_named() {
        assert_eq!(read::<Note>(br#"{"schema":4,"record":{"text":1}}"#), Err(Corrupt::Schema(4)));
        assert!(matches!(read::<Note>(b"{}"), Err(Corrupt::Shape(_))));
    }

    #[test]
    fn buttons_are_signed() {
        let tag = key().sign("button", "a.b");
        assert!(key().verify("button", "a.b", &tag));
        for (domain, text, tag) in [("button", "a.c", tag.as_str()), ("other", "a.b", &tag), ("button", "a.b", ""), ("button", "a.b", "zz")] {
            assert!(!key().verify(domain, text, tag));
        }
    }

    #[test]
    fn a_missing_key_is_reported_by_name() {
        for text in ["", "!", "AAAA"] {
            assert!(IntegrityKey::parse(text).unwrap_err().contains("integrity_key"));
        }
    }
}
