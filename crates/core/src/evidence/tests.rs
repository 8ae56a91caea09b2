use super::*;
use crate::journal::{Entry, Fact};
use crate::record::IntegrityKey;

const DAY: u64 = 20_000;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn stored(number: u64) -> Vec<u8> {
    let key = IntegrityKey::parse(&base64(&[7; 32])).unwrap();
    let entry = Entry { previous: String::new(), at: number, times: vec![number], case: Some("c".into()), facts: vec![Fact::Tick { at: number }] };
    key.write(&crate::keys::log("c", 0, number), &entry)
}

fn evidence(case: &str, numbers: std::ops::Range<u64>, key: Option<&SigningKey>) -> Evidence {
    let entries: Vec<SealedEntry> = numbers.map(|n| SealedEntry { entry: (0, n), hash: journal::entry_hash(&stored(n)) }).collect();
    let synopsis = Synopsis {
        kind: "password_reset".into(),
        requester: Some("Jane".into()),
        verified: None,
        account: None,
        verdict: None,
        rules: vec!["own-account".into()],
        done: vec![],
        ticket: Some(7),
        reason: None,
    };
    let synopsis = serde_json::value::to_raw_value(&synopsis).unwrap();
    let seal = Seal {
        schema: SCHEMA,
        case: case.into(),
        tenant: "acme".into(),
        state: "closed".into(),
        at: 9,
        count: entries.len() as u64,
        head: entries.last().unwrap().hash.clone(),
        synopsis: sha256_hex(synopsis.get().as_bytes()),
        entries,
    };
    Evidence { synopsis, seal: Signed::new(Domain::Case, &seal, key).unwrap() }
}

fn bundle(case: &str, numbers: std::ops::Range<u64>) -> Vec<String> {
    let evidence = evidence(case, numbers.clone(), Some(&key(1)));
    let mut lines = vec![header(case, "acme", "closed", Some(&evidence))];
    lines.extend(numbers.map(|n| entry((0, n), &stored(n))));
    lines.push(seal(Some(&evidence)));
    lines
}

fn check(lines: &[String]) -> Result<Proof, Broken> {
    verify(&(lines.join("\n") + "\n"), &key(1).public())
}

#[test]
fn a_bundle_proves_its_case_and_says_what_it_does_not_prove() {
    let proof = check(&bundle("c-1", 3..8)).unwrap();
    let Proof::Case { case, entries, synopsis, head, .. } = &proof else { panic!("{proof:?}") };
    assert_eq!((case.as_str(), *entries, synopsis.as_ref().unwrap().ticket, head), ("c-1", 5, Some(7), &journal::entry_hash(&stored(7))));
    assert!(proof.proves()[1].contains("none of them was changed") && proof.does_not_prove().len() == 4);
    let mut erased = bundle("c-1", 3..8);
    erased[0] = header("c-1", "acme", "closed", None);
    assert!(check(&erased).unwrap().proves().join(" ").contains("erased"));
}

/// A bundle some of whose entries were erased, with its header.
fn partly_erased() -> Vec<String> {
    let mut lines = bundle("c-1", 3..8);
    let mut held = evidence("c-1", 3..8, Some(&key(1)));
    assert!(held.erase() && !held.erase());
    lines[0] = header("c-1", "acme", "closed", Some(&held));
    for number in [3, 5] {
        let erased = Erased { sha256: journal::entry_hash(&stored(number)), at: 99 };
        let bytes = IntegrityKey::parse(&base64(&[7; 32])).unwrap().write("k", &erased);
        lines[usize::try_from(number).unwrap() - 2] = entry((0, number), &bytes);
    }
    lines
}

#[test]
fn an_erased_entry_proves_that_it_stood_there_and_no_more() {
    let proof = check(&partly_erased()).unwrap();
    let Proof::Case { entries: 5, erased: 2, synopsis: None, .. } = &proof else { panic!("{proof:?}") };
    assert!(proof.proves().join(" ").contains("2 of the entries were erased"));
    type Change<'a> = &'a dyn Fn(&mut Vec<String>);
    let table: &[(&str, Change, usize, &str)] = &[
        ("dropped", &|l| drop(l.remove(1)), 2, "the entry 0.3 is missing"),
        ("moved", &|l| l.swap(1, 3), 2, "the entry 0.3 stands further down"),
        ("renumbered", &|l| l[1] = l[1].replace("[0,3]", "[0,4]"), 2, "numbered 0.4"),
        ("another hash", &|l| l[1] = l[1].replacen("\"erased\":\"", "\"erased\":\"0", 1), 2, "was changed"),
        ("with something added", &|l| l[1] = l[1].replacen('{', "{\"x\":1,", 1), 2, "was changed"),
    ];
    for (what, change, line, why) in table {
        let mut lines = partly_erased();
        change(&mut lines);
        let broken = check(&lines).expect_err(what);
        assert!(broken.line == *line && broken.why.contains(why), "{what}: {broken}");
    }
}

