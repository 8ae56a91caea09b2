use super::*;
use crate::fake::{Fake, run, stored};
use firstline_core::evidence::{DayCase, Proof, SealedEntry, SigningKey, verify};
use firstline_core::journal::{Entry, Fact, Summary, entry_hash};

const CONVERSATION: &str = "0123456789abcdef0123456789abcdef";
const CASE: &str = "0123456789abcdef0123456789abcdef-1";

fn signing() -> SigningKey {
    SigningKey::from_bytes(&[5; 32])
}

/// A conversation of five entries, of which the case has three, over two epochs; closed if it is sealed.
fn world(sealed: bool) -> Fake {
    let host = Fake::new();
    host.write(&keys::tenant("acme"), &stored("acme"));
    let places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)];
    for at in places {
        let case = Some(if at == (0, 0) { "another-1".to_string() } else { CASE.into() });
        let entry = Entry { previous: String::new(), at: at.1, times: vec![], case, facts: vec![Fact::Hole { number: 7 }] };
        host.write(&keys::log(CONVERSATION, at.0, at.1), &entry);
    }
    host.values.borrow_mut().insert(keys::epoch(CONVERSATION), 1_i64.to_le_bytes().to_vec());
    let summary = Summary {
        case: CASE.into(),
        tenant: "acme".into(),
        state: if sealed { "closed" } else { "open" }.into(),
        kind: "password_reset".into(),
        ticket: None,
        received: 1,
        ended: None,
        reason: None,
        from: (0, 1),
        to: sealed.then_some((1, 0)),
        tally: None,
    };
    host.write(&keys::case(CASE), &summary);
    if sealed {
        let hash = |at: &(i64, u64)| entry_hash(&host.values.borrow()[&keys::log(CONVERSATION, at.0, at.1)]);
        let entries: Vec<SealedEntry> = places[1..4].iter().map(|at| SealedEntry { entry: *at, hash: hash(at) }).collect();
        let synopsis = serde_json::value::RawValue::from_string("{\"kind\":\"password_reset\",\"requester\":null,\"verified\":null,\"account\":null,\"verdict\":null,\"rules\":[],\"done\":[],\"ticket\":null,\"reason\":null}".into()).unwrap();
        let seal = Seal {
            schema: 1,
            case: CASE.into(),
            tenant: "acme".into(),
            state: "closed".into(),
            at: 9,
            count: 3,
            head: entries[2].hash.clone(),
            synopsis: keys::sha256_hex(synopsis.get().as_bytes()),
            entries,
        };
        let seal = Signed::new(evidence::Domain::Case, &seal, Some(&signing())).unwrap();
        host.write(&keys::evidence(CASE), &Evidence { synopsis, seal });
    }
    host
}

/// The file as it is sent.
fn file(host: &Fake, answer: Answer) -> String {
    answer.lines.unwrap().into_iter().map(|line| run(text(host, line)).unwrap() + "\n").collect()
}

#[test]
fn a_bundle_holds_what_was_sealed_as_it_is_stored_and_verifies() {
    let host = world(true);
    let file = file(&host, run(bundle(&host, &host.key(), CASE)).unwrap());
    let Ok(Proof::Case { entries, case, .. }) = verify(&file, &signing().public()) else { panic!("{file}") };
    assert_eq!((entries, case.as_str(), file.lines().count()), (3, CASE, 5));
    // What was changed in the store since is named, and so is what is gone.
    let under = keys::log(CONVERSATION, 0, 2);
    host.values.borrow_mut().get_mut(&under).unwrap()[90] ^= 1;
    let check = |line, why: &str| {
        let file = self::file(&host, run(bundle(&host, &host.key(), CASE)).unwrap());
        let broken = verify(&file, &signing().public()).unwrap_err();
        assert!(broken.line == line && broken.why.contains(why), "{broken}");
    };
    check(3, "0.2 was changed");
    host.values.borrow_mut().remove(&under);
    check(3, "0.2 was changed");
}

#[test]
fn a_case_that_is_still_open_gives_a_bundle_that_says_so() {
    let host = world(false);
    let file = file(&host, run(bundle(&host, &host.key(), CASE)).unwrap());
    assert_eq!(file.lines().count(), 6, "{file}");
    assert!(verify(&file, &signing().public()).unwrap_err().why.contains("still open"));
    assert_eq!(run(bundle(&host, &host.key(), &CASE.replace("-1", "-2"))).unwrap_err().status, 404);
}

#[test]
fn forged_evidence_is_not_passed_on() {
    let host = world(true);
    let other = host.values.borrow()[&keys::evidence(CASE)].clone();
    host.values.borrow_mut().insert(keys::evidence(CASE), other[1..].to_vec());
    assert_eq!(run(bundle(&host, &host.key(), CASE)).unwrap_err().status, 500);
}

#[test]
fn a_day_is_a_line_a_page() {
    let host = world(true);
    let cases: Vec<DayCase> = (1..=2_500).map(|number| DayCase { day: 20_000, number, case: None, state: "unused".into(), head: None }).collect();
    let (pages, _) = Day::sign("acme", 20_000, (2_500, 0), &cases, "", 5, Some(&signing()));
    for (page, signed) in (1..).zip(&pages) {
        host.write(&keys::day_record("acme", 20_000, page), signed);
    }
    let file = file(&host, run(day(&host, &host.key(), "acme", "2024-10-04")).unwrap());
    assert!(matches!(verify(&file, &signing().public()), Ok(Proof::Days { .. })) && file.lines().count() == 3, "{file}");
    for (tenant, day, status) in [("acme", "2024-10-05", 404), ("acme", "x", 400), ("nobody", "2024-10-04", 404)] {
        assert_eq!(run(super::day(&host, &host.key(), tenant, day)).unwrap_err().status, status, "{tenant} {day}");
    }
}
