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

/// Policies without which an attack or a story gets through. Before each of the others something else stands as well, or no story reaches it;
/// `components/guardrails` tries every one of them with a question of its own.
const ALONE: [&str; 7] = ["protected-account", "vip", "no-way-to-deliver", "self-approval", "kill-switch", "limit-of-the-person", "change-freeze"];

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

/// Stories and attacks that end with a human because of this policy, or have it in their title; each also with a person who then presses Yes.
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
    let pressed = |mut story: Value| {
        story["steps"].as_array_mut().unwrap().push(json!({"press": "Yes"}));
        story
    };
    attacks.chain(stories).filter(ends).flat_map(|story| [story.clone(), pressed(story)]).collect()
}

#[test]
fn without_any_one_of_these_something_is_changed_that_must_not_be() {
    build::once(&root()).unwrap();
    let mut held = Vec::new();
    for id in ALONE {
        let mut config = Config::new(root().join("spin.toml"));
        config.sources.insert("guardrails".into(), guardrails_without(id));
        config.program = Some(Program::load(&config).unwrap());
        let succeeds = |story: Value| {
            let config = Config { backend: Arc::new(Memory::default()), ..config.clone() };
            // A step that cannot be taken any more shows nothing.
            let failures = story::play_as(&config, &story::parse(story).unwrap()).map(|outcome| outcome.failures).unwrap_or_default();
            failures.iter().any(|failure| failure.starts_with("changing calls at the identity provider"))
        };
        if !stopped_by(id).into_iter().any(succeeds) {
            held.push(id);
        }
    }
    assert!(held.is_empty(), "nothing depends on these: {held:?}");
}
