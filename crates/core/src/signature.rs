//! Signatures of inbound webhooks, over the raw bytes.

use crate::record::unhex;
use crate::seal::{Secret, unbase64};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

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

/// ConnectWise's scheme: base64 HMAC-SHA256 over the raw body, under the SHA-256 of the signing key.
/// It holds no time, so a webhook may be replayed: it must not be more than a hint.
///
/// # Errors
/// [`Refused`], compared in constant time.
pub fn connectwise<T: AsRef<[u8]>>(key: &Secret, signature: Option<&str>, body: T) -> Result<Verified<T>, Refused> {
    let tag = signature.and_then(unbase64).ok_or(Refused::Missing)?;
    if key.expose().is_empty() {
        return Err(Refused::Wrong);
    }
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&Sha256::digest(key.expose().as_bytes())) else { return Err(Refused::Wrong) };
    mac.update(body.as_ref());
    if mac.verify_slice(&tag).is_ok() { Ok(Verified(body)) } else { Err(Refused::Wrong) }
}

/// Whether the address of a signing key, which an unverified body names, lies on the connection's own host: same scheme, host and port.
#[must_use]
pub fn is_pinned(key_url: &str, base_url: &str) -> bool {
    let (Ok(key), Ok(base)) = (key_url.parse::<http::Uri>(), base_url.parse::<http::Uri>()) else { return false };
    let (Some(host), Some(own)) = (key.authority(), base.authority()) else { return false };
    let plain = key_url.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'#' | b'@' | b'\\'));
    plain && key_url.len() <= 500 && key.scheme().is_some() && key.scheme() == base.scheme() && host.as_str().eq_ignore_ascii_case(own.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_of_connectwise_is_signed_under_the_hash_of_its_key() {
        // Computed independently, by Python's hmac and hashlib.
        let (key, signature) = ("wL0Yb1ZpK4uV7nQe", "Bkm9BC9p5YZakOPvvXVWHGCdFAFKbNTooGKxjZfRVwE=");
        let body = r#"{"Action":"updated","ID":1001,"Type":"ticket","Metadata":{"key_url":"https://api-eu.myconnectwise.net/k"}}"#;
        let check = |key: &str, signature: Option<&str>, body: &str, expect: Result<(), Refused>| {
            assert_eq!(connectwise(&Secret::new(key.into()), signature, body).map(|_| ()), expect);
        };
        check(key, Some(signature), body, Ok(()));
        check(key, Some(signature), &body.replace("1001", "1002"), Err(Refused::Wrong));
        check(key, Some(signature), &format!("{body} "), Err(Refused::Wrong));
        check("other", Some(signature), body, Err(Refused::Wrong));
        check("", Some(signature), body, Err(Refused::Wrong));
        check(key, None, body, Err(Refused::Missing));
        check(key, Some("not base64!"), body, Err(Refused::Missing));
        check(key, Some(""), body, Err(Refused::Wrong));
    }

    #[test]
    fn a_signing_key_is_fetched_from_the_connections_own_host_only() {
        let base = "https://api-eu.myconnectwise.net/v4_6_release/apis/3.0";
        for (url, pinned) in [
            ("https://api-eu.myconnectwise.net/v4_6_release/key?id=1", true),
            ("https://API-EU.myconnectwise.net/k", true),
            ("http://api-eu.myconnectwise.net/k", false),
            ("https://api-na.myconnectwise.net/k", false),
            ("https://api-eu.myconnectwise.net:8443/k", false),
            ("https://api-eu.myconnectwise.net.evil.example/k", false),
            ("https://api-eu.myconnectwise.net@evil.example/k", false),
            ("https://evil.example/api-eu.myconnectwise.net", false),
            ("https://evil.example#api-eu.myconnectwise.net", false),
            ("https://evil.example\\api-eu.myconnectwise.net", false),
            ("https://169.254.169.254/latest", false),
            ("http://technician.spin.internal/tick", false),
            ("//api-eu.myconnectwise.net/k", false),
            ("/k", false),
            ("", false),
        ] {
            assert_eq!(is_pinned(url, base), pinned, "{url}");
        }
    }

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