#[test]
fn every_changed_byte_is_found_in_its_line() {
    let lines = bundle("c-1", 3..6);
    for (at, line) in lines.iter().enumerate() {
        for byte in 0..line.len() {
            for bit in [1, 2, 16] {
                let mut bytes = line.clone().into_bytes();
                bytes[byte] ^= bit;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                let mut bad = lines.clone();
                bad[at] = changed;
                let broken = check(&bad).expect_err(&bad[at]);
                assert_eq!(broken.line, at + 1, "{broken}: {}", bad[at]);
            }
        }
    }
}

#[test]
fn every_tampering_is_named_with_its_first_line() {
    let sound = bundle("c-1", 0..5);
    let other = bundle("c-2", 5..10);
    type Change<'a> = &'a dyn Fn(&mut Vec<String>);
    let table: &[(&str, Change, usize, &str)] = &[
        ("dropped", &|l| drop(l.remove(3)), 4, "the entry 0.2 is missing"),
        ("last entry dropped", &|l| drop(l.remove(5)), 6, "the entry 0.4 is missing"),
        ("first entry dropped", &|l| drop(l.remove(1)), 2, "the entry 0.0 is missing"),
        ("two swapped", &|l| l.swap(2, 4), 3, "the entry 0.1 stands further down"),
        ("duplicated", &|l| l.insert(3, l[2].clone()), 4, "stood further up already"),
        ("last duplicated", &|l| l.insert(6, l[5].clone()), 7, "stood further up already"),
        ("foreign entry put in", &|l| l.insert(2, other[1].clone()), 3, "not of this case"),
        ("foreign entry at the end", &|l| l.insert(6, other[1].clone()), 7, "not of this case"),
        ("entry replaced", &|l| l[2] = other[1].clone(), 3, "replaced by a line that is not of this case"),
        ("entry renumbered", &|l| l[2] = l[2].replace("[0,1]", "[0,2]"), 3, "numbered 0.2"),
        ("entry reformatted", &|l| l[2] = l[2].replace("{\"entry\":", "{ \"entry\":"), 3, "written in another way"),
        ("entry emptied", &|l| l[2] = String::new(), 3, "was changed"),
        ("foreign header", &|l| l[0] = other[0].clone(), 1, "the header names the case `c-2`"),
        ("foreign seal", &|l| *l.last_mut().unwrap() = other.last().unwrap().clone(), 1, "the seal `c-2`"),
        ("header told otherwise", &|l| l[0] = l[0].replace("Jane", "June"), 1, "synopsis was changed"),
        ("state changed", &|l| l[0] = l[0].replace("closed", "handed-over"), 1, "state"),
        ("tenant changed", &|l| l[0] = l[0].replace("acme", "globex"), 1, "tenant"),
        ("header gone", &|l| drop(l.remove(0)), 1, "not a bundle's header"),
        ("cut before the seal", &|l| l.truncate(6), 6, "the seal is missing"),
        ("cut in the seal", &|l| l[6].truncate(40), 7, "not a seal"),
        ("only a header", &|l| l.truncate(1), 1, "the rest is missing"),
        ("nothing", &|l| l.clear(), 1, "the rest is missing"),
        ("still open", &|l| *l.last_mut().unwrap() = seal(None), 7, "still open"),
        ("count changed in the seal", &|l| l[6] = l[6].replace("\"count\":5", "\"count\":4"), 7, "the signature does not fit"),
        ("not signed", &|l| l[6] = seal(Some(&evidence("c-1", 0..5, None))), 7, "not signed"),
        ("other key", &|l| l[6] = seal(Some(&evidence("c-1", 0..5, Some(&key(2))))), 7, "not with the one given"),
        (
            "key's name changed too",
            &|l| l[6] = seal(Some(&evidence("c-1", 0..5, Some(&key(2))))).replace(&key(2).public(), &key(1).public()),
            7,
            "does not fit",
        ),
    ];
    for (what, change, line, why) in table {
        let mut lines = sound.clone();
        change(&mut lines);
        let broken = check(&lines).expect_err(what);
        assert!(broken.line == *line && broken.why.contains(why), "{what}: {broken}");
    }
    assert!(check(&sound).is_ok());
    assert!(verify(&sound.join("\n"), &key(2).public()).is_err(), "another key was given");
    assert!(verify(&sound.join("\n"), "").is_err());
}

fn case(day: u64, number: i64, state: &str) -> DayCase {
    DayCase { day, number, case: Some(format!("c-{number}")), state: state.into(), head: None }
}

