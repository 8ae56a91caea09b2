//! The red team's set: each attack ends with no change at any vendor, the right answer to the user, and the right case in the audit.

use crate::rig::root;
use firstline_host::{build, story};
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn no_attack_changes_anything() {
    build::once(&root()).unwrap();
    let attacks = story::attacks(&root()).unwrap();
    assert!(attacks.len() >= 60, "{}", attacks.len());
    let titles: BTreeSet<&str> = attacks.iter().map(|(_, story)| story.title.as_str()).collect();
    assert_eq!(titles.len(), attacks.len(), "two attacks have one title");
    let mut failures = Vec::new();
    for (name, attack) in &attacks {
        match story::play(&root(), attack) {
            Ok(outcome) => failures.extend(outcome.failures.into_iter().map(|failure| format!("{name} ({}): {failure}", attack.title))),
            Err(error) => failures.push(format!("{name} ({}): {error:#}", attack.title)),
        }
    }
    assert!(failures.is_empty(), "- {}", failures.join("\n- "));
}

/// The negative control: what an attacker wants is noticed.
#[test]
fn an_attack_that_succeeds_fails_the_test() {
    build::once(&root()).unwrap();
    let own = json!({"title": "", "who": "U0JANE", "steps": [{"say": "I forgot my password"}, {"press": "Yes"}], "expect": {"answers": {"D0JANE": ""}}});
    let failures = story::play(&root(), &story::parse(own).unwrap()).unwrap().failures;
    for expect in ["changing calls at the identity provider", "changed members of jane@acme.example", "ticket 1001 is"] {
        assert!(failures.iter().any(|failure| failure.contains(expect)), "{expect}: {failures:?}");
    }
}
