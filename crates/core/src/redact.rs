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
    fn log_lines_are_one_line() {
        assert_eq!(line("a\nb\u{1b}[31mc", 5), "a b [");
        assert_eq!((address("jane@acme.example"), address("jane")), ("j…@acme.example".into(), "…".into()));
    }
}
