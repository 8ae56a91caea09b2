use super::*;
use crate::days::close;
use crate::fake::*;
use firstline_core::evidence::{self, Proof, SigningKey, verify};
use firstline_core::mailbox::Act;
use firstline_core::past::Familiar;
use firstline_core::seal::base64;

const KEY: [u8; 32] = [5; 32];

/// A greeting, a reset that was closed, and thanks.
fn played() -> (World, Script) {
    let (mut world, stages) = (World::new(), Script::default());
    world.variables.insert("signing_private_key", base64(&KEY));
    world.list_tenant("acme");
    world.say(&stages, "greeting");
    world.say(&stages, "password_reset");
    world.press(&stages, "yes");
    world.say(&stages, "thanks");
    (world, stages)
}

/// The daily tick, so many days after the case.
fn tick(world: &World, days: u64) {
    let night = (START / DAY + days) * DAY + 20 * MINUTE;
    world.now.set(night.max(world.now.get()));
    for _ in 0..days {
        _ = block_on(close(world, &world.settings()));
    }
}

fn proof(world: &World, case: &str) -> Proof {
    let settings = world.settings();
    let values = world.values.borrow();
    let held: Evidence = settings.integrity.read(&keys::evidence(case), &values[&keys::evidence(case)]).unwrap();
    let seal: Seal = held.seal.read().unwrap();
    let mut lines = vec![evidence::header(case, "acme", &seal.state, Some(&held))];
    let stored = |entry: (i64, u64)| values[&keys::log(&World::conversation(), entry.0, entry.1)].clone();
    lines.extend(seal.entries.iter().map(|sealed| evidence::entry(sealed.entry, &stored(sealed.entry))));
    lines.push(evidence::seal(Some(&held)));
    verify(&lines.join("\n"), &SigningKey::from_bytes(&KEY).public()).unwrap()
}

/// Keys under which something of a person stands: what was written, an address, a user's id.
fn personal(world: &World) -> Vec<String> {
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    let words = ["jane@acme.example", "\"U1\"", "\"message\":\"password_reset\"", "\"message\":\"greeting\""];
    world.values.borrow().iter().filter(|(_, bytes)| words.iter().any(|word| holds(bytes, word))).map(|(key, _)| key.clone()).collect()
}

#[test]
fn after_its_days_what_people_wrote_is_gone_and_the_proof_stays() {
    let (world, stages) = played();
    let case = world.cases()[0].case.clone();
    tick(&world, 90);
    let Proof::Case { entries, erased: 0, synopsis: Some(_), .. } = proof(&world, &case) else { panic!("erased too early") };
    let before = personal(&world);
    assert!(before.iter().any(|key| key.starts_with("event/")) && before.iter().any(|key| key.starts_with("log/")), "{before:?}");
    tick(&world, 91);
    let Proof::Case { erased, synopsis: None, .. } = proof(&world, &case) else { panic!("not erased") };
    assert_eq!(erased as u64, entries);
    let words = proof(&world, &case).proves().join("; ");
    assert!(words.contains(&format!("{erased} of the entries were erased")) && words.contains("personal part was erased"), "{words}");
    // Thanks came after the end, and are erased with the next case.
    let left = personal(&world);
    let last = |key: &String| key.starts_with("event/") && key.ends_with("/4") || key.starts_with("log/");
    assert!(left.len() <= 2 && left.iter().all(last), "{left:?}");
    let summary = world.cases().remove(0);
    assert!(summary.tally.is_some_and(|tally| tally.times.confirmed.is_some()) && summary.ticket.is_some());
    // Again changes nothing, and the conversation goes on.
    let effects = world.effects.get();
    tick(&world, 91);
    assert_eq!(world.effects.get(), effects);
    world.say(&stages, "password_reset");
    world.press(&stages, "yes");
    assert!(world.cases().len() == 2 && world.cases().iter().all(|case| case.state == "closed"));
    tick(&world, 190);
    assert_eq!(personal(&world), Vec::<String>::new());
}

#[test]
fn wherever_it_stops_the_next_tick_erases_the_rest() {
    let mut stops = 0;
    for before in [true, false] {
        for at in 0.. {
            let (world, _) = played();
            tick(&world, 90);
            world.crash.set(Some((world.effects.get() + at, before)));
            tick(&world, 91);
            let stopped = world.dead.replace(false);
            world.crash.set(None);
            tick(&world, 92);
            let left = personal(&world);
            assert!(left.iter().all(|key| key.ends_with("/4") || key.starts_with("log/")) && left.len() <= 2, "effect {at}: {left:?}");
            proof(&world, &world.cases()[0].case);
            if !stopped {
                break;
            }
            stops += 1;
        }
    }
    assert!(stops >= 6, "{stops}");
}

