//! Signatures of inbound webhooks, over the raw bytes.

use crate::record::unhex;
use crate::seal::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A webhook whose signature was verified. It can only come from this module.
#[derive(Debug, Clone)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// What was verified.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// Why a webhook is refused. One answer for all (401), different words in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// A header is missing or malformed.
    Missing,
    /// Older or newer than five minutes.
    Stale,
    /// Signed with another secret, or changed on the way.
    Wrong,
}

/// Tolerance in either direction, in seconds, as Slack and Standard Webhooks name it.
const TOLERANCE: u64 = 300;

/// Slack's scheme v0: hex HMAC-SHA256 over `v0:{timestamp}:{raw body}`.
/// Source: Slack, "Verifying requests from Slack". Several secrets are accepted while one is being rotated.
///
/// # Errors
/// [`Refused`], compared in constant time.
pub fn slack<T: AsRef<[u8]>>(
    secrets: &[Secret],
    timestamp: Option<&str>,
    signature: Option<&str>,
    now: crate::Instant,
    body: T,
) -> Result<Verified<T>, Refused> {
    let (timestamp, signature) = timestamp.zip(signature).ok_or(Refused::Missing)?;
    let sent: u64 = timestamp.parse().map_err(|_| Refused::Missing)?;
    if (now / 1_000).abs_diff(sent) > TOLERANCE {
        return Err(Refused::Stale);
    }
    let tag = signature.strip_prefix("v0=").and_then(unhex).ok_or(Refused::Missing)?;
    let matches = |secret: &Secret| {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else { return false };
        mac.update(b"v0:");
        mac.update(timestamp.as_bytes());
        mac.update(b":");
        mac.update(body.as_ref());
        mac.verify_slice(&tag).is_ok()
    };
    if secrets.iter().filter(|secret| !secret.expose().is_empty()).any(matches) { Ok(Verified(body)) } else { Err(Refused::Wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The vector: Slack's documented form, computed independently.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const SIGNATURE: &str = "v0=3eeaac3070533b0f5536145f88159d8e50277d9f01e4865f87e2d749f4789397";

    fn check(secrets: &[&str], timestamp: Option<&str>, signature: Option<&str>, now: u64, body: &str, expect: Result<(), Refused>) {
        let secrets: Vec<Secret> = secrets.iter().map(|s| Secret::new((*s).into())).collect();
        assert_eq!(slack(&secrets, timestamp, signature, now * 1_000, body).map(|_| ()), expect);
    }

    #[test]
    fn only_a_fresh_signature_over_the_raw_bytes_passes() {
        let (ts, sig, now) = (Some("1531420618"), Some(SIGNATURE), 1_531_420_618);
        check(&[SECRET], ts, sig, now, "token=x", Ok(()));
        check(&["old", SECRET], ts, sig, now + 299, "token=x", Ok(()));
        check(&[SECRET], ts, sig, now + 301, "token=x", Err(Refused::Stale));
        check(&[SECRET], ts, sig, now - 301, "token=x", Err(Refused::Stale));
        check(&[SECRET], ts, sig, now, "token=y", Err(Refused::Wrong));
        check(&["wrong"], ts, sig, now, "token=x", Err(Refused::Wrong));
        check(&[], ts, sig, now, "token=x", Err(Refused::Wrong));
        check(&[""], ts, sig, now, "token=x", Err(Refused::Wrong));
        check(&[SECRET], None, sig, now, "token=x", Err(Refused::Missing));
        check(&[SECRET], ts, None, now, "token=x", Err(Refused::Missing));
        check(&[SECRET], ts, Some("v1=00"), now, "token=x", Err(Refused::Missing));
        check(&[SECRET], Some("-1"), sig, now, "token=x", Err(Refused::Missing));
    }
}
