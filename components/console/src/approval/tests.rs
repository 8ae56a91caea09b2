use crate::api::{Body, Request, handle};
use crate::fake::{Fake, run};
use firstline_core::keys;

const CASE: &str = "0123456789abcdef0123456789abcdef-1";

fn check(host: &Fake, method: &str, body: &str, status: u16, says: &str) {
    let request = Request {
        method: method.into(),
        path: format!("/api/cases/{CASE}/approval"),
        query: String::new(),
        authorization: Some("Bearer b".into()),
        body: Body::Whole(body.as_bytes().to_vec()),
    };
    let answer = run(handle(host, &request));
    let text = answer.body.map(|body| body.to_string()).unwrap_or_default();
    assert!(answer.status == status && text.contains(says), "{method} {body}: {} {text}", answer.status);
    assert!(host.counters.borrow().is_empty(), "nothing was stored");
}

#[test]
fn what_waits_for_nothing_or_cannot_be_trusted_cannot_be_answered() {
    let host = Fake::new();
    check(&host, "GET", "", 404, "waits for no approval");
    check(&host, "POST", r#"{"request": "a1", "choice": "approve"}"#, 404, "waits for no approval");
    check(&host, "POST", r#"{"request": "a1", "choice": "yes"}"#, 400, "approve, changes, decline, take-over");
    check(&host, "POST", "approved", 400, "send");
    check(&host, "POST", r#"{"request": "a1", "choice": "approve", "by": "Ada"}"#, 400, "send");
    check(&host, "PUT", "", 405, "GET, POST");
    host.values.borrow_mut().insert(keys::snapshot("0123456789abcdef0123456789abcdef"), b"broken".to_vec());
    check(&host, "GET", "", 500, "");
}
