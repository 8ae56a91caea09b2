//! The red team's set: each attack ends with no change at any vendor, the right answer to the user, and the right case in the audit.

use crate::rig::root;
use firstline_host::{Config, Memory, Program, build, story};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

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

/// Policies without which an attack or a story gets through.
const ALONE: [&str; 11] = [
    "protected-account",
    "vip",
    "no-way-to-deliver",
    "self-approval",
    "factor-needs-more",
    "second-person",
    "kill-switch",
    "limit-of-the-person",
    "limit-of-the-tenant",
    "limit-of-the-msp",
    "change-freeze",
];

/// Policies before which something else stands as well, and what.
const BEHIND: [(&str, &str); 4] = [
    ("chat-guest", "the case is handed over as soon as the chat says who asks"),
    ("disabled-account", "the directory's connector reads the account just before it acts, and refuses"),
    ("guest-account", "the directory's connector reads the account just before it acts, and refuses"),
    ("synced-account", "the directory's connector reads the account just before it acts, and refuses"),
];

/// Policies that no story reaches, and why. `components/guardrails` tries every policy with a question of its own.
const UNREACHED: [(&str, &str); 6] = [
    ("nothing-configured", "without settings nothing is permitted either"),
    ("incomplete-question", "no connector finds an account without id or name"),
    ("other-tenant", "the case asks only about what a connection of its own tenant found"),
    ("unknown-action", "a case has no action that the stage does not know"),
    ("not-own-account", "the case looks for no account but that of the requester's address"),
    ("not-verified", "only guests of the chat prove less than the chat does, and the case is handed over before"),
];

/// The guardrails as they were built, with one invariant blanked out of their data.
fn guardrails_without(id: &str) -> PathBuf {
    let built = std::fs::read(root().join("target/wasm32-unknown-unknown/component/guardrails.wasm")).unwrap();
    let policies = std::fs::read_to_string(root().join("components/guardrails/policies/invariants.cedar")).unwrap();
    let policy = policies.split_inclusive("\n\n").find(|policy| policy.contains(&format!("@id(\"{id}\")"))).unwrap().as_bytes();
    let found: Vec<usize> = built.windows(policy.len()).enumerate().filter(|(_, window)| *window == policy).map(|(at, _)| at).collect();
    let [at] = found[..] else { panic!("`{id}` stands {} times in the component", found.len()) };
    let mut blanked = built;
    blanked[at..at + policy.len()].fill(b' ');
    let file = root().join(format!("target/guardrails-without-{id}.wasm"));
    std::fs::write(&file, blanked).unwrap();
    file
}

/// Stories and attacks that end with a human because of this policy, or have it in their title; each also with every person in it who then presses Yes.
fn stopped_by(id: &str) -> Vec<Value> {
    let read = |folder: &str| {
        let mut files: Vec<PathBuf> = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
            .into_iter()
            .filter(|file| file.extension().is_some_and(|is| is == "json"))
            .map(|file| serde_json::from_slice::<Value>(&std::fs::read(file).unwrap()).unwrap())
    };
    let attacks = read("tests/stories/attacks").flat_map(|file| file.as_array().cloned().unwrap());
    let stories = read("tests/stories").filter(|file| file["steps"].is_array());
    let ends = |story: &Value| {
        let cases = story["expect"]["cases"].as_object().into_iter().flat_map(|tenants| tenants.values()).flat_map(|cases| cases.as_array().unwrap());
        let named = story["title"].as_str().unwrap().contains(&id.replace('-', " "));
        named || cases.into_iter().any(|case| case.as_str().unwrap().ends_with(&format!(": {id}")))
    };
    let played = |story: Value| {
        let spoke = story["steps"].as_array().unwrap().iter().filter(|step| step["say"].is_string()).filter_map(|step| step["by"].as_str());
        let people: BTreeSet<&str> = spoke.chain(story["who"].as_str()).collect();
        let pressed = |by: &str| {
            let mut story = story.clone();
            story["steps"].as_array_mut().unwrap().push(json!({"press": "Yes", "by": by}));
            story
        };
        people.into_iter().map(pressed).chain([story.clone()]).collect::<Vec<_>>()
    };
    attacks.chain(stories).filter(ends).flat_map(played).collect()
}

/// Whether something changes at an identity provider that must not, when one policy is off.
fn gets_through(id: &str) -> bool {
    let stories = stopped_by(id);
    assert!(!stories.is_empty(), "nothing is stopped by `{id}`");
    let mut config = Config::new(root().join("spin.toml"));
    config.sources.insert("guardrails".into(), guardrails_without(id));
    config.program = Some(Program::load(&config).unwrap());
    stories.into_iter().any(|story| {
        let config = Config { backend: Arc::new(Memory::default()), ..config.clone() };
        // A step that cannot be taken any more shows nothing.
        let failures = story::play_as(&config, &story::parse(story).unwrap()).map(|outcome| outcome.failures).unwrap_or_default();
        failures.iter().any(|failure| failure.starts_with("changing calls at the identity provider"))
    })
}

#[test]
fn without_any_one_of_these_something_is_changed_that_must_not_be() {
    build::once(&root()).unwrap();
    let held: Vec<&str> = ALONE.into_iter().filter(|id| !gets_through(id)).collect();
    assert!(held.is_empty(), "nothing depends on these: {held:?}");
}

#[test]
fn before_each_of_these_something_else_stands() {
    build::once(&root()).unwrap();
    let broken: Vec<(&str, &str)> = BEHIND.into_iter().filter(|(id, _)| gets_through(id)).collect();
    assert!(broken.is_empty(), "nothing else stands before these: {broken:?}");
}

#[test]
fn no_story_reaches_these() {
    let reached: Vec<(&str, &str)> = UNREACHED.into_iter().filter(|(id, _)| !stopped_by(id).is_empty()).collect();
    assert!(reached.is_empty(), "try these with the others: {reached:?}");
}

#[test]
fn every_invariant_stands_in_one_of_the_lists() {
    let policies = std::fs::read_to_string(root().join("components/guardrails/policies/invariants.cedar")).unwrap();
    let ids: BTreeSet<&str> = policies.lines().filter_map(|line| line.strip_prefix("@id(\"")?.strip_suffix("\")")).collect();
    let named = ALONE.into_iter().chain(BEHIND.iter().chain(&UNREACHED).map(|(id, _)| *id));
    assert_eq!(named.clone().count(), ids.len());
    assert_eq!(named.collect::<BTreeSet<_>>(), ids);
}
