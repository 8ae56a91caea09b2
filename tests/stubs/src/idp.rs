//! An identity stage that lies about Entra. The part of the requester's address before the `@` names the lie.
//!
//! It finds the account honestly, unless the lie is about that, and lies once a change is asked for.

use crate::Stub;
use crate::bindings::exports::firstline::idp::idp::{Account, Act, Escalation, Guest, Lock, Outcome, Report, Step, Subject, Task};
use firstline_connector::replay::{change, get, request};
use firstline_connector::types::Error;
use firstline_connector::wire::{Body, Effect, Fill, Reply, Request, Target};
use serde_json::{Value, json};

/// Somebody else of the same directory.
const BOB: &str = "4f1c0002-7c2d-4f5a-9b1e-6a0d8c3e2b02";

impl Guest for Stub {
    fn next(task: Task, seen: Vec<Reply>) -> Result<Step, Error> {
        Ok(match &task.act {
            Act::Find(sought) => find(&sought.name, &seen),
            Act::ResetPassword(subject) | Act::Unlock(subject) => lie(subject, &seen),
            Act::FirstSignIn(_) => Step::Done(Outcome::SignedIn(None)),
            Act::LookUp(_) | Act::LookUpGroup(_) | Act::LookUpMailbox(_) => Step::Done(Outcome::People(Vec::new())),
            Act::ResetFactors(subject) => lie(subject, &seen),
            Act::RevokeSessions(_) | Act::CheckFactors(_) => Step::Done(Outcome::Unchanged(Report { evidence: vec!["stub".into()], secret: None })),
        })
    }
}

fn mode(address: &str) -> &str {
    address.split_once('@').map_or("", |(mode, _)| mode)
}

fn send(requests: Vec<Request>) -> Step {
    Step::SendAll(requests)
}

fn find(address: &str, seen: &[Reply]) -> Step {
    match (mode(address), seen) {
        ("fixed", _) => Step::Done(Outcome::Escalate(Escalation { code: "stub".into(), text: "the stub speaks".into() })),
        ("change-while-finding", []) => send(vec![reset(BOB)]),
        (_, []) => send(vec![get(&["users", address])]),
        (mode, [Reply::Response(response), ..]) => {
            let user: Value = serde_json::from_str(&response.body).unwrap_or_default();
            let id = user.get("id").and_then(Value::as_str).unwrap_or_default();
            let id = if mode == "found-another" { BOB } else { id };
            Step::Done(Outcome::Found(account(id, address)))
        }
        (_, [Reply::NotApplied(_) | Reply::Unknown(_) | Reply::Waited(_), ..]) => Step::Done(Outcome::Absent),
    }
}

fn account(id: &str, address: &str) -> Account {
    Account {
        id: id.into(),
        login: address.into(),
        names: vec![address.into()],
        name: "stub".into(),
        enabled: true,
        state: "stub".into(),
        lock: Lock::Unknown,
        guest: false,
        synced: false,
        privileged: vec![],
        groups: vec![],
        locale: None,
        phones: vec![],
        mobile: None,
        manager: None,
    }
}

/// What an honest stage would send.
fn reset(id: &str) -> Request {
    let body = json!({"passwordProfile": {"forceChangePasswordNextSignIn": true, "password": ""}});
    let fill = Fill { pointer: "/passwordProfile/password".into(), name: "temporary-password".into() };
    Request { fill: vec![fill], ..change("PATCH", &["users", id], &body) }
}

fn with_body(id: &str, body: &Value) -> Request {
    Request { body: Body::Json(body.to_string()), ..reset(id) }
}

fn follow(url: &str) -> Request {
    Request { target: Target::Follow(url.into()), ..get(&[]) }
}

fn header(id: &str, name: &str, value: &str) -> Request {
    Request { headers: vec![(name.into(), value.into())], ..reset(id) }
}

fn path(segments: &[&str]) -> Request {
    Request { target: Target::Path(segments.iter().map(|segment| (*segment).into()).collect()), ..reset("") }
}

fn lie(subject: &Subject, seen: &[Reply]) -> Step {
    let id = subject.id.as_str();
    let honest = json!({"forceChangePasswordNextSignIn": true, "password": ""});
    send(match mode(&subject.login) {
        // The control: not a lie at all, so that a refusal of the others means something.
        "honest" => match seen {
            [] => vec![reset(id)],
            _ => return Step::Done(Outcome::Changed(Report { evidence: vec!["stub".into()], secret: Some("temporary-password".into()) })),
        },
        "change-as-read" => vec![Request { effect: Effect::Read, ..reset(id) }],
        "foreign-host" => vec![follow("https://evil.example/v1.0/users")],
        "look-alike-host" => vec![follow("https://graph.microsoft.com.evil.example/v1.0/users")],
        "user-name-host" => vec![follow("https://graph.microsoft.com/v1.0@evil.example/users")],
        "other-version" => vec![follow("https://graph.microsoft.com/v1.0/../beta/users")],
        "other-version-encoded" => vec![follow("https://graph.microsoft.com/v1.0/%2e%2e/beta/users")],
        "own-link" => vec![follow("https://graph.microsoft.com/v1.0/auditLogs/signIns")],
        "own-link-by-checkpoint" => match seen {
            [] => return Step::Checkpoint(json!({"@odata.nextLink": "https://graph.microsoft.com/v1.0/auditLogs/signIns"}).to_string()),
            _ => vec![follow("https://graph.microsoft.com/v1.0/auditLogs/signIns")],
        },
        "wrong-target" => vec![reset(BOB)],
        "own-authorization" => vec![header(id, "authorization", "Bearer stub")],
        "method-override" => vec![header(id, "x-http-method-override", "DELETE")],
        "enables-too" => vec![with_body(id, &json!({"accountEnabled": false, "passwordProfile": honest}))],
        "own-password" => {
            let body = json!({"passwordProfile": {"forceChangePasswordNextSignIn": true, "password": "Known-2-the-stub"}});
            vec![Request { fill: vec![], ..with_body(id, &body) }]
        }
        "keeps-password" => vec![with_body(id, &json!({"passwordProfile": {"forceChangePasswordNextSignIn": false, "password": ""}}))],
        "up" => vec![path(&["users", "..", "users", BOB])],
        "up-in-place" => vec![path(&["users", ".."])],
        "slash" => vec![path(&["users", &format!("{id}/../{BOB}")])],
        "slash-in-a-read" => vec![get(&["users", &format!("{BOB}/../../auditLogs")])],
        "link-as-password" => {
            vec![Request { fill: vec![Fill { pointer: "/passwordProfile/password".into(), name: "link".into() }], ..reset(id) }]
        }
        "query" => vec![Request { query: vec![("$expand".into(), "manager".into())], ..get(&["users", id]) }],
        "two-changes" => vec![reset(id), reset(id)],
        "no-row" => vec![request("POST", &["users"], Body::Json("{}".into()), Effect::Change)],
        "endless-reads" => vec![get(&["users", id])],
        "endless-waits" => return Step::Wait(0),
        "endless-checkpoints" => return Step::Checkpoint("stub".into()),
        "much" => (0..10).map(|_| Request { query: vec![("$select".into(), "x".repeat(1 << 20))], ..get(&["users", id]) }).collect(),
        "many" => (0..10_000).map(|_| get(&["users", id])).collect(),
        _ => return Step::Done(Outcome::Escalate(Escalation { code: "stub".into(), text: "no such lie".into() })),
    })
}
