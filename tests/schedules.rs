//! Two runners and many events at once, in two processes on one store, under a scheduler with a seed.

use firstline_host::build;
use firstline_host::crash::{Trial, run};
use firstline_host::story;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Each is another order in which things happen.
const SEEDS: std::ops::Range<u64> = 1..7;

/// The story ends in one of these ways, whatever the order, in one process and in two, and nothing is lost or done twice.
fn check(steps: &Value, ends: &[Value]) {
    let project = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    build::once(&project).unwrap();
    for seed in SEEDS {
        for (twice, alone) in [(false, true), (false, false), (true, seed % 2 == 0)] {
            let trial = Trial { twice, alone, seed: Some(seed), ..Trial::default() };
            let failures = |end: &Value| {
                let story = json!({"title": "at once", "who": "U0JANE", "steps": steps, "expect": end});
                let outcome = run(&project, &story::parse(story).unwrap(), &trial).unwrap();
                let diverted = outcome.diverted.then(|| format!("ended: {}", outcome.told));
                outcome.failures.into_iter().chain(diverted).collect::<Vec<_>>()
            };
            let failures: Vec<Vec<String>> = ends.iter().map(failures).collect();
            assert!(failures.iter().any(Vec::is_empty), "{trial:?}: {failures:#?}");
        }
    }
}

fn says<'a>(people: impl Iterator<Item = &'a str>) -> Value {
    let says: Vec<Value> = people.enumerate().map(|(at, by)| json!({"say": "I forgot my password", "by": by, "after": at % 3})).collect();
    json!([{ "together": says }, {"minutes": 4}])
}

#[test]
fn sixteen_events_at_once_in_one_conversation_are_one_case() {
    let end = json!({
        "messages": {"D0JANE": [["Reset your Microsoft 365 password", "ticket 1001"]]},
        "cases": {"acme": ["open password_reset"]},
        "waits": {"D0JANE": "offering"},
    });
    check(&says(std::iter::repeat_n("U0JANE", 16)), &[end]);
}

#[test]
fn sixteen_events_at_once_in_four_conversations_are_four_cases() {
    let end = json!({
        "cases": {"acme": ["open password_reset", "open password_reset"], "globex": ["open password_reset", "open password_reset"]},
        "waits": {"D0JANE": "offering", "D0BOB": "offering", "D0MIA": "offering", "D0LEE": "offering"},
    });
    check(&says(["U0JANE", "U0BOB", "U0MIA", "U0LEE"].into_iter().cycle().take(16)), &[end]);
}

#[test]
fn yes_and_something_else_at_once_is_one_of_them() {
    let steps = json!([{"say": "I forgot my password"}, {"together": [{"press": "Yes"}, {"press": "Something else"}]}, {"minutes": 4}]);
    let yes = json!({
        "changes": ["entra PATCH /users/jane@acme.example 204", "entra POST /users/jane@acme.example/revokeSignInSessions 200"],
        "cases": {"acme": ["closed password_reset"]},
    });
    let other = json!({"cases": {"acme": ["open password_reset"]}, "waits": {"D0JANE": "listening"}});
    check(&steps, &[yes, other]);
}

#[test]
fn yes_and_never_mind_at_once_is_one_reset_or_none() {
    let steps = json!([{"say": "I forgot my password"}, {"together": [{"press": "Yes"}, {"say": "never mind"}]}, {"minutes": 4}]);
    let yes = json!({
        "changes": ["entra PATCH /users/jane@acme.example 204", "entra POST /users/jane@acme.example/revokeSignInSessions 200"],
        "cases": {"acme": ["closed password_reset"]},
    });
    check(&steps, &[yes]);
}
