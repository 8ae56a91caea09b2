use super::*;
use crate::fake::{Fake, run};
use crate::webhook::{Body, handle};
use firstline_core::seal::{key_pair, unbase64};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::{Digest, Sha256};

const NOW: u64 = 1_700_000_000_000;
const URL: &str = "https://api-eu.myconnectwise.net/v4_6_release/key?id=1";

/// A store with the desk `acme-desk` of `acme`, and the MSP's `desk`, on which company 19 is acme's.
fn world() -> Fake {
    let mut host = Fake::at(NOW);
    host.variables.insert("intake_private_key", key_pair().0.expose().into());
    host.documents.insert(URL, r#"{"signing_key": "k1"}"#);
    for (id, tenant) in [("acme-desk", "acme"), ("desk", MSP)] {
        let address = Address {
            tenant: tenant.into(),
            vendor: "connectwise".into(),
            base_url: "https://api-eu.myconnectwise.net/v4_6_release/apis/3.0".into(),
            token_url: String::new(),
            account: [("login_company".into(), "nw".into())].into(),
            from: None,
        };
        host.values.borrow_mut().insert(keys::connection(id), record::write(&address));
    }
    host.values.borrow_mut().insert(keys::company("desk", 19), record::write(&Workspace { tenant: "acme".into(), connection: "desk".into() }));
    host
}

fn body(company: u64) -> Value {
    json!({"Action": "updated", "ID": 1001, "Type": "ticket", "Entity": json!({"id": 1001, "company": {"id": company}}).to_string(), "Metadata": {"key_url": URL}})
}

/// As ConnectWise signs it.
fn signed(to: &str, key: &str, body: &Value) -> Request {
    let body = body.to_string().into_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(&Sha256::digest(key)).unwrap();
    mac.update(&body);
    Request {
        method: "POST".into(),
        path: format!("/webhooks/{to}"),
        content_type: "application/json".into(),
        timestamp: None,
        signature: None,
        content_signature: Some(base64(&mac.finalize().into_bytes())),
        body: Body::Whole(body),
    }
}

/// Status and log line of the answer, and how many conversations are woken.
fn check(host: &Fake, request: Request, status: u16, why: &str, woken: usize) -> Answer {
    let answer = run(handle(host, request));
    assert_eq!((answer.status, answer.pokes.len()), (status, woken), "{answer:?}");
    let lines = serde_json::to_string(&answer.lines).unwrap();
    assert!(lines.contains(why), "{lines} should contain {why}");
    answer
}

#[test]
fn a_signed_callback_is_a_hint_in_the_mailbox_of_the_ticket() {
    for (to, tenant) in [("acme-desk", "acme"), ("desk", "acme")] {
        let host = world();
        let answer = check(&host, signed(to, "k1", &body(19)), 200, "stored", 1);
        let event = Event::of_ticket(1001, String::new(), tenant, to, NOW);
        let stored: Event = record::read(&host.values.borrow()[&keys::event(&event.conversation(), 1)]).unwrap();
        assert_eq!(stored, Event { id: stored.id.clone(), ..event });
        assert_eq!(answer.pokes, [format!("{}/0", stored.conversation())]);
        // The same callback again has the same id, so that it is dropped.
        check(&host, signed(to, "k1", &body(19)), 200, "stored", 0);
        let again: Event = record::read(&host.values.borrow()[&keys::event(&stored.conversation(), 2)]).unwrap();
        assert_eq!(again.id, stored.id);
        assert_eq!(*host.fetched.borrow(), [URL], "the key is kept");
    }
}

#[test]
fn whoever_has_no_key_is_refused_and_nothing_is_stored() {
    let host = world();
    check(&host, signed("acme-desk", "k2", &body(19)), 401, "signature wrong", 0);
    check(&host, Request { content_signature: None, ..signed("acme-desk", "k1", &body(19)) }, 401, "signature missing", 0);
    let mut changed = signed("acme-desk", "k1", &body(19));
    changed.body = Body::Whole(body(20).to_string().into_bytes());
    check(&host, changed, 401, "signature wrong", 0);
    check(&host, Request { body: Body::Whole(b"{".to_vec()), ..signed("acme-desk", "k1", &body(19)) }, 401, "own host", 0);
    assert!(!host.values.borrow().keys().any(|key| key.starts_with("event/")));
}

#[test]
fn a_key_is_never_fetched_from_elsewhere() {
    for url in
        ["https://evil.example/key", "https://api-eu.myconnectwise.net@evil.example/key", "http://technician.spin.internal/tick", "http://169.254.169.254/"]
    {
        let host = world();
        let mut body = body(19);
        body["Metadata"]["key_url"] = json!(url);
        check(&host, signed("acme-desk", "k1", &body), 401, "own host", 0);
        assert!(host.fetched.borrow().is_empty(), "{url}");
    }
}

#[test]
fn a_rotated_key_is_fetched_again_but_strangers_cannot_make_us_fetch_at_will() {
    let mut host = world();
    check(&host, signed("acme-desk", "k1", &body(19)), 200, "stored", 1);
    host.documents.insert(URL, r#"{"signing_key": "k2"}"#);
    check(&host, signed("acme-desk", "k2", &body(19)), 401, "signature wrong", 0);
    host.now.set(NOW + YOUNG);
    check(&host, signed("acme-desk", "k2", &body(19)), 200, "stored", 0);
    // The old one is gone within the hour.
    host.now.set(NOW + YOUNG + YOUNG);
    check(&host, signed("acme-desk", "k1", &body(19)), 401, "signature wrong", 0);
    for n in 0..20 {
        let mut other = body(19);
        other["Metadata"]["key_url"] = json!(format!("{URL}&n={n}"));
        let answer = run(handle(&host, signed("acme-desk", "k1", &other)));
        assert_eq!(answer.status, 503);
    }
    assert!(host.fetched.borrow().len() <= 3 + MOST_FETCHES as usize, "{:?}", host.fetched);
}

#[test]
fn the_key_is_stored_sealed() {
    let mut host = world();
    host.documents.insert(URL, r#"{"signing_key": "a-key-that-nobody-may-read"}"#);
    check(&host, signed("acme-desk", "a-key-that-nobody-may-read", &body(19)), 200, "stored", 1);
    let values = host.values.borrow();
    let kept: Kept = record::read(&values[&keys::callback_key("acme-desk")]).unwrap();
    assert!(unbase64(&kept.sealed).is_some_and(|sealed| !sealed.is_empty()));
    assert!(!values.values().any(|bytes| String::from_utf8_lossy(bytes).contains("a-key-that-nobody-may-read")));
}

#[test]
fn what_is_no_tenants_or_no_ticket_is_ignored() {
    check(&world(), signed("desk", "k1", &body(20)), 200, "a company that is no tenant's", 0);
    let without = json!({"Action": "added", "ID": 7, "Type": "ticket", "Metadata": {"key_url": URL}});
    check(&world(), signed("desk", "k1", &without), 200, "a company that is no tenant's", 0);
    for (member, value) in [("Type", "company"), ("Action", "deleted")] {
        let mut body = body(19);
        body[member] = json!(value);
        check(&world(), signed("desk", "k1", &body), 200, "no ticket", 0);
    }
    let mut body = body(19);
    body["ID"] = json!("x");
    check(&world(), signed("desk", "k1", &body), 400, "`ID`", 0);
}

#[test]
fn a_key_that_cannot_be_had_asks_for_a_retry() {
    for document in ["", "{}", r#"{"signing_key": ""}"#] {
        let mut host = world();
        host.documents.insert(URL, document);
        check(&host, signed("acme-desk", "k1", &body(19)), 503, "signing key", 0);
    }
    let mut host = world();
    host.documents.clear();
    check(&host, signed("acme-desk", "k1", &body(19)), 503, "not found", 0);
}
