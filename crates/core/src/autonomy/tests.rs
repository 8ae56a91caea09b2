use super::*;
use crate::tenant::{Reach, parse};
use serde_json::json;

const NOW: Instant = 100 * DAY;

/// `tenant days-before [version] [what]`: a verified reset at Okta, unless it `failed`, was `reopened`, `handed-over` or `unverified`.
fn tried(line: &str) -> Tried {
    let words: Vec<&str> = line.split_whitespace().collect();
    let ended = NOW - words[1].parse::<u64>().unwrap() * DAY;
    let is = |what| words.contains(&what);
    let trial = Trial {
        action: "password_reset".into(),
        vendor: if is("entra") { "entra" } else { "okta" }.into(),
        version: if is("old") { "v1" } else { "v2" }.into(),
        verified: !is("unverified"),
        failed: is("failed").then(|| (READ_BACK_FAILED.into(), ended)),
    };
    Tried { tenant: words[0].into(), ticket: Some(7), ended, closed: !is("handed-over"), reopened: is("reopened").then_some(ended + 1), trial }
}

fn terms() -> Promotion {
    Promotion { verified: 4, here: 2, failed: 0, days: 14 }
}

fn check(lines: &[&str], since: Instant, expect: (u32, u32, bool)) {
    let all: Vec<Tried> = lines.iter().map(|line| tried(line)).collect();
    let standing = standing(&all, "acme", ("password_reset", "okta"), since, &terms(), NOW);
    assert_eq!((standing.verified, standing.here, standing.enough), expect, "{lines:?}");
}

const GOOD: [&str; 4] = ["acme 14", "globex 9", "globex 5", "acme 1"];

#[test]
fn what_was_done_and_read_back_often_and_long_enough_is_enough() {
    check(&GOOD, 0, (4, 2, true));
    check(&GOOD[1..], 0, (3, 1, false));
    // Long enough, or often enough here, but not both.
    check(&["acme 13", "globex 9", "globex 5", "acme 1"], 0, (4, 2, false));
    check(&["globex 14", "globex 9", "globex 5", "acme 1"], 0, (4, 1, false));
    check(&[], 0, (0, 0, false));
}

#[test]
fn other_vendors_and_versions_prove_nothing() {
    check(&["acme 14 entra", "acme 14", "globex 9 entra", "globex 5", "acme 1"], 0, (3, 2, false));
    // The version of the latest counts, and it alone.
    check(&["acme 14 old", "globex 9 old", "globex 5 old", "acme 1"], 0, (1, 1, false));
}

#[test]
fn a_failure_begins_the_count_again_wherever_it_was() {
    for failed in ["globex 3 failed", "globex 3 reopened", "acme 3 failed handed-over"] {
        let mut lines = GOOD.to_vec();
        lines.push(failed);
        check(&lines, 0, (1, 1, false));
        let all: Vec<Tried> = lines.iter().map(|line| tried(line)).collect();
        let lenient = Promotion { failed: 1, ..terms() };
        let standing = standing(&all, "acme", ("password_reset", "okta"), 0, &lenient, NOW);
        assert_eq!((standing.verified, standing.failed, standing.enough), (4, 1, true), "{failed}");
    }
    check(&["acme 30 failed", "acme 14", "globex 9", "globex 5", "acme 1"], 0, (4, 2, true));
    for nothing in ["globex 3 handed-over", "globex 3 unverified"] {
        check(&[&GOOD[..], &[nothing]].concat(), 0, (4, 2, true));
    }
}

#[test]
fn at_home_only_what_came_after_it_was_set_or_lost_counts() {
    check(&GOOD, NOW - 2 * DAY, (4, 1, false));
}

fn tenant(guardrails: serde_json::Value) -> Tenant {
    let document = json!({
        "tenant": "acme", "name": "Acme", "msp": {"name": "Northwind IT", "phone": "+1 555 0100"},
        "connections": [{"id": "desk", "vendor": "connectwise", "base_url": "https://api-na.myconnectwise.net/v4/apis/3.0", "account": {"login_company": "nw", "client_id": "c"}}],
        "desk": {"company": 19, "board": 1}, "guardrails": guardrails
    });
    parse("acme", document.to_string().as_bytes(), &Reach::default()).unwrap()
}

