//! Keeping secrets and personal text out of what is stored and printed.

use serde_json::{Value, json};

/// Takes the member at a JSON pointer out and leaves `{"secret": name}` there. `None` if it is not there or not a string.
pub fn take(body: &mut Value, pointer: &str, name: &str) -> Option<String> {
    let member = body.pointer_mut(pointer)?;
    let secret = member.as_str()?.to_string();
    *member = json!({ "secret": name });
    Some(secret)
}

/// Removes the members at a JSON pointer, in which `*` matches any one step.
pub fn remove(body: &mut Value, pointer: &str) {
    let (step, rest) = pointer.trim_start_matches('/').split_once('/').map_or((pointer.trim_start_matches('/'), None), |(step, rest)| (step, Some(rest)));
    match (body, rest) {
        (Value::Object(members), None) if step == "*" => members.clear(),
        (Value::Array(items), None) if step == "*" => items.clear(),
        (Value::Object(members), None) => drop(members.remove(step)),
        (Value::Object(members), Some(rest)) => members.iter_mut().filter(|(name, _)| step == "*" || *name == step).for_each(|(_, value)| remove(value, rest)),
        (Value::Array(items), Some(rest)) if step == "*" => items.iter_mut().for_each(|item| remove(item, rest)),
        (Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => {}
    }
}

/// Words after which somebody may write a secret down, those that lead over to it, and those that then begin no secret.
const SECRETS: [&str; 18] = [
    "password",
    "passwort",
    "passcode",
    "passphrase",
    "kennwort",
    "pass",
    "pwd",
    "pw",
    "contraseña",
    "clave",
    "senha",
    "pin",
    "code",
    "código",
    "token",
    "key",
    "secret",
    "otp",
];
const LEADS: [&str; 8] = ["", "is", "was", "to", "ist", "es", "é", "war"];
const PLAIN: [&str; 14] = ["not", "expired", "wrong", "incorrect", "invalid", "lost", "gone", "forgotten", "about", "being", "going", "locked", "reset", "no"];
/// Most further words of one secret, such as a passphrase.
const SECRET_WORDS: u32 = 6;

/// A text for somebody who only has to know what it is about: addresses, links, long numbers, and what may be a secret are hidden.
/// What is hidden for nothing costs little. Names of people stay.
#[must_use]
pub fn outgoing(text: &str) -> String {
    let mut secret = Near::Nowhere;
    let words = text.split_whitespace().map(|word| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        let (hidden, next) = secret.then(word, &bare);
        secret = next;
        let name = if hidden { Some("hidden") } else { hides(word, &bare) };
        name.map_or_else(|| word.to_string(), |name| format!("[{name}]"))
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether a secret is near.
#[derive(Clone, Copy)]
enum Near {
    Nowhere,
    /// Somebody has just named one.
    Named,
    /// The next word is one, unless it is a plain word.
    Next,
    /// So many words of it may still come.
    Here(u32),
}

impl Near {
    /// Whether this word is hidden, and what may come after it.
    fn then(self, word: &str, bare: &str) -> (bool, Near) {
        let ends = word.ends_with(['.', '!', '?', ';', ',']);
        let on = |left: u32| if ends || left == 0 { Near::Nowhere } else { Near::Here(left) };
        match self {
            Near::Named | Near::Next if LEADS.contains(&bare) => (false, Near::Next),
            Near::Next if !PLAIN.contains(&bare) => (true, on(SECRET_WORDS)),
            Near::Here(left) => (true, on(left - 1)),
            Near::Nowhere | Near::Named | Near::Next if SECRETS.contains(&bare) => (false, if word.ends_with([':', '=']) { Near::Next } else { Near::Named }),
            Near::Nowhere | Near::Named | Near::Next => (false, Near::Nowhere),
        }
    }
}

/// What a word is by its looks, if it is none that everybody uses.
fn hides(word: &str, bare: &str) -> Option<&'static str> {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let letters = bare.chars().any(char::is_alphabetic);
    let odd = bare.chars().any(|c| !c.is_alphanumeric() && !['\'', '’', '-', '.', ',', '/', '&'].contains(&c));
    if word.contains('@') {
        Some("address")
    } else if word.contains("://") || word.contains('\\') || bare.starts_with("www.") {
        Some("link")
    } else if digits > 3 && !letters {
        Some("number")
    } else if letters && digits > 0 && bare.chars().count() > 5 || odd {
        Some("hidden")
    } else {
        None
    }
}

/// Text for a log line: control characters gone, at most so many characters.
#[must_use]
pub fn line(text: &str, most: usize) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(most).collect()
}

/// An address for a log line: the first letter and the domain.
#[must_use]
pub fn address(text: &str) -> String {
    match text.split_once('@') {
        Some((user, domain)) => format!("{}…@{domain}", user.chars().take(1).collect::<String>()),
        None => "…".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_member_leaves_a_placeholder() {
        let mut body = json!({"tempPassword": "x7", "other": 1});
        assert_eq!(take(&mut body, "/tempPassword", "temporary-password").as_deref(), Some("x7"));
        assert_eq!(body, json!({"tempPassword": {"secret": "temporary-password"}, "other": 1}));
        assert_eq!(take(&mut body, "/other", "n"), None);
        assert_eq!(take(&mut body, "/missing", "n"), None);
    }

    #[test]
    fn members_are_removed_wherever_the_pointer_leads() {
        for (pointer, expect) in [
            ("/a", json!({"b": [{"c": 2, "d": 3}, {"c": 4}]})),
            ("/b/*/c", json!({"a": 1, "b": [{"d": 3}, {}]})),
            ("/*/*/c", json!({"a": 1, "b": [{"d": 3}, {}]})),
            ("/b/*", json!({"a": 1, "b": []})),
            ("/x/y", json!({"a": 1, "b": [{"c": 2, "d": 3}, {"c": 4}]})),
        ] {
            let mut body = json!({"a": 1, "b": [{"c": 2, "d": 3}, {"c": 4}]});
            remove(&mut body, pointer);
            assert_eq!(body, expect, "{pointer}");
        }
    }

    #[test]
    fn what_leaves_holds_no_address_number_or_secret() {
        for (text, expect) in [
            ("the printer on floor 3 beeps", "the printer on floor 3 beeps"),
            ("mail jane@acme.example or call +44 7700 900123 (0115)", "mail [address] or call +44 [number] [number] [number]"),
            ("see https://evil.example/x?y www.acme.example \\\\files\\hr", "see [link] [link] [link]"),
            ("I forgot my password please", "I forgot my password please"),
            ("my password is not working", "my password is not working"),
            ("my password is hunter, help", "my password is [hidden] help"),
            ("password: hunter", "password: [hidden]"),
            ("Passwort = Sommer", "Passwort = [hidden]"),
            ("password=hunter PIN 1234", "[hidden] PIN [number]"),
            (
                "the code was correct horse battery staple and so on and on it goes",
                "the code was [hidden] [hidden] [hidden] [hidden] [hidden] [hidden] [hidden] and on it goes",
            ),
            ("I tried Summer2026 and Pa$$word and S3cret!", "I tried [hidden] and [hidden] and [hidden]"),
            ("isn't the e-mail/calendar app R&D's?", "isn't the e-mail/calendar app R&D's?"),
            ("", ""),
        ] {
            assert_eq!(outgoing(text), expect, "{text}");
        }
    }

    #[test]
    fn log_lines_are_one_line() {
        assert_eq!(line("a\nb\u{1b}[31mc", 5), "a b [");
        assert_eq!((address("jane@acme.example"), address("jane")), ("j…@acme.example".into(), "…".into()));
    }
}
