use super::*;
use crate::fake::{Fake, event, run};
use firstline_core::mailbox::Act;
use firstline_core::seal::{PublicKey, base64, key_pair};
use hmac::{Hmac, KeyInit, Mac};

const NOW: u64 = 1_700_000_000_000;
const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

/// A store with the connection `acme-slack` of `acme`, and `acme-okta`, whose vendor sends no webhooks.
fn world(secrets: &[(&str, &str)]) -> Fake {
    let (private, public) = key_pair();
    let public = PublicKey::parse("p", &public).unwrap();
    let mut host = Fake::at(NOW);
    host.variables.insert("intake_private_key", private.expose().into());
    for (id, vendor) in [("acme-slack", "slack"), ("acme-okta", "okta")] {
        let address = Address {
            tenant: "acme".into(),
            vendor: vendor.into(),
            base_url: "https://slack.com/api".into(),
            token_url: String::new(),
            account: [("team".into(), "T1".into())].into(),
            from: None,
        };
        host.values.borrow_mut().insert(keys::connection(id), record::write(&address));
    }
    for (name, secret) in secrets {
        let context = credential_context("acme", "acme-slack", name, "https://slack.com/api", "");
        let sealed = base64(&public.seal(&Secret::new((*secret).into()), &context).unwrap());
        let credential = Credential { sealed, entered: 1, by: "Ada".into() };
        host.values.borrow_mut().insert(keys::credential("acme-slack", name), record::write(&credential));
    }
    host
}

fn good() -> Fake {
    world(&[("signing-secret", SECRET)])
}

/// As Slack signs it.
fn signed(secret: &str, sent: u64, body: &[u8]) -> Request {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("v0:{sent}:").as_bytes());
    mac.update(body);
    Request {
        method: "POST".into(),
        path: "/webhooks/acme-slack".into(),
        content_type: "Application/JSON; charset=utf-8".into(),
        timestamp: Some(sent.to_string()),
        signature: Some(format!("v0={}", keys::hex(&mac.finalize().into_bytes()))),
        content_signature: None,
        body: Body::Whole(body.to_vec()),
    }
}

fn request() -> Request {
    signed(SECRET, NOW / 1_000, b"{}")
}

/// Status and text of the answer, and whether the stage saw the body and the store anything new.
fn check(host: &Fake, request: Request, status: u16, text: &str, read: bool, stored: bool) -> Answer {
    let before = host.commits.borrow().len();
    let answer = run(handle(host, request));
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.text.contains(text), "{} should contain {text}", answer.text);
    assert_eq!(!host.read.borrow().is_empty(), read, "whether the stage saw it: {answer:?}");
    assert_eq!(host.commits.borrow().len() > before, stored, "whether it was stored: {answer:?}");
    if !stored {
        assert!(host.counters.borrow().is_empty(), "a counter moved");
        assert_eq!(answer.pokes, Vec::<String>::new());
    }
    answer
}

