use super::*;
use crate::fake::{DAY as TODAY, Fake, run, stored};
use firstline_core::journal::{Entry, Fact};
use firstline_core::record::write;

const CONVERSATION: &str = "0123456789abcdef0123456789abcdef";

fn case(number: i64) -> String {
    format!("{CONVERSATION}-{number}")
}

fn summary_of(number: i64, tenant: &str, from: (i64, u64), to: Option<(i64, u64)>) -> Summary {
    Summary {
        case: case(number),
        tenant: tenant.into(),
        state: "open".into(),
        kind: "password_reset".into(),
        ticket: Some(7),
        received: 1,
        ended: None,
        reason: None,
        from,
        to,
        tally: None,
    }
}

fn world() -> Fake {
    let host = Fake::new();
    for name in ["acme", "globex"] {
        host.write(&keys::tenant(name), &stored(name));
    }
    host
}

/// The n-th case of `acme` today.
fn add(host: &Fake, number: i64, tenant: &str) {
    host.values.borrow_mut().insert(keys::case_of_day("acme", TODAY, number), case(number).into_bytes());
    host.write(&keys::case(&case(number)), &summary_of(number, tenant, (0, 0), None));
    host.values.borrow_mut().insert(keys::case_counter("acme", TODAY), number.to_le_bytes().to_vec());
}

fn check_list(host: &Fake, text: &str, expect: &[i64], next: Option<i64>) {
    let body = run(list(host, &host.key(), "acme", text)).unwrap().body.unwrap();
    let got: Vec<&str> = body["cases"].as_array().unwrap().iter().map(|case| case["case"].as_str().unwrap()).collect();
    assert_eq!(got, expect.iter().map(|n| case(*n)).collect::<Vec<_>>(), "{text}");
    assert_eq!(body["next"].as_i64(), next, "{text}");
}

#[test]
fn cases_of_a_day_are_paged_and_the_newest_is_last() {
    let host = world();
    check_list(&host, "", &[], None);
    for number in 1..=205 {
        add(&host, number, "acme");
    }
    let numbers: Vec<i64> = (1..=205).collect();
    check_list(&host, "", &numbers[..100], Some(100));
    check_list(&host, "day=2023-11-14&after=100", &numbers[100..200], Some(200));
    check_list(&host, "after=200", &numbers[200..], None);
    check_list(&host, "after=9223372036854775807", &[], None);
    check_list(&host, "day=2023-11-15", &[], None);
}

#[test]
fn holes_rubbish_and_cases_of_others_are_not_listed() {
    let host = world();
    for number in 1..=5 {
        add(&host, number, if number == 2 { "globex" } else { "acme" });
    }
    let of_day = |number| keys::case_of_day("acme", TODAY, number);
    host.values.borrow_mut().remove(&of_day(1));
    host.values.borrow_mut().insert(of_day(3), b"../tenants".to_vec());
    check_list(&host, "", &[4, 5], None);
    host.values.borrow_mut().insert(keys::case(&case(5)), write(&summary_of(5, "acme", (0, 0), None)));
    let body = run(list(&host, &host.key(), "acme", "")).unwrap().body.unwrap();
    assert!(body["cases"][1]["error"].as_str().unwrap().contains("not written by this installation"), "a forged summary is named, not shown: {body}");
    host.values.borrow_mut().insert(keys::case_counter("acme", TODAY), b"x".to_vec());
    assert_eq!(run(list(&host, &host.key(), "acme", "")).unwrap_err().status, 500);
}

#[test]
fn a_wrong_query_is_refused() {
    let host = world();
    for text in
        ["day=", "day=2023-13-01", "day=22.11.2026", "day=1900-01-01", "day=+99999-01-01", "after=-1", "after=x", "after=99999999999999999999", "limit=5", "x"]
    {
        assert_eq!(run(list(&host, &host.key(), "acme", text)).unwrap_err().status, 400, "{text}");
    }
    assert_eq!(run(list(&host, &host.key(), "initech", "")).unwrap_err().status, 404);
}

/// Writes log entries as (epoch, number, case).
fn log(host: &Fake, entries: &[(i64, u64, i64)]) {
    for (epoch, number, of) in entries {
        let entry = Entry { previous: String::new(), at: 5, times: vec![5], case: Some(case(*of)), facts: vec![Fact::Tick { at: 5 }] };
        host.write(&keys::log(CONVERSATION, *epoch, *number), &entry);
        host.values.borrow_mut().insert(keys::epoch(CONVERSATION), epoch.to_le_bytes().to_vec());
    }
}