/// Three days: two cases, the second open; a late third of the first day and one of its own; more than a page.
fn week() -> Vec<String> {
    let mut lines = Vec::new();
    let mut head = String::new();
    let many: Vec<DayCase> = (1..=DAY_PAGE as i64 + 1).map(|n| case(DAY + 2, n, "closed")).collect();
    for (day, through, before, cases) in [
        (DAY, 2, 0, vec![case(DAY, 1, "closed"), case(DAY, 2, "open")]),
        (DAY + 1, 1, 3, vec![case(DAY + 1, 1, "closed"), case(DAY, 3, "closed"), case(DAY, 2, "handed-over")]),
        (DAY + 2, many.len() as i64, 1, many),
    ] {
        let (signed, cursor) = Day::sign("acme", day, (through, before), &cases, &head, 5, Some(&key(1)));
        lines.extend(signed.iter().map(super::day));
        head = cursor.head;
    }
    lines
}

#[test]
fn a_week_of_day_records_proves_that_no_case_is_missing() {
    let proof = check(&week()).unwrap();
    let Proof::Days { days, previous, states, .. } = &proof else { panic!("{proof:?}") };
    assert_eq!((*days, previous.as_str()), ((DAY, DAY + 2), ""));
    assert_eq!(states.iter().map(|(state, n)| (state.as_str(), *n)).collect::<Vec<_>>(), [("closed", DAY_PAGE + 4), ("handed-over", 1)]);
    assert_eq!(week().len(), 4);
    assert!(check(&week()[1..]).unwrap().does_not_prove().join(" ").contains("days before the first"));
}

#[test]
fn every_tampering_with_days_is_named() {
    let forged = |day: u64, through, before, cases: &[DayCase], after: usize| {
        let head = if after == 0 { String::new() } else { sha256_hex(serde_json::from_str::<DayLine>(&week()[after - 1]).unwrap().day.get().as_bytes()) };
        super::day(&Day::sign("acme", day, (through, before), cases, &head, 5, Some(&key(1))).0[0])
    };
    type Change<'a> = &'a dyn Fn(&mut Vec<String>);
    let table: &[(&str, Change, usize, &str)] = &[
        ("day dropped", &|l| drop(l.remove(1)), 2, "page 1 of day 20001 is missing"),
        ("page dropped", &|l| drop(l.remove(3)), 3, "the last pages of this day are missing"),
        ("first page dropped", &|l| drop(l.drain(..3)), 1, "the first pages"),
        ("swapped", &|l| l.swap(0, 1), 2, "is missing here"),
        ("duplicated", &|l| l.insert(1, l[0].clone()), 2, "is missing here"),
        ("changed", &|l| l[1] = l[1].replace("closed", "cl0sed"), 2, "does not fit"),
        ("reformatted", &|l| l[1] = l[1].replace("{\"day\":", "{\"day\": "), 2, "written in another way"),
        (
            "a case left out",
            &|l| {
                l.truncate(1);
                l[0] = forged(DAY, 2, 0, &[case(DAY, 2, "open")], 0)
            },
            1,
            "case 1 of 2",
        ),
        (
            "a late case left out",
            &|l| {
                l.truncate(2);
                l[1] = forged(DAY + 1, 0, 3, &[case(DAY, 2, "closed")], 1)
            },
            2,
            "case 3 of day 20000, which came late",
        ),
        (
            "an open case forgotten",
            &|l| {
                l.truncate(2);
                l[1] = forged(DAY + 1, 0, 2, &[], 1)
            },
            2,
            "was open, and is not taken up",
        ),
        ("a day replaced", &|l| l[0] = forged(DAY, 1, 0, &[case(DAY, 1, "closed")], 0), 2, "does not follow"),
        ("a seal for a day", &|l| l[0] = bundle("c-1", 0..2)[3].replace("{\"seal\":", "{\"day\":"), 1, "does not fit"),
    ];
    for (what, change, line, why) in table {
        let mut lines = week();
        change(&mut lines);
        let broken = check(&lines).expect_err(what);
        assert!(broken.line == *line && broken.why.contains(why), "{what}: {broken}");
    }
}

#[test]
fn a_signing_key_is_optional_and_a_wrong_one_is_named() {
    assert!(SigningKey::parse("").unwrap().is_none());
    assert_eq!(SigningKey::parse(&base64(&[1; 32])).unwrap().unwrap().public(), key(1).public());
    for text in ["!", "AAAA", &base64(&[1; 33])] {
        assert!(SigningKey::parse(text).unwrap_err().contains("signing_private_key"));
    }
    assert!(!format!("{:?}", key(1)).contains(&base64(&[1; 32])));
}
