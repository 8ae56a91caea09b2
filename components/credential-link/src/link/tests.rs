use super::*;
use crate::fake::{Fake, run};
use crate::host::Store as _;
use crate::words::EN;
use firstline_core::once;
use firstline_core::seal::{PublicKey, base64, key_pair};

const NOW: u64 = 1_700_000_000_000;
const SECRET: &str = "K7!mPq2#xLw9?dRt";

fn token() -> String {
    once::token([9; 32])
}

fn hash() -> String {
    token_hash(&token()).unwrap()
}

/// A store with one link that works until `expires`.
fn world(expires: u64) -> Fake {
    let (private, public) = key_pair();
    let sealed = PublicKey::parse("p", &public).unwrap().seal(&Secret::new(SECRET.into()), &once_context(&hash(), "acme", expires)).unwrap();
    let once = Once {
        sealed: base64(&sealed),
        tenant: "acme".into(),
        expires,
        latest: 0,
        msp: "Northwind IT".into(),
        ticket: "4711".into(),
        pass: false,
        locale: String::new(),
        logo: String::new(),
    };
    let host = Fake { key: private.expose().into(), now: NOW, ..Fake::default() };
    host.values.borrow_mut().insert(keys::once(&hash()), record::write(&once));
    host
}

fn good() -> Fake {
    world(NOW + 60_000)
}

fn request(method: &str) -> Request {
    Request { method: method.into(), path: once::path(&token()), ..Request::default() }
}

/// Status, heading, and what the store was asked; and that no secret leaves unless it is shown.
fn check(host: &Fake, request: &Request, status: u16, heading: &str, calls: &[&str]) -> Answer {
    host.calls.borrow_mut().clear();
    let answer = run(handle(host, request));
    assert_eq!(answer.status, status, "{:?}", answer.line);
    assert!(answer.html.contains(&format!("<h1>{heading}</h1>")) || (request.method == "HEAD" && answer.html.is_empty()), "{}", answer.html);
    assert_eq!(*host.calls.borrow(), calls);
    let line = serde_json::to_string(&answer.line).unwrap();
    assert!(!line.contains(SECRET) && !line.contains(&token()) && !line.contains(&hash()), "{line}");
    assert_eq!(answer.html.contains(SECRET), heading == EN.password.shown);
    answer
}

const ALL: &[&str] = &["get once", "get clock", "increment c/once", "set once"];

#[test]
fn opening_a_link_shows_the_same_button_whether_it_works_or_not_and_burns_nothing() {
    let host = good();
    let first = check(&host, &request("GET"), 200, EN.ready, &[]).html;
    let unknown = once::path(&once::token([1; 32]));
    for path in [unknown.as_str(), "/s/x", "/s/..", "/s/%00", &format!("/s/{}", "a".repeat(100_000))] {
        assert_eq!(check(&host, &Request { path: path.into(), ..request("GET") }, 200, EN.ready, &[]).html, first);
        check(&host, &Request { path: path.into(), ..request("HEAD") }, 200, "", &[]);
    }
    for purpose in ["prefetch", "prefetch;prerender"] {
        check(&host, &Request { purpose: Some(purpose.into()), ..request("GET") }, 200, EN.ready, &[]);
    }
    check(&host, &request("POST"), 200, EN.password.shown, ALL);
    assert_eq!(check(&host, &request("GET"), 200, EN.ready, &[]).html, first);
}

#[test]
fn a_press_shows_the_secret_once_and_deletes_it_before_it_answers() {
    let host = good();
    let answer = check(&host, &Request { fetch_site: Some("same-origin".into()), ..request("POST") }, 200, EN.password.shown, ALL);
    assert!(answer.html.contains("From Northwind IT, ticket 4711") && answer.html.contains(EN.shown_once));
    assert_eq!((answer.line.tenant.as_str(), answer.line.what), ("acme", What::Shown));
    // Only the time is left.
    let left: Vec<Vec<u8>> = host.values.borrow().values().cloned().collect();
    assert_eq!(left, [record::write(&Opened { opened: NOW })]);
    check(&host, &request("POST"), 410, EN.gone, &["get once"]);
}

#[test]
fn a_secret_that_was_erased_is_gone() {
    let host = good();
    let stored: Once = record::read(&host.values.borrow()[&keys::once(&hash())]).unwrap();
    host.values.borrow_mut().insert(keys::once(&hash()), record::write(&stored.erased()));
    check(&host, &request("POST"), 410, EN.gone, &["get once", "get clock", "delete once"]);
}

#[test]
fn used_expired_and_unknown_links_look_the_same() {
    let claimed = good();
    run(claimed.increment(&keys::once_claim(&hash()), 1)).unwrap();
    let used = check(&claimed, &request("POST"), 410, EN.gone, &["get once", "get clock", "increment c/once"]).html;
    let expired = check(&world(NOW), &request("POST"), 410, EN.gone, &["get once", "get clock", "delete once"]).html;
    let unknown = check(&Fake { values: Default::default(), ..good() }, &request("POST"), 410, EN.gone, &["get once"]).html;
    let malformed = check(&good(), &Request { path: "/s/x".into(), ..request("POST") }, 410, EN.gone, &[]).html;
    assert!([&expired, &unknown, &malformed].iter().all(|page| **page == used));
}

