//! View-once secrets.

use crate::record::Record;
use crate::{Instant, keys};
use serde::{Deserialize, Serialize};

/// A secret that its link shows once. Stored under the SHA-256 of the link's token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Once {
    /// Base64 of the secret, sealed to the credential link with [`crate::seal::once_context`] of the token's hash, this tenant and this expiry.
    pub sealed: String,
    /// The tenant, part of the associated data.
    pub tenant: String,
    /// When it stops working.
    pub expires: Instant,
    /// The latest time that any tick had seen when it was made, see [`Once::expired`].
    #[serde(default)]
    pub latest: Instant,
    /// The MSP's name, for the page.
    pub msp: String,
    /// Ticket number, for the page; empty if there is none.
    pub ticket: String,
    /// It is a Temporary Access Pass and no password, for the page.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pass: bool,
    /// The user's language, for the page.
    #[serde(default)]
    pub locale: String,
    /// The hash of the MSP's logo, for the page; empty if there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub logo: String,
}

impl Record for Once {
    const SCHEMA: u64 = 1;
}

/// What stands in place of a secret that was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// When.
    pub opened: Instant,
}

impl Record for Opened {
    /// Another one than that of a secret.
    const SCHEMA: u64 = 1_001;
}

impl Once {
    /// The same without the secret; it works no more.
    #[must_use]
    pub fn erased(self) -> Self {
        Once { sealed: String::new(), expires: 0, ..self }
    }

    /// Whether it works no more. `latest` is the latest time that any tick has seen: an expiry that was reached since the link was made
    /// stays reached when the clock is put back, and a link that was made after that lives by the clock as it is then.
    #[must_use]
    pub fn expired(&self, now: Instant, latest: Instant) -> bool {
        now >= self.expires || latest > self.latest && latest >= self.expires
    }
}

/// A page on which a code is typed. Stored under the SHA-256 of its link's token; it holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodePage {
    /// The mailbox that hears of it.
    pub conversation: String,
    /// The tenant, part of the associated data of what is typed.
    pub tenant: String,
    /// The chat connection of the case.
    pub connection: String,
    /// The case, likewise.
    pub case: String,
    /// The series of buttons that it belongs to.
    pub page: String,
    /// When it stops working.
    pub expires: Instant,
    /// The MSP's name.
    pub msp: String,
    /// Ticket number; empty if there is none.
    pub ticket: String,
    /// The user's language.
    pub locale: String,
    /// The hash of the MSP's logo; empty if there is none.
    pub logo: String,
}

impl Record for CodePage {
    const SCHEMA: u64 = 1;
}

/// So often something may be typed on one page.
pub const MOST_TYPED: i64 = 5;

/// The path of a page on which a code is typed, below the public URL.
#[must_use]
pub fn code_path(token: &str) -> String {
    format!("/c/{token}")
}

/// The path of a view-once link below the public URL. The token is itself a secret.
#[must_use]
pub fn path(token: &str) -> String {
    format!("/s/{token}")
}

/// A token: 64 hex digits of 32 random bytes.
#[must_use]
pub fn token(random: [u8; 32]) -> String {
    keys::hex(&random)
}

/// The hash that a token is stored under, if it has a token's shape.
#[must_use]
pub fn token_hash(token: &str) -> Option<String> {
    let plain = token.len() == 64 && token.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    plain.then(|| keys::sha256_hex(token.as_bytes()))
}

/// A temporary password of 16 characters from random bytes: no look-alikes, every kind of character that directories demand, about 90 bits.
#[must_use]
pub fn password(random: [u8; 32]) -> String {
    const KINDS: [&[u8]; 4] = [b"ABCDEFGHJKLMNPQRSTUVWXYZ", b"abcdefghijkmnpqrstuvwxyz", b"23456789", b"!#%*+-=?@"];
    let all: Vec<u8> = KINDS.concat();
    let pick = |set: &[u8], pair: &[u8]| -> char {
        // Two random bytes leave a bias below a tenth of a percent.
        let number = pair.iter().fold(0_usize, |n, byte| n << 8 | usize::from(*byte));
        set.get(number.checked_rem(set.len()).unwrap_or(0)).map_or('x', |byte| char::from(*byte))
    };
    random.chunks(2).enumerate().map(|(i, pair)| pick(KINDS.get(i).copied().unwrap_or(&all), pair)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_have_every_kind_and_differ() {
        for seed in 0..=255_u8 {
            let text = password([seed; 32]);
            assert_eq!(text.chars().count(), 16);
            for kind in [char::is_uppercase, char::is_lowercase, |c: char| c.is_ascii_digit(), |c: char| c.is_ascii_punctuation()] {
                assert!(text.chars().any(kind), "{text}");
            }
        }
        assert_ne!(password([1; 32]), password([2; 32]));
    }

    #[test]
    fn only_a_token_is_hashed() {
        let good = token([9; 32]);
        assert_eq!(token_hash(&good).unwrap().len(), 64);
        for bad in
            ["", "x", good.get(1..).unwrap(), &good.to_uppercase(), &format!("{good}/"), "../../../../../../../../../../../../../../../../../../../../../.."]
        {
            assert_eq!(token_hash(bad).is_some(), bad == good, "{bad}");
        }
    }
}
