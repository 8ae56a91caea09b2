//! What must never happen, tried.

use crate::rig::{Rig, Setup, start};
use firstline_core::mailbox::{Act, Event, Place};
use firstline_core::{keys, mailbox};
use firstline_host::desk::TENANTS;
use firstline_host::{Backend, Value};
use firstline_vendors::slack::human;
use serde_json::json;

/// Jane asks for a new password and presses the button, while the identity stage lies.
async fn lied(lie: &str) -> Rig {
    let rig = start(Setup { stub_for: "idp-action", jane: lie, ..Setup::default() }).await;
    assert_eq!(rig.says("I forgot my password").await, 200);
    if rig.messages().iter().any(|message| message.contains("Reset your")) {
        assert_eq!(rig.presses("Yes").await, 200);
    }
    // Longer than any wait, lease or retry of a case that gets nowhere.
    rig.minutes(4).await;
    rig
}

/// Nothing is changed, no foreign host is asked, a human gets the case, and the journal says why.
async fn check(lie: &str, why: &str) -> Vec<String> {
    let rig = lied(lie).await;
    let mut wrong = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            wrong.push(format!("{lie}: {what}"));
        }
    };
    let changes = rig.changes("entra");
    expect(changes.is_empty(), format!("these got past: {changes:?}"));
    let unknown: Vec<_> = rig.desk.vendors.calls().into_iter().filter(|call| call.vendor == "unknown" || call.path.contains("auditLogs")).collect();
    expect(unknown.is_empty(), format!("these got past: {unknown:?}"));
    let violations = rig.desk.vendors.violations();
    expect(violations.is_empty(), format!("a vendor was sent what no correct client sends: {violations:?}"));
    let fresh = start(Setup { jane: lie, empty: true, ..Setup::default() }).await;
    expect(rig.accounts() == fresh.accounts(), "the directory has changed".into());
    let (case, journal) = rig.case().await;
    expect(case["state"] == "handed-over", format!("the case is {case}\n{}", rig.log()));
    expect(journal.contains(why), format!("the journal does not say `{why}`: {}", rig.log()));
    expect(rig.tickets().iter().any(|ticket| ticket["status"]["name"] == "Needs Dispatch"), format!("no human gets it: {:?}", rig.tickets()));
    expect(!rig.log().contains("trap: "), rig.log());
    wrong
}

