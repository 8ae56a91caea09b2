use super::*;
use crate::fake::{DAY as TODAY, Fake, run, stored};
use firstline_core::case::Times;
use firstline_core::figures::{Figures, Tally};
use firstline_core::journal::Summary;
use serde_json::Value;

const CONVERSATION: &str = "0123456789abcdef0123456789abcdef";

fn world() -> Fake {
    let host = Fake::new();
    host.write(&keys::tenant("acme"), &stored("acme"));
    host
}

/// The n-th case of a day before today, received at that day's first millisecond plus its number, and told after `took`.
fn add(host: &Fake, ago: u64, number: i64, state: &str, tenant: &str, took: u64) {
    let (day, case) = (TODAY - ago, format!("{CONVERSATION}-{}", 100_000 * (ago as i64) + number));
    let received = day * DAY + number as u64;
    let times = Times { received, delivered: Some(received + took), ended: Some(received + took + 1), ..Times::default() };
    let closeout = ["notes", "time", "status", "type"].map(String::from).into();
    let summary = Summary {
        case: case.clone(),
        tenant: tenant.into(),
        state: state.into(),
        kind: "password_reset".into(),
        ticket: None,
        received,
        ended: None,
        reason: Some("chat-guest".into()),
        from: (0, 0),
        to: None,
        tally: Some(Tally { person: "p".into(), times, closeout, ..Tally::default() }),
    };
    host.write(&keys::case(&case), &summary);
    host.values.borrow_mut().insert(keys::case_of_day("acme", day, number), case.into_bytes());
    host.values.borrow_mut().insert(keys::case_counter("acme", day), number.to_le_bytes().to_vec());
}

fn ask(host: &Fake, text: &str) -> (Figures, Value) {
    let body = run(get(host, &host.key(), text)).unwrap().body.unwrap();
    (serde_json::from_value(body["figures"].clone()).unwrap(), body)
}

#[test]
fn days_are_added_up_and_the_days_before_only_tell_what_comes_again() {
    let host = world();
    for (ago, number, state, took) in [(2, 1, "closed", 10), (1, 1, "closed", 20), (1, 2, "handed-over", 0), (0, 1, "closed", 30), (0, 3, "open", 0)] {
        add(&host, ago, number, state, "acme", took);
    }
    add(&host, 0, 4, "closed", "globex", 7);
    let (figures, body) = ask(&host, "tenant=acme");
    assert_eq!((figures.seen, figures.closed, figures.open, figures.again), (2, 1, 1, 2));
    assert!(body["cut"].is_null(), "{body}");
    let (figures, _) = ask(&host, "tenant=acme&from=2023-11-12&to=2023-11-14");
    assert_eq!((figures.seen, figures.closed, figures.handed_over, figures.again, figures.clean), (5, 3, 1, 4, 3));
    assert_eq!((figures.unblocked["password_reset"].total.p50, figures.first_closed_ticket), (20, Some(11)));
    let (figures, _) = ask(&host, "tenant=acme&from=2023-11-12&to=2023-11-12");
    assert_eq!((figures.seen, figures.again), (1, 0));
}

#[test]
fn links_of_closed_cases_are_counted_and_when_they_were_opened() {
    let host = world();
    for (number, state) in [(1, "closed"), (2, "closed"), (3, "closed"), (4, "handed-over")] {
        add(&host, 0, number, state, "acme", 10);
        if number != 3 {
            host.values.borrow_mut().insert(keys::link(&format!("{CONVERSATION}-{number}")), format!("hash{number}").into_bytes());
        }
    }
    let told = TODAY * DAY + 1 + 10;
    host.values.borrow_mut().insert(keys::once("hash1"), record::write(&Opened { opened: told + 7 }));
    let (figures, _) = ask(&host, "tenant=acme");
    assert_eq!((figures.links.sent, figures.links.opened, figures.links.after.p50), (2, 1, 7));
}

#[test]
fn a_damaged_case_is_counted_as_such() {
    let host = world();
    add(&host, 0, 1, "closed", "acme", 10);
    let key = keys::case(&format!("{CONVERSATION}-1"));
    host.values.borrow_mut().get_mut(&key).unwrap()[80] ^= 1;
    let (figures, _) = ask(&host, "tenant=acme");
    assert_eq!((figures.seen, figures.unreadable, figures.closed), (1, 1, 0));
}

#[test]
fn a_long_list_is_cut_and_says_so() {
    let host = world();
    add(&host, 0, 5_001, "closed", "acme", 10);
    let (figures, body) = ask(&host, "tenant=acme");
    assert!(figures.seen == 0 && body["cut"].as_str().unwrap().contains("5000"), "{body}");
}

#[test]
fn a_wrong_question_is_refused() {
    let host = world();
    for (text, status) in [
        ("", 400),
        ("tenant=", 400),
        ("tenant=../x", 400),
        ("tenant=globex", 404),
        ("tenant=acme&from=x", 400),
        ("tenant=acme&to=2023-13-01", 400),
        ("tenant=acme&from=2023-11-15&to=2023-11-14", 400),
        ("tenant=acme&from=2023-10-14&to=2023-11-14", 400),
        ("tenant=acme&x=1", 400),
    ] {
        assert_eq!(run(get(&host, &host.key(), text)).unwrap_err().status, status, "{text}");
    }
    ask(&host, "tenant=acme&from=2023-10-15&to=2023-11-14");
}