fn check_journal(host: &Fake, number: i64, text: &str, expect: &[(i64, u64)], next: Option<&str>) {
    let body = run(journal(host, &host.key(), &case(number), text)).unwrap().body.unwrap();
    let got: Vec<(i64, u64)> = body["entries"].as_array().unwrap().iter().map(|e| (e["epoch"].as_i64().unwrap(), e["number"].as_u64().unwrap())).collect();
    assert_eq!(got, expect, "{body}");
    assert_eq!(body["next"].as_str(), next);
}

#[test]
fn a_journal_holds_the_entries_of_its_case_over_all_epochs() {
    let host = world();
    log(&host, &[(0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 1, 2), (3, 0, 2), (3, 1, 2), (3, 2, 2), (3, 3, 9)]);
    // The entry that ended the first case opened the second; the last one but one was said to the second after its end.
    host.write(&keys::case(&case(1)), &summary_of(1, "acme", (0, 1), Some((1, 1))));
    host.write(&keys::case(&case(2)), &summary_of(2, "acme", (1, 1), Some((3, 1))));
    host.write(&keys::case(&case(9)), &summary_of(9, "acme", (3, 3), None));
    check_journal(&host, 1, "", &[(0, 1), (1, 0), (1, 1)], None);
    check_journal(&host, 2, "", &[(1, 1), (3, 0), (3, 1), (3, 2)], None);
    check_journal(&host, 9, "", &[(3, 3)], None);
    check_journal(&host, 2, "from=3.1", &[(3, 1), (3, 2)], None);
    check_journal(&host, 2, "from=0.0", &[(1, 1), (3, 0), (3, 1), (3, 2)], None);
}

#[test]
fn a_long_journal_is_paged() {
    let host = world();
    log(&host, &(0..150).map(|n| (0, n, 1)).collect::<Vec<_>>());
    host.write(&keys::case(&case(1)), &summary_of(1, "acme", (0, 0), None));
    check_journal(&host, 1, "", &(0..100).map(|n| (0, n)).collect::<Vec<_>>(), Some("0.100"));
    check_journal(&host, 1, "from=0.100", &(100..150).map(|n| (0, n)).collect::<Vec<_>>(), None);
    for text in ["from=", "from=1", "from=-1.0", "from=x.y", "to=1"] {
        assert_eq!(run(journal(&host, &host.key(), &case(1), text)).unwrap_err().status, 400, "{text}");
    }
}

#[test]
fn a_changed_entry_is_named_and_its_hash_is_that_of_the_stored_bytes() {
    let host = world();
    log(&host, &[(0, 0, 1), (0, 1, 1)]);
    host.write(&keys::case(&case(1)), &summary_of(1, "acme", (0, 0), None));
    let under = keys::log(CONVERSATION, 0, 1);
    host.values.borrow_mut().get_mut(&under).unwrap()[70] ^= 1;
    let body = run(journal(&host, &host.key(), &case(1), "")).unwrap().body.unwrap();
    assert_eq!(body["entries"][0]["entry"]["facts"][0]["tick"]["at"], 5);
    assert_eq!(body["entries"][1]["hash"], entry_hash(&host.values.borrow()[&under]).as_str());
    assert!(body["entries"][1]["error"].is_string() && body["entries"][1]["entry"].is_null(), "{body}");
}

#[test]
fn a_case_is_shown_unless_it_is_unknown_or_forged() {
    let host = world();
    host.write(&keys::case(&case(1)), &summary_of(1, "acme", (0, 0), None));
    assert_eq!(run(get(&host, &host.key(), &case(1))).unwrap().body.unwrap()["kind"], "password_reset");
    assert_eq!(run(get(&host, &host.key(), &case(2))).unwrap_err().status, 404);
    assert_eq!(run(journal(&host, &host.key(), &case(2), "")).unwrap_err().status, 404);
    let moved = host.values.borrow()[&keys::case(&case(1))].clone();
    host.values.borrow_mut().insert(keys::case(&case(2)), moved);
    assert_eq!(run(get(&host, &host.key(), &case(2))).unwrap_err().status, 500);
}
