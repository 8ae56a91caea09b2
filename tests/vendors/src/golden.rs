//! Requests recorded from the vendors' own clients: ours must look the same.

use crate::web::Ask;
use serde_json::Value;
use std::sync::OnceLock;

struct Recorded {
    vendor: &'static str,
    method: String,
    path: Vec<String>,
    query: Vec<String>,
    media: Option<String>,
    body: Option<Value>,
}

/// Where a call may differ from its recording.
struct Leeway {
    vendor: &'static str,
    tail: &'static str,
    /// Members that the recording lacks.
    more: &'static [&'static str],
    /// Members of the recording that may be absent.
    fewer: &'static [&'static str],
    /// Query options beside the recorded ones.
    query: &'static [&'static str],
}

const LEEWAY: &[Leeway] = &[
    Leeway {
        vendor: "slack",
        tail: "chat.postMessage",
        more: &["thread_ts", "metadata", "reply_broadcast", "mrkdwn", "unfurl_links", "unfurl_media", "parse", "link_names"],
        fewer: &["blocks", "text"],
        query: &[],
    },
    Leeway { vendor: "slack", tail: "chat.update", more: &["blocks", "metadata", "parse", "link_names", "reply_broadcast"], fewer: &[], query: &[] },
    Leeway { vendor: "slack", tail: "conversations.open", more: &["return_im", "prevent_creation"], fewer: &[], query: &[] },
    Leeway { vendor: "entra", tail: "users/{}", more: &[], fewer: &[], query: &["$select"] },
    Leeway { vendor: "okta", tail: "expire_password_with_temp_password", more: &[], fewer: &[], query: &["revokeSessions"] },
    Leeway { vendor: "okta", tail: "reset_password", more: &[], fewer: &[], query: &["revokeSessions"] },
    Leeway { vendor: "okta", tail: "sessions", more: &[], fewer: &["oauthTokens"], query: &["forgetDevices"] },
];

/// Words that are no ids: a recorded segment that is none of them stands for any text.
fn fixed(segment: &str) -> bool {
    const WORDS: &[&str] = &["api", "v1", "v1.0", "users", "groups", "authentication", "methods", "lifecycle", "factors", "sessions", "members", "$ref"];
    WORDS.contains(&segment)
        || segment.contains('.')
            && (segment.starts_with("chat.") || segment.starts_with("conversations.") || segment.starts_with("users.") || segment.starts_with("views."))
        || segment.ends_with("Methods")
        || [
            "unlock",
            "reset_password",
            "expire_password_with_temp_password",
            "reset_factors",
            "resetPassword",
            "revokeSignInSessions",
            "assignLicense",
            "subscribedSkus",
            "mailboxSettings",
        ]
        .contains(&segment)
}

fn recorded() -> &'static [Recorded] {
    static ALL: OnceLock<Vec<Recorded>> = OnceLock::new();
    ALL.get_or_init(|| {
        let files =
            [("entra", include_str!("../data/graph.jsonl")), ("okta", include_str!("../data/okta.jsonl")), ("slack", include_str!("../data/slack.jsonl"))];
        files.iter().flat_map(|(vendor, text)| text.lines().filter_map(|line| read(vendor, line))).collect()
    })
}

fn read(vendor: &'static str, line: &str) -> Option<Recorded> {
    let line: Value = serde_json::from_str(line).ok()?;
    let (path, query) = line.get("p")?.as_str()?.split_once('?').unwrap_or((line.get("p")?.as_str()?, ""));
    let media = line.pointer("/h/content-type").and_then(Value::as_str).map(|value| value.split(';').next().unwrap_or_default().to_string());
    Some(Recorded {
        vendor,
        method: line.get("m")?.as_str()?.into(),
        path: path.trim_start_matches('/').split('/').map(|segment| percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect(),
        query: form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into_owned()).collect(),
        body: body(media.as_deref(), line.get("b")?.as_str()?.as_bytes()),
        media,
    })
}

/// A body as JSON; a form becomes an object.
fn body(media: Option<&str>, bytes: &[u8]) -> Option<Value> {
    match media {
        _ if bytes.is_empty() => None,
        Some("application/x-www-form-urlencoded") => {
            Some(form_urlencoded::parse(bytes).map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect())
        }
        _ => serde_json::from_slice(bytes).ok(),
    }
}

/// `Ok(true)`: recorded, and alike. `Ok(false)`: no recording of such a call.
///
/// # Errors
/// What differs from every recording of the call.
pub(crate) fn matches(vendor: &str, ask: &Ask) -> Result<bool, String> {
    let alike = |known: &&Recorded| {
        known.vendor == vendor
            && known.method == ask.method
            && known.path.len() == ask.path.len()
            && known.path.iter().zip(&ask.path).all(|(known, ours)| if fixed(known) { known == ours } else { !fixed(ours) && !ours.is_empty() })
    };
    let mut reasons = Vec::new();
    for known in recorded().iter().filter(alike) {
        match compare(known, ask) {
            Ok(()) => return Ok(true),
            Err(reason) => reasons.push(reason),
        }
    }
    if reasons.is_empty() { Ok(false) } else { Err(format!("differs from the recorded request: {}", reasons.join("; or: "))) }
}