#[test]
fn a_link_that_had_expired_stays_so_when_the_clock_is_put_back() {
    let host = good();
    host.values.borrow_mut().insert(keys::latest(), (NOW + 60_000).to_string().into_bytes());
    check(&host, &request("POST"), 410, EN.gone, &["get once", "get clock", "delete once"]);
    let host = good();
    host.values.borrow_mut().insert(keys::latest(), (NOW + 59_999).to_string().into_bytes());
    check(&host, &request("POST"), 200, EN.password.shown, ALL);
    // A link that was made after the clock had been put back.
    let host = good();
    let bytes = host.values.borrow()[&keys::once(&hash())].clone();
    let made = Once { latest: NOW + 86_400_000, ..record::read(&bytes).unwrap() };
    host.values.borrow_mut().insert(keys::once(&hash()), record::write(&made));
    host.values.borrow_mut().insert(keys::latest(), (NOW + 86_400_000).to_string().into_bytes());
    check(&host, &request("POST"), 200, EN.password.shown, ALL);
}

#[test]
fn a_press_that_did_not_come_from_the_page_burns_nothing() {
    let host = good();
    for site in ["cross-site", "same-site", "none", ""] {
        check(&host, &Request { fetch_site: Some(site.into()), ..request("POST") }, 403, EN.refused, &[]);
    }
    check(&host, &Request { purpose: Some("prefetch".into()), ..request("POST") }, 403, EN.refused, &[]);
    check(&host, &request("POST"), 200, EN.password.shown, ALL);
}

#[test]
fn a_missing_or_wrong_key_is_reported_and_burns_nothing() {
    let host = Fake { key: String::new(), ..good() };
    assert!(check(&host, &request("POST"), 503, EN.fault, &[]).html.contains("link_private_key"));
    let other = key_pair().0.expose().to_string();
    check(&Fake { key: other, ..good() }, &request("POST"), 503, EN.fault, &["get once", "get clock"]);
}

#[test]
fn a_moved_or_changed_record_is_never_shown() {
    let host = good();
    let bytes = host.values.borrow()[&keys::once(&hash())].clone();
    let sound: Once = record::read(&bytes).unwrap();
    for once in [
        Once { expires: sound.expires + 1, ..sound.clone() },
        Once { tenant: "globex".into(), ..sound.clone() },
        Once { sealed: String::new(), ..sound.clone() },
        Once { sealed: "!".into(), ..sound.clone() },
    ] {
        host.values.borrow_mut().insert(keys::once(&hash()), record::write(&once));
        check(&host, &request("POST"), 503, EN.fault, &["get once", "get clock"]);
    }
    host.values.borrow_mut().insert(keys::once(&hash()), b"[[[[".to_vec());
    check(&host, &request("POST"), 503, EN.fault, &["get once"]);
}

#[test]
fn a_failing_store_shows_nothing() {
    for (fails, calls) in [("get", &ALL[..1]), ("increment", &ALL[..3]), ("set", ALL)] {
        let answer = check(&Fake { fails: Some(fails), ..good() }, &request("POST"), 503, EN.fault, calls);
        assert!(!answer.html.contains("failed") && answer.line.why.contains(fails));
    }
}

#[test]
fn other_methods_and_addresses_are_refused() {
    for method in ["PUT", "DELETE", "OPTIONS", "PATCH", "get"] {
        check(&good(), &request(method), 405, EN.no_link, &[]);
    }
    for path in ["/s/", "/s", "/", "", "/s/a/b", &format!("{}/", once::path(&token()))] {
        for method in ["GET", "POST"] {
            check(&good(), &Request { path: path.into(), ..request(method) }, 404, EN.no_link, &[]);
        }
    }
}

#[test]
fn every_answer_forbids_storing_framing_and_telling() {
    let headers = headers();
    for (name, part) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "default-src 'none'"),
        ("content-security-policy", "frame-ancestors 'none'"),
        ("content-security-policy", "form-action 'self'"),
        ("content-security-policy", "base-uri 'none'"),
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "noindex"),
    ] {
        assert!(headers.iter().any(|(n, value)| *n == name && value.contains(part)), "{name}: {part}");
    }
}

#[test]
fn a_page_speaks_the_browsers_language_and_the_secrets_page_the_users() {
    let host = good();
    let of = |method: &str, languages: &str| Request { languages: languages.into(), ..request(method) };
    check(&host, &of("GET", "de-AT,de;q=0.9"), 200, words::of("de").ready, &[]);
    let stored = host.values.borrow().get(&keys::once(&hash())).cloned().unwrap();
    let once = Once { locale: "es".into(), ..record::read(&stored).unwrap() };
    host.values.borrow_mut().insert(keys::once(&hash()), record::write(&once));
    let answer = run(handle(&host, &of("POST", "de")));
    assert!(answer.html.contains(words::of("es").password.shown) && answer.html.contains("De Northwind IT, ticket 4711"), "{}", answer.html);
    check(&host, &of("POST", "pt-BR"), 410, words::of("pt").gone, &["get once"]);
}
