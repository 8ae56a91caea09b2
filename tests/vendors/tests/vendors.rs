//! What holds for all vendors: seeds, faults, the record of calls, hosts.
mod common;
use bytes::Bytes;
use common::*;
use firstline_vendors::{Lost, Vendors};
use http::Request;
use serde_json::{Value, json};

#[test]
fn a_seed_with_an_unknown_member_is_refused_and_changes_nothing() {
    for (seed, expect) in [
        (json!({ "jira": {} }), "unknown field `jira`"),
        (json!({ "slack": { "workspaces": [{ "colour": 1 }] } }), "slack: unknown field `colour`"),
        (json!({ "entra": { "tenants": [{ "users": [{ "id": "1", "userPrincipalName": "a@b", "colour": 1 }] }] } }), "unknown property `colour`"),
        (json!({ "okta": { "orgs": [{ "users": [{ "id": "1", "status": "SAD", "profile": { "login": "a@b" } }] }] } }), "known `status`"),
        (json!({ "connectwise": { "boards": 7 } }), "connectwise: invalid type"),
        (json!([]), "not an object"),
    ] {
        let world = world();
        let before = world.vendors.state();
        let error = world.vendors.seed(&seed).unwrap_err();
        assert!(error.contains(expect), "{seed}: {error}");
        assert_eq!(world.vendors.state(), before);
    }
    let world = world();
    world.vendors.seed(&world.vendors.state()).expect("a state is a seed");
}

#[test]
fn faults_take_the_place_of_answers() {
    let unlock = || {
        Request::post("https://globex.okta.com/api/v1/users/00ulee/lifecycle/unlock")
            .header("authorization", "SSWS globex-api-token")
            .body(Bytes::new())
            .unwrap()
    };
    let path = "/api/v1/users/*/lifecycle/unlock";
    for (answer, lost, status, changed) in [
        (json!("lost-before"), Some(Lost { applied: false, silent: false }), None, false),
        (json!("lost-after"), Some(Lost { applied: true, silent: false }), None, true),
        (json!("timeout"), Some(Lost { applied: false, silent: true }), None, false),
        (json!("timeout-after"), Some(Lost { applied: true, silent: true }), None, true),
        (json!({ "status": 429, "headers": { "retry-after": "7" }, "body": { "errorCode": "E0000047" } }), None, Some(429), false),
        (json!({ "status": 502, "applied": true }), None, Some(502), true),
    ] {
        let world = world();
        world.vendors.fault(&json!({ "vendor": "okta", "method": "POST", "path": path, "times": 1, "answer": answer })).unwrap();
        let got = world.vendors.handle(unlock());
        assert_eq!(got.as_ref().err().copied(), lost, "{answer}");
        let call = world.vendors.calls().pop().unwrap();
        assert_eq!(
            (call.status, call.changed, world.vendors.state()["okta"]["orgs"][0]["users"][0]["status"] == "ACTIVE"),
            (status, changed, changed),
            "{answer}"
        );
        if status == Some(429) {
            assert_eq!(got.unwrap().headers()["retry-after"], "7");
        }
        assert!(world.vendors.handle(unlock()).is_ok(), "a fault is used up");
    }
    let world = world();
    world.vendors.fault(&json!({ "vendor": "okta", "skip": 1, "answer": { "status": 503 } })).unwrap();
    assert_eq!([(); 3].map(|()| world.vendors.handle(unlock()).unwrap().status().as_u16()), [200, 503, 403]);
    for (rule, expect) in [
        (json!({ "vendor": "jira", "answer": "timeout" }), "unknown vendor"),
        (json!({ "vendor": "okta", "answer": "explode" }), "fault"),
        (json!({ "vendor": "okta", "answer": { "status": 7 } }), "not a status"),
        (json!({ "vendor": "okta", "answer": "timeout", "often": true }), "often"),
    ] {
        assert!(world.vendors.fault(&rule).unwrap_err().contains(expect), "{rule}");
    }
}

#[test]
fn requests_to_nobody_are_violations() {
    for (url, host) in [
        ("https://example.com/api", ""),
        ("/jira/x", "127.0.0.1:9000"),
        ("https://slack.com.example.com/api/auth.test", ""),
        ("https://okta.com/api/v1/users", ""),
    ] {
        let world = world();
        assert_eq!(world.send(&format!("GET {url}"), &[("host", host)], "").0, 404);
        assert_eq!((world.violations(), world.vendors.calls()[0].vendor.as_str()), (1, "unknown"), "{url}");
    }
}

