//! Format and lints, so that nothing is checked in one place only.

use firstline_host::build::cargo;
use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn check(arguments: &str) {
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    if let Err(error) = cargo(&root(), &arguments) {
        panic!("{error:#}");
    }
}

#[test]
fn every_file_is_formatted() {
    check("fmt --all --check");
}

#[test]
fn clippy_has_nothing_to_say_on_this_machine() {
    check("clippy --quiet --workspace --all-targets -- -D warnings");
}

/// Code behind `cfg(target_arch = "wasm32")` is only seen when it is compiled for that target.
#[test]
fn clippy_has_nothing_to_say_about_components_with_a_trigger() {
    targets_are_there();
    check("clippy --quiet --target wasm32-wasip2 -p chat-intake -p technician -p credential-link -p console -p firstline-probe -- -D warnings");
}

#[test]
fn clippy_has_nothing_to_say_about_stages() {
    targets_are_there();
    check(
        "clippy --quiet --target wasm32-unknown-unknown -p messaging -p intent-detection -p guardrails -p identity-check -p idp-action -p psa-closeout -p history -p language-model -- -D warnings",
    );
}

/// Building the components installs the targets that are missing.
fn targets_are_there() {
    firstline_host::build::once(&root()).unwrap();
}

#[test]
fn a_command_that_complains_fails_with_its_words() {
    let error = cargo(&root(), &["clippy", "--no-such-option"]).unwrap_err();
    assert!(format!("{error:#}").contains("--no-such-option"), "{error:#}");
}
