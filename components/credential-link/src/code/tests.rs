use super::*;
use crate::fake::{Fake, run};
use crate::link::{Request, handle};
use firstline_core::once;
use firstline_core::record::{read, write};
use firstline_core::seal::{PrivateKey, key_pair, unbase64};
use firstline_core::store::Store as _;

const CASE: &str = "0123456789abcdef0123456789abcdef-1";
const NOW: u64 = 1_000_000;

/// A page that waits, its token and the technician's key.
fn waiting() -> (Fake, String, PrivateKey) {
    let (private, public) = key_pair();
    let token = once::token([7; 32]);
    let page = CodePage {
        conversation: "0123456789abcdef0123456789abcdef".into(),
        tenant: "acme".into(),
        connection: "acme-slack".into(),
        case: CASE.into(),
        page: "o2".into(),
        expires: NOW + 600_000,
        msp: "Northwind IT".into(),
        ticket: "1001".into(),
        locale: "de".into(),
        logo: String::new(),
    };
    let fake = Fake { technician: public, now: NOW, ..Fake::default() };
    run(fake.set_many(vec![(keys::code_page(&once::token_hash(&token).unwrap()), write(&page))])).unwrap();
    fake.calls.borrow_mut().clear();
    (fake, token, PrivateKey::parse("k", private.expose()).unwrap())
}

fn post(token: &str, form: &str) -> Request {
    Request { method: "POST".into(), path: format!("/c/{token}"), form: form.into(), ..Request::default() }
}

#[test]
fn opening_a_link_looks_at_nothing() {
    let (fake, token, _) = waiting();
    for (method, path) in [("GET", format!("/c/{token}")), ("HEAD", format!("/c/{token}")), ("GET", "/c/nonsense".into())] {
        let answer = run(handle(&fake, &Request { method: method.into(), path, ..Request::default() }));
        assert_eq!((answer.status, answer.html.is_empty()), (200, method == "HEAD"));
    }
    assert!(fake.calls.borrow().is_empty());
}

#[test]
fn what_is_typed_is_sealed_to_the_technician_and_the_case_hears_of_it() {
    let (fake, token, key) = waiting();
    let answer = run(handle(&fake, &post(&token, "code=98-70+01")));
    assert_eq!((answer.status, answer.line.ticket.as_str()), (200, "1001"));
    assert!(answer.html.contains("lang=\"de\"") && !answer.html.contains("987001"));
    assert_eq!(answer.poke.as_deref(), Some("0123456789abcdef0123456789abcdef/0"));
    let values = fake.values.borrow();
    let sealed = unbase64(std::str::from_utf8(&values[&keys::case_secret(CASE, "code")]).unwrap()).unwrap();
    assert_eq!(key.open(&sealed, &case_context("acme", CASE, "code")).unwrap().expose(), "987001");
    let event: Event = read(&values["event/0123456789abcdef0123456789abcdef/1"]).unwrap();
    assert_eq!((event.act, event.tenant.as_str()), (Act::Code("o2".into()), "acme"));
    assert!(!values.values().any(|value| String::from_utf8_lossy(value).contains("987001")), "the code stands in the clear");
}

#[test]
fn what_is_no_code_goes_nowhere() {
    let (fake, token, _) = waiting();
    for form in ["", "code=", "code=123", "code=12345678901", "code=abcdef", "code=١٢٣٤٥٦", "other=123456", &format!("x={}&code=123456", "y".repeat(2_000))]
    {
        assert_eq!(run(handle(&fake, &post(&token, form))).status, 422, "{form}");
    }
    assert!(fake.calls.borrow().is_empty());
}

#[test]
fn nothing_is_taken_from_another_site_nor_for_an_unknown_or_old_page_nor_for_ever() {
    let (fake, token, _) = waiting();
    let status = |request: &Request| run(handle(&fake, request)).status;
    assert_eq!(status(&Request { fetch_site: Some("cross-site".into()), ..post(&token, "code=123456") }), 403);
    assert_eq!(status(&post(&once::token([8; 32]), "code=123456")), 410);
    assert_eq!(status(&post("nonsense", "code=123456")), 410);
    for n in 1..=MOST_TYPED + 1 {
        assert_eq!(status(&post(&token, "code=123456")), if n > MOST_TYPED { 410 } else { 200 }, "{n}");
    }
    let (late, token, _) = waiting();
    let late = Fake { now: NOW + 600_000, ..late };
    assert_eq!(run(handle(&late, &post(&token, "code=123456"))).status, 410);
    assert_eq!(run(handle(&late, &Request { method: "PUT".into(), ..post(&token, "") })).status, 405);
}

#[test]
fn a_missing_key_is_named_and_a_store_that_fails_says_so() {
    let (fake, token, _) = waiting();
    let answer = run(handle(&Fake { technician: String::new(), ..fake }, &post(&token, "code=123456")));
    assert!(answer.status == 503 && answer.html.contains("technician_public_key"));
    for fails in ["get", "increment", "set"] {
        let (fake, token, _) = waiting();
        assert_eq!(run(handle(&Fake { fails: Some(fails), ..fake }, &post(&token, "code=123456"))).status, 503, "{fails}");
    }
}