#[test]
fn calls_are_recorded_with_path_query_and_body() {
    let world = world();
    world.send("GET /slack/api/users.info?user=U0JANE", &[("host", "127.0.0.1:1"), ("authorization", "Bearer xoxb-acme")], "");
    let call = world.vendors.calls().remove(0);
    assert_eq!(
        (call.vendor.as_str(), call.method.as_str(), call.path.as_str(), call.status, call.changed),
        ("slack", "GET", "/api/users.info?user=U0JANE", Some(200), false)
    );
}

#[test]
fn clones_share_their_state_and_an_empty_world_refuses_everybody() {
    let empty = Vendors::new(|| 0);
    let clone = empty.clone();
    let request = Request::post("https://slack.com/api/auth.test").header("authorization", "Bearer ").body(Bytes::new()).unwrap();
    let answer: Value = serde_json::from_slice(empty.handle(request).unwrap().body()).unwrap();
    assert_eq!((&answer["error"], clone.calls().len()), (&json!("invalid_auth"), 1));
}

#[test]
fn no_request_brings_an_emulator_down() {
    let methods = ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"];
    let hosts = ["slack.com", "graph.microsoft.com", "login.microsoftonline.com", "globex.okta.com", "na.myconnectwise.net"];
    let words = [
        "api",
        "chat.postMessage",
        "conversations.history",
        "v1.0",
        "users",
        "jane@acme.example",
        "transitiveMemberOf",
        "oauth2",
        "v2.0",
        "token",
        "v1",
        "00ulee",
        "lifecycle",
        "unlock",
        "v4_6_release",
        "apis",
        "3.0",
        "service",
        "tickets",
        "1001",
        "time",
        "entries",
        "",
        "%00",
        "%F0%9F%98%80",
        "..",
        "%2F",
    ];
    let queries = [
        "",
        "?",
        "?$filter=((((",
        "?$filter=mail%20eq%20'%F0%9F%98%80",
        "?$skiptoken=next-18446744073709551615",
        "?after=18446744073709551615&limit=1",
        "?conditions=id=&page=0",
        "?fields=id,id/x,/",
        "?a=1&a=2",
        "?search=%22",
    ];
    let bodies: [&[u8]; 10] = [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{\"channel\":\"D1\",\"blocks\":[null]}",
        b"[{\"op\":\"replace\",\"path\":\"status/id\",\"value\":{}}]",
        b"[{}]",
        b"a=%zz&a",
        b"{\"passwordProfile\":{\"password\":null}}",
    ];
    let world = world();
    let bearer = format!("Bearer {}", world.token());
    let basic = "Basic bm9ydGh3aW5kK2ZpcnN0bGluZS1wdWJsaWM6Zmlyc3RsaW5lLXByaXZhdGU=";
    let mut seed = 7_u64;
    let mut pick = |from: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % from
    };
    let before = world.vendors.calls().len();
    let mut sent = 0;
    for _ in 0..4000 {
        let at = pick(hosts.len());
        let start = ["/api", "/v1.0/users/jane@acme.example", "/acme.example", "/api/v1/users/00ulee", "/v4_6_release/apis/3.0"][at];
        let path: Vec<&str> = (0..pick(4)).map(|_| words[pick(words.len())]).collect();
        let authorization = ["Bearer xoxb-acme", bearer.as_str(), "", "SSWS globex-api-token", basic][at];
        let request = Request::builder()
            .method(methods[pick(methods.len())])
            .uri(format!("https://{}{start}/{}{}", hosts[at], path.join("/"), queries[pick(queries.len())]))
            .header("authorization", authorization)
            .header("clientid", "3c9e1f70-2b64-4d5a-8a17-9d2e6b4f0c83")
            .header("content-type", [JSON, FORM, "text/plain"][pick(3)])
            .body(Bytes::from_static(bodies[pick(bodies.len())]));
        if let Ok(request) = request {
            world.vendors.handle(request).unwrap();
            sent += 1;
        }
    }
    assert_eq!((world.vendors.calls().len() - before, sent > 3000), (sent, true));
}
