//! Keeping secrets and personal text out of what is stored and printed.

use serde_json::{Value, json};

/// Takes the member at a JSON pointer out and leaves `{"secret": name}` there. `None` if it is not there or not a string.
pub fn take(body: &mut Value, pointer: &str, name: &str) -> Option<String> {
    let member = body.pointer_mut(pointer)?;
    let secret = member.as_str()?.to_string();
    *member = json!({ "secret": name });
    Some(secret)
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
    fn log_lines_are_one_line() {
        assert_eq!(line("a\nb\u{1b}[31mc", 5), "a b [");
        assert_eq!((address("jane@acme.example"), address("jane")), ("j…@acme.example".into(), "…".into()));
    }
}
