//! Requests taken apart, and answers before they become HTTP.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value};

/// A request as an emulator reads it.
pub(crate) struct Ask {
    pub method: String,
    /// Decoded segments of the path, without the prefix of loopback serving.
    pub path: Vec<String>,
    /// The decoded path, for messages, faults and the record of calls.
    pub plain: String,
    /// Decoded query pairs, in order.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Scheme, authority and prefix, without a slash at the end: what the vendor's own links begin with.
    pub base: String,
    /// The host that was named, without port, if it belongs to the vendor.
    pub host: Option<String>,
    /// Milliseconds since 1970.
    pub now: u64,
}

impl Ask {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Media type without parameters, in lower case.
    pub fn media(&self) -> Option<String> {
        Some(self.header("content-type")?.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Refuses query options that are not in the list, or that stand there twice.
    pub fn only_query(&self, allowed: &[&str]) -> Result<(), String> {
        for (at, (name, _)) in self.query.iter().enumerate() {
            if !allowed.contains(&name.as_str()) {
                return Err(format!("unknown query option `{name}`"));
            }
            if self.query.iter().take(at).any(|(earlier, _)| earlier == name) {
                return Err(format!("query option `{name}` given twice"));
            }
        }
        Ok(())
    }

    /// The body as JSON, if it is declared as such.
    pub fn json(&self) -> Result<Value, String> {
        match self.media().as_deref() {
            Some("application/json") => serde_json::from_slice(&self.body).map_err(|error| format!("the body is not JSON: {error}")),
            other => Err(format!("content type `{}` where JSON is needed", other.unwrap_or_default())),
        }
    }

    /// The body as a JSON object with no other than these members.
    pub fn json_object(&self, allowed: &[&str]) -> Result<Map<String, Value>, String> {
        match self.json()? {
            Value::Object(map) => only(&map, allowed).map(|()| map),
            _ => Err("the body is not an object".into()),
        }
    }

    /// The body as form pairs, if it is declared as such.
    pub fn form(&self) -> Result<Vec<(String, String)>, String> {
        match self.media().as_deref() {
            Some("application/x-www-form-urlencoded") => Ok(form_urlencoded::parse(&self.body).into_owned().collect()),
            other => Err(format!("content type `{}` where a form is needed", other.unwrap_or_default())),
        }
    }

    /// Refuses a body where none belongs.
    pub fn no_body(&self) -> Result<(), String> {
        if self.body.is_empty() { Ok(()) } else { Err("a body where none belongs".into()) }
    }

    pub fn segments(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }
}

/// What an emulator answers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Option<Value>,
    /// Something at the vendor is different now.
    pub changed: bool,
    /// Set if no correct client would have sent this.
    pub violation: Option<String>,
}

impl Answer {
    pub fn json(status: u16, body: Value) -> Self {
        Answer { status, headers: Vec::new(), body: Some(body), changed: false, violation: None }
    }

    pub fn empty(status: u16) -> Self {
        Answer { status, headers: Vec::new(), body: None, changed: false, violation: None }
    }

    pub fn changed(mut self) -> Self {
        self.changed = true;
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn violating(mut self, what: impl Into<String>) -> Self {
        self.violation = Some(what.into());
        self
    }
}

/// Emulators leave early with a refusal through `?`.
pub(crate) type Outcome = Result<Answer, Answer>;

/// Refuses members that are not in the list.
pub(crate) fn only(map: &Map<String, Value>, allowed: &[&str]) -> Result<(), String> {
    match map.keys().find(|key| !allowed.contains(&key.as_str())) {
        Some(key) => Err(format!("unknown field `{key}`")),
        None => Ok(()),
    }
}

/// `2026-11-22T11:00:00Z`.
pub(crate) fn iso(ms: u64) -> String {
    stamp(ms - ms % 1000)
}

/// `2026-11-22T11:00:00.000Z`.
pub(crate) fn iso_millis(ms: u64) -> String {
    let whole = iso(ms);
    format!("{}.{:03}Z", whole.trim_end_matches('Z'), ms % 1000)
}

fn stamp(ms: u64) -> String {
    let at = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}

/// Milliseconds of an RFC 3339 time.
pub(crate) fn parse_iso(text: &str) -> Option<u64> {
    let at = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok()?;
    u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()
}

/// Merges members into an object, as a human's hand does.
pub(crate) fn merge<T: serde::Serialize + serde::de::DeserializeOwned>(record: &mut T, set: &Map<String, Value>) -> Result<(), String> {
    let mut value = serde_json::to_value(&*record).map_err(|error| error.to_string())?;
    if let Value::Object(map) = &mut value {
        for (key, member) in set {
            map.insert(key.clone(), member.clone());
        }
    }
    *record = serde_json::from_value(value).map_err(|error| error.to_string())?;
    Ok(())
}

/// A token-like text that is different for each number, and the same in each run.
pub(crate) fn token(kind: &str, number: u64) -> String {
    use sha2::Digest;
    let hash = sha2::Sha256::digest(format!("{kind}/{number}"));
    hash.iter().take(20).map(|byte| format!("{byte:02x}")).collect()
}

/// A GUID-like text that is different for each number, and the same in each run.
pub(crate) fn guid(kind: &str, number: u64) -> String {
    let hex = token(kind, number);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_vendors_write_them() {
        assert_eq!((iso(1_700_000_000_123).as_str(), iso_millis(1_700_000_000_023).as_str()), ("2023-11-14T22:13:20Z", "2023-11-14T22:13:20.023Z"));
        assert_eq!(parse_iso("2023-11-14T22:13:20Z"), Some(1_700_000_000_000));
    }
}
