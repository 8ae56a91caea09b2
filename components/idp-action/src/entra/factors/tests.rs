use crate::bindings::exports::firstline::idp::idp::Act;
use crate::testing::{jane, next, ok};
use firstline_connector::replay::testing::answer;
use firstline_connector::wire::Reply;

const NONE: &str = r#"{"value":[]}"#;
const LOOK: &str = "GET users/7/authentication/methods";
const PASS: &str = r#"{"temporaryAccessPass":{"secret":"temporary-password"},"isUsable":true}"#;

fn methods(kinds: &[&str]) -> Reply {
    let method = |kind: &&str| serde_json::json!({"@odata.type": format!("#microsoft.graph.{kind}AuthenticationMethod"), "id": kind, "phoneType": "mobile"});
    ok(&serde_json::json!({ "value": kinds.iter().map(method).collect::<Vec<_>>() }).to_string())
}

/// What is read before anything is changed.
fn before(kinds: &[&str], policy: serde_json::Value) -> Vec<Reply> {
    let user = r#"{"id":"7","userPrincipalName":"jane@acme.com","accountEnabled":true,"userType":"Member"}"#;
    let mut known = serde_json::json!({
        "state": "enabled", "minimumLifetimeInMinutes": 10, "maximumLifetimeInMinutes": 480,
        "includeTargets": [{"id": "all_users"}], "excludeTargets": [],
    });
    known.as_object_mut().unwrap().extend(policy.as_object().unwrap().clone());
    vec![ok(user), ok(NONE), ok(NONE), methods(kinds), ok(&known.to_string())]
}

fn check(seen: &[Reply], expect: &str) {
    let got = next("entra", Act::ResetFactors(jane("7")), seen);
    assert!(got.starts_with(expect), "{got}");
}

/// P-19.
#[test]
fn the_default_method_goes_last() {
    let lost = ["microsoftAuthenticator", "phone", "password"];
    let mut seen = before(&lost, serde_json::json!({}));
    let refused = || answer(400, r#"{"error":{"code":"Request_BadRequest"}}"#);
    for (expect, reply) in [
        ("POST users/7/authentication/temporaryAccessPassMethods", answer(201, PASS)),
        ("DELETE users/7/authentication/microsoftAuthenticatorMethods/microsoftAuthenticator", refused()),
        ("DELETE users/7/authentication/phoneMethods/phone", answer(204, "")),
        (LOOK, methods(&["microsoftAuthenticator", "password"])),
        ("DELETE users/7/authentication/microsoftAuthenticatorMethods/microsoftAuthenticator", answer(204, "")),
        (LOOK, methods(&["password"])),
    ] {
        check(&seen, expect);
        seen.push(reply);
    }
    check(&seen, "changed (temporary-password): ");
}

#[test]
fn nothing_is_changed_where_a_pass_would_not_work_or_nothing_was_lost() {
    let json = |text: &str| serde_json::from_str(text).unwrap();
    for policy in [
        r#"{"state":"disabled"}"#,
        r#"{"includeTargets":[{"id":"another-group"}]}"#,
        r#"{"excludeTargets":[{"id":"all_users"}]}"#,
        r#"{"minimumLifetimeInMinutes":90}"#,
        r#"{"maximumLifetimeInMinutes":30}"#,
    ] {
        check(&before(&["phone"], json(policy)), "no-access-pass: ");
    }
    check(&before(&["password", "fido2"], json("{}")), "no-lost-factor: ");
}

#[test]
fn a_pass_whose_reply_was_lost_is_replaced_once() {
    let mut seen = before(&["phone"], serde_json::json!({}));
    seen.push(Reply::Unknown(1));
    check(&seen, LOOK);
    seen.push(methods(&["phone", "temporaryAccessPass"]));
    check(&seen, "POST users/7/authentication/temporaryAccessPassMethods");
    let mut unusable = seen.clone();
    unusable.push(answer(201, r#"{"temporaryAccessPass":{"secret":"temporary-password"},"isUsable":false,"methodUsabilityReason":"NotYetValid"}"#));
    check(&unusable, "no-access-pass: the pass cannot be used: NotYetValid");
    seen.push(Reply::Unknown(2));
    seen.push(methods(&["phone"]));
    check(&seen, "unknown-outcome: the reply was lost twice");
}

#[test]
fn what_still_shows_is_said_and_the_pass_is_not_handed_over() {
    let mut seen = before(&["phone"], serde_json::json!({}));
    seen.push(answer(201, PASS));
    for _ in 0..2 {
        seen.push(answer(403, "{}"));
        seen.push(methods(&["phone"]));
    }
    seen.extend([Reply::Waited(1), methods(&["phone"]), Reply::Waited(2), methods(&["phone"])]);
    check(&seen, "factor-not-removed: ");
}
