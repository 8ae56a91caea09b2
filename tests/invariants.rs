//! What the sources themselves must keep to.

use crate::rig::root;
use std::path::{Path, PathBuf};

/// Every Rust file below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Code without its comments, and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Files of a folder whose code holds one of these words, relative to it.
fn holders(folder: &Path, words: &[&str]) -> Vec<String> {
    let holds = |path: &PathBuf| {
        let code = code(&std::fs::read_to_string(path).unwrap());
        words.iter().any(|word| code.contains(word))
    };
    let mut found: Vec<String> = sources(folder).into_iter().filter(holds).map(|path| path.strip_prefix(folder).unwrap().display().to_string()).collect();
    found.sort();
    found
}

#[test]
fn only_one_file_of_each_component_with_a_trigger_calls_the_platform() {
    for component in ["chat-intake", "technician", "credential-link", "console"] {
        let folder = root().join("components").join(component).join("src");
        assert_eq!(holders(&folder, &["spin_sdk", "wasi::", "std::fs", "std::net", "SystemTime::now"]), ["spin.rs"], "{component}");
    }
}

#[test]
fn stages_know_no_platform_no_clock_and_no_randomness() {
    for stage in ["messaging", "intent-detection", "guardrails", "identity-check", "idp-action", "psa-closeout", "history", "language-model"] {
        let folder = root().join("components").join(stage).join("src");
        let words = ["spin_sdk", "wasi::", "std::fs", "std::net", "std::env::", "SystemTime", "Instant::now", "getrandom", "std::thread"];
        assert_eq!(holders(&folder, &words), [""; 0], "{stage}");
    }
}

#[test]
fn the_core_knows_neither_the_platform_nor_wit() {
    for part in ["crates/core", "crates/connector"] {
        let folder = root().join(part);
        let mut words = vec!["spin_sdk", "wasi::", "std::fs", "std::net", "std::env::", "SystemTime", "Instant::now"];
        let mut packages = vec!["spin-sdk", "tokio"];
        if part == "crates/core" {
            words.push("wit_bindgen");
            packages.extend(["wit-bindgen", "firstline-connector"]);
        }
        assert_eq!(holders(&folder.join("src"), &words), [""; 0], "{part}");
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert!(!packages.iter().any(|package| manifest.contains(package)), "{part} depends on one of {packages:?}");
    }
}

/// State that outlives a call would not replay, and would be shared by the requests of an instance.
#[test]
fn no_component_keeps_state_between_calls() {
    for part in ["crates/core", "crates/connector", "components"] {
        let words = [
            "static mut",
            "thread_local!",
            "OnceLock",
            "OnceCell",
            "LazyLock",
            "LazyCell",
            "lazy_static",
            "Mutex<",
            "RwLock<",
            "AtomicU",
            "AtomicI",
            "AtomicB",
        ];
        let found: Vec<String> = holders(&root().join(part), &words).into_iter().filter(|path| !is_test(path)).collect();
        assert_eq!(found, [""; 0], "{part}");
    }
}

fn is_test(path: &str) -> bool {
    ["tests.rs", "tests/", "fake.rs", "testing.rs"].iter().any(|part| path.contains(part))
}

#[test]
fn every_component_takes_the_strict_lints_over() {
    let mut manifests = Vec::new();
    for folder in ["crates", "components"] {
        manifests.extend(std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path().join("Cargo.toml")).filter(|path| path.is_file()));
    }
    assert!(manifests.len() > 10, "{manifests:?}");
    for manifest in manifests {
        let text = std::fs::read_to_string(&manifest).unwrap();
        assert!(text.contains("[lints]\nworkspace = true"), "{} does not", manifest.display());
    }
}

/// Lints can be switched off where they stand: only bindings that are generated may do so, and tests.
#[test]
fn no_component_switches_a_strict_lint_off() {
    let lints = ["unwrap_used", "expect_used", "clippy::panic", "string_slice", "clippy::unreachable", "clippy::todo", "unimplemented"];
    for part in ["crates/core", "crates/connector", "components"] {
        let found: Vec<String> = holders(&root().join(part), &lints).into_iter().filter(|path| !is_test(path)).collect();
        assert_eq!(found, [""; 0], "{part}");
    }
}

#[test]
fn the_scan_finds_what_it_looks_for() {
    let folder = root().join("tests");
    assert!(holders(&folder, &["static BUILT: Once"]).contains(&"rig.rs".to_string()));
    assert_eq!(code("let a = 1; // spin_sdk\n/// spin_sdk\nlet b;"), "let a = 1; \n\nlet b;");
}

/// The Slack app that the guide creates asks for the scopes that the README lists, and for no other.
#[test]
fn the_slack_app_of_the_guide_asks_for_what_the_readme_lists() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let row = readme.lines().find(|line| line.starts_with("| Slack |")).unwrap().split("bot scopes").nth(1).and_then(|rest| rest.split(" | ").next()).unwrap();
    let mut listed: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
    listed.sort_unstable();
    let app: serde_json::Value = serde_json::from_slice(&std::fs::read(root().join("docs/for-real/slack-app.json")).unwrap()).unwrap();
    let asked: Vec<&str> = app["oauth_config"]["scopes"]["bot"].as_array().unwrap().iter().map(|scope| scope.as_str().unwrap()).collect();
    assert_eq!(asked, listed);
}