fn compare(known: &Recorded, ask: &Ask) -> Result<(), String> {
    let shape: Vec<&str> = known.path.iter().map(|segment| if fixed(segment) { segment.as_str() } else { "{}" }).collect();
    let leeway = LEEWAY.iter().find(|leeway| leeway.vendor == known.vendor && shape.join("/").ends_with(leeway.tail));
    let (more, fewer, options) = leeway.map_or((&[][..], &[][..], &[][..]), |leeway| (leeway.more, leeway.fewer, leeway.query));
    for (name, _) in &ask.query {
        if !known.query.contains(name) && !options.contains(&name.as_str()) {
            return Err(format!("query option `{name}`"));
        }
    }
    if let Some(name) = known.query.iter().find(|name| ask.query(name).is_none() && !fewer.contains(&name.as_str())) {
        return Err(format!("query option `{name}` is missing"));
    }
    let media = ask.media();
    // One client declares a type on empty bodies; that is no part of the wire.
    if known.body.is_some() && media != known.media {
        return Err(format!("content type `{}` instead of `{}`", media.unwrap_or_default(), known.media.clone().unwrap_or_default()));
    }
    match (&known.body, body(media.as_deref(), &ask.body)) {
        (None, None) if ask.body.is_empty() => Ok(()),
        (Some(known), Some(ours)) => same(known, &ours, "", more, fewer),
        (None, _) => Err("a body where none was recorded".into()),
        (Some(_), None) => Err("no body, or not one of the declared type".into()),
    }
}

/// The same members of the same types. `@odata.type` may be absent; the leeway is for the first level.
fn same(known: &Value, ours: &Value, at: &str, more: &[&str], fewer: &[&str]) -> Result<(), String> {
    match (known, ours) {
        (Value::Object(known), Value::Object(ours)) => {
            if let Some(name) = ours.keys().find(|name| !known.contains_key(*name) && !more.contains(&name.as_str())) {
                return Err(format!("member `{at}/{name}` was not recorded"));
            }
            for (name, value) in known {
                match ours.get(name) {
                    // Blocks are checked against Block Kit, not against one recorded message.
                    Some(mine) if name == "blocks" && mine.is_array() => {}
                    Some(mine) => same(value, mine, &format!("{at}/{name}"), &[], &[])?,
                    None if name == "@odata.type" || fewer.contains(&name.as_str()) => {}
                    None => return Err(format!("member `{at}/{name}` is missing")),
                }
            }
            Ok(())
        }
        (Value::Array(known), Value::Array(ours)) => match known.first() {
            Some(first) => ours.iter().try_for_each(|item| same(first, item, &format!("{at}/0"), &[], &[])),
            None => Ok(()),
        },
        (known, ours) if std::mem::discriminant(known) == std::mem::discriminant(ours) => Ok(()),
        _ => Err(format!("`{at}` has another type")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ask;

    fn check(vendor: &str, request: &str, media: &str, body: &str, expect: Result<bool, &str>) {
        let got = matches(vendor, &ask(request, media, body));
        match (&got, expect) {
            (Ok(got), Ok(expect)) => assert_eq!(*got, expect, "{request} {body}"),
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{request} {body}: {reason}"),
            _ => panic!("{request} {body}: {got:?}, expected {expect:?}"),
        }
    }

    #[test]
    fn every_recorded_request_matches_itself() {
        assert_eq!(recorded().len(), 27);
        for (vendor, text) in
            [("entra", include_str!("../data/graph.jsonl")), ("okta", include_str!("../data/okta.jsonl")), ("slack", include_str!("../data/slack.jsonl"))]
        {
            for line in text.lines() {
                let line: Value = serde_json::from_str(line).unwrap();
                let request = format!("{} {}", line["m"].as_str().unwrap(), line["p"].as_str().unwrap());
                check(vendor, &request, line["h"]["content-type"].as_str().unwrap_or_default(), line["b"].as_str().unwrap(), Ok(true));
            }
        }
    }

    #[test]
    fn what_differs_from_the_recording_is_refused() {
        let json = "application/json";
        let reset = r#"{"passwordProfile":{"forceChangePasswordNextSignIn":true,"password":"x"}}"#;
        for (vendor, request, media, body, expect) in [
            ("entra", "PATCH /v1.0/users/4f", json, reset, Ok(true)),
            ("entra", "PATCH /v1.0/users/4f", json, r#"{"passwordProfile":{"password":"x"}}"#, Err("forceChangePasswordNextSignIn` is missing")),
            ("entra", "PATCH /v1.0/users/4f", json, r#"{"passwordProfile":{"forceChangePasswordNextSignIn":"yes","password":"x"}}"#, Err("another type")),
            ("entra", "PATCH /v1.0/users/4f", json, r#"{"accountEnabled":true,"extra":1}"#, Err("extra")),
            ("entra", "PATCH /v1.0/users/4f", "text/plain", reset, Err("content type")),
            ("entra", "PATCH /v1.0/users/4f?x=1", json, reset, Err("query option `x`")),
            ("entra", "POST /v1.0/users/4f/revokeSignInSessions", json, "{}", Err("a body")),
            ("entra", "POST /v1.0/users/4f/revokeSignInSession", "", "", Ok(false)),
            ("okta", "POST /api/v1/users/00u1/lifecycle/reset_password", "", "", Err("sendEmail")),
            ("okta", "PUT /api/v1/users/00u1/lifecycle/unlock", "", "", Ok(false)),
            ("slack", "POST /api/conversations.open", json, r#"{"users":"U1"}"#, Err("content type")),
            ("slack", "POST /api/chat.update", json, r#"{"channel":"D1","text":"x"}"#, Err("`/ts` is missing")),
            ("slack", "POST /api/chat.postMessage", json, r#"{"channel":7,"text":"x"}"#, Err("another type")),
        ] {
            check(vendor, request, media, body, expect);
        }
    }
}