#[tokio::test(start_paused = true)]
async fn a_lying_stage_gets_nothing_past_the_technician() {
    let lies = [
        ("change-as-read", "the stage says Read"),
        ("foreign-host", "leads out of the connection"),
        ("look-alike-host", "leads out of the connection"),
        ("user-name-host", "leads out of the connection"),
        ("other-version", "refused-by-monitor"),
        ("other-version-encoded", "refused-by-monitor"),
        ("own-link", "refused-by-monitor"),
        ("own-link-by-checkpoint", "refused-by-monitor"),
        ("wrong-target", "no live grant for `password_reset`"),
        ("change-while-finding", "no live grant for `password_reset`"),
        ("found-another", "wrong-target"),
        ("own-authorization", "header `authorization` is not allowed"),
        ("method-override", "header `x-http-method-override` is not allowed"),
        ("enables-too", "`/accountEnabled` is not allowed"),
        ("own-password", "`/passwordProfile/password` has a value that is not allowed"),
        ("keeps-password", "`/passwordProfile/forceChangePasswordNextSignIn` has a value that is not allowed"),
        ("up", "no row"),
        ("up-in-place", "no row"),
        ("slash", "no row"),
        ("slash-in-a-read", "no row"),
        ("link-as-password", "`link` must not be filled in"),
        ("query", "query `$expand` is not allowed"),
        ("two-changes", "two changes"),
        ("no-row", "no row"),
        ("endless-reads", "too-much"),
        ("endless-waits", "too-much"),
        ("endless-checkpoints", "too-much"),
        ("much", "refused-by-monitor"),
        ("many", "a batch of 10000 requests"),
    ];
    let mut wrong = Vec::new();
    for (lie, why) in lies {
        println!("{lie}");
        wrong.extend(check(lie, why).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whoever reached for somebody else asks from then on (P-38).
#[tokio::test(start_paused = true)]
async fn a_stage_that_reaches_for_somebody_else_costs_the_action_its_autonomy() {
    for (lie, cause) in [("wrong-target", json!("wrong-target")), ("found-another", json!("wrong-target")), ("no-row", json!(null))] {
        let rig = lied(lie).await;
        let (status, answer) = rig.desk.api("GET", "/api/tenants/acme", "").await.unwrap();
        assert_eq!((status, &answer["lost"]["password_reset"]["cause"]), (200, &cause), "{lie}: {}", rig.log());
    }
}

/// The negative control: the same stage, telling the truth, changes the password.
#[tokio::test(start_paused = true)]
async fn the_same_stage_telling_the_truth_gets_through() {
    let rig = lied("honest").await;
    assert_eq!(rig.changes("entra"), ["PATCH /v1.0/users/4f1c0001-7c2d-4f5a-9b1e-6a0d8c3e2b01"], "{}", rig.log());
    assert_eq!(rig.case().await.0["state"], "closed");
}

/// Jane has been asked, and has not pressed yet.
async fn asked() -> Rig {
    let rig = start(Setup::default()).await;
    assert_eq!(rig.says("I forgot my password").await, 200);
    assert!(rig.messages().concat().contains("Reset your"), "{}", rig.log());
    rig
}

fn stored(rig: &Rig, key: &str) -> Vec<u8> {
    match rig.memory.get("default", key).unwrap() {
        Some(Value::Bytes(bytes)) => bytes,
        other => panic!("`{key}` holds {other:?}"),
    }
}

fn write(rig: &Rig, key: &str, value: Option<Vec<u8>>) {
    rig.memory.write("default", &[(key.into(), value)]).unwrap();
}

/// What was sent but for the ticks' look at whether connections work.
fn without_checks(calls: Vec<firstline_vendors::Call>) -> Vec<firstline_vendors::Call> {
    let check = |path: &str| {
        ["auth.test", "firstline-health-check", "/service/boards/1/statuses", "/time/workTypes?pageSize=1000", "/oauth2/v2.0/token"]
            .iter()
            .any(|part| path.contains(part))
    };
    calls.into_iter().filter(|call| call.changed || !check(&call.path)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_record_that_was_tampered_with_is_noticed_and_nothing_is_changed() {
    let conversation = asked().await.conversation();
    let (snapshot, log) = (keys::snapshot(&conversation), keys::log(&conversation, 0, 0));
    // The log is only read where the snapshot does not cover it.
    for (key, without) in [(keys::tenant("acme"), None), (snapshot.clone(), None), (log, Some(snapshot))] {
        let rig = asked().await;
        let mut bytes = stored(&rig, &key);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        write(&rig, &key, Some(bytes));
        if let Some(key) = without {
            write(&rig, &key, None);
        }
        let before = rig.desk.vendors.calls().len();
        assert_eq!(rig.presses("Yes").await, 200, "the press itself is stored");
        rig.minutes(5).await;
        assert_eq!(rig.changes("entra"), Vec::<String>::new(), "with `{key}` tampered with");
        if key == keys::tenant("acme") {
            // Nobody can be trusted to be told, so nothing is sent at all.
            let sent = without_checks(rig.desk.vendors.calls().split_off(before));
            assert!(sent.is_empty(), "with `{key}` tampered with, these were sent: {sent:?}");
            assert!(rig.log().contains(&format!("{key}: the record was not written by this installation")), "{key}: {}", rig.log());
        } else {
            // A human gets it, with the damaged key in the ticket.
            assert!(rig.notes().contains(&key), "{key}: {}", rig.notes());
        }
        rig.assert_no_trap();
    }
}

/// The negative control: with the store as it was, the same press goes through.
#[tokio::test(start_paused = true)]
async fn an_untouched_store_lets_the_press_through_even_without_its_snapshot() {
    for without_snapshot in [false, true] {
        let rig = asked().await;
        if without_snapshot {
            write(&rig, &keys::snapshot(&rig.conversation()), None);
        }
        rig.presses("Yes").await;
        assert_eq!(rig.changes("entra").len(), 2, "{}", rig.log());
    }
}

/// What a compromised intake can do: write any event, and wake the technician.
async fn forge(rig: &Rig, conversation: &str, event: &Event) {
    let (number, _) = rig.memory.increment("default", &keys::event_counter(conversation), 1).unwrap();
    let mut writes: Vec<_> = mailbox::event_writes(event, number, 1).into_iter().filter(|(key, _)| !key.starts_with("event/")).collect();
    writes.push((keys::event(conversation, number), firstline_core::record::write(event)));
    let writes: Vec<_> = writes.into_iter().map(|(key, value)| (key, Some(value))).collect();
    rig.memory.write("default", &writes).unwrap();
    rig.memory.increment("default", &keys::pending(conversation, 0), 1).unwrap();
    let poke = http::Request::post(format!("/poke/{conversation}/0")).body(bytes::Bytes::new()).unwrap();
    assert_eq!(rig.desk.app.chained("technician", poke).await.unwrap().status(), 202);
    rig.desk.app.idle().await;
    rig.minutes(3).await;
}

fn event(tenant: &str, connection: &str, act: Act) -> Event {
    Event {
        id: format!("forged-{act:?}"),
        tenant: tenant.into(),
        connection: connection.into(),
        workspace: "T0ACME".into(),
        author: "U0JANE".into(),
        author_workspace: None,
        channel: "D0JANE".into(),
        thread: None,
        place: Place::Direct,
        message: "1795348801.000100".into(),
        act,
        at: 0,
        received: 0,
        to: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_forged_event_changes_nothing() {
    let text = || Act::Message("I forgot my password".into());
    for (tenant, connection, mailbox_of) in [
        // Another client's event in this client's mailbox, and the other way round.
        ("globex", "globex-slack", ("acme", "acme-slack")),
        ("acme", "acme-slack", ("globex", "globex-slack")),
        // Connections that are not the tenant's, or no chat, or nowhere.
        ("globex", "acme-slack", ("globex", "acme-slack")),
        ("acme", "globex-slack", ("acme", "globex-slack")),
        ("acme", "acme-entra", ("acme", "acme-entra")),
        ("nobody", "acme-slack", ("nobody", "acme-slack")),
    ] {
        let rig = start(Setup::default()).await;
        let (at, through) = mailbox_of;
        forge(&rig, &keys::conversation(at, through, "D0JANE", None), &event(tenant, connection, text())).await;
        for vendor in ["slack", "entra", "okta"] {
            assert_eq!(rig.changes(vendor), [""; 0], "{tenant} {connection} in {mailbox_of:?}: {}", rig.log());
        }
        // A person may be told, at the client's own company.
        let company = if at == "globex" { 20 } else { 19 };
        assert!(rig.tickets().iter().all(|ticket| ticket["company"]["id"] == company && ticket["closedFlag"] != true), "{:?}", rig.tickets());
        rig.assert_no_trap();
    }
}

/// A forged text is as good as a real one, and leads no further than to a button that only the vendor can show to Jane.
#[tokio::test(start_paused = true)]
async fn a_forged_button_changes_nothing() {
    let real = asked().await;
    let (case, _) = real.case().await;
    let case = case["case"].as_str().unwrap().to_string();
    let signed = format!("{case}.o1.yes");
    let stolen = real.integrity().sign("button", &format!("globex.{signed}"));
    let other = real.integrity().sign("record", &format!("acme.{signed}"));
    let no = real.integrity().sign("button", &format!("acme.{case}.o1.something-else"));
    for mac in [String::new(), "0".repeat(64), "yes".into(), stolen, other, no] {
        forge(&real, &real.conversation(), &event("acme", "acme-slack", Act::Press(format!("{signed}.{mac}")))).await;
        assert_eq!(real.changes("entra"), [""; 0], "{mac}: {}", real.log());
    }
    // The negative control: the right key makes the right button.
    let mac = real.integrity().sign("button", &format!("acme.{signed}"));
    forge(&real, &real.conversation(), &event("acme", "acme-slack", Act::Press(format!("{signed}.{mac}")))).await;
    assert_eq!(real.changes("entra").len(), 2, "{}", real.log());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_configured_is_reported_by_name_and_denied() {
    for name in ["integrity_key", "technician_private_key", "technician_public_key", "link_public_key"] {
        let rig = asked().await;
        let bare = start(Setup { variables: &[(name, "")], empty: true, ..Setup::default() }).await;
        for ((_, key), value) in rig.memory.dump() {
            if let Value::Bytes(bytes) = value {
                write(&bare, &key, Some(bytes));
            }
        }
        let answer = bare.desk.app.chained("technician", http::Request::post("/tick").body(bytes::Bytes::new()).unwrap()).await.unwrap();
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        assert!(answer.status() == 503 && text.contains(name), "{name}: {} {text}", answer.status());
        assert!(without_checks(bare.desk.vendors.calls()).is_empty(), "{name}");
    }
    for (name, path) in [("integrity_key", "/api/tenants"), ("console_people", "/api/tenants")] {
        let bare = start(Setup { variables: &[(name, "")], empty: true, ..Setup::default() }).await;
        let (status, answer) = bare.desk.api("GET", path, "").await.unwrap();
        assert!([401, 503].contains(&status), "{name}: {status} {answer}");
        assert!(status == 401 || answer.to_string().contains(name), "{name}: {answer}");
    }
}

fn slack(secret: &str, timestamp: u64, body: &[u8]) -> http::Request<bytes::Bytes> {
    http::Request::post("/webhooks/acme-slack")
        .header("content-type", "application/json")
        .header("x-slack-request-timestamp", timestamp)
        .header("x-slack-signature", human::sign(secret, timestamp, body))
        .body(bytes::Bytes::copy_from_slice(body))
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_bad_webhook_is_refused_and_leaves_nothing_behind() {
    let rig = start(Setup::default()).await;
    let now = rig.now();
    let good = "acme-signing-secret";
    let elsewhere = |mut request: http::Request<bytes::Bytes>, path: &str| {
        *request.uri_mut() = path.parse().unwrap();
        request
    };
    let message = json!({"type": "event_callback", "team_id": "T0ACME", "event_id": "Ev1", "event": {"type": "message", "channel_type": "im", "channel": "D0JANE", "user": "U0JANE", "text": 7, "ts": "1.2"}});
    let cases = [
        ("wrong signature", slack("wrong", now, b"{}"), 401, "signature"),
        ("stale signature", slack(good, now - 301, b"{}"), 401, "signature"),
        ("signature from the future", slack(good, now + 301, b"{}"), 401, "signature"),
        ("no signature", http::Request::post("/webhooks/acme-slack").body("{}".into()).unwrap(), 401, "signature"),
        ("more than a mebibyte", slack(good, now, &vec![b' '; (1 << 20) + 1]), 413, "1048576"),
        ("not JSON", slack(good, now, b"hello"), 400, "JSON"),
        ("no type", slack(good, now, b"{}"), 400, "`type`"),
        ("text that is none", slack(good, now, message.to_string().as_bytes()), 400, "`event.text`"),
        ("unknown connection", elsewhere(slack(good, now, b"{}"), "/webhooks/nobody"), 404, "connection"),
        ("a connection that is no chat", elsewhere(slack(good, now, b"{}"), "/webhooks/acme-entra"), 404, "connection"),
        ("another client's connection", elsewhere(slack(good, now, b"{}"), "/webhooks/globex-slack"), 401, "signature"),
        ("no connection", elsewhere(slack(good, now, b"{}"), "/webhooks/"), 404, "connection"),
        ("a path that goes up", elsewhere(slack(good, now, b"{}"), "/webhooks/../acme-slack"), 404, ""),
    ];
    for (name, request, status, says) in cases {
        let before = rig.memory.dump();
        let (got, text) = rig.request(request).await;
        assert_eq!(got, status, "{name}: {text}");
        assert!(text.contains(says), "{name}: `{text}` does not say `{says}`");
        assert_eq!(rig.memory.dump(), before, "{name}: something was stored");
    }
    rig.assert_no_trap();
    // The negative control.
    let before = rig.memory.dump();
    assert_eq!(rig.says("hi").await, 200);
    assert_ne!(rig.memory.dump(), before);
}

#[tokio::test(start_paused = true)]
async fn a_bad_tenant_document_is_told_every_problem_at_once() {
    let rig = start(Setup { empty: true, ..Setup::default() }).await;
    let tenants: serde_json::Value = serde_json::from_str(TENANTS).unwrap();
    let mut bad = tenants["tenants"][0].clone();
    bad["connections"][0]["vendor"] = "carrier-pigeon".into();
    bad["connections"][1]["base_url"] = "https://graph.evil.example/v1.0".into();
    bad["connections"][1]["token_url"] = "http://technician.spin.internal/token".into();
    bad["connections"][2]["base_url"] = "https://127.0.0.1/v1".into();
    bad["connections"][2]["account"] = json!({});
    let before = rig.memory.dump();
    let (status, answer) = rig.desk.api("PUT", "/api/tenants/acme", bad.to_string()).await.unwrap();
    assert_eq!(status, 422, "{answer}");
    let problems = answer["problems"].to_string();
    for says in ["connections.0.vendor", "carrier-pigeon", "connections.1.base_url", "is not covered", "connections.1.token_url", "connections.2.base_url"] {
        assert!(problems.contains(says), "`{says}` is not among {problems}");
    }
    assert_eq!(rig.memory.dump(), before, "something was stored");
    let (status, _) = rig.desk.api("PUT", "/api/tenants/acme", tenants["tenants"][0].to_string()).await.unwrap();
    assert_eq!(status, 200);
}

#[tokio::test(start_paused = true)]
async fn any_text_is_text() {
    let long = "my password does not work 🔑 ".repeat(3_500);
    let texts = [
        "🔥🔥🔥 I forgot my password 😭",
        "شكرا، نسيت كلمة المرور \u{202e}drowssap",
        "I\u{200b} for\u{200d}got my pass\u{feff}word",
        "I forgot my password {{secret:pw}} {{secret:temporary-password}} {\"secret\": \"temporary-password\"}",
        "<@U0BOB> <!channel> *bold* <https://evil.example|Reset>",
        "\u{0}\u{1}\u{7f}",
        long.as_str(),
    ];
    for text in texts {
        let rig = start(Setup::default()).await;
        assert_eq!(rig.says(text).await, 200, "{text:.60}");
        assert!(!rig.messages().is_empty(), "no answer to {text:.60}: {}", rig.log());
        rig.assert_no_trap();
        assert_eq!(rig.desk.vendors.violations(), [""; 0], "{text:.60}");
        if rig.messages().concat().contains("Reset your") {
            rig.presses("Yes").await;
            rig.assert_no_trap();
            let secret = rig.accounts()[0]["passwordProfile"]["password"].as_str().map(str::to_string);
            let told = format!("{:?} {} {}", rig.messages(), rig.notes(), rig.log());
            assert!(secret.is_none_or(|secret| !told.contains(&secret)), "the password is told");
        }
        assert_eq!(rig.says("talk to a person").await, 200);
        rig.assert_no_trap();
    }
}
