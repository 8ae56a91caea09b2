//! People who may use the API, by hashed tokens.

use crate::keys::sha256_hex;
use crate::record::unhex;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// One person of the variable `console_people`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Name, as journals show it.
    pub name: String,
    /// `owner` may change, `technician` may read and tick.
    pub role: PersonRole,
    /// SHA-256 of the token as hex; tokens are random, so no slow hash is needed.
    pub token_sha256: String,
}

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PersonRole {
    /// Everything.
    Owner,
    /// Read, and tick.
    Technician,
}

/// Reads the variable.
///
/// # Errors
/// A text for the operator.
pub fn parse(text: &str) -> Result<Vec<Person>, String> {
    let people: Vec<Person> = serde_json::from_str(text).map_err(|e| format!("the variable `console_people` is not a list of people: {e}"))?;
    if people.is_empty() {
        return Err("the variable `console_people` is empty: `cargo run -- keys` makes a first owner".into());
    }
    Ok(people)
}

/// Who this token belongs to. Every person is compared, in constant time.
#[must_use]
pub fn find<'a>(people: &'a [Person], token: &str) -> Option<&'a Person> {
    let hash = sha256_hex(token.as_bytes());
    people.iter().fold(None, |found, person| if same(&person.token_sha256, &hash) { Some(person) } else { found })
}

/// Constant-time comparison of two hex strings, by their MACs under a fixed key.
fn same(a: &str, b: &str) -> bool {
    let mac = |text: &str| {
        Hmac::<Sha256>::new_from_slice(b"compare").ok().zip(unhex(text)).map(|(mut mac, bytes)| {
            mac.update(&bytes);
            mac
        })
    };
    match (mac(a), mac(b)) {
        (Some(a), Some(b)) => a.verify_slice(&b.finalize().into_bytes()).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_finds_its_person_only() {
        let people = parse(&format!(
            r#"[{{"name":"Ada","role":"owner","token_sha256":"{}"}},{{"name":"Bo","role":"technician","token_sha256":"{}"}}]"#,
            sha256_hex(b"a"),
            sha256_hex(b"b")
        ))
        .unwrap();
        assert_eq!(find(&people, "b").map(|p| p.name.as_str()), Some("Bo"));
        assert_eq!(find(&people, "c"), None);
        assert_eq!(find(&people, ""), None);
    }

    #[test]
    fn an_empty_or_broken_list_names_the_variable() {
        for text in ["[]", "", "{}", r#"[{"name":"x"}]"#] {
            assert!(parse(text).unwrap_err().contains("console_people"));
        }
    }
}