#[test]
fn only_what_supervision_alone_holds_back_may_rise() {
    let reset = |autonomy: serde_json::Value, matrix: serde_json::Value| tenant(json!({"autonomy": autonomy, "matrix": matrix}));
    let pilot = json!({"mode": "autonomous", "pilot": ["jane"], "at": 7});
    for (tenant, lost, expect) in [
        (reset(json!({}), json!({})), None, Some(0)),
        (reset(json!({"default": {"mode": "supervised", "at": 5}}), json!({})), None, Some(5)),
        (reset(json!({"password_reset": {"mode": "supervised", "at": 6}}), json!({})), None, Some(6)),
        // A pilot group goes before all others.
        (reset(json!({"password_reset": pilot}), json!({})), None, Some(7)),
        (reset(json!({"password_reset": pilot, "default": {"mode": "shadow"}}), json!({})), None, None),
        (reset(json!({"default": {"mode": "shadow"}}), json!({})), None, None),
        (reset(json!({"password_reset": {"mode": "shadow"}}), json!({})), None, None),
        (reset(json!({"default": {"mode": "autonomous"}}), json!({})), None, None),
        // What a person set to stricter stays so.
        (reset(json!({}), json!({"password_reset": "approval"})), None, None),
        (reset(json!({}), json!({"password_reset": "human"})), None, None),
        (reset(json!({}), json!({"password_reset": "deny"})), None, None),
        // What was lost may be earned again, by what came afterwards.
        (reset(json!({"default": {"mode": "autonomous", "at": 5}}), json!({})), Some(9), Some(9)),
        (reset(json!({"password_reset": {"mode": "autonomous", "at": 5}}), json!({})), Some(9), Some(9)),
        (reset(json!({"password_reset": {"mode": "autonomous", "at": 10}}), json!({})), Some(9), None),
    ] {
        assert_eq!(held_back(&tenant, "password_reset", lost), expect, "{:?} {lost:?}", tenant.guardrails);
    }
    assert_eq!(held_back(&tenant(json!({})), LOST_PHONE, None), None);
}

#[test]
fn what_is_lost_is_supervised_until_it_is_given_again() {
    for (autonomy, lost, since) in [
        (json!({"default": {"mode": "autonomous", "at": 5}}), 5, None),
        (json!({"password_reset": {"mode": "autonomous", "at": 5}, "default": {"mode": "autonomous", "at": 5}}), 5, None),
        (json!({"password_reset": {"mode": "autonomous", "at": 5, "pilot": ["jane"]}, "default": {"mode": "autonomous", "at": 5}}), 6, None),
        (json!({"password_reset": {"mode": "autonomous", "at": 7}}), 6, Some(7)),
    ] {
        let tenant = tenant(json!({ "autonomy": autonomy }));
        let lowered = tenant.without("password_reset", lost);
        assert_eq!(lowered.as_ref().unwrap_or(&tenant).autonomous_since("password_reset"), since, "{autonomy}");
        assert_eq!(lowered.is_none(), since.is_some());
    }
    assert_eq!(tenant(json!({"autonomy": {"default": {"mode": "shadow"}}})).without("password_reset", 9), None);
    assert_eq!(tenant(json!({})).without("password_reset", 9), None);
}

#[test]
fn a_record_that_cannot_be_trusted_has_lost_it_for_good() {
    let key = IntegrityKey::parse(&crate::seal::base64(&[7; 32])).unwrap();
    let lost = Lost { cause: FAULT.into(), case: "c".into(), by: None, at: 5 };
    let bytes = key.write("k", &lost);
    assert_eq!((lost_at(&key, "k", None), lost_at(&key, "k", Some(&bytes)), lost_at(&key, "other", Some(&bytes))), (None, Some(5), Some(Instant::MAX)));
}