#[test]
fn a_signed_event_is_stored_answered_with_nothing_and_woken_once() {
    let host = good();
    let answer = check(&host, request(), 200, "", true, true);
    let id = keys::conversation("acme", "acme-slack", "D1", None);
    assert_eq!((answer.text.as_str(), answer.pokes), ("", vec![format!("{id}/0")]));
    assert_eq!(
        serde_json::to_string(&answer.lines[0]).unwrap(),
        format!(r#"{{"component":"chat-intake","connection":"acme-slack","conversation":"{id}","what":"stored","why":""}}"#)
    );
    assert_eq!(*host.read.borrow(), [("application/json".to_string(), b"{}".to_vec())]);
    let stored: Event = record::read(&host.values.borrow()[&keys::event(&id, 1)]).unwrap();
    assert_eq!(stored, Event { tenant: "acme".into(), connection: "acme-slack".into(), received: NOW, ..event("hi") });
    // Slack sends again: stored again, the state machine knows the id.
    assert_eq!(check(&host, request(), 200, "", true, true).pokes, Vec::<String>::new());
}

#[test]
fn two_events_of_one_webhook_wake_once() {
    let host = Fake { inbound: Ok(Inbound::Events(vec![event("hi"), event("hurry!")])), ..good() };
    let answer = check(&host, request(), 200, "", true, true);
    assert_eq!((answer.pokes.len(), answer.lines.len()), (1, 2));
}

#[test]
fn what_is_not_addressed_to_a_chat_connection_is_not_found() {
    let name = format!("/webhooks/{}", "a".repeat(5_000));
    for (method, path, status) in [
        ("POST", "/webhooks/", 404),
        ("POST", "/webhooks", 404),
        ("POST", "/", 404),
        ("POST", "/webhooks/globex-slack", 404),
        ("POST", "/webhooks/acme-okta", 404),
        ("POST", "/webhooks/acme-slack/", 404),
        ("POST", "/webhooks/acme-slack/x", 404),
        ("POST", "/webhooks/../acme-slack", 404),
        ("POST", "/webhooks/acme%2dslack", 404),
        ("POST", "/webhooks/ACME-SLACK", 404),
        ("POST", &name, 404),
        ("GET", "/webhooks/acme-slack", 405),
        ("HEAD", "/webhooks/acme-slack", 405),
        ("DELETE", "/webhooks/acme-slack", 405),
    ] {
        let answer = check(&good(), Request { method: method.into(), path: path.into(), ..request() }, status, "", false, false);
        assert!(answer.lines[0].connection.len() <= 40, "{path} is logged as it is");
    }
}

#[test]
fn a_wrong_stale_or_missing_signature_is_refused_before_anything_is_parsed() {
    let now = NOW / 1_000;
    let other = |change: fn(&mut Request)| {
        let mut request = request();
        change(&mut request);
        request
    };
    for request in [
        signed("another secret", now, b"{}"),
        signed(SECRET, now - 301, b"{}"),
        signed(SECRET, now + 301, b"{}"),
        other(|r| r.timestamp = None),
        other(|r| r.signature = None),
        other(|r| r.signature = Some("v0=".into())),
        other(|r| r.signature = Some("v0=ü".into())),
        other(|r| r.timestamp = Some("99999999999999999999".into())),
        other(|r| r.body = Body::Whole(b"{ }".to_vec())),
        other(|r| r.body = Body::Whole(vec![0xff; 100])),
    ] {
        check(&good(), request, 401, "signature", false, false);
    }
}

#[test]
fn either_secret_passes_while_one_is_being_rotated() {
    let host = || world(&[("signing-secret", SECRET), ("signing-secret-next", "next")]);
    check(&host(), request(), 200, "", true, true);
    check(&host(), signed("next", NOW / 1_000, b"{}"), 200, "", true, true);
    check(&host(), signed("", NOW / 1_000, b"{}"), 401, "", false, false);
}

#[test]
fn a_body_that_is_too_long_or_broken_is_refused() {
    check(&good(), Request { body: Body::TooLong, ..request() }, 413, "1048576", false, false);
    check(&good(), Request { body: Body::Broken, ..request() }, 400, "", false, false);
    check(&good(), signed(SECRET, NOW / 1_000, &vec![b' '; LARGEST_BODY]), 200, "", true, true);
}

#[test]
fn what_is_missing_is_named_and_a_retry_is_asked_for() {
    let no_key = Fake { variables: Default::default(), ..good() };
    check(&no_key, request(), 503, "intake_private_key", false, false);
    check(&world(&[]), request(), 503, "`signing-secret` of the connection `acme-slack` has not been entered", false, false);
    let moved = good();
    let mut address: Address = record::read(&moved.values.borrow()[&keys::connection("acme-slack")]).unwrap();
    address.base_url = "https://slack.example".into();
    moved.values.borrow_mut().insert(keys::connection("acme-slack"), record::write(&address));
    let answer = check(&moved, request(), 503, "cannot be opened: enter it again", false, false);
    assert!(!format!("{answer:?}").contains(SECRET));
}

#[test]
fn what_the_stage_cannot_read_names_its_field() {
    let host = Fake { inbound: Err(Unreadable("`event.channel` is missing".into())), ..good() };
    check(&host, request(), 400, "`event.channel` is missing", true, false);
}

#[test]
fn challenges_and_what_is_of_no_interest_are_answered_and_not_stored() {
    check(&Fake { inbound: Ok(Inbound::Challenge("3eZb".into())), ..good() }, request(), 200, "3eZb", true, false);
    let answer = check(&Fake { inbound: Ok(Inbound::Ignored("own message".into())), ..good() }, request(), 200, "", true, false);
    assert_eq!((answer.lines[0].what, answer.lines[0].why.as_str()), (What::Ignored, "own message"));
}

#[test]
fn an_event_of_another_workspace_is_not_stored() {
    let host = Fake { inbound: Ok(Inbound::Events(vec![Event { workspace: "T2".into(), ..event("hi") }])), ..good() };
    let answer = check(&host, request(), 200, "", true, false);
    assert_eq!(answer.lines[0].why, "wrong workspace");
    let host = good();
    let mut address: Address = record::read(&host.values.borrow()[&keys::connection("acme-slack")]).unwrap();
    address.account.clear();
    host.values.borrow_mut().insert(keys::connection("acme-slack"), record::write(&address));
    check(&host, request(), 200, "", true, false);
}

#[test]
fn a_failing_store_asks_for_a_retry_and_does_not_say_why_to_strangers() {
    for fails in ["connection/", "credential/", "c/event", "event/", "c/pending"] {
        let answer = run(handle(&Fake { fails: Some(fails), ..good() }, request()));
        assert_eq!((answer.status, answer.pokes.len()), (503, 0), "{fails}");
        assert!(!answer.text.contains(fails) && answer.lines.last().is_some_and(|line| line.why.contains(fails)), "{answer:?}");
    }
}

#[test]
fn whom_the_first_event_woke_is_woken_although_the_second_failed() {
    let long = event(&"\u{1}".repeat(200_000));
    let answer = check(&Fake { inbound: Ok(Inbound::Events(vec![event("hi"), long])), ..good() }, request(), 413, "too long", true, true);
    assert_eq!(answer.pokes.len(), 1);
}

#[test]
fn hostile_text_is_stored_as_text_and_never_logged() {
    for text in ["{{secret:pw}}", "\u{202e}gnp.exe", "a\u{200b}b", "\u{0}", "🔥🔥", "\"}\n{\"what\":\"stored\"", &"x".repeat(100_000)] {
        let host = Fake { inbound: Ok(Inbound::Events(vec![event(text)])), ..good() };
        let answer = check(&host, request(), 200, "", true, true);
        assert!(!serde_json::to_string(&answer.lines).unwrap().contains("secret:pw"));
        let stored: Event = record::read(&host.values.borrow()[&keys::event(answer.pokes[0].strip_suffix("/0").unwrap(), 1)]).unwrap();
        assert_eq!(stored.act, Act::Message(text.into()));
    }
    let host = Fake { inbound: Ok(Inbound::Events(vec![event(&"\u{1}".repeat(200_000))])), ..good() };
    check(&host, request(), 413, "too long", true, false);
}

/// A store with the MSP's `nw-slack`, in whose own workspace T0NW people of T0GUEST are guests, and which is installed in T0CLIENT.
fn msp() -> Fake {
    let (private, public) = key_pair();
    let key = PublicKey::parse("p", &public).unwrap();
    let mut host = Fake::at(NOW);
    host.variables.insert("intake_private_key", private.expose().into());
    let address = |tenant: &str, team: &str, from: Option<&str>| Address {
        tenant: tenant.into(),
        vendor: "slack".into(),
        base_url: String::new(),
        token_url: String::new(),
        account: [("team".into(), team.into())].into(),
        from: from.map(Into::into),
    };
    let sealed = base64(&key.seal(&Secret::new(SECRET.into()), &credential_context(MSP, "nw-slack", "signing-secret", "", "")).unwrap());
    let mut values = host.values.borrow_mut();
    values.insert(keys::credential("nw-slack", "signing-secret"), record::write(&Credential { sealed, entered: 1, by: "Ada".into() }));
    values.insert(keys::connection("nw-slack"), record::write(&address(MSP, "T0NW", None)));
    values.insert(keys::connection("client-slack"), record::write(&address("client", "T0CLIENT", Some("nw-slack"))));
    for (team, connect, tenant) in [("T0CLIENT", false, "client"), ("T0GUEST", true, "guest"), ("T0BOTH", false, "both"), ("T0BOTH", true, "both")] {
        let route = Workspace { tenant: tenant.into(), connection: format!("{tenant}-{connect}") };
        values.insert(keys::workspace_of("nw-slack", team, connect), record::write(&route));
    }
    drop(values);
    host
}

#[test]
fn what_comes_through_the_msps_application_belongs_to_the_workspace_it_came_from() {
    for (workspace, author, expect) in [
        ("T0CLIENT", None, Ok(("client", "client-false"))),
        // A guest of the client's workspace is still in the client's workspace.
        ("T0CLIENT", Some("T0OTHER"), Ok(("client", "client-false"))),
        ("T0NW", Some("T0GUEST"), Ok(("guest", "guest-true"))),
        ("T0BOTH", None, Ok(("both", "both-false"))),
        ("T0NW", Some("T0BOTH"), Ok(("both", "both-true"))),
        ("T0NW", None, Ok((MSP, "nw-slack"))),
        ("T0NW", Some("T0NW"), Ok((MSP, "nw-slack"))),
        ("T0NW", Some("T0NOBODY"), Err("a guest whose workspace is no tenant's")),
        // Installed is not the same as connected.
        ("T0NW", Some("T0CLIENT"), Err("a guest whose workspace is no tenant's")),
        ("T0GUEST", None, Err("a workspace that is no tenant's")),
        ("T0NOBODY", Some("T0GUEST"), Err("a workspace that is no tenant's")),
        ("", Some(""), Err("a workspace that is no tenant's")),
    ] {
        let event = Event { workspace: workspace.into(), author_workspace: author.map(Into::into), channel: "C0CLIENT".into(), ..event("hi") };
        let host = Fake { inbound: Ok(Inbound::Events(vec![event])), ..msp() };
        let answer = check(&host, Request { path: "/webhooks/nw-slack".into(), ..request() }, 200, "", true, expect.is_ok());
        match expect {
            Ok((tenant, connection)) => {
                let id = keys::conversation(tenant, connection, "C0CLIENT", None);
                let stored: Event = record::read(&host.values.borrow()[&keys::event(&id, 1)]).unwrap();
                assert_eq!((stored.tenant.as_str(), stored.connection.as_str()), (tenant, connection), "{workspace} {author:?}");
            }
            Err(why) => assert_eq!(answer.lines[0].why, why, "{workspace} {author:?}"),
        }
    }
}

#[test]
fn a_connection_that_uses_the_msps_application_names_the_address_of_its_webhooks() {
    check(&msp(), Request { path: "/webhooks/client-slack".into(), ..request() }, 404, "addressed to `/webhooks/nw-slack`", false, false);
}

#[test]
fn a_button_that_the_msps_own_people_press_goes_to_the_mailbox_of_its_case_if_there_is_one() {
    const MAILBOX: &str = "0123456789abcdef0123456789abcdef";
    for (value, author, kept) in [
        (format!("{MAILBOX}-1.a1.approve.mac"), None, true),
        (format!("{MAILBOX}-1.a1.approve.mac"), Some("T0NW"), true),
        ("11112222333344445555666677778888-1.a1.approve.mac".into(), None, false),
        ("../x-1.a1.approve.mac".into(), None, false),
        (String::new(), None, false),
    ] {
        let event = Event {
            workspace: "T0NW".into(),
            author_workspace: author.map(Into::into),
            channel: "C0STAFF".into(),
            act: Act::Press(value.clone()),
            ..event("")
        };
        let host = Fake { inbound: Ok(Inbound::Events(vec![event])), ..msp() };
        if kept {
            host.counters.borrow_mut().insert(keys::event_counter(MAILBOX), 1);
        }
        let answer = check(&host, Request { path: "/webhooks/nw-slack".into(), ..request() }, 200, "", true, kept);
        assert_eq!(answer.lines.first().map(|line| line.what == What::Stored), Some(kept), "{value}");
        if kept {
            let stored: Event = record::read(&host.values.borrow()[&keys::event(MAILBOX, 2)]).unwrap();
            assert_eq!((stored.tenant.as_str(), stored.connection.as_str(), stored.to.as_deref()), (MSP, "nw-slack", Some(MAILBOX)));
        }
    }
}

#[test]
fn what_the_msps_own_people_write_below_a_request_goes_to_its_case_and_anything_else_to_themselves() {
    const MAILBOX: &str = "0123456789abcdef0123456789abcdef";
    for (thread, expect) in [(Some("1.2"), Some(MAILBOX)), (Some("1.3"), None), (None, None)] {
        let event = Event {
            workspace: "T0NW".into(),
            author_workspace: None,
            channel: "C0STAFF".into(),
            thread: thread.map(Into::into),
            place: firstline_core::mailbox::Place::Channel,
            ..event("approved")
        };
        let host = Fake { inbound: Ok(Inbound::Events(vec![event])), ..msp() };
        host.values.borrow_mut().insert(keys::asked_in("nw-slack", "C0STAFF", "1.2"), MAILBOX.into());
        let request = Request { path: "/webhooks/nw-slack".into(), ..request() };
        check(&host, request, 200, "", true, true);
        let stored = host.values.borrow().iter().find(|(key, _)| key.starts_with("event/")).map(|(_, bytes)| record::read::<Event>(bytes).unwrap()).unwrap();
        assert_eq!((stored.to.as_deref(), stored.tenant.as_str()), (expect, MSP), "{thread:?}");
    }
}