#[test]
fn the_tenant_says_after_how_many_days() {
    let (world, _) = played();
    let mut document = document();
    document["retention_days"] = 7.into();
    world.save(&firstline_core::tenant::parse("acme", document.to_string().as_bytes(), &Default::default()).unwrap());
    tick(&world, 7);
    assert!(personal(&world).len() > 3);
    tick(&world, 8);
    assert!(personal(&world).len() <= 2);
}

#[test]
fn an_open_case_waits_and_many_cases_are_erased_page_by_page() {
    let (world, stages) = played();
    world.say(&stages, "password_reset");
    assert_eq!(world.cases().iter().filter(|case| case.state == "open").count(), 1);
    let day = START / DAY;
    // Numbers of cases whose runner died before it stored them.
    world.counters.borrow_mut().insert(keys::case_counter("acme", day), 2 * MOST_CASES as i64 + 5);
    let settings = world.settings();
    let page = || block_on(erase(&world, &settings, "acme", day + 90)).unwrap();
    assert_eq!([page(), page(), page(), page()], [false, false, true, true]);
    let open = world.cases().into_iter().find(|case| case.state == "open").unwrap().case;
    let held = |world: &World| world.values.borrow().iter().filter(|(key, bytes)| key.starts_with("event/") && !bytes.is_empty()).count();
    assert_eq!(held(&world), 2, "the request of the open case, and the thanks before it");
    world.deliver(&stages, &world.event(Act::Message("human".into())));
    page();
    assert_eq!((held(&world), world.cases().iter().find(|case| case.case == open).unwrap().state.as_str()), (0, "handed-over"));
}

#[test]
fn a_link_that_nobody_opened_vanishes_when_it_expires() {
    let (world, stages) = played();
    let sealed = |world: &World| -> Vec<String> {
        let values = world.values.borrow();
        values.iter().filter(|(key, _)| key.starts_with("once/")).map(|(_, bytes)| read::<Once>(bytes).unwrap().sealed).collect()
    };
    let wait = |minutes: u64| {
        for _ in 0..minutes {
            world.now.set(world.now.get() + MINUTE);
            world.tick(&stages);
        }
    };
    wait(59);
    assert!(!sealed(&world)[0].is_empty());
    wait(2);
    assert_eq!(sealed(&world), [""]);
    let effects = world.effects.get();
    wait(1);
    assert!(world.effects.get() <= effects + 1, "only the clock is noted");
}

#[test]
fn secrets_of_a_case_vanish_when_they_were_delivered_however_long_it_stays_open() {
    let (world, stages) = (World::new(), Script::default());
    world.say(&stages, "password_reset");
    let busy = Trouble::Answers(429, &[("retry-after", "3600")]);
    world.troubles.borrow_mut().push_back(("GET https://api-na.myconnectwise.net/v4/apis/3.0/service/tickets/", busy));
    world.press(&stages, "yes");
    assert_eq!(world.end(), "open");
    let case = world.cases()[0].case.clone();
    for name in CASE_SECRETS {
        assert_eq!(world.values.borrow()[&keys::case_secret(&case, name)], b"", "{name}");
    }
    assert_eq!(world.links().len(), 1);
}

#[test]
fn what_was_learned_from_tickets_is_forgotten_with_them() {
    let (world, _) = played();
    let (settings, key) = (world.settings(), keys::past("acme"));
    let learned = Past { memory: "Sam approves".into(), learned: 40, seen: vec!["0a".into()], turn: 3, at: START, read_to: String::new() };
    let names = keys::familiar("acme");
    let vocabulary = Vocabulary { names: vec![Familiar { phrase: "zorbex".into(), intent: "app_outage".into() }] };
    let written = vec![(key.clone(), settings.integrity.write(&key, &learned)), (names.clone(), settings.integrity.write(&names, &vocabulary))];
    block_on(world.set_many(written)).unwrap();
    let own = |world: &World| settings.integrity.read::<Vocabulary>(&names, &world.values.borrow()[&names]).unwrap();
    let kept = |world: &World| settings.integrity.read::<Past>(&key, &world.values.borrow()[&key]).unwrap();
    tick(&world, 90);
    assert_eq!((kept(&world), own(&world)), (learned, vocabulary));
    tick(&world, 91);
    assert_eq!((kept(&world), own(&world)), (Past { turn: 4, at: START, ..Past::default() }, Vocabulary::default()));
    // It is written once, and what is learned later stays.
    tick(&world, 92);
    assert_eq!(kept(&world).turn, 4);
}
